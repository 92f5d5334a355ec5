use crate::app::{TestApp, new_product, send};
use common::ids::ProductId;
use reqwest::Method;
use serde_json::{Value, json};

/// `new_product` with one member replaced.
fn product_with(member: &str, value: Value) -> Value {
    let mut body = new_product(1);
    body[member] = value;
    body
}

#[tokio::test]
async fn a_product_that_is_not_as_described_is_refused_by_its_field_and_writes_nothing() {
    let app = TestApp::start().await;
    let table = [
        ("sku", json!(""), "/sku"),
        ("sku", json!("with space"), "/sku"),
        ("sku", json!("x".repeat(65)), "/sku"),
        ("sku", json!("é"), "/sku"),
        ("sku", json!(7), "/sku"),
        ("sku", json!({ "$gt": "" }), "/sku"),
        ("name", json!(""), "/name"),
        ("name", json!("   "), "/name"),
        ("name", json!("a\u{0}b"), "/name"),
        ("name", json!("a\nb"), "/name"),
        ("name", json!("x".repeat(201)), "/name"),
        ("name", json!(["a"]), "/name"),
        ("name", Value::Null, "/name"),
        ("description", json!("x".repeat(5001)), "/description"),
        ("description", json!("a\u{1b}b"), "/description"),
        ("price", json!("19.99"), "/price"),
        ("price", json!(-1), "/price"),
        ("price", json!(1.999), "/price"),
        ("price", json!(1e13), "/price"),
        ("price", json!(1e300), "/price"),
        ("price", json!({ "$gt": 0 }), "/price"),
        ("price", json!(true), "/price"),
        ("currency", json!("EURO"), "/currency"),
        ("currency", json!("eur"), "/currency"),
        ("currency", json!(1), "/currency"),
        ("inventory", json!(-1), "/inventory"),
        ("inventory", json!(1.5), "/inventory"),
        ("inventory", json!(1_000_000_000_000_i64), "/inventory"),
        ("inventory", json!("1"), "/inventory"),
        ("colour", json!("red"), "/colour"),
        ("status", json!("sold"), "/status"),
        ("status", json!("archived"), "/status"),
        ("options", json!({ "size": "L" }), "/options"),
        ("parentId", json!("1"), "/parentId"),
        ("parentId", json!(ProductId::new()), "/options"),
        ("brand", json!(""), "/brand"),
        ("category", json!("Home"), "/category"),
        ("category", json!("nowhere"), "/category"),
        ("tags", json!(["a", ""]), "/tags/1"),
        ("tags", json!("a"), "/tags"),
        ("tags", json!((0..51).map(|tag| tag.to_string()).collect::<Vec<_>>()), "/tags"),
        ("attributes", json!({ "a": null }), "/attributes/a"),
        ("attributes", json!({ "a": [1] }), "/attributes/a"),
        ("attributes", json!({ "": 1 }), "/attributes/"),
        ("attributes", json!({ "a": "x".repeat(501) }), "/attributes/a"),
        ("images", json!(["javascript:alert(1)"]), "/images/0"),
        ("weightGrams", json!(-1), "/weightGrams"),
        ("weightGrams", json!(1.5), "/weightGrams"),
        ("dimensions", json!({ "lengthMm": 1 }), "/dimensions/widthMm"),
        ("dimensions", json!([1, 2, 3]), "/dimensions"),
        ("backorder", json!({ "allowed": "yes", "limit": 1 }), "/backorder/allowed"),
        ("backorder", json!({ "allowed": true, "limit": -1 }), "/backorder/limit"),
        ("externalId", json!(""), "/externalId"),
        ("metadata", json!([]), "/metadata"),
        ("metadata", json!({ "a": "x".repeat(17_000) }), "/metadata"),
        ("_id", json!("x"), "/_id"),
        ("$set", json!({}), "/$set"),
    ];
    for (member, value, pointer) in table {
        let answer = app.create_product(&product_with(member, value.clone())).await.expect(422);
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{member}: {value:.60}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    for member in ["sku", "name", "price"] {
        let mut body = new_product(1);
        body.as_object_mut().unwrap().remove(member);
        let answer = app.create_product(&body).await.expect(422);
        assert_eq!(answer.body["errors"][0]["code"], "missing_field");
    }
    assert_eq!(app.list_products("").await.expect(200).body, json!([]));
    assert_eq!(app.count_movements().await, 0);
}

#[tokio::test]
async fn a_change_that_is_not_as_described_is_refused_by_its_field() {
    let app = TestApp::start().await;
    let product = app.stocked_product(1).await;
    for (body, pointer) in [
        (json!({ "name": "" }), "/name"),
        (json!({ "price": -0.01 }), "/price"),
        (json!({ "price": 0.001 }), "/price"),
        (json!({ "status": "gone" }), "/status"),
        (json!({ "status": { "$ne": "draft" } }), "/status"),
        (json!({ "sku": "NEW" }), "/sku"),
        (json!({ "currency": "USD" }), "/currency"),
        (json!({ "inventory": 1 }), "/inventory"),
        (json!({ "version": 9 }), "/version"),
        (json!({ "parentId": ProductId::new() }), "/parentId"),
        (json!({ "options": { "size": "L" } }), "/options"),
        (json!({ "sku": null }), "/sku"),
        (json!({ "$set": {} }), "/$set"),
        (json!([]), ""),
    ] {
        let answer = app.change_product(product, &body).await.expect(422);
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{body}");
    }
    assert_eq!(app.show_product(product).await.expect(200).body["version"], 1);
}

#[tokio::test]
async fn an_inventory_that_is_not_as_described_is_refused_by_its_field() {
    let app = TestApp::start().await;
    let product = app.stocked_product(5).await;
    for quantity in [
        json!(-1),
        json!(1.5),
        json!(1_000_000_001),
        json!(1_000_000_000_000_i64),
        json!(1e30),
        json!("5"),
        json!({ "$gt": "" }),
        json!([5]),
        json!(true),
        Value::Null,
    ] {
        let answer = app.set_inventory(product, quantity.clone()).await.expect(422);
        assert_eq!(answer.body["errors"][0]["pointer"], "/quantity", "{quantity}");
    }
    let path = format!("/products/{product}/inventory/adjustments");
    for (body, pointer) in [
        (json!({ "delta": 1 }), "/reason"),
        (json!({ "reason": "x" }), "/delta"),
        (json!({ "delta": 0, "reason": "x" }), "/delta"),
        (json!({ "delta": 1.5, "reason": "x" }), "/delta"),
        (json!({ "delta": "1", "reason": "x" }), "/delta"),
        (json!({ "delta": 1_000_000_000_000_i64, "reason": "x" }), "/delta"),
        (json!({ "delta": { "$inc": 1 }, "reason": "x" }), "/delta"),
        (json!({ "delta": 1, "reason": "" }), "/reason"),
        (json!({ "delta": 1, "reason": "x".repeat(201) }), "/reason"),
        (json!({ "delta": 1, "reason": "a\u{7}" }), "/reason"),
        (json!({ "delta": 1, "reason": "x", "at": 1 }), "/at"),
    ] {
        let answer = send(app.staff(Method::POST, &path).json(&body)).await.expect(422);
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{body}");
    }
    assert_eq!(app.audited_stock(product).await, (5, 0));
    assert_eq!(app.count_movements().await, 1);
}

#[tokio::test]
async fn bodies_that_are_not_json_or_too_large_are_refused() {
    let app = TestApp::start().await;
    let product = app.stocked_product(1).await;
    let inventory = format!("/products/{product}/inventory");
    for (method, path) in [(Method::POST, "/products"), (Method::PUT, inventory.as_str())] {
        let request = || app.staff(method.clone(), path).header("content-type", "application/json");
        for body in ["", "{", "{\"quantity\":}", "quantity=1", "\u{feff}{}", "{} {}"] {
            send(request().body(body)).await.expect(400);
        }
        send(request().body("[".repeat(50_000))).await.expect(400);
        send(request().body(format!("{{\"name\":\"{}\"}}", "x".repeat(70_000)))).await.expect(413);
        send(app.staff(method.clone(), path).body("{\"quantity\":1}")).await.expect(415);
        let form = app.staff(method.clone(), path).header("content-type", "text/plain");
        send(form.body("{\"quantity\":1}")).await.expect(415);
    }
    assert_eq!(app.audited_stock(product).await, (1, 0));
}

#[tokio::test]
async fn paths_queries_and_headers_that_are_not_as_described_are_refused_by_name() {
    let app = TestApp::start().await;
    for id in ["1", "%7B%7D", "{$gt}", "00000000000000000000000000000000", "..%2F..%2Finternal%2Fledger"] {
        let answer = send(app.staff(Method::GET, &format!("/products/{id}"))).await;
        assert!([404, 422].contains(&answer.status.as_u16()), "{id}: {}", answer.status);
    }
    for (query, pointer) in [
        ("limit=0", "query:limit"),
        ("limit=201", "query:limit"),
        ("limit=-1", "query:limit"),
        ("limit=1e1", "query:limit"),
        ("after=x", "query:after"),
        ("after=", "query:after"),
        ("q=", "query:q"),
        ("q=%00", "query:q"),
        ("status=sold", "query:status"),
        ("status[$ne]=active", "query:status[$ne]"),
        ("sort=colour", "query:sort"),
        ("sort=relevance", "query:sort"),
        ("after=AAAA", "query:after"),
        ("category=Home", "query:category"),
        ("category=home/", "query:category"),
        ("minPrice=x", "query:minPrice"),
        ("minPrice=-1", "query:minPrice"),
        ("maxPrice=1.999", "query:maxPrice"),
        ("currency=eur", "query:currency"),
        ("inStock=yes", "query:inStock"),
        ("sku=%20", "query:sku"),
        ("parentId=1", "query:parentId"),
        ("q=a+b+c+d+e+f+g+h+i", "query:q"),
    ] {
        let answer = app.list_products(&format!("?{query}")).await.expect(422);
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{query}");
    }
    let long = app.list_products(&format!("?q={}", "x".repeat(101))).await.expect(422);
    assert_eq!(long.body["errors"][0]["pointer"], "query:q");
    let key = "k".repeat(256);
    let answer = app.create_product_under(&key, &new_product(1)).await.expect(422);
    assert_eq!(answer.body["errors"][0]["pointer"], "header:Idempotency-Key");
    let product = app.stocked_product(1).await;
    let path = format!("/products/{product}");
    let patch = app.staff(Method::PATCH, &path).header("if-match", "W/\"1\"").json(&json!({ "name": "x" }));
    assert_eq!(send(patch).await.expect(422).body["errors"][0]["pointer"], "header:If-Match");
}
