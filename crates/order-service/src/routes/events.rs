//! The feed of events: in pages, or as a stream that goes on.

use crate::config::StreamSettings;
use crate::domain::feed::FeedPage;
use crate::startup::AppState;
use crate::workflows::read_feed::{FeedError, Silence, find_end, may_go_on, read_feed};
use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use common::auth::caller::Caller;
use common::context;
use common::error::ApiError;
use common::events::cursor::FeedCursor;
use common::events::log::ReadError;
use common::events::logged::Logged;
use common::http::page::{Limit, next_link};
use common::http::query::Query;
use common::models::auth::Scope;
use common::models::event::TypeFilter;
use common::service::Stopping;
use common::time::Timestamp;
use futures_util::stream;
use serde::{Deserialize, Deserializer};
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;
use utoipa::ToSchema;

/// Header with which a client of a stream goes on (HTML, section 9.2).
const LAST_EVENT_ID: &str = "last-event-id";

/// Where to begin.
#[derive(Clone, Copy, Debug)]
enum After {
    Cursor(FeedCursor),
    /// With what happens from now on.
    Latest,
}

impl<'de> Deserialize<'de> for After {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "latest" {
            return Ok(Self::Latest);
        }
        text.parse().map(Self::Cursor).map_err(serde::de::Error::custom)
    }
}

/// Parameters of `GET /events`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventQuery {
    /// A cursor as it came in `Link` or beside an event, or `latest`.
    #[schema(value_type = Option<String>)]
    after: Option<After>,
    /// Names of types with commas between them, such as `order.confirmed,stock.*`.
    #[schema(value_type = Option<String>)]
    types: Option<TypeFilter>,
    limit: Option<Limit>,
}

/// `GET /events`: what happened after the cursor, oldest first, and the cursor to go on with; with
/// `Accept: text/event-stream` it goes on by itself.
pub async fn read_events(
    state: Data<AppState>,
    stopping: Data<Stopping>,
    caller: Caller,
    request: HttpRequest,
    Query(query): Query<EventQuery>,
) -> Result<HttpResponse, ApiError> {
    caller.require_scope(Scope::EventsRead)?;
    let wanted = query.types.unwrap_or_default();
    let limit = query.limit.unwrap_or_default().get();
    let is_stream = wants_stream(&request);
    let resumed = if is_stream { last_event_id(&request)? } else { None };
    let from = match resumed.or(query.after) {
        None => FeedCursor::default(),
        Some(After::Cursor(cursor)) => cursor,
        Some(After::Latest) => {
            let asked = state.clone();
            context::run_to_end(async move { find_end(&asked).await }).await??
        }
    };
    if is_stream {
        return follow(state, stopping, &caller, from, wanted, limit);
    }
    if matches!(query.after, Some(After::Latest)) {
        return page(&request, &[], from);
    }
    let read =
        context::run_to_end(async move { read_feed(&state, from, &wanted, limit, Silence::Refused).await });
    let FeedPage { events, next, .. } = read.await??;
    page(&request, &events, next)
}

fn page(
    request: &HttpRequest,
    events: &[(Logged, FeedCursor)],
    next: FeedCursor,
) -> Result<HttpResponse, ApiError> {
    let told: Result<Vec<String>, _> =
        events.iter().map(|(event, cursor)| event.render(&cursor.to_string())).collect();
    let body = format!("[{}]", told.map_err(ApiError::internal)?.join(","));
    let link = next_link(request.path(), request.query_string(), next);
    Ok(HttpResponse::Ok().insert_header(link).content_type("application/json").body(body))
}

impl From<FeedError> for ApiError {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Expired => ReadError::Expired { first: 0, last: 0 }.into(),
            FeedError::Store(error) => error.into(),
            FeedError::Peer(error) => error.into(),
        }
    }
}

fn wants_stream(request: &HttpRequest) -> bool {
    let accepted = request.headers().get_all(header::ACCEPT).filter_map(|value| value.to_str().ok());
    let mut ranges = accepted.flat_map(|value| value.split(','));
    ranges.any(|range| {
        let kind = range.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("text/event-stream")
    })
}

