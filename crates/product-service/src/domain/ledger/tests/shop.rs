//! A ledger in memory, and short ways to say what is posted to it.

use crate::domain::entry::{Entry, Expected, Outcome, Settings, StockEntry, Wish};
use crate::domain::hold::{Hold, freed_by, kept_by};
use crate::domain::ledger::{Books, HoldChange, Offer, Offers, StockChange, Terms, decide};
use crate::domain::movement::Movement;
use crate::domain::places::Places;
use crate::domain::stock::{Stock, StockId};
use common::ids::{HoldId, MovementId, OrderId, ProductId};
use common::models::audit::AuditActor;
use common::models::ledger::{LedgerEntry, LedgerFailure, LedgerOutcome};
use common::models::location::LocationId;
use common::models::order::{Rejection, RequestedLine};
use common::models::product::{MAX_UNITS, ProductStatus, Units};
use common::models::reservation::HoldStatus;
use common::money::{Currency, Money};
use common::time::Timestamp;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

pub(super) const AT: Timestamp = Timestamp::from_millis(1_767_225_600_000);

pub(super) fn product(number: u8) -> ProductId {
    ProductId::from_uuid(Uuid::from_u128(0x0a00 + u128::from(number)))
}

pub(super) fn order(number: u8) -> OrderId {
    OrderId::from_uuid(Uuid::from_u128(0x0b00 + u128::from(number)))
}

pub(super) fn movement(number: u8) -> MovementId {
    MovementId::from_uuid(Uuid::from_u128(0x0c00 + u128::from(number)))
}

pub(super) fn line(number: u8, quantity: u32) -> RequestedLine {
    RequestedLine { product_id: product(number), quantity: quantity.try_into().unwrap() }
}

pub(super) fn reserve(of: u8, lines: &[(u8, u32)]) -> Entry {
    Entry::Order(LedgerEntry::reserve(order(of), wanted(lines)))
}

pub(super) fn wanted(lines: &[(u8, u32)]) -> Vec<RequestedLine> {
    lines.iter().map(|&(number, quantity)| line(number, quantity)).collect()
}

pub(super) fn refuse(of: u8) -> Entry {
    Entry::Order(LedgerEntry::refuse(order(of)))
}

pub(super) fn release(id: u8, of: u8, lines: &[(u8, u32)]) -> Entry {
    Entry::Order(LedgerEntry::Release { id: movement(id), order_id: order(of), lines: wanted(lines) })
}

pub(super) fn ship(id: u8, of: u8, lines: &[(u8, u32)], from: Option<&str>) -> Entry {
    let location_id = from.map(place);
    Entry::Order(LedgerEntry::Ship {
        id: movement(id),
        order_id: order(of),
        lines: wanted(lines),
        location_id,
    })
}

pub(super) fn take_back(id: u8, of: u8, lines: &[(u8, u32)], to: Option<&str>) -> Entry {
    let location_id = to.map(place);
    Entry::Order(LedgerEntry::Return {
        id: movement(id),
        order_id: order(of),
        lines: wanted(lines),
        location_id,
    })
}

pub(super) fn place(name: &str) -> LocationId {
    name.parse().unwrap()
}

fn by_hand(id: u8, number: u8, wish: Wish) -> Entry {
    let actor = AuditActor::service("staff");
    Entry::Stock(StockEntry { id: movement(id), product_id: product(number), wish, actor })
}

pub(super) fn set(id: u8, number: u8, available: u32) -> Entry {
    set_where(id, number, available, Expected::default())
}

pub(super) fn set_where(id: u8, number: u8, available: u32, expected: Expected) -> Entry {
    let available = Units::try_from(available).unwrap();
    by_hand(id, number, Wish::SetAvailable { available, location_id: None, expected })
}

pub(super) fn adjust(id: u8, number: u8, delta: i64) -> Entry {
    adjust_at("main", id, number, delta)
}

fn adjust_at(location: &str, id: u8, number: u8, delta: i64) -> Entry {
    let reason = "counted".parse().unwrap();
    by_hand(id, number, Wish::Adjust { delta, location_id: place(location), reason })
}

pub(super) fn receive(location: &str, id: u8, number: u8, quantity: i64) -> Entry {
    by_hand(id, number, Wish::Receive { quantity, location_id: place(location), reason: None })
}

pub(super) fn transfer(id: u8, number: u8, from: &str, to: &str, quantity: i64) -> Entry {
    by_hand(id, number, Wish::Transfer { from: place(from), to: place(to), quantity, reason: None })
}

pub(super) fn configure(id: u8, number: u8, settings: Settings) -> Entry {
    by_hand(id, number, Wish::Configure { settings, expected: Expected::default() })
}

pub(super) fn backorders(id: u8, number: u8, limit: i64) -> Entry {
    configure(id, number, Settings { backorder_limit: Some(limit), ..Settings::default() })
}

/// A ledger in memory: what the database would hold after each batch.
pub(super) struct Shop {
    pub(super) movements: HashMap<MovementId, Movement>,
    pub(super) stock: HashMap<StockId, Stock>,
    pub(super) holds: HashMap<HoldId, Hold>,
    pub(super) at: Timestamp,
    pub(super) offers: Offers,
    places: Places,
    opening: HashMap<StockId, i64>,
}

