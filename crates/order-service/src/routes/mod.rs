//! The URL table.

pub mod about;
pub mod errors;
mod events;
pub mod files;
pub mod lists;
pub mod moves;
pub mod one_order;
pub mod orders;
pub mod person;
pub mod representation;
mod webhooks;

use actix_web::web::ServiceConfig;
use common::api::document::Part;
use common::audit;
use common::http::endpoint::{Endpoint, endpoint, internal_endpoint};

/// What the gateway may route to.
pub fn table() -> Vec<Endpoint> {
    vec![
        endpoint("/orders")
            .post_with_query(orders::place_order, about::orders::place_order)
            .list(lists::list_orders, about::lists::list_orders),
        endpoint("/orders/import").upload(files::import_order_file, about::files::import_order_file),
        endpoint("/orders/export").list(files::export_orders, about::files::export_orders),
        endpoint("/orders/{id}").get(one_order::get_order, about::one_order::get_order),
        endpoint("/orders/{id}/history").get(one_order::get_history, about::one_order::get_history),
        endpoint("/orders/{id}/why").get(one_order::get_why, about::one_order::get_why),
        endpoint("/orders/{id}/cancel").post(moves::cancel_order, about::moves::cancel_order),
        endpoint("/orders/{id}/edits").post(moves::edit_order, about::moves::edit_order),
        endpoint("/orders/{id}/fulfillments").post(moves::ship_order, about::moves::ship_order),
        endpoint("/orders/{id}/fulfillments/{fulfillmentId}")
            .get(one_order::get_fulfillment, about::one_order::get_fulfillment),
        endpoint("/orders/{id}/fulfillments/{fulfillmentId}/deliver")
            .post(moves::deliver_fulfillment, about::moves::deliver_fulfillment),
        endpoint("/orders/{id}/returns").post(moves::request_return, about::moves::request_return),
        endpoint("/orders/{id}/returns/{returnId}").get(one_order::get_return, about::one_order::get_return),
        endpoint("/orders/{id}/returns/{returnId}/approve")
            .post(moves::approve_return, about::moves::approve_return),
        endpoint("/orders/{id}/returns/{returnId}/decline")
            .post(moves::decline_return, about::moves::decline_return),
        endpoint("/orders/{id}/returns/{returnId}/receive")
            .post(moves::receive_return, about::moves::receive_return),
        endpoint("/orders/{id}/hold").post(moves::hold_order, about::moves::hold_order),
        endpoint("/orders/{id}/release").post(moves::release_order, about::moves::release_order),
        endpoint("/orders/{id}/notes").post(moves::note_order, about::moves::note_order),
        endpoint("/orders/{id}/tags").post(moves::tag_order, about::moves::tag_order),
        endpoint("/events").list(events::read_events, about::events::read_events),
        endpoint("/webhooks")
            .list(webhooks::list_webhooks, about::webhooks::list_webhooks)
            .post(webhooks::create_webhook, about::webhooks::create_webhook),
        endpoint("/webhooks/{id}")
            .get(webhooks::show_webhook, about::webhooks::show_webhook)
            .patch(webhooks::change_webhook, about::webhooks::change_webhook)
            .delete(webhooks::delete_webhook, about::webhooks::delete_webhook),
        endpoint("/webhooks/{id}/rotate-secret")
            .post(webhooks::rotate_secret, about::webhooks::rotate_secret),
        endpoint("/webhooks/{id}/pause").post(webhooks::pause_webhook, about::webhooks::pause_webhook),
        endpoint("/webhooks/{id}/resume").post(webhooks::resume_webhook, about::webhooks::resume_webhook),
        endpoint("/webhooks/{id}/replay").post(webhooks::replay_events, about::webhooks::replay_events),
        endpoint("/webhooks/{id}/test").post(webhooks::send_test, about::webhooks::send_test),
        endpoint("/webhooks/{id}/deliveries")
            .list(webhooks::list_deliveries, about::webhooks::list_deliveries),
        endpoint("/webhooks/{id}/deliveries/{deliveryId}")
            .get(webhooks::show_delivery, about::webhooks::show_delivery),
        endpoint("/customers/{id}/orders")
            .list(lists::list_customer_orders, about::lists::list_customer_orders),
    ]
}

/// What the description says of it.
pub fn described() -> Part {
    Part::of(table().into_iter().flat_map(Endpoint::operations))
}

pub fn public(config: &mut ServiceConfig) {
    for endpoint in table() {
        config.service(endpoint);
    }
}

/// What only our own services may call; the paths stand under `/internal`.
pub fn internal(config: &mut ServiceConfig) {
    config
        .service(internal_endpoint("/customers/{id}/orders").list(person::list_held))
        .service(internal_endpoint("/audit-events").post(audit::list_events))
        .service(internal_endpoint("/customers/{id}/erase").post(person::erase_person));
}
