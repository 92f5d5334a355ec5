//! Each rule of the audit, broken once.

mod shop;

use crate::audit::documents::{Edit, Effect, EffectLine, EffectState, OrderLine, ReservedItem};
use crate::audit::report::Invariant;
use common::ids::{MovementId, OrderId};
use common::models::inventory::MovementKind;
use common::models::order::OrderStatus;
use common::models::order_import::{OrderOrigin, OriginKind, StockUse};
use common::money::Currency;
use shop::{NOW, Shop, movement, on_hand};

/// The invariants that a change of a sound shop breaks.
fn broken(mut shop: Shop, change: impl FnOnce(&mut Shop)) -> Vec<Invariant> {
    change(&mut shop);
    let report = shop.audit();
    report.findings.iter().filter(|finding| finding.broken > 0).map(|finding| finding.invariant).collect()
}

#[test]
fn a_sound_shop_is_clean_in_every_state() {
    for shop in [Shop::pending(), Shop::confirmed(), Shop::cancelled(), Shop::released()] {
        let report = shop.audit();
        assert!(report.is_clean(), "{report}");
        assert!(report.findings.iter().all(|finding| finding.checked > 0));
    }
    let mut done = Shop::released();
    done.order.effects[0].state = EffectState::Done;
    assert!(done.audit().is_clean());
    let mut decided = Shop::confirmed();
    decided.undecide(OrderStatus::Pending);
    decided.order.created_at = NOW;
    assert!(decided.audit().is_clean(), "reserved and about to be settled");
    let mut rejected = Shop::pending();
    rejected.order.status = OrderStatus::Rejected;
    assert!(rejected.audit().is_clean(), "refused without a movement");
    let mut refusal = movement(rejected.order.id.reservation(), MovementKind::Refusal, Vec::new());
    refusal.order_id = Some(rejected.order.id);
    rejected.movements.push(refusal);
    assert!(rejected.audit().is_clean(), "refused by the ledger");
}

#[test]
fn a1_stock_that_is_not_the_sum_of_its_movements_is_found() {
    use Invariant::A1;
    assert_eq!(broken(Shop::confirmed(), |shop| shop.stock[0].on_hand += 1), [A1]);
    assert_eq!(broken(Shop::confirmed(), |shop| shop.stock[1].reserved -= 1), [A1]);
    assert_eq!(broken(Shop::confirmed(), |shop| drop(shop.stock.pop())), [A1]);
    assert_eq!(broken(Shop::confirmed(), |shop| shop.stock[0].location_id = "attic".into()), [A1]);
    assert_eq!(broken(Shop::confirmed(), |shop| shop.products.clear()), [A1]);
    let oversold = |shop: &mut Shop| {
        shop.movements[0].lines[0].on_hand_delta = 1;
        shop.stock[0].on_hand = 1;
    };
    assert_eq!(broken(Shop::confirmed(), oversold), [A1]);
}

#[test]
fn a2_movements_that_are_not_what_the_order_says_are_found() {
    use Invariant::A2;
    assert_eq!(broken(Shop::released(), |shop| shop.order.effects.clear()), [A2]);
    assert_eq!(broken(Shop::cancelled(), |shop| shop.order.effects.clear()), [A2]);
    assert_eq!(broken(Shop::cancelled(), |shop| shop.order.effects[0].state = EffectState::Done), [A2]);
    assert_eq!(broken(Shop::released(), |shop| shop.order.effects[0].lines[0].quantity = 1), [A2]);
    assert_eq!(broken(Shop::released(), |shop| shop.order.effects[0].kind = MovementKind::Return), [A2]);
    assert_eq!(broken(Shop::confirmed(), |shop| shop.order.lines[0].shipped = 1), [A2]);
    assert_eq!(broken(Shop::confirmed(), |shop| shop.order.lines[0].delivered = 1), [A2]);
    let released_twice = |shop: &mut Shop| {
        let mut again = shop.movements[2].clone();
        again.id = MovementId::new();
        shop.movements.push(again);
        for row in &mut shop.stock {
            row.on_hand += 10;
        }
        shop.movements[0].lines.iter_mut().for_each(|line| line.on_hand_delta += 10);
        shop.stock[0].reserved -= 2;
        shop.stock[1].reserved -= 3;
    };
    assert_eq!(broken(Shop::released(), released_twice), [Invariant::A1, A2]);
}

