//! Everything a command started, however deep and whoever its parent was.

use super::process::Identity;
use futures_util::future::join_all;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use std::fs;
use std::time::Duration;

/// What a process may take to end on SIGTERM.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Makes this process the parent of every orphan below it, so that none is lost from sight.
pub fn adopt_orphans() -> anyhow::Result<()> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_child_subreaper(true)?;
    Ok(())
}

/// Ends every descendant except these children: as parents go, their children become ours, until there is none.
pub async fn end_all_but(own: &[i32]) {
    loop {
        bury_all_but(own);
        let adopted = children_but(own);
        if adopted.is_empty() {
            return;
        }
        join_all(adopted.into_iter().map(|pid| async move { Identity::of(pid).end(STOP_LIMIT).await })).await;
    }
}

/// Takes note of the end of adopted processes, which stay in the process table until somebody does.
pub fn bury_all_but(own: &[i32]) {
    for pid in children_but(own) {
        // One that still runs is left alone, and one that is gone needs nothing.
        let _status = waitpid(Pid::from_raw(pid), Some(WaitPidFlag::WNOHANG));
    }
}

fn children_but(own: &[i32]) -> Vec<i32> {
    let me = std::process::id();
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| !own.contains(pid) && parent(*pid) == Some(me)).collect()
}

/// The 4th field of its `stat`, counted after the name in brackets.
fn parent(pid: i32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(1)?.parse().ok()
}
