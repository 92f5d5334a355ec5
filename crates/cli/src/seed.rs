//! Fills an empty shop with a small catalogue, stock and two customers.

use crate::access::AccessArguments;
use crate::shop::say::say;
use anyhow::Context as _;
use common::models::customer::{Customer, NewCustomer};
use common::models::product::{NewProduct, Product};
use common::money::Currency;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oms_client::Client;
use std::fmt;
use std::process::ExitCode;

/// Calls in flight: enough that a fresh shop is filled in a blink.
const CONCURRENCY: usize = 4;

#[derive(Debug, clap::Args)]
pub struct SeedArguments {
    #[command(flatten)]
    pub access: AccessArguments,
}

/// One article of Moor & Lantern, a shop that exists only here.
struct Article {
    sku: &'static str,
    name: &'static str,
    description: &'static str,
    price: &'static str,
    inventory: u32,
}

#[rustfmt::skip]
const CATALOGUE: [Article; 12] = [
    Article { sku: "ML-LAMP-01", name: "Harbour lantern", price: "48.00", inventory: 120,
        description: "Galvanised steel with a glass chimney and a carrying handle. Takes one E27 bulb, not included." },
    Article { sku: "ML-MUG-01", name: "Speckled stoneware mug", price: "16.50", inventory: 300,
        description: "Holds 350 ml. Glazed by hand, so no two are quite alike. Dishwasher safe." },
    Article { sku: "ML-MUG-02", name: "Enamel camping mug", price: "11.90", inventory: 250,
        description: "Holds 300 ml. Light, hard to break, and hot to the lips for the first minute." },
    Article { sku: "ML-BLAN-01", name: "Heather wool blanket", price: "89.00", inventory: 60,
        description: "130 by 180 cm, pure wool. Warm and a little scratchy for the first winter. Wash by hand." },
    Article { sku: "ML-NOTE-01", name: "Field notebook, dotted", price: "7.80", inventory: 500,
        description: "A6, 96 pages of 90 g paper that takes a fountain pen without bleeding through." },
    Article { sku: "ML-NOTE-02", name: "Linen desk diary", price: "24.00", inventory: 140,
        description: "A5, a week on two pages, undated. Lies flat from the first page on." },
    Article { sku: "ML-CAND-01", name: "Beeswax candles, pair", price: "12.40", inventory: 220,
        description: "Two dipped candles, 25 cm, about eight hours each. They smell of honey, faintly." },
    Article { sku: "ML-BAG-01", name: "Waxed canvas satchel", price: "119.00", inventory: 45,
        description: "Room for a 14-inch laptop and lunch. Sheds rain; marks easily, which is half of its charm." },
    Article { sku: "ML-SOAP-01", name: "Seaweed soap bar", price: "6.20", inventory: 400,
        description: "100 g, vegetable oils, coarse enough for gardeners' hands." },
    Article { sku: "ML-TEA-01", name: "Smoked black tea", price: "9.60", inventory: 350,
        description: "80 g of loose leaves, smoked over pine. A strong taste: try one cup before you buy three tins." },
    Article { sku: "ML-KNIF-01", name: "Folding bread knife", price: "34.50", inventory: 80,
        description: "Beech handle, 11 cm carbon steel blade that wants drying after use." },
    Article { sku: "ML-SOCK-01", name: "Walking socks", price: "18.00", inventory: 260,
        description: "Wool with a cushioned sole, sizes 39 to 42. Meant for boots, too thick for town shoes." },
];

/// Name, e-mail address and password of the demonstration accounts; the passwords are no secret.
const CUSTOMERS: [(&str, &str, &str); 2] = [
    ("Mara Lindqvist", "mara@shop.example", "demo-password-1"),
    ("Jonas Okafor", "jonas@shop.example", "demo-password-2"),
];

/// What stands in the shop after seeding.
#[derive(Clone, Debug)]
pub struct Seeded {
    pub products: Vec<Product>,
    pub customers: Vec<SeededCustomer>,
    /// How many of both were there already.
    pub replayed: usize,
}

