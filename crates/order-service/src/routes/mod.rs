//! The URL table.

pub mod errors;
pub mod orders;
pub mod person;
pub mod representation;

use actix_web::web::ServiceConfig;
use common::http::endpoint::endpoint;

/// What the gateway may route to.
pub fn public(config: &mut ServiceConfig) {
    config
        .service(endpoint("/orders").post(orders::place_order).list(orders::list_orders))
        .service(endpoint("/orders/{id}").get(orders::get_order))
        .service(endpoint("/orders/{id}/cancel").post(orders::cancel_order))
        .service(endpoint("/orders/{id}/history").get(orders::get_history))
        .service(endpoint("/customers/{id}/orders").list(orders::list_customer_orders));
}

/// What only our own services may call; the paths stand under `/internal`.
pub fn internal(config: &mut ServiceConfig) {
    config
        .service(endpoint("/customers/{id}/orders").list(person::list_held))
        .service(endpoint("/customers/{id}/erase").post(person::erase_person));
}
