//! Every step at which a process can die: it dies there, is started again, the requests are repeated with their keys,
//! and the books must balance.

use crate::shop::eventually;
use crate::system::System;
use comfy_table::{Table, presets};
use common::fault::Point;
use common::ids::{CustomerId, OrderId, ProductId};
use common::models::customer::NewCustomer;
use common::models::fulfillment::NewFulfillment;
use common::models::order::{NewOrder, OrderStatus};
use common::models::order_change::{EditedLine, OrderEdit};
use common::models::product::NewProduct;
use mongodb::Collection;
use mongodb::bson::{Document, doc};
use oms_cli::audit::{AuditOptions, audit};
use oms_cli::replay::patience::Patience;
use oms_cli::shop::services::Service;
use oms_client::{Client, Error, MoveOptions};
use secrecy::ExposeSecret as _;
use std::sync::Arc;
use std::time::Duration;

/// Longest until an armed process must have ended, and until a request must be answered: longer than the minute for which
/// a server keeps the rows of a transaction whose client died, where it is not told otherwise.
const LIMIT: Duration = Duration::from_secs(90);

/// What is under way when the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scene {
    Placing,
    Cancelling,
    Shipping,
    /// One more unit is asked for.
    Editing,
    /// An order that a coordinator left pending is being swept.
    Sweeping,
}

/// Whose process passes a point, and while what is done.
fn scenes(point: Point) -> (Service, &'static [Scene]) {
    use Scene::{Cancelling, Editing, Placing, Shipping, Sweeping};
    match point {
        Point::BeforeRecord | Point::AfterRecord => (Service::Order, &[Placing]),
        Point::BeforeReserve | Point::AfterReserve => (Service::Order, &[Placing, Editing]),
        Point::BeforeSettle | Point::AfterSettle => (Service::Order, &[Placing, Sweeping]),
        Point::BeforeAnswer => (Service::Order, &[Placing]),
        Point::BeforeChange | Point::AfterChange => (Service::Order, &[Cancelling, Shipping, Editing]),
        Point::BeforeDeliver | Point::AfterDeliver | Point::BeforeMarkDone | Point::AfterMarkDone => {
            (Service::Order, &[Cancelling, Shipping])
        }
        Point::BeforeSweepRefuse | Point::AfterSweepRefuse => (Service::Order, &[Sweeping]),
        Point::BeforeStockTransaction
        | Point::BeforeStockMove
        | Point::BeforeMovements
        | Point::BeforeStockCommit
        | Point::AfterStockCommit => (Service::Product, &[Placing, Cancelling, Shipping, Editing, Sweeping]),
    }
}

/// Who orders, and what.
#[derive(Clone)]
struct Shopper {
    /// Makes one try of each request.
    client: Client,
    patience: Arc<Patience>,
    customer: CustomerId,
    product: ProductId,
}

impl Shopper {
    fn order(&self) -> NewOrder {
        NewOrder::of_one(self.customer, self.product, 2.try_into().unwrap())
    }

