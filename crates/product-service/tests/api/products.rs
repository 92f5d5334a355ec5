use crate::app::{TestApp, new_product, send};
use common::ids::ProductId;
use common::models::auth::Role;
use reqwest::Method;
use serde_json::{Value, json};

fn id(body: &Value) -> ProductId {
    body["id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_created_product_is_answered_with_its_address_and_tag_and_can_be_read_by_anyone() {
    let app = TestApp::start().await;
    let created = app.create_product(&new_product(7)).await.expect(201);
    let product = id(&created.body);
    assert_eq!(created.header("location"), format!("/products/{product}"));
    assert_eq!(created.header("etag"), "\"1.7\"");
    assert_eq!(created.body["price"], json!(19.99));
    assert_eq!(created.body["currency"], "EUR");
    assert_eq!(created.body["status"], "active");
    assert_eq!(created.body["inventory"], 7);
    let shown = app.show_product(product).await.expect(200);
    assert_eq!(shown.body, created.body);
    assert_eq!(shown.header("etag"), "\"1.7\"");
    // From the cache now, and the same.
    assert_eq!(app.show_product(product).await.expect(200).body, created.body);
    assert_eq!(app.audited_stock(product).await, (7, 0));
}

#[tokio::test]
async fn a_product_without_stock_leaves_no_movement() {
    let app = TestApp::start().await;
    let mut body = new_product(0);
    body.as_object_mut().unwrap().remove("inventory");
    body.as_object_mut().unwrap().remove("description");
    let created = app.create_product(&body).await.expect(201);
    assert_eq!((&created.body["inventory"], &created.body["description"]), (&json!(0), &json!("")));
    assert_eq!(app.count_movements().await, 0);
    assert_eq!(app.audited_stock(id(&created.body)).await, (0, 0));
}

#[tokio::test]
async fn two_products_never_share_a_sku_and_the_loser_leaves_nothing() {
    let app = TestApp::start().await;
    let body = new_product(3);
    let requests = (0..8).map(|_| app.create_product(&body));
    let answers = futures_util::future::join_all(requests).await;
    let created = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(created, 1);
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        let answer = answer.expect(409);
        assert_eq!(answer.code(), "sku_taken");
    }
    let database = app.database().await;
    let count = |name: &'static str| {
        let collection = database.collection::<mongodb::bson::Document>(name);
        async move { collection.count_documents(mongodb::bson::doc! {}).await.unwrap() }
    };
    assert_eq!((count("products").await, count("stock").await, count("movements").await), (1, 1, 1));
}

#[tokio::test]
async fn repeating_a_creation_under_its_key_finds_the_first_and_another_request_is_refused() {
    let app = TestApp::start().await;
    let body = new_product(3);
    let requests = (0..6).map(|_| app.create_product_under("key-1", &body));
    let answers = futures_util::future::join_all(requests).await;
    let first = answers[0].body["id"].clone();
    let mut fresh = 0;
    for answer in answers {
        let answer = answer.expect(201);
        assert_eq!(answer.body["id"], first);
        fresh += usize::from(answer.header("idempotency-replayed").is_empty());
    }
    assert_eq!(fresh, 1);
    let other = app.create_product_under("key-1", &new_product(3)).await.expect(422);
    assert_eq!(other.code(), "idempotency_key_reused");
    let another_key = app.create_product_under("key-2", &body).await.expect(409);
    assert_eq!(another_key.code(), "sku_taken");
    assert_eq!(app.count_movements().await, 1);
}

#[tokio::test]
async fn a_change_raises_the_version_and_is_seen_at_once() {
    let app = TestApp::start().await;
    let product = app.stocked_product(4).await;
    app.show_product(product).await.expect(200);
    let change = json!({ "name": "Kettle", "price": 25.5, "description": "Two\nlines" });
    let changed = app.change_product_at(product, 1, &change).await.expect(200);
    assert_eq!(changed.header("etag"), "\"2.4\"");
    assert_eq!((&changed.body["name"], &changed.body["price"]), (&json!("Kettle"), &json!(25.5)));
    assert_eq!(changed.body["inventory"], 4);
    assert_eq!(app.show_product(product).await.expect(200).body, changed.body);
    let stale = app.change_product_at(product, 1, &change).await.expect(412);
    assert_eq!(stale.code(), "version_mismatch");
    let nothing = app.change_product(product, &json!({})).await.expect(200);
    assert_eq!(nothing.header("etag"), "\"2.4\"");
}