#[test]
fn a3_orders_and_reservations_that_disagree_are_found() {
    use Invariant::{A1, A2, A3};
    assert_eq!(broken(Shop::confirmed(), |shop| shop.movements[1].items[0].name = "B".into()), [A3]);
    assert_eq!(broken(Shop::confirmed(), |shop| shop.movements[1].currency = None), [A3]);
    assert_eq!(broken(Shop::confirmed(), |shop| shop.order.lines[0].sku = None), [A3]);
    assert_eq!(broken(Shop::confirmed(), |shop| shop.customers.clear()), [A3]);
    assert_eq!(broken(Shop::confirmed(), |shop| shop.movements[1].kind = MovementKind::Refusal), [A2, A3]);
    assert_eq!(broken(Shop::confirmed(), |shop| drop(shop.movements.pop())), [A1, A2, A3]);
    assert_eq!(broken(Shop::confirmed(), |shop| shop.undecide(OrderStatus::Rejected)), [A2, A3]);
    let bought_more = |shop: &mut Shop| {
        shop.order.lines[0].quantity = 4;
        shop.order.total_minor = Some(1050);
    };
    assert_eq!(broken(Shop::confirmed(), bought_more), [A2, A3]);
    let other_lines = |shop: &mut Shop| {
        shop.undecide(OrderStatus::Pending);
        shop.order.created_at = NOW;
        shop.order.lines.pop();
    };
    assert_eq!(broken(Shop::confirmed(), other_lines), [A2, A3]);
}

#[test]
fn a3_movements_that_contradict_themselves_or_name_nobody_are_found() {
    use Invariant::{A2, A3};
    assert_eq!(broken(Shop::confirmed(), |shop| shop.movements[1].items[0].quantity = 1), [A2, A3]);
    assert_eq!(broken(Shop::confirmed(), |shop| shop.movements[1].id = MovementId::new()), [A3]);
    assert_eq!(broken(Shop::confirmed(), |shop| shop.movements[1].order_id = None), [A2, A3]);
    assert_eq!(broken(Shop::released(), |shop| shop.movements[2].order_id = None), [A3]);
    let of_nobody = |shop: &mut Shop| {
        let (stranger, order) = (OrderId::new(), shop.order.id);
        let mut refusal = movement(stranger.reservation(), MovementKind::Refusal, Vec::new());
        refusal.order_id = Some(stranger);
        assert_ne!(stranger, order);
        shop.movements.push(refusal);
    };
    assert_eq!(broken(Shop::confirmed(), of_nobody), [A3]);
    let moving_refusal = |shop: &mut Shop| {
        let mut refusal = movement(shop.order.id.reservation(), MovementKind::Refusal, Vec::new());
        refusal.order_id = Some(shop.order.id);
        refusal.lines.push(on_hand(shop.stock[0].product_id, 0));
        shop.movements.push(refusal);
    };
    assert_eq!(broken(Shop::pending(), moving_refusal), [A3]);
}

#[test]
fn a4_what_waits_for_too_long_is_found() {
    use Invariant::A4;
    assert_eq!(broken(Shop::pending(), |shop| shop.order.created_at = NOW.plus_millis(-30_001)), [A4]);
    assert_eq!(broken(Shop::pending(), |shop| shop.order.created_at = NOW.plus_millis(-30_000)), []);
    assert_eq!(broken(Shop::cancelled(), |shop| shop.order.effects[0].at = NOW.plus_millis(-30_001)), [A4]);
}

