//! A shop as `oms shop run` opens it, in a folder of its own whose name has a space.

use oms_cli::shop::directory::{Directory, Running};
use oms_cli::shop::ports::free_port;
use oms_cli::shop::process::Identity;
use oms_client::Client;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Bounds every wait for something that must come.
const LIMIT: Duration = Duration::from_secs(120);

pub fn oms() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oms"));
    // The tests' own databases are not the shop's.
    for name in ["MONGO_URI", "REDIS_URI", "ADMIN_EMAIL", "ADMIN_PASSWORD"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

pub fn servers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.oms/servers")
}

/// The directory of the four services' programs.
pub fn programs() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_oms")).parent().unwrap().to_owned()
}

/// Polls until there is an answer: of what another process does nothing else can be known.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < LIMIT, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The folder of a shop and the commands a user gives there. Dropping it stops the shop.
pub struct TestShop {
    pub directory: Directory,
    pub port: u16,
    programs: PathBuf,
    _parent: TempDir,
}

impl TestShop {
    pub fn new() -> Self {
        Self::with_programs(programs())
    }

    pub fn with_programs(programs: PathBuf) -> Self {
        let parent = tempfile::Builder::new().prefix("a shop ").tempdir().unwrap();
        let directory = Directory::open(&parent.path().join(".oms")).unwrap();
        Self { directory, port: free_port(&[]).unwrap(), programs, _parent: parent }
    }

    /// `oms shop run` in this folder.
    pub fn command(&self, options: &[&str]) -> Command {
        let mut command = oms();
        command.args(["shop", "run", "--port", &self.port.to_string()]);
        command.arg("--directory").arg(self.directory.root());
        command.arg("--servers").arg(servers()).arg("--programs").arg(&self.programs);
        command.args(options);
        command
    }

    pub fn run(&self, options: &[&str]) -> Output {
        self.command(options).output().unwrap()
    }

    /// Runs and expects success; answers what was said.
    pub fn succeed(&self, options: &[&str]) -> String {
        let output = self.run(options);
        let said = said(&output);
        assert!(output.status.success(), "{said}");
        said
    }

    /// Runs and expects exit code 1; answers what was said.
    pub fn fail(&self, options: &[&str]) -> String {
        let output = self.run(options);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        said
    }

    pub fn running(&self) -> Option<Running> {
        self.directory.running().unwrap()
    }

    /// The supervisor and everything it started.
    pub fn identities(&self) -> Vec<Identity> {
        let running = self.running().unwrap();
        let children = running.children.into_iter().map(|child| child.identity);
        children.chain([running.supervisor]).collect()
    }

    /// Who runs under a name now.
    pub fn identity(&self, name: &str) -> Option<Identity> {
        let children = self.running()?.children;
        children.into_iter().find(|child| child.name == name).map(|child| child.identity)
    }

    pub fn variables(&self) -> HashMap<String, String> {
        let text = fs::read_to_string(self.directory.root().join("shop.env")).unwrap();
        text.lines().map(|line| line.split_once('=').unwrap()).map(|(a, b)| (a.into(), b.into())).collect()
    }

    /// A client logged in as the shop's administrator.
    pub fn admin(&self) -> Client {
        let variables = self.variables();
        let builder = Client::builder(&variables["OMS_URL"]);
        builder.credentials(&variables["ADMIN_EMAIL"], &variables["ADMIN_PASSWORD"]).build().unwrap()
    }
}

impl Drop for TestShop {
    fn drop(&mut self) {
        self.run(&["--stop"]);
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
