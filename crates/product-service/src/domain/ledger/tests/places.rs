//! Stock at several places, and promises beyond what is on hand.

use super::shop::{AT, backorders, configure, place, receive, transfer};
use super::*;
use crate::domain::entry::Settings;
use crate::domain::stock::StockId;

/// Three places: main, then near, then far.
fn spread(main: i64, near: i64, far: i64) -> Shop {
    let mut shop = Shop::with_stock(&[main]);
    shop.post(&[receive("near", 201, 0, near), receive("far", 202, 0, far)]);
    shop
}

fn reserved(shop: &Shop) -> [i64; 3] {
    ["main", "near", "far"].map(|place| shop.stock_at(place, 0).1)
}

#[test]
fn a_line_is_taken_from_the_first_place_that_has_it_all_and_else_split_in_their_order() {
    let mut shop = spread(2, 5, 3);
    let outcomes = shop.post(&[
        reserve(1, &[(0, 2)]),
        reserve(2, &[(0, 4)]),
        reserve(3, &[(0, 5)]),
        reserve(4, &[(0, 4)]),
    ]);
    assert!(is_reserved(&outcomes[0]) && is_reserved(&outcomes[1]) && is_reserved(&outcomes[3]));
    assert_eq!(rejections(&outcomes[2])[0].available, Some(4));
    assert_eq!(reserved(&shop), [2, 5, 3]);
    let lines = &shop.movements[&order(4).reservation()].lines;
    let split: Vec<_> = lines.iter().map(|line| (line.location_id.as_str(), line.reserved_delta)).collect();
    assert_eq!(split, [("near", 1), ("far", 3)]);
    shop.check();
    // Given back at the place that orders take from last.
    shop.post(&[release(1, 4, &[(0, 2)])]);
    assert_eq!(reserved(&shop), [2, 5, 1]);
    shop.check();
}

#[test]
fn units_are_shipped_from_where_they_are_reserved_or_from_the_place_named() {
    let mut shop = spread(1, 2, 4);
    shop.post(&[reserve(1, &[(0, 6)])]);
    assert_eq!(reserved(&shop), [1, 2, 3]);
    let outcomes = shop.post(&[
        ship(1, 1, &[(0, 2)], None),
        // One is reserved there, one more is on the shelf: what was reserved near is free.
        ship(2, 1, &[(0, 4)], Some("far")),
        ship(3, 1, &[(0, 1)], Some("nowhere")),
    ]);
    assert_eq!(outcomes, [APPLIED, APPLIED, CONTRADICTION]);
    assert_eq!(["main", "near", "far"].map(|place| shop.stock_at(place, 0)), [(0, 0), (1, 0), (0, 0)]);
    shop.check();
    let outcomes = shop.post(&[
        take_back(4, 1, &[(0, 1)], Some("near")),
        // What was shipped from near is back: the others come back to where they were.
        take_back(5, 1, &[(0, 3)], None),
        take_back(6, 1, &[(0, 3)], None),
        take_back(7, 1, &[(0, 1)], Some("nowhere")),
    ]);
    assert_eq!(outcomes, [APPLIED, APPLIED, CONTRADICTION, CONTRADICTION]);
    assert_eq!(["main", "near", "far"].map(|place| shop.stock_at(place, 0).0), [1, 2, 2]);
    shop.check();
}

#[test]
fn what_others_were_promised_is_not_shipped_from_another_place() {
    let mut shop = spread(2, 2, 0);
    shop.post(&[reserve(1, &[(0, 2)]), reserve(2, &[(0, 2)])]);
    assert_eq!(reserved(&shop), [2, 2, 0]);
    assert_eq!(shop.post(&[ship(1, 1, &[(0, 1)], Some("near"))]), [CONTRADICTION]);
    assert_eq!(shop.post(&[ship(2, 2, &[(0, 2)], Some("near"))]), [APPLIED]);
    shop.check();
}

