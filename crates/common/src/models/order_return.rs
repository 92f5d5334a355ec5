//! Returns: what a customer sends back, from the request to the shelf.

use super::bounded;
use super::object::ObjectOnly;
use crate::ids::{ProductId, ReturnId};
use crate::models::location::LocationId;
use crate::models::order::Quantity;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// Most returns of one order.
pub const MAX_RETURNS: usize = 100;

/// Why something is sent back, in the customer's words.
pub type ReturnReason = Text<1, 500, true>;

/// `POST /orders/{id}/returns`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewReturn {
    /// What was delivered and is to be sent back, each product once.
    #[serde(deserialize_with = "bounded::lines")]
    #[schema(min_items = 1, max_items = 2000)]
    pub lines: Vec<NewReturnLine>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct NewReturnLine {
    pub product_id: ProductId,
    pub quantity: Quantity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReturnReason>,
}

impl Serialize for NewReturnLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for NewReturnLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(ObjectOnly(deserializer))
    }
}

/// `POST /orders/{id}/returns/{returnId}/receive`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReturnReceipt {
    /// What arrived, each product once; a product that is left out did not.
    #[serde(deserialize_with = "bounded::lines")]
    #[schema(min_items = 1, max_items = 2000)]
    pub lines: Vec<ReceivedLine>,
    /// Where it is put back; where it was shipped from if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location_id: Option<LocationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<ReturnReason>,
}

/// Units of one product that arrived: together no more than the return names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceivedLine {
    pub product_id: ProductId,
    /// Put back into stock.
    #[serde(default)]
    pub restock: u32,
    /// Not fit to be sold again.
    #[serde(default)]
    pub write_off: u32,
}

impl Serialize for ReceivedLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for ReceivedLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(ObjectOnly(deserializer))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReturnStatus {
    Requested,
    /// The customer may send it.
    Approved,
    Declined,
    /// It arrived and was restocked or written off.
    Received,
}

/// One return.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Return {
    pub id: ReturnId,
    pub status: ReturnStatus,
    pub lines: Vec<ReturnLine>,
    pub requested_at: Timestamp,
    /// Approved or declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReturnLine {
    pub product_id: ProductId,
    /// Units that were to be sent back.
    pub quantity: Quantity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReturnReason>,
    /// Units that arrived and were put back into stock.
    #[serde(default)]
    pub restocked: u32,
    /// Units that arrived and were not fit to be sold again.
    #[serde(default)]
    pub written_off: u32,
}
