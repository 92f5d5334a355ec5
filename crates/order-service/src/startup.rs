//! What is wired to what.

use crate::clients::customers::Customers;
use crate::clients::directory::Directory;
use crate::clients::event_logs::EventLogs;
use crate::clients::ledger::Ledger;
use crate::clients::receiver::Receivers;
use crate::config::{Settings, StreamSettings, SweeperSettings, WebhookSettings};
use crate::metrics;
use crate::routes;
use crate::store::deliveries::Deliveries;
use crate::store::events::SOURCES;
use crate::store::orders::Orders;
use crate::store::webhooks::Webhooks;
use crate::workflows::deliver_effects::Delivery;
use crate::workflows::dispatch_webhooks::Dispatcher;
use crate::workflows::placement::{Placement, Writers};
use crate::workflows::rarely::Rarely;
use crate::workflows::read_feed::Ends;
use crate::workflows::sweep;
use actix_web::web::{Data, ServiceConfig};
use common::audit::AuditLog;
use common::auth::api_key::ApiKeys;
use common::auth::caller::Authenticator;
use common::auth::keys::KeySource;
use common::auth::service_token::ServiceTokens;
use common::auth::token::TokenVerifier;
use common::events::collector::Collector;
use common::events::log::EventLog;
use common::http::peer::Peer;
use common::ids::OrderId;
use common::lease::Leases;
use common::service::{HttpSettings, Listeners, Readiness, repeat, serve};
use futures_util::FutureExt;
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// How long queued orders may take to be written when the service stops.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// How often the backlog is counted.
const BACKLOG_EVERY: Duration = Duration::from_secs(5);

/// What the handlers share.
pub struct AppState {
    pub orders: Orders,
    pub customers: Customers,
    pub placement: Placement,
    pub delivery: Delivery,
    pub ledger: Ledger,
    pub directory: Directory,
    /// Orders of which the log was told that they cannot be settled.
    pub said: Rarely<OrderId>,
    /// Our own part of the feed.
    pub events: EventLog,
    pub event_logs: EventLogs,
    pub ends: Ends,
    pub streams: StreamSettings,
    pub stream_places: Arc<Semaphore>,
    pub audit: AuditLog,
    pub webhooks: Webhooks,
    pub deliveries: Deliveries,
    pub receivers: Receivers,
}

/// The service with its sockets bound and its database ready.
pub struct Application {
    http: HttpSettings,
    listeners: Listeners,
    authenticator: Data<Authenticator>,
    keys: KeySource,
    keys_refresh: Duration,
    service_tokens: Data<ServiceTokens>,
    state: Arc<AppState>,
    sweeper: SweeperSettings,
    writers: Writers,
    collector: Collector,
    dispatcher: Arc<Dispatcher>,
}

impl Application {
    pub async fn build(settings: Settings) -> anyhow::Result<Self> {
        settings.check()?;
        metrics::start();
        let listeners = Listeners::bind(&settings.http)?;
        let database = common::mongo::connect(&settings.mongo, "order-service").await?;
        let orders = Orders::new(&database);
        orders.ensure().await?;
        let events = EventLog::new(&database);
        events.ensure().await?;
        let (audit, webhooks, deliveries) =
            (AuditLog::new(&database), Webhooks::new(&database), Deliveries::new(&database));
        audit.ensure().await?;
        webhooks.ensure().await?;
        deliveries.ensure().await?;
        let collector =
            Collector::connect(&settings.mongo, "order-service events", settings.events, &SOURCES).await?;
        let service_tokens = ServiceTokens::new(&settings.internal, settings.environment)?;
        let customers = Peer::new("customer-service", &settings.peers.customer_url, service_tokens.own())?;
        let products = Peer::new("product-service", &settings.peers.product_url, service_tokens.own())?;
        let directory = Directory::new(customers.clone(), products.clone());
        let ledger = Ledger::new(products.clone());
        let event_logs = EventLogs::new(customers.clone(), products);
        let keys = KeySource::remote(&settings.tokens.keys_url)?;
        let (placement, mut writers) = Placement::start(&settings.placing, orders.clone(), ledger.clone());
        let (delivery, courier) = Delivery::start(&settings.placing, orders.clone(), ledger.clone());
        writers.push(courier);
        let state = Arc::new(AppState {
            placement,
            customers: Customers::new(customers.clone()),
            orders,
            delivery,
            ledger,
            directory,
            said: Rarely::new(),
            events,
            event_logs,
            ends: Ends::default(),
            streams: settings.streams,
            stream_places: Arc::new(Semaphore::new(settings.streams.most.min(Semaphore::MAX_PERMITS))),
            audit,
            webhooks,
            deliveries,
            receivers: receivers(&settings.webhooks)?,
        });
        let dispatcher = dispatcher(&settings, state.clone()).await?;
        Ok(Self {
            http: settings.http,
            listeners,
            authenticator: Data::new(Authenticator::new(
                TokenVerifier::new(&settings.tokens, keys.clone()),
                ApiKeys::remote(customers),
            )),
            keys,
            keys_refresh: Duration::from_millis(settings.tokens.keys_refresh_ms),
            service_tokens: Data::new(service_tokens),
            state,
            dispatcher: Arc::new(dispatcher),
            sweeper: settings.sweeper,
            writers,
            collector,
        })
    }

