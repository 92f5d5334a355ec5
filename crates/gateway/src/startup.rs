//! What is wired to what.

use crate::config::Settings;
use crate::routes;
use crate::routes::health::HealthProbes;
use crate::routes::proxy::Proxy;
use actix_web::web::{Data, ServiceConfig};
use common::http::peer;
use common::service::{HttpSettings, Listeners, Readiness, serve};
use futures_util::FutureExt;
use std::future::ready;

/// What the handlers share.
pub struct AppState {
    pub proxy: Proxy,
    pub probes: HealthProbes,
}

/// The gateway with its sockets bound.
pub struct Application {
    http: HttpSettings,
    listeners: Listeners,
    state: Data<AppState>,
}

impl Application {
    pub fn build(settings: Settings) -> anyhow::Result<Self> {
        let listeners = Listeners::bind(&settings.http)?;
        let client = peer::client()?;
        let state = AppState {
            proxy: Proxy::new(client.clone(), &settings.upstreams, &settings.proxy)?,
            probes: HealthProbes::new(client, &settings.upstreams)?,
        };
        Ok(Self { http: settings.http, listeners, state: Data::new(state) })
    }

    pub fn public_port(&self) -> anyhow::Result<u16> {
        self.listeners.public_port()
    }

    pub fn internal_port(&self) -> anyhow::Result<u16> {
        self.listeners.internal_port()
    }

    pub async fn run_until_stopped(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        // The gateway has no database, and whether the services are ready is theirs to say.
        let readiness = Readiness::new(|| ready(true).boxed());
        let state = self.state;
        let public = move |config: &mut ServiceConfig| {
            config.app_data(state.clone()).configure(routes::public);
        };
        serve(&self.http, self.listeners, readiness, public, |_| {}, stop).await
    }
}
