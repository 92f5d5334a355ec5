//! The URL table.

pub mod errors;
mod events;
pub mod files;
pub mod lists;
pub mod moves;
pub mod one_order;
pub mod orders;
pub mod person;
pub mod representation;

use actix_web::web::ServiceConfig;
use common::http::endpoint::endpoint;

/// What the gateway may route to.
pub fn public(config: &mut ServiceConfig) {
    config
        .service(endpoint("/orders").post_with_query(orders::place_order).list(lists::list_orders))
        .service(endpoint("/orders/import").upload(files::import_order_file))
        .service(endpoint("/orders/export").list(files::export_orders))
        .service(endpoint("/orders/{id}").get(one_order::get_order))
        .service(endpoint("/orders/{id}/history").get(one_order::get_history))
        .service(endpoint("/orders/{id}/why").get(one_order::get_why))
        .service(endpoint("/orders/{id}/cancel").post(moves::cancel_order))
        .service(endpoint("/orders/{id}/edits").post(moves::edit_order))
        .service(endpoint("/orders/{id}/fulfillments").post(moves::ship_order))
        .service(endpoint("/orders/{id}/fulfillments/{fulfillmentId}").get(one_order::get_fulfillment))
        .service(
            endpoint("/orders/{id}/fulfillments/{fulfillmentId}/deliver").post(moves::deliver_fulfillment),
        )
        .service(endpoint("/orders/{id}/returns").post(moves::request_return))
        .service(endpoint("/orders/{id}/returns/{returnId}").get(one_order::get_return))
        .service(endpoint("/orders/{id}/returns/{returnId}/approve").post(moves::approve_return))
        .service(endpoint("/orders/{id}/returns/{returnId}/decline").post(moves::decline_return))
        .service(endpoint("/orders/{id}/returns/{returnId}/receive").post(moves::receive_return))
        .service(endpoint("/orders/{id}/hold").post(moves::hold_order))
        .service(endpoint("/orders/{id}/release").post(moves::release_order))
        .service(endpoint("/orders/{id}/notes").post(moves::note_order))
        .service(endpoint("/orders/{id}/tags").post(moves::tag_order))
        .service(endpoint("/customers/{id}/orders").list(lists::list_customer_orders))
        .service(endpoint("/events").list(events::read_events));
}

/// What only our own services may call; the paths stand under `/internal`.
pub fn internal(config: &mut ServiceConfig) {
    config
        .service(endpoint("/customers/{id}/orders").list(person::list_held))
        .service(endpoint("/customers/{id}/erase").post(person::erase_person));
}
