//! A new category: a root, or a branch of one that is there.

use crate::domain::category::Category;
use crate::startup::AppState;
use crate::store::categories::Planted;
use common::http::idempotency::IdempotencyKey;
use common::ids::CategoryId;
use common::models::audit::{AuditActor, AuditEvent, AuditSubject, SubjectKind};
use common::models::category::{self as model, NewCategory};
use common::mongo::StoreError;
use common::time::Timestamp;

#[derive(Debug, thiserror::Error)]
pub enum CreateCategoryError {
    #[error("another category stands at this path")]
    PathTaken,
    #[error("there is no category that it would be a branch of")]
    NoParent,
    #[error("the key was used for another request")]
    KeyReused,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Answers the category, and whether an earlier request with the same key made it.
pub async fn create_category(
    state: &AppState,
    new: NewCategory,
    key: Option<IdempotencyKey>,
    actor: AuditActor,
) -> Result<(model::Category, bool), CreateCategoryError> {
    let id = match &key {
        Some(key) => CategoryId::derived(&[b"create_category", actor.identity().as_slice(), key.as_bytes()]),
        None => CategoryId::new(),
    };
    let fingerprint = key.as_ref().map(|_| super::create_product::fingerprint(&new));
    let category = Category::create(id, new, fingerprint, Timestamp::now());
    let event = AuditEvent::new(actor, "category.created", AuditSubject::new(SubjectKind::Category, id))
        .with("path", category.path.as_str());
    match state.categories.insert(&category, &event).await? {
        Planted::New => Ok((category.shown(), false)),
        Planted::Exists(standing) if standing.fingerprint == category.fingerprint => {
            Ok((standing.shown(), true))
        }
        Planted::Exists(_) => Err(CreateCategoryError::KeyReused),
        Planted::PathTaken => Err(CreateCategoryError::PathTaken),
        Planted::NoParent => Err(CreateCategoryError::NoParent),
    }
}
