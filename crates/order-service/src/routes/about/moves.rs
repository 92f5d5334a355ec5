//! Moves of an order: all answer the order as it is after them.

use common::api::about::About;
use common::api::examples::PRODUCT;
use common::models::auth::Scope;
use common::models::order::Order;
use serde_json::json;

/// What any move may be refused for.
const OBSTACLES: &[&str] = &["illegal_transition", "limit_reached", "nothing_to_change", "too_many_units"];

fn refusable(about: About) -> About {
    about.refuses(409, OBSTACLES).refuses(503, &["contended", "edit_unsettled"])
}

/// Anyone may ask for it whose order it is.
fn own(summary: &'static str) -> About {
    refusable(About::new(summary).own(Scope::OrdersWrite))
}

fn for_staff(summary: &'static str) -> About {
    refusable(About::new(summary).needs(Scope::OrdersWrite))
}

pub fn cancel_order() -> About {
    own("Cancel an order")
        .text("All that is not shipped, or the lines that are named. What was reserved for it is free again.")
        .shows::<Order>()
        .example(json!({ "reason": "Ordered twice." }))
}

pub fn edit_order() -> About {
    for_staff("Edit an order")
        .text(
            "Adds, changes and removes lines of an order of which nothing is shipped: all of it or nothing.",
        )
        .shows::<Order>()
        .example(
            json!({ "lines": [{ "productId": PRODUCT, "quantity": 2 }], "note": "Asked for by telephone." }),
        )
        .refuses(409, &["edit_expired", "out_of_stock"])
        .refuses(422, &["mixed_currencies", "product_not_active", "total_too_large", "unknown_product"])
}

pub fn ship_order() -> About {
    for_staff("Ship a parcel")
        .text("Everything that is still open, or the lines that are named. `Location` leads to the parcel.")
        .creates::<Order>()
        .example(json!({ "carrier": "DHL", "trackingNumber": "00340434161094042557" }))
}

pub fn deliver_fulfillment() -> About {
    for_staff("Record that a parcel arrived")
        .shows::<Order>()
        .example(json!({ "note": "With the neighbours." }))
}

pub fn request_return() -> About {
    own("Ask to send something back")
        .text("Of what was delivered. `Location` leads to the return.")
        .creates::<Order>()
        .example(json!({ "lines": [{ "productId": PRODUCT, "quantity": 1, "reason": "Too small." }] }))
}

pub fn approve_return() -> About {
    for_staff("Approve a return").shows::<Order>().example(json!({ "note": "A label is on its way." }))
}

pub fn decline_return() -> About {
    for_staff("Decline a return").shows::<Order>().example(json!({ "note": "It was worn." }))
}

pub fn receive_return() -> About {
    for_staff("Receive a return")
        .text("What arrived: put back into stock, or written off.")
        .shows::<Order>()
        .example(json!({ "lines": [{ "productId": PRODUCT, "restock": 1, "writeOff": 0 }] }))
}

pub fn hold_order() -> About {
    for_staff("Put an order on hold")
        .text("Nothing of it is shipped until it is released.")
        .shows::<Order>()
        .example(json!({ "note": "The address looks wrong." }))
}

pub fn release_order() -> About {
    for_staff("Release an order").shows::<Order>().example(json!({ "note": "The address is right." }))
}

pub fn note_order() -> About {
    for_staff("Note something about an order")
        .text("Customers do not see it.")
        .shows::<Order>()
        .example(json!({ "text": "Sends a lot back." }))
}

pub fn tag_order() -> About {
    for_staff("Tag an order")
        .text("Removes first. Customers do not see tags.")
        .shows::<Order>()
        .example(json!({ "add": ["gift"], "remove": ["fragile"] }))
}
