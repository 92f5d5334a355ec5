//! Rounds of measurements: everything in turn, and again, so that what disturbs the machine disturbs everything alike.

use super::empty::EmptyHandler;
use super::peer::{self, Peer, PeerOrders};
use super::raw::RawInserts;
use super::shop::BenchShop;
use crate::load::drive::{Driven, Pace};
use crate::load::processes::Processes;
use crate::load::report::LoadReport;
use crate::load::scenario::{Compose, Composer, Scenario, Wanted};
use crate::load::world::World;
use crate::shop::say::say;
use common::ids::OrderId;
use hyper::header::HeaderValue;
use serde::Serialize;
use std::sync::Arc;

/// Lines of the baskets that are compared with orders of one line.
const BASKET: u8 = 20;

pub const RAW: &str = "insert_one, raw";
pub const EMPTY: &str = "empty handler behind a gateway";
pub const PEER_UNIFORM: &str = "peer: orders, spread";
pub const PEER_HOT: &str = "peer: orders, one product";

const SCENARIOS: [(Scenario, Option<u8>); 9] = [
    (Scenario::PlaceUniform, None),
    (Scenario::PlaceHot, None),
    (Scenario::PlaceBasket, Some(BASKET)),
    (Scenario::PlaceBasket, None),
    (Scenario::ListOrders, None),
    (Scenario::ReadOrder, None),
    (Scenario::ReadProduct, None),
    (Scenario::Search, None),
    (Scenario::Mixed, None),
];

/// One thing that was measured, once in each round.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Measured {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenario: Option<Scenario>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<u8>,
    /// A second, of each round.
    pub throughput: Vec<f64>,
    /// Of each round, where the load generator measured.
    pub reports: Vec<LoadReport>,
}

impl Measured {
    fn named(name: &str) -> Self {
        Self { name: name.into(), scenario: None, lines: None, throughput: Vec::new(), reports: Vec::new() }
    }

    fn of(scenario: Scenario, lines: Option<u8>) -> Self {
        let lines_told = lines.map_or_else(String::new, |lines| format!(" of {lines} lines"));
        let name = format!("{scenario:?}{lines_told}");
        Self { scenario: Some(scenario), lines, ..Self::named(&name) }
    }

    pub fn median(&self) -> f64 {
        median(self.throughput.clone())
    }

    /// The lowest and the highest.
    pub fn spread(&self) -> (f64, f64) {
        let lowest = self.throughput.iter().copied().fold(f64::INFINITY, f64::min);
        (lowest, self.throughput.iter().copied().fold(0.0, f64::max))
    }

    pub fn median_of(&self, value: impl Fn(&LoadReport) -> f64) -> f64 {
        median(self.reports.iter().map(value).collect())
    }
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Asks for one path again and again.
#[derive(Clone)]
struct Same {
    path: String,
    authorization: Option<HeaderValue>,
}

impl Compose for Same {
    fn compose(&mut self, _number: u64) -> Wanted {
        Wanted::read(self.path.clone(), self.authorization.clone())
    }
}

pub struct Rounds<'a> {
    shop: &'a BenchShop,
    world: Arc<World>,
    pace: Pace,
    raw: RawInserts,
    empty: EmptyHandler,
    peer: Option<Peer>,
    measured: Vec<Measured>,
    acknowledged: Vec<OrderId>,
}

impl<'a> Rounds<'a> {
    pub async fn new(
        shop: &'a BenchShop,
        world: World,
        pace: Pace,
        peer: Option<Peer>,
    ) -> anyhow::Result<Self> {
        let mut measured = vec![Measured::named(RAW), Measured::named(EMPTY)];
        measured.extend(SCENARIOS.iter().map(|(scenario, lines)| Measured::of(*scenario, *lines)));
        if peer.is_some() {
            measured.extend([Measured::named(PEER_UNIFORM), Measured::named(PEER_HOT)]);
        }
        Ok(Self {
            raw: RawInserts::prepare(shop.mongo_uri()).await?,
            empty: EmptyHandler::open(shop).await?,
            shop,
            world: Arc::new(world),
            pace,
            peer,
            measured,
            acknowledged: Vec::new(),
        })
    }

