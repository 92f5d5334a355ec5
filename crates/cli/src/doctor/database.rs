//! MongoDB: reachable, a replica set with a majority and a short election, a known version, room on its disks, a clock.

use super::diagnosis::Diagnosis;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{Error, ErrorKind};
use mongodb::options::ClientOptions;
use mongodb::{Client, Database};
use secrecy::{ExposeSecret as _, SecretString};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SUBJECT: &str = "MongoDB";

/// The oldest version that the services are tested with.
const OLDEST_VERSION: i64 = 6;

/// A killed primary costs this long and longer.
const LONGEST_ELECTION_MS: i64 = 3000;

/// Clocks further apart than this refuse tokens that are good, or take ones that have expired.
pub const LARGEST_SKEW_MS: i64 = 5000;

/// A secondary further behind than this is of little use as the next primary.
const LARGEST_LAG_MS: i64 = 10_000;

/// Looks at the server; answers a client where it can be used.
pub async fn examine(uri: &SecretString, diagnosis: &mut Diagnosis) -> Option<Client> {
    let options = match ClientOptions::parse(uri.expose_secret()).await {
        Ok(options) => patient(options),
        Err(cause) => {
            let remedy = "Mend it: mongodb://USER:PASSWORD@HOST,HOST,HOST/?replicaSet=rs0&authSource=admin";
            diagnosis.wrong(SUBJECT, format!("MONGO_URI is no connection string: {cause}"), remedy);
            return None;
        }
    };
    let client = Client::with_options(options.clone()).ok()?;
    let admin = client.database("admin");
    match admin.run_command(doc! { "hello": 1 }).await {
        Ok(hello) if hello.contains_key("setName") || is_router(&hello) => {
            examine_set(&admin, &hello, diagnosis).await.then_some(client)
        }
        Ok(_) => {
            diagnosis.wrong(SUBJECT, "it runs stand-alone, and transactions need a replica set", CONVERT);
            None
        }
        Err(cause) if matches!(cause.kind.as_ref(), ErrorKind::Authentication { .. }) => {
            refused(&cause, diagnosis);
            None
        }
        Err(cause) => {
            explain_silence(&options, &cause.to_string(), diagnosis).await;
            None
        }
    }
}

fn refused(cause: &Error, diagnosis: &mut Diagnosis) {
    let remedy =
        "Mend user, password and authSource in MONGO_URI; the user is made by whoever set MongoDB up.";
    diagnosis.wrong(SUBJECT, format!("it refuses the log-in: {cause}"), remedy);
}

/// The entrance of a sharded cluster.
fn is_router(hello: &Document) -> bool {
    hello.get_str("msg").is_ok_and(|message| message == "isdbgrid")
}

const CONVERT: &str =
    "Start mongod with `--replSet rs0`, then run `mongosh --eval 'rs.initiate()'` once; one node is enough.";

fn patient(mut options: ClientOptions) -> ClientOptions {
    options.app_name = Some("oms-doctor".to_owned());
    options.max_pool_size = Some(2);
    options.connect_timeout = Some(Duration::from_secs(2));
    options.server_selection_timeout = Some(Duration::from_secs(4));
    options
}

/// The driver found no primary: each host is asked by itself why.
async fn explain_silence(options: &ClientOptions, cause: &str, diagnosis: &mut Diagnosis) {
    let mut answered = Vec::new();
    for host in &options.hosts {
        let mut alone = options.clone();
        alone.hosts = vec![host.clone()];
        alone.repl_set_name = None;
        alone.direct_connection = Some(true);
        alone.server_selection_timeout = Some(Duration::from_secs(2));
        let Ok(client) = Client::with_options(alone) else { continue };
        if let Ok(hello) = client.database("admin").run_command(doc! { "hello": 1 }).await {
            answered.push((host.to_string(), hello));
        }
    }
    let (found, remedy) = judge_silence(options.repl_set_name.as_deref(), options.hosts.len(), &answered);
    diagnosis.wrong(SUBJECT, format!("{found} ({cause})"), remedy);
}

