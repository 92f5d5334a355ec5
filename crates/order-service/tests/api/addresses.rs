//! Addresses of orders: copied when they are placed, taken out when their person is erased.

use crate::app::{TestApp, problem};
use common::http::peer::SERVICE_TOKEN;
use common::ids::{AddressId, CustomerId, ProductId};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

fn address(city: &str) -> Value {
    json!({ "recipient": "Ada Lovelace", "lines": ["12 St James's Square"], "city": city, "country": "GB" })
}

/// customer-service knows this address, and is asked for it so often.
async fn known(app: &TestApp, customer: CustomerId, id: AddressId, calls: u64) {
    Mock::given(method("GET"))
        .and(path(format!("/internal/customers/{customer}/addresses/{id}")))
        .respond_with(ResponseTemplate::new(200).set_body_json(address("Leeds")))
        .expect(calls)
        .mount(&app.customers)
        .await;
}

async fn internal(app: &TestApp, method: Method, path: &str) -> Value {
    let request = app.http.request(method, format!("{}/internal{path}", app.internal_url));
    let response = request.header(SERVICE_TOKEN, "development-service-token").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

#[tokio::test]
async fn an_order_keeps_a_copy_of_an_address_named_and_of_one_written_out() {
    let app = TestApp::start().await;
    let (customer, id) = (app.customer(), AddressId::new());
    known(&app, customer.id, id, 1).await;
    let mut body = customer.order(ProductId::new(), 1);
    body["shippingAddressId"] = json!(id);
    body["billingAddress"] = address("York");
    let placed = customer.place(&body, Some("1")).await;
    assert_eq!(placed.status(), StatusCode::CREATED);
    let order: Value = placed.json().await.unwrap();
    assert_eq!((&order["shippingAddress"], &order["billingAddress"]), (&address("Leeds"), &address("York")));
    // The repeat asks nobody: the address may be gone by now.
    let again = customer.place(&body, Some("1")).await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(again.json::<Value>().await.unwrap(), order);
    body["billingAddress"] = address("Bath");
    let reused = customer.place(&body, Some("1")).await;
    assert_eq!(problem(reused).await, (422, "idempotency_key_reused".into()));
}

#[tokio::test]
async fn an_address_that_is_not_the_customers_is_refused_and_nothing_is_placed() {
    let app = TestApp::start().await;
    app.no_customers().await;
    let customer = app.customer();
    for field in ["shippingAddressId", "billingAddressId"] {
        let mut body = customer.order(ProductId::new(), 1);
        body[field] = json!(AddressId::new());
        let refused = customer.place(&body, None).await;
        assert_eq!(refused.status(), 422);
        let refused: Value = refused.json().await.unwrap();
        assert_eq!(refused["errors"][0]["pointer"], format!("/{field}"));
        assert_eq!(refused["errors"][0]["code"], "unknown_address");
    }
    let listed = customer.get(&format!("/customers/{}/orders", customer.id)).await;
    assert_eq!(listed.json::<Value>().await.unwrap(), json!([]));
}

#[tokio::test]
async fn bad_addresses_are_named_by_their_field() {
    let app = TestApp::start().await;
    let customer = app.customer();
    let mut both = address("Leeds");
    both["country"] = json!("XX");
    for (field, value, pointer) in [
        ("shippingAddress", both, "/shippingAddress/country"),
        ("shippingAddress", json!({ "recipient": "Ada" }), "/shippingAddress/lines"),
        ("billingAddress", json!([]), "/billingAddress"),
        ("billingAddressId", json!("1"), "/billingAddressId"),
    ] {
        let mut body = customer.order(ProductId::new(), 1);
        body[field] = value;
        let refused: Value = customer.place(&body, None).await.json().await.unwrap();
        assert_eq!((&refused["status"], &refused["errors"][0]["pointer"]), (&json!(422), &json!(pointer)));
    }
    let mut body = customer.order(ProductId::new(), 1);
    body["shippingAddress"] = address("Leeds");
    body["shippingAddressId"] = json!(AddressId::new());
    let refused: Value = customer.place(&body, None).await.json().await.unwrap();
    assert_eq!(refused["errors"][0]["code"], "conflicting_field");
}

#[tokio::test]
async fn erasing_a_person_takes_what_is_personal_out_of_their_orders_once() {
    let app = TestApp::start().await;
    let (customer, other) = (app.customer(), app.customer());
    let mut body = customer.order(ProductId::new(), 2);
    body["shippingAddress"] = address("Leeds");
    body["note"] = json!("for Ms Lovelace");
    body["metadata"] = json!({ "card": "dear Ms Lovelace" });
    let order: Value = customer.place(&body, None).await.json().await.unwrap();
    let path = format!("/orders/{}/cancel", order["id"].as_str().unwrap());
    app.staff().went(&order, "notes", json!({ "text": "Ms Lovelace called" })).await;
    app.staff().went(&order, "hold", json!({ "note": "Ms Lovelace moves" })).await;
    let reason = json!({ "reason": "call me on 020 7946 0000" });
    assert_eq!(customer.request(Method::POST, &path).json(&reason).send().await.unwrap().status(), 200);
    let cancelled = customer.get_order(&order["id"]).await;
    let plain = customer.placed(ProductId::new(), 1).await;
    let product = ProductId::new();
    let returned = customer.placed(product, 1).await;
    let shipped = app.staff().went(&returned, "fulfillments", json!({})).await;
    let parcel = format!("fulfillments/{}/deliver", shipped["fulfillments"][0]["id"].as_str().unwrap());
    app.staff().went(&returned, &parcel, json!({})).await;
    let wish = json!({ "lines": [{ "productId": product, "quantity": 1, "reason": "Ms Lovelace is ill" }] });
    customer.went(&returned, "returns", wish).await;
    let mut theirs = other.order(ProductId::new(), 1);
    theirs["shippingAddress"] = address("York");
    let theirs: Value = other.place(&theirs, None).await.json().await.unwrap();
    let erase = format!("/customers/{}/erase", customer.id);
    assert_eq!(internal(&app, Method::POST, &erase).await, json!({ "erased": 2 }));
    assert_eq!(internal(&app, Method::POST, &erase).await, json!({ "erased": 0 }));
    let held = internal(&app, Method::GET, &format!("/customers/{}/orders", customer.id)).await;
    let text = held.to_string();
    assert!(!text.contains("Lovelace") && !text.contains("Leeds") && !text.contains("7946"), "{text}");
    assert_eq!(held["orders"].as_array().unwrap().len(), 3);
    assert_eq!(customer.get_order(&returned["id"]).await["returns"][0]["lines"][0]["quantity"], 1);
    let erased = customer.get_order(&order["id"]).await;
    assert_eq!(erased["shippingAddress"]["country"], "GB");
    assert_eq!((&erased["lines"], &erased["total"]), (&cancelled["lines"], &cancelled["total"]));
    assert_eq!(erased["status"], "cancelled");
    assert_eq!(customer.get_order(&plain["id"]).await, plain);
    assert_eq!(other.get_order(&theirs["id"]).await, theirs);
}

#[tokio::test]
async fn what_is_held_of_a_customer_comes_in_pages_that_join() {
    let app = TestApp::start().await;
    let customer = app.customer();
    for _ in 0..3 {
        customer.placed(ProductId::new(), 1).await;
    }
    let path = format!("/customers/{}/orders?limit=2", customer.id);
    let first = internal(&app, Method::GET, &path).await;
    let second =
        internal(&app, Method::GET, &format!("{path}&after={}", first["next"].as_str().unwrap())).await;
    assert_eq!(first["orders"].as_array().unwrap().len(), 2);
    assert_eq!((second["orders"].as_array().unwrap().len(), second.get("next")), (1, None));
    assert_eq!(first["orders"][0]["history"][0]["event"], "placed");
}
