//! Every call between the services arrives twice, and once its answer is lost: what is there in the end is what would be
//! there without that.

use crate::placing::{assert_clean, customer, patient, product};
use crate::repeater::{Mischief, Repeater};
use crate::shop::eventually;
use crate::system::System;
use common::fault::Point;
use common::ids::{AddressId, CustomerId, OrderId, ProductId};
use common::models::address::NewAddress;
use common::models::fulfillment::NewFulfillment;
use common::models::inventory::MovementKind;
use common::models::location::LocationId;
use common::models::order::{NewOrder, Order, OrderEvent, OrderStatus, RequestedLine};
use common::models::order_change::{Cancellation, EditedLine, OrderEdit, Remark};
use common::models::order_return::{NewReturn, NewReturnLine, ReceivedLine, ReturnReceipt, ReturnStatus};
use oms_cli::shop::services::Service;
use oms_client::{Client, Error, MoveOptions};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// What order-service asks of the others for placing, cancelling, editing, shipping and taking back.
const CALLS: [&str; 10] = [
    "GET /internal/customers/{id}",
    "GET /internal/customers/{id}/addresses/{id}",
    "POST /internal/quote",
    "POST /internal/ledger reserve",
    "POST /internal/ledger refuse",
    "POST /internal/ledger release",
    "POST /internal/ledger ship",
    "POST /internal/ledger return",
    "POST /internal/ledger/forecast ship",
    "POST /internal/ledger/forecast return",
];

/// How an order ended, with its products by their place in the catalogue.
#[derive(Debug, PartialEq)]
struct Ended {
    status: OrderStatus,
    /// Product, quantity, cancelled, shipped, delivered, returned, restocked.
    lines: Vec<[u32; 7]>,
    returns: Vec<ReturnStatus>,
    history: Vec<OrderEvent>,
}

#[derive(Debug, PartialEq)]
struct EndState {
    /// Oldest first.
    orders: Vec<Ended>,
    /// On hand and reserved of each product, and its movements by kind.
    stock: Vec<(i64, i64, BTreeMap<MovementKind, usize>)>,
}

struct Shop {
    system: System,
    links: [Repeater; 2],
    admin: Client,
    customer: CustomerId,
    address: AddressId,
    products: [ProductId; 2],
    /// Calls so far: every key is its own.
    keys: std::cell::Cell<u32>,
}

impl Shop {
    async fn open(mischief: Mischief) -> Self {
        let links = [Repeater::open(mischief).await, Repeater::open(mischief).await];
        let [to_customers, to_products] = &links;
        let system = System::start_with(&[
            ("OMS_ORDER__PEERS__CUSTOMER_URL", &to_customers.url()),
            ("OMS_ORDER__PEERS__PRODUCT_URL", &to_products.url()),
        ])
        .await;
        to_customers.lead_to(system.plan.ports.customer.internal_url());
        to_products.lead_to(system.plan.ports.product.internal_url());
        let admin = system.admin_with(patient);
        let customer = customer(&admin).await;
        let home: NewAddress = serde_json::from_value(json!({
            "recipient": "Someone", "lines": ["1 Street"], "city": "Town", "country": "GB", "postalCode": "N1 1AA",
        }))
        .unwrap();
        let address = admin.add_address(customer, &home, None).await.unwrap().value.id;
        let products = [product(&admin, 20).await, product(&admin, 20).await];
        Self { system, links, admin, customer, address, products, keys: std::cell::Cell::new(0) }
    }

    fn key(&self) -> String {
        self.keys.set(self.keys.get() + 1);
        format!("key-{}", self.keys.get())
    }

    fn lines(&self, quantities: [u32; 2]) -> Vec<RequestedLine> {
        let line = |(product_id, quantity): (&ProductId, u32)| {
            Some(RequestedLine { product_id: *product_id, quantity: quantity.try_into().ok()? })
        };
        self.products.iter().zip(quantities).filter_map(line).collect()
    }

