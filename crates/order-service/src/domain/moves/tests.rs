//! The moves by example, and every pair of state and move.

use super::*;
use crate::domain::draft::OrderDraft;
use crate::domain::order::{Effect, EffectKind, Fingerprint};
use common::ids::{CustomerId, OrderId, ProductId};
use common::models::order::{FulfillmentStatus, NewOrder, RejectionCode};
use common::models::order_return::ReturnStatus;
use std::collections::HashMap;

const AT: Timestamp = Timestamp::from_millis(1_767_225_600_000);

fn units(product_id: ProductId, quantity: u32) -> RequestedLine {
    RequestedLine { product_id, quantity: quantity.try_into().unwrap() }
}

fn pending(quantities: &[u32]) -> Order {
    let lines = quantities.iter().map(|&quantity| units(ProductId::new(), quantity)).collect();
    let order = NewOrder::of_many(CustomerId::new(), lines);
    OrderDraft::parse(order).unwrap().into_pending(OrderId::new(), "someone".into(), AT, &HashMap::new())
}

fn items(lines: &[RequestedLine], unit_price_minor: i64) -> Vec<ReservedItem> {
    let item = |line: &RequestedLine| ReservedItem {
        product_id: line.product_id,
        quantity: line.quantity.get(),
        sku: "A-1".parse().unwrap(),
        name: "A thing".into(),
        unit_price_minor,
    };
    lines.iter().map(item).collect()
}

fn reserved(order: &Order, unit_price_minor: i64) -> Event {
    Event::Reserved { currency: Currency::EUR, items: items(&order.requested_lines(), unit_price_minor) }
}

fn expired() -> Vec<Rejection> {
    vec![Rejection { product_id: None, code: RejectionCode::Expired, requested: None, available: None }]
}

fn cause(hand: Hand) -> Cause {
    Cause { note: Some("because".into()), ..Cause::new("someone", hand, AT) }
}

fn by_staff(order: &Order, event: Event) -> Result<Order, MoveError> {
    apply(order, event, &cause(Hand::Staff))
}

fn go(order: &Order, event: Event) -> Order {
    by_staff(order, event).unwrap()
}

/// Of these quantities at 1.50 each.
fn confirmed(quantities: &[u32]) -> Order {
    let order = pending(quantities);
    go(&order, reserved(&order, 150))
}

fn product(order: &Order, line: usize) -> ProductId {
    order.lines[line].product_id
}

fn ship(lines: Vec<RequestedLine>) -> Event {
    Event::Ship(NewFulfillment { lines: Some(lines), ..NewFulfillment::default() })
}

fn ship_all() -> Event {
    Event::Ship(NewFulfillment::default())
}

fn deliver_last(order: &Order) -> Event {
    Event::Deliver { id: order.fulfillments.last().unwrap().id }
}

fn send_back(product_id: ProductId, quantity: u32) -> Event {
    let quantity = quantity.try_into().unwrap();
    Event::RequestReturn { lines: vec![NewReturnLine { product_id, quantity, reason: None }] }
}

fn edit(lines: &[(ProductId, u32)]) -> Event {
    let line = |(product_id, quantity): &(ProductId, u32)| EditedLine {
        product_id: *product_id,
        quantity: *quantity,
    };
    Event::Edit { lines: lines.iter().map(line).collect() }
}

fn due(order: &Order, kind: EffectKind) -> Vec<&Effect> {
    order.effects_due().filter(|effect| effect.kind == kind).collect()
}

/// What the effects that are due do to what the ledger holds reserved for the order.
fn owed(order: &Order, kind: EffectKind) -> u32 {
    due(order, kind).iter().flat_map(|effect| &effect.lines).map(|line| line.quantity.get()).sum()
}