    pub fn public_port(&self) -> anyhow::Result<u16> {
        self.listeners.public_port()
    }

    pub fn internal_port(&self) -> anyhow::Result<u16> {
        self.listeners.internal_port()
    }

    pub fn state(&self) -> Arc<AppState> {
        self.state.clone()
    }

    pub fn dispatcher(&self) -> Arc<Dispatcher> {
        self.dispatcher.clone()
    }

    pub async fn run_until_stopped(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let (state, settings) = (self.state.clone(), self.sweeper);
        // Clients whose requests a crash cut off get this long to come back before their orders are refused.
        let patience = Duration::from_millis(settings.older_than_ms.unsigned_abs());
        let (pause, stop_sweeping) = (Duration::from_millis(settings.interval_ms), CancellationToken::new());
        let sweeping = tokio::spawn(repeat(patience, pause, stop_sweeping.clone(), move || {
            let state = state.clone();
            async move { sweep::sweep_once(&state, &settings).await }
        }));
        let counting = tokio::spawn(count_backlog(self.state.orders.clone(), stop_sweeping.clone()));
        let collecting = tokio::spawn(self.collector.run(stop_sweeping.clone()));
        let dispatching = tokio::spawn(self.dispatcher.run(stop_sweeping.clone()));
        let refreshing = tokio::spawn(self.keys.refresh_every(self.keys_refresh));
        let orders = self.state.orders.clone();
        let readiness = Readiness::new(move || {
            let orders = orders.clone();
            async move { orders.is_answering().await }.boxed()
        });
        let (state, authenticator, tokens) =
            (Data::from(self.state), self.authenticator, self.service_tokens);
        let (audit, for_internal) = (Data::new(state.audit.clone()), state.clone());
        let public = move |config: &mut ServiceConfig| {
            config.app_data(state.clone()).app_data(authenticator.clone()).configure(routes::public);
        };
        let internal = move |config: &mut ServiceConfig| {
            config
                .app_data(tokens.clone())
                .app_data(for_internal.clone())
                .app_data(audit.clone())
                .configure(routes::internal);
        };
        let served = serve(&self.http, self.listeners, readiness, public, internal, stop).await;
        refreshing.abort();
        stop_sweeping.cancel();
        // With the listeners and the sweeper gone the last handles of the queues are: each writer ends when its is empty.
        let flushed = join_all(self.writers.into_iter().chain([sweeping, counting, collecting, dispatching]));
        if tokio::time::timeout(FLUSH_TIMEOUT, flushed).await.is_err() {
            tracing::warn!("stopping with orders still queued; a repeat or the sweeper settles them");
        }
        served
    }
}

/// The way to the receivers of webhooks.
fn receivers(settings: &WebhookSettings) -> anyhow::Result<Receivers> {
    let (connect, whole) = (settings.connect_timeout_ms, settings.timeout_ms);
    let (connect, whole) = (Duration::from_millis(connect), Duration::from_millis(whole));
    Receivers::new(&settings.allowed_networks, settings.allow_http, connect, whole)
}

/// What sends to them, with a client of its own for the database.
async fn dispatcher(settings: &Settings, state: Arc<AppState>) -> anyhow::Result<Dispatcher> {
    let database = common::mongo::connect_aside(&settings.mongo, "order-service webhooks").await?;
    let leases = Leases::new(&database, Duration::from_millis(settings.webhooks.lease_ms));
    let (webhooks, deliveries) = (Webhooks::new(&database), Deliveries::new(&database));
    Ok(Dispatcher::new(state, webhooks, deliveries, leases, settings.webhooks.clone()))
}

/// Counts what is not done yet until it is told to stop; where the database does not answer, the last count stands.
async fn count_backlog(orders: Orders, stop: CancellationToken) {
    let turn = || async {
        match orders.backlog().await {
            Ok(backlog) => metrics::backlog(&backlog),
            Err(error) => tracing::debug!(%error, "the backlog cannot be counted"),
        }
    };
    repeat(Duration::ZERO, BACKLOG_EVERY, stop, turn).await;
}
