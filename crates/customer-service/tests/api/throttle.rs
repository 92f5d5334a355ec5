//! Throttling of log-ins, with Redis and without.

use crate::app::{PASSWORD, TestApp, settings};
use customer_service::config::Settings;

const EMAIL: &str = "ada@example.org";

/// The same shop, and the same without its Redis: nothing listens on that port.
fn with_and_without_redis() -> [Settings; 2] {
    let mut without = settings();
    without.redis.uri = "redis://127.0.0.1:1".into();
    [settings(), without]
}

#[tokio::test]
async fn failed_log_ins_throttle_their_account_and_no_other() {
    for mut settings in with_and_without_redis() {
        settings.throttle.failures_per_account = 3;
        let app = TestApp::start_with(settings).await;
        app.customer(EMAIL).await;
        app.customer("eve@example.org").await;
        for _ in 0..3 {
            assert_eq!(app.log_in(EMAIL, "another password").await.status, 401);
        }
        let refused = app.log_in(EMAIL, PASSWORD).await;
        assert_eq!(refused.problem(), (429, "too_many_requests"));
        let wait: u32 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        assert_eq!(app.log_in("ADA@example.org", PASSWORD).await.status, 429);
        assert_eq!(app.log_in("eve@example.org", PASSWORD).await.status, 200);
    }
}

#[tokio::test]
async fn an_unknown_address_is_throttled_like_a_known_one() {
    let mut settings = settings();
    settings.throttle.failures_per_account = 1;
    let app = TestApp::start_with(settings).await;
    assert_eq!(app.log_in(EMAIL, PASSWORD).await.status, 401);
    assert_eq!(app.log_in(EMAIL, PASSWORD).await.status, 429);
}

#[tokio::test]
async fn log_ins_that_succeed_do_not_count_against_the_account() {
    for mut settings in with_and_without_redis() {
        settings.throttle.failures_per_account = 1;
        let app = TestApp::start_with(settings).await;
        app.customer(EMAIL).await;
        for _ in 0..3 {
            assert_eq!(app.log_in(EMAIL, PASSWORD).await.status, 200);
        }
        assert_eq!(app.log_in(EMAIL, "another password").await.status, 401);
        assert_eq!(app.log_in(EMAIL, "another password").await.status, 429);
    }
}

#[tokio::test]
async fn guesses_sent_at_once_do_not_slip_past_the_limit() {
    for mut settings in with_and_without_redis() {
        settings.throttle.failures_per_account = 3;
        let app = TestApp::start_with(settings).await;
        app.customer(EMAIL).await;
        let guesses = (0..12).map(|_| app.log_in(EMAIL, "another password"));
        let answers = futures_util::future::join_all(guesses).await;
        let looked_at = answers.iter().filter(|answer| answer.status == 401).count();
        assert_eq!(looked_at, 3, "{answers:?}");
    }
}

#[tokio::test]
async fn every_log_in_counts_against_the_address_that_the_gateway_saw() {
    for mut settings in with_and_without_redis() {
        settings.throttle.attempts_per_address = 2;
        let app = TestApp::start_with(settings).await;
        app.customer(EMAIL).await;
        for _ in 0..2 {
            assert_eq!(app.log_in_from("192.0.2.1", EMAIL, PASSWORD).await.status, 200);
        }
        let refused = app.log_in_from("192.0.2.1", "eve@example.org", PASSWORD).await;
        assert_eq!(refused.problem(), (429, "too_many_requests"));
        assert!(refused.header("retry-after").is_some());
        assert_eq!(app.log_in_from("192.0.2.2", EMAIL, PASSWORD).await.status, 200);
        assert_eq!(app.log_in(EMAIL, PASSWORD).await.status, 200);
    }
}

#[tokio::test]
async fn without_redis_customers_register_log_in_and_refresh() {
    let [_, without] = with_and_without_redis();
    let app = TestApp::start_with(without).await;
    app.customer(EMAIL).await;
    let pair = app.log_in(EMAIL, PASSWORD).await;
    assert_eq!(pair.status, 200);
    assert_eq!(app.refresh(pair.text("refreshToken")).await.status, 200);
}
