//! The one place where stock is decided: entries in order of arrival against what the ledger holds.

mod by_hand;
mod effects;
mod holds;
mod order_units;
mod reserve;
mod shelves;

use super::entry::{Entry, Outcome, StockChanged, StockEntry, StockRefused};
use super::hold::Hold;
use super::movement::{Movement, MovementLine};
use super::places::Places;
use super::stock::Stock;
use common::ids::{MovementId, ProductId};
use common::models::inventory::MovementKind;
use common::models::ledger::{LedgerEntry, LedgerOutcome};
use common::models::product::ProductStatus;
use common::money::{Currency, Money};
use common::text::Sku;
use common::time::Timestamp;
pub use holds::HoldChange;
use holds::Holds;
use order_units::OrderUnits;
use shelves::Shelves;
use std::collections::{BTreeSet, HashMap};

/// Who acts in movements that order-service asks for.
const ORDER_SERVICE: &str = "order-service";

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

/// What a batch is decided by, besides what the ledger holds.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    pub offers: &'a Offers,
    pub places: &'a Places,
    pub at: Timestamp,
}

/// What the ledger holds of everything that a batch of entries names, in one snapshot.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// Movements of the entries' own identities, and all movements of the orders that are released, shipped or taken
    /// back from.
    pub movements: HashMap<MovementId, Movement>,
    /// Every row of the products that are named.
    pub stock: Vec<Stock>,
    /// Those that entries name, and of the products in `next_ends` all that are over.
    pub holds: Vec<Hold>,
    /// The products whose holds were looked through for such as are over, and when the next of the others ends.
    pub next_ends: HashMap<ProductId, Option<Timestamp>>,
}

impl Books {
    /// The products whose stock these entries may touch, once their movements are known.
    pub fn products_named_by(&self, entries: &[Entry]) -> BTreeSet<ProductId> {
        let mut products = BTreeSet::new();
        for entry in entries {
            match entry {
                Entry::Order(order) if self.movements.contains_key(&order.movement_id()) => {}
                Entry::Order(order) => products.extend(order.lines().iter().map(|line| line.product_id)),
                Entry::Stock(entry) => {
                    products.insert(entry.product_id);
                }
                Entry::Hold(_) => products.extend(entry.products()),
            }
        }
        products.extend(self.products_held());
        products
    }

    /// The products that the known holds keep.
    pub fn products_held(&self) -> impl Iterator<Item = ProductId> {
        self.holds.iter().flat_map(|hold| &hold.portions).map(|portion| portion.product_id)
    }

    /// The products of which a hold may be over at this instant.
    pub fn products_with_ended_holds(&self, at: Timestamp) -> Vec<ProductId> {
        let may_have = |row: &&Stock| row.holds_from.is_some_and(|first| first <= at);
        self.stock.iter().filter(may_have).map(|row| row.product_id).collect()
    }
}

/// What a batch of entries comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Posting {
    /// One for each entry, in their order.
    pub outcomes: Vec<Outcome>,
    /// To be written, in the order of the entries.
    pub movements: Vec<Movement>,
    /// One for each row of stock that changes, in the order of the rows.
    pub changes: Vec<StockChange>,
    /// One for each hold that changes.
    pub holds: Vec<HoldChange>,
}

/// A row of stock before and after a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockChange {
    /// As it was read; its version must still stand. `None`: there must be none.
    pub read: Option<Stock>,
    pub now: Stock,
}

/// Decides entries in their order. An entry whose movement is recorded is answered with what was recorded; every
/// other either leaves exactly one movement or fails alone.
pub fn decide(entries: &[Entry], books: Books, terms: Terms<'_>) -> Posting {
    let mut ledger = Ledger::open(entries, books, terms);
    ledger.free_expired();
    let outcomes = entries.iter().map(|entry| ledger.enter(entry)).collect();
    ledger.close(outcomes)
}

/// What one entry comes to.
enum Judgement {
    Post(Movement),
    /// Nothing is to be written.
    Answer(Outcome),
}

/// The books while a batch is being decided.
struct Ledger<'a> {
    terms: Terms<'a>,
    movements: HashMap<MovementId, Movement>,
    orders: OrderUnits,
    shelves: HashMap<ProductId, Shelves>,
    holds: Holds,
    posted: Vec<MovementId>,
}

impl<'a> Ledger<'a> {
    fn open(entries: &[Entry], books: Books, terms: Terms<'a>) -> Self {
        let mut orders = OrderUnits::of(entries);
        for movement in books.movements.values() {
            orders.note(movement);
        }
        let mut rows: HashMap<ProductId, Vec<Stock>> = HashMap::with_capacity(books.stock.len());
        for row in books.stock {
            rows.entry(row.product_id).or_default().push(row);
        }
        let shelves = rows.into_iter().map(|(product, rows)| (product, Shelves::open(rows, terms.places)));
        Self {
            terms,
            movements: books.movements,
            orders,
            shelves: shelves.collect(),
            holds: Holds::open(books.holds, books.next_ends),
            posted: Vec::with_capacity(entries.len()),
        }
    }

