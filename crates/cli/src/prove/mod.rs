//! Runs a shop on a replica set of its own, hurts it while customers order, heals it, and holds every answer against what
//! is there.

pub mod choice;
pub mod faults;
pub mod heard;
pub mod link;
pub mod load;
pub mod random;
pub mod reckoning;
pub mod send;
pub mod tally;
pub mod verdict;
pub mod victims;
pub mod wish;

use crate::audit::{AuditOptions, audit};
use crate::shop::say::say;
use anyhow::Context as _;
use comfy_table::{CellAlignment, Table, presets};
use faults::{Fault, Injector, supervise};
use futures_util::future::{join_all, try_join_all};
use load::Load;
use random::Random;
use secrecy::ExposeSecret as _;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tally::{Counts, Tally};
use victims::{Grounds, Victims};

/// How long the healed shop may take to open.
const OPEN_LIMIT: Duration = Duration::from_secs(120);

/// A young order is swept while its coordinator may still be at work: the hardest moment for both.
const SETTINGS: [(&str, &str); 2] =
    [("OMS_ORDER__SWEEPER__OLDER_THAN_MS", "1000"), ("OMS_ORDER__SWEEPER__INTERVAL_MS", "250")];

/// Faults at the same time, at most.
const INJECTORS: usize = 2;

#[derive(Debug, clap::Args)]
pub struct ProveArguments {
    /// How long customers order while things go wrong.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1440))]
    pub minutes: u64,
    /// Chooses what goes wrong; a random one where it is not given.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Only these faults.
    #[arg(long, value_delimiter = ',')]
    pub faults: Vec<Fault>,
    /// Members of the replica set.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=3))]
    pub members: u8,
    /// Clients at work.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub clients: u16,
    /// Where mongod and redis-server are, as scripts/fetch-servers puts them.
    #[arg(long, default_value = ".oms/servers")]
    pub servers: PathBuf,
    /// Where the services' programs are; beside this one unless said else.
    #[arg(long)]
    pub programs: Option<PathBuf>,
}

/// What to try.
#[derive(Clone, Debug)]
pub struct Trial {
    pub duration: Duration,
    pub seed: u64,
    pub faults: Vec<Fault>,
    pub members: usize,
    pub clients: usize,
    pub servers: PathBuf,
    pub programs: PathBuf,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Proof {
    pub counts: Counts,
    /// Orders there are, rejected ones too.
    pub orders: usize,
    /// Moves that were acknowledged, by kind.
    pub moves: BTreeMap<&'static str, u64>,
    /// Moves that were refused, by what was said of them.
    pub refusals: BTreeMap<&'static str, u64>,
    pub violations: Vec<String>,
}

/// Runs `oms prove`: exit code 1 on a violation.
pub async fn run(arguments: ProveArguments) -> anyhow::Result<ExitCode> {
    let seed = match arguments.seed {
        Some(seed) => seed,
        None => u64::from(getrandom::u32()?),
    };
    let beside = std::env::current_exe().context("where this program is")?;
    let beside = beside.parent().context("this program is nowhere")?.to_owned();
    let trial = Trial {
        duration: Duration::from_secs(arguments.minutes.saturating_mul(60)),
        seed,
        faults: if arguments.faults.is_empty() { Fault::ALL.to_vec() } else { arguments.faults },
        members: arguments.members.into(),
        clients: arguments.clients.into(),
        servers: arguments.servers,
        programs: arguments.programs.unwrap_or(beside),
    };
    say(&format!(
        "Seed {seed}, {} minutes, {} members, {} clients.",
        arguments.minutes, trial.members, trial.clients
    ));
    let proof = prove(&trial).await?;
    say(&table(&proof).to_string());
    for violation in &proof.violations {
        say(violation);
    }
    Ok(if proof.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Starts a shop, hurts it, heals it and judges it.
pub async fn prove(trial: &Trial) -> anyhow::Result<Proof> {
    let directory = tempfile::tempdir().context("a temporary directory")?;
    let servers = std::path::absolute(&trial.servers).context("--servers")?;
    let grounds = Grounds {
        servers: &servers,
        programs: trial.programs.clone(),
        directory: directory.path(),
        members: trial.members,
        settings: &SETTINGS,
    };
    let victims = Victims::start(&grounds).await?;
    let tally = Tally::default();
    let proof = try_out(trial, &victims, &tally).await;
    victims.stop().await;
    proof
}

async fn try_out(trial: &Trial, victims: &Victims, tally: &Tally) -> anyhow::Result<Proof> {
    let load = Load::prepare(victims.client()?, tally, trial.seed).await?;
    let mut random = Random::new(trial.seed);
    let until = Instant::now() + trial.duration;
    let busy = std::sync::Mutex::default();
    let injectors: Vec<_> = (0..INJECTORS)
        .map(|_| Injector { victims, faults: &trial.faults, tally, busy: &busy, random: random.fork() })
        .map(|injector| injector.run(until))
        .collect();
    let clients: Vec<_> = (0..trial.clients).map(|number| load.work(number, random.fork(), until)).collect();
    let all = async { tokio::join!(join_all(clients), try_join_all(injectors)).1.map(drop) };
    tokio::select! {
        ended = all => ended?,
        ended = supervise(victims, &busy) => ended?,
    }
    tally.end();
    victims.heal(OPEN_LIMIT).await?;
    judge(victims, &load, tally).await
}

async fn judge(victims: &Victims, load: &Load<'_>, tally: &Tally) -> anyhow::Result<Proof> {
    // What the first round finds on its way has arrived by the second.
    for _ in 0..2 {
        verdict::hear_out(load).await?;
        verdict::wait_until_quiet(victims).await?;
    }
    let found = verdict::read(&load.client).await?;
    let intents = load.intents();
    let mut violations = verdict::judge(&intents, &found);
    let report = audit(&AuditOptions {
        mongo_uri: victims.plan.mongo_uri.expose_secret().to_owned(),
        database_prefix: victims.plan.database_prefix.clone(),
        acknowledged: verdict::acknowledged(&intents),
    })
    .await?;
    if !report.is_clean() {
        violations.push(report.to_string());
    }
    let counts = tally.counts();
    violations.extend(counts.violations.iter().take(20).cloned());
    let (moves, refusals) = verdict::moves(&intents);
    Ok(Proof { counts, orders: found.orders.len(), moves, refusals, violations })
}

/// What was done, what was answered, and what is wrong.
pub fn table(proof: &Proof) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    let counts = &proof.counts;
    let mut row = |label: &str, value: String| {
        table.add_row([label.to_owned(), value]);
    };
    each(&mut row, "Faults", &counts.faults);
    each(&mut row, "Answers", &counts.answers);
    row("Orders", proof.orders.to_string());
    row("  confirmed", counts.confirmed.to_string());
    each(&mut row, "Moves", &proof.moves);
    each(&mut row, "Moves refused", &proof.refusals);
    row("Longest time without a confirmation", format!("{} ms", counts.longest_gap.as_millis()));
    row("Violations", proof.violations.len().to_string());
    if let Some(values) = table.column_mut(1) {
        values.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A sum and what it is made of.
fn each(row: &mut impl FnMut(&str, String), label: &str, counts: &BTreeMap<impl AsRef<str>, u64>) {
    row(label, counts.values().sum::<u64>().to_string());
    counts.iter().for_each(|(part, number)| row(&format!("  {}", part.as_ref()), number.to_string()));
}
