use crate::app::{Someone, TestApp, problem};
use common::events::collector::Turn;
use common::events::log::{AppendError, EventLog};
use common::events::source::{Draft, Happening};
use common::ids::{EntityId, EventId, ProductId};
use common::models::event::{Entity, EntityKind, Event, TypeFilter};
use common::time::Timestamp;
use mongodb::bson::{DateTime, Document, doc};
use reqwest::Method;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

/// A page of the feed, and the address of the next one.
async fn page(staff: &Someone<'_>, path: &str) -> (Vec<Event>, String) {
    let response = staff.get(path).await;
    assert_eq!(response.status(), 200, "{path}");
    let link = response.headers()["link"].to_str().unwrap();
    let next = link.split_once('<').unwrap().1.split_once('>').unwrap().0.to_owned();
    (response.json().await.unwrap(), next)
}

fn told(events: &[Event]) -> Vec<(&str, i64)> {
    events.iter().map(|event| (event.kind.as_str(), event.sequence)).collect()
}

fn ids(events: &[Event]) -> Vec<EventId> {
    events.iter().map(|event| event.id).collect()
}

async fn database(app: &TestApp) -> mongodb::Database {
    let client = mongodb::Client::with_uri_str(common::testing::server("MONGO_URI")).await.unwrap();
    client.database(&app.settings.mongo.database)
}

#[tokio::test]
async fn an_order_is_told_change_by_change_and_nothing_is_told_twice() {
    let app = TestApp::start().await;
    let (customer, staff) = (app.customer(), app.staff());
    let order = customer.placed(ProductId::new(), 2).await;
    app.collect().await;
    customer.went(&order, "cancel", json!({})).await;
    app.collect().await;
    app.collect().await;
    let (events, next) = page(&staff, "/events").await;
    assert_eq!(told(&events), [("order.placed", 1), ("order.confirmed", 2), ("order.cancelled", 3)]);
    assert!(events.iter().all(|event| order["id"] == event.entity.id.to_string()));
    assert_eq!(events[2].actor.as_deref(), Some(customer.id.to_string().as_str()));
    // Both changes of the first look come with the order as it was then.
    assert!(
        events[..2].iter().all(|event| event.data["status"] == "confirmed" && event.data["version"] == 2)
    );
    assert_eq!(events[2].data, staff.get_order(&order["id"]).await);
    assert_eq!(page(&staff, &next).await.0, []);
}

#[tokio::test]
async fn the_feed_is_read_in_pages_by_type_and_from_now_on() {
    let app = TestApp::start().await;
    let (customer, staff) = (app.customer(), app.staff());
    for _ in 0..3 {
        customer.placed(ProductId::new(), 1).await;
    }
    app.collect().await;
    let (mut path, mut events) = ("/events?limit=1".to_owned(), Vec::new());
    for _ in 0..6 {
        let (mut found, next) = page(&staff, &path).await;
        assert_eq!(found.len(), 1);
        events.append(&mut found);
        path = next;
    }
    assert_eq!(page(&staff, &path).await.0, []);
    // Where the other logs are does not show in what is told of ours.
    assert_eq!(ids(&events), ids(&page(&staff, "/events?types=order.*").await.0));
    let after = &events[3].cursor;
    assert_eq!(ids(&page(&staff, &format!("/events?after={after}")).await.0), ids(&events[4..]));
    let (confirmed, _) = page(&staff, "/events?types=order.confirmed,stock.*").await;
    assert_eq!(confirmed.len(), 3);
    assert!(confirmed.iter().all(|event| event.data["status"] == "confirmed"));
    // Before the page ends the data may stand with an event that is not in it.
    let (placed, _) = page(&staff, "/events?types=order.placed").await;
    assert!(placed.iter().all(|event| event.data["status"] == "confirmed"), "{placed:?}");
    let (none, next) = page(&staff, "/events?after=latest").await;
    assert_eq!(none, []);
    customer.placed(ProductId::new(), 1).await;
    app.collect().await;
    assert_eq!(told(&page(&staff, &next).await.0), [("order.placed", 1), ("order.confirmed", 2)]);
}

#[tokio::test]
async fn nothing_personal_is_told() {
    let app = TestApp::start().await;
    let (customer, staff) = (app.customer(), app.staff());
    let mut body = customer.order(ProductId::new(), 1);
    body["shippingAddress"] = json!({ "recipient": "Ada Secret", "lines": ["1 Secret Road"], "city": "Secretville", "country": "DE" });
    body["note"] = json!("a secret note");
    body["metadata"] = json!({ "secret": "secret" });
    let order: Value = customer.place(&body, None).await.json().await.unwrap();
    staff.went(&order, "hold", json!({ "note": "a secret hold" })).await;
    staff.went(&order, "notes", json!({ "text": "a secret remark" })).await;
    app.collect().await;
    let text = staff.get("/events").await.text().await.unwrap();
    assert!(text.contains("order.noted") && text.contains("order.held"), "{text}");
    assert!(!text.to_lowercase().contains("secret"), "{text}");
}