#[test]
fn a5_totals_and_acknowledged_orders_are_checked() {
    use Invariant::{A3, A5};
    assert_eq!(broken(Shop::confirmed(), |shop| shop.order.total_minor = Some(751)), [A5]);
    assert_eq!(broken(Shop::confirmed(), |shop| shop.order.total_minor = None), [A5]);
    assert_eq!(broken(Shop::cancelled(), |shop| shop.order.total_minor = Some(750)), [A5]);
    assert_eq!(broken(Shop::pending(), |shop| shop.order.total_minor = Some(750)), [A5]);
    let overflow = |shop: &mut Shop| shop.order.lines[0].unit_price_minor = Some(i64::MAX);
    assert_eq!(broken(Shop::confirmed(), overflow), [A3, A5]);
    assert_eq!(broken(Shop::confirmed(), |shop| shop.acknowledged.push(OrderId::new())), [A5]);
    assert_eq!(broken(Shop::confirmed(), |shop| shop.acknowledged.push(shop.order.id)), [A5]);
}

/// Ships this many units of the first product and takes `restocked` of them back, all delivered to the ledger.
fn ship_and_restock(shop: &mut Shop, units: i64, restocked: i64) {
    let product = shop.order.lines[0].product_id;
    shop.order.lines[0].shipped = units;
    shop.order.lines[0].delivered = units;
    shop.order.lines[0].returned = restocked;
    shop.order.lines[0].restocked = restocked;
    for (kind, quantity) in [(MovementKind::Shipment, units), (MovementKind::Return, restocked)] {
        let lines = vec![EffectLine { product_id: product, quantity }];
        let (id, at) = (MovementId::new(), NOW);
        shop.order.effects.push(Effect { id, kind, lines, state: EffectState::Done, at });
        let is_shipment = kind == MovementKind::Shipment;
        let mut moved = on_hand(product, if is_shipment { -quantity } else { quantity });
        moved.reserved_delta = if is_shipment { -quantity } else { 0 };
        shop.stock[0].on_hand += moved.on_hand_delta;
        shop.stock[0].reserved += moved.reserved_delta;
        let mut movement = movement(id, kind, vec![moved]);
        movement.order_id = Some(shop.order.id);
        shop.movements.push(movement);
    }
}

#[test]
fn a2_parcels_and_returns_move_what_is_on_hand() {
    use Invariant::{A1, A2};
    let mut shop = Shop::confirmed();
    ship_and_restock(&mut shop, 2, 1);
    assert!(shop.audit().is_clean(), "{}", shop.audit());
    assert_eq!(broken(shop.clone(), |shop| shop.order.lines[0].restocked = 0), [A2]);
    assert_eq!(broken(shop.clone(), |shop| shop.order.lines[0].restocked = 2), [A2]);
    assert_eq!(broken(shop.clone(), |shop| drop(shop.movements.pop())), [A1, A2]);
    // Written off: it never came back on hand.
    let mut written_off = Shop::confirmed();
    ship_and_restock(&mut written_off, 2, 0);
    written_off.order.effects.pop();
    written_off.movements.pop();
    written_off.order.lines[0].returned = 1;
    assert!(written_off.audit().is_clean());
    // Old effects are counted and no longer listed.
    let mut pruned = shop.clone();
    pruned.order.effects.clear();
    assert_eq!(broken(pruned.clone(), |_| {}), [A2]);
    pruned.order.pruned_effects = 2;
    assert!(pruned.audit().is_clean());
    // Due and not delivered.
    let mut due = shop;
    due.movements.truncate(2);
    due.order.effects.iter_mut().for_each(|effect| effect.state = EffectState::Due);
    (due.stock[0].on_hand, due.stock[0].reserved) = (10, 2);
    assert!(due.audit().is_clean(), "{}", due.audit());
}

/// Four units more of the first product, reserved and not settled yet.
fn with_edit(mut shop: Shop) -> Shop {
    let product = shop.order.lines[0].product_id;
    let id = MovementId::new();
    let more = vec![EffectLine { product_id: product, quantity: 4 }];
    shop.order.edit = Some(Edit { id, more, at: NOW });
    let mut moved = on_hand(product, 0);
    moved.reserved_delta = 4;
    let mut reservation = movement(id, MovementKind::Reservation, vec![moved]);
    reservation.order_id = Some(shop.order.id);
    reservation.currency = Some(Currency::EUR);
    reservation.items.push(ReservedItem { quantity: 4, ..shop.movements[1].items[0].clone() });
    shop.movements.push(reservation);
    shop.stock[0].reserved += 4;
    shop
}