/// Why hosts that may answer have no primary, and what to do.
fn judge_silence(
    wanted_set: Option<&str>,
    hosts: usize,
    answered: &[(String, Document)],
) -> (String, String) {
    let Some((host, hello)) = answered.first() else {
        return (
            "no host of MONGO_URI answers".to_owned(),
            "Is mongod running, and are address, port and TLS of MONGO_URI right? `mongosh \"$MONGO_URI\"` from here \
             tells a network that is closed from a server that is down."
                .to_owned(),
        );
    };
    match hello.get_str("setName") {
        Err(_) if hello.get_bool("isreplicaset").unwrap_or(false) => (
            format!("the replica set of {host} is not initiated"),
            "Run `mongosh --eval 'rs.initiate()'` there once; one node is enough.".to_owned(),
        ),
        Err(_) => (
            format!("{host} runs stand-alone, and transactions need a replica set"),
            CONVERT.to_owned(),
        ),
        Ok(set) if wanted_set.is_some_and(|wanted| wanted != set) => (
            format!("{host} is in the replica set {set}, and MONGO_URI names another"),
            format!("Write `replicaSet={set}` into MONGO_URI."),
        ),
        Ok(set) => (
            format!("the replica set {set} has no primary; {} of {hosts} hosts of MONGO_URI answer", answered.len()),
            "A majority of the members must run and reach each other: start the ones that are down. Also, the members' \
             own names (`rs.conf()`) must be reachable from here. Nothing that was acknowledged is lost meanwhile."
                .to_owned(),
        ),
    }
}

/// Everything that a set with a primary tells of itself; answers whether it may be asked at all.
async fn examine_set(admin: &Database, hello: &Document, diagnosis: &mut Diagnosis) -> bool {
    let build = match admin.run_command(doc! { "buildInfo": 1 }).await {
        Ok(build) => build,
        Err(cause) => {
            refused(&cause, diagnosis);
            return false;
        }
    };
    judge_version(build.get_str("version").unwrap_or("?"), diagnosis);
    if let Ok(at) = hello.get_datetime("localTime") {
        judge_clock("the clock of MongoDB", at.timestamp_millis() - now_ms(), diagnosis);
    }
    if is_router(hello) {
        diagnosis.good("replica set", "a sharded cluster; look at each shard's set by itself");
        return true;
    }
    match admin.run_command(doc! { "replSetGetStatus": 1 }).await {
        Ok(status) => judge_members(&status, diagnosis),
        Err(_) => diagnosis.warning(
            "replica set",
            "this user may not see its members",
            "Give the user of MONGO_URI the role clusterMonitor on `admin`, and look again.",
        ),
    }
    if let Ok(answer) = admin.run_command(doc! { "replSetGetConfig": 1 }).await {
        judge_election(&answer, diagnosis);
    }
    if let Ok(stats) = admin.run_command(doc! { "dbStats": 1 }).await {
        judge_disk(&stats, diagnosis);
    }
    true
}

fn judge_version(version: &str, diagnosis: &mut Diagnosis) {
    let major: Option<i64> = version.split('.').next().and_then(|major| major.parse().ok());
    match major {
        Some(major) if major >= OLDEST_VERSION => {
            diagnosis.good(SUBJECT, format!("version {version} answers"))
        }
        _ => diagnosis.wrong(
            SUBJECT,
            format!("version {version} is older than {OLDEST_VERSION}"),
            format!("Upgrade it, one major version at a time, to {OLDEST_VERSION} or later."),
        ),
    }
}

/// A clock that is `ahead_ms` before ours.
pub fn judge_clock(subject: &str, ahead_ms: i64, diagnosis: &mut Diagnosis) {
    if ahead_ms.abs() <= LARGEST_SKEW_MS {
        return diagnosis.good(subject, "agrees with this machine's");
    }
    let direction = if ahead_ms > 0 { "ahead of" } else { "behind" };
    let found = format!("{} s {direction} this machine's", ahead_ms.abs() / 1000);
    diagnosis.wrong(
        subject,
        found,
        "Run a time service (chrony, systemd-timesyncd) on every host: access tokens are good for ten minutes by the \
         clock of the one who looks, with ten seconds of leeway.",
    );
}