#[tokio::test]
async fn who_may_not_read_the_feed_is_refused_and_what_it_does_not_understand_is_named() {
    let app = TestApp::start().await;
    let (customer, staff) = (app.customer(), app.staff());
    assert_eq!(problem(customer.get("/events").await).await, (403, "forbidden".into()));
    let key = app.api_key(&["orders:read"]).await;
    let machine = app.bearing(customer.id, key.reveal());
    assert_eq!(problem(machine.get("/events").await).await, (403, "insufficient_scope".into()));
    for (query, pointer) in [
        ("after=x", "query:after"),
        ("after=AQAAAAAA", "query:after"),
        ("types=order.eaten", "query:types"),
        ("types=", "query:types"),
        ("limit=0", "query:limit"),
        ("colour=red", "query:colour"),
    ] {
        let response = staff.get(&format!("/events?{query}")).await;
        assert_eq!(response.status(), 422, "{query}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["errors"][0]["pointer"], pointer, "{query}");
    }
    let request = staff.request(Method::GET, "/events").header("accept", "text/event-stream");
    let response = request.header("last-event-id", "nonsense").send().await.unwrap();
    assert_eq!(problem(response).await, (422, "validation_failed".into()));
}

#[tokio::test]
async fn one_collector_at_a_time_and_of_two_who_append_one_fails() {
    let app = TestApp::start().await;
    app.customer().placed(ProductId::new(), 1).await;
    let (mut first, mut second) = (app.collector().await, app.collector().await);
    assert_eq!(first.catch_up().await.unwrap(), Turn::Idle);
    assert_eq!(second.turn().await.unwrap(), Turn::Elsewhere);
    first.catch_up_and_leave().await.unwrap();
    assert_eq!(second.catch_up().await.unwrap(), Turn::Idle);
    // Somebody who lost the lease without noticing.
    let log = EventLog::new(&database(&app).await);
    let tail = log.tail().await.unwrap();
    let draft = |sequence| Draft {
        entity: Entity { kind: EntityKind::Order, id: EntityId::new() },
        sequence,
        version: sequence,
        happening: Happening::new("order.placed", Timestamp::now()),
        data: Some("{}".into()),
    };
    log.append(tail, vec![draft(1)]).await.unwrap();
    assert!(matches!(log.append(tail, vec![draft(1)]).await, Err(AppendError::Overtaken)));
    // The holder meets what was appended meanwhile, and goes on behind it.
    app.customer().placed(ProductId::new(), 1).await;
    assert_eq!(second.catch_up().await.unwrap(), Turn::Idle);
    let page = log.read(None, &TypeFilter::default(), 200).await.unwrap();
    let positions: Vec<i64> = page.events.iter().map(|event| event.position).collect();
    assert_eq!(positions, (1..=5).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_was_lost_or_never_announced_is_found_again_and_told_once() {
    let app = TestApp::start().await;
    let (customer, staff) = (app.customer(), app.staff());
    let order = customer.placed(ProductId::new(), 1).await;
    app.collect().await;
    let database = database(&app).await;
    for lost in ["event_marks", "leases"] {
        database.collection::<Document>(lost).delete_many(doc! {}).await.unwrap();
    }
    app.collect().await;
    // A clock that is a day behind stamps a change.
    let yesterday = DateTime::from_millis(Timestamp::now().as_millis() - 86_400_000);
    let change = doc! { "at": yesterday, "actor": "somebody", "event": "tagged" };
    let late = doc! {
        "$push": { "history": change }, "$inc": { "version": 1_i64 }, "$set": { "updatedAt": yesterday },
    };
    let orders = database.collection::<Document>("orders");
    orders.update_one(doc! { "_id": crate::app::order_id(&order["id"]) }, late).await.unwrap();
    app.collect().await;
    let (events, _) = page(&staff, "/events").await;
    assert_eq!(told(&events), [("order.placed", 1), ("order.confirmed", 2), ("order.tagged", 3)]);
}

#[tokio::test]
async fn what_is_committed_late_is_told_by_the_pass_over_what_was_looked_at() {
    let app = TestApp::start().await;
    let (customer, staff) = (app.customer(), app.staff());
    let order = customer.placed(ProductId::new(), 1).await;
    app.collect().await;
    let stamped = DateTime::from_millis(Timestamp::now().as_millis() - 20_000);
    let change = doc! { "at": stamped, "actor": "somebody", "event": "tagged" };
    let late = doc! {
        "$push": { "history": change }, "$inc": { "version": 1_i64 }, "$set": { "updatedAt": stamped },
    };
    let orders = database(&app).await.collection::<Document>("orders");
    orders.update_one(doc! { "_id": crate::app::order_id(&order["id"]) }, late).await.unwrap();
    // The look begins two seconds before the mark, and the round through everything only where a turn finds nothing.
    assert_eq!(app.collector().await.turn().await.unwrap(), Turn::Busy);
    let (events, _) = page(&staff, "/events").await;
    assert_eq!(told(&events), [("order.placed", 1), ("order.confirmed", 2), ("order.tagged", 3)]);
}

#[tokio::test]
async fn old_events_go_and_their_cursors_with_them_while_the_numbering_goes_on() {
    let app = TestApp::start().await;
    let (customer, staff) = (app.customer(), app.staff());
    let order = customer.placed(ProductId::new(), 1).await;
    app.collect().await;
    let (events, _) = page(&staff, "/events").await;
    let old = events[0].cursor.clone();
    customer.placed(ProductId::new(), 1).await;
    app.collect().await;
    let (events, _) = page(&staff, "/events").await;
    let cutoff = events[3].recorded_at.plus_millis(1);
    while Timestamp::now() < cutoff {
        tokio::task::yield_now().await;
    }
    let log = EventLog::new(&database(&app).await);
    while log.prune(cutoff).await.unwrap() {}
    assert_eq!(
        problem(staff.get(&format!("/events?after={old}")).await).await,
        (410, "cursor_expired".into())
    );
    // The last one always stays, so that the next one follows it.
    assert_eq!(page(&staff, "/events").await.0, events[3..]);
    customer.went(&order, "cancel", json!({})).await;
    app.collect().await;
    let (after, _) = page(&staff, "/events").await;
    assert_eq!(told(&after), [("order.confirmed", 2), ("order.cancelled", 3)]);
    assert_eq!(order["id"], after[1].entity.id.to_string());
}

#[tokio::test]
async fn the_logs_of_the_other_services_are_part_of_the_feed_and_one_that_is_silent_is_not_passed_over() {
    let app = TestApp::start().await;
    let staff = app.staff();
    let product = EntityId::new();
    let event = json!({
        "_id": 7, "entityKind": "product", "entityId": product, "sequence": 1, "version": 1,
        "type": "product.created", "at": "2026-01-01T00:00:00.000Z", "recordedAt": "2026-01-01T00:00:00.100Z",
        "data": "{\"price\":12.5}",
    });
    Mock::given(method("GET"))
        .and(path("/internal/events"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({ "events": [event], "next": 7, "last": 7 })),
        )
        .mount(&app.products)
        .await;
    app.customer().placed(ProductId::new(), 1).await;
    app.collect().await;
    let (events, _) = page(&staff, "/events").await;
    assert_eq!(told(&events), [("product.created", 1), ("order.placed", 1), ("order.confirmed", 2)]);
    assert_eq!((events[0].data["price"].as_f64(), events[0].entity.id), (Some(12.5), product));
    Mock::given(method("GET"))
        .and(path("/internal/events"))
        .respond_with(ResponseTemplate::new(503))
        .with_priority(1)
        .mount(&app.products)
        .await;
    assert_eq!(problem(staff.get("/events").await).await.0, 503);
    assert_eq!(page(&staff, "/events?types=order.*").await.0.len(), 2);
}

#[tokio::test]
async fn a_stream_tells_what_happens_and_goes_on_after_the_last_event_that_its_client_saw() {
    let app = TestApp::start().await;
    let (customer, staff) = (app.customer(), app.staff());
    customer.placed(ProductId::new(), 1).await;
    app.collect().await;
    let (events, _) = page(&staff, "/events").await;
    let stream = |last: String| {
        let request = staff.request(Method::GET, "/events").header("accept", "text/event-stream");
        async move { request.header("last-event-id", last).send().await.unwrap() }
    };
    let mut response = stream(events[0].cursor.clone()).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    while !text.contains("order.confirmed") {
        text.push_str(&String::from_utf8_lossy(&response.chunk().await.unwrap().unwrap()));
    }
    assert!(!text.contains("event: order.placed"), "{text}");
    assert!(text.contains(&format!("id: {}\nevent: order.confirmed\ndata: {{", events[1].cursor)), "{text}");
    customer.placed(ProductId::new(), 1).await;
    app.collect().await;
    while text.matches("event: order.confirmed").count() < 2 {
        text.push_str(&String::from_utf8_lossy(&response.chunk().await.unwrap().unwrap()));
    }
    assert!(text.contains("event: order.placed"), "{text}");
}
