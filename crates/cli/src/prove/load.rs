//! Customers and staff at work: they order scarce and plentiful things, change, ship and take back orders, repeat
//! themselves and hang up.

use super::choice::choose;
use super::heard::{Heard, says_nothing};
use super::random::Random;
use super::tally::Tally;
use super::wish::{Intent, MoveWish, Wish};
use common::ids::{CustomerId, OrderId, ProductId};
use common::models::customer::NewCustomer;
use common::models::order::{NewOrder, RequestedLine};
use common::models::product::NewProduct;
use futures_util::future::join_all;
use oms_client::Client;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const CUSTOMERS: usize = 20;
const PLENTIFUL: usize = 30;
const SCARCE: usize = 5;

/// Units of a product that there are enough of, and of one that there are not.
const UNITS: (u32, u32) = (1_000_000, 100);

/// The latest orders, of which every second move is: so that moves meet.
const LATEST: usize = 48;

/// The clients and what they know.
pub struct Load<'a> {
    pub client: Client,
    pub tally: &'a Tally,
    pub run: u64,
    customers: Vec<CustomerId>,
    plentiful: Vec<ProductId>,
    scarce: Vec<ProductId>,
    intents: Mutex<Vec<Arc<Intent>>>,
    placed: Mutex<Vec<OrderId>>,
}

impl<'a> Load<'a> {
    /// Fills an empty shop.
    pub async fn prepare(client: Client, tally: &'a Tally, run: u64) -> anyhow::Result<Self> {
        let mut customers = Vec::with_capacity(CUSTOMERS);
        for number in 0..CUSTOMERS {
            let email = format!("customer-{number}@example.com").parse()?;
            let new = NewCustomer { email, password: None, name: "A customer".parse()? };
            customers.push(client.register_customer(&new, None).await?.value.id);
        }
        let mut products = Vec::with_capacity(PLENTIFUL + SCARCE);
        for number in 0..PLENTIFUL + SCARCE {
            let units = if number < PLENTIFUL { UNITS.0 } else { UNITS.1 };
            let (sku, price) = (format!("SKU-{number}").parse()?, format!("{number}.95").parse()?);
            let new = NewProduct {
                inventory: Some(units.try_into()?),
                ..NewProduct::new(sku, "A thing".parse()?, price)
            };
            products.push(client.create_product(&new, None).await?.value.id);
        }
        let scarce = products.split_off(PLENTIFUL);
        let (intents, placed) = (Mutex::default(), Mutex::default());
        Ok(Self { client, tally, run, customers, plentiful: products, scarce, intents, placed })
    }

    pub fn intents(&self) -> Vec<Arc<Intent>> {
        self.intents.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn remember(&self, placed: OrderId) {
        self.placed.lock().unwrap_or_else(PoisonError::into_inner).push(placed);
    }

    /// One client, until a moment.
    pub async fn work(&self, number: usize, mut random: Random, until: Instant) {
        let mut wishes = 0_u64;
        while Instant::now() < until {
            wishes += 1;
            let key = format!("run-{}-client-{number}-wish-{wishes}", self.run);
            let wish = if random.chance(65) { self.moving(&mut random).await } else { None };
            let Some(wish) = wish.or_else(|| self.ordering(&mut random)) else { return };
            let intent = Arc::new(Intent::new(key, wish));
            self.intents.lock().unwrap_or_else(PoisonError::into_inner).push(intent.clone());
            self.pursue(&intent, &mut random, until).await;
        }
    }

    fn ordering(&self, random: &mut Random) -> Option<Wish> {
        let mut lines: Vec<RequestedLine> = Vec::new();
        for _ in 0..random.number(1..=3) {
            let shelf = if random.chance(10) { &self.scarce } else { &self.plentiful };
            let product_id = *random.one_of(shelf)?;
            let quantity = random.units(4).try_into().ok()?;
            if lines.iter().all(|line| line.product_id != product_id) {
                lines.push(RequestedLine { product_id, quantity });
            }
        }
        Some(Wish::Order(Box::new(NewOrder::of_many(*random.one_of(&self.customers)?, lines))))
    }

    /// A move of an order that was answered 201: it is there, at any moment.
    async fn moving(&self, random: &mut Random) -> Option<Wish> {
        let id = {
            let placed = self.placed.lock().unwrap_or_else(PoisonError::into_inner);
            let latest = placed.len().saturating_sub(LATEST);
            let choices = if random.chance(50) { placed.get(latest..)? } else { &placed };
            *random.one_of(choices)?
        };
        match self.client.order(id).await {
            Ok(order) => {
                self.tally.answered(200);
                let shelf = if random.chance(10) { &self.scarce } else { &self.plentiful };
                let step = choose(&order, shelf, random)?;
                let if_version = random.chance(30).then_some(order.version);
                Some(Wish::Move(MoveWish { order: id, step, if_version }))
            }
            Err(error) => {
                self.tally.failed(&error);
                if error.status().is_some_and(|status| !says_nothing(status)) {
                    self.tally.violation(format!("reading {id} was answered {error}"));
                }
                None
            }
        }
    }

    /// Sends a wish, sometimes more than once at the same time, and again while nothing is known; sometimes gives up.
    async fn pursue(&self, intent: &Intent, random: &mut Random, until: Instant) {
        let mut pause = Duration::from_millis(50);
        loop {
            let copies = if random.chance(20) { random.number(2..=4) } else { 1 };
            for _ in 1..copies {
                self.tally.fault("request repeated at once");
            }
            let sent = (0..copies).map(|_| {
                let patience = random.chance(5).then(|| random.millis(0..=60));
                self.send_and_perhaps_hang_up(intent, patience)
            });
            join_all(sent.collect::<Vec<_>>()).await;
            // What is left in doubt is asked for again at the end.
            if intent.is_answered() || Instant::now() >= until || random.chance(10) {
                return;
            }
            tokio::time::sleep(common::mongo::jitter(pause)).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    async fn send_and_perhaps_hang_up(&self, intent: &Intent, patience: Option<Duration>) {
        let Some(patience) = patience else { return self.send(intent).await };
        if tokio::time::timeout(patience, self.send(intent)).await.is_err() {
            intent.hear(Heard::Nothing);
            self.tally.fault("client hung up");
        }
    }
}
