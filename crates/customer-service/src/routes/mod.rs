//! Every URL of this service.

mod about;
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
use common::api::document::Part;
use common::events::serve::read_log;
use common::http::endpoint::{Endpoint, endpoint, internal_endpoint};

/// What the gateway may route to.
pub fn table() -> Vec<Endpoint> {
    vec![
        endpoint("/customers")
            .list(customers::list_customers, about::customers::list_customers)
            .post(customers::register_customer, about::customers::register_customer),
        endpoint("/customers/export").list(privacy::export_customers, about::privacy::export_customers),
        endpoint("/customers/{id}")
            .get(customers::read_customer, about::customers::read_customer)
            .patch(customers::change_customer, about::customers::change_customer),
        endpoint("/customers/{id}/password")
            .post(passwords::change_password, about::passwords::change_password),
        endpoint("/customers/{id}/export").get(privacy::export_customer, about::privacy::export_customer),
        endpoint("/customers/{id}/erase").post(privacy::erase_customer, about::privacy::erase_customer),
        endpoint("/audit-events").list(audit::list_audit_events, about::audit::list_audit_events),
        endpoint("/customers/{id}/deactivate")
            .post(customers::deactivate_customer, about::customers::deactivate_customer),
        endpoint("/customers/{id}/reactivate")
            .post(customers::reactivate_customer, about::customers::reactivate_customer),
        endpoint("/customers/{id}/addresses")
            .get(addresses::list_addresses, about::addresses::list_addresses)
            .post(addresses::add_address, about::addresses::add_address),
        endpoint("/customers/{id}/addresses/{addressId}")
            .patch(addresses::change_address, about::addresses::change_address)
            .delete(addresses::remove_address, about::addresses::remove_address),
        endpoint("/auth/verification")
            .post(passwords::request_verification, about::passwords::request_verification),
        endpoint("/auth/verification/confirm")
            .post(passwords::confirm_verification, about::passwords::confirm_verification),
        endpoint("/auth/password-reset").post(passwords::request_reset, about::passwords::request_reset),
        endpoint("/auth/password-reset/confirm")
            .post(passwords::confirm_reset, about::passwords::confirm_reset),
        endpoint("/customers/{id}/sessions")
            .list(sessions::list_sessions, about::sessions::list_sessions)
            .delete(sessions::end_all_sessions, about::sessions::end_all_sessions),
        endpoint("/customers/{id}/sessions/{sessionId}")
            .delete(sessions::end_session, about::sessions::end_session),
        endpoint("/customers/{id}/role").put(staff::change_role, about::staff::change_role),
        endpoint("/staff-invitations").post(staff::invite_staff, about::staff::invite_staff),
        endpoint("/staff-invitations/accept").post(staff::accept_invitation, about::staff::accept_invitation),
        endpoint("/api-keys")
            .list(api_keys::list_api_keys, about::api_keys::list_api_keys)
            .post(api_keys::create_api_key, about::api_keys::create_api_key),
        endpoint("/api-keys/{id}")
            .get(api_keys::read_api_key, about::api_keys::read_api_key)
            .delete(api_keys::revoke_api_key, about::api_keys::revoke_api_key),
        endpoint("/auth/login").post(auth::log_in, about::auth::log_in),
        endpoint("/auth/refresh").post(auth::refresh_session, about::auth::refresh_session),
        endpoint("/auth/logout").post(auth::log_out, about::auth::log_out),
        endpoint("/.well-known/jwks.json").get(auth::publish_keys, about::auth::publish_keys),
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
        .service(internal_endpoint("/events").list(read_log))
        .service(internal_endpoint("/customers/find").post(customers::find_customers))
        .service(internal_endpoint("/customers/{id}").get(customers::read_standing))
        .service(internal_endpoint("/api-keys/verify").post(api_keys::verify_api_key))
        .service(internal_endpoint("/customers/{id}/addresses/{addressId}").get(addresses::read_address));
}
