//! What every request gets on its way in and out: an identity, a deadline, a log span.

use crate::context::{self, Context, Tasks};
use crate::metrics::http::{Observed, RoutePattern};
use crate::service::Stopping;
use crate::traces;
use actix_web::HttpMessage as _;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::field::Empty;
use tracing::{Instrument, Span};

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub const DEADLINE_MS: HeaderName = HeaderName::from_static("x-deadline-ms");
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// How long a request may take where its sender names no deadline.
const DEFAULT_BUDGET: Duration = Duration::from_secs(5);

/// Longest that a sender may make us work.
const LONGEST_BUDGET: Duration = Duration::from_secs(60);

/// Middleware: runs the request under its [`Context`] and answers with its identity.
pub async fn with_context(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let tasks = request.app_data::<Data<Tasks>>().map(|tasks| tasks.get_ref().clone());
    let stopping = request.app_data::<Data<Stopping>>().cloned();
    let mut context = Context { tasks, ..read(request.headers()) };
    let mut observed = Observed::start(request.method().as_str());
    let (method, path) = (request.method().clone(), request.path().to_owned());
    let span = request_span(&context);
    if let Some(own) = traces::continue_in(&span, context.traceparent.as_deref()) {
        context.traceparent = Some(own);
    }
    let request_id = context.request_id.clone();
    let served = context::scope(context, async {
        let response = next.call(request).await;
        if let Ok(response) = &response {
            let (route, status) = (route(response), response.status().as_u16());
            traces::answered(&Span::current(), method.as_str(), route.as_deref(), status);
            observed.answered(route, status);
            let elapsed_us = u64::try_from(observed.elapsed().as_micros()).unwrap_or(u64::MAX);
            tracing::debug!(%method, path, status, elapsed_us, "answered");
        }
        response
    });
    let mut response = served.instrument(span).await?;
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    if stopping.is_some_and(|stopping| stopping.has_begun()) {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    if !response.headers().contains_key(header::CACHE_CONTROL) {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}

/// What every line of the log says of its request.
fn request_span(context: &Context) -> Span {
    let request_id = &*context.request_id;
    if traces::are_on() {
        // Its name is known when it has been routed.
        let span = tracing::info_span!("request", request_id, trace_id = Empty, otel.kind = "server");
        if let Some(trace_id) = context.traceparent.as_deref().and_then(traces::trace_id) {
            span.record("trace_id", trace_id);
        }
        return span;
    }
    match context.traceparent.as_deref().and_then(traces::trace_id) {
        Some(trace_id) => tracing::info_span!("request", request_id, trace_id),
        None => tracing::info_span!("request", request_id),
    }
}

/// The pattern of the route that answered.
fn route<B>(response: &ServiceResponse<B>) -> Option<Cow<'static, str>> {
    let request = response.request();
    if let Some(RoutePattern(pattern)) = request.extensions().get() {
        return Some(Cow::Borrowed(*pattern));
    }
    request.match_pattern().map(Cow::Owned)
}

fn read(headers: &HeaderMap) -> Context {
    let request_id: Arc<str> = match headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()) {
        Some(id) if is_request_id(id) => id.into(),
        _ => uuid::Uuid::now_v7().to_string().into(),
    };
    let traceparent = headers.get(TRACEPARENT).and_then(|value| value.to_str().ok());
    let budget = headers
        .get(DEADLINE_MS)
        .and_then(|value| value.to_str().ok()?.parse().ok().map(Duration::from_millis));
    Context {
        request_id,
        traceparent: traceparent.filter(|text| is_traceparent(text)).map(Into::into),
        deadline: Instant::now() + budget.unwrap_or(DEFAULT_BUDGET).min(LONGEST_BUDGET),
        tasks: None,
    }
}

/// 1 to 128 characters that need no escaping anywhere they may be logged.
pub fn is_request_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Version, trace id, parent id and flags in lower-case hexadecimal (W3C Trace Context, section 3.2).
pub fn is_traceparent(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [2, 32, 16, 2] && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-'))
}