impl Shop {
    /// Products numbered from 0, with so many units each, at a price of 10.00 EUR.
    pub(super) fn with_stock(units: &[i64]) -> Self {
        let places = Places::new([(place("near"), 1), (place("far"), 2)]);
        let mut shop = Self {
            movements: HashMap::new(),
            stock: HashMap::new(),
            holds: HashMap::new(),
            at: AT,
            offers: Offers::new(),
            places,
            opening: HashMap::new(),
        };
        for (number, &on_hand) in (0..).zip(units) {
            let stock = Stock::opening(product(number), on_hand);
            shop.opening.insert(stock.id.clone(), on_hand);
            shop.stock.insert(stock.id.clone(), stock);
            let offer = Offer {
                sku: format!("SKU-{number}").parse().unwrap(),
                name: format!("Product {number}"),
                price: Money::from_minor(1000).unwrap(),
                currency: Currency::EUR,
                status: ProductStatus::Active,
            };
            shop.offers.insert(product(number), offer);
        }
        shop
    }

    pub(super) fn post(&mut self, entries: &[Entry]) -> Vec<Outcome> {
        let terms = Terms { offers: &self.offers, places: &self.places, at: self.at };
        let posting = decide(entries, self.books(entries), terms);
        for HoldChange { read, now } in posting.holds {
            assert_eq!(self.holds.get(&now.id), read.as_ref());
            assert!(now.version > read.map_or(0, |read| read.version));
            self.holds.insert(now.id, now);
        }
        for StockChange { read, now } in posting.changes {
            assert_eq!(self.stock.get(&now.id), read.as_ref());
            assert!(now.version > read.map_or(0, |read| read.version));
            self.stock.insert(now.id.clone(), now);
        }
        for movement in posting.movements {
            assert!(self.movements.insert(movement.id, movement).is_none(), "an identity twice");
        }
        posting.outcomes
    }

    /// As the database is asked: of the holds no more than are named or may be over.
    fn books(&self, entries: &[Entry]) -> Books {
        let named = entries.iter().filter_map(Entry::hold_id);
        let mut books = Books {
            movements: self.movements.clone(),
            stock: self.stock.values().cloned().collect(),
            holds: named
                .collect::<BTreeSet<_>>()
                .iter()
                .filter_map(|id| self.holds.get(id))
                .cloned()
                .collect(),
            next_ends: HashMap::new(),
        };
        for product in books.products_with_ended_holds(self.at) {
            let on_it = |hold: &&Hold| {
                hold.status == HoldStatus::Active
                    && hold.portions.iter().any(|portion| portion.product_id == product)
            };
            let (ended, lasting): (Vec<&Hold>, Vec<&Hold>) =
                self.holds.values().filter(on_it).partition(|hold| hold.is_due_at(self.at));
            books.next_ends.insert(product, lasting.iter().map(|hold| hold.expires_at).min());
            for hold in ended {
                if books.holds.iter().all(|known| known.id != hold.id) {
                    books.holds.push(hold.clone());
                }
            }
        }
        books
    }

    pub(super) fn stock(&self, number: u8) -> (i64, i64) {
        self.stock_at("main", number)
    }

    pub(super) fn stock_at(&self, location: &str, number: u8) -> (i64, i64) {
        let row = &self.stock[&StockId::new(product(number), &place(location))];
        (row.on_hand, row.reserved)
    }

    /// A1: every row is the sum of its movements and never promises what is not there.
    pub(super) fn check(&self) {
        for line in self.movements.values().flat_map(|movement| &movement.lines) {
            assert!(self.stock.contains_key(&line.stock_id()), "a movement without a row");
        }
        for (id, row) in &self.stock {
            let lines: Vec<_> = self
                .movements
                .values()
                .flat_map(|movement| &movement.lines)
                .filter(|line| line.stock_id() == *id)
                .collect();
            let opening = self.opening.get(id).copied().unwrap_or(0);
            assert_eq!(row.on_hand, opening + lines.iter().map(|l| l.on_hand_delta).sum::<i64>());
            assert_eq!(row.reserved, lines.iter().map(|l| l.reserved_delta).sum::<i64>());
            assert!(0 <= row.on_hand && row.on_hand <= MAX_UNITS.into());
            assert!(0 <= row.reserved && row.reserved <= row.on_hand + row.backorder_limit);
            assert!(row.version > i64::try_from(lines.len()).unwrap() - 1);
        }
        for hold in self.holds.values() {
            let units: i64 = hold.portions.iter().map(|portion| portion.units).sum();
            let moved = [kept_by(hold.id), freed_by(hold.id)];
            let moved =
                moved.iter().filter_map(|id| self.movements.get(id)).flat_map(|movement| &movement.lines);
            let kept: i64 = moved.map(|line| line.reserved_delta).sum();
            assert_eq!(kept, if hold.status == HoldStatus::Active { units } else { 0 });
            for portion in &hold.portions {
                let main = &self.stock[&StockId::new(portion.product_id, &LocationId::main())];
                assert!(
                    hold.status != HoldStatus::Active
                        || main.holds_from.is_some_and(|from| from <= hold.expires_at),
                    "a hold would be overlooked"
                );
            }
        }
    }
}

pub(super) fn rejections(outcome: &Outcome) -> &[Rejection] {
    match outcome {
        Outcome::Order(LedgerOutcome::Refused { reasons }) => reasons,
        other => panic!("not refused: {other:?}"),
    }
}

pub(super) fn is_reserved(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Order(LedgerOutcome::Reserved { .. }))
}

pub(super) const CONTRADICTION: Outcome =
    Outcome::Order(LedgerOutcome::Failed { code: LedgerFailure::Contradiction });

pub(super) const APPLIED: Outcome = Outcome::Order(LedgerOutcome::Applied);
