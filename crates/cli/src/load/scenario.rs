//! What the generator asks for: one request after the other, by scenario.

use super::world::World;
use bytes::Bytes;
use common::ids::OrderId;
use fastrand::Rng;
use hyper::Method;
use hyper::header::HeaderValue;
use std::fmt::Write as _;
use std::sync::Arc;

/// Of a thousand invoices with 1 to 20 lines, how many have one line, two, three, …: counted over the 9,384 such
/// invoices of the data set Online Retail (UCI Machine Learning Repository 352) up to August 2011.
const INVOICES_BY_LINES: [u32; 20] =
    [265, 56, 48, 47, 48, 42, 40, 40, 43, 37, 38, 32, 34, 36, 34, 39, 31, 28, 33, 29];

/// Orders of one page in the lists that are asked for.
const PAGE: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// Orders of one unit, over all products alike.
    PlaceUniform,
    /// Orders of one unit of one product.
    PlaceHot,
    /// Orders of 1 to 20 lines, as real invoices have them.
    PlaceBasket,
    /// The newest 20 orders of a customer.
    ListOrders,
    ReadOrder,
    ReadProduct,
    /// Products by a word of their name.
    Search,
    /// A shop's day: nine requests of ten read.
    Mixed,
}

impl Scenario {
    /// Whether it reads orders that must be there first.
    pub fn reads_orders(self) -> bool {
        matches!(self, Self::ListOrders | Self::ReadOrder | Self::Mixed)
    }
}

/// One request, ready but for its connection.
pub struct Wanted {
    pub method: Method,
    pub path: String,
    pub body: Bytes,
    pub authorization: Option<HeaderValue>,
    pub key: Option<String>,
}

impl Wanted {
    pub fn read(path: String, authorization: Option<HeaderValue>) -> Self {
        Self { method: Method::GET, path, body: Bytes::new(), authorization, key: None }
    }
}

/// Composes the requests of one connection; each connection has a clone of its own.
pub trait Compose: Clone + Send + 'static {
    /// `number` is told once in a drive.
    fn compose(&mut self, number: u64) -> Wanted;
}

/// Composes the requests of a scenario.
#[derive(Clone)]
pub struct Composer {
    pub world: Arc<World>,
    pub scenario: Scenario,
    /// Lines of every basket, in place of the distribution.
    pub lines: Option<u8>,
    /// Tells the keys of one drive from those of another.
    pub drive: String,
    pub rng: Rng,
}

impl Compose for Composer {
    fn compose(&mut self, number: u64) -> Wanted {
        match self.scenario {
            Scenario::Mixed => {
                let scenario = match self.rng.u8(..100) {
                    0..10 => Scenario::PlaceUniform,
                    10..60 => Scenario::ReadProduct,
                    60..70 => Scenario::Search,
                    70..85 => Scenario::ListOrders,
                    _ => Scenario::ReadOrder,
                };
                self.compose_one(scenario, number)
            }
            scenario => self.compose_one(scenario, number),
        }
    }
}

impl Composer {
    pub fn new(world: Arc<World>, scenario: Scenario, lines: Option<u8>) -> Self {
        Self { world, scenario, lines, drive: OrderId::new().to_string(), rng: Rng::new() }
    }

    fn authorization(&self, customer: usize) -> Option<HeaderValue> {
        Some(self.world.customers[customer].authorization.clone())
    }

    fn compose_one(&mut self, scenario: Scenario, number: u64) -> Wanted {
        let customer = self.rng.usize(..self.world.customers.len());
        match scenario {
            Scenario::PlaceHot => self.order(customer, number, &[0]),
            Scenario::PlaceBasket => {
                let products = self.basket();
                self.order(customer, number, &products)
            }
            Scenario::ListOrders => {
                let id = self.world.customers[customer].id;
                Wanted::read(format!("/customers/{id}/orders?limit={PAGE}"), self.authorization(customer))
            }
            Scenario::ReadOrder => {
                let (owner, order) = self.world.orders[self.rng.usize(..self.world.orders.len())];
                Wanted::read(format!("/orders/{order}"), self.authorization(owner))
            }
            Scenario::ReadProduct => {
                let product = self.product();
                // Nobody's requests would all count against the one address that they come from.
                Wanted::read(
                    format!("/products/{}", self.world.products[product]),
                    self.authorization(customer),
                )
            }
            Scenario::Search => {
                let word = self.rng.usize(..self.world.words.len());
                let path = format!("/products?limit={PAGE}&q={}", self.world.words[word]);
                Wanted::read(path, self.authorization(customer))
            }
            Scenario::PlaceUniform | Scenario::Mixed => {
                let product = self.product();
                self.order(customer, number, &[product])
            }
        }
    }

    fn product(&mut self) -> usize {
        self.rng.usize(..self.world.products.len())
    }

    /// Different products, as many as an invoice has lines.
    fn basket(&mut self) -> Vec<usize> {
        let wanted = self.lines.map_or_else(|| lines_of_an_invoice(&mut self.rng), usize::from);
        let wanted = wanted.min(self.world.products.len());
        let first = self.product();
        // A stride keeps them different without a set.
        let stride = 1 + self.rng.usize(..(self.world.products.len() / wanted).max(1));
        (0..wanted).map(|place| (first + place * stride) % self.world.products.len()).collect()
    }

    fn order(&self, customer: usize, number: u64, products: &[usize]) -> Wanted {
        let mut body = format!("{{\"customerId\":\"{}\",", self.world.customers[customer].id);
        // Writing to a text does not fail.
        let _written = match products {
            [product] => write!(body, "\"productId\":\"{}\",\"quantity\":1}}", self.world.products[*product]),
            many => {
                body.push_str("\"lines\":[");
                for (place, product) in many.iter().enumerate() {
                    let comma = if place == 0 { "" } else { "," };
                    let id = self.world.products[*product];
                    let _written = write!(body, "{comma}{{\"productId\":\"{id}\",\"quantity\":1}}");
                }
                body.write_str("]}")
            }
        };
        Wanted {
            method: Method::POST,
            path: "/orders".into(),
            body: body.into(),
            authorization: self.authorization(customer),
            key: Some(format!("load-{}-{number}", self.drive)),
        }
    }
}

fn lines_of_an_invoice(rng: &mut Rng) -> usize {
    let mut ticket = rng.u32(..INVOICES_BY_LINES.iter().sum::<u32>());
    for (place, share) in INVOICES_BY_LINES.iter().enumerate() {
        if ticket < *share {
            return place + 1;
        }
        ticket -= share;
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::ids::ProductId;
    use std::collections::HashSet;

    #[test]
    fn a_basket_holds_as_many_different_products_as_asked() {
        let world = Arc::new(World::of_products((0..50).map(|_| ProductId::new()).collect()));
        for lines in 1..=50 {
            let mut composer = Composer::new(world.clone(), Scenario::PlaceBasket, Some(lines));
            composer.rng = Rng::with_seed(lines.into());
            let basket: HashSet<usize> = composer.basket().into_iter().collect();
            assert_eq!(basket.len(), usize::from(lines));
        }
    }

    #[test]
    fn baskets_are_as_long_as_invoices() {
        let mut rng = Rng::with_seed(7);
        let lines: Vec<usize> = (0..10_000).map(|_| lines_of_an_invoice(&mut rng)).collect();
        let single = lines.iter().filter(|lines| **lines == 1).count();
        assert!((2_400..2_900).contains(&single), "{single} of 10,000 have one line");
        assert_eq!((lines.iter().min(), lines.iter().max()), (Some(&1), Some(&20)));
    }
}
