//! Locations: made and changed, with their entries in the audit trail.

use crate::startup::AppState;
use common::models::audit::{AuditActor, AuditEvent, AuditSubject, SubjectKind};
use common::models::location::{Location, LocationChange, LocationId, MAX_LOCATIONS, NewLocation};
use common::mongo::StoreError;
use common::time::Timestamp;

/// How often a change that names no version starts again because another one was first.
const ATTEMPTS: u32 = 8;

#[derive(Debug, thiserror::Error)]
pub enum LocationError {
    #[error("there is no such location")]
    NotFound,
    #[error("there is a location of this name")]
    Taken,
    #[error("there are {MAX_LOCATIONS} locations")]
    TooMany,
    #[error("the location is at version {version}")]
    Stale { version: i64 },
    #[error("other changes were first, again and again")]
    Contended,
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub async fn create_location(
    state: &AppState,
    new: NewLocation,
    actor: AuditActor,
) -> Result<Location, LocationError> {
    if state.locations.list().await?.len() >= MAX_LOCATIONS {
        return Err(LocationError::TooMany);
    }
    let now = Timestamp::now();
    let NewLocation { id, name, priority } = new;
    let location = Location { id, name, priority, version: 1, created_at: now, updated_at: now };
    let event = told("location.created", &location, actor);
    if state.locations.insert(&location, &event).await? { Ok(location) } else { Err(LocationError::Taken) }
}

/// Changes the location, only if it is at `expected` where that is given.
pub async fn change_location(
    state: &AppState,
    id: &LocationId,
    change: LocationChange,
    expected: Option<i64>,
    actor: &AuditActor,
) -> Result<Location, LocationError> {
    for _ in 0..ATTEMPTS {
        let location = state.locations.find(id).await?.ok_or(LocationError::NotFound)?;
        if expected.is_some_and(|expected| expected != location.version) {
            return Err(LocationError::Stale { version: location.version });
        }
        let changed = Location {
            name: change.name.clone().unwrap_or_else(|| location.name.clone()),
            priority: change.priority.unwrap_or(location.priority),
            ..location.clone()
        };
        if changed == location {
            return Ok(location);
        }
        let changed = Location { version: location.version + 1, updated_at: Timestamp::now(), ..changed };
        if state.locations.replace(&changed, &told("location.changed", &changed, actor.clone())).await? {
            return Ok(changed);
        }
    }
    Err(LocationError::Contended)
}

fn told(action: &'static str, location: &Location, actor: AuditActor) -> AuditEvent {
    let subject = AuditSubject::new(SubjectKind::Location, location.id.as_str());
    AuditEvent::new(actor, action, subject).with("priority", i64::from(location.priority))
}
