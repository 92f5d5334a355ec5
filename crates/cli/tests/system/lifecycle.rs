//! Orders through their whole life over the four real services: cancelled in part, edited, held, shipped in parcels,
//! delivered, returned; and an audit that finds every unit.

use crate::system::System;
use common::ids::{CustomerId, OrderId, ProductId};
use common::models::customer::NewCustomer;
use common::models::fulfillment::NewFulfillment;
use common::models::order::{FulfillmentStatus, NewOrder, Order, OrderStatus, RequestedLine};
use common::models::order_change::{Cancellation, EditedLine, OrderEdit, OrderMove, Remark};
use common::models::order_return::{NewReturn, NewReturnLine, ReceivedLine, ReturnReceipt};
use common::models::product::NewProduct;
use oms_cli::audit::{AuditOptions, audit};
use oms_client::{Client, MoveOptions};
use secrecy::ExposeSecret as _;

/// A shop with two products of 20 units each, and a customer.
struct Shop {
    system: System,
    admin: Client,
    customer: CustomerId,
    products: [ProductId; 2],
}

/// How long the shop may take to come to rest.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(40);

const PLAIN: MoveOptions<'static> = MoveOptions { key: None, if_version: None };

impl Shop {
    async fn open() -> Self {
        let system = System::start().await;
        // A crowded machine says 503 now and then.
        let admin =
            system.admin_with(|builder| builder.retries(30).timeout(std::time::Duration::from_secs(30)));
        let new = NewCustomer {
            email: "someone@example.com".parse().unwrap(),
            password: None,
            name: "Someone".parse().unwrap(),
        };
        let customer = admin.register_customer(&new, None).await.unwrap().value.id;
        let products = [product(&admin).await, product(&admin).await];
        Self { system, admin, customer, products }
    }

    async fn order(&self, quantities: [u32; 2]) -> Order {
        let lines = self.lines(quantities);
        self.admin.place_order(&NewOrder::of_many(self.customer, lines), None).await.unwrap().value
    }

    fn lines(&self, quantities: [u32; 2]) -> Vec<RequestedLine> {
        let line = |(product_id, quantity): (&ProductId, u32)| {
            Some(RequestedLine { product_id: *product_id, quantity: quantity.try_into().ok()? })
        };
        self.products.iter().zip(quantities).filter_map(line).collect()
    }

    async fn ship(&self, order: OrderId, quantities: [u32; 2]) -> Order {
        let parcel = NewFulfillment {
            lines: Some(self.lines(quantities)),
            carrier: Some("DHL".parse().unwrap()),
            ..NewFulfillment::default()
        };
        self.admin.ship_order(order, &parcel, PLAIN).await.unwrap().value
    }

    async fn deliver_all(&self, order: &Order) -> Order {
        let mut last = order.clone();
        for parcel in &order.fulfillments {
            if parcel.delivered_at.is_none() {
                let remark = Remark::default();
                last = self.admin.deliver_fulfillment(order.id, parcel.id, &remark, PLAIN).await.unwrap();
            }
        }
        last
    }

    async fn edit(&self, order: OrderId, quantities: [u32; 2]) -> Result<Order, oms_client::Error> {
        let lines = self.products.iter().zip(quantities);
        let lines = lines.map(|(product_id, quantity)| EditedLine { product_id: *product_id, quantity });
        let edit = OrderEdit { lines: lines.collect(), note: None };
        self.admin.edit_order(order, &edit, PLAIN).await
    }

    /// On hand and reserved of both products, as soon as nothing is due any more.
    async fn stock(&self, expected: [(i64, i64); 2]) {
        for (product, expected) in self.products.iter().zip(expected) {
            let deadline = std::time::Instant::now() + PATIENCE;
            loop {
                let found = self.admin.inventory(*product).await.unwrap();
                if (found.on_hand, found.reserved) == expected {
                    break;
                }
                assert!(std::time::Instant::now() < deadline, "{found:?}, not {expected:?}");
            }
        }
    }

    async fn close(self, orders: &[OrderId]) {
        let report = audit(&AuditOptions {
            mongo_uri: self.system.plan.mongo_uri.expose_secret().to_owned(),
            database_prefix: self.system.plan.database_prefix.clone(),
            acknowledged: orders.to_vec(),
        })
        .await
        .unwrap();
        assert!(report.is_clean(), "{report}");
        self.system.stop().await;
    }
}

async fn product(admin: &Client) -> ProductId {
    let new = NewProduct {
        sku: format!("SKU-{}", ProductId::new()).parse().unwrap(),
        name: "A thing".parse().unwrap(),
        description: None,
        price: "12.50".parse().unwrap(),
        currency: None,
        inventory: Some(20.try_into().unwrap()),
    };
    admin.create_product(&new, None).await.unwrap().value.id
}

