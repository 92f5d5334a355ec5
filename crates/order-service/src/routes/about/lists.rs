//! Lists of orders.

use common::api::about::About;
use common::models::auth::Scope;
use common::models::order::Order;

pub fn list_orders() -> About {
    About::new("List orders")
        .text(
            "Sorted by the time whose range it names, and by the time of creation where it is of one customer or one tag.",
        )
        .needs(Scope::OrdersRead)
        .lists::<Order>()
}

pub fn list_customer_orders() -> About {
    About::new("List a customer's orders").own(Scope::OrdersRead).lists::<Order>()
}
