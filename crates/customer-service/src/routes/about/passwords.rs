//! Passwords and the links that come by mail.

use common::api::about::About;
use serde_json::json;

pub fn change_password() -> About {
    About::new("Change one's password")
        .text("Ends every other session.")
        .for_persons()
        .example(json!({ "currentPassword": "demo-password-1", "newPassword": "battery staple horse" }))
        .refuses(409, &["customer_erased"])
        .refuses(503, &["too_busy"])
}

pub fn request_reset() -> About {
    About::new("Ask for a link to choose a new password")
        .text("The same answer whether or not the address has an account.")
        .accepts()
        .example(json!({ "email": "mara@shop.example" }))
        .refuses(503, &["too_busy"])
}

pub fn confirm_reset() -> About {
    About::new("Choose a new password")
        .text("With the token of the link, which is good once. Ends every session.")
        .example(json!({ "token": "as it came by mail", "password": "battery staple horse" }))
        .refuses(409, &["customer_erased"])
        .refuses(503, &["too_busy"])
}

pub fn request_verification() -> About {
    About::new("Ask for a link to verify one's e-mail address")
        .for_persons()
        .accepts()
        .refuses(404, &["not_found"])
        .refuses(503, &["too_busy"])
}

pub fn confirm_verification() -> About {
    About::new("Verify an e-mail address")
        .text("With the token of the link, which is good once.")
        .example(json!({ "token": "as it came by mail" }))
        .refuses(409, &["customer_erased"])
}
