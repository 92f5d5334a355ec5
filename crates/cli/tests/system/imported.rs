//! Orders of another system through `oms import orders`, and what becomes of them here; and dry runs of orders.

use crate::files::{Desk, counts};
use crate::placing::{assert_clean, customer, product};
use crate::shop::eventually;
use common::models::fulfillment::NewFulfillment;
use common::models::order::{NewOrder, Order, OrderStatus, RequestedLine};
use common::models::order_change::Remark;
use common::models::order_import::StockUse;
use common::models::order_return::{NewReturn, NewReturnLine, ReceivedLine, ReturnReceipt};
use oms_cli::audit::{AuditOptions, audit};
use oms_client::{MoveOptions, OrderSearch};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::fmt::Write as _;

const PLAIN: MoveOptions<'static> = MoveOptions { key: None, if_version: None };

async fn imported(desk: &Desk, name: &str) -> Order {
    let search = OrderSearch { external_id: Some(name.to_owned()), ..OrderSearch::default() };
    desk.admin.find_orders(&search, None, None).await.unwrap().items.remove(0)
}

/// Ships what is open, delivers everything, and takes all units back onto the shelf.
async fn see_through(desk: &Desk, order: &Order) {
    let admin = &desk.admin;
    let mut order = admin.ship_order(order.id, &NewFulfillment::default(), PLAIN).await.unwrap().value;
    for parcel in order.fulfillments.clone() {
        if parcel.delivered_at.is_none() {
            order = admin.deliver_fulfillment(order.id, parcel.id, &Remark::default(), PLAIN).await.unwrap();
        }
    }
    assert_eq!(order.status, OrderStatus::Completed);
    let line = &order.lines[0];
    let quantity = line.delivered.try_into().unwrap();
    let lines = vec![NewReturnLine { product_id: line.product_id, quantity, reason: None }];
    let asked = admin.request_return(order.id, &NewReturn { lines }, PLAIN).await.unwrap().value;
    let id = asked.returns[0].id;
    admin.approve_return(order.id, id, &Remark::default(), PLAIN).await.unwrap();
    let lines = vec![ReceivedLine { product_id: line.product_id, restock: line.delivered, write_off: 0 }];
    let receipt = ReturnReceipt { lines, location_id: None, note: None };
    admin.receive_return(order.id, id, &receipt, PLAIN).await.unwrap();
}

