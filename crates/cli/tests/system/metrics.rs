//! The metrics of every service as a Prometheus client library reads them that nobody here wrote.

use crate::python::python_with;
use crate::shop::eventually;
use crate::system::System;
use comfy_table::{Table, presets};
use oms_cli::shop::services::Service;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const VERSION: &str = "prometheus-client==0.26.0";

/// Reads a scrape from standard input as strictly as OpenMetrics wants it, and prints every family.
const PROGRAM: &str = "
import json, sys, urllib.request
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as classic
answer = urllib.request.urlopen(sys.argv[1])
assert answer.headers['content-type'].startswith('application/openmetrics-text; version=1.0.0'), answer.headers
text = answer.read().decode()
families = [{'name': f.name, 'type': f.type, 'help': f.documentation, 'series': len(f.samples),
             'samples': {s.name + json.dumps(s.labels, sort_keys=True): s.value for s in f.samples}}
            for f in text_string_to_metric_families(text)]
assert len(list(classic(text))) >= len(families)
print(json.dumps(families))
";

/// What each service must show at least, after one order.
const EXPECTED: [(Service, &[&str]); 4] = [
    (
        Service::Customer,
        &[
            "oms_passwords_compute_seconds",
            "oms_passwords_waiting",
            "oms_redis_exchange_seconds",
            "oms_mongo_errors",
        ],
    ),
    (
        Service::Product,
        &["oms_batch_entries", "oms_ledger_outcomes", "oms_cache_requests", "oms_mongo_exchange_seconds"],
    ),
    (
        Service::Order,
        &["oms_batch_wait_seconds", "oms_orders_placed", "oms_orders_pending", "oms_order_effects_due"],
    ),
    (
        Service::Gateway,
        &["oms_rate_limit_decisions", "oms_upstream_seconds", "oms_shed", "oms_upstream_breaker_open"],
    ),
];

const EVERYWHERE: [&str; 5] = [
    "oms_build",
    "oms_http_request_duration_seconds",
    "oms_http_requests_in_flight",
    "process_cpu_seconds",
    "process_resident_memory_bytes",
];

fn scrape(python: &Path, url: &str) -> Vec<Value> {
    let mut command = Command::new(python);
    command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
    let output = command.args(["-c", PROGRAM, url]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn every_scrape_is_read_whole_and_holds_what_was_done() {
    let python = || python_with("prometheus", &[VERSION], "prometheus_client");
    let python = tokio::task::spawn_blocking(python).await.unwrap();
    let system = System::start().await;
    let admin = system.admin();
    let seeded = oms_cli::seed::seed(&admin).await.unwrap();
    let (customer, product) = (seeded.customers[0].customer.id, seeded.products[0].id);
    let order = admin.create_order(customer, product, 1).await.unwrap();
    admin.product(product).await.unwrap();
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["service", "family", "type", "series"]);
    for (service, expected) in EXPECTED {
        let families =
            scrape(&python, &format!("{}/metrics", service.ports(&system.plan.ports).internal_url()));
        let names: BTreeSet<&str> = families.iter().map(|family| family["name"].as_str().unwrap()).collect();
        for name in expected.iter().chain(&EVERYWHERE) {
            assert!(names.contains(name), "{} does not show {name}: {names:?}", service.name());
        }
        let whole = serde_json::to_string(&families).unwrap();
        for personal in [order.id.to_string(), customer.to_string(), product.to_string()] {
            assert!(!whole.contains(&personal), "{} shows an identity", service.name());
        }
        // The shop asked each whether it is ready before it said that it is open.
        assert!(!whole.contains("/health/"), "{} counts who watches it", service.name());
        for family in &families {
            let text = |name: &str| family[name].as_str().unwrap().to_owned();
            assert!(!text("help").is_empty(), "{family}");
            table.add_row([
                service.name().to_owned(),
                text("name"),
                text("type"),
                family["series"].to_string(),
            ]);
        }
        if service == Service::Order {
            let placed = families.iter().find(|family| family["name"] == "oms_orders_placed").unwrap();
            assert_eq!(
                placed["samples"]["oms_orders_placed_total{\"outcome\": \"confirmed\"}"], 1.0,
                "{placed}"
            );
        }
    }
    println!("{table}");
    for service in [Service::Order, Service::Product] {
        // Waiting for a change is not a slow command: an alert on slow ones would ring for ever.
        let url = format!("{}/metrics", service.ports(&system.plan.ports).internal_url());
        eventually("no command of a request under way", async || {
            let text = reqwest::get(&url).await.unwrap().text().await.unwrap();
            assert!(!text.contains("\"/metrics\""), "{} counts who watches it", service.name());
            text.contains("oms_mongo_pool_connections_in_use 0\n").then_some(())
        })
        .await;
    }
    system.stop().await;
}
