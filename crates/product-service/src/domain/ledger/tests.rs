//! The ledger's decisions against what must always hold.

mod by_hand;
mod holds;
mod places;
mod properties;
mod shop;

use super::*;
use common::models::ledger::ReservedItem;
use common::models::order::RejectionCode;
use shop::{
    APPLIED, CONTRADICTION, Shop, is_reserved, line, movement, order, product, refuse, rejections, release,
    reserve, set, ship, take_back, wanted,
};

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
    let too_many = Entry::Order(LedgerEntry::reserve(order(3), lines));
    let outcomes = shop.post(&[reserve(1, &[]), too_many, reserve(2, &[(0, 1)])]);
    assert_eq!(outcomes[..2], [CONTRADICTION, CONTRADICTION]);
    assert!(is_reserved(&outcomes[2]));
}

#[test]
fn only_products_that_are_named_are_read() {
    let mut shop = Shop::with_stock(&[5, 5, 5]);
    shop.post(&[reserve(1, &[(0, 1)]), reserve(2, &[(1, 1)])]);
    let books = Books { movements: shop.movements, ..Books::default() };
    let products =
        books.products_named_by(&[reserve(1, &[(0, 1)]), release(1, 2, &[(1, 1)]), refuse(3), set(3, 2, 1)]);
    assert_eq!(products, BTreeSet::from([product(1), product(2)]));
}

#[test]
fn what_is_shipped_leaves_the_building_and_what_returns_is_back_in_it() {
    let mut shop = Shop::with_stock(&[5]);
    shop.post(&[reserve(1, &[(0, 4)]), reserve(2, &[(0, 1)])]);
    let outcomes = shop.post(&[
        ship(1, 1, &[(0, 3)], None),
        ship(1, 1, &[(0, 3)], None),
        ship(2, 1, &[(0, 2)], None),
        take_back(3, 1, &[(0, 4)], None),
        take_back(4, 1, &[(0, 2)], None),
        take_back(5, 1, &[(0, 2)], None),
        release(6, 1, &[(0, 1)]),
        ship(7, 1, &[(0, 1)], None),
        ship(8, 9, &[(0, 1)], None),
    ]);
    let expected = [APPLIED, APPLIED, CONTRADICTION, CONTRADICTION, APPLIED, CONTRADICTION, APPLIED];
    assert_eq!(outcomes[..7], expected);
    assert_eq!(outcomes[7..], [CONTRADICTION, CONTRADICTION]);
    assert_eq!(shop.stock(0), (4, 1));
    shop.check();
}

#[test]
fn an_edit_reserves_under_an_identity_of_its_own_and_counts_for_the_same_order() {
    let mut shop = Shop::with_stock(&[5]);
    let more = |id: u8, units| {
        let (order_id, lines) = (order(1), wanted(&[(0, units)]));
        Entry::Order(LedgerEntry::Reserve { id: movement(id), order_id, lines, hold_id: None })
    };
    let refuse_more = |id: u8| Entry::Order(LedgerEntry::Refuse { id: movement(id), order_id: order(1) });
    let outcomes = shop.post(&[
        reserve(1, &[(0, 2)]),
        more(1, 2),
        more(1, 2),
        more(2, 2),
        refuse_more(3),
        more(3, 1),
        refuse_more(1),
        release(4, 1, &[(0, 4)]),
    ]);
    assert!(is_reserved(&outcomes[1]));
    assert_eq!((&outcomes[1], &outcomes[1]), (&outcomes[2], &outcomes[6]));
    assert_eq!(rejections(&outcomes[3])[0].available, Some(1));
    assert_eq!(rejections(&outcomes[4])[0].code, RejectionCode::Expired);
    assert_eq!((&outcomes[5], &outcomes[7]), (&outcomes[4], &APPLIED));
    assert_eq!(shop.stock(0), (5, 0));
    shop.check();
}
