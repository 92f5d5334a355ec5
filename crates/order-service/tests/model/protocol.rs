//! The model: orders that compete for the units of one product, coordinators that may stop anywhere, databases that
//! may roll back what no majority has. Every action names the function that does it.

use stateright::{Model, Property};

/// Orders that compete; each wants one unit.
pub const ORDERS: usize = 2;

/// Requests under way: two carry the first order's key, one the second's.
const COORDINATORS: [usize; 3] = [0, 0, 1];

/// A rule of the protocol that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Nobody acts on a pending order that a failover can still roll back.
    ReserveOnlyWhatAMajorityHas,
    /// Nobody settles by a movement that a failover can still roll back.
    SettleByWhatAMajorityHas,
    /// Nobody is answered before a majority has the order's outcome.
    AnswerWhatAMajorityHas,
    /// An order without stock leaves a refusal in the ledger.
    RecordRefusals,
    /// An abandoned order is refused in the ledger before it is rejected.
    RefuseBeforeExpiring,
    /// A release is posted once, by its identity.
    ReleaseByIdentity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    Absent,
    Pending,
    Confirmed,
    Rejected,
    /// Cancelled; the release is due.
    Cancelled,
    /// Cancelled; the release is done.
    Released,
}

/// What the ledger holds of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Movement {
    Absent,
    Reservation,
    Refusal,
    /// The reservation and its release.
    Released,
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    Recording,
    Reading,
    Reserving,
    Settling,
    Answering,
    Ended,
}

/// A database: what its primary says, and what a majority has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Replicated<T> {
    pub primary: T,
    pub majority: T,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ledger {
    pub movements: [Movement; ORDERS],
    /// Units that were given back more often than they were taken.
    pub surplus: u8,
}

/// What clients were told of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Told {
    pub created: bool,
    pub refused: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub orders: Replicated<[Order; ORDERS]>,
    pub ledger: Replicated<Ledger>,
    pub told: [Told; ORDERS],
    requests: [Step; COORDINATORS.len()],
    failovers: u8,
    cancels: u8,
}

/// The number in an action is that of its request or of its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    OrdersReplicate,
    LedgerReplicates,
    OrdersFailOver,
    LedgerFailsOver,
    Record(usize),
    RecordAgain(usize),
    FindPending(usize),
    FindConfirmed(usize),
    FindRejected(usize),
    Reserve(usize),
    RefuseWithoutRecord(usize),
    HearOutcome(usize),
    Settle(usize),
    FindSettledByAnother(usize),
    AnswerCreated(usize),
    AnswerRefused(usize),
    SettleAgain(usize),
    LateReserve(usize),
    SweepRefuse(usize),
    SweepExpire(usize),
    SweepSettle(usize),
    Cancel(usize),
    Release(usize),
    ReleaseTwice(usize),
    MarkReleased(usize),
}

impl Action {
    /// The file and the function that does this; none for what the databases do, and for what the code must not.
    pub const fn code(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::OrdersReplicate
            | Self::LedgerReplicates
            | Self::OrdersFailOver
            | Self::LedgerFailsOver
            | Self::RefuseWithoutRecord(_)
            | Self::SweepExpire(_)
            | Self::ReleaseTwice(_) => return None,
            Self::Record(_) => ("order-service/src/store/orders.rs", "record"),
            Self::RecordAgain(_) | Self::FindSettledByAnother(_) => {
                ("order-service/src/workflows/place_order.rs", "wait_before_looking_again")
            }
            Self::FindPending(_) | Self::FindConfirmed(_) | Self::FindRejected(_) => {
                ("order-service/src/store/orders.rs", "find")
            }
            Self::Reserve(_) => ("order-service/src/workflows/placement.rs", "reserve_batch"),
            Self::HearOutcome(_) => ("order-service/src/workflows/place_order.rs", "decide"),
            Self::Settle(_) | Self::SettleAgain(_) => {
                ("order-service/src/workflows/placement.rs", "settle_batch")
            }
            Self::AnswerCreated(_) => ("order-service/src/routes/orders.rs", "place_order"),
            Self::AnswerRefused(_) => ("order-service/src/routes/errors.rs", "rejected"),
            Self::LateReserve(_) => ("product-service/src/store/ledger.rs", "post"),
            Self::SweepRefuse(_) => ("order-service/src/workflows/sweep.rs", "settle_abandoned"),
            Self::SweepSettle(_) => ("order-service/src/workflows/sweep.rs", "settle"),
            Self::Cancel(_) => ("order-service/src/workflows/change_order.rs", "change_order"),
            Self::Release(_) => ("order-service/src/workflows/deliver_effects.rs", "deliver"),
            Self::MarkReleased(_) => ("order-service/src/store/orders.rs", "mark_done"),
        })
    }
}

