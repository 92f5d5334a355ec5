//! Reading one order and its parts.

use common::api::about::About;
use common::models::auth::Scope;
use common::models::fulfillment::Fulfillment;
use common::models::order::{HistoryEntry, Order};
use common::models::order_change::OrderWhy;
use common::models::order_return::Return;

pub fn get_order() -> About {
    About::new("Read an order").own(Scope::OrdersRead).shows::<Order>()
}

pub fn get_history() -> About {
    About::new("Read what happened to an order")
        .text("Oldest first.")
        .own(Scope::OrdersRead)
        .lists::<HistoryEntry>()
        .versioned()
}

pub fn get_why() -> About {
    About::new("Ask what may be done with an order")
        .text("Each move that the caller may ask for, and what stands in the way of those that cannot be made now.")
        .own(Scope::OrdersRead)
        .shows::<OrderWhy>()
}

pub fn get_fulfillment() -> About {
    About::new("Read a parcel").own(Scope::OrdersRead).shows::<Fulfillment>()
}

pub fn get_return() -> About {
    About::new("Read a return").own(Scope::OrdersRead).shows::<Return>()
}
