use crate::app::{SERVICE_TOKEN, TestApp, is_reserved, release, reserve, send};
use common::ids::{MovementId, OrderId, ProductId};
use common::models::ledger::{LedgerEntry, LedgerFailure, LedgerOutcome};
use common::models::lookup::ProductsFound;
use common::models::order::{Rejection, RejectionCode};
use common::models::quote::StockQuote;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

fn rejection(code: RejectionCode) -> Rejection {
    Rejection { product_id: None, code, requested: None, available: None }
}

const CONTRADICTION: LedgerOutcome = LedgerOutcome::Failed { code: LedgerFailure::Contradiction };

#[tokio::test]
async fn only_our_own_services_reach_the_ledger() {
    let app = TestApp::start().await;
    let body = json!({ "entries": [] });
    let call = || app.outsider(Method::POST, "/internal/ledger").json(&body);
    assert_eq!(send(call()).await.expect(401).code(), "unauthenticated");
    send(call().header("x-service-token", "another-token-of-some-length")).await.expect(401);
    send(call().bearer_auth(app.token(common::models::auth::Role::Admin))).await.expect(401);
    let answer = send(call().header("x-service-token", SERVICE_TOKEN)).await.expect(200);
    assert_eq!(answer.body, json!({ "outcomes": [] }));
    // The public listener has no such path, with a token or without.
    let public = app.anonymous(Method::POST, "/internal/ledger").json(&body);
    send(public.header("x-service-token", SERVICE_TOKEN)).await.expect(404);
}

#[tokio::test]
async fn a_reservation_takes_units_and_copies_what_was_bought() {
    let app = TestApp::start().await;
    let (one, two) = (app.stocked_product(5).await, app.stocked_product(5).await);
    let outcomes = app.post_entries(vec![reserve(OrderId::new(), &[(two, 2), (one, 5)])]).await;
    let [LedgerOutcome::Reserved { currency, items }] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    assert_eq!(currency.code(), "EUR");
    let bought: Vec<_> = items.iter().map(|item| (item.product_id, item.quantity)).collect();
    assert_eq!(bought, [(two, 2), (one, 5)]);
    assert_eq!((items[0].name.as_str(), items[0].unit_price_minor), ("Teapot", 1999));
    // A later change of the catalogue does not change what was bought.
    app.change_product(two, &json!({ "name": "Kettle", "price": 1 })).await.expect(200);
    assert_eq!(app.audited_stock(one).await, (5, 5));
    assert_eq!(app.audited_stock(two).await, (5, 2));
    assert_eq!(app.show_product(one).await.expect(200).body["inventory"], 0);
}

#[tokio::test]
async fn every_kind_of_entry_can_be_repeated_for_ever() {
    let app = TestApp::start().await;
    let product = app.stocked_product(5).await;
    let (bought, refused, expired) = (OrderId::new(), OrderId::new(), OrderId::new());
    let released = MovementId::new();
    let entries = vec![
        reserve(bought, &[(product, 2)]),
        reserve(refused, &[(product, 4)]),
        LedgerEntry::refuse(expired),
        release(released, bought, &[(product, 1)]),
    ];
    let first = app.post_entries(entries.clone()).await;
    assert!(is_reserved(&first[0]));
    let short = Rejection {
        product_id: Some(product),
        code: RejectionCode::OutOfStock,
        requested: Some(4),
        available: Some(3),
    };
    assert_eq!(first[1], LedgerOutcome::Refused { reasons: vec![short] });
    assert_eq!(first[2], LedgerOutcome::Refused { reasons: vec![rejection(RejectionCode::Expired)] });
    assert_eq!(first[3], LedgerOutcome::Applied);
    let movements = app.count_movements().await;
    app.set_inventory(product, 100).await.expect(200);
    let again = app.post_entries([entries.clone(), entries].concat()).await;
    assert_eq!(again, [first.clone(), first.clone()].concat());
    // Refusing what is decided and reserving what is refused answers what stands.
    let crossed = app
        .post_entries(vec![
            LedgerEntry::refuse(bought),
            reserve(expired, &[(product, 1)]),
            LedgerEntry::refuse(refused),
        ])
        .await;
    assert_eq!(crossed, [first[0].clone(), first[2].clone(), first[1].clone()]);
    assert_eq!(app.count_movements().await, movements + 1);
    assert_eq!(app.audited_stock(product).await, (101, 1));
}

