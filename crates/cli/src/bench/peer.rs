//! Another order service under the same load: a folder with a `start.sh` that opens it at port 3100, and orders whose
//! customers and products are numbered in 24 hexadecimal digits.

use crate::load::scenario::{Compose, Wanted};
use anyhow::{Context as _, ensure};
use fastrand::Rng;
use hyper::Method;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::Command;

pub const ADDRESS: &str = "127.0.0.1:3100";

const CUSTOMERS: u32 = 10_000;
const PRODUCTS: u32 = 1_000;
const START_LIMIT: Duration = Duration::from_secs(60);

pub struct Peer {
    directory: PathBuf,
}

impl Peer {
    /// `servers` is put in front of the path: that is where mongod and redis-server are.
    pub async fn open(directory: &Path, servers: &Path) -> anyhow::Result<Self> {
        let servers = std::path::absolute(servers)?;
        let search = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(servers).chain(std::env::split_paths(&search)))?;
        let started = Command::new("bash")
            .args(["start.sh", "all"])
            .current_dir(directory)
            .env("PATH", path)
            .env_remove("PORT")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .await
            .with_context(|| format!("start the peer in {}", directory.display()))?;
        let peer = Self { directory: directory.to_owned() };
        ensure!(started.success(), "the peer in {} did not start", directory.display());
        let http = common::http::peer::client()?;
        let begun = Instant::now();
        while http.get(format!("http://{ADDRESS}/healthz")).send().await.is_err() {
            ensure!(begun.elapsed() < START_LIMIT, "the peer does not answer at {ADDRESS}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(peer)
    }

    pub async fn close(self) -> anyhow::Result<()> {
        let mut stop = Command::new("bash");
        stop.args(["start.sh", "stop"]).current_dir(&self.directory).stdout(Stdio::null());
        ensure!(stop.status().await?.success(), "the peer did not stop");
        Ok(())
    }
}

/// Orders of one unit.
#[derive(Clone)]
pub struct PeerOrders {
    /// All of one product.
    pub hot: bool,
    pub rng: Rng,
}

impl Compose for PeerOrders {
    fn compose(&mut self, _number: u64) -> Wanted {
        let customer = self.rng.u32(1..=CUSTOMERS);
        let product = if self.hot { 1 } else { self.rng.u32(1..=PRODUCTS) };
        let body =
            format!("{{\"customerId\":\"{customer:024x}\",\"productId\":\"{product:024x}\",\"quantity\":1}}");
        Wanted {
            method: Method::POST,
            path: "/orders".into(),
            body: body.into(),
            authorization: None,
            key: None,
        }
    }
}
