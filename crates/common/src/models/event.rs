//! Events: what happened to orders, stock, products and customers, in the order in which it was recorded.

use crate::ids::{EntityId, EventId};
use crate::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use utoipa::ToSchema;

/// Every type that there is.
pub const TYPES: [&str; 34] = [
    "order.placed",
    "order.imported",
    "order.confirmed",
    "order.rejected",
    "order.cancelled",
    "order.shipped",
    "order.delivered",
    "order.return_requested",
    "order.return_approved",
    "order.return_declined",
    "order.return_received",
    "order.edit_requested",
    "order.edited",
    "order.edit_refused",
    "order.held",
    "order.released",
    "order.noted",
    "order.tagged",
    "order.person_erased",
    "stock.reserved",
    "stock.refused",
    "stock.released",
    "stock.shipped",
    "stock.returned",
    "stock.adjusted",
    "stock.received",
    "stock.transferred",
    "stock.held",
    "stock.hold_released",
    "product.created",
    "product.updated",
    "customer.registered",
    "customer.updated",
    "customer.erased",
];

/// Most types of one filter.
pub const MAX_FILTERED: usize = 40;

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    Order,
    /// A line of the stock ledger: it is written once and never changes.
    Movement,
    Product,
    Customer,
}

impl EntityKind {
    /// Whether things of this kind remember all that ever happened to them.
    pub const fn has_history(self) -> bool {
        matches!(self, Self::Order | Self::Movement)
    }

    /// What the types of its events begin with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Movement => "stock",
            Self::Product => "product",
            Self::Customer => "customer",
        }
    }
}

/// The one thing that an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entity {
    pub kind: EntityKind,
    pub id: EntityId,
}

/// One event, as `GET /events` and webhooks tell it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The same for ever: what was delivered twice is told by it.
    pub id: EventId,
    /// Where to go on after this event.
    pub cursor: String,
    /// What happened, such as `order.confirmed`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened.
    pub at: Timestamp,
    /// When the feed learned of it.
    pub recorded_at: Timestamp,
    pub entity: Entity,
    /// 1, 2, 3 and so on for each entity, without a hole.
    pub sequence: i64,
    /// Of the entity, once it had happened.
    pub version: i64,
    /// Who did it, where that is known: an account's identity, `key:` and an API key's, or the name of a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// What belongs to this event alone, such as the parcel that was shipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Value>,
    /// The entity as it was when the event was recorded: at `version`, or at a later one that it says itself. Nothing
    /// personal stands in it.
    pub data: Value,
}

/// Which types are wanted: names, or `order.*` for all of one kind. Written with commas between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeFilter(BTreeSet<String>);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTypes {
    #[error("names {0:?}, which is no type of event")]
    Unknown(String),
    #[error("must name 1 to {MAX_FILTERED} types")]
    Count,
}

impl TypeFilter {
    pub fn new(types: impl IntoIterator<Item = impl Into<String>>) -> Result<Self, InvalidTypes> {
        let types: BTreeSet<String> = types.into_iter().map(Into::into).collect();
        if types.len() > MAX_FILTERED {
            return Err(InvalidTypes::Count);
        }
        match types.iter().find(|name| !is_known(name)) {
            Some(unknown) => Err(InvalidTypes::Unknown(unknown.clone())),
            None => Ok(Self(types)),
        }
    }

    /// Whether everything is wanted.
    pub fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether events of this type are wanted.
    pub fn wants(&self, kind: &str) -> bool {
        self.is_everything() || self.0.iter().any(|wanted| covers(wanted, kind))
    }

    /// Whether some event about this kind of thing may be wanted.
    pub fn may_want(&self, kind: EntityKind) -> bool {
        let is_of_kind = |wanted: &String| wanted.split('.').next() == Some(kind.prefix());
        self.is_everything() || self.0.iter().any(is_of_kind)
    }

    /// The names of every wanted type.
    pub fn names(&self) -> Vec<&'static str> {
        TYPES.into_iter().filter(|kind| self.wants(kind)).collect()
    }

    pub fn as_slice(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }
}

fn covers(wanted: &str, kind: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(prefix) => kind.starts_with(prefix),
        None => wanted == kind,
    }
}

fn is_known(name: &str) -> bool {
    let is_group = name.ends_with(".*") && name.matches('*').count() == 1;
    TYPES.into_iter().any(|kind| kind == name || is_group && covers(name, kind))
}

impl fmt::Display for TypeFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_slice().join(","))
    }
}

impl FromStr for TypeFilter {
    type Err = InvalidTypes;

    fn from_str(text: &str) -> Result<Self, InvalidTypes> {
        Self::new(text.split(',').map(str::trim))
    }
}

/// As one text: how a query carries it.
impl Serialize for TypeFilter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TypeFilter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_takes_names_and_groups_and_refuses_the_rest() {
        let filter: TypeFilter = "order.confirmed, stock.*".parse().unwrap();
        assert!(filter.wants("order.confirmed") && filter.wants("stock.received"));
        assert!(!filter.wants("order.placed") && !filter.may_want(EntityKind::Customer));
        assert!(filter.may_want(EntityKind::Order) && filter.may_want(EntityKind::Movement));
        assert_eq!(filter.to_string(), "order.confirmed,stock.*");
        assert_eq!(filter.names().len(), 11);
        assert!(TypeFilter::default().wants("customer.erased"));
        for bad in ["", "*", "order", "order.", "orders.*", "order.p*", "order.*.*", "order.placed,x"] {
            assert!(bad.parse::<TypeFilter>().is_err(), "{bad}");
        }
    }
}
