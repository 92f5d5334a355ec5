//! The process itself: which build it is, and what it takes of its machine, as Linux tells it.

use super::collect;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use std::fs;
use std::sync::Once;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Ticks of `/proc/self/stat` in a second: a constant of Linux's interface, whatever the kernel's own clock does.
const TICK: Duration = Duration::from_millis(10);

static STARTED: Once = Once::new();

/// Shows the build and the process from now on.
pub(crate) fn start(service: &'static str) {
    STARTED.call_once(|| {
        let build = [
            ("service", service),
            ("version", env!("CARGO_PKG_VERSION")),
            ("revision", option_env!("OMS_REVISION").unwrap_or("unknown")),
        ];
        let mut registry = super::REGISTRY.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        registry.register("oms_build", "The build that runs", Info::new(build));
        drop(registry);
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        collect(Process { started });
    });
}

#[derive(Debug)]
struct Process {
    started: Duration,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> std::fmt::Result {
        let mut gauge = |name: &str, help: &str, value: Option<u64>| match value {
            Some(value) => {
                let metric = ConstGauge::new(value);
                metric.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
            }
            // Not on this kind of system.
            None => Ok(()),
        };
        let started = Some(self.started.as_secs());
        gauge("process_start_time_seconds", "When it started, since the Unix epoch.", started)?;
        let resident = number_in("/proc/self/status", "VmRSS:").map(|kibibytes| kibibytes * 1024);
        gauge("process_resident_memory_bytes", "Memory in use.", resident)?;
        gauge("process_open_fds", "Open files and sockets.", open_files())?;
        gauge(
            "process_max_fds",
            "Files and sockets that may be open.",
            number_in("/proc/self/limits", "Max open files"),
        )?;
        gauge("process_threads", "Threads.", number_in("/proc/self/status", "Threads:"))?;
        if let Some(seconds) = cpu_seconds() {
            let help = "Processor time taken.";
            let metric = ConstCounter::new(seconds);
            metric.encode(encoder.encode_descriptor(
                "process_cpu_seconds",
                help,
                None,
                MetricType::Counter,
            )?)?;
        }
        Ok(())
    }
}

/// User and system time: the 14th and 15th field, counted after the name in brackets.
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_ascii_whitespace().skip(11).map(str::parse::<u32>);
    let (user, system) = (ticks.next()?.ok()?, ticks.next()?.ok()?);
    Some((TICK * user.saturating_add(system)).as_secs_f64())
}

fn open_files() -> Option<u64> {
    u64::try_from(fs::read_dir("/proc/self/fd").ok()?.count()).ok()
}

fn number_in(file: &str, name: &str) -> Option<u64> {
    number_after(&fs::read_to_string(file).ok()?, name)
}

fn number_after(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn linux_tells_what_the_process_takes() {
        assert!(number_in("/proc/self/status", "VmRSS:").unwrap() > 100);
        assert!(number_in("/proc/self/status", "Threads:").unwrap() >= 1);
        assert!(number_in("/proc/self/limits", "Max open files").unwrap() >= 3);
        assert!(open_files().unwrap() >= 3 && cpu_seconds().is_some());
    }

    #[test]
    fn numbers_are_found_by_their_names() {
        assert_eq!(number_after("A: 1\nVmRSS:\t  12 kB\n", "VmRSS:"), Some(12));
        assert_eq!(number_after("A: 1", "VmRSS:"), None);
    }
}
