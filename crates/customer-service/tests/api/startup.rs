//! Starting: the first administrator, the signing key, and what production refuses.

use crate::app::{
    ADMIN_EMAIL, ADMIN_PASSWORD, PASSWORD, TestApp, registration, settings, settings_with_admin,
};
use common::auth::signing::SigningKey;
use common::config::Environment;
use common::models::auth::Role;
use customer_service::config::Settings;
use customer_service::startup::Application;
use std::io::Write;

async fn refusal(settings: Settings) -> String {
    match Application::build(settings).await {
        Ok(_) => panic!("it started"),
        Err(refusal) => format!("{refusal:#}"),
    }
}

#[tokio::test]
async fn the_first_administrator_logs_in_as_one() {
    let app = TestApp::start_with(settings_with_admin()).await;
    let pair = app.log_in(ADMIN_EMAIL, ADMIN_PASSWORD).await;
    assert_eq!(pair.status, 200);
    let listed = app.list(pair.text("accessToken"), "").await;
    assert_eq!(listed.body.as_array().unwrap().len(), 1);
    assert_eq!(listed.body[0]["role"], "admin");
}

#[tokio::test]
async fn replicas_that_start_at_once_make_one_administrator() {
    let settings = settings_with_admin();
    let (one, other, third) = tokio::join!(
        TestApp::start_with(settings.clone()),
        TestApp::start_with(settings.clone()),
        TestApp::start_with(settings)
    );
    for app in [&one, &other, &third] {
        assert_eq!(app.log_in(ADMIN_EMAIL, ADMIN_PASSWORD).await.status, 200);
        assert_eq!(app.list(&app.token(Role::Admin), "").await.body.as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_second_start_leaves_the_administrators_password_as_it_is() {
    let mut settings = settings_with_admin();
    drop(TestApp::start_with(settings.clone()).await);
    settings.admin.password = "another password".into();
    let app = TestApp::start_with(settings).await;
    assert_eq!(app.log_in(ADMIN_EMAIL, "another password").await.status, 401);
    assert_eq!(app.log_in(ADMIN_EMAIL, ADMIN_PASSWORD).await.status, 200);
}

#[tokio::test]
async fn whoever_registered_the_administrators_address_first_becomes_none_without_the_password() {
    for (password, role) in [(PASSWORD, "customer"), (ADMIN_PASSWORD, "admin")] {
        let mut settings = settings();
        let app = TestApp::start_with(settings.clone()).await;
        let mut body = registration(ADMIN_EMAIL);
        body["password"] = password.into();
        assert_eq!(app.register(&body).await.status, 201);
        settings.admin.email = ADMIN_EMAIL.into();
        settings.admin.password = ADMIN_PASSWORD.into();
        let app = TestApp::start_with(settings).await;
        let listed = app.list(&app.token(Role::Admin), "").await;
        assert_eq!(listed.body[0]["role"], role);
        assert_eq!(app.log_in(ADMIN_EMAIL, password).await.status, 200);
    }
}

#[tokio::test]
async fn an_administrator_who_could_not_log_in_stops_the_start_and_is_not_quoted() {
    let mut settings = settings_with_admin();
    settings.admin.password = "short".into();
    let sentence = refusal(settings).await;
    assert!(sentence.contains("ADMIN_PASSWORD") && !sentence.contains("short"), "{sentence}");
    let mut settings = settings_with_admin();
    settings.admin.email = "nobody".into();
    let sentence = refusal(settings).await;
    assert!(sentence.contains("ADMIN_EMAIL") && !sentence.contains("nobody"), "{sentence}");
}

#[tokio::test]
async fn replicas_with_the_same_key_file_accept_each_others_tokens() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(SigningKey::generate_pem().unwrap().as_bytes()).unwrap();
    let mut settings = settings();
    settings.environment = Environment::Production;
    settings.internal.tokens = vec!["a-secret-of-our-own".into()];
    settings.keys.signing_key_file = file.path().to_str().unwrap().to_owned();
    let (one, other) = (TestApp::start_with(settings.clone()).await, TestApp::start_with(settings).await);
    let id = one.customer("ada@example.org").await;
    let pair = one.log_in("ada@example.org", PASSWORD).await;
    assert_eq!(other.read(pair.text("accessToken"), id).await.status, 200);
    assert_eq!(other.keys().await.body, one.keys().await.body);
}

#[tokio::test]
async fn production_without_a_key_or_with_the_development_service_token_refuses_to_start() {
    let mut settings = settings();
    settings.environment = Environment::Production;
    assert!(refusal(settings.clone()).await.contains("keys.signing_key_file"));
    settings.keys.signing_key_file = "/nowhere/key.pem".into();
    assert!(refusal(settings.clone()).await.contains("OMS_SERVICE_TOKENS"));
    settings.internal.tokens = vec!["a-secret-of-our-own".into()];
    assert!(refusal(settings).await.contains("/nowhere/key.pem"));
}