#[test]
fn a_confirmed_order_copies_names_and_prices_and_adds_up() {
    let confirmed = confirmed(&[2, 3]);
    assert_eq!(confirmed.status, OrderStatus::Confirmed);
    assert_eq!(confirmed.fulfillment_status, FulfillmentStatus::Unfulfilled);
    assert_eq!((confirmed.total_minor, confirmed.version), (Some(750), 2));
    assert_eq!(confirmed.lines[1].name.as_deref(), Some("A thing"));
    assert_eq!(confirmed.history.last().unwrap().event, OrderEvent::Confirmed);
}

#[test]
fn a_reservation_of_other_lines_confirms_nothing() {
    let (order, other) = (pending(&[1, 2]), pending(&[1, 2]));
    assert!(matches!(by_staff(&order, reserved(&other, 1)), Err(MoveError::Mismatch(_))));
    let mut more = order.clone();
    more.lines[0].quantity = 9;
    assert!(matches!(by_staff(&order, reserved(&more, 1)), Err(MoveError::Mismatch(_))));
    let huge = reserved(&order, common::money::MAX_MINOR);
    assert!(matches!(by_staff(&order, huge), Err(MoveError::Mismatch(_))));
}

#[test]
fn a_cancelled_order_owes_the_release_of_all_it_held_under_an_identity_of_its_own() {
    let order = confirmed(&[2, 3]);
    let cancelled = go(&order, Event::Cancel { lines: None });
    assert_eq!((cancelled.status, cancelled.total_minor), (OrderStatus::Cancelled, Some(0)));
    let released = due(&cancelled, EffectKind::Release);
    assert_eq!(released.len(), 1);
    assert_eq!(released[0].lines, order.requested_lines());
    assert_ne!(released[0].id, order.id.reservation());
    assert_eq!(cancelled.history.last().unwrap().note.as_deref(), Some("because"));
}

#[test]
fn a_part_is_cancelled_by_line_and_quantity_until_nothing_is_left() {
    let order = confirmed(&[2, 3]);
    let (first, second) = (product(&order, 0), product(&order, 1));
    let one = go(&order, Event::Cancel { lines: Some(vec![units(second, 1)]) });
    assert_eq!((one.status, one.total_minor), (OrderStatus::Confirmed, Some(600)));
    assert_eq!((one.lines[1].cancelled, owed(&one, EffectKind::Release)), (1, 1));
    let too_many = Event::Cancel { lines: Some(vec![units(first, 1), units(second, 3)]) };
    assert_eq!(by_staff(&one, too_many), Err(MoveError::TooMany { line: 1, most: 2 }));
    let unknown = Event::Cancel { lines: Some(vec![units(ProductId::new(), 1)]) };
    assert_eq!(by_staff(&one, unknown), Err(MoveError::UnknownProduct { line: 0 }));
    let twice = Event::Cancel { lines: Some(vec![units(first, 1), units(first, 1)]) };
    assert_eq!(by_staff(&one, twice), Err(MoveError::DuplicateProduct { line: 1 }));
    assert_eq!(by_staff(&one, Event::Cancel { lines: Some(vec![]) }), Err(MoveError::NoLines));
    let rest = go(&one, Event::Cancel { lines: Some(vec![units(first, 2), units(second, 2)]) });
    assert_eq!((rest.status, rest.total_minor), (OrderStatus::Cancelled, Some(0)));
}

