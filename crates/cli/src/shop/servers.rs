//! The real MongoDB and Redis of a shop: found, started, and in MongoDB's case made a replica set of one.

use super::process::Launch;
use super::processes::Processes;
use anyhow::{Context as _, bail, ensure};
use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, ErrorKind};
use mongodb::options::ClientOptions;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub const MONGOD: &str = "mongod";
pub const REDIS: &str = "redis-server";

const REPLICA_SET: &str = "rs0";

/// A mongod that was killed replays its journal first.
const MONGOD_START_LIMIT: Duration = Duration::from_secs(120);
const REDIS_START_LIMIT: Duration = Duration::from_secs(20);
const ELECTION_LIMIT: Duration = Duration::from_secs(60);

const CONFIGURE_TRIES: u32 = 10;

/// A killed primary then costs seconds and not twelve.
const ELECTION_TIMEOUT_MS: i32 = 2_000;

/// NotYetInitialized: this mongod has never been part of a replica set.
const NOT_YET_INITIALIZED: i32 = 94;

/// Where one server keeps its files and listens.
pub struct Place<'a> {
    /// The directory with the programs, as `scripts/fetch-servers` fills it.
    pub programs: &'a Path,
    pub data: PathBuf,
    pub logs: &'a Path,
    pub port: u16,
}

impl Place<'_> {
    fn program(&self, name: &str) -> anyhow::Result<PathBuf> {
        let program = self.programs.join(name);
        ensure!(
            program.exists(),
            "{name} is not in {}: run scripts/fetch-servers, or set MONGO_URI and REDIS_URI to servers of your own",
            self.programs.display()
        );
        fs::create_dir_all(&self.data).with_context(|| format!("create {}", self.data.display()))?;
        Ok(program)
    }

    fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }
}

/// Starts mongod and makes it the primary of its own replica set; answers its connection string.
///
/// `fail_points` lets tests make commands fail.
pub async fn start_mongod(
    processes: &mut Processes,
    place: &Place<'_>,
    fail_points: bool,
) -> anyhow::Result<String> {
    processes.start(mongod(MONGOD, place, fail_points)?)?;
    let client = direct_client(place.port).await?;
    let admin = client.database("admin");
    processes
        .wait_until_ready(MONGOD, MONGOD_START_LIMIT, async || {
            admin.run_command(doc! { "ping": 1 }).await.is_ok()
        })
        .await?;
    configure_replica_set(&client, place.port).await?;
    processes
        .wait_until_ready(MONGOD, ELECTION_LIMIT, async || {
            let hello = admin.run_command(doc! { "hello": 1 }).await;
            hello.is_ok_and(|hello| hello.get_bool("isWritablePrimary").unwrap_or(false))
        })
        .await?;
    Ok(format!("mongodb://127.0.0.1:{}/?replicaSet={REPLICA_SET}", place.port))
}

/// One member of the replica set, to be started.
fn mongod(name: &'static str, place: &Place<'_>, fail_points: bool) -> anyhow::Result<Launch> {
    let port = place.port.to_string();
    // No socket file: its path would be too long in a deep directory.
    let cache = format!("{:.2}", cache_gb());
    let mut arguments: Vec<&str> = vec!["--nounixsocket", "--bind_ip", "127.0.0.1", "--port", &port];
    arguments.extend(["--replSet", REPLICA_SET, "--wiredTigerCacheSizeGB", &cache, "--dbpath", "."]);
    // A service that is killed within a transaction leaves its rows locked for so long; ours take less than a second.
    arguments.extend(["--setParameter", "transactionLifetimeLimitSeconds=10"]);
    if fail_points {
        arguments.extend(["--setParameter", "enableTestCommands=1"]);
    }
    Ok(Launch {
        name,
        program: place.program(MONGOD)?,
        arguments: arguments.into_iter().map(Into::into).collect(),
        environment: Vec::new(),
        working_directory: place.data.clone(),
        log: place.log(name),
        stop_limit: Duration::from_secs(60),
    })
}

/// Gigabytes of the database's cache: a sixteenth of the machine's memory, from the least that a server takes to one. A
/// shop that takes orders with the least spends a tenth of the database's time on making room in it.
#[expect(clippy::float_arithmetic, reason = "the server wants a fraction of a gigabyte")]
fn cache_gb() -> f64 {
    (f64::from(memory_kb()) / 1_048_576.0 / 16.0).clamp(0.25, 1.0)
}

