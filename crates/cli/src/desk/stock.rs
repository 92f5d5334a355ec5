//! `oms stock`.

use super::output::{Cell, Column, Page, Sheet, Tone};
use super::products::available;
use super::words::{moment, word};
use super::{Desk, DeskArguments, find};
use clap::Subcommand;
use common::ids::ProductId;
use common::models::inventory::{Explanation, Inventory, LowStock, Movement, NewReceipt, NewTransfer};
use common::models::location::LocationId;
use common::models::order::Quantity;
use common::models::product::{AdjustmentReason, NewAdjustment, SetInventory};
use futures_util::{StreamExt as _, TryStreamExt as _};
use oms_client::Client;
use std::str::FromStr;

#[derive(Debug, clap::Args)]
pub struct StockArguments {
    #[command(subcommand)]
    command: StockCommand,
    #[command(flatten)]
    desk: DeskArguments,
}

/// A whole number of units, 1 or more.
#[derive(Clone, Copy, Debug)]
struct UnitsArgument(Quantity);

impl FromStr for UnitsArgument {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let units: Option<u32> = text.parse().ok();
        let rule = || format!("must be a whole number from 1 to {}", Quantity::MAX);
        units.and_then(|units| units.try_into().ok()).map(Self).ok_or_else(rule)
    }
}

