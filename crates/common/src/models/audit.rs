//! The audit trail: who did what to whom, when, from where.

use crate::ids::{AuditEventId, SessionId};
use crate::models::auth::Role;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// One entry of the trail (`GET /audit-events`). It is written once, holds no secrets, and no personal data but the
/// address that somebody called from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    pub id: AuditEventId,
    pub at: Timestamp,
    /// What was done, such as `customer.deactivated`: kind of the subject, dot, past tense.
    pub action: Cow<'static, str>,
    pub actor: AuditActor,
    pub subject: AuditSubject,
    /// What changed, as far as it is neither personal nor secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, Value>,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditActor {
    pub kind: ActorKind,
    /// The account's or the API key's identity, or the name of a service.
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The network address that the call came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    Customer,
    ApiKey,
    /// One of our own services, by itself.
    Service,
}

/// Whom or what it was done to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditSubject {
    pub kind: SubjectKind,
    pub id: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    Customer,
    Session,
    ApiKey,
    Invitation,
    Product,
    Category,
    Location,
    Webhook,
}

impl AuditEvent {
    pub fn new(actor: AuditActor, action: &'static str, subject: AuditSubject) -> Self {
        Self {
            id: AuditEventId::new(),
            at: Timestamp::now(),
            action: Cow::Borrowed(action),
            actor,
            subject,
            details: BTreeMap::new(),
        }
    }

    /// Adds a detail: nothing personal, nothing secret.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }
}

impl AuditActor {
    /// A service of ours that acts by itself.
    pub fn service(name: &str) -> Self {
        Self { kind: ActorKind::Service, id: name.to_owned(), role: None, session_id: None, address: None }
    }
}

impl AuditActor {
    /// As a ledger or a history names it: a key is told from a customer by its prefix.
    pub fn reference(&self) -> String {
        match self.kind {
            ActorKind::ApiKey => format!("key:{}", self.id),
            ActorKind::Customer | ActorKind::Service => self.id.clone(),
        }
    }

    /// What an identity is derived from that belongs to this actor: the bytes of its own.
    pub fn identity(&self) -> Vec<u8> {
        match self.id.parse::<crate::ids::CustomerId>() {
            Ok(id) => id.as_bytes().to_vec(),
            Err(_) => self.id.as_bytes().to_vec(),
        }
    }
}

impl AuditSubject {
    pub fn new(kind: SubjectKind, id: impl ToString) -> Self {
        Self { kind, id: id.to_string() }
    }

    pub fn customer(id: impl ToString) -> Self {
        Self::new(SubjectKind::Customer, id)
    }
}
