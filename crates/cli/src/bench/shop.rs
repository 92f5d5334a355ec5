//! The shop that is measured: `oms shop run` with its default settings, in a folder of its own.

use crate::access::AccessArguments;
use crate::load::address_of;
use crate::load::processes::{Processes, Spent};
use crate::load::world::{Size, World};
use crate::shop::ports::free_port;
use anyhow::{Context as _, ensure};
use mongodb::bson::Document;
use oms_client::Client;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// As many products as a small shop has, and customers who can log in within a minute.
const SIZE: Size = Size { customers: 64, products: 1_000, with_orders: true };

pub struct BenchShop {
    directory: PathBuf,
    environment: HashMap<String, String>,
}

impl BenchShop {
    pub async fn open(directory: &Path, servers: &Path) -> anyhow::Result<Self> {
        let port = free_port(&[])?.to_string();
        let mut command = oms(directory)?;
        command.args(["--detach", "--reset", "--port", &port]).arg("--servers").arg(servers);
        ensure!(command.status().await?.success(), "the shop did not open");
        let file = directory.join("shop.env");
        let text = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        let environment = text.lines().filter_map(|line| {
            let (name, value) = line.trim_start_matches("export ").split_once('=')?;
            Some((name.to_owned(), value.trim_matches('\'').to_owned()))
        });
        Ok(Self { directory: directory.to_owned(), environment: environment.collect() })
    }

    pub async fn close(self) -> anyhow::Result<()> {
        ensure!(oms(&self.directory)?.arg("--stop").status().await?.success(), "the shop did not stop");
        Ok(())
    }

    pub async fn world(&self) -> anyhow::Result<World> {
        World::make(&self.client()?, SIZE).await
    }

    /// Logged in as staff.
    pub fn client(&self) -> anyhow::Result<Client> {
        let access = AccessArguments {
            url: self.variable("OMS_URL").to_owned(),
            email: self.variable("ADMIN_EMAIL").to_owned(),
            password: self.variable("ADMIN_PASSWORD").to_owned(),
        };
        access.client(|builder| builder.retries(0))
    }

    /// Orders in the database, about.
    pub async fn orders(&self) -> anyhow::Result<u64> {
        let client = mongodb::Client::with_uri_str(self.mongo_uri()).await?;
        let orders = client.database("oms_orders").collection::<Document>("orders");
        let count = orders.estimated_document_count().await?;
        client.shutdown().await;
        Ok(count)
    }

    pub fn address(&self) -> anyhow::Result<String> {
        address_of(self.variable("OMS_URL"))
    }

    pub fn mongo_uri(&self) -> &str {
        self.variable("MONGO_URI")
    }

    pub fn redis_uri(&self) -> &str {
        self.variable("REDIS_URI")
    }

    /// Where the shop publishes what its tokens are verified with.
    pub fn keys_url(&self) -> String {
        format!("{}/.well-known/jwks.json", self.variable("OMS_URL"))
    }

    pub fn processes(&self) -> anyhow::Result<Processes> {
        Processes::of_shop(&self.directory)
    }

    /// Megabytes of each process now.
    pub fn resident_memory(&self) -> anyhow::Result<Vec<(String, f64)>> {
        let now = self.processes()?.read();
        let spent = Spent::between(&now, &now);
        Ok(spent.into_iter().map(|spent| (spent.process, spent.rss_kb as f64 / 1024.0)).collect())
    }

    pub fn logs(&self) -> PathBuf {
        self.directory.join("logs")
    }

    /// What all processes have logged so far.
    pub fn logged(&self) -> Option<u64> {
        crate::load::bytes_in(&self.logs())
    }

    fn variable(&self, name: &str) -> &str {
        self.environment.get(name).map_or("", String::as_str)
    }
}

/// `oms shop run` of this very program, with nothing of the caller's settings.
fn oms(directory: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("where this program is")?);
    command.args(["shop", "run", "--directory"]).arg(directory);
    command.env_remove("MONGO_URI").env_remove("REDIS_URI").stdin(Stdio::null()).stdout(Stdio::null());
    Ok(command)
}
