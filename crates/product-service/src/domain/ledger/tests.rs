//! The ledger's decisions against what must always hold.

use super::*;
use common::models::audit::AuditActor;
use common::models::ledger::{LedgerFailure, ReservedItem};
use common::models::order::{Rejection, RejectionCode, RequestedLine};
use common::models::product::{MAX_UNITS, Units};
use proptest::prelude::*;
use uuid::Uuid;

const AT: Timestamp = Timestamp::from_millis(1_767_225_600_000);

fn product(number: u8) -> ProductId {
    ProductId::from_uuid(Uuid::from_u128(0x0a00 + u128::from(number)))
}

fn order(number: u8) -> OrderId {
    OrderId::from_uuid(Uuid::from_u128(0x0b00 + u128::from(number)))
}

fn movement(number: u8) -> MovementId {
    MovementId::from_uuid(Uuid::from_u128(0x0c00 + u128::from(number)))
}

fn line(number: u8, quantity: u32) -> RequestedLine {
    RequestedLine { product_id: product(number), quantity: quantity.try_into().unwrap() }
}

fn reserve(of: u8, lines: &[(u8, u32)]) -> Entry {
    let lines = lines.iter().map(|&(number, quantity)| line(number, quantity)).collect();
    Entry::Order(LedgerEntry::Reserve { order_id: order(of), lines })
}

fn refuse(of: u8) -> Entry {
    Entry::Order(LedgerEntry::Refuse { order_id: order(of) })
}

fn release(id: u8, of: u8, lines: &[(u8, u32)]) -> Entry {
    let lines = lines.iter().map(|&(number, quantity)| line(number, quantity)).collect();
    Entry::Order(LedgerEntry::Release { id: movement(id), order_id: order(of), lines })
}

fn set(id: u8, number: u8, available: u32) -> Entry {
    Entry::SetAvailable(SetAvailable {
        id: movement(id),
        product_id: product(number),
        available: Units::try_from(available).unwrap(),
        expected_version: None,
        actor: AuditActor::service("staff"),
    })
}

fn adjust(id: u8, number: u8, delta: i64) -> Entry {
    Entry::Adjust(Adjust {
        id: movement(id),
        product_id: product(number),
        delta,
        reason: "counted".parse().unwrap(),
        actor: AuditActor::service("staff"),
    })
}

/// A ledger in memory: what the database would hold after each batch.
#[derive(Default)]
struct Shop {
    books: Books,
    offers: Offers,
    opening: HashMap<StockId, i64>,
}

