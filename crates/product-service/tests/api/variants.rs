use crate::app::{TestApp, is_reserved, new_product, reserve};
use common::ids::{OrderId, ProductId};
use common::models::ledger::LedgerOutcome;
use serde_json::{Value, json};

fn id(body: &Value) -> ProductId {
    body["id"].as_str().unwrap().parse().unwrap()
}

fn variant(parent: ProductId, options: Value) -> Value {
    let mut body = new_product(3);
    body["parentId"] = json!(parent);
    body["options"] = options;
    body
}

#[tokio::test]
async fn variants_are_sold_in_the_place_of_what_groups_them() {
    let app = TestApp::start().await;
    let parent = app.stocked_product(5).await;
    assert_eq!(app.show_product(parent).await.expect(200).body["hasVariants"], false);
    let large = app.create_product(&variant(parent, json!({ "size": "L" }))).await.expect(201).body;
    let small = app.create_product(&variant(parent, json!({ "size": "S" }))).await.expect(201).body;
    assert_eq!((&large["parentId"], &large["options"]), (&json!(parent), &json!({ "size": "L" })));
    let shown = app.show_product(parent).await.expect(200).body;
    assert_eq!((&shown["hasVariants"], &shown["version"]), (&json!(true), &json!(2)));
    let listed = app.list_products(&format!("?parentId={parent}")).await.expect(200).body;
    assert_eq!(listed, json!([small, large]));
    let outcomes = app
        .post_entries(vec![
            reserve(OrderId::new(), &[(parent, 1)]),
            reserve(OrderId::new(), &[(id(&large), 3)]),
            reserve(OrderId::new(), &[(id(&small), 1)]),
        ])
        .await;
    assert!(matches!(outcomes[0], LedgerOutcome::Refused { .. }), "{:?}", outcomes[0]);
    assert!(is_reserved(&outcomes[1]) && is_reserved(&outcomes[2]));
}

#[tokio::test]
async fn each_combination_of_options_stands_once_below_a_product() {
    let app = TestApp::start().await;
    let (parent, other) = (app.stocked_product(0).await, app.stocked_product(0).await);
    let blue = |size: &str| json!({ "size": size, "colour": "Blue" });
    let first = app.create_product(&variant(parent, blue("L"))).await.expect(201).body;
    let same = json!({ "colour": "blue", "size": "l" });
    assert_eq!(app.create_product(&variant(parent, same.clone())).await.expect(409).code(), "options_taken");
    app.create_product(&variant(parent, blue("S"))).await.expect(201);
    app.create_product(&variant(other, same)).await.expect(201);
    let nested = app.create_product(&variant(id(&first), blue("M"))).await.expect(422);
    assert_eq!(nested.body["errors"][0]["code"], "parent_is_variant");
    let nowhere = app.create_product(&variant(ProductId::new(), blue("M"))).await.expect(422);
    assert_eq!(nowhere.body["errors"][0]["pointer"], "/parentId");
    assert_eq!(
        app.list_products(&format!("?parentId={parent}")).await.expect(200).body.as_array().unwrap().len(),
        2
    );
}

#[tokio::test]
async fn first_variants_at_the_same_time_all_stand() {
    let app = TestApp::start().await;
    let parent = app.stocked_product(0).await;
    let creating = (0..6).map(|size| {
        let body = variant(parent, json!({ "size": size.to_string() }));
        let app = &app;
        async move { app.create_product(&body).await.expect(201) }
    });
    futures_util::future::join_all(creating).await;
    assert_eq!(app.show_product(parent).await.expect(200).body["version"], 2);
}
