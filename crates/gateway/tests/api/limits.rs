//! Who calls too often, and what they are told.

use crate::app::{TestApp, answer_all, problem};
use common::ids::CustomerId;
use common::models::auth::Role;
use common::testing::{TestSigner, fresh_database, server};
use gateway::config::{LimitSettings, Settings};
use reqwest::Response;
use wiremock::matchers::path;
use wiremock::{Mock, ResponseTemplate};

fn no_limits(limits: &mut LimitSettings) {
    (limits.caller_rate, limits.anonymous_rate, limits.address_rate) = (0, 0, 0);
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

#[tokio::test]
async fn an_address_beyond_its_limit_is_told_when_to_come_back() {
    let app = TestApp::spawn_with(|settings| {
        no_limits(&mut settings.limits);
        (settings.limits.anonymous_rate, settings.limits.anonymous_burst) = (1, 3);
    })
    .await;
    answer_all(&app.products, ResponseTemplate::new(200)).await;
    for left in ["2", "1", "0"] {
        let response = app.send("GET", "/products").await;
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "ratelimit-policy"), "\"anonymous\";q=3;w=3");
        assert!(header(&response, "ratelimit").starts_with(&format!("\"anonymous\";r={left};t=")));
    }
    // A path that is nobody's counts too; whether the shop is open is always told.
    let refused = app.send("GET", "/nowhere").await;
    assert_eq!(refused.status(), 429);
    let retry_after: u32 = header(&refused, "retry-after").parse().unwrap();
    assert!((1..=3).contains(&retry_after), "{retry_after}");
    assert!(header(&refused, "ratelimit").starts_with("\"anonymous\";r=0;t="));
    assert_eq!(problem(refused).await["code"], "too_many_requests");
    assert_ne!(app.send("GET", "/healthz").await.status(), 429);
    assert_eq!(
        app.arrived().await.iter().filter(|(_, request)| request.url.path() == "/products").count(),
        3
    );
}

#[tokio::test]
async fn a_limit_holds_over_all_gateways_through_redis() {
    let prefix = fresh_database();
    let limited = |settings: &mut Settings| {
        no_limits(&mut settings.limits);
        (settings.limits.address_rate, settings.limits.address_burst) = (1, 6);
        settings.limits.prefix.clone_from(&prefix);
        settings.redis.uri = server("REDIS_URI").into();
        // Whether Redis is quick is not what is shown here.
        settings.redis.timeout_ms = 5_000;
    };
    let apps = [TestApp::spawn_with(limited).await, TestApp::spawn_with(limited).await];
    let mut statuses = Vec::new();
    for number in 0..8 {
        statuses.push(app_at(&apps, number).send("GET", "/nowhere").await.status().as_u16());
    }
    // The rate gives one more a second, should this take so long.
    let allowed = statuses.iter().take_while(|status| **status == 404).count();
    assert!((6..=8).contains(&allowed), "{statuses:?}");
    assert_eq!(statuses[..6], [404; 6]);
    let metrics = apps[0].metrics().await;
    assert!(metrics.contains("oms_rate_limit_asked_total{store=\"redis\"}"), "{metrics}");
}

fn app_at(apps: &[TestApp; 2], number: usize) -> &TestApp {
    &apps[number % 2]
}

#[tokio::test]
async fn every_account_has_a_bucket_of_its_own_whatever_token_it_bears() {
    let signer = TestSigner::new().unwrap();
    let app = TestApp::spawn_with(|settings| {
        no_limits(&mut settings.limits);
        settings.tokens.keys_url = format!("{}/.well-known/jwks.json", settings.upstreams.customer_url);
        (settings.limits.caller_rate, settings.limits.caller_burst) = (1, 2);
        (settings.limits.anonymous_rate, settings.limits.anonymous_burst) = (1, 1);
    })
    .await;
    let keys = ResponseTemplate::new(200).set_body_json(signer.jwks());
    Mock::given(path("/.well-known/jwks.json")).respond_with(keys).mount(&app.customers).await;
    let status = async |token: &str| {
        let request = app.request("GET", "/nowhere").bearer_auth(token);
        request.send().await.unwrap().status().as_u16()
    };
    let (one, other) = (CustomerId::new(), CustomerId::new());
    let token = |id, age| signer.token_issued(id, Role::Customer, age).unwrap();
    // The keys are fetched in the background.
    while app
        .request("GET", "/nowhere")
        .bearer_auth(token(CustomerId::new(), 0))
        .send()
        .await
        .unwrap()
        .headers()["ratelimit-policy"]
        .to_str()
        .unwrap()
        .contains("anonymous")
    {}
    assert_eq!([status(&token(one, 0)).await, status(&token(one, 1)).await], [404, 404]);
    // On a slow machine a second has passed and given one more.
    while status(&token(one, 2)).await != 429 {}
    assert_eq!(status(&token(other, 0)).await, 404);
    // A token that nobody signed is no caller, and neither is half a key: what they drain is their address's.
    let forged = TestSigner::new().unwrap().token(other, Role::Admin).unwrap();
    for bearer in [forged.as_str(), "oms_half-a-key"] {
        while status(bearer).await != 429 {}
    }
    assert_eq!(status(&token(other, 1)).await, 404);
}
