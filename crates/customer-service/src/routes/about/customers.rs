//! Customers.

use common::api::about::About;
use common::models::auth::Scope;
use common::models::customer::Customer;
use serde_json::json;

pub fn register_customer() -> About {
    About::new("Register a customer")
        .text(
            "For oneself, with a password; or by staff or a key with `customers:write` for somebody, without one: then the \
             account has no log-in until its owner asks for a password by mail.",
        )
        .creates::<Customer>()
        .example(json!({ "email": "mara.lind@example.com", "password": "a long enough password", "name": "Mara Lind" }))
        .refuses(409, &["email_taken"])
        .refuses(503, &["too_busy"])
}

pub fn list_customers() -> About {
    About::new("List customers").needs(Scope::CustomersRead).lists::<Customer>()
}

pub fn read_customer() -> About {
    About::new("Read a customer").own(Scope::CustomersRead).shows::<Customer>()
}

pub fn change_customer() -> About {
    About::new("Change a customer")
        .text("The fields that are named. Another e-mail address must be verified anew.")
        .own(Scope::CustomersWrite)
        .shows::<Customer>()
        .example(json!({ "name": "Mara Lindqvist", "phone": "+4940123456", "marketingConsent": true }))
        .refuses(409, &["customer_erased", "email_taken"])
}

pub fn deactivate_customer() -> About {
    About::new("Deactivate a customer")
        .text("They can neither log in nor order; what they have ordered goes on.")
        .needs(Scope::CustomersWrite)
        .shows::<Customer>()
        .refuses(409, &["customer_erased", "last_admin"])
}

pub fn reactivate_customer() -> About {
    About::new("Reactivate a customer")
        .needs(Scope::CustomersWrite)
        .shows::<Customer>()
        .refuses(409, &["customer_erased", "last_admin"])
}
