//! What is wired to what.

use crate::config::{HoldSettings, Settings};
use crate::routes;
use crate::store::categories::Categories;
use crate::store::events::SOURCES;
use crate::store::holds::Holds;
use crate::store::ledger::Ledger;
use crate::store::locations::Locations;
use crate::store::movements::Movements;
use crate::store::product_facets::FacetCounter;
use crate::store::products::Products;
use crate::store::stock::StockRows;
use crate::workflows::hold_stock;
use crate::workflows::post_entries::StockWriter;
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
use common::redis::Redis;
use common::service::{HttpSettings, Listeners, Readiness, repeat, serve};
use futures_util::FutureExt;
use futures_util::future::join3;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long the stock writer may take for what is queued when the service stops.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// What the handlers share.
pub struct AppState {
    pub products: Products,
    pub facets: FacetCounter,
    pub categories: Categories,
    pub stock: StockRows,
    pub movements: Movements,
    pub holds: Holds,
    pub locations: Locations,
    pub ledger: Ledger,
    pub stock_writer: StockWriter,
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
    writer: JoinHandle<()>,
    holds: HoldSettings,
    audit: AuditLog,
    events: EventLog,
    collector: Collector,
}

impl Application {
    pub async fn build(settings: Settings) -> anyhow::Result<Self> {
        settings.check()?;
        crate::metrics::start();
        let listeners = Listeners::bind(&settings.http)?;
        let database = common::mongo::connect(&settings.mongo, "product-service").await?;
        let products = Products::new(&database, Redis::new(&settings.redis)?);
        let (facets, categories) = (FacetCounter::new(&database), Categories::new(&database));
        let (stock, ledger) = (StockRows::new(&database), Ledger::new(&database));
        products.ensure().await?;
        categories.ensure().await?;
        stock.ensure().await?;
        ledger.ensure().await?;
        let (holds, locations) = (Holds::new(&database), Locations::new(&database));
        holds.ensure().await?;
        locations.ensure().await?;
        let movements = Movements::new(&database);
        let audit = AuditLog::new(&database);
        audit.ensure().await?;
        let events = EventLog::new(&database);
        events.ensure().await?;
        let collector =
            Collector::connect(&settings.mongo, "product-service events", settings.events, &SOURCES).await?;
        let service_tokens = ServiceTokens::new(&settings.internal, settings.environment)?;
        let customers = Peer::new("customer-service", &settings.peers.customer_url, service_tokens.own())?;
        let keys = KeySource::remote(&settings.tokens.keys_url)?;
        let (stock_writer, writer) =
            StockWriter::start(settings.ledger, ledger.clone(), products.clone(), locations.clone());
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
            state: Arc::new(AppState {
                products,
                facets,
                categories,
                stock,
                movements,
                holds,
                locations,
                ledger,
                stock_writer,
            }),
            writer,
            holds: settings.holds,
            audit,
            events,
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

    pub async fn run_until_stopped(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let refreshing = tokio::spawn(self.keys.refresh_every(self.keys_refresh));
        let stock = self.state.stock.clone();
        let readiness = Readiness::new(move || {
            let stock = stock.clone();
            async move { stock.is_answering().await }.boxed()
        });
        let (swept, pause) = (self.state.clone(), Duration::from_millis(self.holds.sweep_interval_ms));
        let stop_sweeping = CancellationToken::new();
        let sweeping = tokio::spawn(repeat(pause, pause, stop_sweeping.clone(), move || {
            let state = swept.clone();
            async move { hold_stock::sweep_holds(&state).await }
        }));
        let collecting = tokio::spawn(self.collector.run(stop_sweeping.clone()));
        let (audit, events) = (Data::new(self.audit), Data::new(self.events));
        let (state, authenticator, tokens) =
            (Data::from(self.state), self.authenticator, self.service_tokens);
        let for_public = state.clone();
        let public = move |config: &mut ServiceConfig| {
            config.app_data(for_public.clone()).app_data(authenticator.clone()).configure(routes::public);
        };
        let internal = move |config: &mut ServiceConfig| {
            config
                .app_data(state.clone())
                .app_data(tokens.clone())
                .app_data(audit.clone())
                .app_data(events.clone())
                .configure(routes::internal);
        };
        let served = serve(&self.http, self.listeners, readiness, public, internal, stop).await;
        refreshing.abort();
        stop_sweeping.cancel();
        // With the listeners and the sweeper gone the last handles of the queue are: the writer ends once it has written
        // what was in it.
        let flushed = join3(sweeping, collecting, self.writer);
        if tokio::time::timeout(FLUSH_TIMEOUT, flushed).await.is_err() {
            tracing::warn!(
                "stopping with entries still queued; whoever sent them has no answer and may repeat"
            );
        }
        served
    }
}