#[test]
fn a_transfer_moves_what_is_free_once_and_the_sum_stays() {
    let mut shop = spread(5, 0, 0);
    shop.post(&[reserve(1, &[(0, 3)])]);
    let outcomes = shop.post(&[
        transfer(1, 0, "main", "far", 2),
        transfer(1, 0, "main", "far", 2),
        transfer(1, 0, "main", "far", 1),
        transfer(2, 0, "main", "far", 1),
        transfer(3, 0, "main", "nowhere", 1),
    ]);
    let replayed = |outcome: &Outcome| match outcome {
        Outcome::Stock(outcome) => outcome.clone().map(|changed| changed.replayed),
        other => panic!("{other:?}"),
    };
    assert_eq!((replayed(&outcomes[0]), replayed(&outcomes[1])), (Ok(false), Ok(true)));
    assert_eq!(replayed(&outcomes[2]), Err(StockRefused::KeyReused));
    assert_eq!(replayed(&outcomes[3]), Err(StockRefused::BelowReserved { on_hand: 3, reserved: 3 }));
    assert_eq!(replayed(&outcomes[4]), Err(StockRefused::UnknownLocation(place("nowhere"))));
    assert_eq!((shop.stock(0), shop.stock_at("far", 0)), ((3, 3), (2, 0)));
    shop.check();
}

#[test]
fn setting_what_is_available_moves_the_default_place_first_and_the_others_by_need() {
    let mut shop = spread(2, 3, 4);
    shop.post(&[reserve(1, &[(0, 2)]), set(1, 0, 9)]);
    assert_eq!(["main", "near", "far"].map(|place| shop.stock_at(place, 0).0), [4, 3, 4]);
    shop.post(&[set(2, 0, 3)]);
    assert_eq!(["main", "near", "far"].map(|place| shop.stock_at(place, 0).0), [2, 0, 3]);
    shop.check();
}

#[test]
fn orders_are_taken_beyond_the_shelf_up_to_the_limit_and_shipped_when_the_goods_are_in() {
    let mut shop = spread(1, 1, 0);
    shop.post(&[backorders(1, 0, 3)]);
    let outcomes = shop.post(&[reserve(1, &[(0, 4)]), reserve(2, &[(0, 2)]), reserve(3, &[(0, 1)])]);
    assert!(is_reserved(&outcomes[0]) && is_reserved(&outcomes[2]));
    assert_eq!(rejections(&outcomes[1])[0].available, Some(1));
    assert_eq!(reserved(&shop), [4, 1, 0]);
    shop.check();
    let refused = shop.post(&[backorders(2, 0, 2), ship(1, 3, &[(0, 1)], None), ship(2, 1, &[(0, 3)], None)]);
    assert_eq!(refused[0], Outcome::Stock(Err(StockRefused::BelowBackordered { backordered: 3 })));
    assert_eq!(refused[1..], [APPLIED, CONTRADICTION]);
    shop.post(&[receive("main", 3, 0, 3)]);
    assert_eq!(shop.post(&[ship(4, 1, &[(0, 4)], None)]), [APPLIED]);
    assert_eq!((shop.stock(0), shop.stock_at("near", 0)), ((0, 0), (0, 0)));
    shop.check();
}

#[test]
fn a_receipt_takes_from_what_is_announced_and_a_product_is_low_from_the_moment_it_is() {
    let mut shop = Shop::with_stock(&[5]);
    let settings = Settings { incoming: Some(7), low_stock_threshold: Some(Some(2)), backorder_limit: None };
    shop.post(&[configure(1, 0, settings)]);
    let main = |shop: &Shop| shop.stock[&StockId::new(product(0), &place("main"))].clone();
    assert_eq!((main(&shop).incoming, main(&shop).low_since), (7, None));
    shop.post(&[reserve(1, &[(0, 3)])]);
    assert_eq!(main(&shop).low_since, Some(AT));
    shop.at = AT.plus_millis(5);
    shop.post(&[reserve(2, &[(0, 1)])]);
    assert_eq!(main(&shop).low_since, Some(AT));
    shop.post(&[receive("near", 2, 0, 5)]);
    assert_eq!((main(&shop).incoming, main(&shop).low_since), (2, None));
    shop.post(&[receive("main", 3, 0, 5)]);
    assert_eq!(main(&shop).incoming, 0);
    shop.check();
}
