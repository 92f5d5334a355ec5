//! `oms shop exec -- command`: runs a command beside databases of its own and leaves nothing behind.

use super::ExecArguments;
use super::descendants;
use super::ports::free_port;
use super::processes::Processes;
use super::servers::{self, Place};
use super::signals::{StopSignals, raise_file_limit};
use anyhow::Context as _;
use nix::sys::signal::Signal;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

/// Runs the command and answers its exit code.
pub async fn exec(arguments: &ExecArguments) -> anyhow::Result<ExitCode> {
    let mut signals = StopSignals::listen()?;
    raise_file_limit();
    descendants::adopt_orphans()?;
    let directory = tempfile::tempdir().context("a temporary directory")?;
    let mut processes = Processes::default();
    let outcome = tokio::select! {
        outcome = beside_servers(arguments, directory.path(), &mut processes) => outcome,
        signal = signals.heard() => Ok(ended_by(signal)),
        () = parent_ended() => Ok(ended_by(Signal::SIGHUP)),
    };
    // The command is gone or must go, with everything it started, before its databases do.
    descendants::end_all_but(&processes.pids()).await;
    processes.stop().await;
    outcome
}

async fn beside_servers(
    arguments: &ExecArguments,
    directory: &Path,
    processes: &mut Processes,
) -> anyhow::Result<ExitCode> {
    let servers = std::path::absolute(&arguments.servers).context("--servers")?;
    let place =
        |name: &str, port| Place { programs: &servers, data: directory.join(name), logs: directory, port };
    let mongod_port = free_port(&[])?;
    let mongo_uri = servers::start_mongod(processes, &place("mongod", mongod_port), true).await?;
    let redis_uri = servers::start_redis(processes, &place("redis", free_port(&[mongod_port])?)).await?;
    let (program, rest) = arguments.command.split_first().context("no command")?;
    let mut child = Command::new(program)
        .args(rest)
        .env("MONGO_URI", mongo_uri)
        .env("REDIS_URI", redis_uri)
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let mut child_ended = signal(SignalKind::child()).context("signals cannot be heard")?;
    let mut servers_run = true;
    loop {
        let mut own = processes.pids();
        own.extend(child.id().and_then(|pid| i32::try_from(pid).ok()));
        tokio::select! {
            status = child.wait() => return Ok(exit_code(status?)),
            // The command goes on: it is the one to say what that means.
            (name, status) = processes.first_end(), if servers_run => {
                eprintln!("oms: {}", processes.named(name)?.obituary(&status));
                servers_run = false;
            }
            _ = child_ended.recv() => descendants::bury_all_but(&own),
        }
    }
}

/// Resolves when whoever started this process is gone, and so does not wait for its end any more.
async fn parent_ended() {
    let parent = nix::unistd::getppid();
    while nix::unistd::getppid() == parent {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// As a shell would say it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}

fn ended_by(signal: Signal) -> ExitCode {
    u8::try_from(128 + signal as i32).map_or(ExitCode::FAILURE, ExitCode::from)
}