#[tokio::test]
async fn orders_of_another_system_go_in_once_and_live_on_with_stock_or_without() {
    let desk = Desk::open().await;
    let (owner, thing) = (customer(&desk.admin).await, product(&desk.admin, 100).await);
    let sku = desk.admin.product(thing).await.unwrap().sku;
    let email = desk.admin.customer(owner).await.unwrap().email;
    let row = |name: String, line: Value| {
        let mut whole = json!({ "sku": sku, "unitPrice": 9.95, "quantity": 3 });
        whole.as_object_mut().unwrap().extend(line.as_object().unwrap().clone());
        json!({
            "externalId": name, "customerEmail": email, "createdAt": "2023-02-03T04:05:06Z", "currency": "EUR",
            "lines": [whole], "tags": ["moved"], "metadata": { "shop": "old" },
        })
    };
    let mut text = String::new();
    for number in 0..2_000 {
        let counts = match number % 4 {
            0 => json!({}),
            1 => json!({ "shipped": 1 }),
            2 => json!({ "shipped": 3, "delivered": 3, "returned": 1 }),
            _ => json!({ "cancelled": 3 }),
        };
        writeln!(text, "{}", row(format!("old-{number}"), counts)).unwrap();
    }
    writeln!(text, "{}\nno json", row("bad".into(), json!({ "shipped": 4 }))).unwrap();
    desk.write("history.ndjson", &text);
    let tried = desk.import(&["orders", "history.ndjson", "--dry-run"]);
    assert_eq!(counts(&tried), [2_002, 2_000, 0, 0, 2]);
    let report = desk.import(&["orders", "history.ndjson"]);
    assert_eq!(counts(&report), [2_002, 2_000, 0, 0, 2], "{:#?}", report.errors);
    assert_eq!(report.errors.iter().map(|error| error.line).collect::<Vec<_>>(), [2_001, 2_002]);
    assert_eq!(counts(&desk.import(&["orders", "history.ndjson"])), [2_002, 0, 0, 2_000, 2]);
    assert_clean(&desk.system, Vec::new()).await;
    let before = desk.admin.inventory(thing).await.unwrap();
    assert_eq!((before.on_hand, before.reserved), (100, 0));
    desk.admin.cancel_order(imported(&desk, "old-0").await.id, None, None).await.unwrap();
    let half_way = imported(&desk, "old-1").await;
    assert_eq!(half_way.origin.map(|origin| origin.stock), Some(StockUse::None));
    see_through(&desk, &half_way).await;
    let after = desk.admin.inventory(thing).await.unwrap();
    assert_eq!((after.on_hand, after.reserved), (100, 0));
    assert_clean(&desk.system, vec![half_way.id]).await;

    // Three of four have something open; the last asks for more than there is.
    let rows = [
        row("live-0".into(), json!({})),
        row("live-1".into(), json!({ "shipped": 1 })),
        row("live-2".into(), json!({ "shipped": 3, "delivered": 3 })),
        row("live-3".into(), json!({ "quantity": 500 })),
    ];
    let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
    desk.write("live.ndjson", &text);
    let report = desk.import(&["orders", "live.ndjson", "--stock", "reserve"]);
    assert_eq!(counts(&report), [4, 3, 0, 0, 1], "{:#?}", report.errors);
    assert!(report.errors[0].line == 4 && report.errors[0].detail.contains("out_of_stock"));
    let stock = desk.admin.inventory(thing).await.unwrap();
    assert_eq!((stock.on_hand, stock.reserved), (100, 5));
    assert_clean(&desk.system, Vec::new()).await;
    see_through(&desk, &imported(&desk, "live-1").await).await;
    desk.admin.cancel_order(imported(&desk, "live-0").await.id, None, None).await.unwrap();
    assert_eq!(counts(&desk.import(&["orders", "live.ndjson", "--stock", "reserve"])), [4, 0, 0, 3, 1]);
    // Two left and came back; the one that had left before the order came here is not ours to count.
    eventually("the stock at rest", async || {
        let stock = desk.admin.inventory(thing).await.unwrap();
        ((stock.on_hand, stock.reserved) == (100, 0)).then_some(())
    })
    .await;
    assert_clean(&desk.system, Vec::new()).await;
    desk.system.stop().await;
}

#[tokio::test]
async fn a_dry_run_of_an_order_answers_as_placing_does_and_writes_nothing() {
    let desk = Desk::open().await;
    let (owner, plenty, scarce) =
        (customer(&desk.admin).await, product(&desk.admin, 10).await, product(&desk.admin, 1).await);
    let lines = |quantities: [u32; 2]| {
        let line = |(product_id, quantity): (_, u32)| RequestedLine {
            product_id,
            quantity: quantity.try_into().unwrap(),
        };
        NewOrder::of_many(owner, [plenty, scarce].into_iter().zip(quantities).map(line).collect())
    };
    let good = desk.admin.quote_order(&lines([2, 1])).await.unwrap();
    assert_eq!((good.status, good.total), (OrderStatus::Confirmed, Some("37.5".parse().unwrap())));
    let bad = desk.admin.quote_order(&lines([2, 2])).await.unwrap();
    assert_eq!(bad.status, OrderStatus::Rejected);
    assert_eq!((bad.rejections[0].product_id, bad.rejections[0].available), (Some(scarce), Some(1)));
    assert!(desk.admin.orders(None, None).await.unwrap().items.is_empty());
    let report = audit(&AuditOptions {
        mongo_uri: desk.system.plan.mongo_uri.expose_secret().to_owned(),
        database_prefix: desk.system.plan.database_prefix.clone(),
        acknowledged: Vec::new(),
    })
    .await
    .unwrap();
    // The two receipts of the opening stock.
    assert!(report.is_clean() && report.counts.movements == 2, "{report}");
    let placed = desk.admin.place_order(&lines([2, 1]), None).await.unwrap().value;
    assert_eq!((placed.status, placed.total), (good.status, good.total));
    let refused = desk.admin.place_order(&lines([2, 1]), None).await.unwrap_err();
    let foreseen = desk.admin.quote_order(&lines([2, 1])).await.unwrap();
    assert_eq!(refused.code(), Some("out_of_stock"));
    assert_eq!(foreseen.rejections[0].code.as_str(), "out_of_stock");
    desk.system.stop().await;
}
