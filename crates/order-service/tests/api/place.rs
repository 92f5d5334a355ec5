use crate::app::{TestApp, order_id, problem};
use common::auth::api_key::ApiKeyText;
use common::ids::{ApiKeyId, CustomerId, ProductId, SessionId};
use common::models::auth::Role;
use common::time::Timestamp;
use reqwest::StatusCode;
use serde_json::{Value, json};

#[tokio::test]
async fn an_order_of_one_line_is_confirmed_with_copied_names_and_prices() {
    let app = TestApp::start().await;
    let (customer, product) = (app.customer(), ProductId::new());
    let response = customer.place(&customer.order(product, 3), None).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(response.headers()["etag"], "\"2\"");
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let order: Value = response.json().await.unwrap();
    assert_eq!(location, format!("/orders/{}", order["id"].as_str().unwrap()));
    assert_eq!(order["customerId"], json!(customer.id));
    assert_eq!((&order["productId"], &order["quantity"]), (&json!(product), &json!(3)));
    assert_eq!((&order["status"], &order["fulfillmentStatus"]), (&json!("confirmed"), &json!("unfulfilled")));
    assert_eq!((&order["total"], &order["currency"]), (&json!(37.5), &json!("EUR")));
    assert_eq!(order["lines"][0]["name"], "A thing");
    assert_eq!(customer.get_order(&order["id"]).await, order);
    let history: Value = customer.get(&format!("{location}/history")).await.json().await.unwrap();
    assert_eq!((&history[0]["event"], &history[1]["event"]), (&json!("placed"), &json!("confirmed")));
    assert_eq!(history[0]["actor"], json!(customer.id));
}

#[tokio::test]
async fn an_order_of_2000_lines_is_one_order_and_has_no_product_at_the_top() {
    let app = TestApp::start().await;
    let customer = app.customer();
    let lines: Vec<Value> =
        (0..2000).map(|_| json!({ "productId": ProductId::new(), "quantity": 1 })).collect();
    let response = customer.place(&json!({ "customerId": customer.id, "lines": lines }), None).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let order: Value = response.json().await.unwrap();
    assert_eq!(order["lines"].as_array().unwrap().len(), 2000);
    assert!(order.get("productId").is_none());
    assert_eq!(order["total"], json!(25000));
}

#[tokio::test]
async fn a_repeated_key_answers_the_same_order_and_another_request_under_it_is_refused() {
    let app = TestApp::start().await;
    let (customer, product) = (app.customer(), ProductId::new());
    let body = customer.order(product, 1);
    let first = customer.place(&body, Some("a key")).await;
    assert_eq!(problem(first).await, (422, "validation_failed".into()));
    let first: Value = customer.place(&body, Some("a-key")).await.json().await.unwrap();
    let again = customer.place(&body, Some("a-key")).await;
    assert_eq!(again.status(), StatusCode::CREATED);
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(again.json::<Value>().await.unwrap(), first);
    let other = customer.place(&customer.order(product, 2), Some("a-key")).await;
    assert_eq!(problem(other).await, (422, "idempotency_key_reused".into()));
    let someone_else = app.customer();
    let theirs: Value =
        someone_else.place(&someone_else.order(product, 1), Some("a-key")).await.json().await.unwrap();
    assert_ne!(theirs["id"], first["id"]);
    assert_eq!(app.ledger.entries().len(), 2);
}

