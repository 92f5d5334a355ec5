//! Registering, reading, listing and changing customers.

use crate::app::{ADMIN_EMAIL, PASSWORD, TestApp, registration, settings_with_admin};
use common::ids::CustomerId;
use common::models::auth::Role;
use serde_json::json;

const SERVICE_TOKEN: &str = "development-service-token";

#[tokio::test]
async fn a_registered_customer_is_found_where_the_answer_says() {
    let app = TestApp::start().await;
    let made = app.register(&registration("Ada@Example.org")).await;
    assert_eq!(made.status, 201);
    let id = made.id();
    assert_eq!(made.header("location"), Some(format!("/customers/{id}").as_str()));
    assert_eq!(made.header("etag"), Some("\"1\""));
    assert_eq!((made.text("email"), made.text("name")), ("Ada@Example.org", "Ada Lovelace"));
    assert_eq!((made.text("role"), made.text("status")), ("customer", "active"));
    let fields: Vec<&String> = made.body.as_object().unwrap().keys().collect();
    assert_eq!(
        fields,
        [
            "createdAt",
            "email",
            "emailVerified",
            "id",
            "marketingConsent",
            "name",
            "role",
            "status",
            "updatedAt",
            "version"
        ]
    );
    let read = app.read(&app.token_of(id, Role::Customer), id).await;
    assert_eq!((read.status, read.header("etag")), (200, Some("\"1\"")));
    assert_eq!(read.body, made.body);
}

#[tokio::test]
async fn an_address_is_one_account_whatever_its_case() {
    let app = TestApp::start().await;
    app.customer("ada@example.org").await;
    let again = app.register(&registration("ADA@example.ORG")).await;
    assert_eq!(again.problem(), (409, "email_taken"));
    let keyed = app.register_with_key("1", &registration("ADA@example.ORG")).await;
    assert_eq!(keyed.problem(), (409, "email_taken"));
}

#[tokio::test]
async fn of_many_registrations_of_one_address_at_once_one_succeeds() {
    let app = TestApp::start().await;
    let body = registration("ada@example.org");
    let answers = futures_util::future::join_all((0..8).map(|_| app.register(&body))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
}

#[tokio::test]
async fn only_staff_may_register_without_a_password_and_nobody_can_log_in_to_it() {
    let app = TestApp::start().await;
    let body = json!({ "email": "walk-in@example.org", "name": "Walk-in" });
    let refused = app.register(&body).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.field(), ("/password", "missing_field"));
    let refused = app.register_as(&app.token(Role::Customer), &body).await;
    assert_eq!(refused.field(), ("/password", "missing_field"));
    assert_eq!(app.register_as(&app.token(Role::Staff), &body).await.status, 201);
    assert_eq!(app.log_in("walk-in@example.org", PASSWORD).await.problem(), (401, "invalid_credentials"));
}

#[tokio::test]
async fn a_registration_repeated_with_its_key_answers_the_same_account() {
    let app = TestApp::start().await;
    let body = registration("ada@example.org");
    let first = app.register_with_key("key-1", &body).await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (201, None));
    let second = app.register_with_key("key-1", &body).await;
    assert_eq!((second.status, second.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(second.header("location"), first.header("location"));
    assert_eq!(second.body, first.body);
}

#[tokio::test]
async fn a_key_that_named_another_registration_is_refused() {
    let app = TestApp::start().await;
    assert_eq!(app.register_with_key("key-1", &registration("ada@example.org")).await.status, 201);
    for changed in [
        json!({ "email": "ada@example.org", "password": PASSWORD, "name": "Eve" }),
        json!({ "email": "ada@example.org", "password": "another password", "name": "Ada Lovelace" }),
    ] {
        let answer = app.register_with_key("key-1", &changed).await;
        assert_eq!(answer.problem(), (422, "idempotency_key_reused"), "{changed}");
    }
    let staff = app.token(Role::Staff);
    let without_password = json!({ "email": "ada@example.org", "name": "Ada Lovelace" });
    let request = app.request(reqwest::Method::POST, "/customers").bearer_auth(staff);
    let answer = crate::app::send(request.header("idempotency-key", "key-1").json(&without_password)).await;
    assert_eq!(answer.problem(), (422, "idempotency_key_reused"));
}

#[tokio::test]
async fn the_same_registration_sent_many_times_at_once_makes_one_account() {
    let app = TestApp::start().await;
    let body = registration("ada@example.org");
    let answers = futures_util::future::join_all((0..8).map(|_| app.register_with_key("key-1", &body))).await;
    let first = answers.first().unwrap().id();
    for answer in &answers {
        assert_eq!((answer.status, answer.id()), (201, first), "{answer:?}");
    }
    let replayed = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_some()).count();
    assert_eq!(replayed, 7);
}