impl Shop {
    /// Products numbered from 0, with so many units each, at a price of 10.00 EUR.
    fn with_stock(units: &[i64]) -> Self {
        let mut shop = Self::default();
        for (number, &on_hand) in (0..).zip(units) {
            let stock = Stock::opening(product(number), on_hand);
            shop.opening.insert(stock.id.clone(), on_hand);
            shop.books.stock.insert(stock.id.clone(), stock);
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

    fn post(&mut self, entries: &[Entry]) -> Vec<Outcome> {
        let posting = decide(entries, self.books.clone(), &self.offers, AT);
        for change in &posting.changes {
            let row = self.books.stock.get_mut(&change.id).unwrap();
            assert_eq!(row.version, change.version);
            row.on_hand += change.on_hand_delta;
            row.reserved += change.reserved_delta;
            row.version += change.version_delta;
        }
        for movement in posting.movements {
            assert!(self.books.movements.insert(movement.id, movement).is_none(), "an identity twice");
        }
        posting.outcomes
    }

    fn stock(&self, number: u8) -> (i64, i64) {
        let row = &self.books.stock[&StockId::new(product(number), MAIN)];
        (row.on_hand, row.reserved)
    }

    /// A1: every row is the sum of its movements and never promises what is not there.
    fn check(&self) {
        for (id, row) in &self.books.stock {
            let lines: Vec<_> = self
                .books
                .movements
                .values()
                .flat_map(|movement| &movement.lines)
                .filter(|line| line.stock_id() == *id)
                .collect();
            assert_eq!(row.on_hand, self.opening[id] + lines.iter().map(|l| l.on_hand_delta).sum::<i64>());
            assert_eq!(row.reserved, lines.iter().map(|l| l.reserved_delta).sum::<i64>());
            assert!(0 <= row.reserved && row.reserved <= row.on_hand && row.on_hand <= MAX_UNITS.into());
            assert_eq!(row.version, 1 + i64::try_from(lines.len()).unwrap());
        }
    }
}

fn rejections(outcome: &Outcome) -> &[Rejection] {
    match outcome {
        Outcome::Order(LedgerOutcome::Refused { reasons }) => reasons,
        other => panic!("not refused: {other:?}"),
    }
}

fn is_reserved(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Order(LedgerOutcome::Reserved { .. }))
}

const CONTRADICTION: Outcome = Outcome::Order(LedgerOutcome::Failed { code: LedgerFailure::Contradiction });

#[test]
fn a_reservation_copies_sku_name_and_price_in_the_order_of_its_lines() {
    let mut shop = Shop::with_stock(&[5, 5]);
    let outcomes = shop.post(&[reserve(1, &[(1, 2), (0, 5)])]);
    let item = |number: u8, quantity| ReservedItem {
        product_id: product(number),
        quantity,
        sku: format!("SKU-{number}").parse().unwrap(),
        name: format!("Product {number}"),
        unit_price_minor: 1000,
    };
    let items = vec![item(1, 2), item(0, 5)];
    assert_eq!(outcomes, [Outcome::Order(LedgerOutcome::Reserved { currency: Currency::EUR, items })]);
    assert_eq!((shop.stock(0), shop.stock(1)), ((5, 5), (5, 2)));
    shop.check();
}

#[test]
fn the_order_of_arrival_decides_who_gets_the_last_unit() {
    let mut shop = Shop::with_stock(&[3]);
    let outcomes = shop.post(&[reserve(1, &[(0, 2)]), reserve(2, &[(0, 2)]), reserve(3, &[(0, 1)])]);
    assert!(is_reserved(&outcomes[0]) && is_reserved(&outcomes[2]));
    let [reason] = rejections(&outcomes[1]) else { panic!("one reason") };
    assert_eq!(reason.code, RejectionCode::OutOfStock);
    assert_eq!((reason.requested, reason.available), (Some(2), Some(1)));
    assert_eq!(shop.stock(0), (3, 3));
    shop.check();
}

#[test]
fn a_refusal_names_every_line_that_cannot_be_had_and_takes_nothing() {
    let mut shop = Shop::with_stock(&[5, 0, 5]);
    shop.offers.get_mut(&product(2)).unwrap().status = ProductStatus::Archived;
    let outcomes = shop.post(&[reserve(1, &[(0, 1), (1, 1), (2, 1), (9, 1)])]);
    let codes: Vec<_> =
        rejections(&outcomes[0]).iter().map(|reason| (reason.product_id, reason.code)).collect();
    assert_eq!(
        codes,
        [
            (Some(product(1)), RejectionCode::OutOfStock),
            (Some(product(2)), RejectionCode::ProductNotActive),
            (Some(product(9)), RejectionCode::UnknownProduct),
        ]
    );
    assert_eq!(shop.stock(0), (5, 0));
    shop.check();
}

#[test]
fn a_product_named_twice_counts_twice() {
    let mut shop = Shop::with_stock(&[3]);
    let outcomes = shop.post(&[reserve(1, &[(0, 2), (0, 2)]), reserve(2, &[(0, 2), (0, 1)])]);
    assert_eq!(rejections(&outcomes[0])[0].available, Some(1));
    assert!(is_reserved(&outcomes[1]));
    shop.check();
    let outcomes = shop.post(&[release(1, 2, &[(0, 3)])]);
    assert_eq!(outcomes, [Outcome::Order(LedgerOutcome::Applied)]);
    assert_eq!(shop.stock(0), (3, 0));
}

#[test]
fn an_order_has_one_currency_and_a_total_that_can_be_held() {
    let mut shop = Shop::with_stock(&[5, 5, 2_000_000]);
    shop.offers.get_mut(&product(1)).unwrap().currency = "USD".parse().unwrap();
    shop.offers.get_mut(&product(2)).unwrap().price = Money::from_minor(999_999_999_999).unwrap();
    let outcomes = shop.post(&[reserve(1, &[(0, 1), (1, 1)]), reserve(2, &[(2, 1_000_000)])]);
    assert_eq!(rejections(&outcomes[0])[0].code, RejectionCode::MixedCurrencies);
    assert_eq!(rejections(&outcomes[1])[0].code, RejectionCode::TotalTooLarge);
    assert_eq!(shop.stock(2), (2_000_000, 0));
}

#[test]
fn what_was_decided_for_an_order_stays_decided() {
    let mut shop = Shop::with_stock(&[1]);
    let first = shop.post(&[refuse(1), reserve(1, &[(0, 1)]), reserve(2, &[(0, 1)]), refuse(2)]);
    assert_eq!(rejections(&first[0])[0].code, RejectionCode::Expired);
    assert_eq!((&first[1], &first[3]), (&first[0], &first[2]));
    assert!(is_reserved(&first[2]));
    let again = shop.post(&[reserve(2, &[(0, 1)]), refuse(2), reserve(1, &[(0, 1)]), refuse(1)]);
    assert_eq!(again, [first[2].clone(), first[2].clone(), first[0].clone(), first[0].clone()]);
    assert_eq!(shop.stock(0), (1, 1));
    shop.check();
}

#[test]
fn a_release_gives_back_what_was_reserved_once_and_never_more() {
    let mut shop = Shop::with_stock(&[5, 5]);
    shop.post(&[reserve(1, &[(0, 3)]), reserve(2, &[(0, 2)])]);
    let outcomes = shop.post(&[
        release(1, 1, &[(0, 2)]),
        release(1, 1, &[(0, 2)]),
        release(2, 1, &[(0, 2)]),
        release(3, 1, &[(1, 1)]),
        release(4, 3, &[(0, 1)]),
        release(5, 1, &[]),
        release(6, 1, &[(0, 1)]),
        release(1, 2, &[(0, 2)]),
    ]);
    let applied = Outcome::Order(LedgerOutcome::Applied);
    let contradiction = CONTRADICTION;
    let expected = [
        &applied,
        &applied,
        &contradiction,
        &contradiction,
        &contradiction,
        &contradiction,
        &applied,
        &contradiction,
    ];
    assert_eq!(outcomes.iter().collect::<Vec<_>>(), expected);
    assert_eq!(shop.stock(0), (5, 2));
    shop.check();
    assert_eq!(shop.post(&[release(7, 1, &[(0, 1)])]), [CONTRADICTION]);
}

#[test]
fn an_order_that_was_refused_has_nothing_to_release_and_its_identity_is_no_release() {
    let mut shop = Shop::with_stock(&[5]);
    shop.post(&[refuse(1), reserve(2, &[(0, 1)])]);
    assert_eq!(shop.post(&[release(1, 1, &[(0, 1)])]), [CONTRADICTION]);
    let under_an_order_s_own_id =
        LedgerEntry::Release { id: order(2).reservation(), order_id: order(2), lines: vec![line(0, 1)] };
    assert_eq!(shop.post(&[Entry::Order(under_an_order_s_own_id)]), [CONTRADICTION]);
}

#[test]
fn a_reservation_of_nothing_or_of_too_many_lines_fails_alone() {
    let mut shop = Shop::with_stock(&[5]);
    let lines = vec![line(0, 1); 2001];
    let too_many = Entry::Order(LedgerEntry::Reserve { order_id: order(3), lines });
    let outcomes = shop.post(&[reserve(1, &[]), too_many, reserve(2, &[(0, 1)])]);
    assert_eq!(outcomes[..2], [CONTRADICTION, CONTRADICTION]);
    assert!(is_reserved(&outcomes[2]));
}

#[test]
fn setting_what_is_available_leaves_what_is_reserved_alone() {
    let mut shop = Shop::with_stock(&[5]);
    let outcomes = shop.post(&[reserve(1, &[(0, 3)]), set(1, 0, 10), set(2, 0, 10), set(3, 0, 0)]);
    let versions: Vec<_> = outcomes[1..]
        .iter()
        .map(|outcome| match outcome {
            Outcome::Stock(Ok(StockChanged::Set(stock))) => (stock.on_hand, stock.reserved, stock.version),
            other => panic!("{other:?}"),
        })
        .collect();
    // The second changes nothing, so it leaves no movement.
    assert_eq!(versions, [(13, 3, 3), (13, 3, 3), (3, 3, 4)]);
    shop.check();
    let too_many = shop.post(&[set(4, 0, MAX_UNITS)]);
    assert_eq!(too_many, [Outcome::Stock(Err(StockRefused::TooManyUnits))]);
    let Entry::SetAvailable(stale) = set(5, 0, 1) else { unreachable!() };
    let stale = Entry::SetAvailable(SetAvailable { expected_version: Some(3), ..stale });
    assert_eq!(shop.post(&[stale]), [Outcome::Stock(Err(StockRefused::Stale { version: 4 }))]);
    assert_eq!(shop.post(&[set(6, 9, 1)]), [Outcome::Stock(Err(StockRefused::UnknownProduct))]);
}

#[test]
fn an_adjustment_stays_within_what_is_reserved_and_what_fits() {
    let mut shop = Shop::with_stock(&[5]);
    shop.post(&[reserve(1, &[(0, 3)])]);
    let refusals = shop.post(&[
        adjust(1, 0, -3),
        adjust(2, 0, MAX_UNITS.into()),
        adjust(3, 0, i64::MIN),
        adjust(4, 0, i64::MAX),
        adjust(5, 9, 1),
    ]);
    let below = StockRefused::BelowReserved { on_hand: 5, reserved: 3 };
    let expected =
        [below, StockRefused::TooManyUnits, below, StockRefused::TooManyUnits, StockRefused::UnknownProduct];
    assert_eq!(refusals, expected.map(|refused| Outcome::Stock(Err(refused))));
    let outcomes = shop.post(&[adjust(6, 0, -2), adjust(6, 0, -2), adjust(6, 0, -1)]);
    let replays: Vec<_> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Stock(Ok(StockChanged::Adjusted { replayed, .. })) => Ok(*replayed),
            Outcome::Stock(Err(refused)) => Err(*refused),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(replays, [Ok(false), Ok(true), Err(StockRefused::KeyReused)]);
    assert_eq!(shop.stock(0), (3, 3));
    shop.check();
}

#[test]
fn only_rows_that_are_named_are_read() {
    let mut shop = Shop::with_stock(&[5, 5, 5]);
    shop.post(&[reserve(1, &[(0, 1)]), reserve(2, &[(1, 1)])]);
    let rows = shop.books.rows_named_by(&[
        reserve(1, &[(0, 1)]),
        release(1, 2, &[(1, 1)]),
        release(2, 9, &[(0, 1)]),
        refuse(3),
        set(3, 2, 1),
    ]);
    assert_eq!(rows, BTreeSet::from([StockId::new(product(1), MAIN), StockId::new(product(2), MAIN)]));
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let lines = || prop::collection::vec((0..4_u8, 1..6_u32), 1..4);
    prop_oneof![
        4 => (0..12_u8, lines()).prop_map(|(of, lines)| reserve(of, &lines)),
        1 => (0..12_u8).prop_map(refuse),
        3 => (0..12_u8, 0..12_u8, lines()).prop_map(|(id, of, lines)| release(id, of, &lines)),
        1 => (20..30_u8, 0..4_u8, 0..20_u32).prop_map(|(id, number, units)| set(id, number, units)),
        1 => (40..50_u8, 0..4_u8, -8..8_i64).prop_map(|(id, number, delta)| adjust(id, number, delta)),
    ]
}

proptest! {
    /// Product 3 does not exist. However entries fall into batches, the ledger adds up after each, and sending
    /// everything again changes nothing and is answered alike.
    #[test]
    fn the_ledger_always_adds_up_and_repeats_change_nothing(
        batches in prop::collection::vec(prop::collection::vec(any_entry(), 1..12), 1..6),
        units in prop::collection::vec(0..12_i64, 3),
    ) {
        let mut shop = Shop::with_stock(&units);
        let mut answers: HashMap<MovementId, Outcome> = HashMap::new();
        for batch in &batches {
            let outcomes = shop.post(batch);
            prop_assert_eq!(outcomes.len(), batch.len());
            shop.check();
            for (entry, outcome) in batch.iter().zip(outcomes) {
                if matches!(entry, Entry::Order(_)) && shop.books.movements.contains_key(&entry.movement_id()) {
                    answers.insert(entry.movement_id(), outcome);
                }
            }
        }
        let stock = shop.books.stock.clone();
        let recorded = shop.books.movements.len();
        let repeats: Vec<Entry> = batches
            .concat()
            .into_iter()
            .filter(|entry| shop.books.movements.contains_key(&entry.movement_id()))
            .collect();
        let outcomes = shop.post(&repeats);
        prop_assert_eq!(&shop.books.stock, &stock);
        prop_assert_eq!(shop.books.movements.len(), recorded);
        for (entry, outcome) in repeats.iter().zip(outcomes) {
            if let (Entry::Order(LedgerEntry::Reserve { .. } | LedgerEntry::Refuse { .. }), Some(first)) =
                (entry, answers.get(&entry.movement_id()))
            {
                prop_assert_eq!(&outcome, first);
            }
        }
    }

    /// Splitting a batch in two, as the writer does with one that keeps failing, changes no outcome.
    #[test]
    fn a_batch_may_be_split_anywhere(
        batch in prop::collection::vec(any_entry(), 2..16),
        at in 0..16_usize,
    ) {
        let (mut whole, mut halves) = (Shop::with_stock(&[6, 6, 6]), Shop::with_stock(&[6, 6, 6]));
        let (first, second) = batch.split_at(at.min(batch.len()));
        let mut outcomes = halves.post(first);
        outcomes.extend(halves.post(second));
        prop_assert_eq!(whole.post(&batch), outcomes);
        prop_assert_eq!(whole.books.stock, halves.books.stock);
    }
}
