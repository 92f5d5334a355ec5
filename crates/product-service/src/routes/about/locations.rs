//! The places where stock is kept.

use common::api::about::About;
use common::models::auth::Scope;
use common::models::location::Location;
use serde_json::json;

pub fn list_locations() -> About {
    About::new("List the places").text("There are 100 at most.").needs(Scope::StockRead).lists::<Location>()
}

pub fn create_location() -> About {
    About::new("Add a place")
        .text("It is called by its `id` for ever: there is one of each, so sending it twice makes one.")
        .needs(Scope::StockWrite)
        .creates::<Location>()
        .example(json!({ "id": "hamburg", "name": "Hamburg", "priority": 2 }))
        .refuses(409, &["location_taken", "too_many_locations"])
}

pub fn show_location() -> About {
    About::new("Read a place").needs(Scope::StockRead).shows::<Location>()
}

pub fn change_location() -> About {
    About::new("Change a place")
        .needs(Scope::StockWrite)
        .shows::<Location>()
        .example(json!({ "name": "Hamburg harbour", "priority": 3 }))
}