#[tokio::test]
async fn one_key_sent_many_times_at_once_makes_one_order() {
    let app = TestApp::start().await;
    let (customer, product) = (app.customer(), ProductId::new());
    let body = customer.order(product, 1);
    let sent = (0..40).map(|number| {
        let key = format!("key-{}", number % 10);
        let (customer, body) = (&customer, &body);
        async move {
            let response = customer.place(body, Some(&key)).await;
            assert_eq!(response.status(), StatusCode::CREATED);
            (key, response.json::<Value>().await.unwrap()["id"].clone())
        }
    });
    let answers = futures_util::future::join_all(sent).await;
    for (key, id) in &answers {
        assert!(answers.iter().all(|(other, other_id)| (key == other) == (id == other_id)));
    }
    let orders: Value =
        customer.get(&format!("/customers/{}/orders", customer.id)).await.json().await.unwrap();
    assert_eq!(orders.as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn an_order_without_stock_is_rejected_and_stays_so_under_its_key() {
    let app = TestApp::start().await;
    let (customer, product) = (app.customer(), ProductId::new());
    app.ledger.sold_out.lock().unwrap().push(product);
    let refused = customer.place(&customer.order(product, 1), Some("k")).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let refused: Value = refused.json().await.unwrap();
    assert_eq!(refused["code"], "out_of_stock");
    assert_eq!(refused["rejections"][0]["available"], 0);
    let order = customer.get_order(&refused["orderId"]).await;
    assert_eq!(order["status"], "rejected");
    app.ledger.sold_out.lock().unwrap().clear();
    let again = customer.place(&customer.order(product, 1), Some("k")).await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(problem(again).await, (409, "out_of_stock".into()));
}

#[tokio::test]
async fn a_ledger_that_fails_once_or_loses_its_answer_is_asked_again() {
    let app = TestApp::start().await;
    let customer = app.customer();
    *app.ledger.failing.lock().unwrap() = 1;
    customer.placed(ProductId::new(), 1).await;
    *app.ledger.losing.lock().unwrap() = 1;
    customer.placed(ProductId::new(), 1).await;
    // The second order's entry was delivered twice and decided once.
    assert_eq!(app.ledger.entries().len(), 3);
    assert_eq!(app.ledger.recorded.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn an_order_that_cannot_be_decided_is_answered_503_with_its_id_and_a_retry_converges() {
    let app = TestApp::start().await;
    let (customer, product) = (app.customer(), ProductId::new());
    *app.ledger.failing.lock().unwrap() = 3;
    let failed = customer.place(&customer.order(product, 1), Some("k")).await;
    assert_eq!(failed.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(failed.headers().contains_key("retry-after"));
    let failed: Value = failed.json().await.unwrap();
    assert_eq!(failed["code"], "order_unsettled");
    assert_eq!(customer.get_order(&failed["orderId"]).await["status"], "pending");
    let retried = customer.place(&customer.order(product, 1), Some("k")).await;
    assert_eq!(retried.status(), StatusCode::CREATED);
    assert_eq!(retried.json::<Value>().await.unwrap()["id"], failed["orderId"]);
}

#[tokio::test]
async fn a_client_that_hangs_up_interrupts_nothing() {
    let app = TestApp::start().await;
    let (customer, product) = (app.customer(), ProductId::new());
    let body = customer.order(product, 1);
    let hung_up =
        customer.request(reqwest::Method::POST, "/orders").header("Idempotency-Key", "k").json(&body);
    // Waits for the ledger to be called, then drops the request with its answer unread.
    let sent = tokio::spawn(hung_up.send());
    while app.ledger.entries().is_empty() {
        tokio::task::yield_now().await;
    }
    sent.abort();
    let again = customer.place(&body, Some("k")).await;
    assert_eq!(again.status(), StatusCode::CREATED);
    assert_eq!(app.ledger.recorded.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_customer_orders_for_itself_only_and_staff_for_every_active_customer() {
    let app = TestApp::start().await;
    let (customer, product) = (app.customer(), ProductId::new());
    let stranger = app.customer();
    let refused = stranger.place(&customer.order(product, 1), None).await;
    assert_eq!(problem(refused).await, (403, "forbidden".into()));
    let anonymous =
        app.http.post(format!("{}/orders", app.url)).json(&customer.order(product, 1)).send().await.unwrap();
    assert_eq!(anonymous.headers()["www-authenticate"], "Bearer");
    assert_eq!(problem(anonymous).await, (401, "unauthenticated".into()));

    let staff = app.staff();
    app.customer_standing(customer.id, "active", 1).await;
    for _ in 0..3 {
        assert_eq!(staff.place(&customer.order(product, 1), None).await.status(), StatusCode::CREATED);
    }
    let inactive = CustomerId::new();
    app.customer_standing(inactive, "deactivated", 1).await;
    let body = json!({ "customerId": inactive, "productId": product, "quantity": 1 });
    assert_eq!(problem(staff.place(&body, None).await).await, (409, "customer_inactive".into()));
    app.no_customers().await;
    let body = json!({ "customerId": CustomerId::new(), "productId": product, "quantity": 1 });
    assert_eq!(problem(staff.place(&body, None).await).await, (422, "validation_failed".into()));
}

#[tokio::test]
async fn a_token_older_than_30_seconds_does_not_prove_that_its_account_is_active() {
    let app = TestApp::start().await;
    let id = CustomerId::new();
    let mut customer = app.someone(id, Role::Customer);
    customer.token = app.signer.token_issued(id, Role::Customer, 31).unwrap();
    app.customer_standing(id, "deactivated", 1).await;
    let refused = customer.place(&customer.order(ProductId::new(), 1), None).await;
    assert_eq!(problem(refused).await, (409, "customer_inactive".into()));
}

#[tokio::test]
async fn who_logged_out_everywhere_orders_with_a_younger_token_only() {
    let app = TestApp::start().await;
    let id = CustomerId::new();
    let revoked_at = Timestamp::now().plus_millis(-60_000);
    let standing = json!({ "id": id, "status": "active", "tokensNotBefore": revoked_at });
    app.standing(id, standing, 1).await;
    let mut customer = app.someone(id, Role::Customer);
    let body = customer.order(ProductId::new(), 1);
    for (issued_s_ago, status) in [(90, 401), (61, 401), (45, 201), (0, 201)] {
        customer.token = app.signer.token_issued(id, Role::Customer, issued_s_ago).unwrap();
        let answer = customer.place(&body, None).await;
        assert_eq!(answer.status(), status, "{issued_s_ago}");
        if status == 401 {
            assert_eq!(problem(answer).await, (401, "token_revoked".into()));
        }
    }
}

#[tokio::test]
async fn a_token_of_a_session_that_has_ended_places_nothing_and_one_of_another_session_does() {
    let app = TestApp::start().await;
    let id = CustomerId::new();
    let mut customer = app.someone(id, Role::Customer);
    let (ended, open) = (SessionId::new(), SessionId::new());
    let token = |session| app.signer.token_of_session(session, id, Role::Customer, 31).unwrap();
    app.standing(id, json!({ "id": id, "status": "active", "endedSessions": [ended] }), 1).await;
    let body = customer.order(ProductId::new(), 1);
    customer.token = token(ended);
    assert_eq!(problem(customer.place(&body, None).await).await, (401, "token_revoked".into()));
    customer.token = token(open);
    assert_eq!(customer.place(&body, None).await.status(), 201);
}

#[tokio::test]
async fn staff_who_were_deactivated_or_logged_out_order_for_nobody() {
    let app = TestApp::start().await;
    let (customer, staff) = (CustomerId::new(), CustomerId::new());
    app.customer_standing(customer, "active", 0).await;
    app.customer_standing(staff, "deactivated", 1).await;
    let mut caller = app.someone(staff, Role::Staff);
    caller.token = app.signer.token_issued(staff, Role::Staff, 31).unwrap();
    let body = json!({ "customerId": customer, "productId": ProductId::new(), "quantity": 1 });
    assert_eq!(problem(caller.place(&body, None).await).await, (401, "token_revoked".into()));
}

#[tokio::test]
async fn an_api_key_orders_for_every_customer_and_leaves_its_name_in_the_history() {
    let app = TestApp::start().await;
    let (customer, key) = (app.customer(), app.api_key(&["orders:write", "orders:read"]).await);
    app.customer_standing(customer.id, "active", 1).await;
    let machine = app.bearing(customer.id, key.reveal());
    let order = machine.placed(ProductId::new(), 1).await;
    let history: Value =
        machine.get(&format!("/orders/{}/history", order_id(&order["id"]))).await.json().await.unwrap();
    assert_eq!(history[0]["actor"], json!(format!("key:{}", key.id)));

    let reading = app.api_key(&["orders:read"]).await;
    let reader = app.bearing(customer.id, reading.reveal());
    let refused = reader.place(&reader.order(ProductId::new(), 1), None).await;
    assert_eq!(problem(refused).await, (403, "insufficient_scope".into()));
    assert_eq!(problem(reader.cancel(&order["id"], None).await).await, (403, "insufficient_scope".into()));
    let unknown = app.bearing(customer.id, ApiKeyText::new(ApiKeyId::new(), [0; 32]).reveal());
    assert_eq!(problem(unknown.get("/orders").await).await, (401, "unauthenticated".into()));
}

#[tokio::test]
async fn an_order_is_answered_only_to_its_customer_and_to_staff() {
    let app = TestApp::start().await;
    let customer = app.customer();
    let order = customer.placed(ProductId::new(), 1).await;
    let path = format!("/orders/{}", order_id(&order["id"]));
    assert_eq!(app.staff().get(&path).await.status(), StatusCode::OK);
    assert_eq!(problem(app.customer().get(&path).await).await, (404, "not_found".into()));
    assert_eq!(
        problem(app.customer().get(&format!("{path}/history")).await).await,
        (404, "not_found".into())
    );
}

#[tokio::test]
async fn health_is_on_the_internal_listener_alone() {
    let app = TestApp::start().await;
    let ready = app.http.get(format!("{}/health/ready", app.internal_url)).send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::OK);
    let public = app.http.get(format!("{}/health/ready", app.url)).send().await.unwrap();
    assert_eq!(public.status(), StatusCode::NOT_FOUND);
}
