//! What one order has of each product at each place: the sum of its movements.

use crate::domain::movement::Movement;
use common::ids::{OrderId, ProductId};
use common::models::ledger::LedgerEntry;
use common::models::location::LocationId;
use std::collections::{BTreeMap, HashMap};

use crate::domain::entry::Entry;

/// Units of one product at one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub reserved: i64,
    /// Negative where units were shipped and are not back.
    pub on_hand: i64,
}

pub(super) type HeldByPlace = BTreeMap<LocationId, Held>;

/// The orders that this batch releases, ships or takes back from; of all others nothing need be known.
#[derive(Debug, Default)]
pub(super) struct OrderUnits {
    orders: HashMap<OrderId, HashMap<ProductId, HeldByPlace>>,
}

impl OrderUnits {
    pub(super) fn of(entries: &[Entry]) -> Self {
        let named = entries.iter().filter_map(|entry| match entry {
            Entry::Order(
                entry @ (LedgerEntry::Release { .. } | LedgerEntry::Ship { .. } | LedgerEntry::Return { .. }),
            ) => Some((entry.order_id(), HashMap::new())),
            _ => None,
        });
        Self { orders: named.collect() }
    }

    pub(super) fn note(&mut self, movement: &Movement) {
        let Some(order) = movement.order_id.and_then(|order_id| self.orders.get_mut(&order_id)) else {
            return;
        };
        for line in &movement.lines {
            let places = order.entry(line.product_id).or_default();
            let held = places.entry(line.location_id.clone()).or_default();
            held.reserved += line.reserved_delta;
            held.on_hand += line.on_hand_delta;
        }
    }

    pub(super) fn product(&self, order_id: OrderId, product_id: ProductId) -> Option<&HeldByPlace> {
        self.orders.get(&order_id)?.get(&product_id)
    }
}
