//! `oms shop run --stop`, and what is left of a shop that was killed.

use super::directory::{Directory, Running};
use super::say::say;
use anyhow::bail;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Longer than every process of a shop may take together.
const SHOP_LIMIT: Duration = Duration::from_secs(150);

/// What one process that nobody watches any more may take.
const LEFTOVER_LIMIT: Duration = Duration::from_secs(30);

/// Stops the shop that runs in a directory.
pub async fn stop(root: &Path) -> anyhow::Result<ExitCode> {
    if !root.exists() {
        say(&format!("No shop has ever run in {}.", root.display()));
        return Ok(ExitCode::SUCCESS);
    }
    let directory = Directory::open(root)?;
    if let Some(_lock) = directory.try_lock()? {
        if !stop_leftovers(&directory).await? {
            say(&format!("No shop runs in {}.", directory.root().display()));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let Some(running) = running_supervisor(&directory).await? else {
        bail!("a shop runs in {} and does not say which process it is", directory.root().display());
    };
    running.supervisor.end(SHOP_LIMIT).await;
    // One that had to be killed leaves its processes behind.
    if directory.try_lock()?.is_some() {
        stop_leftovers(&directory).await?;
    }
    say("The shop is stopped.");
    Ok(ExitCode::SUCCESS)
}

/// A supervisor takes its lock first and says who it is a moment later.
async fn running_supervisor(directory: &Directory) -> anyhow::Result<Option<Running>> {
    let asked = Instant::now();
    while asked.elapsed() < Duration::from_secs(5) {
        let running = directory.running()?;
        if let Some(running) = running.filter(|running| running.supervisor.is_alive()) {
            return Ok(Some(running));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(None)
}

/// Stops what a killed supervisor left behind, services first; the caller holds the directory's lock. Answers
/// whether there was any.
pub async fn stop_leftovers(directory: &Directory) -> anyhow::Result<bool> {
    let children = directory.running()?.map(|running| running.children).unwrap_or_default();
    let left: Vec<_> = children.iter().rev().filter(|child| child.identity.is_alive()).collect();
    if !left.is_empty() {
        let names: Vec<_> = left.iter().map(|child| child.name.as_str()).collect();
        say(&format!("Stopping what an earlier shop left behind: {}.", names.join(", ")));
    }
    for child in &left {
        child.identity.end(LEFTOVER_LIMIT).await;
    }
    directory.clear_running()?;
    Ok(!left.is_empty())
}
