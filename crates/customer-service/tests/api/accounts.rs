//! What becomes of an account: telephone, consent, password, deactivation, and what the audit trail says of it.

use crate::app::{ADMIN_EMAIL, PASSWORD, TestApp, send, settings, settings_with_admin};
use common::audit::AuditFilter;
use common::http::page::Limit;
use common::ids::CustomerId;
use common::models::auth::Role;
use reqwest::Method;
use serde_json::{Value, json};

const NEW_PASSWORD: &str = "battery horse correct";

async fn post(app: &TestApp, token: &str, path: &str, body: Value) -> crate::app::Answer {
    send(app.request(Method::POST, path).bearer_auth(token).json(&body)).await
}

async fn change_password(
    app: &TestApp,
    token: &str,
    id: CustomerId,
    current: &str,
    new: &str,
) -> crate::app::Answer {
    let body = json!({ "currentPassword": current, "newPassword": new });
    post(app, token, &format!("/customers/{id}/password"), body).await
}

/// Actions about a customer, oldest first.
async fn actions(app: &TestApp, subject: CustomerId) -> Vec<String> {
    let filter = AuditFilter { subject: Some(subject.to_string()), ..AuditFilter::default() };
    let events = app.state.audit.list(&filter, None, Limit::default()).await.unwrap();
    events.into_iter().rev().map(|event| event.action.into_owned()).collect()
}

#[tokio::test]
async fn a_telephone_number_is_kept_and_null_removes_it() {
    let app = TestApp::start().await;
    let id = app.customer("ada@example.org").await;
    let token = app.token_of(id, Role::Customer);
    let changed = app.change(&token, id, None, &json!({ "phone": "+4930123456" })).await;
    assert_eq!((changed.status, changed.text("phone")), (200, "+4930123456"));
    for bad in ["030 123456", "+49", "", "+49 30 123456"] {
        let refused = app.change(&token, id, None, &json!({ "phone": bad })).await;
        assert_eq!((refused.status, refused.field()), (422, ("/phone", "invalid_value")), "{bad}");
    }
    let removed = app.change(&token, id, None, &json!({ "phone": null })).await;
    assert_eq!((removed.status, &removed.body["phone"]), (200, &Value::Null));
}

#[tokio::test]
async fn consent_to_marketing_keeps_the_time_of_its_last_change() {
    let app = TestApp::start().await;
    let id = app.customer("ada@example.org").await;
    let token = app.token_of(id, Role::Customer);
    assert_eq!(app.read(&token, id).await.body["marketingConsent"], false);
    let given = app.change(&token, id, None, &json!({ "marketingConsent": true })).await;
    let at = given.text("marketingConsentAt").to_owned();
    let again = app.change(&token, id, None, &json!({ "marketingConsent": true, "name": "Ada" })).await;
    assert_eq!(again.text("marketingConsentAt"), at);
    let taken_back = app.change(&token, id, None, &json!({ "marketingConsent": false })).await;
    assert_eq!(taken_back.body["marketingConsent"], false);
    assert!(taken_back.text("marketingConsentAt") >= at.as_str());
}

#[tokio::test]
async fn who_knows_the_current_password_changes_it_and_ends_the_other_sessions() {
    let app = TestApp::start().await;
    let id = app.customer("ada@example.org").await;
    let here = app.log_in("ada@example.org", PASSWORD).await;
    let elsewhere = app.log_in("ada@example.org", PASSWORD).await;
    let token = here.text("accessToken");
    let wrong = change_password(&app, token, id, "not the password", NEW_PASSWORD).await;
    assert_eq!((wrong.status, wrong.field()), (422, ("/currentPassword", "wrong_password")));
    assert_eq!(change_password(&app, token, id, PASSWORD, NEW_PASSWORD).await.status, 204);
    assert_eq!(app.log_in("ada@example.org", PASSWORD).await.status, 401);
    assert_eq!(app.log_in("ada@example.org", NEW_PASSWORD).await.status, 200);
    assert_eq!(app.refresh(elsewhere.text("refreshToken")).await.status, 401);
    assert_eq!(app.refresh(here.text("refreshToken")).await.status, 200);
    assert_eq!(actions(&app, id).await.last().unwrap(), "customer.password_changed");
}

#[tokio::test]
async fn a_password_is_changed_by_its_owner_alone_and_guesses_are_throttled() {
    let mut settings = settings();
    settings.throttle.failures_per_account = 2;
    let app = TestApp::start_with(settings).await;
    let id = app.customer("ada@example.org").await;
    for (role, expected) in [(Role::Customer, 404), (Role::Staff, 404), (Role::Admin, 404)] {
        let answer = change_password(&app, &app.token(role), id, PASSWORD, NEW_PASSWORD).await;
        assert_eq!(answer.status, expected, "{role:?}");
    }
    let token = app.token_of(id, Role::Customer);
    for _ in 0..2 {
        assert_eq!(change_password(&app, &token, id, "a wild guess", NEW_PASSWORD).await.status, 422);
    }
    let throttled = change_password(&app, &token, id, PASSWORD, NEW_PASSWORD).await;
    assert_eq!(throttled.problem(), (429, "too_many_requests"));
}

