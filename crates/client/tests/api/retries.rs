//! What is sent again, and with what.

use crate::shop::{answer_in_turn, client_of, header, order, problem, requests_to};
use common::ids::{CustomerId, OrderId, ProductId};
use common::models::order::NewOrder;
use oms_client::{Client, Error};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wiremock::{MockServer, ResponseTemplate};

fn new_order() -> NewOrder {
    NewOrder::of_one(CustomerId::new(), ProductId::new(), 2.try_into().unwrap())
}

fn confirmed() -> ResponseTemplate {
    ResponseTemplate::new(201).set_body_json(order(CustomerId::new(), ProductId::new()))
}

#[tokio::test]
async fn an_order_is_sent_again_with_the_same_key_until_it_is_answered() {
    let shop = MockServer::start().await;
    answer_in_turn(&shop, "POST", "/orders", vec![problem(503, "timed_out"), problem(502, "x"), confirmed()])
        .await;
    let client = client_of(&shop).build().unwrap();
    client.create_order(CustomerId::new(), ProductId::new(), 2).await.unwrap();
    let requests = requests_to(&shop, "/orders").await;
    let keys: Vec<_> = requests.iter().map(|request| header(request, "idempotency-key").unwrap()).collect();
    assert_eq!(keys.len(), 3);
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");

    client.create_order(CustomerId::new(), ProductId::new(), 2).await.unwrap();
    let requests = requests_to(&shop, "/orders").await;
    let another = header(&requests[3], "idempotency-key").unwrap();
    assert_ne!(another, header(&requests[0], "idempotency-key").unwrap());
}

#[tokio::test]
async fn the_callers_key_is_sent_and_a_replayed_answer_says_so() {
    let shop = MockServer::start().await;
    let replayed = confirmed().insert_header("idempotency-replayed", "true");
    answer_in_turn(&shop, "POST", "/orders", vec![confirmed(), replayed]).await;
    let client = client_of(&shop).build().unwrap();
    assert!(!client.place_order(&new_order(), Some("checkout-7")).await.unwrap().replayed);
    assert!(client.place_order(&new_order(), Some("checkout-7")).await.unwrap().replayed);
    for request in requests_to(&shop, "/orders").await {
        assert_eq!(header(&request, "idempotency-key"), Some("checkout-7"));
    }
}

#[tokio::test]
async fn a_key_that_no_service_accepts_is_refused_before_it_is_sent() {
    let shop = MockServer::start().await;
    let client = client_of(&shop).build().unwrap();
    for key in ["", "two words", "ключ", &"k".repeat(256)] {
        let refused = client.place_order(&new_order(), Some(key)).await;
        assert!(matches!(refused, Err(Error::Configuration(_))), "{key}");
    }
    assert!(shop.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_retry_after_longer_than_a_minute_is_the_callers_to_plan_with() {
    let shop = MockServer::start().await;
    let busy = problem(429, "too_many_requests").insert_header("retry-after", "3600");
    answer_in_turn(&shop, "GET", "/orders", vec![busy]).await;
    let error = client_of(&shop).build().unwrap().orders(None, None).await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(429), Some("too_many_requests")));
    assert_eq!(requests_to(&shop, "/orders").await.len(), 1);
}

#[tokio::test]
async fn retries_end_and_the_last_problem_is_told() {
    let shop = MockServer::start().await;
    answer_in_turn(&shop, "GET", "/orders", vec![problem(503, "unavailable")]).await;
    let error = client_of(&shop).retries(2).build().unwrap().orders(None, None).await.unwrap_err();
    assert_eq!(error.status(), Some(503));
    assert_eq!(requests_to(&shop, "/orders").await.len(), 3);
}

#[tokio::test]
async fn setting_inventory_is_not_sent_again_after_an_unclear_failure() {
    let shop = MockServer::start().await;
    let id = ProductId::new();
    let path = format!("/products/{id}/inventory");
    answer_in_turn(&shop, "PUT", &path, vec![problem(503, "timed_out")]).await;
    let error = client_of(&shop).build().unwrap().update_product_inventory(id, 5).await.unwrap_err();
    assert_eq!(error.code(), Some("timed_out"));
    assert_eq!(requests_to(&shop, &path).await.len(), 1);
}

#[tokio::test]
async fn a_refusal_is_told_at_once_with_the_whole_problem() {
    let shop = MockServer::start().await;
    answer_in_turn(&shop, "POST", "/orders", vec![problem(409, "out_of_stock")]).await;
    let error = client_of(&shop).build().unwrap().place_order(&new_order(), None).await.unwrap_err();
    let Error::Problem { status, problem } = &error else { panic!("{error:?}") };
    assert_eq!(
        (*status, problem.code.as_ref(), problem.request_id.as_deref()),
        (409, "out_of_stock", Some("r-1"))
    );
    assert_eq!(problem.extensions["orderId"], "01890a5d-ac96-774b-bcce-b302099a8057");
    assert_eq!(requests_to(&shop, "/orders").await.len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_no_problem_document_keeps_its_status() {
    let shop = MockServer::start().await;
    let page = ResponseTemplate::new(404).set_body_string("<html>nginx</html>");
    let id = OrderId::new();
    answer_in_turn(&shop, "GET", &format!("/orders/{id}"), vec![page]).await;
    let error = client_of(&shop).build().unwrap().order(id).await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(404), Some("unexpected_answer")));
}

#[tokio::test]
async fn an_order_survives_a_connection_that_dies_without_an_answer() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let keys = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = keys.clone();
    let served = tokio::spawn(async move {
        for turn in 0..2 {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = socket.read(&mut request).await.unwrap();
            let text = String::from_utf8_lossy(&request[..length]).to_lowercase();
            let key =
                text.lines().find_map(|line| line.strip_prefix("idempotency-key: ")).unwrap().to_owned();
            seen.lock().unwrap().push(key);
            if turn == 1 {
                let body = order(CustomerId::new(), ProductId::new()).to_string();
                let head = format!("HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n", body.len());
                socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            }
        }
    });
    let client = Client::builder(&format!("http://{address}")).build().unwrap();
    client.create_order(CustomerId::new(), ProductId::new(), 2).await.unwrap();
    served.await.unwrap();
    let keys = keys.lock().unwrap();
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test]
async fn no_answer_in_time_and_no_server_at_all_are_told_apart() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let patience = Duration::from_millis(50);
    let build = |address: String| Client::builder(&address).timeout(patience).retries(0).build().unwrap();
    let client = build(format!("http://{}", silent.local_addr().unwrap()));
    assert!(matches!(client.orders(None, None).await, Err(Error::Timeout)));

    let address = silent.local_addr().unwrap();
    drop(silent);
    let client = build(format!("http://{address}"));
    assert!(matches!(client.orders(None, None).await, Err(Error::Transport(_) | Error::Timeout)));
}
