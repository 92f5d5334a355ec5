//! What is done with an order after it was placed.

use crate::desk::Desk;
use crate::desk::words::WantedLine;
use anyhow::{Context as _, bail, ensure};
use common::ids::{FulfillmentId, OrderId};
use common::models::fulfillment::{Carrier, NewFulfillment, TrackingNumber, TrackingUrl};
use common::models::location::LocationId;
use common::models::order::{Order, RequestedLine};
use common::models::order_change::{Cancellation, CancellationReason, ChangeNote, Remark};
use oms_client::{Client, MoveOptions};

#[derive(Debug, clap::Args)]
pub(super) struct ShipArguments {
    order: OrderId,
    /// What is in the parcel, SKU=UNITS; all that is open where none is given.
    #[arg(long = "line")]
    lines: Vec<WantedLine>,
    #[arg(long)]
    carrier: Option<Carrier>,
    #[arg(long)]
    tracking_number: Option<TrackingNumber>,
    #[arg(long)]
    tracking_url: Option<TrackingUrl>,
    /// The place that it leaves; where the units are reserved if it is left out.
    #[arg(long)]
    from: Option<LocationId>,
    /// Names the intention: asking again with the same key does nothing more.
    #[arg(long)]
    key: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct HoldArguments {
    order: OrderId,
    /// Why, for whoever looks at the order.
    #[arg(long)]
    note: Option<ChangeNote>,
}

fn keyed(key: Option<&str>) -> MoveOptions<'_> {
    MoveOptions { key, if_version: None }
}

pub(super) async fn cancel(
    client: &Client,
    order: OrderId,
    lines: &[WantedLine],
    reason: Option<CancellationReason>,
    key: Option<&str>,
) -> anyhow::Result<Order> {
    let lines = lines_of(client, order, lines).await?;
    Ok(client.cancel_order_lines(order, &Cancellation { reason, lines }, keyed(key)).await?)
}

pub(super) async fn ship(desk: &Desk, client: &Client, wanted: ShipArguments) -> anyhow::Result<Order> {
    let parcel = NewFulfillment {
        lines: lines_of(client, wanted.order, &wanted.lines).await?,
        carrier: wanted.carrier,
        tracking_number: wanted.tracking_number,
        tracking_url: wanted.tracking_url,
        location_id: wanted.from,
    };
    let shipped = client.ship_order(wanted.order, &parcel, keyed(wanted.key.as_deref())).await?;
    if shipped.replayed {
        desk.output.remark("An earlier request with this key shipped it.");
    }
    Ok(shipped.value)
}

pub(super) async fn deliver(
    client: &Client,
    id: OrderId,
    parcel: Option<FulfillmentId>,
    all: bool,
) -> anyhow::Result<Order> {
    let order = client.order(id).await?;
    let under_way = order.fulfillments.iter().filter(|parcel| parcel.delivered_at.is_none());
    let under_way: Vec<FulfillmentId> = under_way.map(|parcel| parcel.id).collect();
    let arrived = match (parcel, under_way.as_slice()) {
        (Some(parcel), _) => vec![parcel],
        (None, []) => bail!("nothing of the order is under way"),
        (None, [_]) => under_way,
        (None, _) => {
            let ids: Vec<String> = under_way.iter().map(ToString::to_string).collect();
            ensure!(all, "several parcels are under way; name one, or say --all: {}", ids.join(", "));
            under_way
        }
    };
    let mut order = order;
    for parcel in arrived {
        let remark = Remark::default();
        order = client.deliver_fulfillment(id, parcel, &remark, MoveOptions::default()).await?;
    }
    Ok(order)
}

pub(super) async fn hold(client: &Client, wanted: HoldArguments) -> anyhow::Result<Order> {
    let remark = Remark { note: wanted.note };
    Ok(client.hold_order(wanted.order, &remark, MoveOptions::default()).await?)
}

pub(super) async fn release(client: &Client, wanted: HoldArguments) -> anyhow::Result<Order> {
    let remark = Remark { note: wanted.note };
    Ok(client.release_order(wanted.order, &remark, MoveOptions::default()).await?)
}

/// The lines as the order names them; `None` for all of it.
async fn lines_of(
    client: &Client,
    id: OrderId,
    wanted: &[WantedLine],
) -> anyhow::Result<Option<Vec<RequestedLine>>> {
    if wanted.is_empty() {
        return Ok(None);
    }
    let order = client.order(id).await?;
    let named = |WantedLine { product, quantity }: &WantedLine| {
        let is_named = |sku: Option<String>, id: String| sku.as_ref() == Some(product) || id == *product;
        let line = order
            .lines
            .iter()
            .find(|line| is_named(line.sku.as_ref().map(ToString::to_string), line.product_id.to_string()));
        let line = line.with_context(|| {
            format!("the order has no line of {product}; `oms orders show {id}` has them")
        })?;
        Ok(RequestedLine { product_id: line.product_id, quantity: *quantity })
    };
    wanted.iter().map(named).collect::<anyhow::Result<_>>().map(Some)
}
