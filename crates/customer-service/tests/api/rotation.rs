//! Signing keys change while the service runs.

use crate::app::{PASSWORD, TestApp, settings};
use common::auth::signing::SigningKey;
use common::ids::CustomerId;
use std::collections::BTreeSet;
use std::path::Path;

const EMAIL: &str = "ada@example.org";

async fn kids(app: &TestApp) -> BTreeSet<String> {
    let keys = app.keys().await;
    keys.body["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn kid_of(token: &str) -> String {
    use base64::Engine;
    let header = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(token.split_once('.').unwrap().0).unwrap();
    serde_json::from_slice::<serde_json::Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

fn add_key(file: &Path) -> String {
    let pem = SigningKey::generate_pem().unwrap();
    let old = std::fs::read_to_string(file).unwrap_or_default();
    std::fs::write(file, format!("{old}{pem}")).unwrap();
    SigningKey::from_pem(&pem).unwrap().kid().to_owned()
}

async fn log_in(app: &TestApp) -> String {
    app.log_in(EMAIL, PASSWORD).await.text("accessToken").to_owned()
}

async fn is_good(app: &TestApp, token: &str, id: CustomerId) -> bool {
    app.read(token, id).await.status == 200
}

#[tokio::test]
async fn a_key_that_is_added_is_published_then_signs_and_the_old_tokens_stay_good() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.pem");
    let first = add_key(&file);
    let mut settings = settings();
    settings.keys.signing_key_file = file.to_str().unwrap().to_owned();
    settings.keys.reload_ms = 10;
    settings.keys.activate_after_s = 1;
    settings.throttle.attempts_per_address = 1_000_000;
    let app = TestApp::start_with(settings).await;
    let id = app.customer(EMAIL).await;
    let mut tokens = vec![log_in(&app).await];
    assert_eq!(kid_of(&tokens[0]), first);
    for _ in 0..2 {
        let new = add_key(&file);
        while !kids(&app).await.contains(&new) {}
        loop {
            let token = log_in(&app).await;
            let is_new = kid_of(&token) == new;
            tokens.push(token);
            if is_new {
                break;
            }
        }
    }
    // The old keys go: their tokens stay good until they expire.
    let all = kids(&app).await;
    std::fs::write(&file, SigningKey::generate_pem().unwrap()).unwrap();
    while kids(&app).await.len() != all.len() + 1 {}
    for token in &tokens {
        assert!(is_good(&app, token, id).await);
    }
}

#[tokio::test]
async fn a_file_that_is_broken_meanwhile_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.pem");
    let first = add_key(&file);
    let mut settings = settings();
    settings.keys.signing_key_file = file.to_str().unwrap().to_owned();
    settings.keys.reload_ms = 10;
    let app = TestApp::start_with(settings).await;
    app.customer(EMAIL).await;
    std::fs::write(&file, "nonsense").unwrap();
    assert_eq!(kid_of(&log_in(&app).await), first);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(kid_of(&log_in(&app).await), first);
    let second = add_key(&file);
    while !kids(&app).await.contains(&second) {}
    assert!(kids(&app).await.contains(&first));
}

#[tokio::test]
async fn keys_may_stand_in_the_settings_themselves() {
    let mut settings = settings();
    settings.environment = common::config::Environment::Production;
    settings.internal.tokens = vec!["a-secret-of-our-own".into()];
    let pem = || SigningKey::generate_pem().unwrap();
    settings.keys.signing_key_pem = format!("{}{}", pem(), pem()).into();
    let app = TestApp::start_with(settings).await;
    let id = app.customer(EMAIL).await;
    assert_eq!(kids(&app).await.len(), 2);
    assert!(is_good(&app, &log_in(&app).await, id).await);
}
