//! How a command reaches a running shop: the gateway's address and a staff log-in.

use anyhow::Context as _;
use oms_client::{Builder, Client};

#[derive(Debug, clap::Args)]
pub struct AccessArguments {
    /// Address of the shop's gateway.
    #[arg(long, env = "OMS_URL", default_value = "http://127.0.0.1:3000")]
    pub url: String,
    /// E-mail address of a staff or admin account.
    #[arg(long, env = "ADMIN_EMAIL")]
    pub email: String,
    /// Its password.
    #[arg(long, env = "ADMIN_PASSWORD", hide_env_values = true)]
    pub password: String,
}

impl AccessArguments {
    /// A client that logs in with these credentials.
    pub fn client(&self, configure: impl FnOnce(Builder) -> Builder) -> anyhow::Result<Client> {
        let builder = Client::builder(&self.url).credentials(&self.email, &self.password);
        configure(builder).build().context("the shop's address and log-in")
    }
}
