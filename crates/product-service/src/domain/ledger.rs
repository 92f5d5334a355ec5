//! The one place where stock is decided: entries in order of arrival against what the ledger holds.

mod judge;

use super::entry::{Adjust, Entry, Outcome, SetAvailable, StockChanged, StockRefused};
use super::movement::{Movement, MovementKind, MovementLine};
use super::stock::{MAIN, Stock, StockId};
use common::ids::{MovementId, OrderId, ProductId};
use common::models::ledger::{LedgerEntry, LedgerOutcome};
use common::models::product::ProductStatus;
use common::money::{Currency, Money};
use common::text::Sku;
use common::time::Timestamp;
use judge::Judgement;
use std::collections::{BTreeSet, HashMap};

/// What an order copies of a product when it buys it.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    pub sku: Sku,
    pub name: String,
    pub price: Money,
    pub currency: Currency,
    pub status: ProductStatus,
}

pub type Offers = HashMap<ProductId, Offer>;

/// What the ledger holds of everything that a batch of entries names, in one snapshot.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// Movements of the entries' own identities, the reservations that releases name, and the releases of the same
    /// orders so far.
    pub movements: HashMap<MovementId, Movement>,
    pub stock: HashMap<StockId, Stock>,
}

impl Books {
    /// The rows of stock that these entries may touch, once their movements are known.
    pub fn rows_named_by(&self, entries: &[Entry]) -> BTreeSet<StockId> {
        let mut rows = BTreeSet::new();
        for entry in entries {
            match entry {
                Entry::Order(order) if self.movements.contains_key(&order.movement_id()) => {}
                Entry::Order(LedgerEntry::Reserve { lines, .. }) => {
                    rows.extend(lines.iter().map(|line| StockId::new(line.product_id, MAIN)));
                }
                // Where the reservation stands earlier in the same batch, it names the rows itself.
                Entry::Order(LedgerEntry::Release { order_id, .. }) => {
                    let reservation = self.movements.get(&order_id.reservation());
                    rows.extend(
                        reservation.iter().flat_map(|movement| &movement.lines).map(MovementLine::stock_id),
                    );
                }
                Entry::Order(LedgerEntry::Refuse { .. }) => {}
                Entry::SetAvailable(SetAvailable { product_id, .. })
                | Entry::Adjust(Adjust { product_id, .. }) => {
                    rows.insert(StockId::new(*product_id, MAIN));
                }
            }
        }
        rows
    }
}

/// What a batch of entries comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Posting {
    /// One for each entry, in their order.
    pub outcomes: Vec<Outcome>,
    /// To be written, in the order of the entries.
    pub movements: Vec<Movement>,
    /// One for each row of stock that moves, in the order of the rows.
    pub changes: Vec<StockChange>,
}

/// The sum of what a batch does to one row of stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockChange {
    pub id: StockId,
    /// The version that was read, and must still stand.
    pub version: i64,
    pub on_hand_delta: i64,
    pub reserved_delta: i64,
    pub version_delta: i64,
}

/// Decides entries in their order. An entry whose movement is recorded is answered with what was recorded; every
/// other either leaves exactly one movement or fails alone.
pub fn decide(entries: &[Entry], books: Books, offers: &Offers, at: Timestamp) -> Posting {
    let mut ledger = Ledger::open(books, offers, at);
    let outcomes = entries.iter().map(|entry| ledger.enter(entry)).collect();
    ledger.close(outcomes)
}

struct Row {
    read: Stock,
    now: Stock,
}

/// The books while a batch is being decided.
struct Ledger<'a> {
    movements: HashMap<MovementId, Movement>,
    /// Units of an order's reservation that were given back so far.
    released: HashMap<(OrderId, ProductId), i64>,
    rows: HashMap<StockId, Row>,
    offers: &'a Offers,
    at: Timestamp,
    posted: Vec<MovementId>,
}

impl<'a> Ledger<'a> {
    fn open(books: Books, offers: &'a Offers, at: Timestamp) -> Self {
        let rows = books.stock.into_iter().map(|(id, read)| (id, Row { now: read.clone(), read })).collect();
        let mut ledger = Self {
            movements: HashMap::with_capacity(books.movements.len()),
            released: HashMap::new(),
            rows,
            offers,
            at,
            posted: Vec::new(),
        };
        for (id, movement) in books.movements {
            ledger.note_release(&movement);
            ledger.movements.insert(id, movement);
        }
        ledger
    }