fn judge_members(status: &Document, diagnosis: &mut Diagnosis) {
    let members: Vec<&Document> =
        status.get_array("members").into_iter().flatten().filter_map(Bson::as_document).collect();
    let name = |member: &Document| member.get_str("name").unwrap_or("?").to_owned();
    let state = |member: &Document| member.get_str("stateStr").unwrap_or("?").to_owned();
    let is_up = |member: &Document| matches!(state(member).as_str(), "PRIMARY" | "SECONDARY" | "ARBITER");
    let down: Vec<String> = members
        .iter()
        .filter(|member| !is_up(member))
        .map(|member| format!("{} ({})", name(member), state(member)))
        .collect();
    let (up, all) = (members.len() - down.len(), members.len());
    if up * 2 <= all {
        diagnosis.wrong(
            "replica set",
            format!("only {up} of {all} members run, which is no majority; down: {}", down.join(", ")),
            "Start them: until a majority runs nothing can be written.",
        );
    } else if !down.is_empty() {
        diagnosis.warning(
            "replica set",
            format!("{up} of {all} members run; down: {}", down.join(", ")),
            "Start them: the loss of another may leave no majority, and then nothing can be written.",
        );
    } else if all < 3 {
        diagnosis.warning(
            "replica set",
            format!("{all} of {all} members run"),
            "With fewer than three members the loss of one stops the shop. `rs.add(\"HOST:27017\")` adds one.",
        );
    } else {
        diagnosis.good("replica set", format!("{all} of {all} members run"));
    }
    let written_at =
        |member: &&Document| member.get_datetime("optimeDate").ok().map(|at| at.timestamp_millis());
    let newest = members.iter().filter_map(written_at).max().unwrap_or_default();
    for member in members.iter().filter(|member| state(member) == "SECONDARY") {
        let lag_ms = newest - written_at(member).unwrap_or(newest);
        if lag_ms > LARGEST_LAG_MS {
            diagnosis.warning(
                "replica set",
                format!("{} is {} s behind", name(member), lag_ms / 1000),
                "Its disk or its network is too slow; while it is behind, the others alone make the majority.",
            );
        }
    }
}

fn judge_election(answer: &Document, diagnosis: &mut Diagnosis) {
    let settings = answer.get_document("config").and_then(|config| config.get_document("settings"));
    let timeout = settings.ok().and_then(|settings| settings.get("electionTimeoutMillis"));
    let timeout_ms = match timeout {
        Some(Bson::Int32(value)) => i64::from(*value),
        Some(Bson::Int64(value)) => *value,
        _ => return,
    };
    if timeout_ms <= LONGEST_ELECTION_MS {
        return diagnosis.good("election", format!("a lost primary is replaced after {timeout_ms} ms"));
    }
    diagnosis.warning(
        "election",
        format!("a lost primary is missed for {timeout_ms} ms before another is elected"),
        "In mongosh: `c = rs.conf(); c.settings.electionTimeoutMillis = 2000; rs.reconfig(c)`.",
    );
}

fn judge_disk(stats: &Document, diagnosis: &mut Diagnosis) {
    let bytes = |name: &str| match stats.get(name) {
        Some(Bson::Int32(value)) => Some(i128::from(*value)),
        Some(Bson::Int64(value)) => Some(i128::from(*value)),
        Some(Bson::Double(value)) => format!("{value:.0}").parse().ok(),
        _ => None,
    };
    let (Some(used), Some(total)) = (bytes("fsUsedSize"), bytes("fsTotalSize")) else { return };
    if total <= 0 {
        return;
    }
    let free = 100 - used * 100 / total;
    let found = format!("{free} % of {} GiB are free", total >> 30);
    const REMEDY: &str = "Grow the volume or move data away before it is full: a mongod without room stops, and with it all writes.";
    match free {
        ..5 => diagnosis.wrong("the primary's disk", found, REMEDY),
        5..15 => diagnosis.warning("the primary's disk", found, REMEDY),
        _ => diagnosis.good("the primary's disk", found),
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
