//! The audit over documents in a real MongoDB.

use super::report::{Counts, Invariant};
use super::*;
use common::ids::{CustomerId, MovementId, ProductId};
use common::time::Timestamp;
use mongodb::bson::{Document, doc};

/// Three databases of this test alone, dropped at its end.
struct TestShop {
    client: Client,
    options: AuditOptions,
}

impl TestShop {
    async fn empty() -> Self {
        let options = AuditOptions {
            mongo_uri: common::testing::server("MONGO_URI"),
            database_prefix: common::testing::fresh_database(),
            acknowledged: Vec::new(),
        };
        Self { client: Client::with_uri_str(&options.mongo_uri).await.unwrap(), options }
    }

    /// One order of two units, confirmed, of a product that has ten.
    async fn with_an_order() -> (Self, OrderId) {
        let shop = Self::empty().await;
        let (order, customer, product) = (OrderId::new(), CustomerId::new(), ProductId::new());
        let line = |on_hand: i64, reserved: i64| {
            doc! { "productId": product, "locationId": "main", "onHandDelta": on_hand, "reservedDelta": reserved }
        };
        let bought = doc! {
            "productId": product, "quantity": 2_i64, "sku": "A-1", "name": "A thing", "unitPriceMinor": 150_i64,
        };
        let mut ordered = bought.clone();
        ordered.extend(doc! { "cancelled": 0_i64, "shipped": 0_i64, "delivered": 0_i64, "returned": 0_i64 });
        let now = Timestamp::now();
        shop.insert("customers", "customers", doc! { "_id": customer, "name": "Ada" }).await;
        shop.insert("products", "products", doc! { "_id": product, "sku": "A-1" }).await;
        let stock = doc! {
            "_id": format!("{product}@main"), "productId": product, "locationId": "main", "onHand": 10_i64,
            "reserved": 2_i64, "version": 2_i64,
        };
        shop.insert("products", "stock", stock).await;
        let receipt = doc! {
            "_id": MovementId::new(), "kind": "adjustment", "lines": [line(10, 0)], "actor": "test", "at": now,
        };
        shop.insert("products", "movements", receipt).await;
        let reservation = doc! {
            "_id": order, "kind": "reservation", "lines": [line(0, 2)], "orderId": order, "items": [bought],
            "currency": "EUR", "actor": "order-service", "at": now,
        };
        shop.insert("products", "movements", reservation).await;
        let placed = doc! {
            "_id": order, "customerId": customer, "status": "confirmed", "version": 2_i64, "lines": [ordered],
            "currency": "EUR", "totalMinor": 300_i64, "effects": [], "createdAt": now, "updatedAt": now,
        };
        shop.insert("orders", "orders", placed).await;
        (shop, order)
    }

    async fn insert(&self, database: &str, collection: &str, document: Document) {
        self.collection(database, collection).insert_one(document).await.unwrap();
    }

    fn collection(&self, database: &str, collection: &str) -> mongodb::Collection<Document> {
        self.client.database(&format!("{}_{database}", self.options.database_prefix)).collection(collection)
    }

    async fn audit(&self) -> Report {
        audit(&self.options).await.unwrap()
    }

    async fn drop(self) {
        for database in ["orders", "customers", "products"] {
            self.client
                .database(&format!("{}_{database}", self.options.database_prefix))
                .drop()
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn databases_that_do_not_exist_yet_are_an_empty_shop() {
    let shop = TestShop::empty().await;
    let report = shop.audit().await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.counts, Counts::default());
    shop.drop().await;
}

#[tokio::test]
async fn a_sound_shop_is_read_whole_and_found_clean() {
    let (mut shop, order) = TestShop::with_an_order().await;
    shop.options.acknowledged = vec![order];
    let report = shop.audit().await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.counts, Counts { customers: 1, products: 1, stock: 1, movements: 2, orders: 1 });
    shop.drop().await;
}

#[tokio::test]
async fn what_was_changed_behind_the_shops_back_is_found() {
    let (mut shop, order) = TestShop::with_an_order().await;
    shop.collection("products", "stock")
        .update_one(doc! {}, doc! { "$inc": { "onHand": 1_i64 } })
        .await
        .unwrap();
    let lost = OrderId::new();
    shop.options.acknowledged = vec![order, lost];
    let report = shop.audit().await;
    assert_eq!(report.finding(Invariant::A1).unwrap().broken, 1, "{report}");
    let missing = report.finding(Invariant::A5).unwrap();
    assert_eq!(missing.offences[0].id, lost.to_string(), "{report}");
    assert!(serde_json::to_string(&report).unwrap().contains("\"invariant\":\"A5\""));
    shop.drop().await;
}
