//! Holds for checkouts.

use common::api::about::About;
use common::api::examples::PRODUCT;
use common::models::auth::Scope;
use common::models::reservation::Hold;
use serde_json::json;

pub fn create_hold() -> About {
    About::new("Keep units for a checkout")
        .text("Until an order names it by `holdId`, it is given back, or its time is over.")
        .own(Scope::OrdersWrite)
        .creates::<Hold>()
        .example(json!({ "lines": [{ "productId": PRODUCT, "quantity": 1 }], "ttlSeconds": 600 }))
        .refuses(409, &["out_of_stock", "too_many_holds"])
}

pub fn show_hold() -> About {
    About::new("Read a reservation").own(Scope::OrdersRead).shows::<Hold>()
}

pub fn extend_hold() -> About {
    About::new("Keep units for longer")
        .text("So many seconds from now; two hours from its beginning at most.")
        .own(Scope::OrdersWrite)
        .shows::<Hold>()
        .example(json!({ "ttlSeconds": 900 }))
        .refuses(409, &["hold_over", "hold_too_long"])
}

pub fn release_hold() -> About {
    About::new("Give units back").own(Scope::OrdersWrite).shows::<Hold>().refuses(409, &["hold_over"])
}