    fn order(&self, quantities: [u32; 2]) -> NewOrder {
        NewOrder {
            shipping_address_id: Some(self.address),
            ..NewOrder::of_many(self.customer, self.lines(quantities))
        }
    }

    async fn place(&self, quantities: [u32; 2]) -> Result<Order, Error> {
        let placed = self.admin.place_order(&self.order(quantities), Some(&self.key())).await;
        placed.map(|placed| placed.value)
    }

    async fn ship(&self, id: OrderId, quantities: [u32; 2], from: Option<LocationId>) -> Order {
        let (key, lines) = (self.key(), Some(self.lines(quantities)));
        let parcel = NewFulfillment { lines, location_id: from, ..NewFulfillment::default() };
        self.admin.ship_order(id, &parcel, keyed(&key)).await.unwrap().value
    }

    async fn cancel(&self, id: OrderId, lines: Option<Vec<RequestedLine>>) {
        let (key, cancellation) = (self.key(), Cancellation { reason: None, lines });
        self.admin.cancel_order_lines(id, &cancellation, keyed(&key)).await.unwrap();
    }

    async fn edit(&self, id: OrderId, quantities: &[u32]) -> Result<Order, Error> {
        let lines = self.products.iter().zip(quantities);
        let lines =
            lines.map(|(product_id, quantity)| EditedLine { product_id: *product_id, quantity: *quantity });
        let edit = OrderEdit { lines: lines.collect(), note: None };
        self.admin.edit_order(id, &edit, keyed(&self.key())).await
    }

    /// Delivered, sent back, one unit restocked where it is told and one written off.
    async fn take_back(&self, order: &Order, at: Option<LocationId>) {
        let remark = Remark::default();
        for parcel in &order.fulfillments {
            let key = self.key();
            self.admin.deliver_fulfillment(order.id, parcel.id, &remark, keyed(&key)).await.unwrap();
        }
        let [product_id, _] = self.products;
        let line = NewReturnLine { product_id, quantity: 2.try_into().unwrap(), reason: None };
        let (asking, approving, receiving) = (self.key(), self.key(), self.key());
        let wanted = NewReturn { lines: vec![line] };
        let asked = self.admin.request_return(order.id, &wanted, keyed(&asking)).await.unwrap().value;
        let id = asked.returns.last().unwrap().id;
        self.admin.approve_return(order.id, id, &remark, keyed(&approving)).await.unwrap();
        let lines = vec![ReceivedLine { product_id, restock: 1, write_off: 1 }];
        let receipt = ReturnReceipt { lines, location_id: at, note: None };
        self.admin.receive_return(order.id, id, &receipt, keyed(&receiving)).await.unwrap();
    }

    /// An order whose coordinator dies before it reserves: the sweeper refuses it.
    async fn abandon(&mut self) {
        let (order, key) = (self.order([1, 1]), self.key());
        let (service, point) = (Service::Order, Point::AfterRecord.name());
        self.system.restart_with(service, &[("OMS_CRASH_AT", point)]).await;
        self.system.wait_until_ready(service).await;
        let hasty = self.system.admin_with(|builder| builder.retries(0));
        hasty.place_order(&order, Some(&key)).await.unwrap_err();
        assert!(self.system.ends(service, Duration::from_secs(60)).await, "built without fault-injection?");
        let soon = [("OMS_ORDER__SWEEPER__INTERVAL_MS", "50"), ("OMS_ORDER__SWEEPER__OLDER_THAN_MS", "100")];
        self.system.restart_with(service, &soon).await;
        self.system.wait_until_ready(service).await;
        eventually("the refusal", async || {
            let latest = self.admin.customer_orders(self.customer, Some(1), None).await.ok()?;
            latest.items.into_iter().find(|order| order.status == OrderStatus::Rejected)
        })
        .await;
        let again = self.admin.place_order(&order, Some(&key)).await.unwrap_err();
        assert_eq!((again.status(), again.code()), (Some(409), Some("order_expired")));
    }