/// A customer who can log in.
#[derive(Clone, Debug)]
pub struct SeededCustomer {
    pub customer: Customer,
    pub password: &'static str,
}

/// Runs `oms seed`.
pub async fn run(arguments: SeedArguments) -> anyhow::Result<ExitCode> {
    let client = arguments.access.client(|builder| builder)?;
    say(&seed(&client).await?.to_string());
    Ok(ExitCode::SUCCESS)
}

/// Creates what is not there yet; repeating it changes nothing. `client` is logged in as staff.
pub async fn seed(client: &Client) -> anyhow::Result<Seeded> {
    let products: Vec<_> = stream::iter(&CATALOGUE)
        .map(|article| create_product(client, article))
        .buffered(CONCURRENCY)
        .try_collect()
        .await?;
    let customers: Vec<_> = stream::iter(CUSTOMERS)
        .map(|(name, email, password)| create_customer(client, name, email, password))
        .buffered(CONCURRENCY)
        .try_collect()
        .await?;
    let replayed =
        products.iter().map(|(_, replayed)| replayed).chain(customers.iter().map(|(_, replayed)| replayed));
    Ok(Seeded {
        replayed: replayed.filter(|replayed| **replayed).count(),
        products: products.into_iter().map(|(product, _)| product).collect(),
        customers: customers.into_iter().map(|(customer, _)| customer).collect(),
    })
}

async fn create_product(client: &Client, article: &Article) -> anyhow::Result<(Product, bool)> {
    let product = NewProduct {
        description: Some(article.description.parse()?),
        currency: Some(Currency::EUR),
        inventory: Some(article.inventory.try_into()?),
        ..NewProduct::new(article.sku.parse()?, article.name.parse()?, article.price.parse()?)
    };
    let key = format!("seed-product-{}", article.sku);
    let created = client.create_product(&product, Some(&key)).await;
    let created = created.with_context(|| format!("create the product {}", article.sku))?;
    Ok((created.value, created.replayed))
}

async fn create_customer(
    client: &Client,
    name: &str,
    email: &str,
    password: &'static str,
) -> anyhow::Result<(SeededCustomer, bool)> {
    let customer =
        NewCustomer { email: email.parse()?, password: Some(password.parse()?), name: name.parse()? };
    let key = format!("seed-customer-{email}");
    let created = client.register_customer(&customer, Some(&key)).await;
    let created = created.with_context(|| format!("register the customer {email}"))?;
    Ok((SeededCustomer { customer: created.value, password }, created.replayed))
}

impl fmt::Display for Seeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} products:", self.products.len())?;
        for Product { id, name, price, currency, inventory, .. } in &self.products {
            // With all the decimals of the currency, which an amount from the wire has lost.
            let price =
                price.to_money(*currency).map_or(*price, |money| money.to_amount(*currency)).to_string();
            writeln!(f, "  {id}  {:<24} {price:>7} {currency}  {inventory:>4} in stock", name.as_str())?;
        }
        writeln!(f, "{} customers, for trying things out:", self.customers.len())?;
        for SeededCustomer { customer, password } in &self.customers {
            writeln!(
                f,
                "  {}  {:<24} {}  password {password}",
                customer.id,
                customer.name.as_str(),
                customer.email.as_str()
            )?;
        }
        match self.replayed {
            0 => f.write_str("All of them are new."),
            replayed => write!(f, "{replayed} of them were there already."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::models::product::ProductName;
    use common::money::Amount;
    use common::text::{Email, Password, Sku};
    use std::collections::HashSet;

    #[test]
    fn everything_in_the_catalogue_is_valid_and_no_sku_stands_twice() {
        let mut skus = HashSet::new();
        for article in &CATALOGUE {
            assert!(skus.insert(article.sku.parse::<Sku>().unwrap()));
            article.name.parse::<ProductName>().unwrap();
            let price = article.price.parse::<Amount>().unwrap().to_money(Currency::EUR).unwrap();
            assert!(price.minor() > 0 && article.inventory > 0);
        }
        for (_, email, password) in CUSTOMERS {
            email.parse::<Email>().unwrap();
            password.parse::<Password>().unwrap();
        }
    }
}