#[tokio::test]
async fn simultaneous_changes_of_one_version_have_one_winner() {
    let app = TestApp::start().await;
    let product = app.stocked_product(0).await;
    let changes = (0..6).map(|number| {
        let change = json!({ "name": format!("Name {number}") });
        let app = &app;
        async move { app.change_product_at(product, 1, &change).await }
    });
    let answers = futures_util::future::join_all(changes).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 412).count(), 5);
}

#[tokio::test]
async fn a_price_is_checked_against_the_currency_of_the_product() {
    let app = TestApp::start().await;
    let mut yen = new_product(0);
    yen["currency"] = json!("JPY");
    let refused = app.create_product(&yen).await.expect(422);
    assert_eq!(refused.body["errors"][0]["pointer"], "/price");
    yen["price"] = json!(1999);
    let created = app.create_product(&yen).await.expect(201);
    for price in [json!(0.5), json!(-1), json!(1e15)] {
        let refused = app.change_product(id(&created.body), &json!({ "price": price })).await.expect(422);
        assert_eq!(refused.body["errors"][0]["pointer"], "/price", "{price}");
    }
}

#[tokio::test]
async fn drafts_are_for_staff_alone_and_archived_products_stay_readable() {
    let app = TestApp::start().await;
    let product = app.stocked_product(1).await;
    app.show_product(product).await.expect(200);
    app.change_product(product, &json!({ "status": "draft" })).await.expect(200);
    app.show_product(product).await.expect(404);
    let path = format!("/products/{product}");
    let customer = app.anonymous(Method::GET, &path).bearer_auth(&app.customer_token);
    send(customer).await.expect(404);
    send(app.staff(Method::GET, &path)).await.expect(200);
    assert_eq!(app.list_products("").await.expect(200).body, json!([]));
    let drafts = send(app.staff(Method::GET, "/products?status=draft")).await.expect(200);
    assert_eq!(drafts.body.as_array().unwrap().len(), 1);
    app.change_product(product, &json!({ "status": "archived" })).await.expect(200);
    assert_eq!(app.show_product(product).await.expect(200).body["status"], "archived");
}

#[tokio::test]
async fn the_list_of_what_is_not_for_sale_is_for_staff() {
    let app = TestApp::start().await;
    app.list_products("?status=draft").await.expect(401);
    let path = "/products?status=archived";
    send(app.anonymous(Method::GET, path).bearer_auth(&app.customer_token)).await.expect(403);
    send(app.anonymous(Method::GET, path).bearer_auth(app.token(Role::Admin))).await.expect(200);
    send(app.anonymous(Method::GET, "/products").bearer_auth("nonsense")).await.expect(401);
}

#[tokio::test]
async fn without_redis_everything_is_read_from_the_database() {
    // A port that nobody listens on.
    let app = TestApp::start_with("redis://127.0.0.1:1").await;
    let product = app.stocked_product(2).await;
    app.change_product(product, &json!({ "name": "Kettle" })).await.expect(200);
    assert_eq!(app.show_product(product).await.expect(200).body["name"], "Kettle");
    assert_eq!(app.set_inventory(product, 5).await.expect(200).body["inventory"], 5);
}

