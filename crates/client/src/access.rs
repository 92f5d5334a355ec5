//! Who may do what: open sessions, roles, invitations, API keys.

use crate::client::Client;
use crate::error::Error;
use crate::page::Page;
use common::ids::{ApiKeyId, CustomerId, SessionId};
use common::models::api_key::{ApiKey, CreatedApiKey, NewApiKey};
use common::models::auth::{InvitationAcceptance, OpenSession, Role, RoleChange, StaffInvitation};
use common::models::customer::Customer;
use reqwest::Method;

impl Client {
    /// One page of `GET /customers/{id}/sessions`; `limit` 1 to 200, 50 where it is `None`.
    pub async fn sessions(
        &self,
        customer: CustomerId,
        limit: Option<u8>,
        after: Option<&str>,
    ) -> Result<Page<OpenSession>, Error> {
        let path = ["customers", &customer.to_string(), "sessions"];
        self.call(Method::GET, &path).page(limit, after).send().await?.page()
    }

    /// `DELETE /customers/{id}/sessions/{sessionId}`
    pub async fn end_session(&self, customer: CustomerId, session: SessionId) -> Result<(), Error> {
        let path = ["customers", &customer.to_string(), "sessions", &session.to_string()];
        self.call(Method::DELETE, &path).repeatable().send().await.map(drop)
    }

    /// `DELETE /customers/{id}/sessions`: logs the customer out everywhere, this client's own log-in included.
    pub async fn end_all_sessions(&self, customer: CustomerId) -> Result<(), Error> {
        let path = ["customers", &customer.to_string(), "sessions"];
        self.call(Method::DELETE, &path).repeatable().send().await.map(drop)
    }

    /// `PUT /customers/{id}/role`; 412 where the account is no longer at `version`.
    pub async fn change_role(
        &self,
        customer: CustomerId,
        role: Role,
        version: Option<i64>,
    ) -> Result<Customer, Error> {
        let call = self.call(Method::PUT, &["customers", &customer.to_string(), "role"]);
        call.if_match(version).json(&RoleChange { role }).repeatable().send().await?.decode()
    }

    /// `POST /staff-invitations`: an account without a password, and a letter with a link that sets one.
    pub async fn invite_staff(
        &self,
        invitation: &StaffInvitation,
        key: Option<&str>,
    ) -> Result<Customer, Error> {
        self.call(Method::POST, &["staff-invitations"]).key(key).json(invitation).send().await?.decode()
    }

    /// `POST /staff-invitations/accept`. Not sent again after an unclear failure: the token is good once.
    pub async fn accept_invitation(&self, acceptance: &InvitationAcceptance) -> Result<(), Error> {
        let call = self.call(Method::POST, &["staff-invitations", "accept"]);
        call.json(acceptance).send().await.map(drop)
    }

    /// `POST /api-keys`: the one answer that shows the key. A repeat under the same `key` is refused.
    pub async fn create_api_key(&self, new: &NewApiKey, key: Option<&str>) -> Result<CreatedApiKey, Error> {
        self.call(Method::POST, &["api-keys"]).key(key).json(new).send().await?.decode()
    }

    /// One page of `GET /api-keys`.
    pub async fn api_keys(&self, limit: Option<u8>, after: Option<&str>) -> Result<Page<ApiKey>, Error> {
        self.call(Method::GET, &["api-keys"]).page(limit, after).send().await?.page()
    }

    /// `GET /api-keys/{id}`
    pub async fn api_key(&self, id: ApiKeyId) -> Result<ApiKey, Error> {
        self.call(Method::GET, &["api-keys", &id.to_string()]).send().await?.decode()
    }

    /// `DELETE /api-keys/{id}`: no service accepts it after half a minute.
    pub async fn revoke_api_key(&self, id: ApiKeyId) -> Result<(), Error> {
        self.call(Method::DELETE, &["api-keys", &id.to_string()]).send().await.map(drop)
    }
}