#[test]
fn a3_an_edit_is_known_to_its_order_before_and_after_it_is_settled() {
    use Invariant::{A2, A3, A4};
    let waiting = with_edit(Shop::confirmed());
    assert!(waiting.audit().is_clean(), "{}", waiting.audit());
    assert_eq!(broken(waiting.clone(), |shop| shop.order.edit = None), [A2, A3]);
    let is_old = |shop: &mut Shop| shop.order.edit.as_mut().unwrap().at = NOW.plus_millis(-30_001);
    assert_eq!(broken(waiting.clone(), is_old), [A4]);
    let other_lines = |shop: &mut Shop| shop.order.edit.as_mut().unwrap().more[0].quantity = 3;
    assert_eq!(broken(waiting.clone(), other_lines), [A2, A3]);
    let mut settled = waiting;
    let edit = settled.order.edit.take().unwrap();
    settled.order.edits.push(edit.id);
    settled.order.lines[0].quantity = 6;
    settled.order.total_minor = Some(1350);
    assert!(settled.audit().is_clean(), "{}", settled.audit());
    assert_eq!(broken(settled.clone(), |shop| shop.order.edits.clear()), [A3]);
    assert_eq!(broken(settled.clone(), |shop| shop.order.lines[0].name = Some("B".into())), [A3]);
    let mut refusal = movement(MovementId::new(), MovementKind::Refusal, Vec::new());
    refusal.order_id = Some(settled.order.id);
    settled.movements.push(refusal);
    assert!(settled.audit().is_clean(), "an edit that was refused moved nothing");
}

/// The same order as it came from another system, of which the ledger was never told.
fn history() -> Shop {
    let mut shop = Shop::confirmed();
    shop.movements.truncate(1);
    for row in &mut shop.stock {
        row.reserved = 0;
    }
    shop.order.origin = Some(OrderOrigin { kind: OriginKind::Import, stock: StockUse::None });
    shop
}

#[test]
fn an_order_that_came_without_stock_is_known_to_no_ledger() {
    use Invariant::{A2, A3, A5};
    let shop = history();
    assert!(shop.audit().is_clean(), "{}", shop.audit());
    assert_eq!(broken(shop.clone(), |shop| shop.order.origin = None), [A2, A3]);
    let mut gone = shop.clone();
    gone.order.lines[0] =
        OrderLine { shipped: 2, delivered: 2, returned: 1, restocked: 1, ..gone.order.lines[0].clone() };
    assert!(gone.audit().is_clean(), "{}", gone.audit());
    assert_eq!(broken(gone, |shop| shop.order.lines[0].returned = 3), [A2]);
    assert_eq!(broken(shop.clone(), |shop| shop.order.total_minor = Some(1)), [A5]);
    assert_eq!(broken(shop.clone(), |shop| shop.order.effects = Shop::cancelled().order.effects), [A2]);
    let mut reserved = Shop::confirmed();
    reserved.order.origin = shop.order.origin;
    assert_eq!(broken(reserved, |_| {}), [A3]);
}

#[test]
fn an_order_that_came_with_stock_holds_what_is_open_of_it() {
    use Invariant::{A2, A3};
    let mut shop = Shop::confirmed();
    shop.order.origin = Some(OrderOrigin { kind: OriginKind::Import, stock: StockUse::Reserve });
    // Two of five had left before, and it was bought under another name.
    let line = &mut shop.order.lines[1];
    (line.quantity, line.shipped, line.shipped_before, line.name) = (5, 2, 2, Some("An old name".into()));
    shop.order.total_minor = Some(1_050);
    assert!(shop.audit().is_clean(), "{}", shop.audit());
    assert_eq!(broken(shop.clone(), |shop| shop.order.lines[1].shipped_before = 1), [A2]);
    let mut back = shop.clone();
    let line = &mut back.order.lines[1];
    (line.delivered, line.returned, line.restocked) = (2, 2, 2);
    assert!(back.audit().is_clean(), "{}", back.audit());
    let unreserved = |shop: &mut Shop| drop(shop.movements.pop());
    assert_eq!(broken(shop.clone(), unreserved), [Invariant::A1, A2, A3]);
}
