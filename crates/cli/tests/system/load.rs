//! The load generator against the whole system: every scenario for a moment.

use crate::filling::run;
use crate::system::System;
use serde_json::Value;

/// A small world, so that it stands within the log-ins that one address is allowed.
const SMALL: [&str; 8] = ["--customers", "3", "--products", "20", "--concurrency", "8", "--warm-up", "0"];

async fn load(system: &System, scenario: &str, more: &[&str]) -> Value {
    let prefix =
        ["load", scenario, "--json", "--duration", "1", "--database-prefix", &system.plan.database_prefix];
    serde_json::from_str(&run(system, &[&prefix, SMALL.as_slice(), more].concat()).await).unwrap()
}

#[tokio::test]
async fn every_scenario_is_answered_and_what_it_placed_audits_clean() {
    let system = System::start().await;
    for (scenario, status) in [
        ("place-uniform", "201"),
        ("place-hot", "201"),
        ("place-basket", "201"),
        ("list-orders", "200"),
        ("read-order", "200"),
        ("read-product", "200"),
        ("search", "200"),
        ("mixed", "200"),
    ] {
        let report = load(&system, scenario, &[]).await;
        assert!(report["answers"][status].as_u64().unwrap() > 0, "{scenario}: {report}");
        assert!(report["latencyMs"]["p50"].as_f64().unwrap() > 0.0, "{scenario}: {report}");
    }
}

#[tokio::test]
async fn an_open_loop_offers_its_rate_and_no_more() {
    let system = System::start().await;
    let report = load(&system, "read-product", &["--rate", "50"]).await;
    let answers = report["answers"].as_object().unwrap();
    let answered: u64 = answers.values().map(|count| count.as_u64().unwrap()).sum();
    assert!(answered + report["unsent"].as_u64().unwrap() <= 50, "{report}");
}