#[test]
fn parcels_take_parts_of_lines_and_the_statuses_follow() {
    let order = confirmed(&[2, 3]);
    let (first, second) = (product(&order, 0), product(&order, 1));
    let one = go(&order, ship(vec![units(first, 2), units(second, 1)]));
    assert_eq!(one.fulfillment_status, FulfillmentStatus::PartiallyFulfilled);
    assert_eq!(owed(&one, EffectKind::Shipment), 3);
    assert_eq!(one.history.last().unwrap().fulfillment_id, Some(one.fulfillments[0].id));
    let too_many = ship(vec![units(second, 3)]);
    assert_eq!(by_staff(&one, too_many), Err(MoveError::TooMany { line: 0, most: 2 }));
    let less = go(&one, Event::Cancel { lines: Some(vec![units(second, 1)]) });
    let all = go(&less, ship_all());
    assert_eq!(all.fulfillment_status, FulfillmentStatus::Fulfilled);
    assert_eq!(all.fulfillments[1].lines, [units(second, 1)]);
    assert_ne!(all.fulfillments[0].id, all.fulfillments[1].id);
    let arrived = go(&all, Event::Deliver { id: all.fulfillments[0].id });
    assert_eq!((arrived.status, arrived.lines[0].delivered), (OrderStatus::Confirmed, 2));
    let again = Event::Deliver { id: all.fulfillments[0].id };
    assert!(matches!(by_staff(&arrived, again), Err(MoveError::Illegal { .. })));
    let done = go(&arrived, deliver_last(&all));
    assert_eq!(done.status, OrderStatus::Completed);
    assert_eq!(done.fulfillment_status, FulfillmentStatus::Delivered);
    assert_eq!((done.total_minor, done.lines[1].delivered), (Some(600), 2));
}

#[test]
fn what_is_left_of_a_shipped_order_is_cancelled_by_staff_alone() {
    let order = confirmed(&[2]);
    let shipped = go(&order, ship(vec![units(product(&order, 0), 1)]));
    let by_customer = apply(&shipped, Event::Cancel { lines: None }, &cause(Hand::Customer));
    assert!(matches!(by_customer, Err(MoveError::Illegal { allowed, .. }) if allowed.is_empty()));
    let cancelled = go(&shipped, Event::Cancel { lines: None });
    assert_eq!(cancelled.fulfillment_status, FulfillmentStatus::Fulfilled);
    assert_eq!(go(&cancelled, deliver_last(&shipped)).status, OrderStatus::Completed);
}

#[test]
fn a_return_is_asked_for_approved_and_received_with_what_is_fit_to_be_sold_again() {
    let order = go(&confirmed(&[5]), ship_all());
    let sold = product(&order, 0);
    let order = go(&order, deliver_last(&order));
    assert!(matches!(by_staff(&order, send_back(sold, 6)), Err(MoveError::TooMany { most: 5, .. })));
    let asked = apply(&order, send_back(sold, 3), &cause(Hand::Customer)).unwrap();
    assert!(matches!(by_staff(&asked, send_back(sold, 3)), Err(MoveError::TooMany { most: 2, .. })));
    let id = asked.returns[0].id;
    let arrived = |restock, write_off| Event::ReceiveReturn {
        id,
        lines: vec![ReceivedLine { product_id: sold, restock, write_off }],
        location_id: None,
    };
    assert!(matches!(by_staff(&asked, arrived(1, 1)), Err(MoveError::Illegal { .. })));
    let approved = go(&asked, Event::ApproveReturn { id });
    assert!(matches!(by_staff(&approved, Event::ApproveReturn { id }), Err(MoveError::Illegal { .. })));
    assert!(matches!(by_staff(&approved, arrived(3, 1)), Err(MoveError::TooMany { most: 3, .. })));
    assert!(matches!(by_staff(&approved, arrived(u32::MAX, 1)), Err(MoveError::TooMany { .. })));
    assert_eq!(by_staff(&approved, arrived(0, 0)), Err(MoveError::NoUnits { line: 0 }));
    let received = go(&approved, arrived(1, 1));
    assert_eq!((received.lines[0].returned, received.lines[0].restocked), (2, 1));
    assert_eq!(owed(&received, EffectKind::Return), 1);
    assert_eq!((received.status, received.total_minor), (OrderStatus::Completed, Some(750)));
    // The unit that never arrived may be asked for again.
    assert_eq!(go(&received, send_back(sold, 3)).returns[1].status, ReturnStatus::Requested);
    let declined = go(&asked, Event::DeclineReturn { id });
    assert_eq!(declined.returns[0].status, ReturnStatus::Declined);
    assert!(by_staff(&declined, send_back(sold, 5)).is_ok());
    let unknown = Event::ApproveReturn { id: ReturnId::new() };
    assert_eq!(by_staff(&declined, unknown), Err(MoveError::UnknownPart("return")));
}

