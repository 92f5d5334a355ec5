//! What is held about a customer.

use common::api::about::About;
use common::models::auth::Scope;
use serde_json::json;

pub fn export_customers() -> About {
    About::new("Take a file of all customers")
        .text("Accounts without addresses, sessions or anything of their passwords. That it was taken stands in the audit trail.")
        .needs(Scope::CustomersRead)
        .sends_file(&["text/csv", "application/x-ndjson"])
}

pub fn export_customer() -> About {
    About::new("Export what is held about a customer")
        .text("Account, addresses, sessions, orders with their history and audit trail, across services, as one document.")
        .own(Scope::CustomersRead)
        .tells_object()
}

pub fn erase_customer() -> About {
    About::new("Erase a customer")
        .text(
            "By themselves with their password, or by an administrator. The account and all that is personal in orders goes; \
             products, prices and dates stay, so that the books add up.",
        )
        .for_persons()
        .example(json!({ "currentPassword": "demo-password-1" }))
        .refuses(403, &["insufficient_scope"])
        .refuses(409, &["customer_erased", "last_admin"])
        .refuses(503, &["too_busy"])
}
