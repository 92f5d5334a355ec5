//! What staff change: counts, receipts, transfers, and how a product is kept.

use super::shelves::{Row, Shelves};
use super::{Judgement, Ledger};
use crate::domain::entry::{Expected, Outcome, Settings, StockChanged, StockEntry, StockRefused, Wish};
use crate::domain::movement::{Movement, MovementLine};
use common::ids::ProductId;
use common::models::inventory::MovementKind;
use common::models::location::LocationId;
use common::models::product::MAX_UNITS;

impl Ledger<'_> {
    pub(super) fn judge_by_hand(&mut self, entry: &StockEntry) -> Judgement {
        let StockEntry { id, product_id, wish, actor } = entry;
        let places = self.terms.places;
        if let Some(unknown) = wish.locations().into_iter().find(|place| !places.knows(place)) {
            return refused(StockRefused::UnknownLocation(unknown.clone()));
        }
        let Some(shelves) = self.shelves.get_mut(product_id) else {
            return refused(StockRefused::UnknownProduct);
        };
        for place in wish.locations() {
            shelves.add(*product_id, place, places);
        }
        let movement = |kind, lines| Movement::new(*id, kind, lines, &actor.reference(), self.terms.at);
        let judged = match wish {
            Wish::SetAvailable { available, location_id, expected } => {
                let lines = set_available(shelves, *product_id, available.get().into(), location_id.as_ref());
                check(*expected, shelves).and(lines).map(|lines| {
                    let reason = format!("available set to {}", available.get());
                    (!lines.is_empty()).then(|| movement(MovementKind::Adjustment, lines).because(reason))
                })
            }
            Wish::Configure { settings, expected } => {
                return match check(*expected, shelves).and_then(|()| configure(shelves, settings)) {
                    Ok(is_written) => unmoved(shelves, is_written),
                    Err(why) => refused(why),
                };
            }
            Wish::Adjust { .. } | Wish::Receive { .. } | Wish::Transfer { .. } => {
                let told = wish.movement(*product_id);
                told.map(|(kind, lines, reason)| {
                    let is_transfer = kind == MovementKind::Transfer;
                    lines.iter().try_for_each(|line| check_line(shelves, line, is_transfer))?;
                    let movement = movement(kind, lines);
                    Ok(match reason {
                        Some(reason) => movement.because(reason),
                        None => movement,
                    })
                })
                .transpose()
            }
        };
        match judged {
            Ok(Some(movement)) => Judgement::Post(movement),
            Ok(None) => unmoved(shelves, false),
            Err(why) => refused(why),
        }
    }
}

fn refused(why: StockRefused) -> Judgement {
    Judgement::Answer(Outcome::Stock(Err(why)))
}

fn unmoved(shelves: &Shelves, is_written: bool) -> Judgement {
    let changed = StockChanged { rows: shelves.stock(), movement: None, replayed: false, is_written };
    Judgement::Answer(Outcome::Stock(Ok(changed)))
}

fn check(expected: Expected, shelves: &Shelves) -> Result<(), StockRefused> {
    let (version, available) = (shelves.version(), shelves.available());
    if expected.version.is_some_and(|expected| expected != version) {
        return Err(StockRefused::Stale { version });
    }
    if expected.available.is_some_and(|expected| expected != available) {
        return Err(StockRefused::Unexpected { available });
    }
    Ok(())
}

/// On hand moves by what is missing: at one place, or at the default one. What is too much is taken from there first.
fn set_available(
    shelves: &Shelves,
    product_id: ProductId,
    target: i64,
    place: Option<&LocationId>,
) -> Result<Vec<MovementLine>, StockRefused> {
    let current = match place {
        Some(place) => shelves.at(place).map_or(0, |row| row.now.available()),
        None => shelves.available(),
    };
    let line = |row: &Row, delta| MovementLine::on_hand(product_id, row.now.location_id.clone(), delta);
    let missing = target - current;
    if missing > 0 {
        let row = place.map_or_else(|| shelves.main(), |place| shelves.at(place));
        let row = row.ok_or(StockRefused::UnknownProduct)?;
        // What is promised beyond the shelf is covered first.
        let delta = row.now.backordered() + missing;
        if row.now.on_hand + delta > i64::from(MAX_UNITS) {
            return Err(StockRefused::TooManyUnits);
        }
        return Ok(vec![line(row, delta)]);
    }
    let is_concerned = |row: &&Row| place.is_none_or(|place| row.now.location_id == *place);
    let mut rows: Vec<&Row> = shelves.rows().iter().filter(is_concerned).collect();
    rows.sort_by_key(|row| !row.now.location_id.is_main());
    let (mut excess, mut lines) = (-missing, Vec::new());
    for row in rows {
        let taken = row.now.available().min(excess);
        if taken > 0 {
            excess -= taken;
            lines.push(line(row, -taken));
        }
    }
    Ok(lines)
}

/// What is promised stays covered, as far as it is not a backorder, and nothing moves out that is not there.
fn check_line(shelves: &Shelves, line: &MovementLine, is_transfer: bool) -> Result<(), StockRefused> {
    let row = shelves.at(&line.location_id).ok_or(StockRefused::UnknownProduct)?;
    let stock = &row.now;
    let on_hand = stock.on_hand.saturating_add(line.on_hand_delta);
    let owed = if is_transfer { 0 } else { stock.backorder_limit };
    if line.on_hand_delta < 0 && (on_hand < 0 || on_hand + owed < stock.reserved) {
        return Err(StockRefused::BelowReserved { on_hand: stock.on_hand, reserved: stock.reserved });
    }
    if on_hand > i64::from(MAX_UNITS) {
        return Err(StockRefused::TooManyUnits);
    }
    Ok(())
}

/// Answers whether anything is another than before.
fn configure(shelves: &mut Shelves, settings: &Settings) -> Result<bool, StockRefused> {
    let main = shelves.main_mut().ok_or(StockRefused::UnknownProduct)?;
    let before = main.now.clone();
    if let Some(limit) = settings.backorder_limit {
        let backordered = main.now.backordered();
        if limit < backordered {
            return Err(StockRefused::BelowBackordered { backordered });
        }
        main.now.backorder_limit = limit;
    }
    main.now.incoming = settings.incoming.unwrap_or(main.now.incoming);
    main.now.low_stock_threshold = settings.low_stock_threshold.unwrap_or(main.now.low_stock_threshold);
    let is_changed = main.now != before;
    main.now.version += i64::from(is_changed);
    Ok(is_changed)
}
