//! `oms login`, `oms logout`, `oms profiles`.

use super::output::{Cell, Column, Output, OutputArguments, Sheet};
use super::password::{ask, ask_secret};
use super::profile::{Profile, ProfileName, Profiles};
use super::words::word;
use super::{LOCAL, bearing};
use crate::shop::say::say;
use anyhow::{Context as _, anyhow};
use common::models::auth::LogIn;
use common::text::{Email, Password};
use common::time::Timestamp;
use oms_client::Client;
use serde_json::json;

#[derive(Debug, clap::Args)]
pub struct LogInArguments {
    /// E-mail address of the account; asked for where it is left out.
    email: Option<Email>,
    /// The shop's address.
    #[arg(long, env = "OMS_URL", default_value = LOCAL)]
    url: String,
    /// The name to keep the log-in under.
    #[arg(long, env = "OMS_PROFILE", default_value = "default")]
    profile: ProfileName,
}

#[derive(Debug, clap::Args)]
pub struct LogOutArguments {
    /// Which of the kept log-ins to end.
    #[arg(long, env = "OMS_PROFILE", default_value = "default")]
    profile: ProfileName,
}

#[derive(Debug, clap::Args)]
pub struct ProfilesArguments {
    #[command(flatten)]
    output: OutputArguments,
}

/// Runs `oms login`. The password is asked for, or is the first line of the input.
pub async fn log_in(arguments: LogInArguments) -> anyhow::Result<()> {
    let LogInArguments { email, url, profile: name } = arguments;
    let profiles = Profiles::find()?;
    let credentials = tokio::task::spawn_blocking(move || ask_for(email)).await??;
    let now = Timestamp::now();
    let pair = Client::builder(&url).build()?.log_in(&credentials).await?;
    let account = bearing(&url, &pair.access_token)?.customer(pair.customer_id).await?;
    let (person, role) = (account.name.to_string(), word(&account.role));
    let profile = Profile {
        url: url.clone(),
        email: account.email.as_str().to_owned(),
        customer_id: pair.customer_id,
        role: account.role,
        access_token: String::new(),
        expires_at: now,
        refresh_token: String::new(),
    };
    let profile = profile.with_tokens(pair, now);
    let before = profiles.change(|book| book.insert(name.clone(), profile))?;
    if let Some(before) = before {
        // The session before is of no use to anybody now; where it cannot be ended it ends by itself.
        drop(end_session(&before).await);
    }
    say(&format!("Logged in to {url} as {person} ({role}), kept as `{name}`."));
    Ok(())
}

/// Runs `oms logout`: the log-in is forgotten here whatever the shop says.
pub async fn log_out(arguments: LogOutArguments) -> anyhow::Result<()> {
    let name = arguments.profile;
    let kept = Profiles::find()?.change(|book| book.remove(&name))?;
    let kept = kept.with_context(|| format!("nobody is logged in as `{name}`"))?;
    end_session(&kept).await.context(
        "the log-in is forgotten here; its session could not be ended at the shop and ends there by itself",
    )?;
    say(&format!("Logged out of {} (`{name}`).", kept.url));
    Ok(())
}

/// Runs `oms profiles`.
pub fn list(arguments: ProfilesArguments) -> anyhow::Result<()> {
    let book = Profiles::find()?.read()?;
    let columns =
        vec![Column::left("profile"), Column::left("shop"), Column::left("account"), Column::left("role")];
    let row = |(name, kept): (&ProfileName, &Profile)| {
        [name.to_string(), kept.url.clone(), kept.email.clone(), word(&kept.role)].map(Cell::from).to_vec()
    };
    let sheet = Sheet::new(columns, book.iter().map(row).collect());
    let told = |(name, kept): (&ProfileName, &Profile)| json!({ "profile": name, "url": kept.url, "email": kept.email, "role": kept.role, "customerId": kept.customer_id });
    Output::new(arguments.output).list(&sheet, &book.iter().map(told).collect::<Vec<_>>())
}

async fn end_session(profile: &Profile) -> anyhow::Result<()> {
    Ok(Client::builder(&profile.url).build()?.log_out(&profile.refresh_token).await?)
}

fn ask_for(email: Option<Email>) -> anyhow::Result<LogIn> {
    let email = match email {
        Some(email) => email,
        None => ask("E-mail address")?.parse().map_err(|rule| anyhow!("the e-mail address {rule}"))?,
    };
    let password: Password =
        ask_secret("Password")?.parse().map_err(|rule| anyhow!("the password {rule}"))?;
    Ok(LogIn { email, password })
}