/// The protocol with some of its rules.
#[derive(Clone, Debug)]
pub struct Placement {
    pub stock: u8,
    pub failovers: u8,
    pub cancels: u8,
    pub without: Option<Rule>,
}

impl Placement {
    fn keeps(&self, rule: Rule) -> bool {
        self.without != Some(rule)
    }

    pub fn available(&self, ledger: &Ledger) -> i16 {
        let held = ledger.movements.iter().filter(|movement| **movement == Movement::Reservation).count();
        i16::from(self.stock) + i16::from(ledger.surplus) - i16::try_from(held).unwrap()
    }

    /// What a reservation that arrives now leaves in the ledger.
    fn reserved(&self, ledger: &Ledger, order: usize) -> Movement {
        match ledger.movements[order] {
            Movement::Absent if self.available(ledger) >= 1 => Movement::Reservation,
            Movement::Absent if self.keeps(Rule::RecordRefusals) => Movement::Refusal,
            recorded => recorded,
        }
    }

    /// The outcome of an order's reservation, as far as it may be relied on.
    fn outcome(&self, state: &State, order: usize) -> Movement {
        let relied_on = self.keeps(Rule::SettleByWhatAMajorityHas);
        let ledger = if relied_on { &state.ledger.majority } else { &state.ledger.primary };
        ledger.movements[order]
    }

    fn request_actions(&self, state: &State, request: usize, actions: &mut Vec<Action>) {
        let order = COORDINATORS[request];
        let (primary, durable) = (state.orders.primary[order], state.orders.majority[order]);
        let read = if self.keeps(Rule::ReserveOnlyWhatAMajorityHas) { durable } else { primary };
        match state.requests[request] {
            Step::Recording => actions.push(Action::Record(request)),
            Step::Reading => match (read, durable) {
                (Order::Absent, _) if primary == Order::Absent => actions.push(Action::RecordAgain(request)),
                (Order::Pending, _) => actions.push(Action::FindPending(request)),
                (_, Order::Confirmed | Order::Cancelled | Order::Released) => {
                    actions.push(Action::FindConfirmed(request));
                }
                (_, Order::Rejected) => actions.push(Action::FindRejected(request)),
                _ => {}
            },
            Step::Reserving => {
                let recorded = state.ledger.primary.movements[order];
                if self.reserved(&state.ledger.primary, order) != recorded {
                    actions.push(Action::Reserve(request));
                } else if recorded == Movement::Absent {
                    actions.push(Action::RefuseWithoutRecord(request));
                }
                if self.outcome(state, order) != Movement::Absent {
                    actions.push(Action::HearOutcome(request));
                }
            }
            Step::Settling if primary == Order::Pending && self.is_decided(state, order) => {
                actions.push(Action::Settle(request));
            }
            Step::Settling => actions.push(Action::FindSettledByAnother(request)),
            Step::Answering => {
                match if self.keeps(Rule::AnswerWhatAMajorityHas) { durable } else { primary } {
                    Order::Confirmed | Order::Cancelled | Order::Released => {
                        actions.push(Action::AnswerCreated(request));
                    }
                    Order::Rejected => actions.push(Action::AnswerRefused(request)),
                    _ if primary == Order::Pending => actions.push(Action::SettleAgain(request)),
                    _ => {}
                }
            }
            Step::Ended => {}
        }
    }

    fn is_decided(&self, state: &State, order: usize) -> bool {
        matches!(self.outcome(state, order), Movement::Reservation | Movement::Refusal)
    }

    fn order_actions(&self, state: &State, order: usize, actions: &mut Vec<Action>) {
        let (primary, durable) = (state.orders.primary[order], state.orders.majority[order]);
        let movement = state.ledger.primary.movements[order];
        if durable != Order::Absent && self.reserved(&state.ledger.primary, order) != movement {
            actions.push(Action::LateReserve(order));
        }
        if durable == Order::Pending {
            if !self.keeps(Rule::RefuseBeforeExpiring) {
                actions.extend((primary == Order::Pending).then_some(Action::SweepExpire(order)));
            } else if movement == Movement::Absent {
                actions.push(Action::SweepRefuse(order));
            }
            if primary == Order::Pending && self.is_decided(state, order) {
                actions.push(Action::SweepSettle(order));
            }
        }
        if state.cancels > 0 && (primary, durable) == (Order::Confirmed, Order::Confirmed) {
            actions.push(Action::Cancel(order));
        }
        if durable == Order::Cancelled {
            let again = !self.keeps(Rule::ReleaseByIdentity) && state.ledger.primary.surplus == 0;
            match movement {
                Movement::Reservation => actions.push(Action::Release(order)),
                Movement::Released if again => actions.push(Action::ReleaseTwice(order)),
                _ => {}
            }
            if state.ledger.majority.movements[order] == Movement::Released && primary == Order::Cancelled {
                actions.push(Action::MarkReleased(order));
            }
        }
    }

