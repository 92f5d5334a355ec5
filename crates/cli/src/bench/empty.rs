//! An empty actix handler behind a gateway of its own: what a request costs before anything is done for it.

use super::shop::BenchShop;
use crate::shop::ports::free_port;
use crate::shop::process::Launch;
use crate::shop::processes::Processes;
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::{Context as _, ensure};
use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

const START_LIMIT: Duration = Duration::from_secs(20);

pub struct EmptyHandler {
    processes: Processes,
    /// `host:port` of the gateway.
    pub address: String,
}

impl EmptyHandler {
    /// The gateway of this build, which does for a request what that of the shop does, and this program behind it.
    pub async fn open(shop: &BenchShop) -> anyhow::Result<Self> {
        let logs = shop.logs();
        let own = std::env::current_exe()?;
        let programs = own.parent().context("where this program is")?;
        let mut ports = Vec::new();
        for _ in 0..3 {
            ports.push(free_port(&ports)?);
        }
        let [handler, public, internal] = ports[..] else { unreachable!("three were chosen") };
        let url = format!("http://127.0.0.1:{handler}");
        let setting = |name: &str, value: &str| (format!("OMS_GATEWAY__{name}"), OsString::from(value));
        let mut environment = vec![
            setting("HTTP__PUBLIC_PORT", &public.to_string()),
            setting("HTTP__INTERNAL_PORT", &internal.to_string()),
            setting("TOKENS__KEYS_URL", &shop.keys_url()),
            ("REDIS_URI".to_owned(), shop.redis_uri().into()),
        ];
        for service in ["ORDER", "CUSTOMER", "PRODUCT"] {
            environment.push(setting(&format!("UPSTREAMS__{service}_URL"), &url));
            environment.push(setting(&format!("UPSTREAMS__{service}_HEALTH_URL"), &url));
        }
        let mut processes = Processes::default();
        processes.start(Launch {
            name: "empty-handler",
            program: own.clone(),
            arguments: vec!["empty-handler".into(), handler.to_string().into()],
            environment: Vec::new(),
            working_directory: logs.clone(),
            log: logs.join("empty-handler.log"),
            stop_limit: START_LIMIT,
        })?;
        processes.start(Launch {
            name: "gateway",
            program: programs.join("gateway"),
            arguments: Vec::new(),
            environment,
            working_directory: logs.clone(),
            log: logs.join("empty-gateway.log"),
            stop_limit: START_LIMIT,
        })?;
        let http = common::http::peer::client()?;
        let begun = std::time::Instant::now();
        let address = format!("127.0.0.1:{public}");
        loop {
            let answer = http.get(format!("http://{address}/products")).send().await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                break;
            }
            ensure!(begun.elapsed() < START_LIMIT, "the empty handler does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(Self { processes, address })
    }

    pub async fn close(mut self) {
        self.processes.stop().await;
    }
}

#[derive(Debug, clap::Args)]
pub struct EmptyHandlerArguments {
    pub port: u16,
}

/// Answers every request with an empty object, until it is killed.
pub async fn run(arguments: EmptyHandlerArguments) -> anyhow::Result<ExitCode> {
    let app = || {
        let empty = async || HttpResponse::Ok().content_type("application/json").body("{}");
        App::new().default_service(web::to(empty))
    };
    let server = HttpServer::new(app).workers(2).tcp_nodelay(true).bind(("127.0.0.1", arguments.port))?;
    server.run().await?;
    Ok(ExitCode::SUCCESS)
}
