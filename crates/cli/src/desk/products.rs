//! `oms products`.

use super::output::{Cell, Column, Page, Sheet, Tone};
use super::words::{moment, money, one_of, word};
use super::{Desk, DeskArguments, find};
use clap::Subcommand;
use common::models::category::CategoryPath;
use common::models::product::{
    NewProduct, Product, ProductChange, ProductDescription, ProductName, ProductStatus,
};
use common::models::product_details::Brand;
use common::money::{Amount, Currency};
use common::text::Sku;
use futures_util::{StreamExt as _, TryStreamExt as _};
use oms_client::{Client, ProductQuery};

const STATUSES: &[&str] = &["draft", "active", "archived"];
const SORTS: &[&str] = &["relevance", "newest", "price", "-price", "name", "-name"];

#[derive(Debug, clap::Args)]
pub struct ProductsArguments {
    #[command(subcommand)]
    command: ProductsCommand,
    #[command(flatten)]
    desk: DeskArguments,
}

#[derive(Debug, Subcommand)]
enum ProductsCommand {
    /// The catalogue; what is for sale where nothing else is said.
    List(ListArguments),
    /// One product, by sku or id.
    Show { product: String },
    /// Put a product into the catalogue.
    Create(CreateArguments),
    /// Change what a product costs, in its own currency.
    SetPrice { product: String, price: Amount },
    /// Take a product off sale; orders that name it keep it.
    Archive { product: String },
}

#[derive(Debug, clap::Args)]
struct ListArguments {
    /// Words of the name, the sku, the brand or the description.
    #[arg(long, short)]
    query: Option<String>,
    #[arg(long, value_parser = one_of::<ProductStatus>(STATUSES))]
    status: Option<ProductStatus>,
    /// With its branches, such as `home/kitchen`.
    #[arg(long)]
    category: Option<CategoryPath>,
    #[arg(long)]
    brand: Option<String>,
    /// Only what is available.
    #[arg(long)]
    in_stock: bool,
    #[arg(long, value_parser = SORTS.to_vec(), allow_hyphen_values = true)]
    sort: Option<String>,
    /// Most that are shown.
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

#[derive(Debug, clap::Args)]
struct CreateArguments {
    #[arg(long)]
    sku: Sku,
    #[arg(long)]
    name: ProductName,
    /// In major units, such as 16.50.
    #[arg(long)]
    price: Amount,
    #[arg(long, default_value = "EUR")]
    currency: Currency,
    #[arg(long)]
    description: Option<ProductDescription>,
    /// Units that are there at once.
    #[arg(long)]
    inventory: Option<u32>,
    #[arg(long)]
    category: Option<CategoryPath>,
    #[arg(long)]
    brand: Option<Brand>,
    /// Not for sale yet.
    #[arg(long)]
    draft: bool,
    /// Names the intention: asking again with the same key finds the same product.
    #[arg(long)]
    key: Option<String>,
}

/// Runs `oms products`.
pub async fn run(arguments: ProductsArguments) -> anyhow::Result<()> {
    let desk = Desk::open(arguments.desk)?;
    let client = desk.client().await?;
    let product = match arguments.command {
        ProductsCommand::List(list) => return show_list(&desk, &client, list).await,
        ProductsCommand::Show { product } => find::product(&client, &product).await?,
        ProductsCommand::Create(new) => create(&desk, &client, new).await?,
        ProductsCommand::SetPrice { product, price } => {
            let change = ProductChange { price: Some(price), ..ProductChange::default() };
            change_product(&client, &product, &change).await?
        }
        ProductsCommand::Archive { product } => {
            let change = ProductChange { status: Some(ProductStatus::Archived), ..ProductChange::default() };
            change_product(&client, &product, &change).await?
        }
    };
    desk.output.page(&page(&product), &product)
}

async fn show_list(desk: &Desk, client: &Client, list: ListArguments) -> anyhow::Result<()> {
    let wanted = ProductQuery {
        q: list.query,
        status: list.status,
        category: list.category,
        brand: list.brand,
        in_stock: list.in_stock.then_some(true),
        sort: list.sort,
        ..ProductQuery::default()
    };
    let found: Vec<Product> = client.all_products(&wanted).take(list.limit).try_collect().await?;
    desk.output.list(&sheet(&found), &found)
}

async fn create(desk: &Desk, client: &Client, new: CreateArguments) -> anyhow::Result<Product> {
    let product = NewProduct {
        description: new.description,
        currency: Some(new.currency),
        inventory: new.inventory.map(TryInto::try_into).transpose()?,
        category: new.category,
        brand: new.brand,
        status: new.draft.then_some(ProductStatus::Draft),
        ..NewProduct::new(new.sku, new.name, new.price)
    };
    let created = client.create_product(&product, new.key.as_deref()).await?;
    if created.replayed {
        desk.output.remark("An earlier request with this key made it.");
    }
    Ok(created.value)
}

/// Changes what was looked at, and nothing that somebody changed since.
async fn change_product(client: &Client, named: &str, change: &ProductChange) -> anyhow::Result<Product> {
    let before = find::product(client, named).await?;
    Ok(client.change_product(before.id, change, Some(before.version)).await?)
}

fn sheet(products: &[Product]) -> Sheet {
    let columns = vec![
        Column::left("sku"),
        Column::left("name"),
        Column::number("price"),
        Column::for_csv("currency"),
        Column::number("available"),
        Column::left("status"),
        Column::left("id"),
    ];
    let row = |product: &Product| {
        vec![
            product.sku.as_str().into(),
            product.name.as_str().into(),
            money(product.price, product.currency),
            product.currency.code().into(),
            available(product.inventory),
            status(product.status),
            product.id.to_string().into(),
        ]
    };
    Sheet::new(columns, products.iter().map(row).collect())
}

fn page(product: &Product) -> Page {
    let mut facts: Vec<(&'static str, Cell)> = vec![
        ("sku", product.sku.as_str().into()),
        ("name", product.name.as_str().into()),
        ("price", Cell::from(money(product.price, product.currency).to_string())),
        ("available", available(product.inventory)),
        ("status", status(product.status)),
        ("id", product.id.to_string().into()),
    ];
    if let Some(category) = &product.details.category {
        facts.push(("category", category.to_string().into()));
    }
    if let Some(brand) = &product.details.brand {
        facts.push(("brand", brand.as_str().into()));
    }
    if !product.description.is_empty() {
        facts.push(("description", product.description.as_str().into()));
    }
    facts.push(("created", moment(product.created_at)));
    facts.push(("changed", moment(product.updated_at)));
    Page { facts, sheets: Vec::new() }
}

fn status(status: ProductStatus) -> Cell {
    let tone = match status {
        ProductStatus::Active => Tone::Good,
        ProductStatus::Draft => Tone::Warn,
        ProductStatus::Archived => Tone::Plain,
    };
    Cell::toned(word(&status), tone)
}

pub(super) fn available(units: i64) -> Cell {
    Cell::toned(units.to_string(), if units <= 0 { Tone::Bad } else { Tone::Plain })
}
