//! Headers on their way in and out.

use crate::app::{TestApp, answer_all};
use wiremock::ResponseTemplate;

#[tokio::test]
async fn what_passes_for_ours_or_belongs_to_one_connection_is_deleted_on_the_way_in() {
    let app = TestApp::spawn().await;
    answer_all(&app.orders, ResponseTemplate::new(200)).await;
    let forged = [
        ("x-user-id", "1"),
        ("X-User-Role", "admin"),
        ("x-forwarded-for", "10.0.0.1"),
        ("x-forwarded-host", "evil"),
        ("x-forwarded-proto", "https"),
        ("x-real-ip", "10.0.0.1"),
        ("forwarded", "for=10.0.0.1"),
        ("x-service-token", "development-service-token"),
        ("x-deadline-ms", "60000"),
        ("x-request-id", "not a {valid} one"),
        ("traceparent", "nonsense"),
        ("te", "trailers"),
        ("keep-alive", "timeout=5"),
        ("proxy-authorization", "Basic x"),
        ("upgrade", "h2c"),
        ("connection", "close, x-secret-hop"),
        ("x-secret-hop", "1"),
    ];
    let mut request = app.request("GET", "/orders");
    for (name, value) in forged {
        request = request.header(name, value);
    }
    let kept = [("authorization", "Bearer a.b.c"), ("if-match", "\"3\""), ("x-kept", "1"), ("x-kept", "2")];
    for (name, value) in kept {
        request = request.header(name, value);
    }
    assert_eq!(request.send().await.unwrap().status(), 200);
    let (_, arrived) = app.arrived().await.remove(0);
    let all = |name: &str| -> Vec<_> {
        arrived.headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
    };
    for (name, forged) in forged {
        assert!(!all(name).iter().any(|value| value == forged), "{name}: {:?}", all(name));
    }
    assert_eq!(all("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(all("x-request-id").len(), 1);
    let deadline_ms: u64 = all("x-deadline-ms")[0].parse().unwrap();
    assert!((1..=5000).contains(&deadline_ms), "{deadline_ms}");
    assert_eq!(all("x-kept"), ["1", "2"]);
    assert_eq!((all("authorization"), all("if-match")), (vec!["Bearer a.b.c".into()], vec!["\"3\"".into()]));
}

#[tokio::test]
async fn request_id_and_trace_go_through_the_service_and_come_back() {
    let app = TestApp::spawn().await;
    answer_all(&app.orders, ResponseTemplate::new(200).insert_header("x-request-id", "of-the-service")).await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = app.request("GET", "/orders").header("x-request-id", "req-1").header("traceparent", trace);
    let response = request.header("tracestate", "a=b").send().await.unwrap();
    let ids: Vec<_> = response.headers().get_all("x-request-id").iter().collect();
    assert_eq!(ids, ["req-1"]);
    let (_, arrived) = app.arrived().await.remove(0);
    assert_eq!(arrived.headers["x-request-id"], "req-1");
    assert_eq!(arrived.headers["traceparent"], trace);
    assert_eq!(arrived.headers["tracestate"], "a=b");

    let response = app.send("GET", "/nowhere").await;
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(crate::app::problem(response).await["requestId"], id);
}

#[tokio::test]
async fn an_answer_passes_as_it_is_without_its_hop_and_with_what_protects_browsers() {
    let app = TestApp::spawn().await;
    let answer = ResponseTemplate::new(201)
        .set_body_raw(b"\xff\x00{}".to_vec(), "application/octet-stream")
        .insert_header("location", "/orders/1")
        .insert_header("etag", "\"1\"")
        .insert_header("idempotency-replayed", "true")
        .insert_header("connection", "x-hop")
        .insert_header("x-hop", "1")
        .insert_header("keep-alive", "timeout=1")
        .append_header("link", "</a>; rel=\"next\"")
        .append_header("link", "</b>; rel=\"prev\"");
    answer_all(&app.orders, answer).await;
    for response in [app.send("POST", "/orders").await, app.send("GET", "/nowhere").await] {
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert_eq!(response.headers()["x-frame-options"], "DENY");
        assert_eq!(response.headers()["referrer-policy"], "no-referrer");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert!(response.headers().contains_key("content-security-policy"));
    }
    let response = app.send("POST", "/orders").await;
    assert_eq!(response.status(), 201);
    let headers = response.headers().clone();
    assert_eq!(
        (&headers["location"], &headers["etag"]),
        (&"/orders/1".parse().unwrap(), &"\"1\"".parse().unwrap())
    );
    assert_eq!(headers["content-type"], "application/octet-stream");
    assert_eq!(headers["idempotency-replayed"], "true");
    assert_eq!(headers.get_all("link").iter().count(), 2);
    assert!(!headers.contains_key("x-hop") && !headers.contains_key("keep-alive"));
    assert_eq!(&response.bytes().await.unwrap()[..], b"\xff\x00{}");
}
