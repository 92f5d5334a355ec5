//! The gateway binary.

use gateway::config::Settings;
use gateway::startup::Application;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::load()?;
    common::telemetry::start(&settings.log)?;
    Application::build(settings)?.run_until_stopped(common::service::stop_signal()).await
}
