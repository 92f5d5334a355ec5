//! What people do with a shop from a terminal: log in once, then look, place, ship and count.

pub mod completions;
pub mod customers;
mod failure;
mod find;
pub mod log_in;
pub mod orders;
mod output;
mod password;
pub mod products;
mod profile;
pub mod stock;
pub mod tail;
mod words;

use crate::desk::output::{Output, OutputArguments};
use crate::desk::profile::{Profile, ProfileName, Profiles};
use anyhow::{Context as _, ensure};
use common::ids::CustomerId;
use oms_client::Client;
use std::process::ExitCode;

/// What every command of the desk takes.
#[derive(Debug, clap::Args)]
pub struct DeskArguments {
    /// Which of the kept log-ins to use.
    #[arg(long, env = "OMS_PROFILE", default_value = "default", global = true)]
    profile: ProfileName,
    /// An access token or API key to use instead of a kept log-in.
    #[arg(long, env = "OMS_TOKEN", hide_env_values = true, global = true)]
    token: Option<String>,
    /// The shop's address, for --token; a kept log-in knows its own.
    #[arg(long, env = "OMS_URL", global = true)]
    url: Option<String>,
    #[command(flatten)]
    output: OutputArguments,
}

/// Where a shop is that runs on this machine.
pub const LOCAL: &str = "http://127.0.0.1:3000";

/// Whose desk it is, and how it answers.
pub struct Desk {
    access: Access,
    pub output: Output,
}

enum Access {
    /// A token that is not ours to renew.
    Given {
        url: String,
        token: String,
    },
    Kept {
        profiles: Profiles,
        name: ProfileName,
        url: Option<String>,
    },
}

impl Desk {
    pub fn open(arguments: DeskArguments) -> anyhow::Result<Self> {
        let DeskArguments { profile, token, url, output } = arguments;
        let access = match token.filter(|token| !token.is_empty()) {
            Some(token) => Access::Given { url: url.unwrap_or_else(|| LOCAL.to_owned()), token },
            None => Access::Kept { profiles: Profiles::find()?, name: profile, url },
        };
        Ok(Self { access, output: Output::new(output) })
    }

    /// A client whose token is good for a minute or more.
    pub async fn client(&self) -> anyhow::Result<Client> {
        match &self.access {
            Access::Given { url, token } => bearing(url, token),
            Access::Kept { .. } => {
                let profile = self.profile().await?;
                bearing(&profile.url, &profile.access_token)
            }
        }
    }

    /// Whose log-in it is; a token that was given does not say.
    pub async fn own_customer(&self) -> anyhow::Result<CustomerId> {
        ensure!(
            matches!(self.access, Access::Kept { .. }),
            "name the customer: an address or an id (with a token of your own, nobody is `me`)"
        );
        Ok(self.profile().await?.customer_id)
    }

    /// Whether the log-in is known to be a customer's, who sees their own things alone.
    pub async fn is_customers(&self) -> anyhow::Result<bool> {
        match &self.access {
            Access::Given { .. } => Ok(false),
            Access::Kept { .. } => Ok(self.profile().await?.is_customers()),
        }
    }

    async fn profile(&self) -> anyhow::Result<Profile> {
        let Access::Kept { profiles, name, url } = &self.access else {
            anyhow::bail!("a token of your own is no kept log-in");
        };
        let profile = profiles.fresh(name).await?;
        // What was meant for one shop must not happen in another.
        if let Some(url) = url {
            ensure!(
                url.trim_end_matches('/') == profile.url.trim_end_matches('/'),
                "the log-in `{name}` is for {}, and --url or OMS_URL says {url}: choose another with --profile, or log \
                 in there with `oms login --url {url} --profile NAME`",
                profile.url
            );
        }
        Ok(profile)
    }
}

fn bearing(url: &str, token: &str) -> anyhow::Result<Client> {
    Client::builder(url).bearer(token).build().context("the shop's address and token")
}

/// How a command of the desk ends: what the shop refused is told in words, with what to do about it.
pub fn end(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", failure::explain(&error));
            ExitCode::FAILURE
        }
    }
}
