//! Open log-ins.

use common::api::about::About;
use common::models::auth::{OpenSession, Scope};

pub fn list_sessions() -> About {
    About::new("List a customer's sessions").own(Scope::CustomersRead).lists::<OpenSession>()
}

pub fn end_session() -> About {
    About::new("End a session").own(Scope::CustomersWrite)
}

pub fn end_all_sessions() -> About {
    About::new("End all of a customer's sessions")
        .text("Access tokens that were issued before are no longer good for orders within 30 seconds.")
        .own(Scope::CustomersWrite)
}
