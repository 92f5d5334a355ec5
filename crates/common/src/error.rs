//! The one error of the border: kinds that map to an HTTP status, rendered as problem+json (RFC 9457).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::borrow::Cow;
use utoipa::ToSchema;

/// The body of every answer that is not a success.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Always `about:blank`: `code` tells problems apart.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// The status's standard phrase.
    pub title: Cow<'static, str>,
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What went wrong, for a person. Says nothing of the cause of a 5xx.
    pub detail: String,
    /// What went wrong, for a program: stable snake_case.
    pub code: Cow<'static, str>,
    /// The fields that broke a rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Members of this problem alone, such as the `orderId` of an order that could not be placed.
    #[serde(flatten)]
    pub extensions: Map<String, Value>,
}

/// A field and the rule it broke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// A JSON Pointer into the body (RFC 6901), or `query:name`, `path:name`, `header:name`.
    pub pointer: String,
    pub code: Cow<'static, str>,
    pub detail: String,
}

impl FieldError {
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: impl ToString) -> Self {
        Self { pointer: pointer.into(), code: Cow::Borrowed(code), detail: detail.to_string() }
    }
}

/// What kind of wrong: each is one HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Malformed,
    Unauthenticated,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    Gone,
    PreconditionFailed,
    TooLarge,
    UnsupportedMediaType,
    Unprocessable,
    TooManyRequests,
    Internal,
    Unavailable,
}

impl Kind {
    /// Status, its phrase, and the code where no other is given.
    const fn row(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Malformed => (400, "Bad Request", "malformed_request"),
            Self::Unauthenticated => (401, "Unauthorized", "unauthenticated"),
            Self::Forbidden => (403, "Forbidden", "forbidden"),
            Self::NotFound => (404, "Not Found", "not_found"),
            Self::MethodNotAllowed => (405, "Method Not Allowed", "method_not_allowed"),
            Self::Conflict => (409, "Conflict", "conflict"),
            Self::Gone => (410, "Gone", "gone"),
            Self::PreconditionFailed => (412, "Precondition Failed", "version_mismatch"),
            Self::TooLarge => (413, "Content Too Large", "body_too_large"),
            Self::UnsupportedMediaType => (415, "Unsupported Media Type", "unsupported_media_type"),
            Self::Unprocessable => (422, "Unprocessable Content", "validation_failed"),
            Self::TooManyRequests => (429, "Too Many Requests", "too_many_requests"),
            Self::Internal => (500, "Internal Server Error", "internal_error"),
            Self::Unavailable => (503, "Service Unavailable", "unavailable"),
        }
    }

    pub const fn status(self) -> u16 {
        self.row().0
    }
}

/// An error on its way to a client.
#[derive(Debug)]
pub struct ApiError(Box<Parts>);

#[derive(Debug)]
struct Parts {
    kind: Kind,
    code: &'static str,
    detail: Cow<'static, str>,
    fields: Vec<FieldError>,
    extensions: Map<String, Value>,
    retry_after_s: Option<u32>,
    allow: Option<String>,
    #[cfg(feature = "service")]
    cause: Option<anyhow::Error>,
}

