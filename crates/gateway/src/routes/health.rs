//! `/healthz`: is the shop open?

use super::Service;
use crate::config::UpstreamSettings;
use crate::upstream::origin;
use actix_web::HttpResponse;
use actix_web::http::header;
use common::models::health::{ServiceStatus, ShopHealth, ShopStatus};
use futures_util::future::join_all;
use reqwest::Client;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a service has to say that it is ready.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where each service says whether it is ready.
pub struct HealthProbes {
    client: Client,
    urls: Vec<(Service, String)>,
}

impl HealthProbes {
    pub fn new(client: Client, upstreams: &UpstreamSettings) -> anyhow::Result<Self> {
        let url = |service| {
            let address = match service {
                Service::Order => &upstreams.order_health_url,
                Service::Customer => &upstreams.customer_health_url,
                Service::Product => &upstreams.product_health_url,
            };
            Ok((service, format!("{}/health/ready", origin(address)?)))
        };
        Ok(Self { client, urls: Service::ALL.into_iter().map(url).collect::<anyhow::Result<_>>()? })
    }

    /// 200 where every service is ready, else 503 with which is not.
    pub async fn report(&self) -> HttpResponse {
        let asked =
            self.urls.iter().map(async |(service, url)| (service.name().to_owned(), self.ask(url).await));
        let services: BTreeMap<_, _> = join_all(asked).await.into_iter().collect();
        if services.values().all(|status| *status == ServiceStatus::Ready) {
            HttpResponse::Ok().json(ShopHealth { status: ShopStatus::Open, services })
        } else {
            HttpResponse::ServiceUnavailable()
                .insert_header((header::RETRY_AFTER, "1"))
                .json(ShopHealth { status: ShopStatus::Closed, services })
        }
    }

    async fn ask(&self, url: &str) -> ServiceStatus {
        match self.client.get(url).timeout(PATIENCE).send().await {
            Ok(answer) if answer.status().is_success() => ServiceStatus::Ready,
            Ok(_) => ServiceStatus::Unready,
            Err(_) => ServiceStatus::Unreachable,
        }
    }
}
