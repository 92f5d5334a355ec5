//! What becomes of the units that an order has: released, shipped, or taken back.

use super::order_units::{Held, HeldByPlace};
use super::shelves::Shelves;
use super::{Judgement, Ledger};
use crate::domain::entry::Outcome;
use crate::domain::movement::MovementLine;
use common::ids::{MovementId, OrderId, ProductId};
use common::models::inventory::MovementKind;
use common::models::location::LocationId;
use common::models::order::{MAX_LINES, RequestedLine};
use common::models::product::MAX_UNITS;
use std::collections::HashMap;

/// What the order has of each product, less what earlier lines of the same entry took.
type Left = HashMap<ProductId, HeldByPlace>;

impl Ledger<'_> {
    /// Gives back what the order has reserved, at the places that orders take from last.
    pub(super) fn release(
        &mut self,
        id: MovementId,
        order_id: OrderId,
        lines: &[RequestedLine],
    ) -> Judgement {
        self.effect(id, MovementKind::Release, order_id, lines, |_, line, held, shelves| {
            let ranked = shelves.rows().iter().rev().map(|row| row.now.location_id.clone());
            let portions = take(ranked, line.quantity.get().into(), |place| reserved_at(held, place))?;
            let given_back = portions.into_iter().map(|(place, units)| {
                if let Some(held) = held.get_mut(&place) {
                    held.reserved -= units;
                }
                MovementLine::reserved(line.product_id, place, -units)
            });
            Some(given_back.collect())
        })
    }

    /// Consumes what the order has reserved: as much of it as is on hand where it is reserved, or at the place named.
    pub(super) fn ship(
        &mut self,
        id: MovementId,
        order_id: OrderId,
        lines: &[RequestedLine],
        from: Option<&LocationId>,
    ) -> Judgement {
        self.effect(id, MovementKind::Shipment, order_id, lines, |_, line, held, shelves| match from {
            None => ship_where_reserved(line, held, shelves),
            Some(place) => ship_from(place, line, held, shelves),
        })
    }

    /// Puts back what was shipped and is not back yet: at the place named, or where it was shipped from.
    pub(super) fn take_back(
        &mut self,
        id: MovementId,
        order_id: OrderId,
        lines: &[RequestedLine],
        to: Option<&LocationId>,
    ) -> Judgement {
        let places = self.terms.places;
        if to.is_some_and(|place| !places.knows(place)) {
            return Judgement::Answer(Outcome::contradiction());
        }
        self.effect(id, MovementKind::Return, order_id, lines, |places, line, held, shelves| {
            let units = i64::from(line.quantity.get());
            let away = -held.values().map(|held| held.on_hand).sum::<i64>();
            if units > away {
                return None;
            }
            let portions = match to {
                Some(place) => vec![(place.clone(), units)],
                None => {
                    let ranked = shelves.rows().iter().map(|row| row.now.location_id.clone());
                    take(ranked, units, |place| held.get(place).map_or(0, |held| -held.on_hand))?
                }
            };
            let mut put_back = Vec::with_capacity(portions.len());
            for (place, units) in portions {
                shelves.add(line.product_id, &place, places);
                let row = shelves.at_mut(&place)?;
                row.claimed -= units;
                if row.now.on_hand - row.claimed > i64::from(MAX_UNITS) {
                    return None;
                }
                held.entry(place.clone()).or_default().on_hand += units;
                put_back.push(MovementLine::on_hand(line.product_id, place, units));
            }
            Some(put_back)
        })
    }

    /// Judges an effect line by line; one line that cannot be is a contradiction of the whole.
    fn effect(
        &mut self,
        id: MovementId,
        kind: MovementKind,
        order_id: OrderId,
        lines: &[RequestedLine],
        mut judge: impl FnMut(
            &crate::domain::places::Places,
            &RequestedLine,
            &mut HeldByPlace,
            &mut Shelves,
        ) -> Option<Vec<MovementLine>>,
    ) -> Judgement {
        let (mut left, mut moved) = (Left::new(), Vec::with_capacity(lines.len()));
        let mut is_possible = !lines.is_empty() && lines.len() <= MAX_LINES;
        for line in lines.iter().take(MAX_LINES) {
            let held = left.entry(line.product_id).or_insert_with(|| {
                self.orders.product(order_id, line.product_id).cloned().unwrap_or_default()
            });
            let shelves = self.shelves.get_mut(&line.product_id);
            match shelves.and_then(|shelves| judge(self.terms.places, line, held, shelves)) {
                Some(lines) => moved.extend(lines),
                None => is_possible = false,
            }
        }
        self.unclaim(lines.iter().map(|line| line.product_id));
        if !is_possible {
            return Judgement::Answer(Outcome::contradiction());
        }
        Judgement::Post(self.movement(id, kind, moved).of_order(order_id))
    }
}

