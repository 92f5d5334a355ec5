//! Webhooks: addresses that are told of events, by Standard Webhooks 1.0.

use super::event::Entity;
use super::patch::removable;
use crate::ids::{DeliveryId, EventId, WebhookId};
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most endpoints of a shop.
pub const MAX_WEBHOOKS: usize = 100;

/// Where events are sent: an address of at most 2,000 characters.
pub type WebhookUrl = Text<1, 2_000>;

/// What an endpoint is for.
pub type WebhookDescription = Text<1, 200>;

/// `POST /webhooks`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewWebhook {
    pub url: WebhookUrl,
    /// Types of events, or `order.*` and the like; everything where it is left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 40)]
    pub types: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<WebhookDescription>,
    /// The cursor after which to begin; with what happens from now on where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// `PATCH /webhooks/{id}`: the fields to change.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<WebhookUrl>,
    /// Empty: everything. It holds for what is not waiting yet; events about things of which none were wanted before
    /// begin with what happens from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 40)]
    pub types: Option<Vec<String>>,
    /// `null` removes it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "removable")]
    pub description: Option<Option<WebhookDescription>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookStatus {
    Active,
    /// By an administrator: events wait in the feed.
    Paused,
    /// By itself: the receiver is gone, or what it waited for is no longer kept.
    Disabled,
}

/// An endpoint as administrators see it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    pub id: WebhookId,
    pub url: WebhookUrl,
    pub types: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<WebhookDescription>,
    pub status: WebhookStatus,
    /// Why it is disabled: `gone` or `cursor_expired`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_because: Option<String>,
    /// Up to where the feed was taken over.
    pub cursor: String,
    /// Until when a secret before the present one still signs as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_secret_until: Option<Timestamp>,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The answer to `POST /webhooks` and to `POST /webhooks/{id}/rotate-secret`: the only ones that show a secret.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookWithSecret {
    #[serde(flatten)]
    pub webhook: Webhook,
    /// `whsec_` and base64, as the libraries of Standard Webhooks take it.
    pub secret: String,
}

/// `POST /webhooks/{id}/rotate-secret`
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretRotation {
    /// How long the old secret signs as well: up to seven days, one where it is left out; with 0 no old one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 604_800)]
    pub overlap_s: Option<u32>,
}

/// `POST /webhooks/{id}/replay`: what is sent once more. Either a range of the feed, or the dead letters.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Replay {
    /// The cursor after which the range begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The cursor with which it ends; where it is left out, what the endpoint has taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Everything that was given up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dead: bool,
}

/// The answer to a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplayStarted {
    /// Dead letters that are tried again. A range is taken over piece by piece.
    pub dead: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    Pending,
    Delivered,
    /// It was tried as often as the schedule says and is not tried again unless somebody asks.
    Dead,
}

/// One event on its way to one endpoint.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    pub id: DeliveryId,
    pub webhook_id: WebhookId,
    /// What `webhook-id` says: the same for every try, and for a replay.
    pub event_id: EventId,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<Entity>,
    pub state: DeliveryState,
    /// What is sent, as it is signed; left out in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The last 20 tries.
    pub attempts: Vec<Attempt>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// One try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    pub at: Timestamp,
    pub elapsed_ms: i64,
    /// What was answered; missing: nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why nothing was: `refused_address`, `timed_out`, `connection`, `broken_answer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The first 4 KiB of the answer; left out in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}
