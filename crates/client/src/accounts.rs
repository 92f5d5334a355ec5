//! What becomes of an account: password, addresses, status, what is held about a person, and the trail of it all.

use crate::call::Created;
use crate::client::Client;
use crate::error::Error;
use crate::page::Page;
use common::ids::{AddressId, CustomerId};
use common::models::address::{Address, AddressChange, NewAddress};
use common::models::audit::AuditEvent;
use common::models::auth::{ResetConfirmation, ResetRequest, Verification};
use common::models::customer::{Customer, Erasure, PasswordChange};
use common::text::Email;
use reqwest::Method;

/// Which entries of the audit trail a list is to hold.
#[derive(Clone, Debug, Default)]
pub struct AuditSearch {
    /// Identity of whom or what it was done to.
    pub subject: Option<String>,
    /// Identity of who did it.
    pub actor: Option<String>,
    pub action: Option<String>,
}

impl Client {
    /// `POST /customers/{id}/password`: one's own; ends the other sessions.
    pub async fn change_password(&self, id: CustomerId, change: &PasswordChange) -> Result<(), Error> {
        let call = self.call(Method::POST, &["customers", &id.to_string(), "password"]);
        call.json(change).send().await.map(drop)
    }

    /// `POST /customers/{id}/deactivate`
    pub async fn deactivate_customer(&self, id: CustomerId) -> Result<Customer, Error> {
        self.call(Method::POST, &["customers", &id.to_string(), "deactivate"])
            .repeatable()
            .send()
            .await?
            .decode()
    }

    /// `POST /customers/{id}/reactivate`
    pub async fn reactivate_customer(&self, id: CustomerId) -> Result<Customer, Error> {
        self.call(Method::POST, &["customers", &id.to_string(), "reactivate"])
            .repeatable()
            .send()
            .await?
            .decode()
    }

    /// `GET /customers/{id}/addresses`, newest first; at most 50.
    pub async fn addresses(&self, id: CustomerId) -> Result<Vec<Address>, Error> {
        self.call(Method::GET, &["customers", &id.to_string(), "addresses"]).send().await?.decode()
    }

    /// `POST /customers/{id}/addresses`. `key` names the intention across processes; `None` takes a fresh one.
    pub async fn add_address(
        &self,
        id: CustomerId,
        address: &NewAddress,
        key: Option<&str>,
    ) -> Result<Created<Address>, Error> {
        let call = self.call(Method::POST, &["customers", &id.to_string(), "addresses"]);
        call.key(key).json(address).send().await?.created()
    }

    /// `PATCH /customers/{id}/addresses/{addressId}`; 412 where the customer is no longer at `version`.
    pub async fn change_address(
        &self,
        id: CustomerId,
        address: AddressId,
        change: &AddressChange,
        version: Option<i64>,
    ) -> Result<Address, Error> {
        let path = ["customers", &id.to_string(), "addresses", &address.to_string()];
        self.call(Method::PATCH, &path).if_match(version).json(change).send().await?.decode()
    }

    /// `DELETE /customers/{id}/addresses/{addressId}`
    pub async fn remove_address(&self, id: CustomerId, address: AddressId) -> Result<(), Error> {
        let path = ["customers", &id.to_string(), "addresses", &address.to_string()];
        self.call(Method::DELETE, &path).send().await.map(drop)
    }

    /// `POST /auth/verification`: sends the caller another link that verifies their address.
    pub async fn request_verification(&self) -> Result<(), Error> {
        self.call(Method::POST, &["auth", "verification"]).send().await.map(drop)
    }

    /// `POST /auth/verification/confirm`, with the token that came by mail.
    pub async fn confirm_verification(&self, verification: &Verification) -> Result<(), Error> {
        let call = self.call(Method::POST, &["auth", "verification", "confirm"]).json(verification);
        call.exchange(None).await.map(drop)
    }

    /// `POST /auth/password-reset`: sends a link, if the address has an account; the answer does not tell.
    pub async fn request_password_reset(&self, email: &Email) -> Result<(), Error> {
        let body = ResetRequest { email: email.clone() };
        let call = self.call(Method::POST, &["auth", "password-reset"]).json(&body);
        call.exchange(None).await.map(drop)
    }

    /// `POST /auth/password-reset/confirm`, with the token that came by mail; ends every session of the account.
    pub async fn confirm_password_reset(&self, confirmation: &ResetConfirmation) -> Result<(), Error> {
        let call = self.call(Method::POST, &["auth", "password-reset", "confirm"]).json(confirmation);
        call.exchange(None).await.map(drop)
    }

    /// `GET /customers/{id}/export`: everything held about a person, as JSON.
    pub async fn export_customer(&self, id: CustomerId) -> Result<serde_json::Value, Error> {
        self.call(Method::GET, &["customers", &id.to_string(), "export"]).send().await?.decode()
    }

    /// `POST /customers/{id}/erase`: one's own with the password, anyone's as an administrator.
    pub async fn erase_customer(&self, id: CustomerId, erasure: &Erasure) -> Result<(), Error> {
        let call = self.call(Method::POST, &["customers", &id.to_string(), "erase"]);
        call.json(erasure).repeatable().send().await.map(drop)
    }

    /// One page of `GET /audit-events`, newest first.
    pub async fn audit_events(
        &self,
        search: &AuditSearch,
        limit: Option<u8>,
        after: Option<&str>,
    ) -> Result<Page<AuditEvent>, Error> {
        let call = self.call(Method::GET, &["audit-events"]).page(limit, after);
        let call = call.query("subject", search.subject.as_deref()).query("actor", search.actor.as_deref());
        call.query("action", search.action.as_deref()).send().await?.page()
    }
}
