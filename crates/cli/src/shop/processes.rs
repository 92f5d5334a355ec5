//! The processes of one shop in the order they were started: watched together, stopped in reverse.

use super::process::{Launch, Process};
use anyhow::{Context as _, bail};
use futures_util::future::{FutureExt as _, select_all};
use std::process::ExitStatus;
use std::time::Duration;

/// How long to wait between two looks at a process that is not ready yet.
const READY_POLL: Duration = Duration::from_millis(50);

/// Told of every change, so that somebody else can clean up after a crash.
type OnChange = Box<dyn Fn(&[Process]) -> anyhow::Result<()> + Send + Sync>;

/// Processes that live and end together.
#[derive(Default)]
pub struct Processes {
    running: Vec<Process>,
    on_change: Option<OnChange>,
}

impl Processes {
    /// Calls `on_change` with all of them whenever one is started.
    pub fn observed(on_change: impl Fn(&[Process]) -> anyhow::Result<()> + Send + Sync + 'static) -> Self {
        Self { running: Vec::new(), on_change: Some(Box::new(on_change)) }
    }

    pub fn start(&mut self, launch: Launch) -> anyhow::Result<()> {
        self.running.push(Process::start(launch)?);
        self.record()
    }

    /// Starts one anew, as it was started first.
    pub async fn restart(&mut self, name: &str) -> anyhow::Result<()> {
        self.named(name)?.restart().await?;
        self.record()
    }

    /// SIGKILL for one; it stays known and can be restarted.
    pub async fn kill(&mut self, name: &str) -> anyhow::Result<()> {
        self.named(name)?.kill().await;
        Ok(())
    }

    pub fn named(&mut self, name: &str) -> anyhow::Result<&mut Process> {
        let found = self.running.iter_mut().find(|process| process.name() == name);
        found.with_context(|| format!("no process {name}"))
    }

    /// Resolves with the name of the first that ends and how; may be dropped and called again.
    pub async fn first_end(&mut self) -> (&'static str, std::io::Result<ExitStatus>) {
        if self.running.is_empty() {
            return std::future::pending().await;
        }
        let ends = self.running.iter_mut().map(|process| {
            let name = process.name();
            process.ended().map(move |status| (name, status)).boxed()
        });
        select_all(ends).await.0
    }

    /// Waits until `is_ready` says so for the process `name`; fails when any process ends or the limit passes.
    pub async fn wait_until_ready(
        &mut self,
        name: &str,
        limit: Duration,
        is_ready: impl AsyncFn() -> bool,
    ) -> anyhow::Result<()> {
        let polling = async {
            while !is_ready().await {
                tokio::time::sleep(READY_POLL).await;
            }
        };
        tokio::select! {
            () = polling => return Ok(()),
            (ended, status) = self.first_end() => bail!("{}", self.named(ended)?.obituary(&status)),
            () = tokio::time::sleep(limit) => {}
        }
        let end = self.named(name)?.log_end();
        bail!("{name} is not ready after {} seconds. {end}", limit.as_secs())
    }

    /// Stops all, the last one started first.
    pub async fn stop(&mut self) {
        // Each leaves the list only when it is gone, so that whoever drops this can still kill the rest.
        while let Some(process) = self.running.last_mut() {
            process.stop().await;
            self.running.pop();
        }
    }

    /// SIGKILL for all.
    pub async fn kill_all(&mut self) {
        while let Some(mut process) = self.running.pop() {
            process.kill().await;
        }
    }

    pub fn pids(&self) -> Vec<i32> {
        self.running.iter().map(|process| process.identity().pid).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Tells whoever observes which processes there are.
    pub fn record(&self) -> anyhow::Result<()> {
        self.on_change.as_ref().map_or(Ok(()), |on_change| on_change(&self.running))
    }
}
