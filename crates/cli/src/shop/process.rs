//! One child process: in a process group of its own, logged to a file, known by more than its number, ended politely.

use anyhow::Context as _;
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};

/// How much of a log's end is shown when its process ended.
const LOG_LINES: usize = 20;

/// Everything needed to start a process, and to start it again.
#[derive(Clone, Debug)]
pub struct Launch {
    pub name: &'static str,
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    /// Added to the environment of this process.
    pub environment: Vec<(String, OsString)>,
    pub working_directory: PathBuf,
    pub log: PathBuf,
    /// How long it may take to end on SIGTERM.
    pub stop_limit: Duration,
}

/// A process that can still be told from a later one with the same number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    pub pid: i32,
    /// Clock ticks between the machine's start and the process's; 0 where there is no `/proc`.
    start_ticks: u64,
    boot_id: String,
}

impl Identity {
    pub fn of(pid: i32) -> Self {
        let start_ticks = start_ticks(pid).unwrap_or_default();
        Self { pid, start_ticks, boot_id: boot_id() }
    }

    /// Whether this very process still runs.
    pub fn is_alive(&self) -> bool {
        self.start_ticks != 0 && self.boot_id == boot_id() && start_ticks(self.pid) == Some(self.start_ticks)
    }

    /// SIGTERM, and after `limit` SIGKILL; returns when it is gone.
    pub async fn end(&self, limit: Duration) {
        for (signal, limit) in [(Signal::SIGTERM, limit), (Signal::SIGKILL, Duration::from_secs(10))] {
            if self.is_alive() {
                // It may have ended in between, which is what is wanted.
                let _ended = signal::kill(Pid::from_raw(self.pid), signal);
            }
            // Out of time leads to the harder signal; after that nothing more can be done.
            let _gone = tokio::time::timeout(limit, self.gone()).await;
        }
    }

    async fn gone(&self) {
        while self.is_alive() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// When a process that has not ended was started: the 22nd field of its `stat`, counted after the name in brackets.
fn start_ticks(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    // A zombie has ended; only its parent has not asked yet.
    let state = fields.next()?;
    if matches!(state, "Z" | "X") { None } else { fields.nth(18)?.parse().ok() }
}

fn boot_id() -> String {
    // Where there is none, start times are not known either.
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// A started process. Dropping it kills it.
pub struct Process {
    launch: Launch,
    child: Child,
    identity: Identity,
}

impl Process {
    pub fn start(launch: Launch) -> anyhow::Result<Self> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&launch.log)
            .with_context(|| format!("open {}", launch.log.display()))?;
        let child = Command::new(&launch.program)
            .args(&launch.arguments)
            .envs(launch.environment.iter().map(|(name, value)| (name, value)))
            // A port meant for one process must not become every process's.
            .env_remove("PORT")
            .current_dir(&launch.working_directory)
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("share the log")?)
            .stderr(log)
            // Ctrl-C on a terminal reaches its foreground group: only whoever runs this decides who stops when.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {} ({})", launch.name, launch.program.display()))?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).context("a process without a number")?;
        Ok(Self { launch, child, identity: Identity::of(pid) })
    }

    pub fn name(&self) -> &'static str {
        self.launch.name
    }

    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Resolves when the process has ended; may be dropped and called again.
    pub async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Starts it anew, as it was started first.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.stop().await;
        *self = Self::start(self.launch.clone())?;
        Ok(())
    }

    /// Starts it anew with more in its environment; the next restart is as it was started first.
    pub async fn restart_with(&mut self, more: &[(String, OsString)]) -> anyhow::Result<()> {
        self.stop().await;
        let (launch, mut with_more) = (self.launch.clone(), self.launch.clone());
        with_more.environment.extend_from_slice(more);
        *self = Self { launch, ..Self::start(with_more)? };
        Ok(())
    }

    /// SIGSTOP: what a process that hangs looks like to everyone else.
    pub fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// SIGCONT
    pub fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Whether it has ended, by itself or not.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// SIGTERM, and SIGKILL for one that does not listen; returns when it is gone.
    pub async fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        if tokio::time::timeout(self.launch.stop_limit, self.child.wait()).await.is_err() {
            self.kill().await;
        }
    }

    /// SIGKILL: what a crash of the process looks like to everyone else.
    pub async fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        // The answer of a process that was just killed says nothing.
        let _status = self.child.wait().await;
    }

    fn signal(&self, signal: Signal) {
        // None once it has been waited for: its number may be somebody else's by now.
        if self.child.id().is_some() {
            // A failure means that it is gone already.
            let _sent = signal::kill(Pid::from_raw(self.identity.pid), signal);
        }
    }

    /// What to tell about its end.
    pub fn obituary(&self, status: &std::io::Result<ExitStatus>) -> String {
        let how = match status {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        format!("{} ended ({how}). {}", self.launch.name, log_end(&self.launch.log))
    }

    /// The end of its log, introduced.
    pub fn log_end(&self) -> String {
        log_end(&self.launch.log)
    }
}

/// The last lines of a log, indented, under a sentence that says where it is.
pub fn log_end(log: &Path) -> String {
    let lines = last_lines(log).unwrap_or_default();
    if lines.is_empty() {
        return format!("Its log is empty: {}", log.display());
    }
    format!("The end of {}:\n\n    {}\n", log.display(), lines.join("\n    "))
}

fn last_lines(log: &Path) -> std::io::Result<Vec<String>> {
    const TAIL: u64 = 64 * 1024;
    let mut file = fs::File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(LOG_LINES);
    Ok(lines.iter().skip(from).map(|line| (*line).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch(log: &Path, script: &str) -> Launch {
        Launch {
            name: "sh",
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            environment: Vec::new(),
            working_directory: "/".into(),
            log: log.to_owned(),
            stop_limit: Duration::from_millis(100),
        }
    }

    #[tokio::test]
    async fn a_process_that_does_not_listen_is_killed_and_its_identity_ends_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let mut process =
            Process::start(launch(&log, "trap '' TERM; echo up; while :; do sleep 60; done")).unwrap();
        let identity = process.identity().clone();
        assert!(identity.is_alive());
        while !log_end(&log).contains("up") {
            tokio::task::yield_now().await;
        }
        process.stop().await;
        assert!(!identity.is_alive());
    }

    #[tokio::test]
    async fn an_obituary_shows_the_last_lines_and_no_more() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let mut process = Process::start(launch(&log, "seq 1 50; exit 3")).unwrap();
        let status = process.ended().await;
        let obituary = process.obituary(&status);
        assert!(
            obituary.contains("sh ended (exit status: 3)") && obituary.contains("\n    31\n"),
            "{obituary}"
        );
        assert!(!obituary.contains("\n    30\n"), "{obituary}");
    }

    #[test]
    fn a_number_that_belongs_to_another_process_now_is_not_the_process() {
        let own = Identity::of(i32::try_from(std::process::id()).unwrap());
        assert!(own.is_alive());
        assert!(!Identity { start_ticks: own.start_ticks + 1, ..own.clone() }.is_alive());
        assert!(!Identity { boot_id: "another start of the machine".into(), ..own }.is_alive());
    }
}
