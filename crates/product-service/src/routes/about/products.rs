//! The catalogue.

use common::api::about::About;
use common::models::auth::Scope;
use common::models::product::Product;
use serde_json::json;

pub fn create_product() -> About {
    About::new("Create a product")
        .needs(Scope::ProductsWrite)
        .creates::<Product>()
        .example(json!({
            "sku": "ML-SOCK-02",
            "name": "Thick walking socks",
            "description": "Merino, for boots.",
            "price": 21.5,
            "currency": "EUR",
            "inventory": 40,
            "tags": ["wool"],
            "weightGrams": 120,
        }))
        .refuses(409, &["external_id_taken", "options_taken", "sku_taken"])
}

pub fn show_product() -> About {
    About::new("Read a product").text("Drafts are there for staff alone.").shows::<Product>().cached()
}

pub fn change_product() -> About {
    About::new("Change a product")
        .text("A merge patch (RFC 7396): what is named is replaced, `null` removes what may be missing.")
        .needs(Scope::ProductsWrite)
        .shows::<Product>()
        .example(json!({ "price": 19.9, "description": "Merino, for boots and slippers." }))
        .refuses(409, &["below_backordered", "external_id_taken", "options_taken", "sku_taken"])
}
