//! The tree of categories.

use common::api::about::About;
use common::models::auth::Scope;
use common::models::category::Category;
use serde_json::json;

pub fn list_categories() -> About {
    About::new("List categories").text("By their paths.").lists::<Category>().cached()
}

pub fn create_category() -> About {
    About::new("Create a category")
        .needs(Scope::ProductsWrite)
        .creates::<Category>()
        .example(json!({ "path": "outdoor", "name": "Outdoor", "description": "For rain and wind." }))
        .refuses(409, &["path_taken"])
}

pub fn show_category() -> About {
    About::new("Read a category").shows::<Category>().cached()
}

pub fn change_category() -> About {
    About::new("Change a category")
        .text("Its path stays.")
        .needs(Scope::ProductsWrite)
        .shows::<Category>()
        .example(json!({ "name": "Outdoors" }))
}

pub fn delete_category() -> About {
    About::new("Delete a category")
        .text("Once it has neither branches nor products.")
        .needs(Scope::ProductsWrite)
        .refuses(409, &["has_branches", "has_products"])
}
