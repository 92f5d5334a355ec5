//! Roles and invitations.

use crate::app::{ADMIN_EMAIL, ADMIN_PASSWORD, Answer, PASSWORD, TestApp, send, settings_with_admin};
use common::ids::CustomerId;
use common::models::auth::Role;
use common::time::Timestamp;
use customer_service::domain::mail_token::{MailToken, Purpose};
use reqwest::Method;
use serde_json::{Value, json};

const EMAIL: &str = "ada@example.org";

async fn change_role(app: &TestApp, token: &str, id: CustomerId, role: &str) -> Answer {
    let path = format!("/customers/{id}/role");
    send(app.request(Method::PUT, &path).bearer_auth(token).json(&json!({ "role": role }))).await
}

async fn invite(app: &TestApp, token: &str, body: &Value) -> Answer {
    send(app.request(Method::POST, "/staff-invitations").bearer_auth(token).json(body)).await
}

async fn accept(app: &TestApp, token: &str, password: &str) -> Answer {
    let body = json!({ "token": token, "password": password });
    send(app.request(Method::POST, "/staff-invitations/accept").json(&body)).await
}

/// A shop with its first administrator, and that one's identity and token.
async fn app_with_admin() -> (TestApp, CustomerId, String) {
    let app = TestApp::start_with(settings_with_admin()).await;
    let pair = app.log_in(ADMIN_EMAIL, ADMIN_PASSWORD).await;
    let id = pair.text("customerId").parse().unwrap();
    let token = pair.text("accessToken").to_owned();
    (app, id, token)
}

#[tokio::test]
async fn a_new_role_ends_the_sessions_with_the_old_one_and_stands_in_the_next_token() {
    let (app, _, admin) = app_with_admin().await;
    let id = app.customer(EMAIL).await;
    let before = app.log_in(EMAIL, PASSWORD).await;
    assert_eq!(app.list(before.text("accessToken"), "").await.status, 403);
    let changed = change_role(&app, &admin, id, "staff").await;
    assert_eq!((changed.status, changed.text("role")), (200, "staff"));
    assert_eq!(changed.header("etag"), Some(format!("\"{}\"", changed.body["version"]).as_str()));
    assert_eq!(app.refresh(before.text("refreshToken")).await.problem(), (401, "invalid_refresh_token"));
    let after = app.log_in(EMAIL, PASSWORD).await;
    assert_eq!(app.list(after.text("accessToken"), "").await.status, 200);
    assert_eq!(change_role(&app, &admin, id, "staff").await.body["version"], changed.body["version"]);
}

#[tokio::test]
async fn only_an_administrator_changes_roles() {
    let (app, _, admin) = app_with_admin().await;
    let id = app.customer(EMAIL).await;
    for token in [app.token_of(id, Role::Customer), app.token(Role::Staff)] {
        assert_eq!(change_role(&app, &token, id, "admin").await.problem(), (403, "forbidden"));
    }
    let unknown = change_role(&app, &admin, CustomerId::new(), "staff").await;
    assert_eq!(unknown.problem(), (404, "not_found"));
    let bad = change_role(&app, &admin, id, "owner").await;
    assert_eq!((bad.status, bad.field().0), (422, "/role"));
}

#[tokio::test]
async fn the_last_administrator_stays_one() {
    let (app, id, admin) = app_with_admin().await;
    assert_eq!(change_role(&app, &admin, id, "staff").await.problem(), (409, "last_admin"));
    // Somebody who was only invited cannot administer yet.
    let body = json!({ "email": "new@example.org", "name": "New", "role": "admin" });
    assert_eq!(invite(&app, &admin, &body).await.status, 201);
    assert_eq!(change_role(&app, &admin, id, "staff").await.problem(), (409, "last_admin"));
    let other = app.customer(EMAIL).await;
    assert_eq!(change_role(&app, &admin, other, "admin").await.status, 200);
    assert_eq!(change_role(&app, &admin, id, "staff").await.status, 200);
}

#[tokio::test]
async fn of_two_administrators_who_demote_each_other_at_once_one_stays() {
    let (app, one, token) = app_with_admin().await;
    for number in 0..8 {
        let other = app.customer(&format!("admin{number}@example.org")).await;
        assert_eq!(change_role(&app, &token, other, "admin").await.status, 200);
        let (first, second) =
            tokio::join!(change_role(&app, &token, one, "staff"), change_role(&app, &token, other, "staff"));
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{first:?} {second:?}");
        if first.status == 200 {
            // The other one is left: give the role back and take it from there.
            assert_eq!(change_role(&app, &token, one, "admin").await.status, 200);
            assert_eq!(change_role(&app, &token, other, "customer").await.status, 200);
        }
    }
}

#[tokio::test]
async fn an_invitation_makes_an_account_whose_password_is_set_once_by_its_link() {
    let (app, _, admin) = app_with_admin().await;
    let body = json!({ "email": EMAIL, "name": "Ada", "role": "staff" });
    let invited = invite(&app, &admin, &body).await;
    assert_eq!((invited.status, invited.text("role")), (201, "staff"));
    assert_eq!(invited.header("location"), Some(format!("/customers/{}", invited.id()).as_str()));
    assert_eq!(app.log_in(EMAIL, PASSWORD).await.status, 401);
    let again = invite(&app, &admin, &body).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(again.id(), invited.id());

    let account = app.state.customers.find(invited.id()).await.unwrap().unwrap();
    let token = MailToken::from_random([5; 32]);
    let tokens = &app.state.mail_tokens;
    tokens.replace(token.hash(), Purpose::AcceptInvitation, &account, Timestamp::now()).await.unwrap();
    assert_eq!(accept(&app, "x", PASSWORD).await.field(), ("/token", "invalid_token"));
    assert_eq!(accept(&app, &token.reveal(), PASSWORD).await.status, 204);
    assert_eq!(accept(&app, &token.reveal(), "another password").await.field(), ("/token", "invalid_token"));
    let pair = app.log_in(EMAIL, PASSWORD).await;
    assert_eq!(app.list(pair.text("accessToken"), "").await.status, 200);
    assert_eq!(invite(&app, &admin, &body).await.problem(), (409, "email_taken"));
}

#[tokio::test]
async fn only_an_administrator_invites_and_nobody_is_invited_as_a_customer_or_over_an_account() {
    let (app, _, admin) = app_with_admin().await;
    app.customer(EMAIL).await;
    let body = json!({ "email": EMAIL, "name": "Ada", "role": "staff" });
    assert_eq!(invite(&app, &app.token(Role::Staff), &body).await.problem(), (403, "forbidden"));
    assert_eq!(invite(&app, &admin, &body).await.problem(), (409, "email_taken"));
    let body = json!({ "email": "new@example.org", "name": "New", "role": "customer" });
    assert_eq!(invite(&app, &admin, &body).await.field(), ("/role", "invalid_value"));
}