    /// What there is once nothing is owed any more.
    async fn end_state(&self) -> EndState {
        let mut orders = self.admin.get_customer_orders(self.customer).await.unwrap();
        orders.reverse();
        let mut ended = Vec::new();
        for order in &orders {
            eventually("rest", async || {
                self.admin.order_why(order.id).await.ok().filter(|why| why.effects_due == 0)
            })
            .await;
            let history = self.admin.order_history(order.id).await.unwrap();
            ended.push(Ended {
                status: order.status,
                lines: order
                    .lines
                    .iter()
                    .map(|line| {
                        let place =
                            self.products.iter().position(|product| *product == line.product_id).unwrap();
                        let place = u32::try_from(place).unwrap();
                        let (sold, back) = ((line.quantity, line.cancelled), (line.returned, line.restocked));
                        [place, sold.0, sold.1, line.shipped, line.delivered, back.0, back.1]
                    })
                    .collect(),
                returns: order.returns.iter().map(|asked| asked.status).collect(),
                history: history.into_iter().map(|change| change.event).collect(),
            });
        }
        let mut stock = Vec::new();
        for product in self.products {
            let units = self.admin.inventory(product).await.unwrap();
            let mut kinds = BTreeMap::new();
            for movement in self.admin.stock_movements(product, Some(200), None).await.unwrap().items {
                *kinds.entry(movement.kind).or_default() += 1;
            }
            stock.push((units.on_hand, units.reserved, kinds));
        }
        EndState { orders: ended, stock }
    }
}

fn keyed(key: &str) -> MoveOptions<'_> {
    MoveOptions { key: Some(key), if_version: None }
}

/// One life of a shop, and the calls that something was done to.
async fn live(mischief: Mischief) -> (EndState, BTreeMap<String, u64>) {
    let mut shop = Shop::open(mischief).await;
    shop.admin.quote_order(&shop.order([1, 1])).await.unwrap();
    let too_many = shop.place([21, 1]).await.unwrap_err();
    assert_eq!(too_many.code(), Some("out_of_stock"));

    let returned = shop.place([3, 2]).await.unwrap();
    shop.cancel(returned.id, Some(shop.lines([1, 0]))).await;
    shop.ship(returned.id, [1, 1], Some(LocationId::main())).await;
    let shipped = shop.ship(returned.id, [1, 1], None).await;
    shop.take_back(&shipped, Some(LocationId::main())).await;

    let edited = shop.place([1, 1]).await.unwrap();
    shop.edit(edited.id, &[4, 0]).await.unwrap();
    shop.edit(edited.id, &[2]).await.unwrap();
    let refused = shop.edit(edited.id, &[2, 30]).await.unwrap_err();
    assert_eq!(refused.code(), Some("out_of_stock"));

    let cancelled = shop.place([2, 2]).await.unwrap();
    shop.cancel(cancelled.id, None).await;
    let kept = shop.place([0, 5]).await.unwrap();
    shop.abandon().await;

    let end = shop.end_state().await;
    let mut struck = BTreeMap::new();
    shop.links.iter().for_each(|link| struck.extend(link.struck()));
    assert_clean(&shop.system, vec![returned.id, edited.id, cancelled.id, kept.id]).await;
    shop.system.stop().await;
    (end, struck)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_arrives_twice_and_an_answer_that_is_lost_change_nothing() {
    let (plain, _) = live(Mischief::None).await;
    for mischief in [Mischief::Twice, Mischief::LostAnswer] {
        let (end, struck) = live(mischief).await;
        println!("{mischief:?}: {struck:#?}");
        assert_eq!(end, plain, "{mischief:?}");
        let spared: Vec<_> = CALLS.into_iter().filter(|call| !struck.contains_key(*call)).collect();
        assert!(spared.is_empty(), "{mischief:?} spared {spared:?}");
    }
}