#[tokio::test]
async fn every_field_is_kept_as_it_was_given_and_merged_as_the_standard_says() {
    let app = TestApp::start().await;
    app.create_category("home").await.expect(201);
    app.create_category("home/kitchen").await.expect(201);
    let details = json!({
        "brand": "Acme",
        "category": "home/kitchen",
        "tags": ["new", "sale"],
        "attributes": { "litres": 1.5, "dishwasher safe": true, "colour": "blue", "parts": 3 },
        "images": ["https://cdn.example.com/1.jpg"],
        "weightGrams": 900,
        "dimensions": { "lengthMm": 200, "widthMm": 100, "heightMm": 150 },
        "taxClass": "standard",
        "backorder": { "allowed": false, "limit": 0 },
        "externalId": "4711",
        "metadata": { "$set": { "a.b": [1, null] }, "origin": "imported" },
    });
    let mut body = new_product(2);
    body.as_object_mut().unwrap().extend(details.as_object().unwrap().clone());
    let created = app.create_product(&body).await.expect(201).body;
    for (field, value) in details.as_object().unwrap() {
        assert_eq!(&created[field], value, "{field}");
    }
    let product = id(&created);
    assert_eq!(app.show_product(product).await.expect(200).body, created);
    let patch = json!({
        "attributes": { "litres": 2, "colour": null },
        "metadata": { "$set": null, "note": "checked" },
        "dimensions": { "heightMm": 160 },
        "tags": ["sale"],
        "weightGrams": null,
        "taxClass": null,
    });
    let changed = app.change_product_at(product, 1, &patch).await.expect(200).body;
    assert_eq!(changed["attributes"], json!({ "litres": 2, "dishwasher safe": true, "parts": 3 }));
    assert_eq!(changed["metadata"], json!({ "origin": "imported", "note": "checked" }));
    assert_eq!(changed["dimensions"], json!({ "lengthMm": 200, "widthMm": 100, "heightMm": 160 }));
    assert_eq!((&changed["tags"], &changed["weightGrams"]), (&json!(["sale"]), &Value::Null));
    assert_eq!((&changed["brand"], changed.get("taxClass")), (&json!("Acme"), None));
    for (patch, pointer) in [
        (json!({ "dimensions": { "heightMm": null } }), "/dimensions/heightMm"),
        (json!({ "category": "home/garden" }), "/category"),
        (json!({ "name": null }), "/name"),
        (json!({ "attributes": { "parts": {} } }), "/attributes/parts"),
    ] {
        let refused = app.change_product(product, &patch).await.expect(422);
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{patch}");
    }
    assert_eq!(app.show_product(product).await.expect(200).body, changed);
}

#[tokio::test]
async fn an_external_id_and_a_sku_find_one_product_and_belong_to_no_other() {
    let app = TestApp::start().await;
    let with_id = |external_id: &str| {
        let mut body = new_product(1);
        body["externalId"] = json!(external_id);
        body
    };
    let first = app.create_product(&with_id("A/1")).await.expect(201).body;
    assert_eq!(app.create_product(&with_id("A/1")).await.expect(409).code(), "external_id_taken");
    let other = app.create_product(&with_id("A/2")).await.expect(201).body;
    app.create_product(&new_product(1)).await.expect(201);
    app.create_product(&new_product(1)).await.expect(201);
    let taken = app.change_product(id(&other), &json!({ "externalId": "A/1" })).await.expect(409);
    assert_eq!(taken.code(), "external_id_taken");
    assert_eq!(app.list_products("?externalId=A%2F1").await.expect(200).body, json!([first]));
    let sku = other["sku"].as_str().unwrap();
    assert_eq!(app.list_products(&format!("?sku={sku}")).await.expect(200).body, json!([other]));
    // What was archived is still found by name; what is a draft is found by staff.
    app.change_product(id(&other), &json!({ "status": "archived" })).await.expect(200);
    let found = app.list_products(&format!("?sku={sku}")).await.expect(200);
    assert_eq!(found.body[0]["status"], "archived");
    app.change_product(id(&other), &json!({ "status": "draft" })).await.expect(200);
    assert_eq!(app.list_products(&format!("?sku={sku}")).await.expect(200).body, json!([]));
    let by_staff = send(app.staff(Method::GET, &format!("/products?sku={sku}"))).await.expect(200);
    assert_eq!(by_staff.body[0]["status"], "draft");
}

#[tokio::test]
async fn a_backorder_policy_reaches_the_stock_it_is_for() {
    let app = TestApp::start().await;
    let mut body = new_product(1);
    body["backorder"] = json!({ "allowed": true, "limit": 5 });
    let product = id(&app.create_product(&body).await.expect(201).body);
    let limit = async || {
        let rows = app.database().await.collection::<product_service::domain::stock::Stock>("stock");
        let row = rows.find_one(mongodb::bson::doc! { "productId": product }).await.unwrap().unwrap();
        row.backorder_limit
    };
    assert_eq!(limit().await, 5);
    app.change_product(product, &json!({ "backorder": { "limit": 9 } })).await.expect(200);
    assert_eq!(limit().await, 9);
    app.change_product(product, &json!({ "backorder": { "allowed": false } })).await.expect(200);
    assert_eq!(limit().await, 0);
}
