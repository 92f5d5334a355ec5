//! What stands beside every figure: the machine, the versions, the durability.

use crate::shop::servers::memory_kb;
use anyhow::Context as _;
use mongodb::bson::doc;
use serde::Serialize;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    pub memory_gb: u32,
    pub kernel: String,
    pub mongod: String,
    pub durability: &'static str,
    pub oms: &'static str,
    /// Share of the processors' time that the hypervisor gave to others, in percent, since the machine started.
    pub stolen_percent: f64,
}

impl Machine {
    pub async fn read(mongo_uri: &str) -> anyhow::Result<Self> {
        let client = mongodb::Client::with_uri_str(mongo_uri).await?;
        let build = client.database("admin").run_command(doc! { "buildInfo": 1 }).await?;
        client.shutdown().await;
        let read = |path: &str| std::fs::read_to_string(path).with_context(|| format!("read {path}"));
        let processor = read("/proc/cpuinfo")?;
        let processor =
            processor.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
        Ok(Self {
            processor: processor.trim_start_matches([' ', '\t', ':']).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory_gb: memory_kb() / 1_048_576,
            kernel: read("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            mongod: build.get_str("version").unwrap_or("unknown").to_owned(),
            durability: "write concern majority, journaled, replica set of one",
            oms: env!("CARGO_PKG_VERSION"),
            stolen_percent: stolen(&read("/proc/stat")?),
        })
    }
}

/// The eighth number of the first line of `/proc/stat`, of the sum of all.
fn stolen(stat: &str) -> f64 {
    let numbers: Vec<f64> = stat
        .lines()
        .next()
        .unwrap_or("")
        .split_whitespace()
        .filter_map(|number| number.parse().ok())
        .collect();
    let all: f64 = numbers.iter().take(8).sum();
    numbers.get(7).map_or(0.0, |stolen| 100.0 * stolen / all.max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stolen_time_is_a_share() {
        assert!((stolen("cpu 10 0 10 60 0 0 0 20 5 5\ncpu0 1") - 20.0).abs() < 1e-9);
    }
}