fn last_event_id(request: &HttpRequest) -> Result<Option<After>, ApiError> {
    let Some(value) = request.headers().get(LAST_EVENT_ID) else { return Ok(None) };
    let cursor = value.to_str().ok().and_then(|text| text.parse().ok());
    match cursor {
        Some(cursor) => Ok(Some(After::Cursor(cursor))),
        None => {
            let rule = "must be the id of an event of this stream";
            Err(ApiError::invalid_field("header:last-event-id", "invalid_value", rule))
        }
    }
}

/// One client that follows the feed.
struct Follower {
    state: Data<AppState>,
    stopping: Data<Stopping>,
    cursor: FeedCursor,
    wanted: TypeFilter,
    limit: u8,
    settings: StreamSettings,
    ends_at: Instant,
    last_sent: Option<Instant>,
    _place: OwnedSemaphorePermit,
}

/// A stream ends with the token that opened it, and after a while in any case: the client goes on with another.
fn follow(
    state: Data<AppState>,
    stopping: Data<Stopping>,
    caller: &Caller,
    cursor: FeedCursor,
    wanted: TypeFilter,
    limit: u8,
) -> Result<HttpResponse, ApiError> {
    let settings = state.streams;
    let place = state.stream_places.clone().try_acquire_owned().map_err(|_| ApiError::overloaded())?;
    let token_s = match caller {
        Caller::Person(person) => person.expires_at_s - Timestamp::now().as_millis() / 1000,
        Caller::Machine(_) => i64::MAX,
    };
    let longest = Duration::from_secs(u64::try_from(token_s).unwrap_or(0).min(settings.longest_s));
    let follower = Follower {
        state,
        stopping,
        cursor,
        wanted,
        limit,
        settings,
        ends_at: Instant::now() + longest,
        last_sent: None,
        _place: place,
    };
    let pieces = stream::unfold(follower, async |mut follower| {
        let piece = follower.next_piece().await?;
        Some((piece, follower))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(pieces))
}

impl Follower {
    /// What is sent next; `None` ends the stream.
    async fn next_piece(&mut self) -> Option<Result<Bytes, std::io::Error>> {
        let Some(last_sent) = self.last_sent else {
            self.last_sent = Some(Instant::now());
            return Some(Ok(Bytes::from_static(b"retry: 2000\n\n")));
        };
        while !self.stopping.has_begun() && Instant::now() < self.ends_at {
            let (state, cursor, wanted, limit) =
                (self.state.clone(), self.cursor, self.wanted.clone(), self.limit);
            // The client may hang up at any moment; what was asked of the database runs to its end.
            let read = context::run_to_end(async move {
                if !may_go_on(&state, cursor, &wanted).await {
                    return Ok(None);
                }
                read_feed(&state, cursor, &wanted, limit, Silence::PassedOver).await.map(Some)
            });
            match read.await {
                Ok(Ok(Some(page))) => {
                    self.cursor = page.next;
                    if !page.events.is_empty() {
                        self.last_sent = Some(Instant::now());
                        return Some(message(&page.events));
                    }
                    if !page.is_end {
                        tokio::time::sleep(Duration::from_millis(self.settings.poll_ms) / 10).await;
                        continue;
                    }
                }
                Ok(Ok(None)) => {}
                // The client learns why when it comes back with its cursor.
                Ok(Err(FeedError::Expired)) => return None,
                Ok(Err(error)) => tracing::debug!(%error, "the feed cannot be read; its followers wait"),
                Err(error) => tracing::debug!(%error, "the feed cannot be read; its followers wait"),
            }
            if last_sent.elapsed() >= Duration::from_millis(self.settings.heartbeat_ms) {
                self.last_sent = Some(Instant::now());
                return Some(Ok(Bytes::from(format!(": still here\nid: {}\n\n", self.cursor))));
            }
            tokio::time::sleep(Duration::from_millis(self.settings.poll_ms)).await;
        }
        None
    }
}

fn message(events: &[(Logged, FeedCursor)]) -> Result<Bytes, std::io::Error> {
    let mut text = String::new();
    for (event, cursor) in events {
        let cursor = cursor.to_string();
        let data = event.render(&cursor).map_err(std::io::Error::other)?;
        text.push_str(&format!("id: {cursor}\nevent: {}\ndata: {data}\n\n", event.kind));
    }
    Ok(Bytes::from(text))
}