#[tokio::test]
async fn a_repeated_registration_is_no_way_to_guess_passwords_past_the_throttle() {
    let app = TestApp::start().await;
    assert_eq!(app.register_with_key("key-1", &registration("ada@example.org")).await.status, 201);
    let guess = json!({ "email": "ada@example.org", "password": "a wild guess", "name": "Ada Lovelace" });
    for _ in 0..10 {
        assert_eq!(app.register_with_key("key-1", &guess).await.problem(), (422, "idempotency_key_reused"));
    }
    assert_eq!(app.register_with_key("key-1", &guess).await.problem(), (429, "too_many_requests"));
    assert_eq!(app.log_in("ada@example.org", PASSWORD).await.problem(), (429, "too_many_requests"));
}

#[tokio::test]
async fn a_list_is_newest_first_and_its_pages_join_without_a_gap() {
    let app = TestApp::start().await;
    let staff = app.token(Role::Staff);
    let mut expected = Vec::new();
    for number in 0..5 {
        expected.insert(0, app.customer(&format!("customer-{number}@example.org")).await.to_string());
    }
    let mut listed = Vec::new();
    let mut query = Some("?limit=2".to_owned());
    let mut pages = 0;
    while let Some(next) = query {
        let page = app.list(&staff, &next).await;
        assert_eq!(page.status, 200, "{page:?}");
        let entries = page.body.as_array().unwrap();
        listed.extend(entries.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()));
        query = page.header("link").map(|link| {
            let target = link.strip_prefix("</customers").unwrap();
            target.strip_suffix(">; rel=\"next\"").unwrap().to_owned()
        });
        pages += 1;
    }
    assert_eq!((listed, pages), (expected, 3));
}

#[tokio::test]
async fn a_customer_changes_their_own_name_and_address_and_logs_in_with_the_new_one() {
    let app = TestApp::start().await;
    let id = app.customer("ada@example.org").await;
    let token = app.token_of(id, Role::Customer);
    let named = app.change(&token, id, Some("\"1\""), &json!({ "name": "Ada King" })).await;
    assert_eq!((named.status, named.header("etag"), named.text("name")), (200, Some("\"2\""), "Ada King"));
    let moved = app.change(&token, id, None, &json!({ "email": "king@example.org" })).await;
    assert_eq!((moved.status, moved.body["version"].as_i64()), (200, Some(3)));
    assert_eq!((moved.text("email"), moved.text("name")), ("king@example.org", "Ada King"));
    assert_eq!(app.log_in("ada@example.org", PASSWORD).await.status, 401);
    assert_eq!(app.log_in("king@example.org", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_change_of_a_version_that_is_not_current_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    let id = app.customer("ada@example.org").await;
    let token = app.token_of(id, Role::Customer);
    for stale in ["\"0\"", "\"2\""] {
        let refused = app.change(&token, id, Some(stale), &json!({ "name": "Eve" })).await;
        assert_eq!(refused.problem(), (412, "version_mismatch"));
    }
    let read = app.read(&token, id).await;
    assert_eq!((read.text("name"), read.header("etag")), ("Ada Lovelace", Some("\"1\"")));
}

#[tokio::test]
async fn changes_at_once_without_a_version_are_all_made_and_with_one_only_the_first() {
    let app = TestApp::start().await;
    let id = app.customer("ada@example.org").await;
    let token = app.token_of(id, Role::Customer);
    let body = json!({ "name": "Ada King" });
    let guarded =
        futures_util::future::join_all((0..4).map(|_| app.change(&token, id, Some("\"1\""), &body)));
    let mut statuses: Vec<u16> = guarded.await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412]);
    let free = futures_util::future::join_all((0..3).map(|_| app.change(&token, id, None, &body))).await;
    assert!(free.iter().all(|answer| answer.status == 200), "{free:?}");
    assert_eq!(app.read(&token, id).await.body["version"], 5);
}

