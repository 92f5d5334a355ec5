//! `oms shop run --detach`: starts the shop in the background, shows what it says until it is open, and returns.

use super::RunArguments;
use super::directory::Directory;
use super::say::say;
use super::signals::StopSignals;
use anyhow::Context as _;
use nix::sys::signal::Signal;
use std::fs::{self, File};
use std::io::Read as _;
use std::process::{ExitCode, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};

/// Starts a shop that goes on when this process ends.
pub async fn detach(arguments: &RunArguments) -> anyhow::Result<ExitCode> {
    let mut signals = StopSignals::listen()?;
    let directory = Directory::open(&arguments.directory)?;
    drop(directory.lock()?);
    let log_path = directory.shop_log();
    if log_path.exists() {
        fs::rename(&log_path, log_path.with_extension("log.1")).context("put the last log aside")?;
    }
    let log = File::create(&log_path).with_context(|| format!("create {}", log_path.display()))?;
    let mut child = start(arguments, &log)?;
    let mut told = File::open(&log_path).with_context(|| format!("open {}", log_path.display()))?;
    let opened = tokio::select! {
        opened = wait_until_open(&directory, &mut child, &mut told) => opened?,
        _ = signals.heard() => {
            stop(&mut child).await?;
            false
        }
    };
    tell(&mut told)?;
    if !opened {
        say(&format!("The shop did not open; all it said is in {}.", log_path.display()));
        return Ok(ExitCode::FAILURE);
    }
    say("The shop runs in the background; `--stop` ends it.");
    Ok(ExitCode::SUCCESS)
}

/// The same command without `--detach`, in a session of its own. Secrets go by the environment, where nobody else
/// can read them.
fn start(arguments: &RunArguments, log: &File) -> anyhow::Result<Child> {
    let mut command = Command::new(std::env::current_exe().context("where this program is")?);
    command.args(["shop", "run", "--background", "--port", &arguments.port.to_string()]);
    command.arg("--directory").arg(&arguments.directory);
    if arguments.reset {
        command.arg("--reset");
    }
    for (name, value) in [("--servers", &arguments.servers), ("--programs", &arguments.programs)] {
        if let Some(value) = value {
            command.arg(name).arg(value);
        }
    }
    command.env("ADMIN_EMAIL", &arguments.admin_email);
    let secrets = [
        ("MONGO_URI", &arguments.mongo_uri),
        ("REDIS_URI", &arguments.redis_uri),
        ("ADMIN_PASSWORD", &arguments.admin_password),
    ];
    for (name, value) in secrets {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log.try_clone()?);
    command.spawn().context("start the shop in the background")
}

/// Shows what the shop says; answers whether it opened. Every step of the shop has a time-out of its own.
async fn wait_until_open(directory: &Directory, child: &mut Child, told: &mut File) -> anyhow::Result<bool> {
    let pid = pid(child)?;
    loop {
        tell(told)?;
        let running = directory.running()?.filter(|running| running.supervisor.pid == pid);
        if running.is_some_and(|running| running.is_ready) {
            return Ok(true);
        }
        let pause = Duration::from_millis(50);
        // It ended, or the pause did.
        if let Ok(status) = tokio::time::timeout(pause, child.wait()).await {
            status?;
            return Ok(false);
        }
    }
}

async fn stop(child: &mut Child) -> anyhow::Result<()> {
    if child.id().is_some() {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid(child)?), Signal::SIGTERM)?;
        child.wait().await?;
    }
    Ok(())
}

fn pid(child: &Child) -> anyhow::Result<i32> {
    child.id().and_then(|id| i32::try_from(id).ok()).context("a process without a number")
}

/// Passes on what was written to the log since the last time.
fn tell(log: &mut File) -> anyhow::Result<()> {
    let mut text = String::new();
    log.read_to_string(&mut text).context("read what the shop says")?;
    if !text.is_empty() {
        say(text.trim_end_matches('\n'));
    }
    Ok(())
}
