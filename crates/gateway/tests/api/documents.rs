//! What the gateway shows by itself: the description of the API and the page to try it.

use crate::app::{TestApp, problem};

#[tokio::test]
async fn the_description_is_public_and_a_copy_of_it_can_be_kept() {
    let app = TestApp::spawn().await;
    let response = app.send("GET", "/openapi.json").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["cache-control"], "public, max-age=60");
    let length: usize = response.headers()["content-length"].to_str().unwrap().parse().unwrap();
    let tag = response.headers()["etag"].clone();
    let description = response.bytes().await.unwrap();
    assert_eq!(description.len(), length);
    let description: serde_json::Value = serde_json::from_slice(&description).unwrap();
    assert_eq!(description["openapi"], "3.1.0");
    let again = app.request("GET", "/openapi.json").header("if-none-match", &tag).send().await.unwrap();
    assert_eq!((again.status().as_u16(), &again.headers()["etag"]), (304, &tag));

    let smaller = app.request("GET", "/openapi.json").header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(smaller.headers()["content-encoding"], "gzip");
    assert_ne!(smaller.headers()["etag"], tag);
    assert!(smaller.bytes().await.unwrap().len() * 5 < description.to_string().len());
    assert_eq!(problem(app.send("GET", "/openapi.json?a=1").await).await["status"], 422);
    assert!(app.arrived().await.is_empty());
}

#[tokio::test]
async fn the_explorer_loads_what_is_ours_and_nothing_else() {
    let app = TestApp::spawn().await;
    let page = app.send("GET", "/docs").await;
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    for rule in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers()["x-frame-options"], "DENY");
    let page = page.text().await.unwrap();
    assert!(!page.contains("://") && !page.contains(" style=") && !page.contains(" on"), "{page}");
    for (path, content_type) in [("/docs/explorer.js", "text/javascript"), ("/docs/explorer.css", "text/css")]
    {
        assert!(page.contains(path));
        let part = app.send("GET", path).await;
        assert!(part.headers()["content-type"].to_str().unwrap().starts_with(content_type));
        assert_eq!(part.headers()["content-security-policy"], "default-src 'none'; frame-ancestors 'none'");
        assert!(!part.text().await.unwrap().contains("http:"), "{path}");
    }
}

#[tokio::test]
async fn a_service_cannot_choose_what_a_browser_may_do() {
    let app = TestApp::spawn().await;
    let answer =
        wiremock::ResponseTemplate::new(200).insert_header("content-security-policy", "default-src *");
    crate::app::answer_all(&app.orders, answer).await;
    let policy = app.send("GET", "/orders").await.headers()["content-security-policy"].clone();
    assert_eq!(policy, "default-src 'none'; frame-ancestors 'none'");
}
