//! What the gateway shows of itself.

use crate::app::{ID, TestApp, answer_all};
use wiremock::ResponseTemplate;

#[tokio::test]
async fn requests_are_counted_by_pattern_and_never_by_path() {
    let app = TestApp::spawn().await;
    answer_all(&app.orders, ResponseTemplate::new(200)).await;
    app.send("GET", &format!("/orders/{ID}")).await;
    app.send("BREW", &format!("/pots/{ID}")).await;
    let metrics = app.metrics().await;
    for series in [
        "oms_http_request_duration_seconds_count{method=\"GET\",route=\"/orders/{id}\",status=\"2xx\"}",
        "oms_http_request_duration_seconds_count{method=\"other\",route=\"-\",status=\"4xx\"}",
        "oms_upstream_seconds_count{service=\"order-service\",outcome=\"answered\"}",
        "oms_rate_limit_decisions_total{limit=\"address\",decision=\"allowed\"}",
        "oms_route_class_in_flight{class=\"orders\"}",
    ] {
        assert!(metrics.contains(series), "{series} is missing in\n{metrics}");
    }
    assert!(!metrics.contains(ID));
    // The public listener shows nothing of it.
    assert_eq!(app.send("GET", "/metrics").await.status(), 404);
}
