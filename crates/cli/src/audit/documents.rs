//! The stored documents as the audit reads them: only the fields that an invariant speaks of.

use common::ids::{CustomerId, MovementId, OrderId, ProductId};
use common::models::inventory::MovementKind;
use common::models::order::OrderStatus;
use common::models::order_import::OrderOrigin;
use common::money::Currency;
use common::time::Timestamp;
use mongodb::bson::{Document, doc};
use serde::Deserialize;

/// A collection's document with the projection that reads no more of it than the struct holds.
pub trait Audited: serde::de::DeserializeOwned + Send + Sync {
    fn projection() -> Document;
}

#[derive(Debug, Deserialize)]
pub struct IdDocument<Identity> {
    #[serde(rename = "_id")]
    pub id: Identity,
}

impl<Identity: serde::de::DeserializeOwned + Send + Sync> Audited for IdDocument<Identity> {
    fn projection() -> Document {
        doc! { "_id": 1 }
    }
}

/// What is of one product in one place.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockDocument {
    pub product_id: ProductId,
    pub location_id: String,
    pub on_hand: i64,
    pub reserved: i64,
    /// Units that may be promised beyond what is on hand.
    #[serde(default)]
    pub backorder_limit: i64,
}

impl Audited for StockDocument {
    fn projection() -> Document {
        doc! { "productId": 1, "locationId": 1, "onHand": 1, "reserved": 1, "backorderLimit": 1 }
    }
}

/// One line of the stock ledger.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MovementDocument {
    #[serde(rename = "_id")]
    pub id: MovementId,
    pub kind: MovementKind,
    pub lines: Vec<MovementLine>,
    #[serde(default)]
    pub order_id: Option<OrderId>,
    /// Copies of what was bought; only a reservation has them.
    #[serde(default)]
    pub items: Vec<ReservedItem>,
    #[serde(default)]
    pub currency: Option<Currency>,
}

impl Audited for MovementDocument {
    fn projection() -> Document {
        doc! { "kind": 1, "lines": 1, "orderId": 1, "items": 1, "currency": 1 }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MovementLine {
    pub product_id: ProductId,
    pub location_id: String,
    pub on_hand_delta: i64,
    pub reserved_delta: i64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReservedItem {
    pub product_id: ProductId,
    pub quantity: i64,
    pub sku: String,
    pub name: String,
    pub unit_price_minor: i64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderDocument {
    #[serde(rename = "_id")]
    pub id: OrderId,
    pub customer_id: CustomerId,
    pub status: OrderStatus,
    pub lines: Vec<OrderLine>,
    #[serde(default)]
    pub currency: Option<Currency>,
    #[serde(default)]
    pub total_minor: Option<i64>,
    #[serde(default)]
    pub effects: Vec<Effect>,
    /// Delivered effects that the order no longer lists.
    #[serde(default)]
    pub pruned_effects: u32,
    /// An edit that waits for its stock.
    #[serde(default)]
    pub edit: Option<Edit>,
    /// Settled edits, by the identities that their reservations have where they needed one.
    #[serde(default)]
    pub edits: Vec<MovementId>,
    /// How it came, where it was not placed here.
    #[serde(default)]
    pub origin: Option<OrderOrigin>,
    pub created_at: Timestamp,
}

/// What an edit that waits needs more.
#[derive(Clone, Debug, Deserialize)]
pub struct Edit {
    pub id: MovementId,
    pub more: Vec<EffectLine>,
    pub at: Timestamp,
}

impl Audited for OrderDocument {
    fn projection() -> Document {
        doc! {
            "customerId": 1, "status": 1, "lines": 1, "currency": 1, "totalMinor": 1, "effects": 1, "createdAt": 1,
            "prunedEffects": 1, "edit.id": 1, "edit.more": 1, "edit.at": 1, "edits": 1, "origin": 1,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderLine {
    pub product_id: ProductId,
    pub quantity: i64,
    pub cancelled: i64,
    pub shipped: i64,
    pub delivered: i64,
    pub returned: i64,
    #[serde(default)]
    pub restocked: i64,
    /// Of the shipped units, those that had left before the order came here.
    #[serde(default)]
    pub shipped_before: i64,
    #[serde(default)]
    pub sku: Option<String>,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub unit_price_minor: Option<i64>,
}

/// A change of stock that an order owes or has had delivered.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Effect {
    pub id: MovementId,
    pub kind: MovementKind,
    pub lines: Vec<EffectLine>,
    pub state: EffectState,
    pub at: Timestamp,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectLine {
    pub product_id: ProductId,
    pub quantity: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EffectState {
    Due,
    Done,
}
