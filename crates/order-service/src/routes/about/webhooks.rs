//! Webhooks.

use common::api::about::About;
use common::models::webhook::{Delivery, ReplayStarted, Webhook, WebhookWithSecret};
use serde_json::json;

pub fn create_webhook() -> About {
    About::new("Make a webhook")
        .text(
            "Events are sent to its address by Standard Webhooks 1.0, from now on or after the cursor `after`. The `secret` \
             that signs is in this answer and nowhere else. The address must be https and lead to the public internet.",
        )
        .for_admins()
        .creates::<WebhookWithSecret>()
        .example(json!({ "url": "https://hooks.shop.example/orders", "types": ["order.*"], "description": "the ERP" }))
        .refuses(409, &["secret_already_shown", "too_many_webhooks"])
}

pub fn list_webhooks() -> About {
    About::new("List the webhooks").for_admins().lists::<Webhook>()
}

pub fn show_webhook() -> About {
    About::new("Read a webhook").for_admins().shows::<Webhook>()
}

pub fn change_webhook() -> About {
    About::new("Change a webhook")
        .for_admins()
        .shows::<Webhook>()
        .example(json!({ "types": ["order.*"], "description": null }))
}

pub fn delete_webhook() -> About {
    About::new("Delete a webhook").text("With everything that was on its way.").for_admins()
}

pub fn rotate_secret() -> About {
    About::new("Change the secret of a webhook")
        .text("The new one is in this answer and nowhere else. The old one signs beside it for `overlapS` seconds.")
        .for_admins()
        .shows::<WebhookWithSecret>()
        .example(json!({ "overlapS": 3600 }))
}

pub fn pause_webhook() -> About {
    About::new("Pause a webhook")
        .text("Nothing is sent until it is resumed, and nothing is missed for as long as the feed keeps it.")
        .for_admins()
        .shows::<Webhook>()
}

pub fn resume_webhook() -> About {
    About::new("Resume a webhook")
        .text("One that is paused or disabled goes on where it was. Of a service whose events from there on are no longer kept, it goes on with what happens from now on.")
        .for_admins()
        .shows::<Webhook>()
}

pub fn replay_events() -> About {
    About::new("Send events once more")
        .text("A part of the feed, from after one cursor up to another, or with `dead` everything that was given up.")
        .for_admins()
        .tells::<ReplayStarted>()
        .accepts()
        .example(json!({ "dead": true }))
        .refuses(409, &["too_many_replays"])
}

pub fn send_test() -> About {
    About::new("Try a webhook")
        .text("Sends `webhook.test`; its delivery says what came of it.")
        .for_admins()
        .tells::<Delivery>()
        .accepts()
        .refuses(409, &["webhook_not_active"])
}

pub fn list_deliveries() -> About {
    About::new("List what was sent to a webhook")
        .text("Newest first, with every try; what was sent and answered is shown by each delivery itself.")
        .for_admins()
        .lists::<Delivery>()
}

pub fn show_delivery() -> About {
    About::new("Read a delivery")
        .text("With what was sent, as it was signed, and what was answered.")
        .for_admins()
        .shows::<Delivery>()
}
