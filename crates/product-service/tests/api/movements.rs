use crate::app::{TestApp, release, reserve, send};
use common::ids::{MovementId, OrderId, ProductId};
use common::models::inventory::{Explanation, MovementKind};
use common::models::ledger::LedgerEntry;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[tokio::test]
async fn the_ledger_of_a_product_is_listed_newest_first_without_gap_or_repeat() {
    let app = TestApp::start().await;
    let (product, other) = (app.stocked_product(50).await, app.stocked_product(5).await);
    for number in 0..12 {
        let lines = [(product, 1), (other, 1)];
        // One of them is about another product too.
        let lines = if number == 3 { &lines[..] } else { &lines[..1] };
        app.post_entries(vec![reserve(OrderId::new(), lines)]).await;
    }
    app.adjust_inventory(product, -1).await.expect(201);
    let (mut query, mut seen) = ("?limit=5".to_owned(), Vec::new());
    loop {
        let page = app.list_movements(product, &query).await.expect(200);
        seen.extend(page.body.as_array().unwrap().clone());
        let Some((_, rest)) = page.header("link").split_once('?') else { break };
        query = format!("?{}", rest.split_once('>').unwrap().0);
    }
    assert_eq!(seen.len(), 14);
    assert_eq!((&seen[0]["kind"], &seen[0]["reason"]), (&json!("adjustment"), &json!("counted")));
    assert_eq!((&seen[13]["kind"], &seen[13]["lines"][0]["onHandDelta"]), (&json!("receipt"), &json!(50)));
    let times: Vec<&str> = seen.iter().map(|movement| movement["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older));
    assert!(seen.iter().all(|movement| movement["lines"].as_array().unwrap().len() == 1));
    app.list_movements(ProductId::new(), "").await.expect(404);
    app.list_movements(product, "?colour=1").await.expect(422);
    assert_eq!(
        app.list_movements(product, "?limit=0").await.expect(422).body["errors"][0]["pointer"],
        "query:limit"
    );
}

async fn explained(app: &TestApp, product: ProductId) -> (Explanation, BTreeMap<OrderId, (i64, i64)>) {
    let (mut query, mut orders) = ("?limit=3".to_owned(), BTreeMap::new());
    loop {
        let page = app.explain(product, &query).await.expect(200);
        let explanation: Explanation = serde_json::from_value(page.body.clone()).unwrap();
        for order in &explanation.orders {
            assert_eq!(
                orders.insert(order.order_id, (order.reserved, order.shipped)),
                None,
                "an order twice"
            );
        }
        let Some((_, rest)) = page.header("link").split_once('?') else { return (explanation, orders) };
        query = format!("?{}", rest.split_once('>').unwrap().0);
    }
}

#[tokio::test]
async fn every_unit_is_explained_by_its_order_its_hold_or_a_hand() {
    let app = TestApp::start().await;
    app.create_location("attic", 1).await.expect(201);
    let product = app.stocked_product(40).await;
    let moved = json!({ "from": "main", "to": "attic", "quantity": 10 });
    app.stock_call(Method::POST, product, "/transfers", &moved).await.expect(201);
    let orders: Vec<OrderId> = (0..8).map(|_| OrderId::new()).collect();
    app.post_entries(orders.iter().map(|order| reserve(*order, &[(product, 4)])).collect()).await;
    let lines = |units| crate::app::lines(&[(product, units)]);
    let id = MovementId::new;
    app.post_entries(vec![
        release(id(), orders[0], &[(product, 4)]),
        release(id(), orders[1], &[(product, 1)]),
        LedgerEntry::Ship { id: id(), order_id: orders[2], lines: lines(3), location_id: None },
        LedgerEntry::Ship { id: id(), order_id: orders[3], lines: lines(4), location_id: None },
        LedgerEntry::Return { id: id(), order_id: orders[3], lines: lines(4), location_id: None },
    ])
    .await;
    app.hold(&app.token(common::models::auth::Role::Customer), &[(product, 2)], 600).await.expect(201);
    let (explanation, by_order) = explained(&app, product).await;
    assert!(explanation.adds_up);
    assert_eq!((explanation.on_hand, explanation.reserved), app.audited_stock(product).await);
    // Of eight orders one gave everything back before it was shipped and one after.
    assert_eq!(by_order.len(), 6);
    assert_eq!((by_order[&orders[1]], by_order[&orders[2]]), ((3, 0), (1, 3)));
    let held: i64 = explanation.holds.iter().map(|hold| hold.reserved).sum();
    assert_eq!(by_order.values().map(|order| order.0).sum::<i64>() + held, explanation.reserved);
    let by_hand: i64 = explanation
        .kinds
        .iter()
        .filter(|kind| {
            matches!(kind.kind, MovementKind::Receipt | MovementKind::Adjustment | MovementKind::Transfer)
        })
        .map(|kind| kind.on_hand_delta)
        .sum();
    assert_eq!(by_hand - by_order.values().map(|order| order.1).sum::<i64>(), explanation.on_hand);
    let transfers = explanation.kinds.iter().find(|kind| kind.kind == MovementKind::Transfer).unwrap();
    assert_eq!((transfers.movements, transfers.on_hand_delta), (1, 0));
    app.explain(ProductId::new(), "").await.expect(404);
}

#[tokio::test]
async fn what_contradicts_the_ledger_is_told() {
    let app = TestApp::start().await;
    let product = app.stocked_product(5).await;
    let rows = app.database().await.collection::<mongodb::bson::Document>("stock");
    let lost = mongodb::bson::doc! { "$set": { "onHand": 4_i64 } };
    rows.update_one(mongodb::bson::doc! { "productId": product }, lost).await.unwrap();
    let explanation: Explanation =
        serde_json::from_value(app.explain(product, "").await.expect(200).body).unwrap();
    assert!(!explanation.adds_up);
    assert_eq!((explanation.locations[0].on_hand, explanation.locations[0].on_hand_moved), (4, 5));
}

#[tokio::test]
async fn products_that_run_out_are_listed_until_goods_come_in() {
    let app = TestApp::start().await;
    let mut products = Vec::new();
    for _ in 0..3 {
        let product = app.stocked_product(5).await;
        let watch = json!({ "lowStockThreshold": 2, "incoming": 10 });
        app.stock_call(Method::PATCH, product, "", &watch).await.expect(200);
        products.push(product);
    }
    let low = |query: &str| send(app.staff(Method::GET, &format!("/stock/low{query}")));
    assert_eq!(low("").await.expect(200).body, json!([]));
    for product in &products {
        app.post_entries(vec![reserve(OrderId::new(), &[(*product, 3)])]).await;
    }
    let first = low("?limit=2").await.expect(200);
    let ids = |page: &Value| {
        page.as_array().unwrap().iter().map(|low| low["productId"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&first.body), [json!(products[2]), json!(products[1])]);
    assert_eq!((&first.body[0]["available"], &first.body[0]["incoming"]), (&json!(2), &json!(10)));
    let next = first.header("link").split_once('?').unwrap().1.split_once('>').unwrap().0;
    assert_eq!(ids(&low(&format!("?{next}")).await.expect(200).body), [json!(products[0])]);
    let receipt = json!({ "quantity": 4, "reason": "delivery 7" });
    app.stock_call(Method::POST, products[1], "/receipts", &receipt).await.expect(201);
    let inventory = app.show_inventory(products[1]).await.expect(200).body;
    assert_eq!((&inventory["incoming"], &inventory["isLow"]), (&json!(6), &json!(false)));
    app.stock_call(Method::PATCH, products[2], "", &json!({ "lowStockThreshold": null })).await.expect(200);
    assert_eq!(ids(&low("").await.expect(200).body), [json!(products[0])]);
    for (body, pointer) in [
        (json!({ "incoming": -1 }), "/incoming"),
        (json!({ "lowStockThreshold": "2" }), "/lowStockThreshold"),
        (json!({ "onHand": 5 }), "/onHand"),
    ] {
        let refused = app.stock_call(Method::PATCH, products[0], "", &body).await.expect(422);
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
    }
}
