//! Reading the feed: our own log and those of the other services, merged.

use crate::domain::feed::{FeedPage, merge};
use crate::startup::AppState;
use common::events::cursor::{FeedCursor, LogName};
use common::events::log::{LogPage, ReadError};
use common::http::peer::PeerError;
use common::models::event::TypeFilter;
use common::mongo::StoreError;
use futures_util::future::join_all;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// How old what is known of the logs' ends may be for those who follow the feed.
const TAIL_AGE: Duration = Duration::from_millis(250);

#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// What follows the cursor is no longer kept.
    #[error("the cursor has expired")]
    Expired,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Peer(#[from] PeerError),
}

impl From<ReadError> for FeedError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Expired { .. } => Self::Expired,
            ReadError::Store(error) => Self::Store(error),
        }
    }
}

/// What is done about a service that does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// There is no page: whoever asks once would take it for the whole.
    Refused,
    /// The page is without its log, which stays where it is: whoever goes on reading comes to it.
    PassedOver,
}

/// A page of what follows the cursor.
pub async fn read_feed(
    state: &AppState,
    after: FeedCursor,
    wanted: &TypeFilter,
    limit: u8,
    silence: Silence,
) -> Result<FeedPage, FeedError> {
    let read = logs(wanted).map(async |log| (log, read_log(state, log, after.get(log), wanted, limit).await));
    let (mut pages, mut is_whole) = (Vec::new(), true);
    for (log, page) in join_all(read).await {
        match page {
            Ok(page) => pages.push((log, page)),
            Err(FeedError::Peer(PeerError::Unavailable { .. })) if silence == Silence::PassedOver => {
                is_whole = false
            }
            Err(error) => return Err(error),
        }
    }
    let mut page = merge(after, pages, limit.into());
    page.is_end &= is_whole;
    Ok(page)
}

/// The logs in which something may be wanted.
pub fn logs(wanted: &TypeFilter) -> impl Iterator<Item = LogName> {
    LogName::ALL.into_iter().filter(|log| log.kinds().iter().any(|kind| wanted.may_want(*kind)))
}

async fn read_log(
    state: &AppState,
    log: LogName,
    after: Option<i64>,
    wanted: &TypeFilter,
    limit: u8,
) -> Result<LogPage, FeedError> {
    match log {
        LogName::Orders => Ok(state.events.read(after, wanted, limit.into()).await?),
        other => state.event_logs.read(other, after, wanted, limit).await?.ok_or(FeedError::Expired),
    }
}

/// The logs in which something is wanted, and what follows the cursor is no longer kept.
pub async fn find_expired(
    state: &AppState,
    after: FeedCursor,
    wanted: &TypeFilter,
) -> Result<Vec<LogName>, FeedError> {
    let read = logs(wanted)
        .map(async |log| (log, read_log(state, log, after.get(log), &TypeFilter::default(), 1).await));
    let mut expired = Vec::new();
    for (log, page) in join_all(read).await {
        match page {
            Ok(_) => {}
            Err(FeedError::Expired) => expired.push(log),
            Err(error) => return Err(error),
        }
    }
    Ok(expired)
}

/// Where the feed ends now.
pub async fn find_end(state: &AppState) -> Result<FeedCursor, FeedError> {
    let ends =
        LogName::ALL.map(async |log| (log, read_log(state, log, None, &TypeFilter::default(), 1).await));
    let mut cursor = FeedCursor::default();
    for (log, page) in join_all(ends).await {
        cursor.set(log, page?.last);
    }
    Ok(cursor)
}

/// What was last known of the logs' ends: those who follow an idle feed ask together.
#[derive(Default)]
pub struct Ends {
    known: Mutex<Option<(Instant, FeedCursor)>>,
    asking: tokio::sync::Mutex<()>,
}

/// Whether there may be something after the cursor, in the logs in which something is wanted.
pub async fn may_go_on(state: &AppState, after: FeedCursor, wanted: &TypeFilter) -> bool {
    let known = || {
        let known = state.ends.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.filter(|(at, _)| at.elapsed() < TAIL_AGE).map(|(_, end)| end)
    };
    let end = match known() {
        Some(end) => end,
        None => {
            let _first = state.ends.asking.lock().await;
            match known() {
                Some(end) => end,
                None => {
                    let Ok(end) = find_end(state).await else { return true };
                    *state.ends.known.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some((Instant::now(), end));
                    end
                }
            }
        }
    };
    logs(wanted).any(|log| after.get(log) < end.get(log))
}
