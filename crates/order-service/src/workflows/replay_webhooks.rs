//! What is sent to a webhook beside the feed: a range of it once more, what was given up, a test.

use crate::domain::endpoint::Range;
use crate::domain::webhook::with_timestamp;
use crate::startup::AppState;
use crate::store::deliveries::StoredDelivery;
use crate::store::webhooks::Change;
use crate::workflows::keep_webhooks::{WebhookError, find, parse_cursor, told};
use common::ids::{DeliveryId, EventId, WebhookId};
use common::models::audit::AuditActor;
use common::models::webhook::{DeliveryState, Replay, ReplayStarted, WebhookStatus};
use common::time::Timestamp;
use serde_json::json;

/// Sends a range of the feed once more, or what was given up.
pub async fn replay(
    state: &AppState,
    id: WebhookId,
    replay: Replay,
    range_id: WebhookId,
    actor: AuditActor,
) -> Result<ReplayStarted, WebhookError> {
    let endpoint = find(state, id, None).await?;
    let event = told("webhook.replayed", id, actor);
    if replay.dead {
        if replay.after.is_some() || replay.until.is_some() {
            let rule = "stands alone: dead letters have no range".to_owned();
            return Err(WebhookError::Invalid { field: "/dead", rule });
        }
        state.audit.append(&event.with("dead", true)).await?;
        return Ok(ReplayStarted { dead: state.deliveries.revive(id).await? });
    }
    let Some(after) = &replay.after else {
        let rule = "must name the cursor after which the range begins".to_owned();
        return Err(WebhookError::Invalid { field: "/after", rule });
    };
    let after = parse_cursor("/after", after)?;
    let until = match &replay.until {
        Some(until) => parse_cursor("/until", until)?,
        None => endpoint.cursor,
    };
    let event = event.with("after", after.to_string()).with("until", until.to_string());
    let change = Change::Replay { id, range: Range { id: range_id, after, until } };
    if !state.webhooks.change(&change, &event).await? {
        let there = find(state, id, None).await?;
        if there.replays.iter().all(|range| range.id != range_id) {
            return Err(WebhookError::TooManyReplays);
        }
    }
    Ok(ReplayStarted { dead: 0 })
}

/// An event of no consequence, on the same way as every other.
pub async fn send_test(state: &AppState, id: WebhookId) -> Result<StoredDelivery, WebhookError> {
    let endpoint = find(state, id, None).await?;
    if endpoint.status != WebhookStatus::Active {
        return Err(WebhookError::NotActive);
    }
    let (event_id, now) = (EventId::new(), Timestamp::now());
    let event = json!({ "id": event_id, "type": "webhook.test", "at": now, "data": { "webhookId": id } });
    let delivery = StoredDelivery {
        id: DeliveryId::new(),
        webhook_id: id,
        number: 0,
        event_id,
        kind: "webhook.test".to_owned(),
        entity: None,
        state: DeliveryState::Pending,
        body: with_timestamp(&event.to_string(), now),
        tries: 0,
        attempts: Vec::new(),
        next_attempt_at: Some(now),
        created_at: now,
        expires_at: None,
    };
    state.deliveries.add(std::slice::from_ref(&delivery)).await?;
    Ok(delivery)
}
