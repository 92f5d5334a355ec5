//! What may be asked of an order after it was placed, and what stands in its way.

use super::bounded;
use super::object::ObjectOnly;
use super::order::{FulfillmentStatus, OrderStatus, Quantity, RequestedLine};
use crate::ids::ProductId;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// Most notes of one order.
pub const MAX_NOTES: usize = 100;

/// Most tags of one order.
pub const MAX_TAGS: usize = 50;

/// Why an order is cancelled, in the canceller's words: 1 to 500 characters.
pub type CancellationReason = Text<1, 500, true>;

/// What is worth keeping beside a change: 1 to 500 characters.
pub type ChangeNote = Text<1, 500, true>;

/// A note about an order, for staff: 1 to 2,000 characters.
pub type NoteText = Text<1, 2000, true>;

/// A word to find orders by.
pub type Tag = Text<1, 50>;

/// `POST /orders/{id}/cancel`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cancellation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<CancellationReason>,
    /// What is cancelled; everything that is not shipped where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "bounded::optional_lines")]
    #[schema(min_items = 1, max_items = 2000)]
    pub lines: Option<Vec<RequestedLine>>,
}

/// `POST /orders/{id}/edits`: one change of an order of which nothing is shipped. All of it happens or nothing does.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderEdit {
    /// The lines to add, to change and to remove, each product once; the others stay as they are.
    #[serde(deserialize_with = "bounded::lines")]
    #[schema(min_items = 1, max_items = 2000)]
    pub lines: Vec<EditedLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<ChangeNote>,
}

/// How many units of a product the order is to have that are not cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct EditedLine {
    pub product_id: ProductId,
    /// 0 to 1,000,000; 0 removes the line.
    #[serde(deserialize_with = "bounded::whole::<0, { Quantity::MAX }, _>")]
    #[schema(maximum = 1_000_000)]
    pub quantity: u32,
}

impl Serialize for EditedLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for EditedLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(ObjectOnly(deserializer))
    }
}

/// Body of the moves that need nothing but may be explained: hold, release, deliver, approve, decline.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Remark {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<ChangeNote>,
}

/// `POST /orders/{id}/notes`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewNote {
    pub text: NoteText,
}

/// `POST /orders/{id}/tags`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TagChange {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<Tag>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<Tag>,
}

/// A note about an order; customers do not see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderNote {
    pub at: Timestamp,
    pub actor: String,
    pub text: NoteText,
}

/// Nothing is shipped while an order is on hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderHold {
    pub at: Timestamp,
    pub actor: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<ChangeNote>,
}

/// What may be asked of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderMove {
    Cancel,
    Edit,
    Ship,
    Deliver,
    RequestReturn,
    ApproveReturn,
    DeclineReturn,
    ReceiveReturn,
    Hold,
    Release,
    Note,
    Tag,
}

impl OrderMove {
    pub const ALL: [Self; 12] = [
        Self::Cancel,
        Self::Edit,
        Self::Ship,
        Self::Deliver,
        Self::RequestReturn,
        Self::ApproveReturn,
        Self::DeclineReturn,
        Self::ReceiveReturn,
        Self::Hold,
        Self::Release,
        Self::Note,
        Self::Tag,
    ];
}

/// `GET /orders/{id}/why`: what the caller may ask of the order now, and what stands in the way of the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderWhy {
    pub status: OrderStatus,
    pub fulfillment_status: FulfillmentStatus,
    /// Changes of the order that the stock ledger has not taken yet.
    pub effects_due: usize,
    pub moves: Vec<MoveAnswer>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MoveAnswer {
    #[serde(rename = "move")]
    pub asked: OrderMove,
    pub allowed: bool,
    /// What stands in the way, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}
