//! Staying logged in.

use crate::shop::{answer_in_turn, client_of, header, problem, requests_to, tokens};
use futures_util::future::join_all;
use oms_client::Client;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

async fn shop_that_accepts(token: &str) -> MockServer {
    let shop = MockServer::start().await;
    Mock::given(matchers::path("/orders"))
        .and(matchers::header("authorization", format!("Bearer {token}").as_str()))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([])))
        .mount(&shop)
        .await;
    Mock::given(matchers::path("/orders"))
        .respond_with(problem(401, "unauthenticated"))
        .with_priority(9)
        .mount(&shop)
        .await;
    shop
}

fn client(shop: &MockServer) -> Client {
    client_of(shop).credentials("ada@example.org", "correct horse").build().unwrap()
}

#[tokio::test]
async fn many_calls_at_once_share_one_log_in() {
    let shop = shop_that_accepts("one").await;
    answer_in_turn(&shop, "POST", "/auth/login", vec![tokens("one", 600)]).await;
    let client = client(&shop);
    let calls = join_all((0..50).map(|_| client.orders(None, None))).await;
    assert!(calls.iter().all(Result::is_ok));
    let log_ins = requests_to(&shop, "/auth/login").await;
    assert_eq!(log_ins.len(), 1);
    let expected = json!({ "email": "ada@example.org", "password": "correct horse" });
    assert_eq!(log_ins[0].body_json::<Value>().unwrap(), expected);
    assert_eq!(header(&log_ins[0], "authorization"), None);
}

#[tokio::test]
async fn many_calls_at_once_share_one_refused_log_in() {
    let shop = MockServer::start().await;
    let refused = problem(401, "invalid_credentials");
    answer_in_turn(&shop, "POST", "/auth/login", vec![refused]).await;
    let client = client(&shop);
    for outcome in join_all((0..50).map(|_| client.orders(None, None))).await {
        assert_eq!(outcome.unwrap_err().code(), Some("invalid_credentials"));
    }
    assert_eq!(requests_to(&shop, "/auth/login").await.len(), 1);
    assert!(requests_to(&shop, "/orders").await.is_empty());
}

#[tokio::test]
async fn a_token_refused_before_its_time_is_refreshed_once_for_all_calls() {
    let shop = shop_that_accepts("two").await;
    answer_in_turn(&shop, "POST", "/auth/login", vec![tokens("one", 600)]).await;
    answer_in_turn(&shop, "POST", "/auth/refresh", vec![tokens("two", 600)]).await;
    let client = client(&shop);
    let calls = join_all((0..20).map(|_| client.orders(None, None))).await;
    assert!(calls.iter().all(Result::is_ok));
    let refreshes = requests_to(&shop, "/auth/refresh").await;
    assert_eq!(refreshes.len(), 1);
    assert_eq!(refreshes[0].body_json::<Value>().unwrap(), json!({ "refreshToken": "refresh-one" }));
    assert_eq!(requests_to(&shop, "/auth/login").await.len(), 1);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_is_refused() {
    let shop = MockServer::start().await;
    answer_in_turn(&shop, "GET", "/orders", vec![ResponseTemplate::new(200).set_body_json(json!([]))]).await;
    answer_in_turn(&shop, "POST", "/auth/login", vec![tokens("one", 0)]).await;
    answer_in_turn(&shop, "POST", "/auth/refresh", vec![tokens("two", 600)]).await;
    let client = client(&shop);
    for _ in 0..3 {
        client.orders(None, None).await.unwrap();
    }
    let requests = requests_to(&shop, "/orders").await;
    let sent: Vec<_> = requests.iter().map(|request| header(request, "authorization").unwrap()).collect();
    assert_eq!(sent, ["Bearer one", "Bearer two", "Bearer two"]);
    assert_eq!(requests_to(&shop, "/auth/refresh").await.len(), 1);
}

#[tokio::test]
async fn a_session_that_was_ended_is_followed_by_a_new_log_in() {
    let shop = shop_that_accepts("two").await;
    answer_in_turn(&shop, "POST", "/auth/login", vec![tokens("one", 600), tokens("two", 600)]).await;
    answer_in_turn(&shop, "POST", "/auth/refresh", vec![problem(401, "invalid_refresh_token")]).await;
    client(&shop).orders(None, None).await.unwrap();
    assert_eq!(requests_to(&shop, "/auth/login").await.len(), 2);
}

#[tokio::test]
async fn a_fresh_token_that_is_refused_too_is_told_and_not_renewed_for_ever() {
    let shop = shop_that_accepts("none of them").await;
    answer_in_turn(&shop, "POST", "/auth/login", vec![tokens("one", 600)]).await;
    answer_in_turn(&shop, "POST", "/auth/refresh", vec![tokens("two", 600)]).await;
    let error = client(&shop).orders(None, None).await.unwrap_err();
    assert_eq!(error.code(), Some("unauthenticated"));
    assert_eq!(requests_to(&shop, "/orders").await.len(), 2);
}