    /// What an order becomes by the outcome of its reservation.
    fn settled(&self, state: &State, order: usize) -> Order {
        if self.outcome(state, order) == Movement::Reservation { Order::Confirmed } else { Order::Rejected }
    }

    /// Nothing is under way: every order has heard its outcome, and every release is done.
    pub fn is_settled(state: &State) -> bool {
        let matches = |(order, movement): (&Order, &Movement)| {
            matches!(
                (order, movement),
                (Order::Absent, Movement::Absent)
                    | (Order::Confirmed, Movement::Reservation)
                    | (Order::Rejected, Movement::Refusal)
                    | (Order::Released, Movement::Released)
            )
        };
        state.orders.primary == state.orders.majority
            && state.ledger.primary == state.ledger.majority
            && state.orders.majority.iter().zip(&state.ledger.majority.movements).all(matches)
    }
}

impl Model for Placement {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let orders = [Order::Absent; ORDERS];
        let ledger = Ledger { movements: [Movement::Absent; ORDERS], surplus: 0 };
        vec![State {
            orders: Replicated { primary: orders, majority: orders },
            ledger: Replicated { primary: ledger.clone(), majority: ledger },
            told: [Told::default(); ORDERS],
            requests: [Step::Recording; COORDINATORS.len()],
            failovers: self.failovers,
            cancels: self.cancels,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let can_fail_over = state.failovers > 0;
        if state.orders.primary != state.orders.majority {
            actions.push(Action::OrdersReplicate);
            actions.extend(can_fail_over.then_some(Action::OrdersFailOver));
        }
        if state.ledger.primary != state.ledger.majority {
            actions.push(Action::LedgerReplicates);
            actions.extend(can_fail_over.then_some(Action::LedgerFailsOver));
        }
        for request in 0..COORDINATORS.len() {
            self.request_actions(state, request, actions);
        }
        for order in 0..ORDERS {
            self.order_actions(state, order, actions);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        let State { orders, ledger, told, requests, .. } = &mut next;
        match action {
            Action::OrdersReplicate => orders.majority = orders.primary,
            Action::LedgerReplicates => ledger.majority = ledger.primary.clone(),
            Action::OrdersFailOver => {
                orders.primary = orders.majority;
                next.failovers -= 1;
            }
            Action::LedgerFailsOver => {
                ledger.primary = ledger.majority.clone();
                next.failovers -= 1;
            }
            Action::Record(request) => {
                let order = &mut orders.primary[COORDINATORS[request]];
                if *order == Order::Absent {
                    *order = Order::Pending;
                }
                requests[request] = Step::Reading;
            }
            Action::RecordAgain(request) => requests[request] = Step::Recording,
            Action::FindPending(request) => requests[request] = Step::Reserving,
            Action::FindConfirmed(request) | Action::AnswerCreated(request) => {
                told[COORDINATORS[request]].created = true;
                requests[request] = Step::Ended;
            }
            Action::FindRejected(request)
            | Action::AnswerRefused(request)
            | Action::RefuseWithoutRecord(request) => {
                told[COORDINATORS[request]].refused = true;
                requests[request] = Step::Ended;
            }
            Action::Reserve(request) => {
                let order = COORDINATORS[request];
                ledger.primary.movements[order] = self.reserved(&last.ledger.primary, order);
            }
            Action::LateReserve(order) => {
                ledger.primary.movements[order] = self.reserved(&last.ledger.primary, order);
            }
            Action::HearOutcome(request) | Action::SettleAgain(request) => requests[request] = Step::Settling,
            Action::Settle(request) => {
                let order = COORDINATORS[request];
                orders.primary[order] = self.settled(last, order);
                requests[request] = Step::Answering;
            }
            Action::FindSettledByAnother(request) => requests[request] = Step::Reading,
            Action::SweepRefuse(order) => ledger.primary.movements[order] = Movement::Refusal,
            Action::SweepExpire(order) => orders.primary[order] = Order::Rejected,
            Action::SweepSettle(order) => orders.primary[order] = self.settled(last, order),
            Action::Cancel(order) => {
                orders.primary[order] = Order::Cancelled;
                next.cancels -= 1;
            }
            Action::Release(order) => ledger.primary.movements[order] = Movement::Released,
            Action::ReleaseTwice(_) => ledger.primary.surplus += 1,
            Action::MarkReleased(order) => orders.primary[order] = Order::Released,
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        super::placement::properties()
    }
}
