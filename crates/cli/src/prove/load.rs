//! Customers and staff at work: they order scarce and plentiful things, repeat themselves, hang up, and cancel.

use super::random::Random;
use super::tally::{Heard, Tally};
use common::ids::{CustomerId, OrderId, ProductId};
use common::models::customer::NewCustomer;
use common::models::order::{NewOrder, OrderStatus, Quantity, RequestedLine};
use common::models::product::NewProduct;
use futures_util::future::join_all;
use oms_client::Client;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const CUSTOMERS: usize = 20;
const PLENTIFUL: usize = 30;
const SCARCE: usize = 5;

/// Units of a product that there are enough of, and of one that there are not.
const UNITS: (u32, u32) = (1_000_000, 100);

/// What somebody wants, by the key that says so.
#[derive(Clone, Debug)]
pub enum Wish {
    Order(Box<NewOrder>),
    Cancel(OrderId),
}

/// A wish and everything that was heard of it.
#[derive(Debug)]
pub struct Intent {
    pub key: String,
    pub wish: Wish,
    heard: Mutex<Vec<Heard>>,
}

impl Intent {
    pub fn heard(&self) -> MutexGuard<'_, Vec<Heard>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_answered(&self) -> bool {
        self.heard().iter().any(|heard| *heard != Heard::Nothing)
    }
}

/// The clients and what they know.
pub struct Load<'a> {
    pub client: Client,
    pub tally: &'a Tally,
    pub run: u64,
    customers: Vec<CustomerId>,
    plentiful: Vec<ProductId>,
    scarce: Vec<ProductId>,
    intents: Mutex<Vec<std::sync::Arc<Intent>>>,
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

    pub fn intents(&self) -> Vec<std::sync::Arc<Intent>> {
        self.intents.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One client, until a moment.
    pub async fn work(&self, number: usize, mut random: Random, until: Instant) {
        let mut wishes = 0_u64;
        while Instant::now() < until {
            wishes += 1;
            let key = format!("run-{}-client-{number}-wish-{wishes}", self.run);
            let wish = if random.chance(15) { self.cancelling(&mut random) } else { None };
            let Some(wish) = wish.or_else(|| self.ordering(&mut random)) else { return };
            let intent = std::sync::Arc::new(Intent { key, wish, heard: Mutex::default() });
            self.intents.lock().unwrap_or_else(PoisonError::into_inner).push(intent.clone());
            self.pursue(&intent, &mut random, until).await;
            if random.chance(5) {
                self.look_back(&mut random).await;
            }
        }
    }

    fn ordering(&self, random: &mut Random) -> Option<Wish> {
        let mut lines: Vec<RequestedLine> = Vec::new();
        for _ in 0..random.number(1..=3) {
            let shelf = if random.chance(10) { &self.scarce } else { &self.plentiful };
            let product_id = *random.one_of(shelf)?;
            let quantity = Quantity::try_from(u32::try_from(random.number(1..=3)).ok()?).ok()?;
            if lines.iter().all(|line| line.product_id != product_id) {
                lines.push(RequestedLine { product_id, quantity });
            }
        }
        Some(Wish::Order(Box::new(NewOrder::of_many(*random.one_of(&self.customers)?, lines))))
    }

    fn cancelling(&self, random: &mut Random) -> Option<Wish> {
        let placed = self.placed.lock().unwrap_or_else(PoisonError::into_inner);
        random.one_of(&placed).copied().map(Wish::Cancel)
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
            self.tally.fault("client hung up");
        }
    }

    /// One try.
    pub async fn send(&self, intent: &Intent) {
        let heard = match &intent.wish {
            Wish::Order(order) => match self.client.place_order(order, Some(&intent.key)).await {
                Ok(created) => {
                    self.tally.answered(201);
                    let (id, is_confirmed) =
                        (created.value.id, created.value.status == OrderStatus::Confirmed);
                    let total = created.value.total.filter(|_| is_confirmed);
                    self.confirmed(intent, id);
                    Heard::Created { id, total }
                }
                Err(error) => self.tally.failed(&format!("order {}", intent.key), &error),
            },
            Wish::Cancel(id) => match self.client.cancel_order(*id, None, Some(&intent.key)).await {
                Ok(order) => {
                    self.tally.answered(200);
                    if order.status != OrderStatus::Cancelled {
                        let status = order.status;
                        self.tally.violation(format!("{id} was cancelled and answered as {status:?}"));
                    }
                    Heard::Moved
                }
                Err(error) => self.tally.failed(&format!("cancelling {id}"), &error),
            },
        };
        intent.heard().push(heard);
    }

    fn confirmed(&self, intent: &Intent, id: OrderId) {
        if !intent.is_answered() {
            self.tally.confirmed();
            self.placed.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        }
    }

    /// An order that was answered 201 is there, at any moment.
    async fn look_back(&self, random: &mut Random) {
        let placed = {
            let placed = self.placed.lock().unwrap_or_else(PoisonError::into_inner);
            random.one_of(&placed).copied()
        };
        let Some(id) = placed else { return };
        match self.client.order(id).await {
            Ok(_) => self.tally.answered(200),
            // Any answer but one that says nothing is counted as a violation.
            Err(error) => {
                let _heard = self.tally.failed(&format!("reading {id}"), &error);
            }
        }
    }
}
