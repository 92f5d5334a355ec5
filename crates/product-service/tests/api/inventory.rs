use crate::app::{TestApp, is_reserved, reserve, send};
use common::ids::{OrderId, ProductId};
use common::models::product::MAX_UNITS;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn setting_the_inventory_sets_what_is_available_and_answers_the_product() {
    let app = TestApp::start().await;
    let product = app.stocked_product(5).await;
    let outcomes = app.post_entries(vec![reserve(OrderId::new(), &[(product, 3)])]).await;
    assert!(is_reserved(&outcomes[0]));
    let answer = app.set_inventory(product, 10).await.expect(200);
    assert_eq!((&answer.body["inventory"], &answer.body["name"]), (&json!(10), &json!("Teapot")));
    assert_eq!(answer.body["price"], json!(19.99));
    let inventory = app.show_inventory(product).await.expect(200);
    let expected = json!({
        "productId": product, "onHand": 13, "reserved": 3, "available": 10, "backordered": 0, "backorderLimit": 0,
        "incoming": 0, "isLow": false,
        "locations": [{ "locationId": "main", "onHand": 13, "reserved": 3, "available": 10 }],
    });
    assert_eq!(inventory.body, expected);
    assert_eq!(inventory.header("etag"), answer.header("etag"));
    assert_eq!(app.show_product(product).await.expect(200).body["inventory"], 10);
    assert_eq!(app.audited_stock(product).await, (13, 3));
}

#[tokio::test]
async fn setting_the_same_inventory_again_leaves_no_movement() {
    let app = TestApp::start().await;
    let product = app.stocked_product(5).await;
    for _ in 0..3 {
        assert_eq!(app.set_inventory(product, 5).await.expect(200).header("etag"), "\"1\"");
    }
    assert_eq!(app.count_movements().await, 1);
}

#[tokio::test]
async fn a_stale_tag_of_the_stock_is_refused() {
    let app = TestApp::start().await;
    let product = app.stocked_product(5).await;
    app.set_inventory(product, 6).await.expect(200);
    let put = |tag: &str| {
        let path = format!("/products/{product}/inventory");
        app.staff(Method::PUT, &path).header("if-match", tag.to_owned()).json(&json!({ "quantity": 9 }))
    };
    assert_eq!(send(put("\"1\"")).await.expect(412).code(), "version_mismatch");
    assert_eq!(send(put("\"2\"")).await.expect(200).header("etag"), "\"3\"");
    send(put("*")).await.expect(200);
    assert_eq!(send(put("3")).await.expect(422).body["errors"][0]["pointer"], "header:If-Match");
}

#[tokio::test]
async fn an_adjustment_moves_what_is_on_hand_and_never_below_what_is_reserved() {
    let app = TestApp::start().await;
    let product = app.stocked_product(5).await;
    app.post_entries(vec![reserve(OrderId::new(), &[(product, 3)])]).await;
    let adjusted = app.adjust_inventory(product, -2).await.expect(201);
    assert_eq!((&adjusted.body["delta"], &adjusted.body["reason"]), (&json!(-2), &json!("counted")));
    assert_eq!(adjusted.body["productId"], json!(product));
    assert_eq!(adjusted.header("location"), format!("/products/{product}/inventory"));
    let refused = app.adjust_inventory(product, -1).await.expect(409);
    assert_eq!((refused.code(), &refused.body["reserved"]), ("below_reserved", &json!(3)));
    let refused = app.adjust_inventory(product, MAX_UNITS.into()).await.expect(409);
    assert_eq!(refused.code(), "too_many_units");
    for delta in [0, i64::from(MAX_UNITS) + 1, i64::MIN, i64::MAX] {
        let refused = app.adjust_inventory(product, delta).await.expect(422);
        assert_eq!(refused.body["errors"][0]["pointer"], "/delta", "{delta}");
    }
    assert_eq!(app.audited_stock(product).await, (3, 3));
}

#[tokio::test]
async fn an_adjustment_is_made_once_under_its_key() {
    let app = TestApp::start().await;
    let product = app.stocked_product(5).await;
    let answers = join_all((0..6).map(|_| app.adjust_inventory_under("k", product, 4))).await;
    let first = answers[0].body.clone();
    let replayed = answers.iter().filter(|a| a.header("idempotency-replayed") == "true").count();
    assert_eq!(replayed, 5);
    for answer in answers {
        assert_eq!(answer.expect(201).body, first);
    }
    let other = app.adjust_inventory_under("k", product, 5).await.expect(422);
    assert_eq!(other.code(), "idempotency_key_reused");
    let elsewhere = app.stocked_product(5).await;
    app.adjust_inventory_under("k", elsewhere, 4).await.expect(422);
    assert_eq!(app.audited_stock(product).await, (9, 0));
}

#[tokio::test]
async fn what_does_not_exist_has_no_inventory() {
    let app = TestApp::start().await;
    let nobody = ProductId::new();
    app.show_inventory(nobody).await.expect(404);
    app.set_inventory(nobody, 1).await.expect(404);
    app.adjust_inventory(nobody, 1).await.expect(404);
    assert_eq!(app.count_movements().await, 0);
}

#[tokio::test]
async fn setting_the_inventory_while_orders_come_in_loses_no_unit() {
    let app = TestApp::start().await;
    let product = app.stocked_product(50).await;
    let orders = join_all((0..120).map(|_| app.post_entries(vec![reserve(OrderId::new(), &[(product, 1)])])));
    let settings = join_all((0..20).map(|number| app.set_inventory(product, number % 7)));
    let adjustments = join_all((0..20).map(|_| app.adjust_inventory(product, 1)));
    let (orders, settings, adjustments) = tokio::join!(orders, settings, adjustments);
    let reserved = orders.iter().filter(|outcomes| is_reserved(&outcomes[0])).count();
    for (number, answer) in settings.into_iter().enumerate() {
        assert_eq!(answer.expect(200).body["inventory"], json!(number % 7));
    }
    for answer in adjustments {
        answer.expect(201);
    }
    let (on_hand, promised) = app.audited_stock(product).await;
    assert_eq!(promised, i64::try_from(reserved).unwrap());
    assert!(on_hand >= promised);
}
