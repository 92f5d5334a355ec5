//! One service's log as the service that merges them reads it.

use super::log::{EventLog, LogPage, ReadError};
use crate::context::run_to_end;
use crate::error::{ApiError, Kind};
use crate::http::page::Limit;
use crate::http::query::Query;
use crate::models::event::TypeFilter;
use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};

/// Code of the answer where what follows a cursor is gone.
pub const EXPIRED: &str = "cursor_expired";

/// Parameters of `GET /internal/events`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogQuery {
    /// A position; left out: from the first event that is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Position>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<TypeFilter>,
    #[serde(default)]
    pub limit: Limit,
}

/// A position as a query carries it.
#[derive(Clone, Copy, Debug)]
pub struct Position(pub i64);

impl Serialize for Position {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.parse() {
            Ok(position @ 0..) => Ok(Self(position)),
            _ => Err(serde::de::Error::custom("must be a position")),
        }
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Expired { .. } => Self::new(
                Kind::Gone,
                "What follows this cursor is no longer kept. Read the present state, then the feed from its front or \
                 from `latest`.",
            )
            .code(EXPIRED),
            ReadError::Store(error) => error.into(),
        }
    }
}

/// `GET /internal/events`
pub async fn read_log(log: Data<EventLog>, Query(query): Query<LogQuery>) -> Result<HttpResponse, ApiError> {
    let page: LogPage = run_to_end(async move {
        let types = query.types.unwrap_or_default();
        let after = query.after.map(|Position(after)| after);
        log.read(after, &types, query.limit.get().into()).await
    })
    .await??;
    Ok(HttpResponse::Ok().json(page))
}
