use common::ids::{CustomerId, MovementId, OrderId, ProductId};
use common::models::fulfillment::NewFulfillment;
use common::models::ledger::ReservedItem;
use common::models::order::{FulfillmentStatus, NewOrder, OrderStatus, RequestedLine};
use common::models::order_return::{NewReturnLine, ReceivedLine};
use common::money::Currency;
use common::time::Timestamp;
use order_service::domain::draft::OrderDraft;
use order_service::domain::moves::{Cause, Event, Hand, apply};
use order_service::domain::order::{EffectKind, EffectState, Order};
use proptest::prelude::*;
use std::collections::HashMap;

const LINES: usize = 3;

/// What somebody tries; lines, parcels and returns by their place, whether they are there or not.
#[derive(Clone, Debug)]
enum Try {
    Cancel(usize, u32),
    CancelAll,
    Ship(usize, u32),
    ShipAll,
    Deliver(usize),
    Ask(usize, u32),
    Approve(usize),
    Decline(usize),
    Receive { place: usize, restock: u32, write_off: u32 },
    Hold,
    Release,
}

fn tries() -> impl Strategy<Value = Try> {
    let (line, units, place) = (0..LINES, 1..4_u32, 0..4_usize);
    prop_oneof![
        1 => (line.clone(), units.clone()).prop_map(|(line, units)| Try::Cancel(line, units)),
        1 => Just(Try::CancelAll),
        4 => (line.clone(), units.clone()).prop_map(|(line, units)| Try::Ship(line, units)),
        2 => Just(Try::ShipAll),
        5 => place.clone().prop_map(Try::Deliver),
        4 => (line, units).prop_map(|(line, units)| Try::Ask(line, units)),
        3 => place.clone().prop_map(Try::Approve),
        1 => place.clone().prop_map(Try::Decline),
        3 => (place, 0..3_u32, 0..3_u32)
            .prop_map(|(place, restock, write_off)| Try::Receive { place, restock, write_off }),
        1 => Just(Try::Hold),
        1 => Just(Try::Release),
    ]
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Units {
    quantity: u32,
    cancelled: u32,
    shipped: u32,
    delivered: u32,
    returned: u32,
    restocked: u32,
}

impl Units {
    const fn open(self) -> u32 {
        self.quantity - self.cancelled - self.shipped
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Requested,
    Approved,
    Over,
}

/// An order as a bookkeeper would keep it: only numbers, and every rule written out where it is asked.
#[derive(Clone, Debug)]
struct Book {
    lines: [Units; LINES],
    /// What is in each parcel, and whether it arrived.
    parcels: Vec<([u32; LINES], bool)>,
    returns: Vec<(usize, u32, Asked)>,
    on_hold: bool,
}

impl Book {
    fn sum(&self, of: fn(&Units) -> u32) -> u32 {
        self.lines.iter().map(of).sum()
    }

    fn status(&self) -> OrderStatus {
        let kept = self.sum(|line| line.quantity - line.cancelled);
        if kept == 0 {
            OrderStatus::Cancelled
        } else if self.sum(|line| line.delivered) == kept {
            OrderStatus::Completed
        } else {
            OrderStatus::Confirmed
        }
    }

    fn fulfillment_status(&self) -> FulfillmentStatus {
        let kept = self.sum(|line| line.quantity - line.cancelled);
        match (self.sum(|line| line.shipped), self.sum(|line| line.delivered)) {
            (0, _) => FulfillmentStatus::Unfulfilled,
            (shipped, _) if shipped < kept => FulfillmentStatus::PartiallyFulfilled,
            (_, delivered) if delivered < kept => FulfillmentStatus::Fulfilled,
            _ => FulfillmentStatus::Delivered,
        }
    }

    /// Does what was tried, or answers that it cannot be done.
    fn attempt(&mut self, what: &Try) -> bool {
        let is_open = self.status() == OrderStatus::Confirmed;
        let is_any_open = self.sum(|line| line.open()) > 0;
        match *what {
            Try::Cancel(line, units) => {
                let can = is_open && self.lines[line].open() >= units;
                if can {
                    self.lines[line].cancelled += units;
                    self.on_hold &= self.sum(|line| line.open()) > 0;
                }
                can
            }
            Try::CancelAll => {
                let can = is_open && is_any_open;
                if can {
                    self.lines.iter_mut().for_each(|line| line.cancelled += line.open());
                    self.on_hold = false;
                }
                can
            }
            Try::Ship(line, units) => {
                let can = is_open && !self.on_hold && self.lines[line].open() >= units;
                if can {
                    let mut parcel = [0; LINES];
                    parcel[line] = units;
                    self.pack(parcel);
                }
                can
            }
            Try::ShipAll => {
                let can = is_open && !self.on_hold && is_any_open;
                if can {
                    self.pack(self.lines.map(Units::open));
                }
                can
            }
            Try::Deliver(place) => self.deliver(place, is_open),
            Try::Ask(line, units) => {
                let can = self.may_return() && self.returnable(line) >= units;
                if can {
                    self.returns.push((line, units, Asked::Requested));
                }
                can
            }
            Try::Approve(place) => self.decide(place, &[Asked::Requested], Asked::Approved),
            Try::Decline(place) => self.decide(place, &[Asked::Requested, Asked::Approved], Asked::Over),
            Try::Receive { place, restock, write_off } => self.receive(place, restock, write_off),
            Try::Hold => {
                let can = is_open && !self.on_hold && is_any_open;
                self.on_hold |= can;
                can
            }
            Try::Release => {
                let can = is_open && self.on_hold;
                self.on_hold &= !can;
                can
            }
        }
    }

    fn pack(&mut self, parcel: [u32; LINES]) {
        for (line, units) in self.lines.iter_mut().zip(parcel) {
            line.shipped += units;
        }
        self.parcels.push((parcel, false));
    }

    fn deliver(&mut self, place: usize, is_open: bool) -> bool {
        let Some((parcel, arrived)) = self.parcels.get_mut(place).filter(|(_, arrived)| is_open && !arrived)
        else {
            return false;
        };
        *arrived = true;
        for (line, units) in self.lines.iter_mut().zip(*parcel) {
            line.delivered += units;
        }
        true
    }

    fn may_return(&self) -> bool {
        self.status() != OrderStatus::Cancelled
    }

    fn returnable(&self, line: usize) -> u32 {
        let under_way = self.returns.iter().filter(|(of, _, state)| *of == line && *state != Asked::Over);
        let units = self.lines[line];
        units.delivered - units.returned - under_way.map(|(_, units, _)| units).sum::<u32>()
    }

    fn decide(&mut self, place: usize, from: &[Asked], to: Asked) -> bool {
        let may = self.may_return();
        match self.returns.get_mut(place).filter(|(_, _, state)| may && from.contains(state)) {
            Some((_, _, state)) => {
                *state = to;
                true
            }
            None => false,
        }
    }

    fn receive(&mut self, place: usize, restock: u32, write_off: u32) -> bool {
        let may = self.may_return() && restock + write_off > 0;
        let found = self.returns.get_mut(place);
        let found =
            found.filter(|(_, most, state)| may && *state == Asked::Approved && restock + write_off <= *most);
        let Some((line, _, state)) = found else { return false };
        *state = Asked::Over;
        self.lines[*line].returned += restock + write_off;
        self.lines[*line].restocked += restock;
        true
    }
}

/// A confirmed order of these quantities, and its book.
fn confirmed(quantities: [u32; LINES]) -> (Order, Book) {
    let line = |quantity: u32| RequestedLine {
        product_id: ProductId::new(),
        quantity: quantity.try_into().unwrap(),
    };
    let draft =
        OrderDraft::parse(NewOrder::of_many(CustomerId::new(), quantities.map(line).to_vec())).unwrap();
    let at = Timestamp::from_millis(0);
    let order = draft.into_pending(OrderId::new(), "someone".into(), at, &HashMap::new());
    let item = |line: RequestedLine| ReservedItem {
        product_id: line.product_id,
        quantity: line.quantity.get(),
        sku: "A-1".parse().unwrap(),
        name: "A thing".into(),
        unit_price_minor: 150,
    };
    let items = order.requested_lines().into_iter().map(item).collect();
    let reserved = Event::Reserved { currency: Currency::EUR, items };
    let order = apply(&order, reserved, &Cause::new("order-service", Hand::Staff, at)).unwrap();
    let lines = quantities.map(|quantity| Units { quantity, ..Units::default() });
    (order, Book { lines, parcels: Vec::new(), returns: Vec::new(), on_hold: false })
}

/// The event of a try; a part that is not there gets an identity of nobody.
fn event(order: &Order, what: &Try) -> Event {
    let line = |line: usize, units: u32| RequestedLine {
        product_id: order.lines[line].product_id,
        quantity: units.try_into().unwrap(),
    };
    let nobody = MovementId::new().uuid();
    let returned = |place: usize| order.returns.get(place).map_or(nobody, |found| found.id.uuid());
    match *what {
        Try::Cancel(place, units) => Event::Cancel { lines: Some(vec![line(place, units)]) },
        Try::CancelAll => Event::Cancel { lines: None },
        Try::Ship(place, units) => {
            Event::Ship(NewFulfillment { lines: Some(vec![line(place, units)]), ..NewFulfillment::default() })
        }
        Try::ShipAll => Event::Ship(NewFulfillment::default()),
        Try::Deliver(place) => {
            let id = order.fulfillments.get(place).map_or(nobody, |parcel| parcel.id.uuid());
            Event::Deliver { id: common::ids::Id::from_uuid(id) }
        }
        Try::Ask(place, units) => {
            let RequestedLine { product_id, quantity } = line(place, units);
            Event::RequestReturn { lines: vec![NewReturnLine { product_id, quantity, reason: None }] }
        }
        Try::Approve(place) => Event::ApproveReturn { id: common::ids::Id::from_uuid(returned(place)) },
        Try::Decline(place) => Event::DeclineReturn { id: common::ids::Id::from_uuid(returned(place)) },
        Try::Receive { place, restock, write_off } => {
            let product_id =
                order.returns.get(place).map_or_else(ProductId::new, |found| found.lines[0].product_id);
            let lines = vec![ReceivedLine { product_id, restock, write_off }];
            Event::ReceiveReturn { id: common::ids::Id::from_uuid(returned(place)), lines, location_id: None }
        }
        Try::Hold => Event::Hold,
        Try::Release => Event::Release,
    }
}

/// What all effects together do to a product: units on hand and units reserved.
fn owed(order: &Order, product: ProductId) -> (i64, i64) {
    let mut sums = (0, 0);
    for effect in &order.effects {
        for line in effect.lines.iter().filter(|line| line.product_id == product) {
            let units = i64::from(line.quantity.get());
            match effect.kind {
                EffectKind::Release => sums.1 -= units,
                EffectKind::Shipment => sums = (sums.0 - units, sums.1 - units),
                EffectKind::Return => sums.0 += units,
            }
        }
    }
    sums
}

fn assert_agrees(order: &Order, book: &Book) {
    for (line, kept) in order.lines.iter().zip(&book.lines) {
        let units = Units {
            quantity: line.quantity,
            cancelled: line.cancelled,
            shipped: line.shipped,
            delivered: line.delivered,
            returned: line.returned,
            restocked: line.restocked,
        };
        assert_eq!(units, *kept);
        // The reservation and the effects leave reserved what is open, and on hand what was not shipped or came back.
        let (on_hand, reserved) = owed(order, line.product_id);
        assert_eq!(i64::from(kept.quantity) + reserved, i64::from(kept.open()));
        assert_eq!(on_hand, i64::from(kept.restocked) - i64::from(kept.shipped));
    }
    assert_eq!((order.status, order.fulfillment_status), (book.status(), book.fulfillment_status()));
    assert_eq!(order.hold.is_some(), book.on_hold);
    assert_eq!((order.fulfillments.len(), order.returns.len()), (book.parcels.len(), book.returns.len()));
    let total = book.sum(|line| line.quantity - line.cancelled) * 150;
    assert_eq!(order.total_minor, Some(i64::from(total)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn an_order_moves_exactly_as_its_book_says(
        quantities in [1..6_u32, 1..6, 1..6],
        tries in prop::collection::vec(tries(), 1..40),
    ) {
        let (mut order, mut book) = confirmed(quantities);
        for (number, what) in tries.iter().enumerate() {
            let cause = Cause::new("someone", Hand::Staff, Timestamp::from_millis(i64::try_from(number).unwrap()));
            let moved = apply(&order, event(&order, what), &cause);
            let can = book.attempt(what);
            prop_assert_eq!(moved.is_ok(), can, "{:?}: {:?}", what, moved.err());
            if let Ok(next) = moved {
                prop_assert_eq!(next.version, order.version + 1);
                prop_assert_eq!(next.history.len(), order.history.len() + 1);
                order = next;
            }
            assert_agrees(&order, &book);
            prop_assert!(order.effects.iter().all(|effect| effect.state == EffectState::Due));
        }
    }
}
