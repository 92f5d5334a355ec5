//! Logging in, refreshing, logging out, and the published keys.

use crate::app::{PASSWORD, TestApp, settings};
use common::auth::keys::KeySource;
use common::auth::token::{TokenSettings, TokenVerifier};
use common::models::auth::Role;
use futures_util::future::join_all;
use serde_json::json;

const EMAIL: &str = "ada@example.org";

async fn app_with_customer() -> TestApp {
    let app = TestApp::start().await;
    app.customer(EMAIL).await;
    app
}

#[tokio::test]
async fn a_log_in_answers_tokens_of_the_account() {
    let app = TestApp::start().await;
    let id = app.customer(EMAIL).await;
    let pair = app.log_in("ADA@example.org", PASSWORD).await;
    assert_eq!((pair.status, pair.header("cache-control")), (200, Some("no-store")));
    assert_eq!((pair.text("tokenType"), pair.body["expiresIn"].as_i64()), ("Bearer", Some(600)));
    assert_eq!(pair.text("customerId"), id.to_string());
    assert_eq!(app.read(pair.text("accessToken"), id).await.status, 200);
}

#[tokio::test]
async fn an_access_token_is_verified_by_whoever_fetches_the_published_keys() {
    let app = TestApp::start().await;
    let id = app.customer(EMAIL).await;
    let pair = app.log_in(EMAIL, PASSWORD).await;
    let keys_url = format!("{}/.well-known/jwks.json", app.public_url);
    let keys = KeySource::remote(&keys_url).unwrap();
    let settings = TokenSettings {
        issuer: "oms".into(),
        audience: "oms".into(),
        cache_entries: 10,
        keys_url,
        keys_refresh_ms: 0,
    };
    let caller = TokenVerifier::new(&settings, keys).verify(pair.text("accessToken")).await.unwrap();
    assert_eq!((caller.customer_id, caller.role), (id, Role::Customer));
    assert_eq!(caller.expires_at_s - caller.issued_at_s, 600);
    assert!(pair.text("refreshToken").starts_with(&caller.session_id.to_string()));
}

#[tokio::test]
async fn the_published_keys_are_public_and_may_be_cached() {
    let app = TestApp::start().await;
    let keys = app.keys().await;
    assert_eq!((keys.status, keys.header("cache-control")), (200, Some("public, max-age=60")));
    let key = &keys.body["keys"][0];
    assert_eq!((&key["kty"], &key["crv"], &key["use"]), (&json!("OKP"), &json!("Ed25519"), &json!("sig")));
    assert!(key["kid"].is_string() && key.get("d").is_none(), "{key}");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_are_answered_alike() {
    let app = app_with_customer().await;
    let wrong = app.log_in(EMAIL, "another password").await;
    let unknown = app.log_in("eve@example.org", PASSWORD).await;
    assert_eq!(wrong.problem(), (401, "invalid_credentials"));
    assert_eq!(wrong.header("www-authenticate"), Some("Bearer"));
    let without_id = |answer: &crate::app::Answer| {
        let mut body = answer.body.clone();
        body.as_object_mut().unwrap().remove("requestId");
        body
    };
    assert_eq!(without_id(&wrong), without_id(&unknown));
}

#[tokio::test]
async fn a_refresh_rotates_the_token_and_every_successor_is_good() {
    let app = app_with_customer().await;
    let first = app.log_in(EMAIL, PASSWORD).await;
    let second = app.refresh(first.text("refreshToken")).await;
    let third = app.refresh(second.text("refreshToken")).await;
    assert_eq!((second.status, third.status), (200, 200));
    assert_ne!(first.text("refreshToken"), second.text("refreshToken"));
    assert_ne!(second.text("refreshToken"), third.text("refreshToken"));
    assert_ne!(first.text("accessToken"), second.text("accessToken"));
    let id = third.text("customerId").parse().unwrap();
    assert_eq!(app.read(third.text("accessToken"), id).await.status, 200);
}

#[tokio::test]
async fn a_refresh_whose_answer_was_lost_is_answered_with_the_same_successor() {
    let app = app_with_customer().await;
    let first = app.log_in(EMAIL, PASSWORD).await;
    let lost = app.refresh(first.text("refreshToken")).await;
    let repeated = app.refresh(first.text("refreshToken")).await;
    assert_eq!(repeated.text("refreshToken"), lost.text("refreshToken"));
    assert_eq!(app.refresh(repeated.text("refreshToken")).await.status, 200);
}

#[tokio::test]
async fn refreshes_at_once_get_the_same_successor() {
    let app = app_with_customer().await;
    let first = app.log_in(EMAIL, PASSWORD).await;
    let token = first.text("refreshToken");
    let answers = join_all((0..4).map(|_| app.refresh(token))).await;
    for answer in &answers {
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.text("refreshToken"), answers[0].text("refreshToken"));
    }
}

