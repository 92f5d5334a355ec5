//! Back-ups: the three databases as of one moment, in a folder, while the shop runs; and back into an empty place.

pub mod dump;
pub mod folder;
pub mod restore;

use crate::shop::say::say;
use anyhow::Context as _;
use mongodb::Client;
use mongodb::options::ClientOptions;
use secrecy::{ExposeSecret as _, SecretString};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// What the names of the services' databases end with.
pub const DATABASES: [&str; 3] = ["orders", "customers", "products"];

#[derive(Clone, Debug, clap::Args)]
pub struct BackupArguments {
    /// The folder to make; it must not exist yet. It holds personal data and password hashes: keep it encrypted.
    pub folder: PathBuf,
    #[command(flatten)]
    pub place: PlaceArguments,
}

#[derive(Clone, Debug, clap::Args)]
pub struct RestoreArguments {
    /// A folder that `oms backup` made.
    pub folder: PathBuf,
    #[command(flatten)]
    pub place: PlaceArguments,
}

/// Where the databases are.
#[derive(Clone, Debug, clap::Args)]
pub struct PlaceArguments {
    /// Connection string of the replica set.
    #[arg(long, env = "MONGO_URI", hide_env_values = true)]
    pub mongo_uri: SecretString,
    /// What the names of the three databases begin with.
    #[arg(long, default_value = "oms")]
    pub database_prefix: String,
}

impl PlaceArguments {
    /// Read concern and moment come from the session alone; writes wait for a majority.
    async fn connect(&self) -> anyhow::Result<Client> {
        let mut options = ClientOptions::parse(self.mongo_uri.expose_secret())
            .await
            .context("the MongoDB connection string")?;
        options.app_name = Some("oms-backup".to_owned());
        options.max_pool_size = Some(2);
        options.connect_timeout = Some(Duration::from_secs(2));
        options.server_selection_timeout = Some(Duration::from_secs(5));
        options.read_concern = None;
        Client::with_options(options).context("the MongoDB connection string")
    }

    fn database(&self, client: &Client, name: &str) -> mongodb::Database {
        client.database(&format!("{}_{name}", self.database_prefix))
    }
}

/// Runs `oms backup`.
pub async fn back_up(arguments: BackupArguments) -> anyhow::Result<ExitCode> {
    let manifest = dump::dump(&arguments).await?;
    say(&format!("{}: {} documents as of one moment.", arguments.folder.display(), manifest.documents()));
    Ok(ExitCode::SUCCESS)
}

/// Runs `oms restore`.
pub async fn restore(arguments: RestoreArguments) -> anyhow::Result<ExitCode> {
    let manifest = restore::restore(&arguments).await?;
    say(&format!(
        "{} documents are back. `oms audit --database-prefix {}` tells whether they agree.",
        manifest.documents(),
        arguments.place.database_prefix
    ));
    Ok(ExitCode::SUCCESS)
}