    fn enter(&mut self, entry: &Entry) -> Outcome {
        let id = entry.movement_id();
        if let Some(recorded) = self.movements.get(&id) {
            return self.answer(entry, recorded, true);
        }
        let movement = match self.judge(entry) {
            Judgement::Post(movement) => movement,
            Judgement::Answer(outcome) => return outcome,
        };
        self.post(&movement);
        let outcome = self.answer(entry, &movement, false);
        self.posted.push(id);
        self.movements.insert(id, movement);
        outcome
    }

    fn post(&mut self, movement: &Movement) {
        for line in &movement.lines {
            // Every judgement that names a row has seen it.
            if let Some(row) = self.rows.get_mut(&line.stock_id()) {
                row.now.on_hand += line.on_hand_delta;
                row.now.reserved += line.reserved_delta;
                row.now.version += 1;
            }
        }
        self.note_release(movement);
    }

    fn note_release(&mut self, movement: &Movement) {
        let Some(order_id) = movement.order_id.filter(|_| movement.kind == MovementKind::Release) else {
            return;
        };
        for line in &movement.lines {
            *self.released.entry((order_id, line.product_id)).or_default() -= line.reserved_delta;
        }
    }

    /// What a recorded movement says to an entry of its identity.
    fn answer(&self, entry: &Entry, recorded: &Movement, replayed: bool) -> Outcome {
        match entry {
            Entry::Order(order) => order_outcome(order, recorded),
            Entry::SetAvailable(set) => {
                let row = self.rows.get(&StockId::new(set.product_id, MAIN));
                let changed = row.map(|row| StockChanged::Set(row.now.clone()));
                Outcome::Stock(changed.ok_or(StockRefused::UnknownProduct))
            }
            Entry::Adjust(adjust) => {
                let same = recorded.kind == MovementKind::Adjustment
                    && recorded.lines == [MovementLine::on_hand(adjust.product_id, adjust.delta)]
                    && recorded.reason.as_deref() == Some(adjust.reason.as_str());
                Outcome::Stock(if same {
                    Ok(StockChanged::Adjusted { movement: recorded.clone(), replayed })
                } else {
                    Err(StockRefused::KeyReused)
                })
            }
        }
    }

    fn close(mut self, outcomes: Vec<Outcome>) -> Posting {
        let movements = self.posted.iter().filter_map(|id| self.movements.remove(id)).collect();
        let moved = self.rows.into_values().filter(|row| row.now != row.read);
        let mut changes: Vec<StockChange> = moved
            .map(|row| StockChange {
                version: row.read.version,
                on_hand_delta: row.now.on_hand - row.read.on_hand,
                reserved_delta: row.now.reserved - row.read.reserved,
                version_delta: row.now.version - row.read.version,
                id: row.read.id,
            })
            .collect();
        changes.sort_by(|one, other| one.id.cmp(&other.id));
        Posting { outcomes, movements, changes }
    }
}

fn order_outcome(entry: &LedgerEntry, recorded: &Movement) -> Outcome {
    match (entry, recorded.kind) {
        (LedgerEntry::Reserve { .. } | LedgerEntry::Refuse { .. }, MovementKind::Reservation) => {
            match recorded.currency {
                Some(currency) => {
                    Outcome::Order(LedgerOutcome::Reserved { currency, items: recorded.items.clone() })
                }
                None => Outcome::contradiction(),
            }
        }
        (LedgerEntry::Reserve { .. } | LedgerEntry::Refuse { .. }, MovementKind::Refusal) => {
            Outcome::Order(LedgerOutcome::Refused { reasons: recorded.reasons.clone() })
        }
        (LedgerEntry::Release { order_id, .. }, MovementKind::Release)
            if recorded.order_id == Some(*order_id) =>
        {
            Outcome::Order(LedgerOutcome::Applied)
        }
        _ => Outcome::contradiction(),
    }
}

#[cfg(test)]
mod tests;
