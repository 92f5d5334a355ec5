//! Who and what rows of a file name: customers of customer-service, products of product-service, many in one call.

use common::http::peer::{Peer, PeerError};
use common::ids::{CustomerId, ProductId};
use common::models::lookup::{
    CustomersFound, CustomersWanted, MAX_NAMES, ProductFound, ProductsFound, ProductsWanted,
};
use common::models::order_import::{ImportedLine, ImportedOrder};
use common::text::{Email, Sku};
use quick_cache::sync::Cache;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Customers, and products, that are remembered from one batch of rows to the next.
const REMEMBERED: usize = 20_000;

/// The other services, and what they answered while one file is read; cheap to clone.
#[derive(Clone)]
pub struct Directory {
    customers: Peer,
    products: Peer,
    known_customers: Arc<Cache<Customer, CustomerId>>,
    known_products: Arc<Cache<Product, Arc<ProductFound>>>,
}

/// How a row names a customer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Customer {
    Id(CustomerId),
    EmailKey(String),
}

/// How a row names a product.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Product {
    Id(ProductId),
    Sku(Sku),
}

/// What the rows of a batch name, as far as it is there.
#[derive(Debug, Default)]
pub struct Known {
    customers: HashMap<Customer, CustomerId>,
    products: HashMap<Product, Arc<ProductFound>>,
}

impl Known {
    pub fn customer(&self, row: &ImportedOrder) -> Option<CustomerId> {
        self.customers.get(&customer_of(row)?).copied()
    }

    pub fn product(&self, line: &ImportedLine) -> Option<&ProductFound> {
        self.products.get(&product_of(line)?).map(|product| &**product)
    }
}

fn customer_of(row: &ImportedOrder) -> Option<Customer> {
    let by_email = || row.customer_email.as_ref().map(|email| Customer::EmailKey(email.key()));
    row.customer_id.map(Customer::Id).or_else(by_email)
}

fn product_of(line: &ImportedLine) -> Option<Product> {
    line.product_id.map(Product::Id).or_else(|| line.sku.clone().map(Product::Sku))
}

impl Directory {
    pub fn new(customers: Peer, products: Peer) -> Self {
        Self {
            customers,
            products,
            known_customers: Arc::new(Cache::new(REMEMBERED)),
            known_products: Arc::new(Cache::new(REMEMBERED)),
        }
    }

    /// With nothing remembered: what is said of a file is from the time in which it is read.
    pub fn afresh(&self) -> Self {
        Self::new(self.customers.clone(), self.products.clone())
    }

    /// Looks up what the rows name and is not remembered.
    pub async fn look_up<'a>(
        &self,
        rows: impl Iterator<Item = &'a ImportedOrder> + Clone,
    ) -> Result<Known, PeerError> {
        let (mut known, mut customers, mut products) = (Known::default(), HashMap::new(), HashSet::new());
        for row in rows {
            if let Some(customer) = customer_of(row) {
                match self.known_customers.get(&customer) {
                    Some(id) => drop(known.customers.insert(customer, id)),
                    None => drop(customers.insert(customer, row.customer_email.clone())),
                }
            }
            for product in row.lines.iter().filter_map(product_of) {
                match self.known_products.get(&product) {
                    Some(found) => drop(known.products.insert(product, found)),
                    None => drop(products.insert(product)),
                }
            }
        }
        let (customers, products) = (customers.into_iter().collect(), products.into_iter().collect());
        let (customers, products) =
            futures_util::future::try_join(self.find_customers(customers), self.find_products(products))
                .await?;
        known.customers.extend(customers);
        known.products.extend(products);
        Ok(known)
    }

    async fn find_customers(
        &self,
        wanted: Vec<(Customer, Option<Email>)>,
    ) -> Result<Vec<(Customer, CustomerId)>, PeerError> {
        let mut found = Vec::with_capacity(wanted.len());
        for names in wanted.chunks(MAX_NAMES) {
            let mut asked = CustomersWanted::default();
            for (name, email) in names {
                match name {
                    Customer::Id(id) => asked.ids.push(*id),
                    Customer::EmailKey(_) => asked.emails.extend(email.clone()),
                }
            }
            let answer: CustomersFound = self.customers.post("/internal/customers/find", &asked).await?;
            for customer in answer.customers {
                for name in [Customer::Id(customer.id), Customer::EmailKey(customer.email_key)] {
                    self.known_customers.insert(name.clone(), customer.id);
                    found.push((name, customer.id));
                }
            }
        }
        Ok(found)
    }

    async fn find_products(
        &self,
        wanted: Vec<Product>,
    ) -> Result<Vec<(Product, Arc<ProductFound>)>, PeerError> {
        let mut found = Vec::with_capacity(wanted.len());
        for names in wanted.chunks(MAX_NAMES) {
            let mut asked = ProductsWanted::default();
            for name in names {
                match name {
                    Product::Id(id) => asked.ids.push(*id),
                    Product::Sku(sku) => asked.skus.push(sku.clone()),
                }
            }
            let answer: ProductsFound = self.products.post("/internal/products/find", &asked).await?;
            for product in answer.products {
                let product = Arc::new(product);
                for name in [Product::Id(product.id), Product::Sku(product.sku.clone())] {
                    self.known_products.insert(name.clone(), product.clone());
                    found.push((name, product.clone()));
                }
            }
        }
        Ok(found)
    }
}