fn reserved_at(held: &HeldByPlace, place: &LocationId) -> i64 {
    held.get(place).map_or(0, |held| held.reserved)
}

/// So many units, from these places in their order, each as far as it has some; `None` where they are too few.
fn take(
    places: impl Iterator<Item = LocationId>,
    units: i64,
    has: impl Fn(&LocationId) -> i64,
) -> Option<Vec<(LocationId, i64)>> {
    let (mut left, mut portions) = (units, Vec::new());
    for place in places {
        let taken = has(&place).clamp(0, left);
        if taken > 0 {
            left -= taken;
            portions.push((place, taken));
        }
    }
    (left == 0).then_some(portions)
}

fn ship_where_reserved(
    line: &RequestedLine,
    held: &mut HeldByPlace,
    shelves: &mut Shelves,
) -> Option<Vec<MovementLine>> {
    let ranked = shelves.rows().iter().map(|row| row.now.location_id.clone());
    let on_shelf = |place: &LocationId| shelves.at(place).map_or(0, |row| row.now.on_hand - row.claimed);
    let has = |place: &LocationId| reserved_at(held, place).min(on_shelf(place));
    let portions = take(ranked, line.quantity.get().into(), has)?;
    let mut shipped = Vec::with_capacity(portions.len());
    for (place, units) in portions {
        shelves.claim(&place, units);
        consume(held, &place, units);
        shipped.push(consumed(line.product_id, place, units, units));
    }
    Some(shipped)
}

/// What the order has reserved elsewhere is freed there, where this place can spare the units.
fn ship_from(
    place: &LocationId,
    line: &RequestedLine,
    held: &mut HeldByPlace,
    shelves: &mut Shelves,
) -> Option<Vec<MovementLine>> {
    let units = i64::from(line.quantity.get());
    let here = reserved_at(held, place).clamp(0, units);
    let row = shelves.at_mut(place)?;
    let on_hand = row.now.on_hand - row.claimed - units;
    // What is promised to others here stays covered.
    let promised = row.now.reserved - row.claimed - here;
    if on_hand < 0 || (units > here && promised > on_hand) {
        return None;
    }
    row.claimed += units;
    consume(held, place, here);
    let mut shipped = vec![consumed(line.product_id, place.clone(), units, here)];
    let elsewhere = shelves.rows().iter().rev().map(|row| row.now.location_id.clone());
    let elsewhere = elsewhere.filter(|other| other != place);
    for (other, units) in take(elsewhere, units - here, |place| reserved_at(held, place))? {
        consume(held, &other, units);
        shipped.push(MovementLine::reserved(line.product_id, other, -units));
    }
    Some(shipped)
}

fn consume(held: &mut HeldByPlace, place: &LocationId, units: i64) {
    let held: &mut Held = held.entry(place.clone()).or_default();
    held.reserved -= units;
}

fn consumed(product_id: ProductId, location_id: LocationId, on_hand: i64, reserved: i64) -> MovementLine {
    MovementLine { product_id, location_id, on_hand_delta: -on_hand, reserved_delta: -reserved }
}
