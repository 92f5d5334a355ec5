//! Logs, structured events on standard output; traces, where there is somewhere to send them.

use crate::traces::{self, TraceSettings};
use serde::Deserialize;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// `tracing` filter directives, such as `info,order_service=debug`.
    pub filter: String,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// Coloured text, for people.
    Pretty,
}

/// Sends the log to standard output, and spans where the settings say, for the rest of the process, which is `service`.
pub fn start(service: &'static str, settings: &LogSettings, traces: &TraceSettings) -> anyhow::Result<()> {
    crate::metrics::process::start(service);
    let filter = EnvFilter::builder().parse(&settings.filter).map_err(|cause| {
        anyhow::anyhow!("log.filter {:?} is not a list of directives: {cause}", settings.filter)
    })?;
    let lines = match settings.format {
        LogFormat::Json => {
            tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false).boxed()
        }
        LogFormat::Pretty => tracing_subscriber::fmt::layer().compact().boxed(),
    };
    let registry = tracing_subscriber::registry();
    match traces::start(service, traces)? {
        // One filter for all costs less than one for each layer.
        None => registry.with(lines).with(filter).try_init()?,
        Some(tracer) => {
            // Spans are not the log's to filter; its lines would be events of the spans, of which there is no need.
            let spans = tracing_opentelemetry::layer()
                .with_tracer(tracer)
                .with_location(false)
                .with_threads(false)
                .with_tracked_inactivity(false)
                .with_filter(tracing_subscriber::filter::filter_fn(|metadata| {
                    metadata.is_span() && *metadata.level() <= LevelFilter::INFO
                }));
            registry.with(lines.with_filter(filter)).with(spans).try_init()?;
        }
    }
    Ok(())
}
