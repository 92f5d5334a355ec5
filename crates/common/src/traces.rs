//! Traces with OpenTelemetry, exported as OTLP over HTTP: off unless there is an endpoint, and then nearly free.

use opentelemetry::trace::{
    SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState,
    Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use serde::Deserialize;
use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};
use tokio::runtime::Handle;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// How long the last spans may take to leave when the process ends.
const LAST_EXPORT: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceSettings {
    /// Where spans are sent, such as `http://127.0.0.1:4318`; empty: nowhere.
    pub endpoint: String,
    /// The part of the traces that begin here which is recorded, 0 to 1; others are as their caller decided.
    pub sample_ratio: f64,
}

static ON: OnceLock<Exporting> = OnceLock::new();

struct Exporting {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// Whether spans are recorded.
pub fn are_on() -> bool {
    ON.get().is_some()
}

/// Begins to export, where there is an endpoint.
pub(crate) fn start(service: &'static str, settings: &TraceSettings) -> anyhow::Result<Option<SdkTracer>> {
    if settings.endpoint.is_empty() {
        return Ok(None);
    }
    let client = OnRuntime { client: crate::http::peer::client()?, runtime: Handle::current() };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", settings.endpoint.trim_end_matches('/')))
        .with_timeout(Duration::from_secs(5))
        .build()?;
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_service_name(service).with_attribute(version).build();
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.sample_ratio)));
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(sampler)
        .with_resource(resource)
        .build();
    let tracer = provider.tracer("oms");
    // A second start in one process exports through the first.
    let exporting = ON.get_or_init(|| Exporting { provider, tracer });
    Ok(Some(exporting.tracer.clone()))
}

/// Sends what is still here; for the end of the process.
pub(crate) fn finish() {
    if let Some(Exporting { provider, .. }) = ON.get()
        && let Err(cause) = provider.shutdown_with_timeout(LAST_EXPORT)
    {
        tracing::warn!(%cause, "the last spans were not sent");
    }
}

/// Makes a span the child of the span that a caller named, and answers how this span is named to those that are called.
pub(crate) fn continue_in(span: &Span, traceparent: Option<&str>) -> Option<Arc<str>> {
    if !are_on() {
        return None;
    }
    if let Some(parent) = traceparent.and_then(parse) {
        // A span that nobody records has no parent either.
        _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
    name(span).map(Into::into)
}

/// How the running span is named to those that are called.
pub(crate) fn traceparent() -> Option<String> {
    if are_on() { name(&Span::current()) } else { None }
}

/// The running span, to be linked to later.
pub(crate) fn current() -> Option<SpanContext> {
    if !are_on() {
        return None;
    }
    let context = Span::current().context().span().span_context().clone();
    context.is_valid().then_some(context)
}

/// Says that a span works for these others too.
pub(crate) fn link(span: &Span, others: impl Iterator<Item = SpanContext>) {
    others.for_each(|other| span.add_link(other));
}

/// What is known of a request when it has been answered.
pub(crate) fn answered(span: &Span, method: &str, route: Option<&str>, status: u16) {
    if !are_on() {
        return;
    }
    // The span has begun before its route was known.
    let context = span.context();
    context.span().update_name(format!("{method} {}", route.unwrap_or_default()).trim_end().to_owned());
    span.set_attribute("http.request.method", method.to_owned());
    span.set_attribute("http.response.status_code", i64::from(status));
    if let Some(route) = route {
        span.set_attribute("http.route", route.to_owned());
    }
    if status >= 500 {
        span.set_status(Status::error(""));
    }
}

/// A call that has just ended, as a child of the running span.
pub(crate) fn called(name: String, took: Duration, failed: bool, attributes: Vec<KeyValue>) {
    let Some(Exporting { tracer, .. }) = ON.get() else { return };
    let parent = Span::current().context();
    if !parent.span().span_context().is_sampled() {
        return;
    }
    let now = SystemTime::now();
    let span = SpanBuilder::from_name(name)
        .with_kind(SpanKind::Client)
        .with_start_time(now.checked_sub(took).unwrap_or(now))
        .with_attributes(attributes);
    let mut span = tracer.build_with_context(span, &parent);
    if failed {
        opentelemetry::trace::Span::set_status(&mut span, Status::error(""));
    }
    opentelemetry::trace::Span::end_with_timestamp(&mut span, now);
}

fn name(span: &Span) -> Option<String> {
    let context = span.context();
    let span = context.span();
    let context = span.span_context();
    if !context.is_valid() {
        return None;
    }
    let mut text = String::with_capacity(55);
    // Writing into a text cannot fail.
    _ = write!(text, "00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags().to_u8());
    Some(text)
}

/// The span that a `traceparent` names (W3C Trace Context, section 3.2).
fn parse(traceparent: &str) -> Option<SpanContext> {
    let mut parts = traceparent.split('-').skip(1);
    let trace_id = TraceId::from_hex(parts.next()?).ok()?;
    let span_id = SpanId::from_hex(parts.next()?).ok()?;
    let flags = TraceFlags::new(u8::from_str_radix(parts.next()?, 16).ok()?);
    let context = SpanContext::new(trace_id, span_id, flags, true, TraceState::default());
    context.is_valid().then_some(context)
}

/// The trace that a `traceparent` belongs to, for the log.
pub(crate) fn trace_id(traceparent: &str) -> Option<&str> {
    traceparent.split('-').nth(1)
}

/// Our own client, on our runtime: the exporter has a thread without one.
#[derive(Debug)]
struct OnRuntime {
    client: reqwest::Client,
    runtime: Handle,
}

impl HttpClient for OnRuntime {
    fn send_bytes<'client, 'sent>(
        &'client self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'sent>>
    where
        'client: 'sent,
        Self: 'sent,
    {
        let client = self.client.clone();
        let exchange = async move {
            let answer = client.execute(request.try_into()?).await?;
            let mut response = Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                headers.clone_from(answer.headers());
            }
            Ok::<_, HttpError>(response.body(answer.bytes().await?)?)
        };
        let exchanged = self.runtime.spawn(exchange);
        Box::pin(async move { exchanged.await? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_names_a_span_unless_it_names_none() {
        let context = parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        assert!(context.is_sampled() && context.is_remote());
        assert_eq!(context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(parse("00-00000000000000000000000000000000-00f067aa0ba902b7-01").is_none());
        assert!(parse("00-1-2").is_none());
    }
}
