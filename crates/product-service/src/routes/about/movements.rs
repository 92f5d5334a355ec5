//! The ledger of a product, and the products that run out.

use common::api::about::About;
use common::models::auth::Scope;
use common::models::inventory::{Explanation, LowStock, Movement};

pub fn list_movements() -> About {
    About::new("List a product's movements").needs(Scope::StockRead).lists::<Movement>()
}

pub fn explain_inventory() -> About {
    About::new("Explain a product's stock")
        .text(
            "Every unit on hand and reserved by what put it there, with a page of the orders that have some.",
        )
        .needs(Scope::StockRead)
        .tells::<Explanation>()
}

pub fn list_low_stock() -> About {
    About::new("List what runs out").needs(Scope::StockRead).lists::<LowStock>()
}
