//! Sessions, and the keys that verify their access tokens.

use common::api::about::About;
use common::models::auth::TokenPair;
use serde_json::json;

pub fn log_in() -> About {
    About::new("Log in")
        .text("Opens a session. The access token is good for ten minutes; refresh it before.")
        .tells::<TokenPair>()
        .example(json!({ "email": "mara@shop.example", "password": "demo-password-1" }))
        .refuses(401, &["invalid_credentials"])
        .refuses(503, &["too_busy"])
}

pub fn refresh_session() -> About {
    About::new("Refresh a session")
        .text("A refresh token is good once; its successor is in the answer. Presented again later, it ends the session.")
        .tells::<TokenPair>()
        .example(json!({ "refreshToken": "as it came with the last answer" }))
        .refuses(401, &["invalid_refresh_token"])
}

pub fn log_out() -> About {
    About::new("Log out")
        .text("Ends the session of the token, if there is one.")
        .example(json!({ "refreshToken": "as it came with the last answer" }))
}

pub fn publish_keys() -> About {
    About::new("Read the keys that verify access tokens")
        .text("A JSON Web Key Set (RFC 7517): `{\"keys\": […]}`.")
        .tells_object()
}
