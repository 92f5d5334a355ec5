//! Pages of other origins: which may call, and what their browsers are told (the Fetch standard, section 3.3).

use crate::config::CorsSettings;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use anyhow::{Context as _, ensure};

/// What a page may send beside what every page may.
const MAY_SEND: &str = "authorization, content-type, idempotency-key, if-match, if-none-match, traceparent, tracestate, x-request-id";

/// What a page may read beside what every page may.
const MAY_READ: &str = "etag, idempotency-replayed, link, location, ratelimit, ratelimit-policy, retry-after, www-authenticate, x-request-id";

/// The origins that may call.
pub struct Cors {
    any: bool,
    origins: Vec<String>,
    max_age: HeaderValue,
}

impl Cors {
    pub fn new(settings: &CorsSettings) -> anyhow::Result<Self> {
        let any = settings.origins.iter().any(|origin| origin == "*");
        ensure!(
            !any || settings.origins.len() == 1,
            "cors.origins: * stands for every origin and stands alone"
        );
        for origin in settings.origins.iter().filter(|_| !any) {
            let url = reqwest::Url::parse(origin)
                .with_context(|| format!("cors.origins: {origin:?} is no origin"))?;
            let is_origin = url.origin().ascii_serialization() == *origin;
            ensure!(is_origin, "cors.origins: {origin:?} must be like https://shop.example");
        }
        let max_age = HeaderValue::from(settings.max_age_s);
        Ok(Self { any, origins: settings.origins.clone(), max_age })
    }

    /// What to say to the page's origin, where it may call.
    fn allowed(&self, request: &HttpRequest) -> Option<HeaderValue> {
        let origin = request.headers().get(header::ORIGIN)?;
        if self.any {
            return Some(HeaderValue::from_static("*"));
        }
        let is_known = self.origins.iter().any(|known| known.as_bytes() == origin.as_bytes());
        is_known.then(|| origin.clone())
    }

    /// The answer to a browser that asks before it sends; `None` where this is no such question, or not from a page that
    /// may call.
    pub fn preflight(&self, request: &HttpRequest, methods: impl FnOnce() -> String) -> Option<HttpResponse> {
        let asks = request.method() == Method::OPTIONS
            && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !asks || self.allowed(request).is_none() {
            return None;
        }
        let answer = HttpResponse::NoContent()
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, methods()))
            .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, MAY_SEND))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, self.max_age.clone()))
            .finish();
        Some(answer)
    }

    /// Adds to any answer what its page needs to read it.
    pub fn mark(&self, request: &HttpRequest, answer: &mut HeaderMap) {
        if self.any || !self.origins.is_empty() {
            answer.append(header::VARY, HeaderValue::from_static("origin"));
        }
        if let Some(origin) = self.allowed(request) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(MAY_READ));
        }
    }
}
