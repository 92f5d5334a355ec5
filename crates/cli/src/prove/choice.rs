//! What somebody wants of an order that they look at: something that it allows, and now and then anything at all.

use super::random::Random;
use super::wish::Step;
use common::ids::ProductId;
use common::models::location::LocationId;
use common::models::order::{Order, OrderLine, RequestedLine};
use common::models::order_change::EditedLine;
use common::models::order_return::{ReceivedLine, Return, ReturnStatus};

/// `None` where the order allows nothing. By the time that it is asked for others may have changed the order.
pub fn choose(order: &Order, products: &[ProductId], random: &mut Random) -> Option<Step> {
    if random.chance(10) {
        return Some(blindly(order, products, random));
    }
    let mut steps = goods(order, products, random);
    let on_its_way = order.fulfillments.iter().filter(|parcel| parcel.delivered_at.is_none());
    // Twice as likely as what delays an order, so that orders come to their end.
    steps.extend(on_its_way.flat_map(|parcel| [Step::Deliver(parcel.id), Step::Deliver(parcel.id)]));
    for asked in &order.returns {
        let step = next_of_return(asked, random);
        steps.extend(step.clone());
        steps.extend(step);
    }
    let returnable = some_units(order, |line| returnable(order, line), random);
    steps.extend(returnable.map(Step::RequestReturn));
    random.one_of(&steps).cloned()
}

/// What may be wanted of units that are neither cancelled nor shipped.
fn goods(order: &Order, products: &[ProductId], random: &mut Random) -> Vec<Step> {
    if order.lines.iter().all(|line| open(line) == 0) {
        return Vec::new();
    }
    if order.hold.is_some() {
        return vec![Step::Release, Step::Cancel(None)];
    }
    let from = random.chance(25).then(LocationId::main);
    let mut steps = vec![Step::Ship { lines: None, from: from.clone() }, Step::Cancel(None), Step::Hold];
    let part = some_units(order, open, random);
    steps.extend(part.map(|lines| Step::Ship { lines: Some(lines), from }));
    steps.extend(some_units(order, open, random).map(|lines| Step::Cancel(Some(lines))));
    if order.lines.iter().all(|line| line.shipped == 0) {
        steps.push(edit(order, products, random));
    }
    steps
}

/// Whatever the order's state.
fn blindly(order: &Order, products: &[ProductId], random: &mut Random) -> Step {
    let mut steps = vec![
        Step::Cancel(None),
        Step::Ship { lines: None, from: None },
        Step::Hold,
        Step::Release,
        edit(order, products, random),
    ];
    steps.extend(order.fulfillments.iter().map(|parcel| Step::Deliver(parcel.id)));
    steps.extend(order.returns.iter().map(|asked| Step::ApproveReturn(asked.id)));
    steps.extend(order.returns.iter().map(|asked| Step::DeclineReturn(asked.id)));
    random.one_of(&steps).cloned().unwrap_or(Step::Hold)
}

/// More, fewer or none of what is there, or a product that may be new to the order.
fn edit(order: &Order, products: &[ProductId], random: &mut Random) -> Step {
    let there: Vec<ProductId> = order.lines.iter().map(|line| line.product_id).collect();
    let mut lines: Vec<EditedLine> = Vec::new();
    for _ in 0..random.number(1..=2) {
        let shelf = if random.chance(60) { &there } else { products };
        let Some(product_id) = random.one_of(shelf).copied() else { continue };
        let quantity = if random.chance(15) { 0 } else { random.units(5) };
        if lines.iter().all(|line| line.product_id != product_id) {
            lines.push(EditedLine { product_id, quantity });
        }
    }
    Step::Edit(lines)
}

fn next_of_return(asked: &Return, random: &mut Random) -> Option<Step> {
    match asked.status {
        ReturnStatus::Requested if random.chance(20) => Some(Step::DeclineReturn(asked.id)),
        ReturnStatus::Requested => Some(Step::ApproveReturn(asked.id)),
        ReturnStatus::Approved if random.chance(10) => Some(Step::DeclineReturn(asked.id)),
        ReturnStatus::Approved => {
            let lines = asked.lines.iter().map(|line| {
                let arrived = random.units(line.quantity.get());
                let write_off = if random.chance(40) { random.units(arrived) } else { 0 };
                ReceivedLine { product_id: line.product_id, restock: arrived - write_off, write_off }
            });
            Some(Step::ReceiveReturn(asked.id, lines.collect()))
        }
        ReturnStatus::Declined | ReturnStatus::Received => None,
    }
}

/// Units of some lines, of those that there are; `None` where there are none.
fn some_units(
    order: &Order,
    there: impl Fn(&OrderLine) -> u32,
    random: &mut Random,
) -> Option<Vec<RequestedLine>> {
    let mut lines = Vec::new();
    for line in &order.lines {
        let most = there(line);
        if most > 0 && random.chance(70) {
            let quantity = random.units(most).try_into().ok()?;
            lines.push(RequestedLine { product_id: line.product_id, quantity });
        }
    }
    (!lines.is_empty()).then_some(lines)
}

/// Units that are neither cancelled nor shipped.
const fn open(line: &OrderLine) -> u32 {
    line.quantity.saturating_sub(line.cancelled).saturating_sub(line.shipped)
}

/// Units that are delivered and neither returned nor asked back for.
fn returnable(order: &Order, line: &OrderLine) -> u32 {
    let is_open = |asked: &&Return| matches!(asked.status, ReturnStatus::Requested | ReturnStatus::Approved);
    let asked = order.returns.iter().filter(is_open).flat_map(|asked| &asked.lines);
    let asked: u32 =
        asked.filter(|asked| asked.product_id == line.product_id).map(|asked| asked.quantity.get()).sum();
    line.delivered.saturating_sub(line.returned).saturating_sub(asked)
}