#[tokio::test]
async fn a_wrong_entry_fails_alone() {
    let app = TestApp::start().await;
    let product = app.stocked_product(5).await;
    let (first, second) = (OrderId::new(), OrderId::new());
    let outcomes = app
        .post_entries(vec![
            release(MovementId::new(), OrderId::new(), &[(product, 1)]),
            reserve(first, &[(product, 1)]),
            LedgerEntry::reserve(second, Vec::new()),
            reserve(first, &[(product, 1)]),
            release(MovementId::new(), first, &[(product, 2)]),
            reserve(OrderId::new(), &[(ProductId::new(), 1)]),
            reserve(second, &[(product, 1)]),
        ])
        .await;
    assert_eq!((&outcomes[0], &outcomes[2], &outcomes[4]), (&CONTRADICTION, &CONTRADICTION, &CONTRADICTION));
    assert!(is_reserved(&outcomes[1]) && is_reserved(&outcomes[6]));
    assert_eq!(outcomes[3], outcomes[1]);
    assert!(
        matches!(&outcomes[5], LedgerOutcome::Refused { reasons } if reasons[0].code == RejectionCode::UnknownProduct)
    );
    assert_eq!(app.audited_stock(product).await, (5, 2));
}

#[tokio::test]
async fn releases_never_add_up_to_more_than_was_reserved() {
    let app = TestApp::start().await;
    let product = app.stocked_product(10).await;
    let order = OrderId::new();
    app.post_entries(vec![reserve(order, &[(product, 4)]), reserve(OrderId::new(), &[(product, 4)])]).await;
    let calls = (0..6).map(|_| app.post_entries(vec![release(MovementId::new(), order, &[(product, 3)])]));
    let outcomes = join_all(calls).await.concat();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == LedgerOutcome::Applied).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == CONTRADICTION).count(), 5);
    assert_eq!(app.audited_stock(product).await, (10, 5));
}

#[tokio::test]
async fn products_that_are_not_for_sale_or_priced_in_two_currencies_are_refused() {
    let app = TestApp::start().await;
    let (euro, archived) = (app.stocked_product(5).await, app.stocked_product(5).await);
    app.change_product(archived, &json!({ "status": "archived" })).await.expect(200);
    let mut body = crate::app::new_product(5);
    body["currency"] = json!("USD");
    let dollar = app.create_product(&body).await.expect(201).body["id"].as_str().unwrap().parse().unwrap();
    let outcomes = app
        .post_entries(vec![
            reserve(OrderId::new(), &[(archived, 1)]),
            reserve(OrderId::new(), &[(euro, 1), (dollar, 1)]),
        ])
        .await;
    let inactive = Rejection { product_id: Some(archived), ..rejection(RejectionCode::ProductNotActive) };
    assert_eq!(outcomes[0], LedgerOutcome::Refused { reasons: vec![inactive] });
    let mixed = vec![rejection(RejectionCode::MixedCurrencies)];
    assert_eq!(outcomes[1], LedgerOutcome::Refused { reasons: mixed });
}

#[tokio::test]
async fn of_500_simultaneous_orders_for_100_units_exactly_100_get_one() {
    let app = TestApp::start().await;
    let product = app.stocked_product(100).await;
    let five = || (0..5).map(|_| reserve(OrderId::new(), &[(product, 1)])).collect();
    let outcomes = join_all((0..100).map(|_| app.post_entries(five()))).await.concat();
    assert_eq!(outcomes.iter().filter(|outcome| is_reserved(outcome)).count(), 100);
    let refused = outcomes.iter().filter(|outcome| matches!(outcome, LedgerOutcome::Refused { .. })).count();
    assert_eq!(refused, 400);
    assert_eq!(app.audited_stock(product).await, (100, 100));
    assert_eq!(app.count_movements().await, 501);
}

