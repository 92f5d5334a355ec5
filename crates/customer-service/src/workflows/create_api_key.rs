//! Makes an API key: a random secret that is shown once and kept as a hash.

use crate::startup::AppState;
use crate::store::api_keys::StoredApiKey;
use anyhow::Context as _;
use common::auth::api_key::ApiKeyText;
use common::http::idempotency::IdempotencyKey;
use common::ids::ApiKeyId;
use common::models::api_key::{CreatedApiKey, NewApiKey};
use common::models::audit::{AuditActor, AuditEvent, AuditSubject, SubjectKind};
use common::mongo::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum CreateApiKeyError {
    /// An earlier request with this idempotency key made it; its secret was in that answer and is nowhere else.
    #[error("key {0} was made by an earlier request")]
    AlreadyShown(ApiKeyId),
    #[error("no secret could be made")]
    NoSecret(#[source] anyhow::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub async fn create_api_key(
    state: &AppState,
    actor: AuditActor,
    new: NewApiKey,
    key: Option<IdempotencyKey>,
) -> Result<CreatedApiKey, CreateApiKeyError> {
    let id = match key {
        Some(key) => ApiKeyId::derived(&[b"create_api_key", actor.id.as_bytes(), key.as_bytes()]),
        None => ApiKeyId::new(),
    };
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).context("no randomness").map_err(CreateApiKeyError::NoSecret)?;
    let text = ApiKeyText::new(id, secret);
    let scopes: Vec<&str> = new.scopes.iter().map(|scope| scope.as_str()).collect();
    let event = AuditEvent::new(actor, "api_key.created", AuditSubject::new(SubjectKind::ApiKey, id))
        .with("name", new.name.as_str())
        .with("scopes", scopes);
    let stored = StoredApiKey::new(id, new.name, new.scopes, new.expires_at, text.secret_hash());
    if !state.api_keys.insert(&stored, &event).await? {
        return Err(CreateApiKeyError::AlreadyShown(id));
    }
    Ok(CreatedApiKey { api_key: stored.into_api_key(), key: text.reveal() })
}
