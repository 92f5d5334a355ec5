//! Every URL of this service.

mod addresses;
mod api_keys;
mod audit;
mod auth;
mod customers;
mod errors;
mod passwords;
mod privacy;
mod sessions;
mod staff;

use actix_web::web::ServiceConfig;
use common::events::serve::read_log;
use common::http::endpoint::endpoint;

/// What the gateway may route to.
pub fn public(config: &mut ServiceConfig) {
    config
        .service(endpoint("/customers").list(customers::list_customers).post(customers::register_customer))
        .service(endpoint("/customers/export").list(privacy::export_customers))
        .service(endpoint("/customers/{id}").get(customers::read_customer).patch(customers::change_customer))
        .service(endpoint("/customers/{id}/password").post(passwords::change_password))
        .service(endpoint("/customers/{id}/export").get(privacy::export_customer))
        .service(endpoint("/customers/{id}/erase").post(privacy::erase_customer))
        .service(endpoint("/audit-events").list(audit::list_audit_events))
        .service(endpoint("/customers/{id}/deactivate").post(customers::deactivate_customer))
        .service(endpoint("/customers/{id}/reactivate").post(customers::reactivate_customer))
        .service(
            endpoint("/customers/{id}/addresses").get(addresses::list_addresses).post(addresses::add_address),
        )
        .service(
            endpoint("/customers/{id}/addresses/{addressId}")
                .patch(addresses::change_address)
                .delete(addresses::remove_address),
        )
        .service(endpoint("/auth/verification").post(passwords::request_verification))
        .service(endpoint("/auth/verification/confirm").post(passwords::confirm_verification))
        .service(endpoint("/auth/password-reset").post(passwords::request_reset))
        .service(endpoint("/auth/password-reset/confirm").post(passwords::confirm_reset))
        .service(
            endpoint("/customers/{id}/sessions")
                .list(sessions::list_sessions)
                .delete(sessions::end_all_sessions),
        )
        .service(endpoint("/customers/{id}/sessions/{sessionId}").delete(sessions::end_session))
        .service(endpoint("/customers/{id}/role").put(staff::change_role))
        .service(endpoint("/staff-invitations").post(staff::invite_staff))
        .service(endpoint("/staff-invitations/accept").post(staff::accept_invitation))
        .service(endpoint("/api-keys").list(api_keys::list_api_keys).post(api_keys::create_api_key))
        .service(endpoint("/api-keys/{id}").get(api_keys::read_api_key).delete(api_keys::revoke_api_key))
        .service(endpoint("/auth/login").post(auth::log_in))
        .service(endpoint("/auth/refresh").post(auth::refresh_session))
        .service(endpoint("/auth/logout").post(auth::log_out))
        .service(endpoint("/.well-known/jwks.json").get(auth::publish_keys));
}

/// What only our own services may call; the paths stand under `/internal`.
pub fn internal(config: &mut ServiceConfig) {
    config
        .service(endpoint("/events").list(read_log))
        .service(endpoint("/customers/find").post(customers::find_customers))
        .service(endpoint("/customers/{id}").get(customers::read_standing))
        .service(endpoint("/api-keys/verify").post(api_keys::verify_api_key))
        .service(endpoint("/customers/{id}/addresses/{addressId}").get(addresses::read_address));
}