#[test]
fn an_edit_that_only_gives_back_is_made_at_once() {
    let order = confirmed(&[2, 3]);
    let (first, second) = (product(&order, 0), product(&order, 1));
    let edited = go(&order, edit(&[(first, 0), (second, 2)]));
    assert_eq!((edited.lines.len(), edited.total_minor), (1, Some(300)));
    assert_eq!((owed(&edited, EffectKind::Release), edited.edit.is_some()), (3, false));
    assert_eq!(edited.history.last().unwrap().event, OrderEvent::Edited);
    assert_eq!(by_staff(&order, edit(&[(first, 0), (second, 0)])), Err(MoveError::NothingLeft));
    assert_eq!(by_staff(&order, edit(&[(first, 2)])), Err(MoveError::NothingToDo));
    assert_eq!(by_staff(&order, edit(&[(ProductId::new(), 0)])), Err(MoveError::UnknownProduct { line: 0 }));
    let huge = by_staff(&order, edit(&[(first, u32::MAX)]));
    assert_eq!(huge, Err(MoveError::TooMany { line: 0, most: 1_000_000 }));
}

#[test]
fn an_edit_that_needs_stock_waits_and_lines_keep_their_price() {
    let order = confirmed(&[2, 3]);
    let (first, second, new) = (product(&order, 0), product(&order, 1), ProductId::new());
    let request = Request { id: Fingerprint::new(), asked: Fingerprint::new() };
    let keyed = Cause { request: Some(request), ..cause(Hand::Staff) };
    let waiting = apply(&order, edit(&[(first, 4), (second, 1), (new, 5)]), &keyed).unwrap();
    let wish = waiting.edit.clone().unwrap();
    assert_eq!((&waiting.lines, waiting.total_minor), (&order.lines, order.total_minor));
    assert_eq!(wish.more, [units(first, 2), units(new, 5)]);
    assert_eq!(waiting.history.last().unwrap().request, None);
    for event in [Event::Cancel { lines: None }, edit(&[(first, 1)]), ship_all()] {
        assert_eq!(by_staff(&waiting, event), Err(MoveError::EditPending));
    }
    // Notes do not disturb it.
    let waiting = go(&waiting, Event::Note { text: "mind the edit".parse().unwrap() });
    let decided =
        |price| Event::EditReserved { id: wish.id, currency: Currency::EUR, items: items(&wish.more, price) };
    let settled = go(&waiting, decided(200));
    let prices: Vec<_> =
        settled.lines.iter().map(|line| (line.quantity, line.unit_price_minor.unwrap())).collect();
    assert_eq!(prices, [(4, 150), (1, 150), (5, 200)]);
    assert_eq!((settled.total_minor, owed(&settled, EffectKind::Release)), (Some(1750), 2));
    let change = settled.settled_edit(wish.id).unwrap();
    assert_eq!((change.event, change.request), (OrderEvent::Edited, Some(request.id)));
    assert_eq!((change.actor.as_str(), settled.edit.is_some()), ("someone", false));
    assert!(matches!(by_staff(&settled, decided(200)), Err(MoveError::Mismatch(_))));

    let refused = go(&waiting, Event::EditRefused { id: wish.id, reasons: expired() });
    assert_eq!((&refused.lines, refused.total_minor), (&order.lines, order.total_minor));
    assert_eq!(refused.settled_edit(wish.id).unwrap().rejections, expired());
    assert_eq!((refused.effects_due().count(), refused.edits.len()), (0, 0));

    let too_dear = go(&waiting, decided(common::money::MAX_MINOR));
    assert_eq!((&too_dear.lines, owed(&too_dear, EffectKind::Release)), (&order.lines, 7));
    assert_eq!(too_dear.settled_edit(wish.id).unwrap().rejections[0].code, RejectionCode::TotalTooLarge);
}

