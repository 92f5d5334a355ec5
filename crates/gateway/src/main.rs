//! The gateway binary.

use gateway::config::Settings;
use gateway::startup::Application;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    common::service::exit(run().await)
}

async fn run() -> anyhow::Result<()> {
    if common::api::is_wanted() {
        return common::service::say(&gateway::routes::about::described().to_json()?);
    }
    let settings = Settings::load()?;
    if common::print_config::is_wanted() {
        return common::service::say(&Settings::render()?);
    }
    if common::health_check::is_wanted() {
        return common::health_check::ask(&settings.http);
    }
    common::telemetry::start("gateway", &settings.log, &settings.traces)?;
    Application::build(settings)?.run_until_stopped(common::service::stop_signal()).await
}
