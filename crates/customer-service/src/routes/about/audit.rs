//! The audit trail.

use common::api::about::About;
use common::models::audit::AuditEvent;
use common::models::auth::Scope;

pub fn list_audit_events() -> About {
    About::new("List who did what")
        .text("The trails of all services as one, newest first.")
        .needs(Scope::AuditRead)
        .lists::<AuditEvent>()
}
