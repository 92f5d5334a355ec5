//! Sends the load: closed loop (each connection sends when it was answered) or open loop (requests have their moments,
//! whatever became of those before them), and measures it.

use super::connection::{Answered, Connection};
use super::processes::{Processes, Spent};
use super::scenario::Compose;
use super::tally::Tally;
use anyhow::Context as _;
use futures_util::future::try_join_all;
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::LocalSet;

/// How requests are sent.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Requests a second of an open loop; a closed loop where there is none.
    pub rate: Option<u32>,
    /// Connections, each with one request in flight.
    pub concurrency: usize,
    /// Sent, and not counted.
    pub warm_up: Duration,
    /// Counted.
    pub duration: Duration,
}

/// What one drive came to.
pub struct Driven {
    pub tally: Tally,
    pub spent: Vec<Spent>,
}

impl Pace {
    /// `address` is `host:port`. Runs on a thread of its own, so that the generator's work is one number and not
    /// spread over the runtime.
    pub async fn drive(
        self,
        address: &str,
        composer: impl Compose,
        processes: Processes,
    ) -> anyhow::Result<Driven> {
        let address = address.to_owned();
        let driving = tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            LocalSet::new().block_on(&runtime, self.drive_here(&address, composer, processes))
        });
        driving.await?
    }

    async fn drive_here(
        self,
        address: &str,
        composer: impl Compose,
        processes: Processes,
    ) -> anyhow::Result<Driven> {
        let mut connections = Vec::with_capacity(self.concurrency);
        for _ in 0..self.concurrency {
            let mut connection = Connection::new(address)?;
            connection.open().await.with_context(|| format!("connect to {address}"))?;
            connections.push(connection);
        }
        let begun = Instant::now();
        let clock =
            Clock { begun, counted: begun + self.warm_up, over: begun + self.warm_up + self.duration };
        let tickets = Rc::new(Cell::new(0));
        let send = |connection| {
            let (composer, tickets) = (composer.clone(), tickets.clone());
            tokio::task::spawn_local(async move { self.send(connection, composer, &tickets, clock).await })
        };
        let loops: Vec<_> = connections.into_iter().map(send).collect();
        tokio::time::sleep_until(clock.counted.into()).await;
        let before = processes.read();
        tokio::time::sleep_until(clock.over.into()).await;
        let after = processes.read();
        let mut tally = Tally::new(self.duration)?;
        for part in try_join_all(loops).await? {
            tally.add(&part?)?;
        }
        Ok(Driven { tally, spent: Spent::between(&before, &after) })
    }

    async fn send(
        self,
        mut connection: Connection,
        mut composer: impl Compose,
        tickets: &Cell<u64>,
        clock: Clock,
    ) -> anyhow::Result<Tally> {
        let mut tally = Tally::new(self.duration)?;
        loop {
            let number = tickets.replace(tickets.get() + 1);
            let intended = match self.rate {
                None => Instant::now(),
                Some(rate) => clock.begun + moment_of(number, rate),
            };
            if intended >= clock.over {
                return Ok(tally);
            }
            if self.rate.is_some() {
                tokio::time::sleep_until(intended.into()).await;
            }
            let sent = Instant::now();
            if sent >= clock.over {
                // Its moment passed while every connection was busy.
                tally.unsent += 1;
                continue;
            }
            let answered = connection.ask(composer.compose(number)).await;
            let done = Instant::now();
            if let Answered::Status(201, Some(order)) = answered {
                tally.acknowledged.push(order);
            }
            if done >= clock.counted && done < clock.over {
                tally.count(answered, done - intended, done - sent);
            }
            if answered == Answered::Broken {
                // A shop that is down is not hammered.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Clock {
    begun: Instant,
    counted: Instant,
    over: Instant,
}

/// When the request of this number is due, from the beginning.
fn moment_of(number: u64, rate: u32) -> Duration {
    Duration::from_secs_f64(number as f64 / f64::from(rate.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_loop_has_its_moments() {
        assert_eq!(moment_of(0, 500), Duration::ZERO);
        assert_eq!(moment_of(500, 500), Duration::from_secs(1));
    }
}