#[tokio::test]
async fn two_replicas_on_one_hot_product_add_up() {
    let app = TestApp::start().await;
    let replica = app.replica().await;
    let product = app.stocked_product(150).await;
    let orders: Vec<OrderId> = (0..100).map(|_| OrderId::new()).collect();
    // Every order is asked for at both replicas at once, two units each: 75 fit.
    let at = |app: &'static TestApp, order: OrderId| async move {
        app.post_entries(vec![reserve(order, &[(product, 2)])]).await.remove(0)
    };
    let (app, replica): (&'static TestApp, &'static TestApp) =
        (Box::leak(Box::new(app)), Box::leak(Box::new(replica)));
    let (here, there) = tokio::join!(
        join_all(orders.iter().map(|&order| at(app, order))),
        join_all(orders.iter().map(|&order| at(replica, order))),
    );
    assert_eq!(here, there, "both replicas answer what stands in the ledger");
    assert_eq!(here.iter().filter(|outcome| is_reserved(outcome)).count(), 75);
    assert_eq!(app.audited_stock(product).await, (150, 150));
    let undone = join_all(orders.iter().zip(&here).filter(|(_, outcome)| is_reserved(outcome)).map(
        |(&order, _)| async move {
            let entry = vec![release(MovementId::new(), order, &[(product, 2)])];
            let side = if order.as_bytes()[15] % 2 == 0 { app } else { replica };
            side.post_entries(entry).await.remove(0)
        },
    ))
    .await;
    assert!(undone.iter().all(|outcome| *outcome == LedgerOutcome::Applied));
    assert_eq!(app.audited_stock(product).await, (150, 0));
}

#[tokio::test]
async fn one_call_carries_many_entries_and_the_largest_order() {
    let app = TestApp::start().await;
    let product = app.stocked_product(400).await;
    let many = (0..512).map(|_| reserve(OrderId::new(), &[(product, 1)])).collect();
    let outcomes = app.post_entries(many).await;
    assert!(outcomes[..400].iter().all(is_reserved), "the order of the entries decides");
    assert!(outcomes[400..].iter().all(|outcome| matches!(outcome, LedgerOutcome::Refused { .. })));
    let wide: Vec<_> = (0..2000).map(|_| (ProductId::new(), 1)).collect();
    let outcomes = app.post_entries(vec![reserve(OrderId::new(), &wide)]).await;
    assert!(matches!(&outcomes[0], LedgerOutcome::Refused { reasons } if reasons.len() == 2000));
}

#[tokio::test]
async fn a_call_that_is_not_as_described_is_refused_and_writes_nothing() {
    let app = TestApp::start().await;
    let entry = json!({ "kind": "refuse", "id": MovementId::new(), "orderId": OrderId::new() });
    let too_many = vec![entry; 513];
    let refused = app.post_ledger(&json!({ "entries": too_many })).await.expect(422);
    assert_eq!(refused.body["errors"][0]["pointer"], "/entries");
    for body in [
        json!({}),
        json!({ "entries": {} }),
        json!({ "entries": [{ "kind": "steal", "orderId": OrderId::new() }] }),
        json!({ "entries": [{ "kind": "refuse", "id": MovementId::new(), "orderId": "1" }] }),
        json!({ "entries": [{ "kind": "refuse", "id": MovementId::new(), "orderId": { "$gt": "" } }] }),
        json!({ "entries": [{ "kind": "reserve", "id": MovementId::new(), "orderId": OrderId::new(), "lines": [{ "productId": ProductId::new(), "quantity": 0 }] }] }),
        json!({ "entries": [{ "kind": "reserve", "id": MovementId::new(), "orderId": OrderId::new(), "lines": [], "actor": "me" }] }),
        json!({ "entries": [], "more": 1 }),
    ] {
        app.post_ledger(&body).await.expect(422);
    }
    assert_eq!(app.count_movements().await, 0);
}