#[tokio::test]
async fn a_change_of_nothing_leaves_the_version_as_it_is() {
    let app = TestApp::start().await;
    let id = app.customer("ada@example.org").await;
    let answer = app.change(&app.token_of(id, Role::Customer), id, None, &json!({})).await;
    assert_eq!((answer.status, answer.header("etag")), (200, Some("\"1\"")));
}

#[tokio::test]
async fn an_address_of_someone_else_cannot_be_taken_over_but_ones_own_may_change_its_case() {
    let app = TestApp::start().await;
    app.customer("eve@example.org").await;
    let id = app.customer("ada@example.org").await;
    let token = app.token_of(id, Role::Customer);
    let refused = app.change(&token, id, None, &json!({ "email": "EVE@example.org" })).await;
    assert_eq!(refused.problem(), (409, "email_taken"));
    assert_eq!(app.change(&token, id, None, &json!({ "email": "Ada@example.org" })).await.status, 200);
}

#[tokio::test]
async fn staff_change_customers_and_only_an_administrator_changes_an_administrator() {
    let app = TestApp::start_with(settings_with_admin()).await;
    let customer = app.customer("ada@example.org").await;
    let admin = app.list(&app.token(Role::Admin), "?email=admin%40example.org").await;
    let admin: CustomerId = admin.body[0]["id"].as_str().unwrap().parse().unwrap();
    let staff = app.token(Role::Staff);
    let body = json!({ "name": "Changed" });
    assert_eq!(app.change(&staff, customer, None, &body).await.status, 200);
    assert_eq!(app.change(&staff, admin, None, &body).await.problem(), (403, "forbidden"));
    let taken_over = json!({ "email": "staff@example.org" });
    assert_eq!(app.change(&staff, admin, None, &taken_over).await.problem(), (403, "forbidden"));
    assert_eq!(app.change(&app.token(Role::Admin), admin, None, &body).await.text("email"), ADMIN_EMAIL);
}

#[tokio::test]
async fn a_customer_that_does_not_exist_is_not_found() {
    let app = TestApp::start().await;
    let (staff, nobody) = (app.token(Role::Staff), CustomerId::new());
    assert_eq!(app.read(&staff, nobody).await.problem(), (404, "not_found"));
    assert_eq!(app.change(&staff, nobody, None, &json!({ "name": "A" })).await.problem(), (404, "not_found"));
}

#[tokio::test]
async fn our_own_services_learn_how_a_customer_stands() {
    let app = TestApp::start().await;
    let id = app.customer("ada@example.org").await.to_string();
    let standing = app.standing(Some(SERVICE_TOKEN), &id).await;
    assert_eq!((standing.status, standing.body), (200, json!({ "id": id, "status": "active" })));
    let unknown = app.standing(Some(SERVICE_TOKEN), &CustomerId::new().to_string()).await;
    assert_eq!(unknown.problem(), (404, "not_found"));
    let bad = app.standing(Some(SERVICE_TOKEN), "1").await;
    assert_eq!((bad.status, bad.field()), (422, ("path:id", "invalid_id")));
}
