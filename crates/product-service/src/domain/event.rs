//! What events say of products and of movements of stock.

use super::movement::Movement;
use super::product::Product;
use common::events::source::{Described, Happening, Told};
use common::ids::EntityId;
use common::models::inventory::MovementKind;
use serde_json::Value;

/// A product, without its stock: movements tell that.
pub fn describe_product(product: Product) -> Result<Described, serde_json::Error> {
    let (id, version) = (EntityId::from_uuid(product.id.uuid()), product.version);
    let (created_at, updated_at) = (product.created_at, product.updated_at);
    let mut data = serde_json::to_value(product.with_inventory(0))?;
    if let Value::Object(fields) = &mut data {
        fields.remove("inventory");
    }
    let happening = Happening::new("product.updated", updated_at);
    let told = Told::Latest { happening, first: "product.created", created_at };
    Ok(Described { id, version, data: data.to_string(), told })
}

/// A movement: what it did to each place adds up to what is there.
pub fn describe_movement(movement: &Movement) -> Result<Described, serde_json::Error> {
    let mut data = serde_json::to_value(movement)?;
    if let Value::Object(fields) = &mut data
        && let Some(id) = fields.remove("_id")
    {
        fields.insert("id".to_owned(), id);
    }
    let happening = Happening {
        actor: Some(movement.actor.clone()),
        ..Happening::new(type_of(movement.kind), movement.at)
    };
    Ok(Described {
        id: EntityId::from_uuid(movement.id.uuid()),
        version: 1,
        data: data.to_string(),
        told: Told::History(vec![happening]),
    })
}

const fn type_of(kind: MovementKind) -> &'static str {
    match kind {
        MovementKind::Reservation => "stock.reserved",
        MovementKind::Refusal => "stock.refused",
        MovementKind::Release => "stock.released",
        MovementKind::Shipment => "stock.shipped",
        MovementKind::Return => "stock.returned",
        MovementKind::Adjustment => "stock.adjusted",
        MovementKind::Receipt => "stock.received",
        MovementKind::Transfer => "stock.transferred",
        MovementKind::Hold => "stock.held",
        MovementKind::HoldRelease => "stock.hold_released",
    }
}
