//! Stock by hand.

use common::api::about::About;
use common::models::auth::Scope;
use common::models::inventory::{Inventory, Movement};
use common::models::product::{Adjustment, Product};
use serde_json::json;

pub fn show_inventory() -> About {
    About::new("Read a product's stock")
        .text("At every place. `ETag` is the version of the stock, not the product's.")
        .needs(Scope::StockRead)
        .shows::<Inventory>()
}

pub fn set_inventory() -> About {
    About::new("Set what is available")
        .text("On hand moves by the difference. With `expectedQuantity` nothing is set unless so many are available now.")
        .needs(Scope::StockWrite)
        .shows::<Product>()
        .example(json!({ "quantity": 40 }))
        .refuses(409, &["below_reserved", "too_many_units", "unexpected_quantity"])
}

pub fn configure_inventory() -> About {
    About::new("Change how stock is kept")
        .text("What is announced, and below what the product is low. Nothing moves.")
        .needs(Scope::StockWrite)
        .shows::<Inventory>()
        .example(json!({ "incoming": 100, "lowStockThreshold": 10 }))
        .refuses(409, &["too_many_units"])
}

pub fn adjust_inventory() -> About {
    About::new("Correct what is on hand")
        .needs(Scope::StockWrite)
        .records::<Adjustment>()
        .example(json!({ "delta": -1, "reason": "Broken in the store." }))
        .refuses(409, &["below_reserved", "too_many_units"])
}

pub fn receive_stock() -> About {
    About::new("Receive goods")
        .text("As many fewer are announced after it.")
        .needs(Scope::StockWrite)
        .records::<Movement>()
        .example(json!({ "quantity": 25, "reason": "Delivery note 4711" }))
        .refuses(409, &["too_many_units"])
}

pub fn transfer_stock() -> About {
    About::new("Move units from one place to another")
        .needs(Scope::StockWrite)
        .records::<Movement>()
        .example(json!({ "from": "main", "to": "berlin", "quantity": 5 }))
        .refuses(409, &["below_reserved", "too_many_units"])
}
