//! What is wired to what.

use crate::address::TrustedProxies;
use crate::admission::Admission;
use crate::config::{AnswerSettings, Settings};
use crate::limits::RateLimits;
use crate::limits::shared::SharedBuckets;
use crate::routes;
use crate::routes::caller::Callers;
use crate::routes::cors::Cors;
use crate::routes::health::HealthProbes;
use crate::routes::proxy::Proxy;
use crate::tls::Certificates;
use actix_web::web::{Data, ServiceConfig};
use common::auth::keys::KeySource;
use common::auth::token::TokenVerifier;
use common::http::peer;
use common::redis::Redis;
use common::service::{HttpSettings, Listeners, Readiness, serve};
use futures_util::FutureExt;
use std::future::ready;
use std::time::Duration;

/// What the handlers share.
pub struct AppState {
    pub proxy: Proxy,
    pub probes: HealthProbes,
    pub limits: RateLimits,
    pub callers: Callers,
    pub admission: Admission,
    pub proxies: TrustedProxies,
    pub body_timeout: Duration,
    pub cors: Cors,
    pub answers: AnswerSettings,
}

/// The gateway with its sockets bound.
pub struct Application {
    http: HttpSettings,
    listeners: Listeners,
    keys: KeySource,
    keys_refresh: Duration,
    certificates: Option<Certificates>,
    certificates_reload: Duration,
    state: Data<AppState>,
}

impl Application {
    pub fn build(settings: Settings) -> anyhow::Result<Self> {
        settings.check()?;
        let certificates = Certificates::open(&settings.tls)?;
        let tls = certificates.as_ref().map(Certificates::server).transpose()?;
        let listeners = Listeners::bind(&settings.http)?.with_tls(tls);
        let client = peer::client_with_idle(Duration::from_millis(settings.upstreams.idle_ms))?;
        let keys = KeySource::remote(&settings.tokens.keys_url)?;
        let shared = SharedBuckets::new(Redis::new(&settings.redis)?, &settings.limits.prefix);
        let state = AppState {
            proxy: Proxy::new(client.clone(), &settings)?,
            probes: HealthProbes::new(client, &settings.upstreams)?,
            limits: RateLimits::new(&settings.limits, shared),
            callers: Callers::new(TokenVerifier::new(&settings.tokens, keys.clone())),
            admission: Admission::new(&settings.overload),
            proxies: TrustedProxies::parse(&settings.clients.trusted_proxies)?,
            body_timeout: Duration::from_millis(settings.clients.body_timeout_ms),
            cors: Cors::new(&settings.cors)?,
            answers: settings.answers,
        };
        let keys_refresh = Duration::from_millis(settings.tokens.keys_refresh_ms);
        Ok(Self {
            http: settings.http,
            listeners,
            keys,
            keys_refresh,
            certificates,
            certificates_reload: Duration::from_millis(settings.tls.reload_ms),
            state: Data::new(state),
        })
    }

    pub fn public_port(&self) -> anyhow::Result<u16> {
        self.listeners.public_port()
    }

    pub fn internal_port(&self) -> anyhow::Result<u16> {
        self.listeners.internal_port()
    }

    pub async fn run_until_stopped(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let refreshing = tokio::spawn(self.keys.refresh_every(self.keys_refresh));
        let reloading =
            self.certificates.map(|files| tokio::spawn(files.reload_every(self.certificates_reload)));
        // The gateway has no database, and whether the services are ready is theirs to say.
        let readiness = Readiness::new(|| ready(true).boxed());
        let state = self.state;
        let public = move |config: &mut ServiceConfig| {
            config.app_data(state.clone()).configure(routes::public);
        };
        let served = serve(&self.http, self.listeners, readiness, public, |_| {}, stop).await;
        refreshing.abort();
        if let Some(reloading) = reloading {
            reloading.abort();
        }
        served
    }
}