#[tokio::test]
async fn what_was_queued_when_the_service_stops_is_still_written() {
    let app = TestApp::start().await;
    let (product, replica) = (app.stocked_product(50).await, app.replica().await);
    let orders =
        join_all((0..20).map(|_| app.post_entries(vec![reserve(OrderId::new(), &[(product, 1)])]))).await;
    assert!(orders.iter().all(|outcomes| is_reserved(&outcomes[0])));
    app.stop().await.unwrap();
    assert_eq!(replica.audited_stock(product).await, (50, 20));
}

#[tokio::test]
async fn an_entry_that_the_database_refuses_fails_alone() {
    let app = TestApp::start().await;
    let product = app.stocked_product(10).await;
    let poison = OrderId::new();
    let refuse_poison = mongodb::bson::doc! { "orderId": { "$ne": poison } };
    let command = mongodb::bson::doc! { "collMod": "movements", "validator": refuse_poison };
    app.database().await.run_command(command).await.unwrap();
    let mut entries: Vec<_> = (0..9).map(|_| reserve(OrderId::new(), &[(product, 1)])).collect();
    entries.insert(5, reserve(poison, &[(product, 1)]));
    let mut outcomes = app.post_entries(entries).await;
    assert_eq!(outcomes.remove(5), LedgerOutcome::Failed { code: LedgerFailure::Unavailable });
    assert!(outcomes.iter().all(is_reserved), "{outcomes:?}");
    assert_eq!(app.audited_stock(product).await, (10, 9));
}

#[tokio::test]
async fn entries_that_collide_with_another_writer_for_too_long_fail_alone_and_can_be_sent_again() {
    let app = TestApp::start().await;
    let (held, free) = (app.stocked_product(5).await, app.stocked_product(5).await);
    let database = app.database().await;
    let mut session = database.client().start_session().await.unwrap();
    session.start_transaction().await.unwrap();
    database
        .collection::<mongodb::bson::Document>("stock")
        .update_one(
            mongodb::bson::doc! { "productId": held },
            mongodb::bson::doc! { "$inc": { "version": 1_i64 } },
        )
        .session(&mut session)
        .await
        .unwrap();
    let order = OrderId::new();
    let entries = vec![
        reserve(OrderId::new(), &[(free, 1)]),
        reserve(order, &[(held, 1)]),
        reserve(OrderId::new(), &[(free, 1)]),
    ];
    let outcomes = app.post_entries(entries).await;
    assert!(is_reserved(&outcomes[0]) && is_reserved(&outcomes[2]), "{outcomes:?}");
    assert_eq!(outcomes[1], LedgerOutcome::Failed { code: LedgerFailure::Unavailable });
    session.abort_transaction().await.unwrap();
    assert!(is_reserved(&app.post_entries(vec![reserve(order, &[(held, 1)])]).await[0]));
    assert_eq!(app.audited_stock(held).await, (5, 1));
    assert_eq!(app.audited_stock(free).await, (5, 2));
}

#[tokio::test]
async fn a_forecast_says_what_effects_would_come_to_and_writes_nothing() {
    let app = TestApp::start().await;
    app.create_location("attic", 1).await.expect(201);
    let product = app.stocked_product(3).await;
    let order = OrderId::new();
    assert!(is_reserved(&app.post_entries(vec![reserve(order, &[(product, 3)])]).await[0]));
    let ship = |units: u32, place: Option<&str>| LedgerEntry::Ship {
        id: MovementId::new(),
        order_id: order,
        lines: crate::app::lines(&[(product, units)]),
        location_id: place.map(|place| place.parse().unwrap()),
    };
    let applied = LedgerOutcome::Applied;
    for (entries, expected, unknown) in [
        (vec![ship(3, None)], vec![applied.clone()], json!([])),
        (vec![ship(2, Some("main")), ship(2, Some("main"))], vec![applied.clone(), CONTRADICTION], json!([])),
        (vec![ship(1, Some("attic"))], vec![CONTRADICTION], json!([])),
        (vec![ship(1, Some("nowhere"))], vec![CONTRADICTION], json!(["nowhere"])),
    ] {
        let request = app.outsider(Method::POST, "/internal/ledger/forecast");
        let body = json!({ "entries": entries });
        let forecast =
            send(request.header("x-service-token", SERVICE_TOKEN).json(&body)).await.expect(200).body;
        assert_eq!(forecast, json!({ "outcomes": expected, "unknownLocations": unknown }));
    }
    assert_eq!(app.audited_stock(product).await, (3, 3));
}

