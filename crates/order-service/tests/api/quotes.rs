use crate::app::{Someone, TestApp, problem};
use common::ids::{CustomerId, ProductId};
use common::models::order::{Rejection, RejectionCode};
use common::models::quote::{QuotedOffer, StockQuote};
use common::money::Currency;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

async fn quote(someone: &Someone<'_>, body: &Value) -> Response {
    someone.request(Method::POST, "/orders?dryRun=true").json(body).send().await.unwrap()
}

fn offer(product_id: ProductId, unit_price_minor: i64) -> QuotedOffer {
    QuotedOffer {
        product_id,
        sku: "SKU-1".parse().unwrap(),
        name: "A thing".into(),
        unit_price_minor,
        currency: Currency::EUR,
    }
}

async fn stock_says(app: &TestApp, answer: StockQuote) {
    Mock::given(method("POST"))
        .and(path("/internal/quote"))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .mount(&app.products)
        .await;
}

#[tokio::test]
async fn a_dry_run_says_what_an_order_would_come_to_and_leaves_none() {
    let app = TestApp::start().await;
    let (customer, product) = (app.customer(), ProductId::new());
    stock_says(&app, StockQuote { reasons: Vec::new(), offers: vec![offer(product, 1250)] }).await;
    let response = quote(&customer, &customer.order(product, 3)).await;
    assert_eq!(response.status(), StatusCode::OK);
    let quoted: Value = response.json().await.unwrap();
    let line = json!({
        "productId": product, "quantity": 3, "sku": "SKU-1", "name": "A thing", "currency": "EUR",
        "unitPrice": 12.5, "total": 37.5,
    });
    let expected = json!({
        "customerId": customer.id, "status": "confirmed", "lines": [line], "currency": "EUR", "total": 37.5,
    });
    assert_eq!(quoted, expected);
    assert!(app.ledger.entries().is_empty());
    let orders: Value = app.staff().get("/orders").await.json().await.unwrap();
    assert_eq!(orders, json!([]));
    // Without the wish the same body is an order.
    let placed = customer
        .request(Method::POST, "/orders?dryRun=false")
        .json(&customer.order(product, 3))
        .send()
        .await
        .unwrap();
    assert_eq!(placed.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn a_dry_run_names_what_is_missing_and_what_else_would_be_refused() {
    let app = TestApp::start().await;
    let (customer, here, gone) = (app.customer(), ProductId::new(), ProductId::new());
    let missing =
        |product_id, code| Rejection { product_id: Some(product_id), code, requested: None, available: None };
    let reasons =
        vec![missing(here, RejectionCode::OutOfStock), missing(gone, RejectionCode::UnknownProduct)];
    stock_says(&app, StockQuote { reasons, offers: vec![offer(here, 1000)] }).await;
    let lines = json!([{ "productId": here, "quantity": 2 }, { "productId": gone, "quantity": 1 }]);
    let body = json!({ "customerId": customer.id, "lines": lines });
    let quoted: Value = quote(&customer, &body).await.json().await.unwrap();
    assert_eq!((&quoted["status"], quoted.get("total")), (&json!("rejected"), None));
    assert_eq!(quoted["rejections"][1], json!({ "productId": gone, "code": "unknown_product" }));
    assert_eq!((&quoted["lines"][0]["total"], quoted["lines"][1].get("name")), (&json!(20), None));
    // Every other check is that of a placing.
    let stranger = app.customer();
    assert_eq!(problem(quote(&stranger, &body).await).await.0, 403);
    app.no_customers().await;
    let unknown = json!({ "customerId": CustomerId::new(), "lines": lines });
    assert_eq!(problem(quote(&app.staff(), &unknown).await).await, (422, "validation_failed".into()));
    let colour = customer.request(Method::POST, "/orders?colour=1").json(&body).send().await.unwrap();
    assert_eq!(problem(colour).await.0, 422);
}