impl ApiError {
    pub fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Parts {
            kind,
            code: kind.row().2,
            detail: detail.into(),
            fields: Vec::new(),
            extensions: Map::new(),
            retry_after_s: matches!(kind, Kind::Unavailable | Kind::TooManyRequests).then_some(1),
            allow: None,
            #[cfg(feature = "service")]
            cause: None,
        }))
    }

    /// 404, also for what belongs to someone else.
    pub fn not_found(what: &str) -> Self {
        Self::new(Kind::NotFound, format!("There is no such {what}."))
    }

    pub fn unauthenticated(detail: &'static str) -> Self {
        Self::new(Kind::Unauthenticated, detail)
    }

    pub fn forbidden() -> Self {
        Self::new(Kind::Forbidden, "Your role does not allow this.")
    }

    /// 422 for fields that broke a rule.
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        let detail = match fields.as_slice() {
            [only] => format!("{} {}", only.pointer, only.detail),
            many => format!("{} fields are not valid.", many.len()),
        };
        let mut error = Self::new(Kind::Unprocessable, detail);
        error.0.fields = fields;
        error
    }

    /// 422 for one field that broke a rule.
    pub fn invalid_field(pointer: impl Into<String>, code: &'static str, rule: impl ToString) -> Self {
        Self::invalid(vec![FieldError::new(pointer, code, rule)])
    }

    /// 503: whether the request had an effect is not known.
    pub fn unavailable() -> Self {
        let detail = "The service cannot answer right now. Reads, and requests with an Idempotency-Key, may be sent again \
                      as they are; without a key, look first whether the request had its effect.";
        Self::new(Kind::Unavailable, detail)
    }

    /// 503: too much is waiting, and nothing was done.
    pub fn overloaded() -> Self {
        Self::new(Kind::Unavailable, "Too much is waiting. Nothing was done; send the same request again.")
            .code("overloaded")
    }

    /// 412: the resource has another version than `If-Match` names.
    pub fn version_mismatch(version: i64) -> Self {
        Self::new(Kind::PreconditionFailed, format!("The resource is at version {version}. Read it again."))
    }

    #[must_use]
    pub fn code(mut self, code: &'static str) -> Self {
        self.0.code = code;
        self
    }

    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    #[must_use]
    pub fn allow(mut self, methods: String) -> Self {
        self.0.allow = Some(methods);
        self
    }

    /// Adds a member of this problem alone.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.0.extensions.insert(member.to_owned(), value.into());
        self
    }

    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The body, without a request id.
    pub fn problem(&self) -> Problem {
        let (status, title, _) = self.0.kind.row();
        Problem {
            kind: Cow::Borrowed("about:blank"),
            title: Cow::Borrowed(title),
            status,
            detail: self.0.detail.to_string(),
            code: Cow::Borrowed(self.0.code),
            errors: self.0.fields.clone(),
            request_id: None,
            extensions: self.0.extensions.clone(),
        }
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.0.kind.status(), self.0.code, self.0.detail)
    }
}

impl std::error::Error for ApiError {}

#[cfg(feature = "service")]
mod border {
    use super::{ApiError, Kind};
    use crate::context;
    use actix_web::http::{StatusCode, header};
    use actix_web::{HttpResponse, ResponseError};

    impl ApiError {
        /// 500: the cause goes to the log, never to the client.
        pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
            Self::new(Kind::Internal, "Something went wrong on our side.").caused_by(cause)
        }

        #[must_use]
        pub fn caused_by(mut self, cause: impl Into<anyhow::Error>) -> Self {
            self.0.cause = Some(cause.into());
            self
        }
    }

    impl ResponseError for ApiError {
        fn status_code(&self) -> StatusCode {
            StatusCode::from_u16(self.0.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
        }

        /// Renders the problem and logs the cause: actix calls this once for an answer.
        fn error_response(&self) -> HttpResponse {
            if let Some(cause) = &self.0.cause {
                match self.0.kind {
                    Kind::Internal => {
                        tracing::error!(code = self.0.code, cause = format!("{cause:#}"), "request failed")
                    }
                    _ => tracing::warn!(code = self.0.code, cause = format!("{cause:#}"), "request refused"),
                }
            }
            let mut response = HttpResponse::build(self.status_code());
            response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
            if self.0.kind == Kind::Unauthenticated {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
            }
            if let Some(seconds) = self.0.retry_after_s {
                response.insert_header((header::RETRY_AFTER, seconds.to_string()));
            }
            if let Some(methods) = &self.0.allow {
                response.insert_header((header::ALLOW, methods.as_str()));
            }
            let mut problem = self.problem();
            problem.request_id = context::current().map(|context| context.request_id.to_string());
            response.json(problem)
        }
    }
}
