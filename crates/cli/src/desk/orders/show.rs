//! Orders as tables.

use crate::desk::output::{Cell, Column, Page, Sheet, Tone};
use crate::desk::words::{moment, money, seconds, word};
use common::models::fulfillment::Fulfillment;
use common::models::order::{FulfillmentStatus, Order, OrderLine, OrderStatus};
use common::models::order_return::Return;

pub fn orders_sheet(orders: &[Order]) -> Sheet {
    let columns = vec![
        Column::left("id"),
        Column::left("placed"),
        Column::left("status"),
        Column::left("fulfilment"),
        Column::number("units"),
        Column::number("total"),
        Column::for_csv("currency"),
        Column::left("customer"),
    ];
    let row = |order: &Order| {
        let units: u64 = order.lines.iter().map(|line| u64::from(line.quantity)).sum();
        vec![
            order.id.to_string().into(),
            moment(order.created_at),
            status(order),
            fulfillment(order),
            units.to_string().into(),
            amount(order),
            order.currency.map(|currency| currency.code()).unwrap_or_default().into(),
            order.customer_id.to_string().into(),
        ]
    };
    Sheet::new(columns, orders.iter().map(row).collect())
}

pub fn order_page(order: &Order) -> Page {
    let mut facts: Vec<(&'static str, Cell)> = vec![
        ("id", order.id.to_string().into()),
        ("status", status(order)),
        ("fulfilment", fulfillment(order)),
        ("customer", order.customer_id.to_string().into()),
        ("total", Cell::from(amount(order).to_string())),
        ("placed", moment(order.created_at)),
        ("changed", moment(order.updated_at)),
        ("version", order.version.to_string().into()),
    ];
    if let Some(hold) = &order.hold {
        let note = hold.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        facts.push(("on hold", Cell::toned(format!("since {}{note}", seconds(hold.at)), Tone::Warn)));
    }
    if order.edit_pending {
        facts.push(("edit", Cell::toned("waits for its stock", Tone::Warn)));
    }
    if let Some(external_id) = &order.external_id {
        facts.push(("external id", external_id.as_str().into()));
    }
    if let Some(note) = &order.note {
        facts.push(("note", note.as_str().into()));
    }
    if !order.tags.is_empty() {
        facts.push(("tags", order.tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>().join(", ").into()));
    }
    for rejection in &order.rejections {
        let product = rejection.product_id.map(|id| format!(" {id}")).unwrap_or_default();
        let code = word(&rejection.code).replace('_', " ");
        facts.push(("rejected", Cell::toned(format!("{code}{product}"), Tone::Bad)));
    }
    let sheets = vec![
        ("Lines", lines_sheet(order)),
        ("Parcels", parcels_sheet(&order.fulfillments)),
        ("Returns", returns_sheet(&order.returns)),
    ];
    Page { facts, sheets }
}

/// Its total, once that is known.
pub fn amount(order: &Order) -> Cell {
    let total = order.total.zip(order.currency);
    total.map_or_else(|| "".into(), |(total, currency)| money(total, currency))
}

pub fn status(order: &Order) -> Cell {
    let tone = match order.status {
        OrderStatus::Pending => Tone::Warn,
        OrderStatus::Confirmed | OrderStatus::Completed => Tone::Good,
        OrderStatus::Rejected => Tone::Bad,
        OrderStatus::Cancelled => Tone::Plain,
    };
    Cell::toned(word(&order.status), tone)
}

pub fn fulfillment(order: &Order) -> Cell {
    let tone = match order.fulfillment_status {
        FulfillmentStatus::Unfulfilled => Tone::Plain,
        FulfillmentStatus::PartiallyFulfilled | FulfillmentStatus::Fulfilled => Tone::Warn,
        FulfillmentStatus::Delivered => Tone::Good,
    };
    Cell::toned(word(&order.fulfillment_status), tone)
}

fn lines_sheet(order: &Order) -> Sheet {
    let columns = vec![
        Column::left("sku"),
        Column::left("name"),
        Column::number("units"),
        Column::number("cancelled"),
        Column::number("shipped"),
        Column::number("delivered"),
        Column::number("returned"),
        Column::number("price"),
        Column::number("total"),
    ];
    let price = |amount: Option<common::money::Amount>| {
        amount.zip(order.currency).map_or_else(|| "".into(), |(amount, currency)| money(amount, currency))
    };
    let row = |line: &OrderLine| {
        let counts = [line.quantity, line.cancelled, line.shipped, line.delivered, line.returned];
        let mut row: Vec<Cell> = vec![
            line.sku.as_ref().map_or_else(|| line.product_id.to_string(), ToString::to_string).into(),
            line.name.as_deref().unwrap_or_default().into(),
        ];
        row.extend(counts.map(|count| Cell::from(count.to_string())));
        row.extend([price(line.unit_price), price(line.total)]);
        row
    };
    Sheet::new(columns, order.lines.iter().map(row).collect())
}

fn parcels_sheet(parcels: &[Fulfillment]) -> Sheet {
    let columns = vec![
        Column::left("parcel"),
        Column::number("units"),
        Column::left("shipped"),
        Column::left("delivered"),
        Column::left("carrier"),
        Column::left("tracking"),
        Column::left("from"),
    ];
    let row = |parcel: &Fulfillment| {
        let units: u64 = parcel.lines.iter().map(|line| u64::from(line.quantity.get())).sum();
        vec![
            parcel.id.to_string().into(),
            units.to_string().into(),
            moment(parcel.shipped_at),
            parcel.delivered_at.map_or_else(|| "".into(), moment),
            parcel.carrier.as_deref().unwrap_or_default().into(),
            parcel.tracking_number.as_deref().unwrap_or_default().into(),
            parcel.location_id.as_ref().map(ToString::to_string).unwrap_or_default().into(),
        ]
    };
    Sheet::new(columns, parcels.iter().map(row).collect())
}

fn returns_sheet(returns: &[Return]) -> Sheet {
    let columns = vec![
        Column::left("return"),
        Column::left("status"),
        Column::number("units"),
        Column::left("asked for"),
    ];
    let row = |found: &Return| {
        let units: u64 = found.lines.iter().map(|line| u64::from(line.quantity.get())).sum();
        vec![
            found.id.to_string().into(),
            word(&found.status).into(),
            units.to_string().into(),
            moment(found.requested_at),
        ]
    };
    Sheet::new(columns, returns.iter().map(row).collect())
}
