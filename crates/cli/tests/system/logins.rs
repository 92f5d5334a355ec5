//! Log-ins in numbers: what they cost others, and what their time tells. Durations are printed, never asserted.

use crate::access::{PASSWORD, World};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream;
use reqwest::StatusCode;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

async fn log_in(world: &World, email: &str, password: &str) -> (StatusCode, Duration) {
    let begun = Instant::now();
    let credentials = json!({ "email": email, "password": password });
    let answer = world.request("POST", "/auth/login").json(&credentials).send().await.unwrap();
    (answer.status(), begun.elapsed())
}

async fn read_products(world: &World) -> Duration {
    let begun = Instant::now();
    let answer = world.request("GET", "/products").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    begun.elapsed()
}

fn percentile(durations: &mut [Duration], percent: usize) -> Duration {
    durations.sort();
    durations[(durations.len() - 1) * percent / 100]
}

#[tokio::test]
async fn a_hundred_log_ins_at_once_are_answered_and_stall_no_other_route() {
    let world = World::start().await;
    world.product().await;
    let emails: Vec<String> = stream::iter(0..100)
        .map(|_| async { world.customer(Some(PASSWORD)).await.1 })
        .buffer_unordered(2)
        .collect()
        .await;
    let mut before = Vec::new();
    for _ in 0..200 {
        before.push(read_products(&world).await);
    }
    let log_ins = join_all(emails.iter().map(|email| log_in(&world, email, PASSWORD)));
    tokio::pin!(log_ins);
    let mut during = Vec::new();
    let answers = loop {
        tokio::select! {
            answers = &mut log_ins => break answers,
            took = read_products(&world) => during.push(took),
        }
    };
    let mut statuses = BTreeMap::new();
    for (status, _) in answers {
        *statuses.entry(status.as_u16()).or_insert(0) += 1;
    }
    assert!(statuses.keys().all(|status| [200, 429, 503].contains(status)), "{statuses:?}");
    assert!(statuses.contains_key(&200), "{statuses:?}");
    assert!(!during.is_empty());
    println!(
        "100 log-ins at once: {statuses:?}; GET /products p99 before {:?} ({} reads), during {:?} ({} reads)",
        percentile(&mut before, 99),
        before.len(),
        percentile(&mut during, 99),
        during.len(),
    );
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_are_answered_alike() {
    let world = World::start().await;
    let (mut wrong, mut unknown) = (Vec::new(), Vec::new());
    // Several, so that none fails often enough to be throttled.
    let mut accounts = Vec::new();
    for _ in 0..10 {
        accounts.push(world.customer(Some(PASSWORD)).await.1);
    }
    for turn in 0..50 {
        let (status, took) = log_in(&world, &accounts[turn % accounts.len()], "a wild guess").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        wrong.push(took);
        let (status, took) = log_in(&world, &format!("nobody-{turn}@example.org"), "a wild guess").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        unknown.push(took);
    }
    let (wrong, unknown) = (percentile(&mut wrong, 50), percentile(&mut unknown, 50));
    println!(
        "medians of 50: wrong password {wrong:?}, unknown e-mail {unknown:?}, ratio {:.3}",
        unknown.as_secs_f64() / wrong.as_secs_f64(),
    );
}
