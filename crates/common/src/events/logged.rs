//! An event of the log, and how the outside reads it.

use crate::ids::{EntityId, EventId};
use crate::models::event::{Entity, EntityKind};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// An event as it is logged, and as one service tells it to another.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Logged {
    #[serde(rename = "_id")]
    pub position: i64,
    pub entity_kind: EntityKind,
    pub entity_id: EntityId,
    pub sequence: i64,
    pub version: i64,
    #[serde(rename = "type")]
    pub kind: String,
    pub at: Timestamp,
    pub recorded_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// JSON, as is `data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// The position of the event with the data, where it is not this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_at: Option<i64>,
}

impl Logged {
    /// The same for the same event for ever.
    pub fn id(&self) -> EventId {
        let prefix = self.entity_kind.prefix().as_bytes();
        EventId::derived(&[b"event", prefix, self.entity_id.as_bytes(), &self.sequence.to_be_bytes()])
    }

    pub(super) fn bytes(&self) -> usize {
        256 + self.data.as_ref().map_or(0, String::len) + self.change.as_ref().map_or(0, String::len)
    }

    /// As the outside reads it ([`crate::models::event::Event`]): what was written as JSON goes out as it is.
    pub fn render(&self, cursor: &str) -> Result<String, serde_json::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Head<'a> {
            id: EventId,
            cursor: &'a str,
            #[serde(rename = "type")]
            kind: &'a str,
            at: Timestamp,
            recorded_at: Timestamp,
            entity: Entity,
            sequence: i64,
            version: i64,
            #[serde(skip_serializing_if = "Option::is_none")]
            actor: Option<&'a str>,
        }
        let mut text = serde_json::to_string(&Head {
            id: self.id(),
            cursor,
            kind: &self.kind,
            at: self.at,
            recorded_at: self.recorded_at,
            entity: Entity { kind: self.entity_kind, id: self.entity_id },
            sequence: self.sequence,
            version: self.version,
            actor: self.actor.as_deref(),
        })?;
        text.pop();
        if let Some(change) = &self.change {
            text.push_str(",\"change\":");
            text.push_str(change);
        }
        text.push_str(",\"data\":");
        text.push_str(self.data.as_deref().unwrap_or("null"));
        text.push('}');
        Ok(text)
    }
}