    /// Measures everything once.
    pub async fn turn(&mut self) -> anyhow::Result<()> {
        for place in 0..self.measured.len() {
            let Some(measured) = self.measured.get(place) else { continue };
            let (name, scenario, lines) = (measured.name.clone(), measured.scenario, measured.lines);
            let report = match (scenario, name.as_str()) {
                (Some(scenario), _) => Some(self.drive(scenario, lines, self.pace).await?),
                (None, EMPTY) => Some(self.drive_same().await?),
                (None, PEER_UNIFORM) => Some(self.drive_peer(false).await?),
                (None, PEER_HOT) => Some(self.drive_peer(true).await?),
                (None, _) => None,
            };
            let throughput = match &report {
                Some(report) => report.throughput,
                None => {
                    self.raw.measure(self.pace.concurrency, self.pace.warm_up, self.pace.duration).await?
                }
            };
            say(&format!("{name:34} {throughput:>9.0} a second"));
            if let Some(measured) = self.measured.get_mut(place) {
                measured.throughput.push(throughput);
                measured.reports.extend(report);
            }
        }
        Ok(())
    }

    /// Orders of one unit at a fixed rate.
    pub async fn open_loop(&mut self, rate: u32, pace: Pace) -> anyhow::Result<LoadReport> {
        self.drive(Scenario::PlaceUniform, None, Pace { rate: Some(rate), ..pace }).await
    }

    pub fn median_of(&self, scenario: Scenario) -> f64 {
        let measured = self.measured.iter().find(|measured| measured.scenario == Some(scenario));
        measured.map_or(0.0, Measured::median)
    }

    /// What was measured, and every order that was answered 201.
    pub async fn finish(self) -> anyhow::Result<(Vec<Measured>, Vec<OrderId>)> {
        self.empty.close().await;
        if let Some(peer) = self.peer {
            peer.close().await?;
        }
        Ok((self.measured, self.acknowledged))
    }

    async fn drive(
        &mut self,
        scenario: Scenario,
        lines: Option<u8>,
        pace: Pace,
    ) -> anyhow::Result<LoadReport> {
        let logged = self.shop.logged();
        let composer = Composer::new(self.world.clone(), scenario, lines);
        let mut driven = pace.drive(&self.shop.address()?, composer, self.shop.processes()?).await?;
        self.acknowledged.append(&mut driven.tally.acknowledged);
        let logged = self.shop.logged().zip(logged).map(|(after, before)| after.saturating_sub(before));
        Ok(LoadReport::new(scenario, lines, &pace, &driven, logged))
    }

    async fn drive_same(&self) -> anyhow::Result<LoadReport> {
        let product = self.world.products.first().map(ToString::to_string).unwrap_or_default();
        let authorization = self.world.customers.first().map(|customer| customer.authorization.clone());
        let same = Same { path: format!("/products/{product}"), authorization };
        let driven = self.pace.drive(&self.empty.address, same, Processes::own()?).await?;
        Ok(self.told(Scenario::ReadProduct, &driven))
    }

    async fn drive_peer(&self, hot: bool) -> anyhow::Result<LoadReport> {
        let orders = PeerOrders { hot, rng: fastrand::Rng::new() };
        let driven = self.pace.drive(peer::ADDRESS, orders, Processes::own()?).await?;
        let scenario = if hot { Scenario::PlaceHot } else { Scenario::PlaceUniform };
        Ok(self.told(scenario, &driven))
    }

    fn told(&self, scenario: Scenario, driven: &Driven) -> LoadReport {
        LoadReport::new(scenario, None, &self.pace, driven, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).abs() < f64::EPSILON);
    }
}
