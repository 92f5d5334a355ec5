//! What must have become of one order: its history is followed change by change with the plainest arithmetic there is.
//! Every change belongs to the wish whose key it carries, every move that was acknowledged is there once, and what
//! comes out are the order's quantities.

use super::heard::Heard;
use super::wish::{Intent, Step, Wish};
use common::ids::ProductId;
use common::models::fulfillment::Fulfillment;
use common::models::order::{HistoryEntry, NewOrder, Order, OrderEvent, RequestedLine};
use common::models::order_change::EditedLine;
use common::models::order_return::ReceivedLine;
use std::collections::{BTreeMap, HashMap};

/// The moves that were asked of one order, by their keys.
pub type Asked<'a> = HashMap<&'a str, (&'a Step, &'a Intent)>;

/// Holds an order and the whole of its history against what was asked of it.
pub fn reckon(
    placed: &NewOrder,
    order: &Order,
    history: &[HistoryEntry],
    asked: &Asked<'_>,
) -> Result<(), String> {
    let [OrderEvent::Placed, OrderEvent::Confirmed] =
        [0, 1].map(|place| history.get(place).map_or(OrderEvent::Noted, |entry| entry.event))
    else {
        return Err("was not placed and confirmed first".to_owned());
    };
    if i64::try_from(history.len()) != Ok(order.version) {
        return Err(format!("has {} changes at version {}", history.len(), order.version));
    }
    let mut reckoning = Reckoning::of(placed);
    let mut made: HashMap<&str, &HistoryEntry> = HashMap::new();
    for (version, entry) in (1..).zip(history).skip(2) {
        if entry.event == OrderEvent::EditRequested {
            reckoning.request_edit(version)?;
            continue;
        }
        let key = key_of(entry, order).ok_or_else(|| format!("{:?} carries no key", entry.event))?;
        let Some((step, intent)) = asked.get(key) else {
            return Err(format!("nobody asked for {:?} by {key}", entry.event));
        };
        if made.insert(key, entry).is_some() {
            return Err(format!("{key} is there twice"));
        }
        let began = match entry.event {
            OrderEvent::Edited | OrderEvent::EditRefused => reckoning.edit_requested.unwrap_or(version),
            _ => version,
        };
        check_version(intent, began - 1).map_err(|why| format!("{key} {why}"))?;
        reckoning.follow(step, entry, order).map_err(|why| format!("{key}: {why}"))?;
    }
    for (key, (step, intent)) in asked {
        check_answers(step, &intent.heard(), made.get(key).copied()).map_err(|why| format!("{key} {why}"))?;
    }
    reckoning.compare(order)
}

/// The key that a change carries: what was sent with it, where the order keeps it.
fn key_of<'a>(entry: &'a HistoryEntry, order: &'a Order) -> Option<&'a str> {
    match entry.event {
        OrderEvent::Shipped => parcel_of(entry, order)?.tracking_number.as_deref(),
        OrderEvent::ReturnRequested => {
            let asked = order.returns.iter().find(|asked| Some(asked.id) == entry.return_id)?;
            asked.lines.first()?.reason.as_deref()
        }
        _ => entry.note.as_deref(),
    }
}

fn parcel_of<'a>(entry: &HistoryEntry, order: &'a Order) -> Option<&'a Fulfillment> {
    order.fulfillments.iter().find(|parcel| Some(parcel.id) == entry.fulfillment_id)
}

/// A request that named a version changed that version.
fn check_version(intent: &Intent, from: i64) -> Result<(), String> {
    match &intent.wish {
        Wish::Move(wish) if wish.if_version.is_some_and(|version| version != from) => {
            Err(format!("asked for version {:?} and changed version {from}", wish.if_version))
        }
        _ => Ok(()),
    }
}

/// What was heard of a wish agrees with the change it made, or with there being none.
fn check_answers(step: &Step, heard: &[Heard], made: Option<&HistoryEntry>) -> Result<(), String> {
    let is_made = made.is_some_and(|entry| entry.event != OrderEvent::EditRefused);
    let is_refused = made.is_some() && !is_made;
    if heard.contains(&Heard::Moved) == is_made && heard.contains(&Heard::Refused) == is_refused {
        return Ok(());
    }
    let there =
        made.map_or_else(|| "is not there".to_owned(), |entry| format!("is there as {:?}", entry.event));
    Err(format!("({}) was answered {heard:?} and {there}", step.label()))
}

fn by_product(lines: &[RequestedLine]) -> BTreeMap<ProductId, u32> {
    lines.iter().map(|line| (line.product_id, line.quantity.get())).collect()
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
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
        self.quantity.saturating_sub(self.cancelled).saturating_sub(self.shipped)
    }
}

