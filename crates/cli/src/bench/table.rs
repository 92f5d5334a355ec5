//! The run as a table: medians with their spread, and the ratios that hold on any machine.

use super::Report;
use super::rounds::{EMPTY, Measured, PEER_HOT, PEER_UNIFORM, RAW};
use crate::load::report::LoadReport;
use crate::load::scenario::Scenario;
use comfy_table::{Table, presets};
use std::fmt;

/// Both tables of a report.
pub struct Tables {
    figures: Table,
    ratios: Table,
}

impl fmt::Display for Tables {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "\n{}\n\n{}", self.figures, self.ratios)
    }
}

pub fn table(report: &Report) -> Tables {
    Tables { figures: figures(report), ratios: ratios(report) }
}

fn figures(report: &Report) -> Table {
    let mut table = with_header([
        "measured",
        "a second",
        "lowest to highest",
        "p50 ms",
        "p99 ms",
        "CPU µs each",
        "log bytes each",
    ]);
    for measured in &report.measured {
        let (lowest, highest) = measured.spread();
        let of = |value: fn(&crate::load::report::LoadReport) -> Option<f64>| {
            if measured.reports.iter().all(|report| value(report).is_none()) {
                return "–".to_owned();
            }
            format!("{:.1}", measured.median_of(|report| value(report).unwrap_or(0.0)))
        };
        let is_own = measured.scenario.is_some();
        table.add_row([
            measured.name.clone(),
            format!("{:.0}", measured.median()),
            format!("{lowest:.0} to {highest:.0}"),
            of(|report| report.latency_ms.map(|latency| latency.p50)),
            of(|report| report.latency_ms.map(|latency| latency.p99)),
            if is_own { of(|report| Some(report.cpu_per_request_us)) } else { "–".into() },
            of(|report| report.log_bytes_per_request),
        ]);
    }
    table
}

/// Name, value, target.
pub fn ratio_rows(report: &Report) -> Vec<(&'static str, f64, &'static str)> {
    let named = |name: &str| {
        report.measured.iter().find(|measured| measured.name == name).map_or(0.0, Measured::median)
    };
    let of = |scenario, lines| {
        let found = report.measured.iter().find(|one| one.scenario == Some(scenario) && one.lines == lines);
        found.map_or(0.0, Measured::median)
    };
    let over = |one: f64, other: f64| if other > 0.0 { one / other } else { 0.0 };
    let spread = of(Scenario::PlaceUniform, None);
    let hot = of(Scenario::PlaceHot, None);
    let orders = report.measured.iter().find(|one| one.scenario == Some(Scenario::PlaceUniform));
    let p99 = |report: &LoadReport| report.latency_ms.map_or(0.0, |latency| latency.p99);
    let peak_rss = |name: &str| {
        let reports = report.measured.iter().flat_map(|measured| &measured.reports).chain([&report.overload]);
        let processes =
            reports.flat_map(|report| &report.processes).filter(|process| process.process == name);
        processes.map(|process| process.peak_rss_mb).fold(0.0, f64::max)
    };
    let mut rows = vec![
        ("orders, spread, over raw insert_one", over(spread, named(RAW)), "≥ 1.2"),
        (
            "CPU of one order, µs",
            orders.map_or(0.0, |one| one.median_of(|report| report.cpu_per_request_us)),
            "≤ 140",
        ),
        ("orders, one product, over spread", over(hot, spread), "≥ 1.0"),
        (
            "lines of 20-line baskets over single-line orders",
            20.0 * over(of(Scenario::PlaceBasket, Some(20)), spread),
            "≥ 4",
        ),
        ("p99 at half of the peak rate, ms", p99(&report.half_rate), "≤ 25"),
        (
            "a customer's 20 orders over an empty handler",
            over(of(Scenario::ListOrders, None), named(EMPTY)),
            "≥ 0.2",
        ),
        ("a product over an empty handler", over(of(Scenario::ReadProduct, None), named(EMPTY)), "≥ 0.7"),
        ("goodput at three times the peak over the peak", over(report.overload.throughput, spread), "≥ 0.8"),
        (
            "p99 of refusals under overload, ms",
            report.overload.refusal_ms.map_or(0.0, |latency| latency.p99),
            "≤ 50",
        ),
        (
            "p99 of orders at three times the peak over that at the peak",
            over(p99(&report.overload), orders.map_or(0.0, |one| one.median_of(p99))),
            "≤ 2",
        ),
    ];
    for (name, told) in [
        ("gateway", "highest RSS of gateway, MB"),
        ("order-service", "highest RSS of order-service, MB"),
        ("customer-service", "highest RSS of customer-service, MB"),
        ("product-service", "highest RSS of product-service, MB"),
    ] {
        rows.push((told, peak_rss(name), "≤ 60"));
    }
    if report.measured.iter().any(|measured| measured.name == PEER_UNIFORM) {
        rows.push(("orders, spread, over the peer's", over(spread, named(PEER_UNIFORM)), "≥ 8"));
        rows.push(("orders, one product, over the peer's", over(hot, named(PEER_HOT)), "≥ 30"));
    }
    rows
}

fn ratios(report: &Report) -> Table {
    let mut table = with_header(["ratio of the medians", "value", "target"]);
    for (name, value, target) in ratio_rows(report) {
        table.add_row([name.to_owned(), format!("{value:.2}"), target.to_owned()]);
    }
    table
}

pub fn with_header<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(header);
    table
}
