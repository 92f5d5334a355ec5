//! `/healthz`

use crate::app::{TestApp, answer_all};
use common::models::health::{ServiceStatus, ShopHealth, ShopStatus};
use wiremock::matchers::path;
use wiremock::{Mock, ResponseTemplate};

#[tokio::test]
async fn the_shop_is_open_when_every_service_is_ready() {
    let app = TestApp::spawn().await;
    for (_, upstream) in app.upstreams() {
        Mock::given(path("/health/ready")).respond_with(ResponseTemplate::new(200)).mount(upstream).await;
    }
    let response = app.send("GET", "/healthz").await;
    assert_eq!(response.status(), 200);
    let health: ShopHealth = response.json().await.unwrap();
    assert_eq!(health.status, ShopStatus::Open);
    let names: Vec<_> = health.services.keys().map(String::as_str).collect();
    assert_eq!(names, ["customer-service", "order-service", "product-service"]);
    assert!(health.services.values().all(|status| *status == ServiceStatus::Ready));
}

#[tokio::test]
async fn the_shop_is_closed_while_one_service_is_not_ready_or_gone_and_says_which() {
    let app = TestApp::spawn_with(|settings| {
        settings.upstreams.product_health_url = "http://127.0.0.1:1".to_owned();
    })
    .await;
    answer_all(&app.orders, ResponseTemplate::new(200)).await;
    answer_all(&app.customers, ResponseTemplate::new(503)).await;
    let response = app.send("GET", "/healthz").await;
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    let health: ShopHealth = response.json().await.unwrap();
    assert_eq!(health.status, ShopStatus::Closed);
    assert_eq!(health.services["order-service"], ServiceStatus::Ready);
    assert_eq!(health.services["customer-service"], ServiceStatus::Unready);
    assert_eq!(health.services["product-service"], ServiceStatus::Unreachable);
}
