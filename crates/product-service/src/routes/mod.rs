//! The whole URL table, a line for each endpoint.

mod about;
mod bulk;
mod caching;
mod categories;
mod errors;
mod find;
mod inventory;
mod ledger;
mod locations;
mod lookups;
mod movements;
mod products;
mod reservations;

use actix_web::web::ServiceConfig;
use common::api::document::Part;
use common::audit;
use common::events::serve::read_log;
use common::http::endpoint::{Endpoint, endpoint, internal_endpoint};

/// What the gateway may route to.
pub fn table() -> Vec<Endpoint> {
    vec![
        endpoint("/categories")
            .list(categories::list_categories, about::categories::list_categories)
            .post(categories::create_category, about::categories::create_category),
        endpoint("/categories/{id}")
            .get(categories::show_category, about::categories::show_category)
            .patch(categories::change_category, about::categories::change_category)
            .delete(categories::delete_category, about::categories::delete_category),
        endpoint("/products")
            .list(find::list_products, about::find::list_products)
            .post(products::create_product, about::products::create_product),
        endpoint("/products/facets").list(find::count_facets, about::find::count_facets),
        endpoint("/products/import").upload(bulk::import_product_file, about::bulk::import_product_file),
        endpoint("/products/export").list(bulk::export_product_file, about::bulk::export_product_file),
        endpoint("/stock/import").upload(bulk::import_stock_file, about::bulk::import_stock_file),
        endpoint("/stock/export").list(bulk::export_stock_file, about::bulk::export_stock_file),
        endpoint("/products/{id}")
            .get(products::show_product, about::products::show_product)
            .patch(products::change_product, about::products::change_product),
        endpoint("/products/{id}/inventory")
            .get(inventory::show_inventory, about::inventory::show_inventory)
            .put(inventory::set_inventory, about::inventory::set_inventory)
            .patch(inventory::configure_inventory, about::inventory::configure_inventory),
        endpoint("/products/{id}/inventory/receipts")
            .post(inventory::receive_stock, about::inventory::receive_stock),
        endpoint("/products/{id}/inventory/transfers")
            .post(inventory::transfer_stock, about::inventory::transfer_stock),
        endpoint("/products/{id}/inventory/movements")
            .list(movements::list_movements, about::movements::list_movements),
        endpoint("/products/{id}/inventory/explain")
            .list(movements::explain_inventory, about::movements::explain_inventory),
        endpoint("/stock/low").list(movements::list_low_stock, about::movements::list_low_stock),
        endpoint("/locations")
            .get(locations::list_locations, about::locations::list_locations)
            .post(locations::create_location, about::locations::create_location),
        endpoint("/locations/{id}")
            .get(locations::show_location, about::locations::show_location)
            .patch(locations::change_location, about::locations::change_location),
        endpoint("/reservations").post(reservations::create_hold, about::reservations::create_hold),
        endpoint("/reservations/{id}")
            .get(reservations::show_hold, about::reservations::show_hold)
            .delete(reservations::release_hold, about::reservations::release_hold),
        endpoint("/reservations/{id}/extend")
            .post(reservations::extend_hold, about::reservations::extend_hold),
        endpoint("/products/{id}/inventory/adjustments")
            .post(inventory::adjust_inventory, about::inventory::adjust_inventory),
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

/// Under `/internal`, for our own services.
pub fn internal(config: &mut ServiceConfig) {
    config
        .service(internal_endpoint("/events").list(read_log))
        .service(internal_endpoint("/products/find").post(lookups::find_products))
        .service(internal_endpoint("/quote").post(ledger::quote_order))
        .service(internal_endpoint("/ledger").post(ledger::post_entries))
        .service(internal_endpoint("/ledger/forecast").post(ledger::forecast_effects))
        .service(internal_endpoint("/audit-events").post(audit::list_events));
}
