//! Placing orders.

use common::api::about::About;
use common::api::examples::{CUSTOMER, PRODUCT};
use common::models::auth::Scope;
use common::models::order::Order;
use common::models::quote::OrderQuote;
use serde_json::json;

pub fn place_order() -> About {
    About::new("Place an order")
        .text(
            "One product by `productId` and `quantity`, or many by `lines`. An order that is answered 201 holds its stock \
             and is there for ever; one that is refused with 409 or 422 and an `orderId` never will. After a 503 or no \
             answer, send the same request with the same `Idempotency-Key`: it finds the first one's order.",
        )
        .own(Scope::OrdersWrite)
        .creates::<Order>()
        .or_tells::<OrderQuote>("With `dryRun=true`: what placing would answer at this moment. Nothing is written.")
        .example(json!({
            "customerId": CUSTOMER,
            "lines": [{ "productId": PRODUCT, "quantity": 2 }],
            "shippingAddress": {
                "recipient": "Mara Lind",
                "lines": ["Hafenstraße 12"],
                "city": "Hamburg",
                "postalCode": "20457",
                "country": "DE",
            },
            "note": "Please ring twice.",
        }))
        .refuses(401, &["token_revoked"])
        .refuses(409, &["customer_inactive", "external_id_taken", "order_expired", "out_of_stock"])
        .refuses(422, &["mixed_currencies", "product_not_active", "total_too_large", "unknown_product"])
        .refuses(503, &["order_unsettled"])
}
