//! API keys.

use common::api::about::About;
use common::models::api_key::{ApiKey, CreatedApiKey};
use serde_json::json;

pub fn create_api_key() -> About {
    About::new("Make an API key")
        .text("The key is in this answer and nowhere else: a repeat with the same `Idempotency-Key` does not show it again.")
        .for_admins()
        .creates::<CreatedApiKey>()
        .example(json!({ "name": "the warehouse", "scopes": ["orders:read", "orders:write"] }))
        .refuses(409, &["key_already_shown"])
}

pub fn list_api_keys() -> About {
    About::new("List the API keys").for_admins().lists::<ApiKey>()
}

pub fn read_api_key() -> About {
    About::new("Read an API key").for_admins().shows::<ApiKey>()
}

pub fn revoke_api_key() -> About {
    About::new("Revoke an API key").text("It stops working within 30 seconds.").for_admins()
}
