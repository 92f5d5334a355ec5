//! The four services of a shop: what each needs in its environment, in which order they start, when they are ready.

use super::ports::{Ports, ServicePorts};
use super::process::Launch;
use super::processes::Processes;
use anyhow::{Context as _, ensure};
use secrecy::{ExposeSecret as _, SecretString};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// How long a service may take until it is ready; indexes of a grown database are checked first.
const START_LIMIT: Duration = Duration::from_secs(60);

/// One of the four, in the order they start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Customer,
    Product,
    Order,
    Gateway,
}

impl Service {
    pub const ALL: [Self; 4] = [Self::Customer, Self::Product, Self::Order, Self::Gateway];

    /// The name of its program, its log and its process.
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer-service",
            Self::Product => "product-service",
            Self::Order => "order-service",
            Self::Gateway => "gateway",
        }
    }

    fn variable(self, key: &str) -> String {
        let prefix = match self {
            Self::Customer => "CUSTOMER",
            Self::Product => "PRODUCT",
            Self::Order => "ORDER",
            Self::Gateway => "GATEWAY",
        };
        format!("OMS_{prefix}__{key}")
    }

    pub fn ports(self, ports: &Ports) -> ServicePorts {
        match self {
            Self::Customer => ports.customer,
            Self::Product => ports.product,
            Self::Order => ports.order,
            Self::Gateway => ports.gateway,
        }
    }
}

/// The first administrator of a shop.
#[derive(Clone, Debug)]
pub struct Admin {
    pub email: String,
    pub password: SecretString,
}

/// Everything the four services are told.
#[derive(Clone, Debug)]
pub struct ServicesPlan {
    /// The directory with the four programs.
    pub programs: PathBuf,
    pub logs: PathBuf,
    pub ports: Ports,
    pub mongo_uri: SecretString,
    pub redis_uri: SecretString,
    /// `oms` makes `oms_orders`, `oms_customers` and `oms_products`.
    pub database_prefix: String,
    pub service_token: SecretString,
    pub signing_key_file: PathBuf,
    pub admin: Admin,
    /// More settings, by their names in the environment.
    pub more: Vec<(String, String)>,
}

impl ServicesPlan {
    /// Refuses to go on where a program is missing.
    pub fn check_programs(&self) -> anyhow::Result<()> {
        for service in Service::ALL {
            let program = self.programs.join(service.name());
            ensure!(program.exists(), "{} is not built: run `cargo build --bins`", program.display());
        }
        Ok(())
    }

    pub fn gateway_url(&self) -> String {
        self.ports.gateway.public_url()
    }

    fn launch(&self, service: Service) -> Launch {
        Launch {
            name: service.name(),
            program: self.programs.join(service.name()),
            arguments: Vec::new(),
            environment: self.environment(service),
            working_directory: self.logs.clone(),
            log: self.logs.join(format!("{}.log", service.name())),
            // Longer than the listeners, the work under way and the queues take together.
            stop_limit: Duration::from_secs(30),
        }
    }

    fn environment(&self, service: Service) -> Vec<(String, OsString)> {
        let own = |key: &str, value: String| (service.variable(key), OsString::from(value));
        let ports = service.ports(&self.ports);
        let mut environment = vec![
            ("MONGO_URI".to_owned(), self.mongo_uri.expose_secret().into()),
            ("REDIS_URI".to_owned(), self.redis_uri.expose_secret().into()),
            ("OMS_SERVICE_TOKENS".to_owned(), self.service_token.expose_secret().into()),
            own("HTTP__PUBLIC_PORT", ports.public.to_string()),
            own("HTTP__INTERNAL_PORT", ports.internal.to_string()),
            // No load balancer has to notice.
            own("HTTP__STOP_DELAY_MS", "0".to_owned()),
        ];
        let database = |collection: &str| format!("{}_{collection}", self.database_prefix);
        let Ports { order, customer, product, .. } = self.ports;
        let keys_url = format!("{}/.well-known/jwks.json", customer.public_url());
        match service {
            Service::Customer => environment.extend([
                own("MONGO__DATABASE", database("customers")),
                (service.variable("KEYS__SIGNING_KEY_FILE"), self.signing_key_file.clone().into()),
                own("PEERS__ORDER_URL", order.internal_url()),
                own("PEERS__PRODUCT_URL", product.internal_url()),
                own("MAIL__LINK_BASE", self.gateway_url()),
                ("ADMIN_EMAIL".to_owned(), self.admin.email.clone().into()),
                ("ADMIN_PASSWORD".to_owned(), self.admin.password.expose_secret().into()),
            ]),
            Service::Product => environment.extend([
                own("MONGO__DATABASE", database("products")),
                own("TOKENS__KEYS_URL", keys_url),
                own("PEERS__CUSTOMER_URL", customer.internal_url()),
            ]),
            Service::Order => environment.extend([
                own("MONGO__DATABASE", database("orders")),
                own("TOKENS__KEYS_URL", keys_url),
                own("PEERS__CUSTOMER_URL", customer.internal_url()),
                own("PEERS__PRODUCT_URL", product.internal_url()),
            ]),
            Service::Gateway => environment.extend([
                own("TOKENS__KEYS_URL", keys_url),
                own("LIMITS__PREFIX", self.database_prefix.clone()),
                own("UPSTREAMS__ORDER_URL", order.public_url()),
                own("UPSTREAMS__CUSTOMER_URL", customer.public_url()),
                own("UPSTREAMS__PRODUCT_URL", product.public_url()),
                own("UPSTREAMS__ORDER_HEALTH_URL", order.internal_url()),
                own("UPSTREAMS__CUSTOMER_HEALTH_URL", customer.internal_url()),
                own("UPSTREAMS__PRODUCT_HEALTH_URL", product.internal_url()),
            ]),
        }
        environment.extend(self.more.iter().map(|(name, value)| (name.clone(), value.into())));
        environment
    }
}

/// Starts the four services and waits until each is ready and the gateway says that the shop is open.
pub async fn start_services(processes: &mut Processes, plan: &ServicesPlan) -> anyhow::Result<()> {
    plan.check_programs()?;
    for service in Service::ALL {
        processes.start(plan.launch(service))?;
    }
    for service in Service::ALL {
        wait_until_ready(processes, plan, service).await?;
    }
    let healthz = format!("{}/healthz", plan.gateway_url());
    wait_for_answer(processes, Service::Gateway, &healthz).await
}

/// Waits until one service says that it is ready.
pub async fn wait_until_ready(
    processes: &mut Processes,
    plan: &ServicesPlan,
    service: Service,
) -> anyhow::Result<()> {
    let url = format!("{}/health/ready", service.ports(&plan.ports).internal_url());
    wait_for_answer(processes, service, &url).await
}

async fn wait_for_answer(processes: &mut Processes, service: Service, url: &str) -> anyhow::Result<()> {
    let client = common::http::peer::client().context("an HTTP client")?;
    processes
        .wait_until_ready(service.name(), START_LIMIT, async || {
            let answer = client.get(url).timeout(Duration::from_secs(2)).send().await;
            answer.is_ok_and(|answer| answer.status().is_success())
        })
        .await
}
