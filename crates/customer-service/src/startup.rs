//! What is wired to what.

use crate::background::Background;
use crate::clients::audit_trails::AuditTrails;
use crate::clients::orders::Orders;
use crate::config::{Settings, SweeperSettings};
use crate::domain::session::Lifetimes;
use crate::keys::KeyFiles;
use crate::mail::Mailer;
use crate::passwords::Passwords;
use crate::routes;
use crate::store::api_keys::ApiKeyStore;
use crate::store::customers::Customers;
use crate::store::events::SOURCES;
use crate::store::mail_tokens::MailTokens;
use crate::store::sessions::Sessions;
use crate::store::throttle::Throttle;
use crate::tokens::AccessTokens;
use crate::workflows::ensure_first_admin::ensure_first_admin;
use crate::workflows::erase_customer::sweep_erasures;
use actix_web::web::{Data, ServiceConfig};
use common::audit::AuditLog;
use common::auth::api_key::{ApiKeys, Unanswered};
use common::auth::caller::Authenticator;
use common::auth::service_token::ServiceTokens;
use common::auth::token::TokenVerifier;
use common::events::collector::Collector;
use common::events::log::EventLog;
use common::http::peer::Peer;
use common::redis::Redis;
use common::service::{HttpSettings, Listeners, Readiness, repeat, serve};
use futures_util::FutureExt;
use futures_util::future::join;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long letters may take that are on their way when the service stops.
const FINISH_LIMIT: Duration = Duration::from_secs(5);

/// What the handlers share.
pub struct AppState {
    pub customers: Customers,
    pub sessions: Sessions,
    pub api_keys: ApiKeyStore,
    pub audit: AuditLog,
    pub audit_trails: AuditTrails,
    pub mail_tokens: MailTokens,
    pub mailer: Mailer,
    pub background: Background,
    pub orders: Orders,
    pub passwords: Passwords,
    pub access_tokens: Arc<AccessTokens>,
    pub throttle: Throttle,
    pub lifetimes: Lifetimes,
}

/// The service with its sockets bound and its database at hand.
pub struct Application {
    http: HttpSettings,
    listeners: Listeners,
    readiness: Readiness,
    authenticator: Data<Authenticator>,
    service_tokens: Data<ServiceTokens>,
    key_files: KeyFiles,
    key_reload: Duration,
    sweeper: SweeperSettings,
    state: Arc<AppState>,
    events: EventLog,
    collector: Collector,
}

impl Application {
    pub async fn build(settings: Settings) -> anyhow::Result<Self> {
        settings.check()?;
        let service_tokens = ServiceTokens::new(&settings.internal, settings.environment)?;
        let token_s = settings.sessions.access_token_s;
        let (key_files, ring) = KeyFiles::open(&settings.keys, token_s)?;
        let access_tokens = Arc::new(AccessTokens::new(ring, &settings.tokens, token_s));
        let listeners = Listeners::bind(&settings.http)?;
        let database = common::mongo::connect(&settings.mongo, "customer-service").await?;
        let (customers, sessions) = (Customers::new(&database), Sessions::new(&database));
        customers.ensure().await?;
        sessions.ensure().await?;
        let api_keys = ApiKeyStore::new(&database);
        api_keys.ensure().await?;
        let verifying = api_keys.clone();
        let audit = AuditLog::new(&database);
        audit.ensure().await?;
        let events = EventLog::new(&database);
        events.ensure().await?;
        let collector =
            Collector::connect(&settings.mongo, "customer-service events", settings.events, &SOURCES).await?;
        let mail_tokens = MailTokens::new(&database);
        mail_tokens.ensure().await?;
        // customer-service verifies with its own keys: there is nobody to fetch them from.
        let keys = access_tokens.verification_keys();
        let redis = Redis::new(&settings.redis)?;
        let orders = Peer::new("order-service", &settings.peers.order_url, service_tokens.own())?;
        let products = Peer::new("product-service", &settings.peers.product_url, service_tokens.own())?;
        let state = AppState {
            customers,
            sessions,
            api_keys,
            audit,
            audit_trails: AuditTrails::new(orders.clone(), products),
            mail_tokens,
            mailer: Mailer::new(&settings.mail, settings.environment)?,
            background: Background::new(),
            orders: Orders::new(orders),
            passwords: Passwords::new(&settings.passwords)?,
            access_tokens,
            throttle: Throttle::new(redis, &settings.mongo.database, settings.throttle),
            lifetimes: Lifetimes {
                idle_ms: i64::from(settings.sessions.idle_s) * 1000,
                longest_ms: i64::from(settings.sessions.longest_s) * 1000,
                grace_ms: settings.sessions.grace_ms,
            },
        };
        ensure_first_admin(&state, &settings.admin).await?;
        let readiness = Readiness::new(move || {
            let database = database.clone();
            async move { common::mongo::is_answering(&database).await }.boxed()
        });
        Ok(Self {
            http: settings.http,
            listeners,
            readiness,
            authenticator: Data::new(Authenticator::new(
                TokenVerifier::new(&settings.tokens, keys),
                ApiKeys::new(move |presented| {
                    let keys = verifying.clone();
                    async move { keys.verify(&presented).await.map_err(|error| Unanswered(error.into())) }
                        .boxed()
                }),
            )),
            service_tokens: Data::new(service_tokens),
            key_files,
            key_reload: Duration::from_millis(settings.keys.reload_ms),
            sweeper: settings.sweeper,
            state: Arc::new(state),
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
        let (stopping, sweeping) = (self.state.clone(), self.state.clone());
        let settings = self.sweeper;
        let (pause, stop_sweeping) = (Duration::from_millis(settings.interval_ms), CancellationToken::new());
        let sweeping = tokio::spawn(repeat(pause, pause, stop_sweeping.clone(), move || {
            let state = sweeping.clone();
            async move { sweep_erasures(&state, &settings).await }
        }));
        let reloading =
            tokio::spawn(self.key_files.reload_every(self.key_reload, self.state.access_tokens.clone()));
        let collecting = tokio::spawn(self.collector.run(stop_sweeping.clone()));
        let events = Data::new(self.events);
        let (state, authenticator, tokens) =
            (Data::from(self.state), self.authenticator, self.service_tokens);
        let for_internal = state.clone();
        let public = move |config: &mut ServiceConfig| {
            config.app_data(state.clone()).app_data(authenticator.clone()).configure(routes::public);
        };
        let internal = move |config: &mut ServiceConfig| {
            config
                .app_data(tokens.clone())
                .app_data(for_internal.clone())
                .app_data(events.clone())
                .configure(routes::internal);
        };
        let served = serve(&self.http, self.listeners, self.readiness, public, internal, stop).await;
        reloading.abort();
        stop_sweeping.cancel();
        if tokio::time::timeout(FINISH_LIMIT, join(sweeping, collecting)).await.is_err() {
            tracing::warn!(
                "stopping within an erasure or a look for events; the next start takes it up again"
            );
        }
        stopping.background.finish(FINISH_LIMIT).await;
        served
    }
}
