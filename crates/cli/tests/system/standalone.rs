//! A MongoDB that cannot do transactions is refused with the command that mends it.

use crate::shop::{eventually, programs, servers};
use oms_cli::shop::ports::{free_port, is_free};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A mongod that is in no initiated replica set; killed when dropped.
pub struct Mongod {
    child: Child,
    pub port: u16,
    _data: TempDir,
}

impl Mongod {
    pub async fn start(arguments: &[&str]) -> Self {
        let (data, port) = (tempfile::tempdir().unwrap(), free_port(&[]).unwrap());
        let child = Command::new(servers().join("mongod"))
            .args(["--nounixsocket", "--bind_ip", "127.0.0.1", "--port", &port.to_string(), "--dbpath"])
            .arg(data.path())
            .args(arguments)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        eventually("mongod listens", async || (!is_free(port)).then_some(())).await;
        Self { child, port, _data: data }
    }
}

impl Drop for Mongod {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// What order-service says when it is started against this server.
fn refusal(mongod: &Mongod, query: &str) -> String {
    let output = Command::new(programs().join("order-service"))
        .env("MONGO_URI", format!("mongodb://127.0.0.1:{}/{query}", mongod.port))
        .env("OMS_ORDER__HTTP__PUBLIC_PORT", "0")
        .env("OMS_ORDER__HTTP__INTERNAL_PORT", "0")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn a_stand_alone_server_is_refused_with_the_command_that_makes_it_a_replica_set() {
    let mongod = Mongod::start(&[]).await;
    for query in ["", "?replicaSet=rs0"] {
        let said = refusal(&mongod, query);
        assert!(said.contains("--replSet rs0") && said.contains("rs.initiate()"), "{said}");
    }
}

#[tokio::test]
async fn a_replica_set_that_was_never_initiated_is_refused_with_the_command_that_does_it() {
    let mongod = Mongod::start(&["--replSet", "rs0"]).await;
    let said = refusal(&mongod, "?replicaSet=rs0");
    assert!(said.contains("not initiated") && said.contains("rs.initiate()"), "{said}");
}
