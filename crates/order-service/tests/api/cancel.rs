use crate::app::{TestApp, problem};
use common::ids::ProductId;
use common::models::ledger::LedgerEntry;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

fn releases(app: &TestApp) -> usize {
    app.ledger.entries().iter().filter(|entry| matches!(entry, LedgerEntry::Release { .. })).count()
}

#[tokio::test]
async fn a_cancelled_order_gives_back_its_stock_once() {
    let app = TestApp::start().await;
    let customer = app.customer();
    let order = customer.placed(ProductId::new(), 2).await;
    let cancelled = customer.cancel(&order["id"], None).await;
    assert_eq!(cancelled.status(), StatusCode::OK);
    let cancelled: Value = cancelled.json().await.unwrap();
    assert_eq!((&cancelled["status"], &cancelled["total"]), (&json!("cancelled"), &json!(0)));
    assert_eq!(cancelled["lines"][0]["cancelled"], 2);
    // However often the effect is delivered, the ledger knows it by one identity.
    app.sweep().await;
    app.sweep().await;
    assert!(releases(&app) >= 1);
    assert_eq!(app.ledger.recorded.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn an_effect_that_could_not_be_delivered_is_delivered_by_the_sweeper() {
    let app = TestApp::start().await;
    let customer = app.customer();
    let order = customer.placed(ProductId::new(), 2).await;
    *app.ledger.failing.lock().unwrap() = 3;
    assert_eq!(customer.cancel(&order["id"], None).await.status(), StatusCode::OK);
    while *app.ledger.failing.lock().unwrap() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(releases(&app), 0);
    app.sweep().await;
    assert_eq!(releases(&app), 1);
    app.sweep().await;
    assert_eq!(releases(&app), 1);
}

#[tokio::test]
async fn eight_cancels_at_once_cancel_once_and_the_others_learn_it() {
    let app = TestApp::start().await;
    let customer = app.customer();
    let order = customer.placed(ProductId::new(), 2).await;
    let answers = futures_util::future::join_all((0..8).map(|_| customer.cancel(&order["id"], None))).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status().as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 7, "{statuses:?}");
    assert_eq!(customer.get_order(&order["id"]).await["version"], 3);
}

#[tokio::test]
async fn a_repeated_cancel_with_its_key_is_answered_again_and_one_without_is_illegal() {
    let app = TestApp::start().await;
    let customer = app.customer();
    let order = customer.placed(ProductId::new(), 2).await;
    assert_eq!(customer.cancel(&order["id"], Some("k")).await.status(), StatusCode::OK);
    let again = customer.cancel(&order["id"], Some("k")).await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    let illegal = customer.cancel(&order["id"], None).await;
    assert_eq!(illegal.status(), StatusCode::CONFLICT);
    let illegal: Value = illegal.json().await.unwrap();
    assert_eq!((&illegal["code"], &illegal["state"]), (&json!("illegal_transition"), &json!("cancelled")));
    assert_eq!(illegal["allowedMoves"], json!([]));
}

#[tokio::test]
async fn a_cancel_of_a_version_that_is_past_is_refused() {
    let app = TestApp::start().await;
    let customer = app.customer();
    let order = customer.placed(ProductId::new(), 2).await;
    let path = format!("/orders/{}/cancel", order["id"].as_str().unwrap());
    let stale = customer.request(Method::POST, &path).header("If-Match", "\"1\"").send().await.unwrap();
    assert_eq!(problem(stale).await, (412, "version_mismatch".into()));
    let wrong = customer.request(Method::POST, &path).header("If-Match", "two").send().await.unwrap();
    assert_eq!(problem(wrong).await, (422, "validation_failed".into()));
    let right = customer.request(Method::POST, &path).header("If-Match", "\"2\"").send().await.unwrap();
    assert_eq!(right.status(), StatusCode::OK);
}

#[tokio::test]
async fn nobody_cancels_a_strangers_order_but_staff() {
    let app = TestApp::start().await;
    let customer = app.customer();
    let order = customer.placed(ProductId::new(), 2).await;
    assert_eq!(problem(app.customer().cancel(&order["id"], None).await).await, (404, "not_found".into()));
    assert_eq!(app.staff().cancel(&order["id"], None).await.status(), StatusCode::OK);
}