#[derive(Debug, Subcommand)]
enum StockCommand {
    /// What is there of a product, by place.
    Show { product: String },
    /// Say how many units are available; on hand moves by the difference.
    Set {
        product: String,
        units: u32,
        /// At this place alone.
        #[arg(long)]
        at: Option<LocationId>,
        /// Only if so many are available now.
        #[arg(long)]
        expected: Option<u32>,
    },
    /// Add to what is on hand or take from it, such as -3 for breakage.
    Adjust {
        product: String,
        #[arg(allow_negative_numbers = true)]
        delta: i64,
        /// Why, for the ledger.
        #[arg(long)]
        reason: AdjustmentReason,
        #[arg(long)]
        at: Option<LocationId>,
        /// Names the intention: asking again with the same key does nothing more.
        #[arg(long)]
        key: Option<String>,
    },
    /// Units came in.
    Receive {
        product: String,
        units: UnitsArgument,
        /// The delivery note, say.
        #[arg(long)]
        reason: Option<AdjustmentReason>,
        #[arg(long)]
        at: Option<LocationId>,
        /// Names the intention: asking again with the same key does nothing more.
        #[arg(long)]
        key: Option<String>,
    },
    /// Units went from one place to another.
    Transfer {
        product: String,
        units: UnitsArgument,
        #[arg(long)]
        from: LocationId,
        #[arg(long)]
        to: LocationId,
        #[arg(long)]
        reason: Option<AdjustmentReason>,
        /// Names the intention: asking again with the same key does nothing more.
        #[arg(long)]
        key: Option<String>,
    },
    /// Why there are as many units as there are.
    Explain { product: String },
    /// What moved a product's stock, newest first.
    Movements {
        product: String,
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// The products that run out.
    Low {
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
}

/// Runs `oms stock`.
pub async fn run(arguments: StockArguments) -> anyhow::Result<()> {
    let desk = Desk::open(arguments.desk)?;
    let client = desk.client().await?;
    let named = async |product: &str| Ok::<_, anyhow::Error>(find::product(&client, product).await?.id);
    let replayed = |replayed: bool| {
        if replayed {
            desk.output.remark("An earlier request with this key did it.");
        }
    };
    let id = match arguments.command {
        StockCommand::Show { product } => named(&product).await?,
        StockCommand::Set { product, units, at, expected } => {
            let id = named(&product).await?;
            let expected_quantity = expected.map(TryInto::try_into).transpose()?;
            let set = SetInventory { quantity: units.try_into()?, expected_quantity, location_id: at };
            client.set_inventory(id, &set).await?;
            id
        }
        StockCommand::Adjust { product, delta, reason, at, key } => {
            let id = named(&product).await?;
            let adjustment = NewAdjustment { delta, reason, location_id: at };
            replayed(client.adjust_inventory(id, &adjustment, key.as_deref()).await?.replayed);
            id
        }
        StockCommand::Receive { product, units, reason, at, key } => {
            let id = named(&product).await?;
            let receipt = NewReceipt { quantity: units.0, location_id: at, reason };
            replayed(client.receive_stock(id, &receipt, key.as_deref()).await?.replayed);
            id
        }
        StockCommand::Transfer { product, units, from, to, reason, key } => {
            let id = named(&product).await?;
            let transfer = NewTransfer { from, to, quantity: units.0, reason };
            replayed(client.transfer_stock(id, &transfer, key.as_deref()).await?.replayed);
            id
        }
        StockCommand::Explain { product } => {
            let explanation = client.explain_stock(named(&product).await?, None, None).await?;
            return desk.output.page(&explanation_page(&explanation), &explanation);
        }
        StockCommand::Movements { product, limit } => {
            let id = named(&product).await?;
            let found: Vec<Movement> = client.all_stock_movements(id).take(limit).try_collect().await?;
            return desk.output.list(&movements_sheet(&found), &found);
        }
        StockCommand::Low { limit } => {
            let found: Vec<LowStock> = client.all_low_stock().take(limit).try_collect().await?;
            return desk.output.list(&low_sheet(&found), &found);
        }
    };
    show(&desk, &client, id).await
}

async fn show(desk: &Desk, client: &Client, id: ProductId) -> anyhow::Result<()> {
    let inventory = client.inventory(id).await?;
    desk.output.page(&inventory_page(&inventory), &inventory)
}

fn inventory_page(inventory: &Inventory) -> Page {
    let number = |units: i64| Cell::from(units.to_string());
    let mut facts = vec![
        ("product", inventory.product_id.to_string().into()),
        ("on hand", number(inventory.on_hand)),
        ("reserved", number(inventory.reserved)),
        ("available", available(inventory.available)),
        ("backordered", number(inventory.backordered)),
        ("incoming", number(inventory.incoming)),
    ];
    if let Some(threshold) = inventory.low_stock_threshold {
        let tone = if inventory.is_low { Tone::Bad } else { Tone::Good };
        let word = if inventory.is_low { "yes" } else { "no" };
        facts.push(("low", Cell::toned(format!("{word} ({threshold} or fewer)"), tone)));
    }
    let columns = ["on hand", "reserved", "available"].map(Column::number);
    let columns = [Column::left("place")].into_iter().chain(columns).collect();
    let rows = inventory.locations.iter().map(|place| {
        let units = [place.on_hand, place.reserved, place.available].map(number);
        [Cell::from(place.location_id.as_str())].into_iter().chain(units).collect()
    });
    Page { facts, sheets: vec![("", Sheet::new(columns, rows.collect()))] }
}

fn explanation_page(explanation: &Explanation) -> Page {
    let number = |units: i64| Cell::from(units.to_string());
    let adds_up = if explanation.adds_up {
        Cell::toned("yes", Tone::Good)
    } else {
        Cell::toned("no: `oms audit` looks closer", Tone::Bad)
    };
    let facts = vec![
        ("product", explanation.product_id.to_string().into()),
        ("on hand", number(explanation.on_hand)),
        ("reserved", number(explanation.reserved)),
        ("adds up", adds_up),
    ];
    let columns = |first, others: [&'static str; 3]| {
        [Column::left(first)].into_iter().chain(others.map(Column::number)).collect()
    };
    let kinds = explanation.kinds.iter().map(|kind| {
        let units = [kind.movements, kind.on_hand_delta, kind.reserved_delta].map(number);
        [Cell::from(word(&kind.kind))].into_iter().chain(units).collect()
    });
    let kinds = Sheet::new(columns("kind", ["movements", "on hand", "reserved"]), kinds.collect());
    let orders = explanation.orders.iter().map(|order| {
        let units = [order.reserved, order.shipped, order.movements].map(number);
        [Cell::from(order.order_id.to_string())].into_iter().chain(units).collect()
    });
    let orders = Sheet::new(columns("order", ["reserved", "shipped", "movements"]), orders.collect());
    let holds = explanation
        .holds
        .iter()
        .map(|hold| vec![hold.hold_id.to_string().into(), number(hold.reserved), moment(hold.expires_at)]);
    let columns = vec![Column::left("hold"), Column::number("reserved"), Column::left("until")];
    let holds = Sheet::new(columns, holds.collect());
    Page { facts, sheets: vec![("Movements", kinds), ("Orders", orders), ("Held for checkouts", holds)] }
}

fn movements_sheet(movements: &[Movement]) -> Sheet {
    let columns = vec![
        Column::left("at"),
        Column::left("kind"),
        Column::left("place"),
        Column::number("on hand"),
        Column::number("reserved"),
        Column::left("order"),
        Column::left("actor"),
        Column::left("reason"),
    ];
    // One row for each place that a movement touched.
    let rows = movements.iter().flat_map(|movement| {
        movement.lines.iter().map(move |line| {
            vec![
                moment(movement.at),
                word(&movement.kind).into(),
                line.location_id.as_str().into(),
                format!("{:+}", line.on_hand_delta).into(),
                format!("{:+}", line.reserved_delta).into(),
                movement.order_id.map(|id| id.to_string()).unwrap_or_default().into(),
                movement.actor.as_str().into(),
                movement.reason.as_deref().unwrap_or_default().into(),
            ]
        })
    });
    Sheet::new(columns, rows.collect())
}

fn low_sheet(low: &[LowStock]) -> Sheet {
    let columns = vec![
        Column::left("sku"),
        Column::left("name"),
        Column::number("available"),
        Column::number("incoming"),
        Column::number("threshold"),
        Column::left("since"),
    ];
    let row = |product: &LowStock| {
        vec![
            product.sku.as_str().into(),
            product.name.as_str().into(),
            available(product.available),
            product.incoming.to_string().into(),
            product.low_stock_threshold.to_string().into(),
            moment(product.since),
        ]
    };
    Sheet::new(columns, low.iter().map(row).collect())
}
