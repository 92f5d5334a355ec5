//! Making and changing webhooks: the address is checked, a secret is made, the feed says where it begins, and the audit
//! trail who did it.

use crate::clients::receiver::InvalidTarget;
use crate::domain::endpoint::Endpoint;
use crate::domain::webhook::SigningSecret;
use crate::startup::AppState;
use crate::store::webhooks::{Change, Rest};
use crate::workflows::read_feed::{FeedError, find_end, find_expired, logs};
use common::context;
use common::events::cursor::{FeedCursor, InvalidFeedCursor, LogName};
use common::ids::WebhookId;
use common::models::audit::{AuditActor, AuditEvent, AuditSubject, SubjectKind};
use common::models::event::{InvalidTypes, TypeFilter};
use common::models::webhook::{MAX_WEBHOOKS, NewWebhook, WebhookChange, WebhookStatus};
use common::mongo::StoreError;
use common::time::Timestamp;

/// How long an old secret signs beside the new one where nobody says how long.
const OVERLAP_S: u32 = 24 * 60 * 60;

/// Longest that it may.
const LONGEST_OVERLAP_S: u32 = 7 * OVERLAP_S;

/// How often the place of an endpoint is moved that the dispatcher moves at the same time.
const ATTEMPTS: u32 = 8;

#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    #[error("there is no such webhook")]
    NotFound,
    /// An earlier request with this idempotency key made it; its secret was in that answer alone.
    #[error("webhook {0} was made by an earlier request")]
    AlreadyShown(WebhookId),
    #[error("there are {MAX_WEBHOOKS} webhooks already")]
    TooMany,
    #[error("the webhook is at version {0}")]
    VersionMismatch(i64),
    #[error("the address {0}")]
    Target(#[from] InvalidTarget),
    #[error("the filter {0}")]
    Types(#[from] InvalidTypes),
    #[error("{field} {rule}")]
    Invalid { field: &'static str, rule: String },
    /// The webhook is paused or disabled.
    #[error("the webhook is not active")]
    NotActive,
    #[error("too many replays wait")]
    TooManyReplays,
    #[error("no secret could be made: {0}")]
    NoSecret(getrandom::Error),
    #[error(transparent)]
    Feed(#[from] FeedError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes an endpoint. Its secret is in it: whoever answers shows it this once.
pub async fn create_webhook(
    state: &AppState,
    new: NewWebhook,
    id: WebhookId,
    actor: AuditActor,
) -> Result<Endpoint, WebhookError> {
    let types = types(new.types)?;
    let cursor = match &new.after {
        Some(cursor) => parse_cursor("/after", cursor)?,
        None => find_end(state).await?,
    };
    let host = state.receivers.check(&new.url).await?;
    if state.webhooks.count().await? >= u64::try_from(MAX_WEBHOOKS).unwrap_or(u64::MAX) {
        // A repeat made no other, and is told what every repeat is.
        let is_there = state.webhooks.find(id).await?.is_some();
        return Err(if is_there { WebhookError::AlreadyShown(id) } else { WebhookError::TooMany });
    }
    let now = Timestamp::now();
    let endpoint = Endpoint {
        id,
        url: new.url,
        types,
        description: new.description,
        status: WebhookStatus::Active,
        disabled_because: None,
        cursor,
        secret: fresh_secret()?,
        previous_secrets: Vec::new(),
        replays: Vec::new(),
        rest_until: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let event = told("webhook.created", id, actor).with("host", host).with("types", endpoint.types.clone());
    if !state.webhooks.insert(&endpoint, &event).await? {
        return Err(WebhookError::AlreadyShown(id));
    }
    Ok(endpoint)
}

pub async fn change_webhook(
    state: &AppState,
    id: WebhookId,
    if_version: Option<i64>,
    change: WebhookChange,
    actor: AuditActor,
) -> Result<Endpoint, WebhookError> {
    let mut endpoint = find(state, id, if_version).await?;
    let (mut event, mut fields) = (told("webhook.changed", id, actor), Vec::new());
    let mut rest = Rest::Kept;
    if let Some(url) = change.url {
        event = event.with("host", state.receivers.check(&url).await?);
        endpoint.url = url;
        // It was another receiver that asked for a rest.
        rest = Rest::Over;
        fields.push("url");
    }
    if let Some(description) = change.description {
        endpoint.description = description;
        fields.push("description");
    }
    if let Some(wanted) = change.types {
        let wanted = types(wanted)?;
        begin_now(state, &mut endpoint, &wanted).await?;
        event = event.with("types", wanted.clone());
        endpoint.types = wanted;
        fields.push("types");
    }
    if fields.is_empty() {
        return Ok(endpoint);
    }
    write(state, endpoint, rest, event.with("fields", fields)).await
}

/// Where something is wanted for the first time, it is what happens from now on: nobody waited for what was before, and
/// it may be gone.
async fn begin_now(state: &AppState, endpoint: &mut Endpoint, wanted: &[String]) -> Result<(), WebhookError> {
    let (before, wanted) =
        (TypeFilter::new(endpoint.types.iter().cloned())?, TypeFilter::new(wanted.to_vec())?);
    let fresh: Vec<_> = logs(&wanted).filter(|log| logs(&before).all(|known| known != *log)).collect();
    pass_over(state, endpoint, &fresh).await
}

/// Moves the endpoint to the end of these logs; in the others it stays where it is.
async fn pass_over(
    state: &AppState,
    endpoint: &mut Endpoint,
    passed: &[LogName],
) -> Result<(), WebhookError> {
    if passed.is_empty() {
        return Ok(());
    }
    let end = find_end(state).await?;
    for _ in 0..ATTEMPTS {
        let from = endpoint.cursor;
        for log in passed {
            endpoint.cursor.set(*log, end.get(*log).unwrap_or(0));
        }
        if state.webhooks.advance(endpoint.id, from, endpoint.cursor).await? {
            return Ok(());
        }
        endpoint.cursor = find(state, endpoint.id, None).await?.cursor;
    }
    Err(WebhookError::VersionMismatch(endpoint.version))
}

/// A fresh secret; the old one signs beside it for a while.
pub async fn rotate_secret(
    state: &AppState,
    id: WebhookId,
    if_version: Option<i64>,
    overlap_s: Option<u32>,
    actor: AuditActor,
) -> Result<Endpoint, WebhookError> {
    let overlap_s = overlap_s.unwrap_or(OVERLAP_S);
    if overlap_s > LONGEST_OVERLAP_S {
        let rule = format!("must be at most {LONGEST_OVERLAP_S}");
        return Err(WebhookError::Invalid { field: "/overlapS", rule });
    }
    let mut endpoint = find(state, id, if_version).await?;
    let now = Timestamp::now();
    endpoint.rotate(fresh_secret()?, now.plus_millis(i64::from(overlap_s) * 1_000), now);
    let event = told("webhook.secret_rotated", id, actor);
    write(state, endpoint, Rest::Kept, event.with("overlapS", overlap_s)).await
}

/// Nothing is sent, and nothing is lost for as long as the feed keeps it.
pub async fn pause_webhook(
    state: &AppState,
    id: WebhookId,
    if_version: Option<i64>,
    actor: AuditActor,
) -> Result<Endpoint, WebhookError> {
    let mut endpoint = find(state, id, if_version).await?;
    if endpoint.status == WebhookStatus::Active {
        endpoint.status = WebhookStatus::Paused;
        return write(state, endpoint, Rest::Kept, told("webhook.paused", id, actor)).await;
    }
    Ok(endpoint)
}

/// Goes on where it was; in a log that no longer has what follows, from now on. What the receiver asked to wait for is
/// over.
pub async fn resume_webhook(
    state: &AppState,
    id: WebhookId,
    if_version: Option<i64>,
    actor: AuditActor,
) -> Result<Endpoint, WebhookError> {
    let mut endpoint = find(state, id, if_version).await?;
    if endpoint.disabled_because.as_deref() == Some("cursor_expired") {
        let wanted = TypeFilter::new(endpoint.types.iter().cloned())?;
        let expired = find_expired(state, endpoint.cursor, &wanted).await?;
        pass_over(state, &mut endpoint, &expired).await?;
    }
    endpoint.status = WebhookStatus::Active;
    endpoint.disabled_because = None;
    write(state, endpoint, Rest::Over, told("webhook.resumed", id, actor)).await
}

/// With everything that was on its way, which may take a while: nobody waits for it.
pub async fn delete_webhook(state: &AppState, id: WebhookId, actor: AuditActor) -> Result<(), WebhookError> {
    if !state.webhooks.change(&Change::Delete(id), &told("webhook.deleted", id, actor)).await? {
        return Err(WebhookError::NotFound);
    }
    let deliveries = state.deliveries.clone();
    drop(context::spawn(async move {
        if let Err(error) = deliveries.forget(id).await {
            tracing::debug!(webhook_id = %id, %error, "deliveries of a deleted webhook are left for later");
        }
    }));
    Ok(())
}

pub async fn find(
    state: &AppState,
    id: WebhookId,
    if_version: Option<i64>,
) -> Result<Endpoint, WebhookError> {
    let endpoint = state.webhooks.find(id).await?.ok_or(WebhookError::NotFound)?;
    match if_version {
        Some(version) if version != endpoint.version => Err(WebhookError::VersionMismatch(endpoint.version)),
        _ => Ok(endpoint),
    }
}

async fn write(
    state: &AppState,
    mut endpoint: Endpoint,
    rest: Rest,
    event: AuditEvent,
) -> Result<Endpoint, WebhookError> {
    endpoint.updated_at = Timestamp::now();
    if state.webhooks.change(&Change::Write(&endpoint, rest), &event).await? {
        return Ok(Endpoint { version: endpoint.version + 1, ..endpoint });
    }
    Err(WebhookError::VersionMismatch(find(state, endpoint.id, None).await?.version))
}

pub(super) fn told(action: &'static str, id: WebhookId, actor: AuditActor) -> AuditEvent {
    AuditEvent::new(actor, action, AuditSubject::new(SubjectKind::Webhook, id))
}

fn types(wanted: Vec<String>) -> Result<Vec<String>, WebhookError> {
    let filter = TypeFilter::new(wanted)?;
    Ok(filter.as_slice().into_iter().map(str::to_owned).collect())
}

pub(super) fn parse_cursor(field: &'static str, cursor: &str) -> Result<FeedCursor, WebhookError> {
    cursor
        .parse()
        .map_err(|error: InvalidFeedCursor| WebhookError::Invalid { field, rule: error.to_string() })
}

fn fresh_secret() -> Result<SigningSecret, WebhookError> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(WebhookError::NoSecret)?;
    Ok(SigningSecret::new(&random))
}
