//! Who works here.

use common::api::about::About;
use common::models::customer::Customer;
use serde_json::json;

pub fn change_role() -> About {
    About::new("Change somebody's role")
        .for_admins()
        .shows::<Customer>()
        .example(json!({ "role": "staff" }))
        .refuses(409, &["customer_erased", "last_admin"])
}

pub fn invite_staff() -> About {
    About::new("Invite a colleague")
        .text("Makes their account and sends them a letter with a link.")
        .for_admins()
        .creates::<Customer>()
        .example(json!({ "email": "jo.park@example.com", "name": "Jo Park", "role": "staff" }))
        .refuses(409, &["email_taken"])
}

pub fn accept_invitation() -> About {
    About::new("Accept an invitation")
        .text("With the token of the letter, which is good once.")
        .example(json!({ "token": "as it came by mail", "password": "battery staple horse" }))
        .refuses(409, &["customer_erased"])
        .refuses(503, &["too_busy"])
}
