//! The whole URL table, a line for each endpoint.

mod audit;
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
use common::events::serve::read_log;
use common::http::endpoint::endpoint;

/// What the gateway may route to.
pub fn public(config: &mut ServiceConfig) {
    config
        .service(endpoint("/categories").list(categories::list_categories).post(categories::create_category))
        .service(
            endpoint("/categories/{id}")
                .get(categories::show_category)
                .patch(categories::change_category)
                .delete(categories::delete_category),
        )
        .service(endpoint("/products").list(find::list_products).post(products::create_product))
        .service(endpoint("/products/facets").list(find::count_facets))
        .service(endpoint("/products/import").upload(bulk::import_product_file))
        .service(endpoint("/products/export").list(bulk::export_product_file))
        .service(endpoint("/stock/import").upload(bulk::import_stock_file))
        .service(endpoint("/stock/export").list(bulk::export_stock_file))
        .service(endpoint("/products/{id}").get(products::show_product).patch(products::change_product))
        .service(
            endpoint("/products/{id}/inventory")
                .get(inventory::show_inventory)
                .put(inventory::set_inventory)
                .patch(inventory::configure_inventory),
        )
        .service(endpoint("/products/{id}/inventory/receipts").post(inventory::receive_stock))
        .service(endpoint("/products/{id}/inventory/transfers").post(inventory::transfer_stock))
        .service(endpoint("/products/{id}/inventory/movements").list(movements::list_movements))
        .service(endpoint("/products/{id}/inventory/explain").list(movements::explain_inventory))
        .service(endpoint("/stock/low").list(movements::list_low_stock))
        .service(endpoint("/locations").get(locations::list_locations).post(locations::create_location))
        .service(endpoint("/locations/{id}").get(locations::show_location).patch(locations::change_location))
        .service(endpoint("/reservations").post(reservations::create_hold))
        .service(
            endpoint("/reservations/{id}").get(reservations::show_hold).delete(reservations::release_hold),
        )
        .service(endpoint("/reservations/{id}/extend").post(reservations::extend_hold))
        .service(endpoint("/products/{id}/inventory/adjustments").post(inventory::adjust_inventory));
}

/// Under `/internal`, for our own services.
pub fn internal(config: &mut ServiceConfig) {
    config
        .service(endpoint("/events").list(read_log))
        .service(endpoint("/products/find").post(lookups::find_products))
        .service(endpoint("/quote").post(ledger::quote_order))
        .service(endpoint("/ledger").post(ledger::post_entries))
        .service(endpoint("/ledger/forecast").post(ledger::forecast_effects))
        .service(endpoint("/audit-events").post(audit::list_events));
}
