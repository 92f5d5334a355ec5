//! Changing and deleting categories: read, decide, compare and swap.

use crate::domain::category::Category;
use crate::startup::AppState;
use crate::store::categories::Felled;
use common::ids::CategoryId;
use common::models::audit::{AuditActor, AuditEvent, AuditSubject, SubjectKind};
use common::models::category::{self as model, CategoryChange};
use common::mongo::StoreError;
use common::time::Timestamp;

/// How often a change that names no version starts again because another one was first.
const ATTEMPTS: u32 = 8;

#[derive(Debug, thiserror::Error)]
pub enum ChangeCategoryError {
    #[error("there is no such category")]
    NotFound,
    #[error("the category is at version {version}")]
    Stale { version: i64 },
    #[error("the category has branches")]
    HasBranches,
    #[error("the category has products")]
    HasProducts,
    #[error("other changes were first, again and again")]
    Contended,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes the category, only if it is at `expected` where that is given.
pub async fn change_category(
    state: &AppState,
    id: CategoryId,
    change: CategoryChange,
    expected: Option<i64>,
    actor: &AuditActor,
) -> Result<model::Category, ChangeCategoryError> {
    for _ in 0..ATTEMPTS {
        let category = standing(state, id, expected).await?;
        let changed = category.changed(change.clone(), Timestamp::now());
        let is_same = changed.version == category.version;
        if is_same || state.categories.replace(&changed, &event(actor, "category.changed", &changed)).await? {
            return Ok(changed.shown());
        }
    }
    Err(ChangeCategoryError::Contended)
}

/// Deletes a category that has neither branches nor products, only if it is at `expected` where that is given.
pub async fn delete_category(
    state: &AppState,
    id: CategoryId,
    expected: Option<i64>,
    actor: &AuditActor,
) -> Result<(), ChangeCategoryError> {
    for _ in 0..ATTEMPTS {
        let category = standing(state, id, expected).await?;
        match state.categories.delete(&category, &event(actor, "category.deleted", &category)).await? {
            Felled::Done => return Ok(()),
            Felled::HasBranches => return Err(ChangeCategoryError::HasBranches),
            Felled::HasProducts => return Err(ChangeCategoryError::HasProducts),
            Felled::Stale => {}
        }
    }
    Err(ChangeCategoryError::Contended)
}

async fn standing(
    state: &AppState,
    id: CategoryId,
    expected: Option<i64>,
) -> Result<Category, ChangeCategoryError> {
    let category = state.categories.find(id).await?.ok_or(ChangeCategoryError::NotFound)?;
    match expected {
        Some(expected) if expected != category.version => {
            Err(ChangeCategoryError::Stale { version: category.version })
        }
        _ => Ok(category),
    }
}

fn event(actor: &AuditActor, action: &'static str, category: &Category) -> AuditEvent {
    let subject = AuditSubject::new(SubjectKind::Category, category.id);
    AuditEvent::new(actor.clone(), action, subject).with("path", category.path.as_str())
}