    /// Places an order, as often as it takes.
    async fn place(self, key: String) -> OrderId {
        let (client, order) = (&self.client, self.order());
        match self.patience.insist(async || client.place_order(&order, Some(&key)).await).await {
            Ok(placed) => placed.value.id,
            // One that was swept up before anybody reserved it.
            Err(Error::Problem { problem, .. }) if problem.code == "order_expired" => {
                problem.extensions["orderId"].as_str().unwrap().parse().unwrap()
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Moves an order, as often as it takes.
    async fn change(self, order: OrderId, scene: Scene, key: String) {
        let (client, product_id) = (&self.client, self.product);
        let options = MoveOptions { key: Some(&key), if_version: None };
        let change = async || match scene {
            Scene::Shipping => {
                let shipped = client.ship_order(order, &NewFulfillment::default(), options).await;
                shipped.map(|shipped| shipped.value)
            }
            Scene::Editing => {
                let edit = OrderEdit { lines: vec![EditedLine { product_id, quantity: 3 }], note: None };
                client.edit_order(order, &edit, options).await
            }
            _ => client.cancel_order(order, None, Some(&key)).await,
        };
        match self.patience.insist(change).await {
            Ok(_) => {}
            // One that was swept up before anybody reserved it.
            Err(error) => {
                assert_eq!((scene, error.code()), (Scene::Editing, Some("edit_expired")), "{error}")
            }
        }
    }
}

struct Stage {
    system: System,
    shopper: Shopper,
    orders: Vec<OrderId>,
    trials: u32,
}

impl Stage {
    async fn set() -> Self {
        let system = System::start_with(&[
            ("OMS_ORDER__SWEEPER__INTERVAL_MS", "50"),
            // Longer than a crowded machine takes to reserve: what is swept before that is refused.
            ("OMS_ORDER__SWEEPER__OLDER_THAN_MS", "3000"),
        ])
        .await;
        let client = system.admin_with(|builder| builder.retries(0).timeout(LIMIT));
        let new = NewCustomer {
            email: "someone@example.com".parse().unwrap(),
            password: None,
            name: "Someone".parse().unwrap(),
        };
        let customer = client.register_customer(&new, None).await.unwrap().value.id;
        let (sku, name, price) = ("SKU-1".parse(), "A thing".parse(), "12.50".parse());
        let new = NewProduct {
            inventory: Some(1_000.try_into().unwrap()),
            ..NewProduct::new(sku.unwrap(), name.unwrap(), price.unwrap())
        };
        let product = client.create_product(&new, None).await.unwrap().value.id;
        let patience = Arc::new(Patience::new(LIMIT));
        let shopper = Shopper { client, patience, customer, product };
        Self { system, shopper, orders: Vec::new(), trials: 0 }
    }

    async fn arm(&mut self, service: Service, point: Point) {
        self.system.restart_with(service, &[("OMS_CRASH_AT", point.name())]).await;
    }

    /// Waits for the end of the process that was told to end at a point, and starts it as it was.
    async fn await_end(&mut self, service: Service, point: Point) {
        let (service_name, point) = (service.name(), point.name());
        let ended = self.system.ends(service, LIMIT).await;
        assert!(
            ended,
            "{service_name} did not end at {point}: was it built with the feature fault-injection?"
        );
        self.system.restart(service).await;
    }

    /// An order that stands. One whose reservation waits for the rows of a process that just died may be swept up: then
    /// another one is placed.
    async fn confirmed(&mut self, key: &str) -> OrderId {
        for tried in 0..20 {
            let id = self.shopper.clone().place(format!("{key}-{tried}")).await;
            self.orders.push(id);
            let order = self.shopper.patience.insist(async || self.shopper.client.order(id).await).await;
            if order.unwrap().status == OrderStatus::Confirmed {
                return id;
            }
        }
        panic!("no order is confirmed");
    }

    async fn play(&mut self, scene: Scene, service: Service, point: Point) {
        self.trials += 1;
        let (key, shopper) = (format!("trial-{}", self.trials), self.shopper.clone());
        match scene {
            Scene::Placing => {
                self.arm(service, point).await;
                let (id, ()) = tokio::join!(shopper.place(key), self.await_end(service, point));
                self.orders.push(id);
            }
            Scene::Cancelling | Scene::Shipping | Scene::Editing => {
                let id = self.confirmed(&key).await;
                self.arm(service, point).await;
                tokio::join!(shopper.change(id, scene, key), self.await_end(service, point));
            }
            Scene::Sweeping => {
                self.arm(Service::Order, Point::AfterRecord).await;
                self.system.wait_until_ready(Service::Order).await;
                let abandoned = shopper.client.place_order(&shopper.order(), Some(&key)).await;
                assert!(abandoned.is_err() && self.system.ends(Service::Order, LIMIT).await);
                self.arm(service, point).await;
                if service != Service::Order {
                    self.system.restart(Service::Order).await;
                }
                self.await_end(service, point).await;
                self.orders.push(shopper.place(key).await);
            }
        }
    }

    /// Waits until nothing is pending or due, and audits.
    async fn violations(&self) -> Vec<String> {
        let plan = &self.system.plan;
        let mongo_uri = plan.mongo_uri.expose_secret().to_owned();
        let client = mongodb::Client::with_uri_str(&mongo_uri).await.unwrap();
        let orders: Collection<Document> =
            client.database(&format!("{}_orders", plan.database_prefix)).collection("orders");
        let is_waiting = doc! { "$or": [
            { "status": "pending" }, { "effects.state": "due" }, { "edit": { "$exists": true } },
        ] };
        eventually("quiet", async || {
            orders.count_documents(is_waiting.clone()).await.is_ok_and(|count| count == 0).then_some(())
        })
        .await;
        let (database_prefix, acknowledged) = (plan.database_prefix.clone(), self.orders.clone());
        let report = audit(&AuditOptions { mongo_uri, database_prefix, acknowledged }).await.unwrap();
        if report.is_clean() { Vec::new() } else { vec![report.to_string()] }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_a_process_dies_a_repeat_converges_and_the_books_balance() {
    let mut stage = Stage::set().await;
    let mut printed = Table::new();
    printed.load_style(presets::ASCII_MARKDOWN);
    printed.set_header(["point", "process", "while", "violations"]);
    let mut violations = Vec::new();
    for point in Point::ALL {
        let (service, scenes) = scenes(point);
        for scene in scenes {
            stage.play(*scene, service, point).await;
            let found = stage.violations().await;
            let (scene, found_here) = (format!("{scene:?}").to_lowercase(), found.len().to_string());
            printed.add_row([point.name(), service.name(), &scene, &found_here]);
            violations.extend(found);
        }
    }
    println!(
        "{printed}\n{} points, {} trials, {} violations",
        Point::ALL.len(),
        stage.trials,
        violations.len()
    );
    assert!(violations.is_empty(), "{violations:#?}");
    let units = stage.shopper.client.inventory(stage.shopper.product).await.unwrap();
    let orders = stage.shopper.client.get_customer_orders(stage.shopper.customer).await.unwrap();
    assert_eq!(orders.len(), stage.orders.len(), "a trial made more than one order");
    let lines =
        orders.iter().filter(|order| order.status != OrderStatus::Rejected).flat_map(|order| &order.lines);
    let held: u32 = lines.map(|line| line.quantity - line.cancelled - line.shipped).sum();
    assert_eq!(units.reserved, i64::from(held));
    stage.system.stop().await;
}