#[tokio::test]
async fn a_token_used_again_after_its_successor_ends_the_session_for_both() {
    let app = app_with_customer().await;
    let first = app.log_in(EMAIL, PASSWORD).await;
    let second = app.refresh(first.text("refreshToken")).await;
    let third = app.refresh(second.text("refreshToken")).await;
    let reused = app.refresh(first.text("refreshToken")).await;
    assert_eq!(reused.problem(), (401, "invalid_refresh_token"));
    assert_eq!(app.refresh(third.text("refreshToken")).await.problem(), (401, "invalid_refresh_token"));
}

#[tokio::test]
async fn the_previous_token_used_again_after_the_grace_ends_the_session() {
    let mut settings = settings();
    settings.sessions.grace_ms = -1;
    let app = TestApp::start_with(settings).await;
    app.customer(EMAIL).await;
    let first = app.log_in(EMAIL, PASSWORD).await;
    let second = app.refresh(first.text("refreshToken")).await;
    assert_eq!(app.refresh(first.text("refreshToken")).await.problem(), (401, "invalid_refresh_token"));
    assert_eq!(app.refresh(second.text("refreshToken")).await.problem(), (401, "invalid_refresh_token"));
}

#[tokio::test]
async fn one_session_that_ends_leaves_the_others_as_they_are() {
    let app = app_with_customer().await;
    let (one, other) = (app.log_in(EMAIL, PASSWORD).await, app.log_in(EMAIL, PASSWORD).await);
    let out = app.log_out(one.text("refreshToken")).await;
    assert_eq!((out.status, out.body), (204, serde_json::Value::Null));
    assert_eq!(app.refresh(one.text("refreshToken")).await.problem(), (401, "invalid_refresh_token"));
    assert_eq!(app.refresh(other.text("refreshToken")).await.status, 200);
}

#[tokio::test]
async fn logging_out_again_or_with_a_token_of_nobody_is_no_error() {
    let app = app_with_customer().await;
    let pair = app.log_in(EMAIL, PASSWORD).await;
    let of_nobody = pair.text("refreshToken").replacen(|_: char| true, "0", 1);
    for token in [pair.text("refreshToken"), pair.text("refreshToken"), &of_nobody, "", "x.y"] {
        assert_eq!(app.log_out(token).await.status, 204);
    }
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused() {
    let app = app_with_customer().await;
    let pair = app.log_in(EMAIL, PASSWORD).await;
    let longer = format!("{}A", pair.text("refreshToken"));
    let of_nobody = format!("{}{}", common::ids::SessionId::new(), &pair.text("refreshToken")[36..]);
    for token in ["", ".", "x.y", pair.text("accessToken"), &longer, &of_nobody, &"A".repeat(50_000)] {
        assert_eq!(app.refresh(token).await.problem(), (401, "invalid_refresh_token"), "{token:.20}");
    }
    assert_eq!(app.refresh(pair.text("refreshToken")).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_is_no_access_token() {
    let app = TestApp::start().await;
    let id = app.customer(EMAIL).await;
    let pair = app.log_in(EMAIL, PASSWORD).await;
    assert_eq!(app.read(pair.text("refreshToken"), id).await.problem(), (401, "unauthenticated"));
}

#[tokio::test]
async fn neither_password_nor_secret_is_stored_as_it_is() {
    let app = TestApp::start().await;
    let id = app.customer(EMAIL).await;
    let account = app.state.customers.find(id).await.unwrap().unwrap();
    assert!(account.password_hash.unwrap().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    let pair = app.log_in(EMAIL, PASSWORD).await;
    let (session_id, secret) = pair.text("refreshToken").split_once('.').unwrap();
    let session = app.state.sessions.find(session_id.parse().unwrap()).await.unwrap().unwrap();
    use base64::Engine;
    let secret = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(secret).unwrap();
    assert_ne!(session.current_hash.as_slice(), secret);
}

#[tokio::test]
async fn when_too_many_passwords_wait_a_log_in_is_answered_503_at_once() {
    let mut settings = settings();
    settings.passwords.threads = 1;
    settings.passwords.waiting = 1;
    let app = TestApp::start_with(settings).await;
    app.customer(EMAIL).await;
    let check = || app.state.passwords.verify(PASSWORD.parse().unwrap(), None);
    // Each takes its place in the queue when it is first polled, and keeps it until it is polled to its end.
    let (mut running, mut waiting) = (Box::pin(check()), Box::pin(check()));
    assert!(futures_util::poll!(&mut running).is_pending());
    assert!(futures_util::poll!(&mut waiting).is_pending());
    let refused = app.log_in(EMAIL, PASSWORD).await;
    assert_eq!((refused.problem(), refused.header("retry-after")), ((503, "too_busy"), Some("1")));
    let refused = app.register(&crate::app::registration("eve@example.org")).await;
    assert_eq!(refused.problem(), (503, "too_busy"));
    drop((running, waiting));
    assert_eq!(app.log_in(EMAIL, PASSWORD).await.status, 200);
}