#[tokio::test]
async fn orders_of_every_fate_leave_stock_and_ledger_in_agreement() {
    let shop = Shop::open().await;
    let remark = Remark::default();

    // Cancelled in part, held, shipped in two parcels, delivered, returned with one unit written off.
    let first = shop.order([4, 3]).await;
    let cancellation = Cancellation { reason: None, lines: Some(shop.lines([1, 0])) };
    shop.admin.cancel_order_lines(first.id, &cancellation, PLAIN).await.unwrap();
    shop.admin.hold_order(first.id, &remark, PLAIN).await.unwrap();
    let refused = shop.admin.ship_order(first.id, &NewFulfillment::default(), PLAIN).await.unwrap_err();
    assert_eq!(refused.code(), Some("illegal_transition"));
    let why = shop.admin.order_why(first.id).await.unwrap();
    let ship = why.moves.iter().find(|row| row.asked == OrderMove::Ship).unwrap();
    assert_eq!(ship.because.as_deref(), Some("the order is on hold"));
    shop.admin.release_order(first.id, &remark, PLAIN).await.unwrap();
    let half = shop.ship(first.id, [2, 0]).await;
    assert_eq!(half.fulfillment_status, FulfillmentStatus::PartiallyFulfilled);
    let shipped = shop.ship(first.id, [1, 3]).await;
    let delivered = shop.deliver_all(&shipped).await;
    assert_eq!(delivered.status, OrderStatus::Completed);
    shop.stock([(17, 0), (17, 0)]).await;
    let wish = NewReturn {
        lines: vec![NewReturnLine {
            product_id: shop.products[0],
            quantity: 3.try_into().unwrap(),
            reason: Some("too many".parse().unwrap()),
        }],
    };
    let asked = shop.admin.request_return(first.id, &wish, PLAIN).await.unwrap().value;
    let returned = asked.returns[0].id;
    shop.admin.approve_return(first.id, returned, &remark, PLAIN).await.unwrap();
    let receipt = ReturnReceipt {
        lines: vec![ReceivedLine { product_id: shop.products[0], restock: 2, write_off: 1 }],
        location_id: None,
        note: None,
    };
    let back = shop.admin.receive_return(first.id, returned, &receipt, PLAIN).await.unwrap();
    assert_eq!((back.lines[0].returned, back.lines[0].restocked), (3, 2));
    shop.stock([(19, 0), (17, 0)]).await;

    // Edited up, refused, edited down, then shipped as it is.
    let second = shop.order([1, 1]).await;
    assert_eq!(shop.edit(second.id, [5, 0]).await.unwrap().lines.len(), 1);
    shop.stock([(19, 5), (17, 0)]).await;
    let refused = shop.edit(second.id, [1, 18]).await.unwrap_err();
    assert_eq!((refused.status(), refused.code()), (Some(409), Some("out_of_stock")));
    let edited = shop.edit(second.id, [2, 4]).await.unwrap();
    assert_eq!(edited.total, Some("75".parse().unwrap()));
    shop.stock([(19, 2), (17, 4)]).await;
    let shipped = shop.ship(second.id, [2, 4]).await;
    shop.deliver_all(&shipped).await;

    // Called off after a part of it had left.
    let third = shop.order([3, 0]).await;
    let shipped = shop.ship(third.id, [1, 0]).await;
    shop.admin.cancel_order(third.id, None, None).await.unwrap();
    assert_eq!(shop.deliver_all(&shipped).await.status, OrderStatus::Completed);

    // Nothing happened to it yet, and called off at once.
    let fourth = shop.order([1, 1]).await;
    let fifth = shop.order([1, 1]).await;
    shop.admin.cancel_order(fifth.id, None, None).await.unwrap();
    shop.stock([(16, 1), (13, 1)]).await;
    shop.close(&[first.id, second.id, third.id, fourth.id, fifth.id]).await;
}

#[tokio::test]
async fn sixteen_moves_at_once_on_one_order_leave_its_units_in_agreement() {
    let shop = Shop::open().await;
    let order = shop.order([8, 0]).await;
    let moves = (0..16_u32).map(|turn| {
        let shop = &shop;
        async move {
            match turn % 4 {
                0 => {
                    let parcel =
                        NewFulfillment { lines: Some(shop.lines([1, 0])), ..NewFulfillment::default() };
                    shop.admin.ship_order(order.id, &parcel, PLAIN).await.map(|shipped| shipped.value)
                }
                1 => {
                    let cancellation = Cancellation { reason: None, lines: Some(shop.lines([1, 0])) };
                    shop.admin.cancel_order_lines(order.id, &cancellation, PLAIN).await
                }
                _ => shop.edit(order.id, [4 + turn, 1]).await,
            }
        }
    });
    for outcome in futures_util::future::join_all(moves).await {
        if let Err(error) = outcome {
            assert!(matches!(error.status(), Some(409 | 503)), "{error}");
        }
    }
    let deadline = std::time::Instant::now() + PATIENCE;
    let after = loop {
        let after = shop.admin.order(order.id).await.unwrap();
        if !after.edit_pending {
            break after;
        }
        assert!(std::time::Instant::now() < deadline, "the edit is not settled");
    };
    let expected = shop.products.map(|product| {
        let line = after.lines.iter().find(|line| line.product_id == product);
        line.map_or((20, 0), |line| {
            let open = line.quantity - line.cancelled - line.shipped;
            (20 - i64::from(line.shipped), i64::from(open))
        })
    });
    shop.stock(expected).await;
    shop.close(&[order.id]).await;
}