#[tokio::test]
async fn a_quote_is_judged_as_a_reservation_is_and_writes_nothing() {
    let app = TestApp::start().await;
    let (plenty, scarce) = (app.stocked_product(5).await, app.stocked_product(1).await);
    let movements = app.count_movements().await;
    let quote = async |lines: serde_json::Value| {
        let request = app.outsider(Method::POST, "/internal/quote").json(&json!({ "lines": lines }));
        send(request.header("x-service-token", SERVICE_TOKEN)).await
    };
    let good =
        quote(json!([{ "productId": scarce, "quantity": 1 }, { "productId": plenty, "quantity": 2 }])).await;
    let good: StockQuote = serde_json::from_value(good.expect(200).body).unwrap();
    assert!(good.reasons.is_empty());
    let offered: Vec<_> =
        good.offers.iter().map(|offer| (offer.product_id, offer.unit_price_minor)).collect();
    assert_eq!(offered, [(scarce, 1999), (plenty, 1999)]);
    let nowhere = ProductId::new();
    let bad =
        quote(json!([{ "productId": scarce, "quantity": 2 }, { "productId": nowhere, "quantity": 1 }])).await;
    let bad: StockQuote = serde_json::from_value(bad.expect(200).body).unwrap();
    let codes: Vec<_> = bad.reasons.iter().map(|reason| (reason.product_id, reason.code)).collect();
    let expected =
        [(Some(scarce), RejectionCode::OutOfStock), (Some(nowhere), RejectionCode::UnknownProduct)];
    assert_eq!(codes, expected);
    // A refusal says the same.
    let refused = app.post_entries(vec![reserve(OrderId::new(), &[(scarce, 2), (nowhere, 1)])]).await;
    assert_eq!(refused, [LedgerOutcome::Refused { reasons: bad.reasons }]);
    // That one refusal is all that was written.
    assert_eq!(app.count_movements().await, movements + 1);
    assert_eq!((app.audited_stock(scarce).await, app.audited_stock(plenty).await), ((1, 0), (5, 0)));
    quote(json!([])).await.expect(422);
    let twice = json!({ "productId": plenty, "quantity": 1 });
    quote(json!([twice, twice])).await.expect(422);
    send(app.outsider(Method::POST, "/internal/quote").json(&json!({ "lines": [] }))).await.expect(401);
}

#[tokio::test]
async fn products_are_found_by_identity_and_sku_in_one_call() {
    let app = TestApp::start().await;
    let (one, two) = (app.stocked_product(1).await, app.stocked_product(1).await);
    let sku = app.show_product(two).await.expect(200).body["sku"].clone();
    let find = async |body: serde_json::Value| {
        let request = app.outsider(Method::POST, "/internal/products/find").json(&body);
        send(request.header("x-service-token", SERVICE_TOKEN)).await
    };
    let found = find(json!({ "ids": [one, ProductId::new()], "skus": [sku, "NOTHING"] })).await.expect(200);
    let mut ids: Vec<ProductId> = serde_json::from_value::<ProductsFound>(found.body)
        .unwrap()
        .products
        .iter()
        .map(|found| found.id)
        .collect();
    ids.sort_unstable();
    let mut expected = [one, two];
    expected.sort_unstable();
    assert_eq!(ids, expected);
    assert_eq!(find(json!({ "ids": [], "skus": [] })).await.expect(200).body, json!({ "products": [] }));
    let many: Vec<ProductId> = (0..=2_000).map(|_| ProductId::new()).collect();
    find(json!({ "ids": many, "skus": [] })).await.expect(422);
}
