//! How many requests of a class may be under way: each class has places of its own, so that none takes another's.

use crate::capacity::Capacity;
use crate::config::OverloadSettings;
use crate::metrics::ClassMetrics;
use crate::routes::Service;
use actix_web::http::Method;
use common::error::ApiError;
use common::metrics::Raised;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Requests that share their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Placing orders and whatever happens to them.
    Orders,
    /// Reading orders.
    OrderReads,
    /// Reading the catalogue.
    Catalogue,
    /// Changing the catalogue and its stock.
    Stock,
    /// Customers, sessions, keys.
    Accounts,
}

impl Class {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::OrderReads => "order_reads",
            Self::Catalogue => "catalogue",
            Self::Stock => "stock",
            Self::Accounts => "accounts",
        }
    }

    pub fn of(service: Service, method: &Method) -> Self {
        match service {
            Service::Order if method.is_safe() => Self::OrderReads,
            Service::Order => Self::Orders,
            Service::Product if method.is_safe() => Self::Catalogue,
            Service::Product => Self::Stock,
            Service::Customer => Self::Accounts,
        }
    }
}

/// The places of every class.
pub struct Admission {
    orders: Arc<Places>,
    order_reads: Arc<Places>,
    catalogue: Arc<Places>,
    stock: Arc<Places>,
    accounts: Arc<Places>,
}

struct Places {
    taken: AtomicUsize,
    capacity: Capacity,
    metrics: ClassMetrics,
}

/// A place, taken while it lives.
pub struct Place {
    places: Arc<Places>,
    /// Until its answer is there; `None` also where how long it takes is its sender's affair.
    since: Option<Instant>,
    _counted: Raised,
}

impl Admission {
    pub fn new(settings: &OverloadSettings) -> Self {
        let places = |class, most, patience_ms| {
            let capacity = Capacity::new(most, Duration::from_millis(patience_ms), Instant::now());
            let metrics = ClassMetrics::new(class);
            metrics.show(capacity.limit());
            Arc::new(Places { taken: AtomicUsize::new(0), capacity, metrics })
        };
        Self {
            // Orders alone wait in a queue behind the gateway.
            orders: places(Class::Orders, settings.orders, settings.order_patience_ms),
            order_reads: places(Class::OrderReads, settings.order_reads, 0),
            catalogue: places(Class::Catalogue, settings.catalogue, 0),
            stock: places(Class::Stock, settings.stock, 0),
            accounts: places(Class::Accounts, settings.accounts, 0),
        }
    }

    /// 503 at once where every place of the class is taken: who waits here would wait for nothing better.
    pub fn enter(&self, class: Class) -> Result<Place, ApiError> {
        let places = match class {
            Class::Orders => &self.orders,
            Class::OrderReads => &self.order_reads,
            Class::Catalogue => &self.catalogue,
            Class::Stock => &self.stock,
            Class::Accounts => &self.accounts,
        };
        if places.taken.fetch_add(1, Ordering::Relaxed) >= places.capacity.limit() {
            places.taken.fetch_sub(1, Ordering::Relaxed);
            places.capacity.turned_away();
            places.metrics.shed.inc();
            return Err(ApiError::overloaded());
        }
        let _counted = Raised::new(&places.metrics.under_way);
        Ok(Place { places: places.clone(), since: Some(Instant::now()), _counted })
    }
}

impl Place {
    /// The request has its answer: what it asked for is done, or refused.
    pub fn answered(mut self, is_done: bool) {
        let Places { capacity, metrics, .. } = &*self.places;
        let now = Instant::now();
        let took = self.since.take().map(|since| now - since);
        if let Some(limit) = took.and_then(|took| capacity.answered(is_done, took, now)) {
            metrics.show(limit);
        }
    }

    /// The request streams: how long it takes is its sender's affair.
    pub fn streaming(mut self) -> Self {
        self.since = None;
        self
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(since) = self.since {
            self.places.capacity.given_up(since.elapsed());
        }
        self.places.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_that_is_full_takes_no_place_of_another() {
        let settings = OverloadSettings {
            orders: 2,
            order_patience_ms: 1_000,
            order_reads: 1,
            catalogue: 1,
            stock: 1,
            accounts: 1,
        };
        let admission = Admission::new(&settings);
        let reading = admission.enter(Class::Catalogue).unwrap();
        assert!(admission.enter(Class::Catalogue).is_err());
        let _ordering = (admission.enter(Class::Orders).unwrap(), admission.enter(Class::Orders).unwrap());
        assert!(admission.enter(Class::Orders).is_err());
        drop(reading);
        assert!(admission.enter(Class::Catalogue).is_ok());
    }
}
