//! What every request gets on its way in and out: an identity, a deadline, a log span.

use crate::context::{self, Context, Tasks};
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::Instrument;

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
    let context = Context { tasks, ..read(request.headers()) };
    let started = Instant::now();
    let (method, path) = (request.method().clone(), request.path().to_owned());
    let span = tracing::info_span!("request", request_id = %context.request_id);
    let request_id = context.request_id.clone();
    let served = context::scope(context, async {
        let response = next.call(request).await;
        if let Ok(response) = &response {
            let elapsed_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
            tracing::debug!(%method, path, status = response.status().as_u16(), elapsed_us, "answered");
        }
        response
    });
    let mut response = served.instrument(span).await?;
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    if !response.headers().contains_key(header::CACHE_CONTROL) {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
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
