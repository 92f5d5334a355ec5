//! What the generator asks for: one request after the other, by scenario.

use super::world::World;
use bytes::Bytes;
use fastrand::Rng;
use hyper::Method;
use std::fmt::Write as _;

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
    pub fn places(self) -> bool {
        matches!(self, Self::PlaceUniform | Self::PlaceHot | Self::PlaceBasket | Self::Mixed)
    }

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
    /// Whose token it bears, as an index of the world's customers.
    pub bearer: Option<usize>,
    pub key: Option<String>,
}

/// Composes the requests of one connection.
pub struct Composer<'a> {
    pub world: &'a World,
    pub scenario: Scenario,
    /// Lines of every basket, in place of the distribution.
    pub lines: Option<u8>,
    pub rng: Rng,
}

impl Composer<'_> {
    /// `number` is unique within the run, and with it the idempotency key.
    pub fn compose(&mut self, number: u64) -> Wanted {
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
                read(format!("/customers/{id}/orders?limit={PAGE}"), Some(customer))
            }
            Scenario::ReadOrder => {
                let (owner, order) = self.world.orders[self.rng.usize(..self.world.orders.len())];
                read(format!("/orders/{order}"), Some(owner))
            }
            Scenario::ReadProduct => {
                let product = self.world.products[self.product()];
                read(format!("/products/{product}"), None)
            }
            Scenario::Search => {
                let words = &self.world.words;
                read(format!("/products?limit={PAGE}&q={}", words[self.rng.usize(..words.len())]), None)
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
            bearer: Some(customer),
            key: Some(format!("load-{}-{number}", self.world.run)),
        }
    }
}

fn read(path: String, bearer: Option<usize>) -> Wanted {
    Wanted { method: Method::GET, path, body: Bytes::new(), bearer, key: None }
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
        let world = World::of_products((0..50).map(|_| ProductId::new()).collect());
        for lines in 1..=50 {
            let rng = Rng::with_seed(lines.into());
            let mut composer =
                Composer { world: &world, scenario: Scenario::PlaceBasket, lines: Some(lines), rng };
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
