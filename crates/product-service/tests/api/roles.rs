use crate::app::{TestApp, new_product, send};
use common::models::auth::Role;
use reqwest::Method;
use serde_json::{Value, json};

/// Every route with the status for nobody, a customer, staff and an admin.
#[tokio::test]
async fn every_route_lets_in_whom_it_should() {
    let app = TestApp::start().await;
    let product = app.stocked_product(5).await;
    let one = format!("/products/{product}");
    let inventory = format!("{one}/inventory");
    let adjustments = format!("{inventory}/adjustments");
    let category = app.create_category("home").await.expect(201);
    let category = format!("/categories/{}", category.body["id"].as_str().unwrap());
    let new_category = json!({ "path": "garden", "name": "Garden" });
    let table: [(Method, &str, Value, [u16; 4]); 12] = [
        (Method::GET, "/categories", Value::Null, [200, 200, 200, 200]),
        (Method::GET, &category, Value::Null, [200, 200, 200, 200]),
        (Method::POST, "/categories", new_category, [401, 403, 201, 409]),
        (Method::PATCH, &category, json!({ "name": "Home" }), [401, 403, 200, 200]),
        (Method::GET, "/products/facets", Value::Null, [200, 200, 200, 200]),
        (Method::GET, "/products", Value::Null, [200, 200, 200, 200]),
        (Method::GET, &one, Value::Null, [200, 200, 200, 200]),
        (Method::POST, "/products", new_product(1), [401, 403, 201, 409]),
        (Method::PATCH, &one, json!({ "name": "Kettle" }), [401, 403, 200, 200]),
        (Method::GET, &inventory, Value::Null, [401, 403, 200, 200]),
        (Method::PUT, &inventory, json!({ "quantity": 3 }), [401, 403, 200, 200]),
        (Method::POST, &adjustments, json!({ "delta": 1, "reason": "found" }), [401, 403, 201, 201]),
    ];
    let callers =
        [None, Some(app.token(Role::Customer)), Some(app.token(Role::Staff)), Some(app.token(Role::Admin))];
    for (method, path, body, expected) in table {
        for (token, status) in callers.iter().zip(expected) {
            let mut request = app.anonymous(method.clone(), path);
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            if !body.is_null() {
                request = request.json(&body);
            }
            let answer = send(request).await;
            assert_eq!(answer.status, status, "{method} {path} {:#}", answer.body);
            if status == 401 {
                assert_eq!(answer.header("www-authenticate"), "Bearer");
            }
        }
    }
}

#[tokio::test]
async fn other_methods_are_answered_with_those_that_are_allowed() {
    let app = TestApp::start().await;
    let product = app.stocked_product(0).await;
    for (path, allowed) in [
        ("/categories".to_owned(), "HEAD, GET, POST"),
        ("/products/facets".to_owned(), "HEAD, GET"),
        ("/products".to_owned(), "HEAD, GET, POST"),
        (format!("/products/{product}"), "HEAD, GET, PATCH"),
        (format!("/products/{product}/inventory"), "HEAD, GET, PUT, PATCH"),
        (format!("/products/{product}/inventory/adjustments"), "POST"),
    ] {
        let answer = send(app.staff(Method::DELETE, &path)).await.expect(405);
        assert_eq!(answer.header("allow"), allowed, "{path}");
    }
    send(app.staff(Method::GET, "/product")).await.expect(404);
}