/// Memory of this machine in KiB; 0 where nothing tells it.
pub fn memory_kb() -> u32 {
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = memory.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    total.and_then(|total| total.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(0)
}

/// Starts the members of a replica set and waits until it has a primary; answers its connection string.
pub async fn start_replica_set(
    processes: &mut Processes,
    members: &[(&'static str, Place<'_>)],
) -> anyhow::Result<String> {
    let hosts: Vec<String> = members.iter().map(|(_, place)| format!("127.0.0.1:{}", place.port)).collect();
    for (name, place) in members {
        processes.start(mongod(name, place, false)?)?;
    }
    for (name, place) in members {
        let admin = direct_client(place.port).await?.database("admin");
        processes
            .wait_until_ready(name, MONGOD_START_LIMIT, async || {
                admin.run_command(doc! { "ping": 1 }).await.is_ok()
            })
            .await?;
    }
    let (first, place) = members.first().context("a replica set without members")?;
    let numbered = (0_i32..).zip(&hosts).map(|(id, host)| doc! { "_id": id, "host": host });
    let config = doc! {
        "_id": REPLICA_SET,
        "members": numbered.collect::<Vec<_>>(),
        "settings": { "electionTimeoutMillis": ELECTION_TIMEOUT_MS },
    };
    let admin = direct_client(place.port).await?.database("admin");
    admin.run_command(doc! { "replSetInitiate": config }).await.context("initiate the replica set")?;
    let uri = format!("mongodb://{}/?replicaSet={REPLICA_SET}", hosts.join(","));
    let client = Client::with_uri_str(&uri).await?;
    processes
        .wait_until_ready(first, ELECTION_LIMIT, async || {
            client.database("admin").run_command(doc! { "hello": 1 }).await.is_ok()
        })
        .await?;
    Ok(uri)
}

async fn direct_client(port: u16) -> anyhow::Result<Client> {
    let mut options =
        ClientOptions::parse(format!("mongodb://127.0.0.1:{port}/?directConnection=true")).await?;
    options.app_name = Some("oms".to_owned());
    options.connect_timeout = Some(Duration::from_secs(2));
    options.server_selection_timeout = Some(Duration::from_secs(2));
    Ok(Client::with_options(options)?)
}

/// mongod may close the connection on which its role changes, so what has been done is looked at again.
async fn configure_replica_set(client: &Client, port: u16) -> anyhow::Result<()> {
    let mut outcome = Ok(());
    for _ in 0..CONFIGURE_TRIES {
        outcome = try_to_configure_replica_set(client, port).await;
        if outcome.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    outcome
}

/// Initiates the set, or moves it to the port that mongod has now.
async fn try_to_configure_replica_set(client: &Client, port: u16) -> anyhow::Result<()> {
    let admin = client.database("admin");
    let host = format!("127.0.0.1:{port}");
    let mut config = match admin.run_command(doc! { "replSetGetConfig": 1 }).await {
        Ok(answer) => answer.get_document("config").context("a replica set without a configuration")?.clone(),
        Err(error) if is_not_initiated(&error) => {
            let config = doc! {
                "_id": REPLICA_SET,
                "members": [{ "_id": 0, "host": &host }],
                "settings": { "electionTimeoutMillis": ELECTION_TIMEOUT_MS },
            };
            admin
                .run_command(doc! { "replSetInitiate": config })
                .await
                .context("initiate the replica set")?;
            return Ok(());
        }
        Err(error) => return Err(error).context("read the replica set's configuration"),
    };
    if move_only_member(&mut config, &host)? {
        let reconfigured = admin.run_command(doc! { "replSetReconfig": config, "force": true }).await;
        reconfigured.context("move the replica set to its new port")?;
    }
    Ok(())
}

fn is_not_initiated(error: &Error) -> bool {
    matches!(error.kind.as_ref(), ErrorKind::Command(command) if command.code == NOT_YET_INITIALIZED)
}

/// Gives the set's one member another address; answers whether that changes anything.
fn move_only_member(config: &mut Document, host: &str) -> anyhow::Result<bool> {
    let version = config.get_i32("version").context("a replica set without a version")?;
    let members = config.get_array_mut("members").context("a replica set without members")?;
    let [member] = members.as_mut_slice() else {
        bail!("the replica set under .oms has more than one member");
    };
    let member = member.as_document_mut().context("a member that is no document")?;
    if member.get_str("host").is_ok_and(|current| current == host) {
        return Ok(false);
    }
    member.insert("host", host);
    config.insert("version", version.saturating_add(1));
    Ok(true)
}

/// Starts redis-server; answers its connection string. It holds nothing that must last, so it writes nothing.
pub async fn start_redis(processes: &mut Processes, place: &Place<'_>) -> anyhow::Result<String> {
    let port = place.port.to_string();
    let arguments = ["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"];
    let limits = ["--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru"];
    processes.start(Launch {
        name: REDIS,
        program: place.program(REDIS)?,
        arguments: arguments.into_iter().chain(limits).map(Into::into).collect(),
        environment: Vec::new(),
        working_directory: place.data.clone(),
        log: place.log(REDIS),
        stop_limit: Duration::from_secs(10),
    })?;
    let port = place.port;
    processes
        .wait_until_ready(REDIS, REDIS_START_LIMIT, async || {
            tokio::time::timeout(Duration::from_secs(2), ping(port)).await.is_ok_and(|answer| answer.is_ok())
        })
        .await?;
    Ok(format!("redis://127.0.0.1:{port}"))
}

async fn ping(port: u16) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0_u8; 7];
    stream.read_exact(&mut answer).await?;
    ensure!(&answer == b"+PONG\r\n", "this is not Redis");
    Ok(())
}
