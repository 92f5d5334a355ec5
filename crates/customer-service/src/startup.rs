//! What is wired to what.

use crate::config::Settings;
use crate::domain::session::Lifetimes;
use crate::passwords::Passwords;
use crate::routes;
use crate::store::api_keys::ApiKeyStore;
use crate::store::customers::Customers;
use crate::store::sessions::Sessions;
use crate::store::throttle::Throttle;
use crate::tokens::{AccessTokens, load_signing_key};
use crate::workflows::ensure_first_admin::ensure_first_admin;
use actix_web::web::{Data, ServiceConfig};
use common::audit::AuditLog;
use common::auth::api_key::{ApiKeys, Unanswered};
use common::auth::caller::Authenticator;
use common::auth::keys::KeySource;
use common::auth::service_token::ServiceTokens;
use common::auth::token::TokenVerifier;
use common::redis::Redis;
use common::service::{HttpSettings, Listeners, Readiness, serve};
use futures_util::FutureExt;
use std::sync::Arc;

/// What the handlers share.
pub struct AppState {
    pub customers: Customers,
    pub sessions: Sessions,
    pub api_keys: ApiKeyStore,
    pub audit: AuditLog,
    pub passwords: Passwords,
    pub access_tokens: AccessTokens,
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
    state: Arc<AppState>,
}

impl Application {
    pub async fn build(settings: Settings) -> anyhow::Result<Self> {
        settings.check()?;
        let key = load_signing_key(&settings.keys)?;
        let access_tokens = AccessTokens::new(key, &settings.tokens, settings.sessions.access_token_s);
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
        // customer-service verifies with its own keys: there is nobody to fetch them from.
        let keys = KeySource::fixed(&access_tokens.published_keys());
        let redis = Redis::new(&settings.redis)?;
        let state = AppState {
            customers,
            sessions,
            api_keys,
            audit,
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
            service_tokens: Data::new(ServiceTokens::new(&settings.internal, settings.environment)?),
            state: Arc::new(state),
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
        let (state, authenticator, tokens) =
            (Data::from(self.state), self.authenticator, self.service_tokens);
        let for_internal = state.clone();
        let public = move |config: &mut ServiceConfig| {
            config.app_data(state.clone()).app_data(authenticator.clone()).configure(routes::public);
        };
        let internal = move |config: &mut ServiceConfig| {
            config.app_data(tokens.clone()).app_data(for_internal.clone()).configure(routes::internal);
        };
        serve(&self.http, self.listeners, self.readiness, public, internal, stop).await
    }
}
