use crate::app::{SWEEP_ALL, TestApp};
use common::ids::ProductId;
use common::models::ledger::LedgerEntry;
use common::time::Timestamp;
use order_service::config::SweeperSettings;
use order_service::workflows::sweep::sweep_once;
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

#[tokio::test]
async fn an_effect_that_contradicts_the_ledger_does_not_stand_before_the_others() {
    let app = TestApp::start().await;
    let (customer, hopeless) = (app.customer(), ProductId::new());
    app.ledger.contradicting.lock().unwrap().push(hopeless);
    let one_a_page = SweeperSettings { orders: 1, ..SWEEP_ALL };
    let mut good = Vec::new();
    for turn in 0..4 {
        let product = if turn < 2 { hopeless } else { ProductId::new() };
        let order = customer.placed(product, 1).await;
        assert_eq!(customer.cancel(&order["id"], None).await.status(), StatusCode::OK);
        if turn >= 2 {
            good.push(order["id"].clone());
        }
    }
    sweep_once(&app.state, &one_a_page).await;
    sweep_once(&app.state, &one_a_page).await;
    let debts = app.state.orders.debts_since(Timestamp::now().plus_millis(1000), None, 10).await.unwrap();
    assert_eq!(debts.len(), 2, "only what cannot be delivered is due");
    assert!(debts.iter().all(|debt| !good.contains(&serde_json::json!(debt.id))));
    assert!(debts.iter().all(|debt| debt.effects.len() == 1));
    // It is left alone for a while.
    let told = |app: &TestApp| {
        let is_hopeless = |entry: &&LedgerEntry| matches!(entry, LedgerEntry::Release { lines, .. } if lines[0].product_id == hopeless);
        app.ledger.entries().iter().filter(is_hopeless).count()
    };
    let before = told(&app);
    sweep_once(&app.state, &one_a_page).await;
    assert_eq!(told(&app), before);
}
