//! Every URL of this service.

mod auth;
mod customers;
mod errors;

use actix_web::web::ServiceConfig;
use common::http::endpoint::endpoint;

/// What the gateway may route to.
pub fn public(config: &mut ServiceConfig) {
    config
        .service(endpoint("/customers").get(customers::list_customers).post(customers::register_customer))
        .service(endpoint("/customers/{id}").get(customers::read_customer).patch(customers::change_customer))
        .service(endpoint("/auth/login").post(auth::log_in))
        .service(endpoint("/auth/refresh").post(auth::refresh_session))
        .service(endpoint("/auth/logout").post(auth::log_out))
        .service(endpoint("/.well-known/jwks.json").get(auth::publish_keys));
}

/// What only our own services may call; the paths stand under `/internal`.
pub fn internal(config: &mut ServiceConfig) {
    config.service(endpoint("/customers/{id}").get(customers::read_standing));
}