#[test]
fn a_line_that_was_cancelled_in_part_is_edited_by_what_is_left_of_it() {
    let order = confirmed(&[5]);
    let sold = product(&order, 0);
    let order = go(&order, Event::Cancel { lines: Some(vec![units(sold, 2)]) });
    let edited = go(&order, edit(&[(sold, 1)]));
    assert_eq!((edited.lines[0].quantity, edited.lines[0].cancelled, edited.total_minor), (3, 2, Some(150)));
}

#[test]
fn a_held_order_is_not_shipped_until_it_is_released() {
    let held = go(&confirmed(&[1]), Event::Hold);
    assert_eq!(held.hold.as_ref().unwrap().note.as_deref(), Some("because"));
    assert!(matches!(by_staff(&held, ship_all()), Err(MoveError::Illegal { because, .. })
        if because.contains("on hold")));
    assert!(matches!(by_staff(&held, Event::Hold), Err(MoveError::Illegal { .. })));
    assert!(by_staff(&go(&held, Event::Release), ship_all()).is_ok());
    assert!(go(&held, Event::Cancel { lines: None }).hold.is_none());
}

#[test]
fn tags_are_a_set_and_notes_and_parcels_have_an_end() {
    let tags = |add: &[&str], remove: &[&str]| {
        let parse = |tags: &[&str]| tags.iter().map(|tag| tag.parse().unwrap()).collect();
        Event::Tag(TagChange { add: parse(add), remove: parse(remove) })
    };
    let order = go(&confirmed(&[200]), tags(&["vip", "gift", "vip"], &[]));
    assert_eq!(order.tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>(), ["gift", "vip"]);
    assert_eq!(by_staff(&order, tags(&["gift"], &["new"])), Err(MoveError::NothingToDo));
    let many: Vec<String> = (0..60).map(|number| number.to_string()).collect();
    let many = tags(&many.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    assert!(matches!(by_staff(&order, many), Err(MoveError::Full { what: "tags", .. })));
    let mut noted = order.clone();
    for _ in 0..100 {
        noted = go(&noted, Event::Note { text: "again".parse().unwrap() });
    }
    let one_more = by_staff(&noted, Event::Note { text: "again".parse().unwrap() });
    assert!(matches!(one_more, Err(MoveError::Full { what: "notes", .. })));
    let sold = product(&order, 0);
    let mut shipped = order;
    for _ in 0..100 {
        shipped = go(&shipped, ship(vec![units(sold, 1)]));
        let last = shipped.effects.len() - 1;
        shipped.effects[last].state = EffectState::Done;
    }
    assert_eq!((shipped.effects.len(), shipped.pruned_effects), (16, 84));
    let one_more = by_staff(&shipped, ship(vec![units(sold, 1)]));
    assert!(matches!(one_more, Err(MoveError::Full { what: "fulfillments", .. })));
}

#[test]
fn an_order_that_owes_too_much_takes_on_no_more() {
    let mut order = confirmed(&[200]);
    let sold = product(&order, 0);
    for _ in 0..50 {
        order = go(&order, ship(vec![units(sold, 1)]));
    }
    assert!(matches!(by_staff(&order, ship_all()), Err(MoveError::Illegal { .. })));
    assert!(by_staff(&order, deliver_last(&order)).is_ok());
}

/// An order in each state that a client can tell apart.
fn in_every_state() -> Vec<Order> {
    let order = pending(&[2, 2]);
    let rejected = go(&order, Event::Refused { reasons: expired() });
    let confirmed = go(&order, reserved(&order, 1));
    let waiting = go(&confirmed, edit(&[(product(&order, 0), 9)]));
    let held = go(&confirmed, Event::Hold);
    let in_part = go(&confirmed, ship(vec![units(product(&order, 0), 1)]));
    let shipped = go(&in_part, ship_all());
    let arrived = go(&shipped, deliver_last(&shipped));
    let completed = go(&arrived, Event::Deliver { id: shipped.fulfillments[0].id });
    let asked = go(&completed, send_back(product(&order, 0), 1));
    let approved = go(&asked, Event::ApproveReturn { id: asked.returns[0].id });
    let cancelled = go(&confirmed, Event::Cancel { lines: None });
    vec![
        order, rejected, confirmed, waiting, held, in_part, shipped, arrived, completed, asked, approved,
        cancelled,
    ]
}

/// The most modest event of a move that an order may allow.
fn modest(order: &Order, asked: OrderMove) -> Event {
    let sold = product(order, 0);
    let parcel = order.fulfillments.iter().find(|parcel| parcel.delivered_at.is_none());
    let parcel = parcel.or(order.fulfillments.first()).map_or_else(FulfillmentId::new, |parcel| parcel.id);
    let back = order.returns.first().map_or_else(ReturnId::new, |found| found.id);
    match asked {
        OrderMove::Cancel => Event::Cancel { lines: None },
        OrderMove::Edit => edit(&[(sold, 1)]),
        OrderMove::Ship => ship_all(),
        OrderMove::Deliver => Event::Deliver { id: parcel },
        OrderMove::RequestReturn => {
            let line = order.lines.iter().find(|line| line.delivered > line.returned);
            send_back(line.map_or(sold, |line| line.product_id), 1)
        }
        OrderMove::ApproveReturn => Event::ApproveReturn { id: back },
        OrderMove::DeclineReturn => Event::DeclineReturn { id: back },
        OrderMove::ReceiveReturn => Event::ReceiveReturn {
            id: back,
            lines: vec![ReceivedLine { product_id: sold, restock: 1, write_off: 0 }],
            location_id: None,
        },
        OrderMove::Hold => Event::Hold,
        OrderMove::Release => Event::Release,
        OrderMove::Note => Event::Note { text: "a note".parse().unwrap() },
        OrderMove::Tag => Event::Tag(TagChange { add: vec!["tag".parse().unwrap()], remove: vec![] }),
    }
}

#[test]
fn every_pair_of_state_and_move_is_allowed_or_refused_as_why_says() {
    for order in in_every_state() {
        for hand in [Hand::Customer, Hand::Staff] {
            let allowed = allowed_moves(&order, hand);
            for asked in OrderMove::ALL {
                let outcome = apply(&order, modest(&order, asked), &cause(hand));
                let is_allowed = allowed.contains(&asked);
                match outcome {
                    Ok(next) => {
                        assert!(is_allowed, "{:?} must refuse {asked:?} to {hand:?}", order.status);
                        assert_eq!(next.version, order.version + 1);
                        assert_eq!(next.history.len(), order.history.len() + 1);
                    }
                    Err(MoveError::Illegal { state, allowed: named, .. }) => {
                        assert!(!is_allowed, "{:?} must allow {asked:?} to {hand:?}", order.status);
                        assert_eq!((state, &named), (order.status, &allowed));
                    }
                    Err(MoveError::EditPending | MoveError::UnknownPart(_)) => assert!(!is_allowed),
                    Err(other) => panic!("{:?} {asked:?}: {other}", order.status),
                }
            }
        }
    }
}

#[test]
fn only_a_pending_order_is_settled() {
    for order in in_every_state() {
        let is_pending = order.status == OrderStatus::Pending;
        for event in [reserved(&order, 1), Event::Refused { reasons: expired() }] {
            assert_eq!(by_staff(&order, event).is_ok(), is_pending, "{:?}", order.status);
        }
    }
}

#[test]
fn an_order_of_before_there_were_parcels_still_reads() {
    let order = confirmed(&[2]);
    let stored = common::mongo::to_document(&order).unwrap();
    for absent in
        ["fulfillments", "returns", "tags", "notes", "edit", "edits", "hold", "prunedEffects", "metadata"]
    {
        assert!(!stored.contains_key(absent), "{absent} is stored though there is nothing in it");
    }
    assert_eq!(common::mongo::from_document::<Order>(&stored).unwrap(), order);
}