struct Reckoning {
    lines: BTreeMap<ProductId, Units>,
    is_held: bool,
    /// The version with which an edit began to wait for its stock.
    edit_requested: Option<i64>,
}

impl Reckoning {
    fn of(placed: &NewOrder) -> Self {
        let units = |line: &RequestedLine| Units { quantity: line.quantity.get(), ..Units::default() };
        let lines = placed.lines.iter().flatten().map(|line| (line.product_id, units(line)));
        Self { lines: lines.collect(), is_held: false, edit_requested: None }
    }

    fn request_edit(&mut self, version: i64) -> Result<(), String> {
        match self.edit_requested.replace(version) {
            None => Ok(()),
            Some(earlier) => Err(format!("the edits of versions {earlier} and {version} wait together")),
        }
    }

    fn follow(&mut self, step: &Step, entry: &HistoryEntry, order: &Order) -> Result<(), String> {
        match (step, entry.event) {
            (Step::Cancel(lines), OrderEvent::Cancelled) => {
                let lines = lines.clone().unwrap_or_else(|| self.open());
                self.add(&lines, |units| &mut units.cancelled);
                if self.open().is_empty() {
                    self.is_held = false;
                }
            }
            (Step::Edit(lines), OrderEvent::Edited) => {
                self.edit_requested = None;
                self.edit(lines);
            }
            (Step::Edit(_), OrderEvent::EditRefused) if self.edit_requested.is_some() => {
                self.edit_requested = None;
            }
            (Step::Ship { lines, .. }, OrderEvent::Shipped) if !self.is_held => {
                let lines = lines.clone().unwrap_or_else(|| self.open());
                let packed = parcel_of(entry, order).map(|parcel| by_product(&parcel.lines));
                if packed != Some(by_product(&lines)) {
                    return Err(format!("the parcel has not {lines:?}"));
                }
                self.add(&lines, |units| &mut units.shipped);
            }
            (Step::Deliver(id), OrderEvent::Delivered) if entry.fulfillment_id == Some(*id) => {
                let parcel = parcel_of(entry, order).ok_or("there is no such parcel")?;
                self.add(&parcel.lines, |units| &mut units.delivered);
            }
            (Step::ReceiveReturn(id, lines), OrderEvent::ReturnReceived) if entry.return_id == Some(*id) => {
                self.take_back(lines);
            }
            (Step::Hold, OrderEvent::Held) if !self.is_held => self.is_held = true,
            (Step::Release, OrderEvent::Released) if self.is_held => self.is_held = false,
            (Step::RequestReturn(_), OrderEvent::ReturnRequested) => {}
            (Step::ApproveReturn(id), OrderEvent::ReturnApproved)
            | (Step::DeclineReturn(id), OrderEvent::ReturnDeclined)
                if entry.return_id == Some(*id) => {}
            (_, event) => return Err(format!("{} became {event:?}", step.label())),
        }
        Ok(())
    }

    /// Everything that is neither cancelled nor shipped.
    fn open(&self) -> Vec<RequestedLine> {
        let open = |(product_id, units): (&ProductId, &Units)| {
            let quantity = units.open().try_into().ok()?;
            Some(RequestedLine { product_id: *product_id, quantity })
        };
        self.lines.iter().filter_map(open).collect()
    }

    fn add(&mut self, lines: &[RequestedLine], to: fn(&mut Units) -> &mut u32) {
        for line in lines {
            *to(self.lines.entry(line.product_id).or_default()) += line.quantity.get();
        }
    }

    fn edit(&mut self, lines: &[EditedLine]) {
        for line in lines {
            let units = self.lines.entry(line.product_id).or_default();
            units.quantity = units.cancelled + line.quantity;
        }
        self.lines.retain(|_, units| units.quantity > 0);
    }

    fn take_back(&mut self, lines: &[ReceivedLine]) {
        for line in lines {
            let units = self.lines.entry(line.product_id).or_default();
            units.returned += line.restock + line.write_off;
            units.restocked += line.restock;
        }
    }

    fn compare(&self, order: &Order) -> Result<(), String> {
        let lines: BTreeMap<ProductId, Units> = order
            .lines
            .iter()
            .map(|line| {
                let (quantity, cancelled, shipped) = (line.quantity, line.cancelled, line.shipped);
                let (delivered, returned, restocked) = (line.delivered, line.returned, line.restocked);
                (line.product_id, Units { quantity, cancelled, shipped, delivered, returned, restocked })
            })
            .collect();
        if lines != self.lines || order.lines.len() != lines.len() {
            return Err(format!("has {lines:?} after moves that come to {:?}", self.lines));
        }
        if order.hold.is_some() != self.is_held {
            return Err(format!("its hold is {:?} after moves that come to {}", order.hold, self.is_held));
        }
        if order.edit_pending || self.edit_requested.is_some() {
            return Err("an edit of it waits".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
