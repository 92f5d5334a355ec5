//! MongoDB, as the driver tells it: connections of the pool, how long each is out for one command, what failed.

use super::{
    Buckets, Counter, Counters, Gauge, Histogram, Histograms, counters, gauge, histogram, histograms, label,
    observe,
};
use crate::traces;
use mongodb::event::EventHandler;
use mongodb::event::cmap::{CmapEvent, ConnectionCheckoutFailedReason};
use mongodb::event::command::CommandEvent;
use mongodb::options::ServerAddress;
use opentelemetry::KeyValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Instant;

static EXCHANGES: LazyLock<Histogram> = LazyLock::new(|| {
    let help = "How long a command had its connection, until its answer; not of those that wait for changes.";
    histogram("oms_mongo_exchange_seconds", help, Buckets::Seconds)
});
static CHECKOUTS: LazyLock<Histogram> = LazyLock::new(|| {
    histogram("oms_mongo_checkout_seconds", "How long a command waited for a connection.", Buckets::Seconds)
});
static OPEN: LazyLock<Gauge> =
    LazyLock::new(|| gauge("oms_mongo_pool_connections", "Open connections, those in use included."));
static IN_USE: LazyLock<Gauge> =
    LazyLock::new(|| gauge("oms_mongo_pool_connections_in_use", "Connections that a command has."));
static MOST: LazyLock<Gauge> =
    LazyLock::new(|| gauge("oms_mongo_pool_connections_max", "Most connections to one server."));
static POOL_FAILURES: LazyLock<Counters<1>> = LazyLock::new(|| {
    let help = "Failures of the pool, by reason: timeout, connection_error, pool_cleared.";
    counters("oms_mongo_pool_failures", help)
});
static COMMANDS: LazyLock<Histograms<2>> = LazyLock::new(|| {
    let help = "Commands by name and outcome (ok, error); only with mongo.command_events.";
    histograms("oms_mongo_command_seconds", help, Buckets::Seconds)
});
static ERRORS: LazyLock<Counters<1>> = LazyLock::new(|| {
    let help = "Database errors that a request or a turn of work met, by kind: unavailable, broken.";
    counters("oms_mongo_errors", help)
});
static UNAVAILABLE: LazyLock<Counter> =
    LazyLock::new(|| ERRORS.get_or_create_owned(&[label("kind", "unavailable")]));
static BROKEN: LazyLock<Counter> = LazyLock::new(|| ERRORS.get_or_create_owned(&[label("kind", "broken")]));
static REPEATED: LazyLock<Counter> = LazyLock::new(|| {
    super::counter("oms_mongo_transaction_repeats", "Transactions that were begun again after a collision.")
});

/// An error that the database or its driver answered.
pub(crate) fn failed(is_unavailable: bool) {
    if is_unavailable {
        UNAVAILABLE.inc()
    } else {
        BROKEN.inc()
    };
}

/// A transaction is begun again.
pub(crate) fn repeated() {
    REPEATED.inc();
}

/// Shows every series from the start, so that an alert on a rate sees the first failure.
pub(crate) fn start(max_pool_size: u32) {
    MOST.set(max_pool_size.into());
    for counter in [&UNAVAILABLE, &BROKEN, &REPEATED] {
        counter.get();
    }
}

/// What happens to the connections of one pool. A connection carries one command at a time, so the time that it is out
/// is the command's; its name would cost a copy of the whole command ([`command_events`]).
pub(crate) fn pool_events() -> EventHandler<CmapEvent> {
    let out: Mutex<HashMap<(ServerAddress, u32), Instant>> = Mutex::default();
    let (exchanges, checkouts) = (EXCHANGES.clone(), CHECKOUTS.clone());
    let (open, in_use) = (OPEN.clone(), IN_USE.clone());
    let failure = |reason| POOL_FAILURES.get_or_create_owned(&[label("reason", reason)]);
    let (timeouts, errors, cleared) =
        (failure("timeout"), failure("connection_error"), failure("pool_cleared"));
    EventHandler::callback(move |event| match event {
        CmapEvent::ConnectionCheckedOut(event) => {
            observe(&checkouts, event.duration);
            in_use.inc();
            let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
            out.insert((event.address, event.connection_id), Instant::now());
        }
        CmapEvent::ConnectionCheckedIn(event) => {
            in_use.dec();
            let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
            let since = out.remove(&(event.address, event.connection_id));
            drop(out);
            if let Some(since) = since {
                observe(&exchanges, since.elapsed());
            }
        }
        CmapEvent::ConnectionCreated(_) => {
            open.inc();
        }
        CmapEvent::ConnectionClosed(_) => {
            open.dec();
        }
        CmapEvent::ConnectionCheckoutFailed(event) => {
            match event.reason {
                ConnectionCheckoutFailedReason::Timeout => timeouts.inc(),
                _ => errors.inc(),
            };
        }
        CmapEvent::PoolCleared(_) => {
            cleared.inc();
        }
        _ => {}
    })
}

/// Commands by their names. The driver copies each command and each answer whole to tell of them.
pub(crate) fn command_events() -> EventHandler<CommandEvent> {
    EventHandler::callback(|event| {
        let (name, outcome, duration) = match event {
            CommandEvent::Succeeded(event) => (event.command_name, "ok", event.duration),
            CommandEvent::Failed(event) => (event.command_name, "error", event.duration),
            _ => return,
        };
        let attributes = vec![
            KeyValue::new("db.system.name", "mongodb"),
            KeyValue::new("db.operation.name", name.clone()),
        ];
        traces::called(format!("mongodb {name}"), duration, outcome == "error", attributes);
        // The names are those of the driver's own commands: a few.
        let labels = [("command", Cow::Owned(name)), label("outcome", outcome)];
        observe(&COMMANDS.get_or_create(&labels), duration);
    })
}
