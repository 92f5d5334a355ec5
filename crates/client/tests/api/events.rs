//! Following the feed.

use crate::shop::{answer_in_turn, client_of, header, problem, requests_to};
use futures_util::TryStreamExt as _;
use oms_client::Error;
use serde_json::{Value, json};
use std::pin::pin;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

fn event(cursor: &str) -> Value {
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    json!({
        "id": id, "cursor": cursor, "type": "order.placed", "at": "2026-01-31T12:00:00.000Z",
        "recordedAt": "2026-01-31T12:00:00.140Z", "entity": { "kind": "order", "id": id }, "sequence": 1,
        "version": 1, "data": {}
    })
}

/// A stream that tells these and breaks off.
fn stream(cursors: &[&str]) -> ResponseTemplate {
    let told = cursors.iter().map(|cursor| format!("id: {cursor}\ndata: {}\n\n", event(cursor)));
    let body = format!("retry: 1\n\n{}id: half\ndata: {{", told.collect::<String>());
    ResponseTemplate::new(200).set_body_raw(body, "text/event-stream")
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_taken_up_behind_its_last_event_until_it_is_refused() {
    let shop = MockServer::start().await;
    let answers =
        vec![stream(&["a", "b"]), problem(503, "overloaded"), stream(&["c"]), problem(410, "cursor_expired")];
    answer_in_turn(&shop, "GET", "/events", answers).await;
    let client = client_of(&shop).bearer("a.b.c").build().unwrap();
    let wanted = "order.*".parse().unwrap();
    let mut events = pin!(client.follow_events(&wanted, Some("begin")));
    for expected in ["a", "b", "c"] {
        assert_eq!(events.try_next().await.unwrap().unwrap().cursor, expected);
    }
    let ended = events.try_next().await.unwrap_err();
    assert_eq!((ended.status(), ended.code()), (Some(410), Some("cursor_expired")));

    let requests = requests_to(&shop, "/events").await;
    let queries: Vec<_> = requests.iter().map(|request| request.url.query().unwrap()).collect();
    let query = |after: &str| format!("limit=200&after={after}&types=order.*");
    assert_eq!(queries, ["begin", "b", "b", "c"].map(query));
    for request in &requests {
        assert_eq!(header(request, "accept"), Some("text/event-stream"));
        assert_eq!(header(request, "authorization"), Some("Bearer a.b.c"));
    }
}

#[tokio::test]
async fn who_follows_from_now_on_misses_nothing_where_the_first_connection_fails() {
    let shop = MockServer::start().await;
    Mock::given(matchers::query_param("after", "latest"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!([]))
                .insert_header("link", "</events?after=now>; rel=\"next\""),
        )
        .mount(&shop)
        .await;
    Mock::given(matchers::query_param("after", "now"))
        .respond_with(stream(&[]))
        .up_to_n_times(1)
        .mount(&shop)
        .await;
    Mock::given(matchers::query_param("after", "now")).respond_with(stream(&["a"])).mount(&shop).await;
    let client = client_of(&shop).build().unwrap();
    let mut events = pin!(client.follow_events(&Default::default(), Some("latest")));
    assert_eq!(events.try_next().await.unwrap().unwrap().cursor, "a");
    assert_eq!(requests_to(&shop, "/events").await.len(), 3);
}

#[tokio::test]
async fn a_shop_that_stays_away_ends_the_stream() {
    let shop = MockServer::start().await;
    answer_in_turn(&shop, "GET", "/events", vec![problem(503, "overloaded")]).await;
    let client = client_of(&shop).retries(0).build().unwrap();
    let mut events = pin!(client.follow_events(&Default::default(), None));
    assert!(matches!(events.try_next().await, Err(Error::Problem { status: 503, .. })));
    assert_eq!(requests_to(&shop, "/events").await.len(), 1);
}
