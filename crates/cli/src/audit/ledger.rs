//! The stock ledger in memory: its sums for each place, and what it did for each order. Small things by 16-byte
//! identities, so that a million orders fit beside a shop.

use super::documents::{MovementDocument, ReservedItem};
use common::ids::{MovementId, OrderId, ProductId};
use common::models::inventory::MovementKind;
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
    /// What was decided on edits; refusals move nothing and are left out.
    pub more: Vec<MoreReserved>,
    /// Releases, shipments, returns.
    pub effects: Vec<EffectMovement>,
}

/// How the ledger decided on an order.
#[derive(Debug)]
pub enum Decision {
    Reserved { currency: Option<Currency>, bought: Box<[Bought]> },
    Refused,
}

/// A reservation of an edit.
#[derive(Debug)]
pub struct MoreReserved {
    pub id: MovementId,
    pub currency: Option<Currency>,
    pub bought: Box<[Bought]>,
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
        for item in self.bought() {
            *sums.entry(item.product).or_default() += i128::from(item.quantity);
        }
        for (product, moved) in self.effects.iter().flat_map(|effect| &effect.sums) {
            *sums.entry(*product).or_default() += moved.reserved;
        }
        sums.retain(|_, units| *units != 0);
        sums
    }

    /// What all movements together did to what is on hand, products with no difference left out.
    pub fn on_hand(&self) -> BTreeMap<ProductId, i128> {
        let mut sums: BTreeMap<ProductId, i128> = BTreeMap::new();
        for (product, moved) in self.effects.iter().flat_map(|effect| &effect.sums) {
            *sums.entry(*product).or_default() += moved.on_hand;
        }
        sums.retain(|_, units| *units != 0);
        sums
    }

    /// Every item that was reserved, by the order itself and by its edits.
    pub fn bought(&self) -> impl Iterator<Item = &Bought> {
        let own = match &self.decision {
            Some(Decision::Reserved { bought, .. }) => &**bought,
            Some(Decision::Refused) | None => &[],
        };
        own.iter().chain(self.more.iter().flat_map(|more| &*more.bought))
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
            let is_own = movement.id == order_id.reservation();
            match movement.kind {
                MovementKind::Reservation if is_own => {
                    order.decision =
                        Some(Decision::Reserved { currency: movement.currency, bought: bought(movement) });
                }
                MovementKind::Reservation => order.more.push(MoreReserved {
                    id: movement.id,
                    currency: movement.currency,
                    bought: bought(movement),
                }),
                MovementKind::Refusal if is_own => order.decision = Some(Decision::Refused),
                MovementKind::Refusal => {}
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

/// Copies of what was bought.
fn bought(movement: &MovementDocument) -> Box<[Bought]> {
    let item = |item: &ReservedItem| Bought {
        product: item.product_id,
        quantity: item.quantity,
        copy: copy_of(&item.sku, &item.name, item.unit_price_minor),
    };
    movement.items.iter().map(item).collect()
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
