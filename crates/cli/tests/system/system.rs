//! The four real services with a database prefix and a Redis of their own, in the test's own process tree: services
//! can be killed and restarted one by one.

use crate::shop::{programs, servers};
use common::testing::{fresh_database, server};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use oms_cli::shop::ports::{Ports, free_port};
use oms_cli::shop::processes::Processes;
use oms_cli::shop::servers::{Place, REDIS, start_redis};
use oms_cli::shop::services::{self, Admin, Service, ServicesPlan};
use oms_client::{Builder, Client};
use secrecy::ExposeSecret as _;
use std::sync::Mutex;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Ports that stay a system's own while none of its processes listens there: a service that is started where another
/// system's was killed would be asked by that one.
fn own_ports() -> Ports {
    static PROMISED: Mutex<Vec<u16>> = Mutex::new(Vec::new());
    let mut promised = PROMISED.lock().unwrap();
    loop {
        let ports = Ports::choose(free_port(&promised).unwrap(), None).unwrap();
        let services = [ports.gateway, ports.order, ports.customer, ports.product];
        let mut own = vec![ports.mongod, ports.redis];
        own.extend(services.iter().flat_map(|service| [service.public, service.internal]));
        if own.iter().all(|port| !promised.contains(port)) {
            promised.extend(own);
            return ports;
        }
    }
}

/// A running system. Dropping it kills its processes.
pub struct System {
    pub plan: ServicesPlan,
    processes: Processes,
    _directory: TempDir,
}

impl System {
    /// Boots all four behind the gateway, with an administrator and nothing else.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with more settings by their names in the environment, such as `OMS_ORDER__SWEEPER__INTERVAL_MS`.
    pub async fn start_with(more: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ports = own_ports();
        let mut processes = Processes::default();
        let place = Place {
            programs: &servers(),
            data: directory.path().join("redis"),
            logs: directory.path(),
            port: ports.redis,
        };
        let redis_uri = start_redis(&mut processes, &place).await.unwrap();
        let signing_key_file = directory.path().join("signing-key.pem");
        oms_cli::keys::generate(&signing_key_file).unwrap();
        let plan = ServicesPlan {
            programs: programs(),
            logs: directory.path().to_owned(),
            ports,
            mongo_uri: server("MONGO_URI").into(),
            redis_uri: redis_uri.into(),
            // Nobody who comes to another system's port by mistake is let in there.
            service_token: format!("a token between services of shop {}", ports.gateway.public).into(),
            database_prefix: fresh_database(),
            signing_key_file,
            admin: Admin { email: "admin@example.com".into(), password: "a long enough password".into() },
            more: more.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        };
        services::start_services(&mut processes, &plan).await.unwrap();
        Self { plan, processes, _directory: directory }
    }

    pub fn url(&self) -> String {
        self.plan.gateway_url()
    }

    /// A client logged in as the administrator.
    pub fn admin(&self) -> Client {
        self.admin_with(|builder| builder)
    }

    pub fn admin_with(&self, configure: impl FnOnce(Builder) -> Builder) -> Client {
        let password = self.plan.admin.password.expose_secret();
        let builder = Client::builder(&self.url()).credentials(&self.plan.admin.email, password);
        configure(builder).build().unwrap()
    }

    /// kill -9.
    pub async fn kill(&mut self, service: Service) {
        self.processes.kill(service.name()).await.unwrap();
    }

    /// Starts one anew, killed or not, without waiting for it to be ready.
    pub async fn restart(&mut self, service: Service) {
        self.processes.restart(service.name()).await.unwrap();
    }

    /// SIGSTOP: it holds its sockets and answers nobody.
    pub fn stall(&mut self, service: Service) {
        self.signal(service, Signal::SIGSTOP);
    }

    /// SIGCONT.
    pub fn go_on(&mut self, service: Service) {
        self.signal(service, Signal::SIGCONT);
    }

    fn signal(&mut self, service: Service, signal: Signal) {
        let pid = self.processes.named(service.name()).unwrap().identity().pid;
        nix::sys::signal::kill(Pid::from_raw(pid), signal).unwrap();
    }

    /// Starts one anew with more in its environment, until it is restarted again.
    pub async fn restart_with(&mut self, service: Service, more: &[(&str, &str)]) {
        let more: Vec<_> = more.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        self.processes.named(service.name()).unwrap().restart_with(&more).await.unwrap();
    }

    /// Waits until one has ended by itself; answers whether it did in time.
    pub async fn ends(&mut self, service: Service, limit: Duration) -> bool {
        let process = self.processes.named(service.name()).unwrap();
        tokio::time::timeout(limit, process.ended()).await.is_ok()
    }

    /// Waits for one whose neighbours all run.
    pub async fn wait_until_ready(&mut self, service: Service) {
        services::wait_until_ready(&mut self.processes, &self.plan, service).await.unwrap();
    }

    pub async fn kill_redis(&mut self) {
        self.processes.kill(REDIS).await.unwrap();
    }

    pub async fn restart_redis(&mut self) {
        self.processes.restart(REDIS).await.unwrap();
    }

    /// It keeps its connections and answers nothing.
    pub fn pause_redis(&mut self) {
        self.signal_redis(Signal::SIGSTOP);
    }

    pub fn resume_redis(&mut self) {
        self.signal_redis(Signal::SIGCONT);
    }

    fn signal_redis(&mut self, signal: Signal) {
        let pid = self.processes.named(REDIS).unwrap().identity().pid;
        nix::sys::signal::kill(Pid::from_raw(pid), signal).unwrap();
    }

    /// Everything that Redis holds is gone.
    pub async fn flush_redis(&self) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.plan.ports.redis)).await.unwrap();
        stream.write_all(b"FLUSHALL\r\n").await.unwrap();
        let mut answer = [0_u8; 5];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"+OK\r\n");
    }

    /// Stops all, as a supervisor would.
    pub async fn stop(mut self) {
        self.processes.stop().await;
    }
}
