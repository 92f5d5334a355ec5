//! Open sessions: seeing them, ending one, ending all.

use crate::app::{Answer, PASSWORD, TestApp, send};
use common::ids::{CustomerId, SessionId};
use common::models::auth::Role;
use reqwest::Method;
use serde_json::json;

const EMAIL: &str = "ada@example.org";

async fn list(app: &TestApp, token: &str, id: CustomerId) -> Answer {
    list_page(app, token, id, "").await
}

async fn list_page(app: &TestApp, token: &str, id: CustomerId, query: &str) -> Answer {
    send(app.request(Method::GET, &format!("/customers/{id}/sessions{query}")).bearer_auth(token)).await
}

async fn end(app: &TestApp, token: &str, id: CustomerId, session: &str) -> Answer {
    let path = format!("/customers/{id}/sessions/{session}");
    send(app.request(Method::DELETE, &path).bearer_auth(token)).await
}

async fn end_all(app: &TestApp, token: &str, id: CustomerId) -> Answer {
    send(app.request(Method::DELETE, &format!("/customers/{id}/sessions")).bearer_auth(token)).await
}

async fn log_in_with(app: &TestApp, user_agent: &str) -> Answer {
    let body = json!({ "email": EMAIL, "password": PASSWORD });
    send(app.request(Method::POST, "/auth/login").header("user-agent", user_agent).json(&body)).await
}

fn session_of(pair: &Answer) -> String {
    pair.text("refreshToken").split_once('.').unwrap().0.to_owned()
}

#[tokio::test]
async fn sessions_are_listed_newest_first_with_their_device_and_which_is_the_callers() {
    let app = TestApp::start().await;
    let id = app.customer(EMAIL).await;
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let (first, second) = (log_in_with(&app, "curl/8.5.0").await, log_in_with(&app, firefox).await);
    let listed = list(&app, first.text("accessToken"), id).await;
    assert_eq!(listed.status, 200);
    let sessions = listed.body.as_array().unwrap();
    let shown = |index: usize, field: &str| sessions[index][field].clone();
    assert_eq!(sessions.len(), 2);
    assert_eq!((shown(0, "device"), shown(1, "device")), (json!("Firefox on Linux"), json!("curl/8.5.0")));
    assert_eq!((shown(0, "id"), shown(1, "id")), (json!(session_of(&second)), json!(session_of(&first))));
    assert_eq!((shown(0, "current"), shown(1, "current")), (json!(false), json!(true)));
    for session in sessions {
        assert!(session["createdAt"].is_string() && session["lastUsedAt"].is_string(), "{session}");
        assert!(!session.to_string().contains("ash") && !session.to_string().contains("salt"), "{session}");
    }
}

#[tokio::test]
async fn a_long_list_comes_in_pages() {
    let app = TestApp::start().await;
    let id = app.customer(EMAIL).await;
    let pair = app.log_in(EMAIL, PASSWORD).await;
    app.log_in(EMAIL, PASSWORD).await;
    app.log_in(EMAIL, PASSWORD).await;
    let first = list_page(&app, pair.text("accessToken"), id, "?limit=2").await;
    assert_eq!(first.body.as_array().unwrap().len(), 2);
    let link = first.header("link").unwrap();
    let query = &link[link.find('?').unwrap()..link.find('>').unwrap()];
    let second = list_page(&app, pair.text("accessToken"), id, query).await;
    assert_eq!(second.body[0]["id"], json!(session_of(&pair)));
    assert_eq!((second.body.as_array().unwrap().len(), second.header("link")), (1, None));
}

#[tokio::test]
async fn a_session_that_is_ended_refreshes_no_more_and_the_others_do() {
    let app = TestApp::start().await;
    let id = app.customer(EMAIL).await;
    let (one, other) = (app.log_in(EMAIL, PASSWORD).await, app.log_in(EMAIL, PASSWORD).await);
    for _ in 0..2 {
        assert_eq!(end(&app, other.text("accessToken"), id, &session_of(&one)).await.status, 204);
    }
    assert_eq!(app.refresh(one.text("refreshToken")).await.problem(), (401, "invalid_refresh_token"));
    assert_eq!(app.refresh(other.text("refreshToken")).await.status, 200);
    // Access tokens that it still has are known to be of a session that is over.
    let standing = app.standing(Some("development-service-token"), &id.to_string()).await;
    assert_eq!(standing.body["endedSessions"], json!([session_of(&one)]));
    assert_eq!(list(&app, other.text("accessToken"), id).await.body.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn nobody_ends_or_sees_the_sessions_of_a_stranger() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.customer(EMAIL).await, app.customer("eve@example.org").await);
    let pair = app.log_in(EMAIL, PASSWORD).await;
    let session = session_of(&pair);
    let eves = app.token_of(eve, Role::Customer);
    assert_eq!(list(&app, &eves, ada).await.problem(), (404, "not_found"));
    assert_eq!(end(&app, &eves, ada, &session).await.problem(), (404, "not_found"));
    assert_eq!(end_all(&app, &eves, ada).await.problem(), (404, "not_found"));
    // Someone else's session is not among her own.
    assert_eq!(end(&app, &eves, eve, &session).await.problem(), (404, "not_found"));
    let nobodys = SessionId::new().to_string();
    assert_eq!(end(&app, pair.text("accessToken"), ada, &nobodys).await.problem(), (404, "not_found"));
    let bad = end(&app, pair.text("accessToken"), ada, "1").await;
    assert_eq!((bad.status, bad.field()), (422, ("path:sessionId", "invalid_id")));
    assert_eq!(app.refresh(pair.text("refreshToken")).await.status, 200);
}

#[tokio::test]
async fn logging_out_everywhere_ends_every_session_and_the_tokens_issued_until_then() {
    let app = TestApp::start().await;
    let id = app.customer(EMAIL).await;
    let (one, other) = (app.log_in(EMAIL, PASSWORD).await, app.log_in(EMAIL, PASSWORD).await);
    assert_eq!(end_all(&app, one.text("accessToken"), id).await.status, 204);
    for pair in [&one, &other] {
        assert_eq!(app.refresh(pair.text("refreshToken")).await.problem(), (401, "invalid_refresh_token"));
    }
    let standing = app.standing(Some("development-service-token"), &id.to_string()).await;
    assert_eq!(standing.text("status"), "active");
    assert!(standing.body["tokensNotBefore"].is_string(), "{standing:?}");
    assert_eq!(app.log_in(EMAIL, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn staff_log_out_customers_and_no_colleague() {
    let app = TestApp::start_with(crate::app::settings_with_admin()).await;
    let id = app.customer(EMAIL).await;
    let pair = app.log_in(EMAIL, PASSWORD).await;
    let staff = app.token(Role::Staff);
    let admins = app.list(&app.token(Role::Admin), "?email=admin%40example.org").await;
    let admin: CustomerId = admins.body[0]["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(list(&app, &staff, id).await.status, 200);
    assert_eq!(end_all(&app, &staff, admin).await.problem(), (403, "forbidden"));
    assert_eq!(end_all(&app, &staff, id).await.status, 204);
    assert_eq!(app.refresh(pair.text("refreshToken")).await.status, 401);
}
