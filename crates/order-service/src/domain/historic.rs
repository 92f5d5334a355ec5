//! An order of another system as one of this shop, with every rule about it kept.

use super::moves::quantities::{derive_statuses, total};
use super::order::{Change, FIRST_VERSION, Fingerprint, Line, Order, Origin};
use common::ids::{CustomerId, FulfillmentId, Id, OrderId, ProductId};
use common::models::fulfillment::Fulfillment;
use common::models::lookup::ProductFound;
use common::models::order::{FulfillmentStatus, MAX_LINES, OrderEvent, OrderStatus, RequestedLine};
use common::models::order_change::MAX_TAGS;
use common::models::order_import::{ImportedLine, ImportedOrder, OriginKind, StockUse};
use common::time::Timestamp;
use std::collections::HashSet;

/// How far the clock of the other system may be ahead of ours.
const CLOCKS_DIFFER_MS: i64 = 60_000;

/// What is wrong with a row: a JSON Pointer into it without the slash in front, and the rule.
pub type Broken = (String, String);

/// The identity that a row has when it is tried for the first time, the second time and so on: an order that got no
/// stock stays rejected for ever, and the next attempt is another order.
pub fn order_id(row: &ImportedOrder, attempt: u32) -> OrderId {
    let name = row.external_id.as_bytes();
    match attempt {
        0 => OrderId::derived(&[b"order.import", name]),
        _ => OrderId::derived(&[b"order.import", name, &attempt.to_be_bytes()]),
    }
}

/// Whom and what a row names, looked up.
#[derive(Clone, Debug)]
pub struct Named {
    pub customer_id: CustomerId,
    /// One for each line, in their order.
    pub products: Vec<ProductFound>,
}

/// A row that can be an order.
#[derive(Clone, Debug)]
pub struct Historic {
    row: ImportedOrder,
    named: Named,
    lines: Vec<Line>,
    fingerprint: Fingerprint,
    stock: StockUse,
}

/// Checks what a row says by itself.
pub fn check(row: &ImportedOrder, now: Timestamp) -> Result<(), Broken> {
    let broken = |field: &str, rule: &str| Err((field.to_owned(), rule.to_owned()));
    if row.customer_id.is_some() == row.customer_email.is_some() {
        return broken("customerId", "must stand, or customerEmail in its place");
    }
    if row.lines.is_empty() || row.lines.len() > MAX_LINES {
        return broken("lines", &format!("must have 1 to {MAX_LINES} entries, got {}", row.lines.len()));
    }
    for (place, line) in row.lines.iter().enumerate() {
        check_line(line).map_err(|(field, rule)| (format!("lines/{place}/{field}"), rule.to_owned()))?;
    }
    if row.tags.len() > MAX_TAGS {
        return broken("tags", &format!("must have at most {MAX_TAGS} entries"));
    }
    if matches!(row.status, Some(OrderStatus::Pending | OrderStatus::Rejected)) {
        return broken("status", "must be confirmed, cancelled or completed");
    }
    let times = [
        ("createdAt", Some(row.created_at)),
        ("shippedAt", row.shipped_at),
        ("deliveredAt", row.delivered_at),
    ];
    let mut before = Timestamp::from_millis(i64::MIN);
    for (field, at) in times.into_iter().filter_map(|(field, at)| Some((field, at?))) {
        if at < before {
            return broken(field, "must not be before what came before it");
        }
        if at > now.plus_millis(CLOCKS_DIFFER_MS) {
            return broken(field, "must not be in the future");
        }
        before = at;
    }
    Ok(())
}

fn check_line(line: &ImportedLine) -> Result<(), (&'static str, &'static str)> {
    if line.product_id.is_some() == line.sku.is_some() {
        return Err(("productId", "must stand, or sku in its place"));
    }
    if line.cancelled.checked_add(line.shipped).is_none_or(|gone| gone > line.quantity.get()) {
        return Err(("shipped", "must be with cancelled no more than the quantity"));
    }
    if line.delivered > line.shipped {
        return Err(("delivered", "must be no more than shipped"));
    }
    if line.returned > line.delivered {
        return Err(("returned", "must be no more than delivered"));
    }
    Ok(())
}

impl Historic {
    /// Puts a row that was checked together with what it names.
    pub fn parse(row: ImportedOrder, named: Named, stock: StockUse) -> Result<Self, Broken> {
        let mut seen: HashSet<ProductId> = HashSet::with_capacity(row.lines.len());
        let mut lines = Vec::with_capacity(row.lines.len());
        let counts_nothing = row.lines.iter().all(|line| line.cancelled == 0 && line.shipped == 0);
        for (place, (line, product)) in row.lines.iter().zip(&named.products).enumerate() {
            if !seen.insert(product.id) {
                let rule = "names a product that stands on an earlier line".to_owned();
                return Err((format!("lines/{place}/productId"), rule));
            }
            let money = line.unit_price.to_money(row.currency);
            let money = money.map_err(|rule| (format!("lines/{place}/unitPrice"), rule.to_string()))?;
            let quantity = line.quantity.get();
            let (cancelled, shipped, delivered) = match row.status {
                Some(OrderStatus::Cancelled) if counts_nothing => (quantity, 0, 0),
                Some(OrderStatus::Completed) if counts_nothing => (0, quantity, quantity),
                _ => (line.cancelled, line.shipped, line.delivered),
            };
            let asked = RequestedLine { product_id: product.id, quantity: line.quantity };
            lines.push(Line {
                cancelled,
                shipped,
                delivered,
                returned: line.returned.min(delivered),
                shipped_before: shipped,
                sku: Some(product.sku.clone()),
                name: Some(line.name.as_ref().map_or_else(|| product.name.clone(), ToString::to_string)),
                unit_price_minor: Some(money.minor()),
                ..Line::new(&asked)
            });
        }
        let is_open = lines.iter().any(|line| line.open() > 0);
        let fingerprint = fingerprint(&row, stock)?;
        // An order of which nothing is open has nothing to reserve, whatever is asked: it is history.
        let stock = if is_open { stock } else { StockUse::None };
        let historic = Self { row, named, lines, fingerprint, stock };
        historic.check_status()?;
        Ok(historic)
    }

