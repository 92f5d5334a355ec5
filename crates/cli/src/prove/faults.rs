//! What goes wrong, and when: one fault after another, some at the same time, chosen by the seed.

use super::random::Random;
use super::tally::Tally;
use super::victims::Victims;
use crate::shop::servers::REDIS;
use crate::shop::services::Service;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Fault {
    /// kill -9 of a service, and its start a moment later.
    KillService,
    /// SIGSTOP of a service for some seconds.
    PauseService,
    KillPrimary,
    PausePrimary,
    KillRedis,
    PauseRedis,
    /// A link swallows what it is given.
    SwallowLink,
    /// A link resets its connections.
    CutLink,
    /// A link takes its time.
    SlowLink,
}

impl Fault {
    pub const ALL: [Self; 9] = [
        Self::KillService,
        Self::PauseService,
        Self::KillPrimary,
        Self::PausePrimary,
        Self::KillRedis,
        Self::PauseRedis,
        Self::SwallowLink,
        Self::CutLink,
        Self::SlowLink,
    ];

    pub const fn label(self) -> &'static str {
        match self {
            Self::KillService => "service killed",
            Self::PauseService => "service paused",
            Self::KillPrimary => "primary killed",
            Self::PausePrimary => "primary paused",
            Self::KillRedis => "Redis killed",
            Self::PauseRedis => "Redis paused",
            Self::SwallowLink => "link swallows",
            Self::CutLink => "link cut",
            Self::SlowLink => "link slow",
        }
    }
}

/// Hurts the shop until a moment, one fault at a time; several may do so side by side.
pub struct Injector<'a> {
    pub victims: &'a Victims,
    pub faults: &'a [Fault],
    pub tally: &'a Tally,
    /// What another injector is at.
    pub busy: &'a Mutex<HashSet<&'static str>>,
    pub random: Random,
}

impl Injector<'_> {
    pub async fn run(mut self, until: Instant) -> anyhow::Result<()> {
        while Instant::now() < until {
            let pause = self.random.millis(200..=2_000);
            tokio::time::sleep(pause.min(until.saturating_duration_since(Instant::now()))).await;
            let Some(fault) = self.random.one_of(self.faults).copied() else { return Ok(()) };
            let Some(target) = self.target(fault).await else { continue };
            if !self.lock().insert(target) {
                continue;
            }
            self.tally.fault(fault.label());
            let inflicted = self.inflict(fault, target).await;
            self.lock().remove(target);
            inflicted?;
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<&'static str>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn target(&mut self, fault: Fault) -> Option<&'static str> {
        match fault {
            Fault::KillService | Fault::PauseService => {
                self.random.one_of(&Service::ALL).map(|service| service.name())
            }
            Fault::KillPrimary | Fault::PausePrimary => self.victims.primary().await,
            Fault::KillRedis | Fault::PauseRedis => Some(REDIS),
            Fault::SwallowLink | Fault::CutLink | Fault::SlowLink => {
                self.random.one_of(&self.victims.links).map(|link| link.name)
            }
        }
    }

    async fn inflict(&mut self, fault: Fault, target: &'static str) -> anyhow::Result<()> {
        let victims = self.victims;
        let link = victims.links.iter().find(|link| link.name == target);
        match (fault, link) {
            (Fault::KillService | Fault::KillPrimary | Fault::KillRedis, _) => {
                victims.kill(target).await?;
                tokio::time::sleep(self.random.millis(0..=3_000)).await;
                victims.restart(target).await?;
            }
            (Fault::PauseService | Fault::PausePrimary | Fault::PauseRedis, _) => {
                victims.pause(target).await?;
                tokio::time::sleep(self.random.millis(50..=8_000)).await;
                victims.resume(target).await?;
            }
            (Fault::SwallowLink, Some(link)) => {
                link.swallow();
                tokio::time::sleep(self.random.millis(50..=8_000)).await;
                link.heal();
            }
            (Fault::CutLink, Some(link)) => {
                for _ in 0..self.random.number(1..=10) {
                    link.cut();
                    tokio::time::sleep(self.random.millis(1..=200)).await;
                }
            }
            (Fault::SlowLink, Some(link)) => {
                link.slow_down(self.random.millis(20..=1_500));
                tokio::time::sleep(self.random.millis(500..=5_000)).await;
                link.heal();
            }
            (Fault::SwallowLink | Fault::CutLink | Fault::SlowLink, None) => {}
        }
        Ok(())
    }
}

/// Starts again whatever ended by itself, for as long as it is polled.
pub async fn supervise(victims: &Victims, busy: &Mutex<HashSet<&'static str>>) -> anyhow::Result<()> {
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        victims.revive(busy).await?;
    }
}
