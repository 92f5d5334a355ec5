//! One request from the socket to the answer: checked, counted, routed, bounded, forwarded, logged.

use super::target::{self, Target};
use super::unread::{Answer, hold};
use super::verdicts::Verdicts;
use super::{Destination, Route, Service, compression, headers};
use crate::admission::Class;
use crate::startup::AppState;
use actix_web::dev::Payload;
use actix_web::http::{Method, header};
use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, ResponseError};
use common::error::{ApiError, Kind};
use common::http::body;
use common::http::endpoint::{method_not_allowed, no_such_path};
use common::metrics::http::RoutePattern;
use std::net::IpAddr;
use std::time::Instant;

pub async fn dispatch(
    request: HttpRequest,
    payload: web::Payload,
    state: Data<AppState>,
) -> HttpResponse<Answer> {
    let mut line = AccessLine::new(request.method().clone());
    let mut verdicts = Verdicts::default();
    let (payload, held) = hold(&request, payload.into_inner());
    let outcome = answer(&request, payload, &state, &mut line, &mut verdicts).await;
    let mut response = outcome.unwrap_or_else(|error| error.error_response());
    let answered = response.headers_mut();
    verdicts.mark(answered);
    state.cors.mark(&request, answered);
    headers::secure(answered, state.answers.strict_transport_s);
    line.status = response.status().as_u16();
    response.map_body(|_, body| Answer { body, held })
}

async fn answer(
    request: &HttpRequest,
    payload: Payload,
    state: &AppState,
    line: &mut AccessLine,
    verdicts: &mut Verdicts,
) -> Result<HttpResponse, ApiError> {
    let target = target::check(request.uri())?;
    let route = Route::find(target.path);
    if let Some(route) = route {
        line.route = route.pattern;
        request.extensions_mut().insert(RoutePattern(route.pattern));
    }
    let client = state.proxies.client_of(request);
    // Whoever looks after the shop is never told to look less often.
    if !route.is_some_and(|route| route.destination == Destination::Health) {
        verdicts.check(&state.limits, client, state.callers.of(request).await).await?;
    }
    let Some(route) = route else { return Err(no_such_path().await) };
    if let Some(answer) = state.cors.preflight(request, || route.allow()) {
        return Ok(answer);
    }
    if !route.answers(request.method().as_str()) {
        return Err(method_not_allowed(route.allow()));
    }
    match route.destination {
        Destination::Health => {
            refuse_query(target)?;
            Ok(state.probes.report().await)
        }
        Destination::Document(document) => {
            refuse_query(target)?;
            Ok(document.show(request))
        }
        Destination::To(service) if route.streams => {
            let place = state.admission.enter(Class::of(service, request.method()))?.streaming();
            let limit = route.body_limit;
            state.proxy.pass_through(service, client, request, target, payload, limit, place).await
        }
        Destination::To(service) => {
            let body = read_body(state, request, payload, route.body_limit).await?;
            let place = state.admission.enter(Class::of(service, request.method()))?;
            let answer = forward(state, service, client, request, target, body).await;
            place.answered(answer.as_ref().is_ok_and(|answer| answer.status().is_success()));
            answer
        }
    }
}

async fn forward(
    state: &AppState,
    service: Service,
    client: IpAddr,
    request: &HttpRequest,
    target: Target<'_>,
    body: Bytes,
) -> Result<HttpResponse, ApiError> {
    let mut answer = state.proxy.forward(service, client, request, target, body).await?;
    let mut response = answer.head.finish();
    let least = state.answers.compress_from_bytes;
    let body = compression::compress(request, response.headers_mut(), answer.body, least);
    Ok(response.set_body(body).map_into_boxed_body())
}

fn refuse_query(target: Target<'_>) -> Result<(), ApiError> {
    match target.query {
        None | Some("") => Ok(()),
        Some(_) => Err(ApiError::invalid_field("query:", "unknown_field", "must be empty here")),
    }
}

/// Reads the whole body, so that a slow client costs the gateway patience and no service anything.
async fn read_body(
    state: &AppState,
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
) -> Result<Bytes, ApiError> {
    // A body means nothing to a GET (RFC 9110, section 9.3.1); no service ever sees one.
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(Bytes::new());
    }
    let declared =
        request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: usize| length > limit) {
        return Err(ApiError::new(Kind::TooLarge, format!("The body must have at most {limit} bytes.")));
    }
    body::read_within(state.body_timeout, payload, limit).await
}

/// One line of the access log, written however the request ends.
struct AccessLine {
    method: Method,
    /// The pattern, never the path: paths carry identities.
    route: &'static str,
    status: u16,
    started: Instant,
}

impl AccessLine {
    fn new(method: Method) -> Self {
        // 499 stands for a client that hung up before there was an answer.
        Self { method, route: "-", status: 499, started: Instant::now() }
    }
}

impl Drop for AccessLine {
    fn drop(&mut self) {
        let elapsed_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::info!(method = %self.method, route = self.route, status = self.status, elapsed_us, "request");
    }
}