    fn enter(&mut self, entry: &Entry) -> Outcome {
        let id = entry.movement_id();
        if let Some(recorded) = self.movements.get(&id) {
            return self.answer(entry, recorded, true);
        }
        let judgement = match entry {
            Entry::Order(entry) => self.judge_order(entry),
            Entry::Stock(entry) => self.judge_by_hand(entry),
            Entry::Hold(entry) => self.judge_hold(entry),
        };
        let movement = match judgement {
            Judgement::Post(movement) => movement,
            Judgement::Answer(outcome) => return outcome,
        };
        self.post(&movement);
        let outcome = self.answer(entry, &movement, false);
        self.posted.push(id);
        self.movements.insert(id, movement);
        outcome
    }

    fn judge_order(&mut self, entry: &LedgerEntry) -> Judgement {
        match entry {
            LedgerEntry::Reserve { id, order_id, lines, hold_id } => {
                self.reserve(*id, *order_id, lines, *hold_id)
            }
            LedgerEntry::Refuse { id, order_id } => Judgement::Post(self.expire(*id, *order_id)),
            LedgerEntry::Release { id, order_id, lines } => self.release(*id, *order_id, lines),
            LedgerEntry::Ship { id, order_id, lines, location_id } => {
                self.ship(*id, *order_id, lines, location_id.as_ref())
            }
            LedgerEntry::Return { id, order_id, lines, location_id } => {
                self.take_back(*id, *order_id, lines, location_id.as_ref())
            }
        }
    }

    fn post(&mut self, movement: &Movement) {
        for line in &movement.lines {
            // Every judgement that names a place has seen it, or made room for it.
            let Some(shelves) = self.shelves.get_mut(&line.product_id) else { continue };
            if let Some(row) = shelves.at_mut(&line.location_id) {
                row.now.on_hand += line.on_hand_delta;
                row.now.reserved += line.reserved_delta;
                row.now.version += 1;
            }
            if movement.kind == MovementKind::Receipt
                && let Some(main) = shelves.main_mut()
                && main.now.incoming > 0
            {
                main.now.incoming = (main.now.incoming - line.on_hand_delta).max(0);
                main.now.version += i64::from(!line.location_id.is_main());
            }
        }
        self.orders.note(movement);
    }

    /// What a recorded movement says to an entry of its identity.
    fn answer(&self, entry: &Entry, recorded: &Movement, replayed: bool) -> Outcome {
        match entry {
            Entry::Order(order) => order_outcome(order, recorded),
            Entry::Stock(entry) => Outcome::Stock(self.stock_outcome(entry, recorded, replayed)),
            Entry::Hold(entry) => Outcome::Hold(self.hold_outcome(entry, replayed)),
        }
    }

    fn stock_outcome(
        &self,
        entry: &StockEntry,
        recorded: &Movement,
        replayed: bool,
    ) -> Result<StockChanged, StockRefused> {
        if let Some((kind, lines, reason)) = entry.wish.movement(entry.product_id)
            && (recorded.kind, &recorded.lines, recorded.reason.as_deref()) != (kind, &lines, reason)
        {
            return Err(StockRefused::KeyReused);
        }
        let shelves = self.shelves.get(&entry.product_id).ok_or(StockRefused::UnknownProduct)?;
        let movement = Some(recorded.clone());
        Ok(StockChanged { rows: shelves.stock(), movement, replayed, is_written: !replayed })
    }

    fn movement(&self, id: MovementId, kind: MovementKind, lines: Vec<MovementLine>) -> Movement {
        Movement::new(id, kind, lines, ORDER_SERVICE, self.terms.at)
    }

    fn close(mut self, outcomes: Vec<Outcome>) -> Posting {
        let movements = self.posted.iter().filter_map(|id| self.movements.remove(id)).collect();
        for (product, shelves) in &mut self.shelves {
            if let Some(next) = self.holds.next().get(product) {
                let kept = self.holds.next_end_of_new(*product);
                shelves.forget_ended_holds([*next, kept].into_iter().flatten().min());
            }
            shelves.watch(self.terms.at);
        }
        let rows = self.shelves.into_values().flat_map(Shelves::into_rows);
        // A row that only made room for a place stays unwritten.
        let changed = rows.filter(|row| row.is_changed() && row.now.version > 0);
        let mut changes: Vec<StockChange> =
            changed.map(|row| StockChange { read: row.read, now: row.now }).collect();
        changes.sort_by(|one, other| one.now.id.cmp(&other.now.id));
        Posting { outcomes, movements, changes, holds: self.holds.into_changes() }
    }
}

fn order_outcome(entry: &LedgerEntry, recorded: &Movement) -> Outcome {
    if recorded.order_id != Some(entry.order_id()) {
        return Outcome::contradiction();
    }
    let outcome = match (entry, recorded.kind) {
        (LedgerEntry::Reserve { .. } | LedgerEntry::Refuse { .. }, MovementKind::Reservation) => {
            match recorded.currency {
                Some(currency) => LedgerOutcome::Reserved { currency, items: recorded.items.clone() },
                None => return Outcome::contradiction(),
            }
        }
        (LedgerEntry::Reserve { .. } | LedgerEntry::Refuse { .. }, MovementKind::Refusal) => {
            LedgerOutcome::Refused { reasons: recorded.reasons.clone() }
        }
        (LedgerEntry::Release { .. }, MovementKind::Release)
        | (LedgerEntry::Ship { .. }, MovementKind::Shipment)
        | (LedgerEntry::Return { .. }, MovementKind::Return) => LedgerOutcome::Applied,
        _ => return Outcome::contradiction(),
    };
    Outcome::Order(outcome)
}

#[cfg(test)]
mod tests;
