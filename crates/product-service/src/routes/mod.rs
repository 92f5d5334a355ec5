//! The whole URL table, a line for each endpoint.

mod audit;
mod caching;
mod categories;
mod errors;
mod find;
mod inventory;
mod ledger;
mod products;

use actix_web::web::ServiceConfig;
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
        .service(endpoint("/products/{id}").get(products::show_product).patch(products::change_product))
        .service(
            endpoint("/products/{id}/inventory").get(inventory::show_inventory).put(inventory::set_inventory),
        )
        .service(endpoint("/products/{id}/inventory/adjustments").post(inventory::adjust_inventory));
}

/// Under `/internal`, for our own services.
pub fn internal(config: &mut ServiceConfig) {
    config
        .service(endpoint("/ledger").post(ledger::post_entries))
        .service(endpoint("/audit-events").post(audit::list_events));
}
