use crate::protocol::{Action, ORDERS, Order, Placement, Rule, State};
use crate::protocol::{Ledger, Movement};
use stateright::{Checker as _, HasDiscoveries, Model as _, Property};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

/// What must hold in every state.
pub fn properties() -> Vec<Property<Placement>> {
    vec![
        Property::always("stock is never below zero", |model: &Placement, state: &State| {
            [&state.ledger.primary, &state.ledger.majority].iter().all(|ledger| model.available(ledger) >= 0)
        }),
        Property::always("no unit is given back twice", |_, state: &State| {
            let is_exact = |ledger: &Ledger| ledger.surplus == 0;
            is_exact(&state.ledger.primary) && is_exact(&state.ledger.majority)
        }),
        Property::always("a confirmed order has its stock", |_, state: &State| {
            every(state, |order, movement| order != Order::Confirmed || movement == Movement::Reservation)
        }),
        Property::always("a rejected order has none", |_, state: &State| {
            let holds = |movement| matches!(movement, Movement::Reservation | Movement::Released);
            every(state, |order, movement| order != Order::Rejected || !holds(movement))
        }),
        Property::always("the stock of a cancelled order is back when it says so", |_, state: &State| {
            every(state, |order, movement| order != Order::Released || movement == Movement::Released)
        }),
        Property::always("a movement has its order", |_, state: &State| {
            every(state, |order, movement| order != Order::Absent || movement == Movement::Absent)
        }),
        Property::always("an order that was answered 201 is there", |_, state: &State| {
            let is_there = |order| matches!(order, Order::Confirmed | Order::Cancelled | Order::Released);
            (0..ORDERS).all(|order| !state.told[order].created || is_there(state.orders.majority[order]))
        }),
        Property::always("an order that was answered 409 is never placed", |_, state: &State| {
            (0..ORDERS)
                .all(|order| !state.told[order].refused || state.orders.majority[order] == Order::Rejected)
        }),
    ]
}

fn every(state: &State, holds: impl Fn(Order, Movement) -> bool) -> bool {
    state
        .orders
        .majority
        .iter()
        .zip(&state.ledger.majority.movements)
        .all(|(order, movement)| holds(*order, *movement))
}

const AS_WRITTEN: Placement = Placement { stock: 1, failovers: 1, cancels: 1, without: None };

/// Explores the protocol without a rule until it finds the run that breaks this promise.
fn breaks(rule: Rule, promise: &'static str) {
    let model = Placement { without: Some(rule), ..AS_WRITTEN };
    let until = HasDiscoveries::AnyOf([promise].into());
    let checker = model.checker().finish_when(until).spawn_bfs().join();
    let run: Vec<Action> = checker.discovery(promise).expect("the rule is not needed").into_actions();
    println!(
        "without {rule:?}, after {} states: not \"{promise}\"\n    {run:?}",
        checker.unique_state_count()
    );
}

#[test]
fn as_written_every_promise_holds_in_every_state() {
    for (stock, failovers) in [(1, 1), (1, 2), (2, 1), (0, 1)] {
        let checker = Placement { stock, failovers, ..AS_WRITTEN }.checker().spawn_bfs().join();
        println!("stock {stock}, failovers {failovers}: {} states", checker.unique_state_count());
        checker.assert_properties();
    }
}

#[test]
fn an_order_reserved_before_a_majority_has_it_can_leave_stock_without_an_order() {
    breaks(Rule::ReserveOnlyWhatAMajorityHas, "a movement has its order");
}

#[test]
fn an_order_settled_by_a_movement_that_is_rolled_back_has_no_stock() {
    breaks(Rule::SettleByWhatAMajorityHas, "a confirmed order has its stock");
}

#[test]
fn an_answer_before_a_majority_has_the_outcome_can_be_taken_back() {
    breaks(Rule::AnswerWhatAMajorityHas, "an order that was answered 201 is there");
}

#[test]
fn a_refusal_that_is_not_recorded_can_be_reversed() {
    breaks(Rule::RecordRefusals, "an order that was answered 409 is never placed");
}

#[test]
fn an_order_that_expires_without_being_refused_can_keep_its_stock() {
    breaks(Rule::RefuseBeforeExpiring, "a rejected order has none");
}

#[test]
fn a_release_without_an_identity_can_give_stock_back_twice() {
    breaks(Rule::ReleaseByIdentity, "no unit is given back twice");
}

/// Every state that can be reached, the states that each follows, and the functions that do it.
#[derive(Default)]
struct Explored {
    states: Vec<State>,
    before: Vec<Vec<usize>>,
    functions: BTreeSet<(&'static str, &'static str)>,
}

fn explore(model: &Placement) -> Explored {
    let mut places = HashMap::new();
    let mut explored =
        Explored { states: model.init_states(), before: vec![Vec::new()], ..Explored::default() };
    places.insert(explored.states[0].clone(), 0);
    let mut current = 0;
    while current < explored.states.len() {
        for (action, next) in model.next_steps(&explored.states[current]) {
            explored.functions.extend(action.code());
            let place = *places.entry(next).or_insert_with_key(|next| {
                explored.states.push(next.clone());
                explored.before.push(Vec::new());
                explored.states.len() - 1
            });
            explored.before[place].push(current);
        }
        current += 1;
    }
    explored
}

#[test]
fn from_every_state_everything_can_still_settle() {
    let Explored { states, before, .. } = explore(&Placement { failovers: 2, ..AS_WRITTEN });
    let mut settles: Vec<bool> = states.iter().map(Placement::is_settled).collect();
    let mut waiting: Vec<usize> = (0..states.len()).filter(|place| settles[*place]).collect();
    while let Some(place) = waiting.pop() {
        for earlier in &before[place] {
            if !std::mem::replace(&mut settles[*earlier], true) {
                waiting.push(*earlier);
            }
        }
    }
    println!("{} states", states.len());
    let stuck: Vec<&State> =
        states.iter().zip(&settles).filter(|(_, ok)| !**ok).map(|(state, _)| state).collect();
    assert!(stuck.is_empty(), "{} states never settle, such as {:?}", stuck.len(), stuck.first());
}

#[test]
fn every_function_that_the_model_names_is_there() {
    let functions = explore(&AS_WRITTEN).functions;
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for (file, function) in functions {
        println!("{file}: {function}");
        let text = std::fs::read_to_string(crates.join(file)).unwrap();
        assert!(text.contains(&format!("fn {function}(")), "{file} has no function {function}");
    }
}