#[tokio::test]
async fn passwords_that_everybody_tries_first_are_refused_wherever_one_is_set() {
    let app = TestApp::start().await;
    for bad in ["password", "PASSWORD123", "12345678", "ada@example.org", "Ada Lovelace"] {
        let body = json!({ "email": "ada@example.org", "password": bad, "name": "Ada Lovelace" });
        let refused = app.register(&body).await;
        assert_eq!((refused.status, refused.field()), (422, ("/password", "common_password")), "{bad}");
    }
    let id = app.customer("ada@example.org").await;
    let token = app.token_of(id, Role::Customer);
    let refused = change_password(&app, &token, id, PASSWORD, "iloveyou").await;
    assert_eq!((refused.status, refused.field()), (422, ("/newPassword", "common_password")));
}

#[tokio::test]
async fn a_deactivated_customer_is_refused_at_once_and_a_reactivated_one_is_back() {
    let app = TestApp::start().await;
    let id = app.customer("ada@example.org").await;
    let staff = app.token(Role::Staff);
    let session = app.log_in("ada@example.org", PASSWORD).await;
    let gone = post(&app, &staff, &format!("/customers/{id}/deactivate"), json!({})).await;
    assert_eq!((gone.status, gone.text("status"), gone.header("etag")), (200, "deactivated", Some("\"2\"")));
    assert_eq!(app.refresh(session.text("refreshToken")).await.problem(), (401, "invalid_refresh_token"));
    assert_eq!(app.log_in("ada@example.org", PASSWORD).await.problem(), (401, "invalid_credentials"));
    let standing = app.standing(Some("development-service-token"), &id.to_string()).await;
    assert_eq!(standing.text("status"), "deactivated");
    let again = post(&app, &staff, &format!("/customers/{id}/deactivate"), json!({})).await;
    assert_eq!(again.header("etag"), Some("\"2\""));
    let back = post(&app, &staff, &format!("/customers/{id}/reactivate"), json!({})).await;
    assert_eq!((back.status, back.text("status")), (200, "active"));
    assert_eq!(app.log_in("ada@example.org", PASSWORD).await.status, 200);
    assert_eq!(app.refresh(session.text("refreshToken")).await.status, 401);
    assert_eq!(
        actions(&app, id).await,
        ["customer.registered", "customer.deactivated", "customer.reactivated"]
    );
}

#[tokio::test]
async fn customers_deactivate_nobody_and_staff_no_administrator() {
    let app = TestApp::start_with(settings_with_admin()).await;
    let id = app.customer("ada@example.org").await;
    let own =
        post(&app, &app.token_of(id, Role::Customer), &format!("/customers/{id}/deactivate"), json!({}))
            .await;
    assert_eq!(own.problem(), (403, "forbidden"));
    let admin = app.list(&app.token(Role::Admin), "?email=admin%40example.org").await;
    let admin = admin.body[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/customers/{admin}/deactivate");
    assert_eq!(post(&app, &app.token(Role::Staff), &path, json!({})).await.problem(), (403, "forbidden"));
    assert_eq!(post(&app, &app.token(Role::Admin), &path, json!({})).await.problem(), (409, "last_admin"));
    let read = app.list(&app.token(Role::Admin), "?email=admin%40example.org").await;
    assert_eq!(
        (read.body[0]["email"].as_str(), read.body[0]["status"].as_str()),
        (Some(ADMIN_EMAIL), Some("active"))
    );
}

#[tokio::test]
async fn every_change_of_an_account_stands_in_the_trail_without_what_is_personal() {
    let app = TestApp::start().await;
    let id = app.customer("ada@example.org").await;
    let token = app.token_of(id, Role::Customer);
    let body = json!({ "email": "ada@example.com", "phone": "+4930123456" });
    assert_eq!(app.change(&token, id, None, &body).await.status, 200);
    let filter = AuditFilter { subject: Some(id.to_string()), ..AuditFilter::default() };
    let events = app.state.audit.list(&filter, None, Limit::default()).await.unwrap();
    let newest = events.first().unwrap();
    assert_eq!(
        (newest.action.as_ref(), newest.actor.id.as_str()),
        ("customer.changed", id.to_string().as_str())
    );
    assert_eq!(
        (newest.actor.role, newest.actor.address.as_deref()),
        (Some(Role::Customer), Some("127.0.0.1"))
    );
    assert_eq!(newest.details["fields"], json!(["email", "phone"]));
    let text = serde_json::to_string(&events).unwrap();
    assert!(!text.contains("example") && !text.contains("4930"), "{text}");
}
