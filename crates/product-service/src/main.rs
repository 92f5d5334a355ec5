//! The product-service binary.

use product_service::config::Settings;
use product_service::startup::Application;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    common::service::exit(run().await)
}

async fn run() -> anyhow::Result<()> {
    if common::api::is_wanted() {
        return common::service::say(&product_service::routes::described().to_json()?);
    }
    let settings = Settings::load()?;
    if common::print_config::is_wanted() {
        return common::service::say(&Settings::render()?);
    }
    if common::health_check::is_wanted() {
        return common::health_check::ask(&settings.http);
    }
    common::telemetry::start("product-service", &settings.log, &settings.traces)?;
    Application::build(settings).await?.run_until_stopped(common::service::stop_signal()).await
}
