//! What a drive is told as: a table for people, JSON for programs.

use super::drive::{Driven, Pace};
use super::processes::Spent;
use super::scenario::Scenario;
use comfy_table::{Table, presets};
use hdrhistogram::Histogram;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// The report of one drive. Durations of latencies are in milliseconds.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadReport {
    pub scenario: Scenario,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<u8>,
    /// Requests a second that were offered; a closed loop offers what is answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offered_rate: Option<u32>,
    pub concurrency: usize,
    pub duration_s: f64,
    /// Answers 2xx a second.
    pub throughput: f64,
    /// Answers by status; `none` for requests without one.
    pub answers: BTreeMap<String, u64>,
    pub unsent: u64,
    /// Of answers 2xx, from the moment the request was due.
    pub latency_ms: Option<Latency>,
    /// Of answers 429 and 503, from the moment they were sent.
    pub refusal_ms: Option<Latency>,
    /// Of all processes but the generator, for each answer.
    pub cpu_per_request_us: f64,
    pub processes: Vec<ProcessReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_bytes_per_request: Option<f64>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessReport {
    pub process: String,
    pub cpu_per_request_us: f64,
    pub rss_mb: f64,
    pub peak_rss_mb: f64,
}

impl LoadReport {
    pub fn new(
        scenario: Scenario,
        lines: Option<u8>,
        pace: &Pace,
        driven: &Driven,
        log_bytes: Option<u64>,
    ) -> Self {
        let tally = &driven.tally;
        let answered = tally.answered().max(1) as f64;
        let per_request = |spent: &Spent| spent.cpu_s * 1e6 / answered;
        let name = |status: &u16| if *status == 0 { "none".to_owned() } else { status.to_string() };
        Self {
            scenario,
            lines,
            offered_rate: pace.rate,
            concurrency: pace.concurrency,
            duration_s: pace.duration.as_secs_f64(),
            throughput: tally.throughput(),
            answers: tally.statuses.iter().map(|(status, count)| (name(status), *count)).collect(),
            unsent: tally.unsent,
            latency_ms: Latency::of(&tally.latency_us),
            refusal_ms: Latency::of(&tally.refusal_us),
            cpu_per_request_us: driven
                .spent
                .iter()
                .filter(|spent| !spent.is_generator())
                .map(per_request)
                .sum(),
            processes: driven
                .spent
                .iter()
                .map(|spent| ProcessReport {
                    process: spent.process.clone(),
                    cpu_per_request_us: per_request(spent),
                    rss_mb: spent.rss_kb as f64 / 1024.0,
                    peak_rss_mb: spent.peak_rss_kb as f64 / 1024.0,
                })
                .collect(),
            log_bytes_per_request: log_bytes.map(|bytes| bytes as f64 / answered),
        }
    }
}

impl Latency {
    /// `None` where nothing was measured.
    fn of(histogram: &Histogram<u64>) -> Option<Self> {
        let millis = |micros: u64| micros as f64 / 1000.0;
        let at = |percentile| millis(histogram.value_at_percentile(percentile));
        let latency = || Self {
            p50: at(50.0),
            p90: at(90.0),
            p99: at(99.0),
            p999: at(99.9),
            max: millis(histogram.max()),
        };
        (!histogram.is_empty()).then(latency)
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p50, p90, p99, p999, max } = self;
        write!(to, "p50 {p50:.1}, p90 {p90:.1}, p99 {p99:.1}, p99.9 {p999:.1}, longest {max:.1} ms")
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pace = self.offered_rate.map_or_else(|| "closed loop".into(), |rate| format!("{rate}/s offered"));
        let answers = self.answers.iter().map(|(status, count)| format!("{status}: {count}"));
        let answers = answers.collect::<Vec<_>>().join(", ");
        writeln!(
            to,
            "{:?}, {pace}, {} connections, {:.0} s: {:.0} a second ({answers}; not sent: {})",
            self.scenario, self.concurrency, self.duration_s, self.throughput, self.unsent
        )?;
        if let Some(latency) = self.latency_ms {
            writeln!(to, "latency from the due moment: {latency}")?;
        }
        if let Some(refusal) = self.refusal_ms {
            writeln!(to, "refusals: {refusal}")?;
        }
        if let Some(bytes) = self.log_bytes_per_request {
            writeln!(to, "log: {bytes:.0} bytes a request")?;
        }
        writeln!(to, "processor time without the generator: {:.1} µs a request", self.cpu_per_request_us)?;
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header(["process", "µs a request", "RSS MB", "highest RSS MB"]);
        for process in &self.processes {
            table.add_row([
                process.process.clone(),
                format!("{:.1}", process.cpu_per_request_us),
                format!("{:.1}", process.rss_mb),
                format!("{:.1}", process.peak_rss_mb),
            ]);
        }
        write!(to, "{table}")
    }
}
