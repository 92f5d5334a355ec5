//! `oms shop run`: opens the shop, keeps it open, and closes it when told to.

use super::RunArguments;
use super::directory::{Directory, Running};
use super::greeting;
use super::ports::{self, Ports};
use super::processes::Processes;
use super::say::say;
use super::servers::{self, Place};
use super::services::{self, Admin, ServicesPlan};
use super::signals::{StopSignals, raise_file_limit};
use super::stop::stop_leftovers;
use anyhow::{Context as _, bail, ensure};
use secrecy::SecretString;
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A process that ends this often within [`CRASH_WINDOW`] will not be started again.
const MAX_CRASHES: usize = 5;
const CRASH_WINDOW: Duration = Duration::from_secs(60);

/// Wait before the first restart of a process; doubled with each crash.
const RESTART_PAUSE: Duration = Duration::from_millis(200);

/// Runs a shop until a signal.
pub async fn run(arguments: RunArguments) -> anyhow::Result<ExitCode> {
    if arguments.background {
        nix::unistd::setsid().context("a session of its own")?;
    }
    let mut signals = StopSignals::listen()?;
    raise_file_limit();
    let directory = Directory::open(&arguments.directory)?;
    let _lock = directory.lock()?;
    stop_leftovers(&directory).await?;
    if arguments.reset {
        reset(&directory, &arguments)?;
    }
    directory.put_logs_aside()?;
    let is_ready = Arc::new(AtomicBool::new(false));
    let mut shop = Shop { processes: observed(&directory, is_ready.clone()), directory, is_ready, arguments };
    let outcome = tokio::select! {
        outcome = shop.open_and_keep() => outcome,
        _ = signals.heard() => Ok(()),
    };
    // What went wrong is said before the wait for everyone to stop.
    if let Err(error) = &outcome {
        say(&format!("\n{error:#}"));
    }
    shop.close(&mut signals).await?;
    Ok(if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn reset(directory: &Directory, arguments: &RunArguments) -> anyhow::Result<()> {
    ensure!(
        given(&arguments.mongo_uri).is_none(),
        "--reset deletes what is under {} and MONGO_URI points elsewhere: drop the databases oms_orders, \
         oms_customers and oms_products there yourself",
        directory.root().display()
    );
    directory.reset()?;
    say("The data of earlier runs is deleted.");
    Ok(())
}

/// Processes that are written down as they start.
fn observed(directory: &Directory, is_ready: Arc<AtomicBool>) -> Processes {
    let directory = directory.clone();
    Processes::observed(move |processes| {
        directory.set_running(&Running::of(processes, is_ready.load(Ordering::Relaxed))?)
    })
}

/// An empty variable is one that is not set.
fn given(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|value| !value.is_empty())
}

struct Shop {
    directory: Directory,
    arguments: RunArguments,
    processes: Processes,
    is_ready: Arc<AtomicBool>,
}

impl Shop {
    async fn open_and_keep(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        let plan = self.open().await?;
        let greeting = greeting::compose(&plan).await?;
        self.directory.write_environment(&greeting::environment(&plan))?;
        say(&format!("{greeting}\nOpen after {:.1} s.", begun.elapsed().as_secs_f32()));
        self.is_ready.store(true, Ordering::Relaxed);
        self.processes.record()?;
        self.keep_open().await
    }

    /// Starts everything; returns when customers may come in.
    async fn open(&mut self) -> anyhow::Result<ServicesPlan> {
        let port = self.arguments.port;
        ensure!(
            ports::is_free(port),
            "port {port} is taken by another program; choose another one with --port"
        );
        let ports = self.directory.ports(port)?;
        let programs = self.programs()?;
        let (mongo_uri, redis_uri) = self.start_servers(&ports).await?;
        let admin_password = match given(&self.arguments.admin_password) {
            Some(password) => password.into(),
            None => self.directory.secret("admin-password")?,
        };
        let plan = ServicesPlan {
            programs,
            logs: self.directory.logs(),
            ports,
            mongo_uri,
            redis_uri,
            database_prefix: "oms".to_owned(),
            service_token: self.directory.secret("service-token")?,
            signing_key_file: self.directory.signing_key_file()?,
            admin: Admin { email: self.arguments.admin_email.clone(), password: admin_password },
            more: Vec::new(),
        };
        say("Starting the services ...");
        services::start_services(&mut self.processes, &plan).await?;
        let seeded = tokio::select! {
            seeded = greeting::seed_if_empty(&plan) => seeded?,
            (ended, status) = self.processes.first_end() => {
                bail!("{}", self.processes.named(ended)?.obituary(&status));
            }
        };
        if seeded > 0 {
            say(&format!("The shop was empty: it has {seeded} products in stock and two customers now."));
        }
        Ok(plan)
    }

    fn programs(&self) -> anyhow::Result<PathBuf> {
        if let Some(programs) = &self.arguments.programs {
            return std::path::absolute(programs).context("--programs");
        }
        let own = std::env::current_exe().context("where this program is")?;
        Ok(own.parent().context("a program without a directory")?.to_owned())
    }

    async fn start_servers(&mut self, ports: &Ports) -> anyhow::Result<(SecretString, SecretString)> {
        let servers = self.arguments.servers.clone().unwrap_or_else(|| self.directory.root().join("servers"));
        let servers = std::path::absolute(servers).context("--servers")?;
        let logs = self.directory.logs();
        let data = self.directory.data();
        let place = |name: &str, port| Place { programs: &servers, data: data.join(name), logs: &logs, port };
        let mongo_uri = match given(&self.arguments.mongo_uri) {
            Some(uri) => uri.into(),
            None => {
                say("Starting mongod ...");
                let place = place("mongod", ports.mongod);
                servers::start_mongod(&mut self.processes, &place, false).await?.into()
            }
        };
        let redis_uri = match given(&self.arguments.redis_uri) {
            Some(uri) => uri.into(),
            None => {
                say("Starting redis-server ...");
                servers::start_redis(&mut self.processes, &place("redis", ports.redis)).await?.into()
            }
        };
        Ok((mongo_uri, redis_uri))
    }

    /// Starts again what ends. Returns when one process keeps ending.
    async fn keep_open(&mut self) -> anyhow::Result<()> {
        let mut crashes: HashMap<&str, VecDeque<Instant>> = HashMap::new();
        loop {
            let (name, status) = self.processes.first_end().await;
            let obituary = self.processes.named(name)?.obituary(&status);
            let recent = crashes.entry(name).or_default();
            recent.push_back(Instant::now());
            recent.retain(|crash| crash.elapsed() < CRASH_WINDOW);
            if recent.len() >= MAX_CRASHES {
                bail!(
                    "{obituary}\n{name} ended {MAX_CRASHES} times within {} s; the shop closes.",
                    CRASH_WINDOW.as_secs()
                );
            }
            say(&format!("\n{obituary}\nIt is started again."));
            let pause = recent.iter().skip(1).fold(RESTART_PAUSE, |pause, _| pause * 2);
            tokio::time::sleep(pause).await;
            self.processes.restart(name).await?;
        }
    }

    /// Stops what was started and nothing else; a second signal stops it at once.
    async fn close(mut self, signals: &mut StopSignals) -> anyhow::Result<()> {
        if !self.processes.is_empty() {
            say("\nStopping ...");
        }
        let hurried = tokio::select! {
            () = self.processes.stop() => false,
            _ = signals.heard() => true,
        };
        if hurried {
            say("Killing what has not stopped yet.");
            self.processes.kill_all().await;
        }
        self.directory.clear_running()?;
        say("Stopped.");
        Ok(())
    }
}
