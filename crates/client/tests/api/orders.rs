//! Addresses, bodies and pages.

use crate::shop::{answer_in_turn, client_of, header, order, requests_to};
use common::ids::{CustomerId, FulfillmentId, OrderId, ProductId};
use common::models::health::{ServiceStatus, ShopStatus};
use common::models::order_change::Remark;
use common::models::product::ProductChange;
use oms_client::{Client, Error, MoveOptions};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

#[tokio::test]
async fn an_order_is_placed_with_the_body_of_the_specification() {
    let shop = MockServer::start().await;
    let (customer, product) = (CustomerId::new(), ProductId::new());
    let answer = ResponseTemplate::new(201).set_body_json(order(customer, product));
    answer_in_turn(&shop, "POST", "/orders", vec![answer]).await;
    let placed =
        client_of(&shop).bearer("a.b.c").build().unwrap().create_order(customer, product, 2).await.unwrap();
    assert_eq!((placed.customer_id, placed.product_id, placed.quantity), (customer, Some(product), Some(2)));
    let request = &requests_to(&shop, "/orders").await[0];
    let expected = json!({ "customerId": customer, "productId": product, "quantity": 2 });
    assert_eq!(request.body_json::<Value>().unwrap(), expected);
    assert_eq!(header(request, "authorization"), Some("Bearer a.b.c"));
    assert_eq!(header(request, "content-type"), Some("application/json"));
}

#[tokio::test]
async fn all_orders_of_a_customer_are_read_page_by_page() {
    let shop = MockServer::start().await;
    let customer = CustomerId::new();
    let path = format!("/customers/{customer}/orders");
    let entry = || order(customer, ProductId::new());
    Mock::given(matchers::path(path.as_str()))
        .and(matchers::query_param_is_missing("after"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!([entry(), entry()]))
                .insert_header("link", format!("<{path}?limit=200&after=c%2B1>; rel=\"next\"").as_str()),
        )
        .mount(&shop)
        .await;
    Mock::given(matchers::path(path.as_str()))
        .and(matchers::query_param("after", "c+1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([entry()])))
        .mount(&shop)
        .await;
    let client = client_of(&shop).build().unwrap();
    assert_eq!(client.get_customer_orders(customer).await.unwrap().len(), 3);

    let page = client.customer_orders(customer, Some(2), None).await.unwrap();
    assert_eq!((page.items.len(), page.next.as_deref()), (2, Some("c+1")));
    let page = client.customer_orders(customer, None, page.next.as_deref()).await.unwrap();
    assert_eq!((page.items.len(), page.next), (1, None));
}

#[tokio::test]
async fn what_stands_in_a_query_is_encoded_and_a_path_of_the_address_is_kept() {
    let shop = MockServer::start().await;
    answer_in_turn(&shop, "GET", "/api/products", vec![ResponseTemplate::new(200).set_body_json(json!([]))])
        .await;
    let client = Client::builder(&format!("{}/api/", shop.uri())).build().unwrap();
    client.products(Some("50% off & more?#"), Some(7), None).await.unwrap();
    let request = &requests_to(&shop, "/api/products").await[0];
    assert_eq!(request.url.query(), Some("q=50%25+off+%26+more%3F%23&limit=7"));
}

#[tokio::test]
async fn a_customer_is_found_by_an_address_with_signs_that_mean_something_in_a_query() {
    let shop = MockServer::start().await;
    answer_in_turn(&shop, "GET", "/customers", vec![ResponseTemplate::new(200).set_body_json(json!([]))])
        .await;
    let address = "ada+shop&more@example.org".parse().unwrap();
    assert!(client_of(&shop).build().unwrap().customer_by_email(&address).await.unwrap().is_none());
    let request = &requests_to(&shop, "/customers").await[0];
    let pairs: Vec<_> = request.url.query_pairs().collect();
    assert_eq!(pairs, [("email".into(), "ada+shop&more@example.org".into())]);
}

#[tokio::test]
async fn a_change_names_the_version_it_was_made_for() {
    let shop = MockServer::start().await;
    let id = ProductId::new();
    let product = json!({
        "id": id, "sku": "L-1", "name": "Lamp", "description": "", "price": 3, "currency": "EUR", "status": "active",
        "inventory": 3, "version": 5, "createdAt": "2026-01-31T12:00:00.000Z", "updatedAt": "2026-01-31T12:00:00.000Z"
    });
    let path = format!("/products/{id}");
    answer_in_turn(&shop, "PATCH", &path, vec![ResponseTemplate::new(200).set_body_json(product)]).await;
    let change = ProductChange { name: Some("Lamp".parse().unwrap()), ..ProductChange::default() };
    let changed = client_of(&shop).build().unwrap().change_product(id, &change, Some(4)).await.unwrap();
    assert_eq!(changed.version, 5);
    assert_eq!(header(&requests_to(&shop, &path).await[0], "if-match"), Some("\"4\""));
}

#[tokio::test]
async fn a_closed_shop_is_an_answer_and_an_answer_of_another_shape_an_error() {
    let shop = MockServer::start().await;
    let closed = json!({ "status": "closed", "services": { "order-service": "unreachable" } });
    answer_in_turn(
        &shop,
        "GET",
        "/healthz",
        vec![ResponseTemplate::new(503).set_body_json(closed), ResponseTemplate::new(502)],
    )
    .await;
    answer_in_turn(&shop, "GET", "/orders", vec![ResponseTemplate::new(200).set_body_string("[{}]")]).await;
    let client = client_of(&shop).build().unwrap();
    let health = client.healthz().await.unwrap();
    assert_eq!(health.status, ShopStatus::Closed);
    assert_eq!(health.services["order-service"], ServiceStatus::Unreachable);
    assert_eq!(client.healthz().await.unwrap_err().status(), Some(502));
    assert!(matches!(client.orders(None, None).await, Err(Error::Decode(_))));
}

#[tokio::test]
async fn a_move_of_an_order_names_its_intention_and_the_version_it_was_read_at() {
    let shop = MockServer::start().await;
    let (id, parcel) = (OrderId::new(), FulfillmentId::new());
    let path = format!("/orders/{id}/fulfillments/{parcel}/deliver");
    let answer = ResponseTemplate::new(200).set_body_json(order(CustomerId::new(), ProductId::new()));
    answer_in_turn(&shop, "POST", &path, vec![ResponseTemplate::new(503), answer]).await;
    let client = client_of(&shop).build().unwrap();
    let options = MoveOptions { key: Some("k"), if_version: Some(3) };
    client.deliver_fulfillment(id, parcel, &Remark::default(), options).await.unwrap();
    let requests = requests_to(&shop, &path).await;
    assert_eq!(requests.len(), 2, "a keyed move is sent again");
    for request in &requests {
        assert_eq!(header(request, "idempotency-key"), Some("k"));
        assert_eq!(header(request, "if-match"), Some("\"3\""));
    }
}
