//! The stock ledger in memory: its sums for each place, and what it did for each order. Small things by 16-byte
//! identities, so that a million orders fit beside a shop.

use super::documents::{MovementDocument, MovementKind};
use common::ids::{MovementId, OrderId, ProductId};
use common::money::Currency;
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Sums of deltas; wide, so that no ledger can overflow them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub on_hand: i128,
    pub reserved: i128,
}

/// What the ledger did for one order.
#[derive(Debug, Default)]
pub struct OrderMovements {
    pub decision: Option<Decision>,
    /// Releases, shipments, returns.
    pub effects: Vec<EffectMovement>,
}

/// How the ledger decided on an order.
#[derive(Debug)]
pub enum Decision {
    Reserved { currency: Option<Currency>, bought: Box<[Bought]> },
    Refused,
}

/// One item of a reservation.
#[derive(Clone, Copy, Debug)]
pub struct Bought {
    pub product: ProductId,
    pub quantity: i64,
    /// Of sku, name and unit price: see [`copy_of`].
    pub copy: u64,
}

/// A movement that delivered an order's effect.
#[derive(Debug)]
pub struct EffectMovement {
    pub id: MovementId,
    pub kind: MovementKind,
    pub sums: BTreeMap<ProductId, Sums>,
}

impl OrderMovements {
    /// Units that all movements together keep reserved, products with none left out.
    pub fn reserved(&self) -> BTreeMap<ProductId, i128> {
        let mut sums: BTreeMap<ProductId, i128> = BTreeMap::new();
        if let Some(Decision::Reserved { bought, .. }) = &self.decision {
            for item in bought {
                *sums.entry(item.product).or_default() += i128::from(item.quantity);
            }
        }
        for (product, moved) in self.effects.iter().flat_map(|effect| &effect.sums) {
            *sums.entry(*product).or_default() += moved.reserved;
        }
        sums.retain(|_, units| *units != 0);
        sums
    }
}

/// A name, sku and unit price in eight bytes: enough to see that two copies differ.
pub fn copy_of(sku: &str, name: &str, unit_price_minor: i64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (sku, name, unit_price_minor).hash(&mut hasher);
    hasher.finish()
}

#[derive(Debug, Default)]
pub struct Ledger {
    /// By location, of which there are few.
    places: BTreeMap<String, HashMap<ProductId, Sums>>,
    orders: HashMap<OrderId, OrderMovements>,
}

impl Ledger {
    /// Adds one movement, in any order.
    pub fn record(&mut self, movement: &MovementDocument) {
        for line in &movement.lines {
            if !self.places.contains_key(&line.location_id) {
                self.places.insert(line.location_id.clone(), HashMap::new());
            }
            if let Some(products) = self.places.get_mut(&line.location_id) {
                let sums = products.entry(line.product_id).or_default();
                sums.on_hand += i128::from(line.on_hand_delta);
                sums.reserved += i128::from(line.reserved_delta);
            }
        }
        if let Some(order_id) = movement.order_id {
            let order = self.orders.entry(order_id).or_default();
            match movement.kind {
                MovementKind::Reservation => order.decision = Some(reserved(movement)),
                MovementKind::Refusal => order.decision = Some(Decision::Refused),
                _ => order.effects.push(effect(movement)),
            }
        }
    }

    /// The sums of one place; each is asked for once, and what is left has no stock row.
    pub fn take_place(&mut self, product: ProductId, location: &str) -> Option<Sums> {
        self.places.get_mut(location)?.remove(&product)
    }

    /// What was done for an order; each is asked for once, and what is left has no order.
    pub fn take_order(&mut self, order: OrderId) -> OrderMovements {
        self.orders.remove(&order).unwrap_or_default()
    }

    /// Places that were not taken.
    pub fn places(&self) -> impl Iterator<Item = (ProductId, &str)> {
        self.places
            .iter()
            .flat_map(|(location, products)| products.keys().map(|product| (*product, location.as_str())))
    }

    /// Orders that were not taken.
    pub fn orders(&self) -> impl Iterator<Item = OrderId> {
        self.orders.keys().copied()
    }
}

/// The decision as its lines moved stock, with the copies of what was bought.
fn reserved(movement: &MovementDocument) -> Decision {
    let bought = movement
        .items
        .iter()
        .map(|item| Bought {
            product: item.product_id,
            quantity: item.quantity,
            copy: copy_of(&item.sku, &item.name, item.unit_price_minor),
        })
        .collect();
    Decision::Reserved { currency: movement.currency, bought }
}

fn effect(movement: &MovementDocument) -> EffectMovement {
    let mut sums: BTreeMap<ProductId, Sums> = BTreeMap::new();
    for line in &movement.lines {
        let sum = sums.entry(line.product_id).or_default();
        sum.on_hand += i128::from(line.on_hand_delta);
        sum.reserved += i128::from(line.reserved_delta);
    }
    EffectMovement { id: movement.id, kind: movement.kind, sums }
}
