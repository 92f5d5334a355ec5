//! `oms shop exec`: a command beside databases of its own, and nothing left behind.

use crate::shop::{eventually, oms, servers};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use oms_cli::shop::process::Identity;
use std::fs;
use std::path::Path;
use std::process::Command;

fn exec(script: &str) -> Command {
    let mut command = oms();
    command.args(["shop", "exec", "--servers"]).arg(servers()).args(["--", "bash", "-c", script]);
    command
}

fn pids(file: &Path) -> Vec<i32> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.split_ascii_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

fn identities(pids: &[i32]) -> Vec<Identity> {
    pids.iter().map(|pid| Identity::of(*pid)).collect()
}

#[test]
fn the_exit_code_is_the_commands_and_its_orphans_end_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pids");
    let script = format!(
        "[[ $MONGO_URI == mongodb://* && $REDIS_URI == redis://* ]] || exit 9\n\
         setsid sleep 1000 & echo $! >'{0}'\n(sleep 1000 & echo $! >>'{0}')\nexit 7",
        file.display()
    );
    let output = exec(&script).output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{}", String::from_utf8_lossy(&output.stderr));
    let pids = pids(&file);
    assert_eq!(pids.len(), 2);
    assert!(identities(&pids).iter().all(|identity| !identity.is_alive()));
}

/// The processes whose parent is this one.
fn children(parent: u32) -> Vec<i32> {
    let pids =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let status = |pid: &i32| fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    pids.filter(|pid| status(pid).contains(&format!("\nPPid:\t{parent}\n"))).collect()
}

#[tokio::test]
async fn a_signal_ends_the_command_and_the_databases() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pids");
    let mut child = exec(&format!("echo $$ >'{}'; sleep 1000", file.display())).spawn().unwrap();
    eventually("the command", async || Some(pids(&file)).filter(|pids| !pids.is_empty())).await;
    let started = identities(&children(child.id()));
    assert_eq!(started.len(), 3, "mongod, redis-server and the command: {started:?}");
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert!(started.iter().all(|identity| !identity.is_alive()));
}

#[test]
fn a_command_that_does_not_exist_is_a_sentence() {
    let mut command = oms();
    command.args(["shop", "exec", "--servers"]).arg(servers()).args(["--", "/no/such/command"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot start /no/such/command"));
}
