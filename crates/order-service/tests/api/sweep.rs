use crate::app::TestApp;
use common::ids::ProductId;
use common::models::ledger::LedgerEntry;
use reqwest::StatusCode;
use serde_json::Value;

/// An order whose coordinator could not reach the ledger.
async fn abandoned(app: &TestApp, losing: bool) -> Value {
    let customer = app.customer();
    let calls = if losing { &app.ledger.losing } else { &app.ledger.failing };
    *calls.lock().unwrap() = 3;
    let failed = customer.place(&customer.order(ProductId::new(), 1), Some("k")).await;
    assert_eq!(failed.status(), StatusCode::SERVICE_UNAVAILABLE);
    failed.json::<Value>().await.unwrap()["orderId"].clone()
}

#[tokio::test]
async fn an_abandoned_order_that_nobody_reserved_is_refused_first_and_then_rejected() {
    let app = TestApp::start().await;
    let id = abandoned(&app, false).await;
    app.sweep().await;
    let order = app.staff().get_order(&id).await;
    assert_eq!(
        (order["status"].as_str(), order["rejections"][0]["code"].as_str()),
        (Some("rejected"), Some("expired"))
    );
    assert!(matches!(app.ledger.entries().as_slice(), [LedgerEntry::Refuse { .. }]));
}

#[tokio::test]
async fn an_abandoned_order_that_was_reserved_is_confirmed() {
    let app = TestApp::start().await;
    let id = abandoned(&app, true).await;
    app.sweep().await;
    assert_eq!(app.staff().get_order(&id).await["status"], "confirmed");
}

#[tokio::test]
async fn a_sweeper_without_the_ledger_leaves_the_order_pending_for_the_next_turn() {
    let app = TestApp::start().await;
    let id = abandoned(&app, false).await;
    *app.ledger.failing.lock().unwrap() = 3;
    app.sweep().await;
    assert_eq!(app.staff().get_order(&id).await["status"], "pending");
    app.sweep().await;
    assert_eq!(app.staff().get_order(&id).await["status"], "rejected");
}
