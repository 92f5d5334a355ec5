//! What staff change.

use super::shop::{Shop, adjust, reserve, set, set_where, transfer};
use crate::domain::entry::{Expected, Outcome, StockRefused};
use common::models::product::MAX_UNITS;

/// On hand, reserved and version at the default location.
fn main_row(outcome: &Outcome) -> (i64, i64, i64) {
    match outcome {
        Outcome::Stock(Ok(changed)) => {
            let row = changed.rows.iter().find(|row| row.location_id.is_main()).unwrap();
            (row.on_hand, row.reserved, row.version)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn setting_what_is_available_leaves_what_is_reserved_alone() {
    let mut shop = Shop::with_stock(&[5]);
    let outcomes = shop.post(&[reserve(1, &[(0, 3)]), set(1, 0, 10), set(2, 0, 10), set(3, 0, 0)]);
    let rows: Vec<_> = outcomes[1..].iter().map(main_row).collect();
    // The second changes nothing, so it leaves no movement.
    assert_eq!(rows, [(13, 3, 3), (13, 3, 3), (3, 3, 4)]);
    shop.check();
    let too_many = shop.post(&[set(4, 0, MAX_UNITS)]);
    assert_eq!(too_many, [Outcome::Stock(Err(StockRefused::TooManyUnits))]);
    assert_eq!(shop.post(&[set(6, 9, 1)]), [Outcome::Stock(Err(StockRefused::UnknownProduct))]);
}

#[test]
fn stock_is_set_only_where_it_is_as_its_setter_believes() {
    let mut shop = Shop::with_stock(&[5]);
    let at_version = |version| Expected { version: Some(version), available: None };
    let with_available = |available| Expected { version: None, available: Some(available) };
    let outcomes = shop.post(&[
        set_where(1, 0, 6, at_version(2)),
        set_where(2, 0, 6, with_available(6)),
        set_where(3, 0, 6, with_available(5)),
        set_where(4, 0, 7, at_version(2)),
        set_where(5, 0, 8, with_available(6)),
    ]);
    assert_eq!(outcomes[0], Outcome::Stock(Err(StockRefused::Stale { version: 1 })));
    assert_eq!(outcomes[1], Outcome::Stock(Err(StockRefused::Unexpected { available: 5 })));
    assert_eq!((main_row(&outcomes[2]), main_row(&outcomes[3])), ((6, 0, 2), (7, 0, 3)));
    assert_eq!(outcomes[4], Outcome::Stock(Err(StockRefused::Unexpected { available: 7 })));
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
    let expected = [
        below.clone(),
        StockRefused::TooManyUnits,
        below,
        StockRefused::TooManyUnits,
        StockRefused::UnknownProduct,
    ];
    assert_eq!(refusals, expected.map(|refused| Outcome::Stock(Err(refused))));
    let outcomes = shop.post(&[adjust(6, 0, -2), adjust(6, 0, -2), adjust(6, 0, -1)]);
    let replays: Vec<_> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Stock(Ok(changed)) => Ok(changed.replayed),
            Outcome::Stock(Err(refused)) => Err(refused.clone()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(replays, [Ok(false), Ok(true), Err(StockRefused::KeyReused)]);
    assert_eq!(shop.stock(0), (3, 3));
    shop.check();
}

#[test]
fn a_transfer_that_is_refused_leaves_no_trace_in_later_answers() {
    let mut shop = Shop::with_stock(&[3]);
    let outcomes = shop.post(&[transfer(1, 0, "main", "far", 4), adjust(2, 0, 1)]);
    assert!(matches!(outcomes[0], Outcome::Stock(Err(StockRefused::BelowReserved { .. }))));
    let Outcome::Stock(Ok(changed)) = &outcomes[1] else { panic!("{:?}", outcomes[1]) };
    assert_eq!(changed.rows.iter().map(|row| row.location_id.as_str()).collect::<Vec<_>>(), ["main"]);
}