    fn check_status(&self) -> Result<(), Broken> {
        let order = self.settled(OrderId::from_uuid(self.fingerprint.uuid()), "", Timestamp::from_millis(0));
        if total(&order).is_none() {
            return Err(("lines".to_owned(), "add up to more than this system holds".to_owned()));
        }
        match self.row.status {
            Some(status) if status != order.status => {
                let rule = format!("is not what the lines count, which is {}", name_of(order.status));
                Err(("status".to_owned(), rule))
            }
            _ => Ok(()),
        }
    }

    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    pub fn order_id(&self, attempt: u32) -> OrderId {
        order_id(&self.row, attempt)
    }

    /// The order as it is recorded: as it stands, or where it needs stock, pending until that is decided.
    pub fn order(&self, id: OrderId, actor: &str, now: Timestamp) -> Order {
        let order = self.settled(id, actor, now);
        if self.stock == StockUse::None {
            return order;
        }
        Order {
            status: OrderStatus::Pending,
            total_minor: None,
            // It waits since now, whenever it was created elsewhere.
            created_at: now,
            origin: order.origin.map(|origin| Origin { created_at: Some(order.created_at), ..origin }),
            ..order
        }
    }

    fn settled(&self, id: OrderId, actor: &str, now: Timestamp) -> Order {
        let row = &self.row;
        let mut tags = row.tags.clone();
        tags.sort_unstable();
        tags.dedup();
        let mut order = Order {
            id,
            customer_id: self.named.customer_id,
            status: OrderStatus::Confirmed,
            fulfillment_status: FulfillmentStatus::Unfulfilled,
            version: FIRST_VERSION,
            lines: self.lines.clone(),
            currency: Some(row.currency),
            total_minor: None,
            rejections: Vec::new(),
            shipping_address: row.shipping_address.clone().map(Box::new),
            billing_address: row.billing_address.clone().map(Box::new),
            note: row.note.clone(),
            external_id: Some(row.external_id.clone()),
            metadata: row.metadata.clone(),
            hold_id: None,
            fulfillments: self.fulfillments(id),
            returns: Vec::new(),
            hold: None,
            tags,
            notes: Vec::new(),
            edit: None,
            edits: Vec::new(),
            fingerprint: self.fingerprint,
            effects: Vec::new(),
            pruned_effects: 0,
            origin: Some(Origin { kind: OriginKind::Import, stock: self.stock, created_at: None }),
            history: vec![Change::new(now, actor.to_owned(), OrderEvent::Imported)],
            created_at: row.created_at,
            updated_at: now,
        };
        order.total_minor = total(&order).map(|sum| sum.minor());
        derive_statuses(&mut order);
        order
    }

    /// The parcel that has arrived and the one that is on its way, so that it can be delivered.
    fn fulfillments(&self, id: OrderId) -> Vec<Fulfillment> {
        let shipped_at = self.row.shipped_at.unwrap_or(self.row.created_at);
        let delivered_at = self.row.delivered_at.unwrap_or(shipped_at);
        let parcel = |name: &[u8], units: fn(&Line) -> u32, delivered_at| {
            let packed = |line: &Line| {
                let quantity = units(line).try_into().ok()?;
                Some(RequestedLine { product_id: line.product_id, quantity })
            };
            let lines: Vec<RequestedLine> = self.lines.iter().filter_map(packed).collect();
            let id: FulfillmentId = Id::derived(&[b"imported fulfillment", id.as_bytes(), name]);
            let parcel = Fulfillment {
                id,
                lines,
                carrier: None,
                tracking_number: None,
                tracking_url: None,
                location_id: None,
                shipped_at,
                delivered_at,
            };
            Some(parcel).filter(|parcel| !parcel.lines.is_empty())
        };
        let arrived = parcel(b"arrived", |line| line.delivered, Some(delivered_at));
        let on_its_way = parcel(b"on its way", |line| line.shipped.saturating_sub(line.delivered), None);
        arrived.into_iter().chain(on_its_way).collect()
    }
}

/// Equal for equal rows that are to do the same to stock.
fn fingerprint(row: &ImportedOrder, stock: StockUse) -> Result<Fingerprint, Broken> {
    let row = serde_json::to_vec(row).map_err(|cause| (String::new(), cause.to_string()))?;
    Ok(Fingerprint::derived(&[b"order.import", &row, stock.as_str().as_bytes()]))
}

const fn name_of(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::Pending => "pending",
        OrderStatus::Confirmed => "confirmed",
        OrderStatus::Rejected => "rejected",
        OrderStatus::Cancelled => "cancelled",
        OrderStatus::Completed => "completed",
    }
}

#[cfg(test)]
mod tests;
