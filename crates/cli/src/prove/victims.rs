//! The shop that is to be hurt: a replica set, Redis, the four services, and the links between them.

use super::link::Link;
use crate::shop::ports::{Ports, free_port};
use crate::shop::processes::Processes;
use crate::shop::servers::{self, Place, REDIS};
use crate::shop::services::{self, Admin, Service, ServicesPlan};
use anyhow::Context as _;
use mongodb::bson::doc;
use mongodb::options::ClientOptions;
use oms_client::Client;
use secrecy::ExposeSecret as _;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The names of the replica set's members.
const MEMBERS: [&str; 3] = ["mongod-1", "mongod-2", "mongod-3"];

/// Where a shop's programs are and its files go.
pub struct Grounds<'a> {
    pub servers: &'a Path,
    pub programs: PathBuf,
    pub directory: &'a Path,
    /// Members of the replica set, at most three.
    pub members: usize,
    /// More settings, by their names in the environment.
    pub settings: &'a [(&'a str, &'a str)],
}

pub struct Victims {
    pub plan: ServicesPlan,
    pub links: Vec<Link>,
    members: Vec<(&'static str, u16)>,
    mongo: mongodb::Client,
    processes: tokio::sync::Mutex<Processes>,
}

impl Victims {
    pub async fn start(grounds: &Grounds<'_>) -> anyhow::Result<Self> {
        let directory = grounds.directory;
        let mut processes = Processes::default();
        let ports = Ports::choose(free_port(&[])?, None)?;
        let place = |name: &str, port| Place {
            programs: grounds.servers,
            data: directory.join(name),
            logs: directory,
            port,
        };
        let mut members = Vec::new();
        let mut promised = vec![ports.mongod, ports.redis];
        for name in MEMBERS.into_iter().take(grounds.members.max(1)) {
            let port = free_port(&promised)?;
            promised.push(port);
            members.push((name, port));
        }
        let places: Vec<_> = members.iter().map(|(name, port)| (*name, place(name, *port))).collect();
        let mongo_uri = servers::start_replica_set(&mut processes, &places).await?;
        let redis_uri = servers::start_redis(&mut processes, &place(REDIS, ports.redis)).await?;
        let signing_key_file = directory.join("signing-key.pem");
        crate::keys::generate(&signing_key_file)?;
        let (links, mut more) = links(&ports).await?;
        more.extend(grounds.settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let plan = ServicesPlan {
            programs: grounds.programs.clone(),
            logs: directory.to_owned(),
            ports,
            mongo_uri: mongo_uri.clone().into(),
            redis_uri: redis_uri.into(),
            database_prefix: "oms".to_owned(),
            // Whoever runs beside it and comes to one of its ports by mistake is not let in.
            service_token: format!("a token between services of shop {}", ports.gateway.public).into(),
            signing_key_file,
            admin: Admin { email: "admin@example.com".into(), password: "a long enough password".into() },
            more,
        };
        services::start_services(&mut processes, &plan).await?;
        let mut options = ClientOptions::parse(&mongo_uri).await?;
        options.server_selection_timeout = Some(Duration::from_secs(5));
        let mongo = mongodb::Client::with_options(options)?;
        Ok(Self { plan, links, members, mongo, processes: tokio::sync::Mutex::new(processes) })
    }

    /// A client of the gateway, logged in as the administrator, that makes one try of each request.
    pub fn client(&self) -> anyhow::Result<Client> {
        let Admin { email, password } = &self.plan.admin;
        let builder = Client::builder(&self.plan.gateway_url()).credentials(email, password.expose_secret());
        builder.retries(0).timeout(Duration::from_secs(8)).build().context("a client of the shop")
    }

    pub fn database(&self, name: &str) -> mongodb::Database {
        self.mongo.database(&format!("{}_{name}", self.plan.database_prefix))
    }

    /// The name of the primary, as far as anybody knows.
    pub async fn primary(&self) -> Option<&'static str> {
        let hello = self.mongo.database("admin").run_command(doc! { "hello": 1 }).await.ok()?;
        let (_, port) = hello.get_str("me").ok()?.rsplit_once(':')?;
        let port: u16 = port.parse().ok()?;
        self.members.iter().find(|(_, other)| *other == port).map(|(name, _)| *name)
    }

    pub async fn kill(&self, name: &str) -> anyhow::Result<()> {
        self.processes.lock().await.kill(name).await
    }

    pub async fn restart(&self, name: &str) -> anyhow::Result<()> {
        self.processes.lock().await.restart(name).await
    }

    pub async fn pause(&self, name: &str) -> anyhow::Result<()> {
        self.processes.lock().await.named(name)?.pause();
        Ok(())
    }

    pub async fn resume(&self, name: &str) -> anyhow::Result<()> {
        self.processes.lock().await.named(name)?.resume();
        Ok(())
    }

    /// Starts what has ended, as a supervisor would: a service that finds no database ends by itself. Leaves out what
    /// somebody is at.
    pub async fn revive(&self, busy: &Mutex<HashSet<&'static str>>) -> anyhow::Result<()> {
        let mut processes = self.processes.lock().await;
        let services = Service::ALL.into_iter().map(Service::name);
        for name in self.members.iter().map(|(name, _)| *name).chain([REDIS]).chain(services) {
            let process = processes.named(name)?;
            // Nothing is awaited between this look and the start.
            let is_left_alone = busy.lock().unwrap_or_else(PoisonError::into_inner).contains(name);
            if !is_left_alone && process.has_ended() {
                process.restart().await?;
            }
        }
        Ok(())
    }

    /// Everything runs and every link is clear; waits until the gateway says that the shop is open.
    pub async fn heal(&self, limit: Duration) -> anyhow::Result<()> {
        self.links.iter().for_each(Link::heal);
        for name in self.members.iter().map(|(name, _)| *name).chain([REDIS]) {
            self.resume(name).await?;
        }
        for service in Service::ALL {
            self.resume(service.name()).await?;
        }
        let http = common::http::peer::client()?;
        let healthz = format!("{}/healthz", self.plan.gateway_url());
        let open = async {
            loop {
                self.revive(&Mutex::default()).await?;
                let answer = http.get(&healthz).timeout(Duration::from_secs(2)).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(limit, open).await.context("the healed shop does not open")?
    }

    pub async fn stop(self) {
        self.processes.into_inner().stop().await;
    }
}

/// The links between the services, and the settings that make the services use them.
async fn links(ports: &Ports) -> anyhow::Result<(Vec<Link>, Vec<(String, String)>)> {
    let mut links = Vec::new();
    let mut settings = Vec::new();
    for (name, setting, port) in [
        ("gateway to order-service", "OMS_GATEWAY__UPSTREAMS__ORDER_URL", ports.order.public),
        ("gateway to product-service", "OMS_GATEWAY__UPSTREAMS__PRODUCT_URL", ports.product.public),
        ("gateway to customer-service", "OMS_GATEWAY__UPSTREAMS__CUSTOMER_URL", ports.customer.public),
        ("order-service to product-service", "OMS_ORDER__PEERS__PRODUCT_URL", ports.product.internal),
        ("order-service to customer-service", "OMS_ORDER__PEERS__CUSTOMER_URL", ports.customer.internal),
    ] {
        let link = Link::open(name, port).await?;
        settings.push((setting.to_owned(), link.url()));
        links.push(link);
    }
    Ok((links, settings))
}
