//! Webhooks: addresses that are told of events. For administrators.

use crate::client::Client;
use crate::error::Error;
use crate::page::Page;
use common::ids::{DeliveryId, WebhookId};
use common::models::webhook::{
    Delivery, DeliveryState, NewWebhook, Replay, ReplayStarted, SecretRotation, Webhook, WebhookChange,
    WebhookWithSecret,
};
use reqwest::Method;

impl Client {
    /// `POST /webhooks`: one of the two answers that show the secret. A repeat under the same `key` is refused.
    pub async fn create_webhook(
        &self,
        new: &NewWebhook,
        key: Option<&str>,
    ) -> Result<WebhookWithSecret, Error> {
        self.call(Method::POST, &["webhooks"]).key(key).json(new).send().await?.decode()
    }

    /// One page of `GET /webhooks`, newest first.
    pub async fn webhooks(&self, limit: Option<u8>, after: Option<&str>) -> Result<Page<Webhook>, Error> {
        self.call(Method::GET, &["webhooks"]).page(limit, after).send().await?.page()
    }

    /// `GET /webhooks/{id}`
    pub async fn webhook(&self, id: WebhookId) -> Result<Webhook, Error> {
        self.call(Method::GET, &["webhooks", &id.to_string()]).send().await?.decode()
    }

    /// `PATCH /webhooks/{id}`; 412 where it is no longer at `version`.
    pub async fn change_webhook(
        &self,
        id: WebhookId,
        change: &WebhookChange,
        version: Option<i64>,
    ) -> Result<Webhook, Error> {
        let call = self.call(Method::PATCH, &["webhooks", &id.to_string()]);
        call.if_match(version).json(change).send().await?.decode()
    }

    /// `DELETE /webhooks/{id}`, with everything that was on its way.
    pub async fn delete_webhook(&self, id: WebhookId) -> Result<(), Error> {
        self.call(Method::DELETE, &["webhooks", &id.to_string()]).send().await.map(drop)
    }

    /// `POST /webhooks/{id}/rotate-secret`: the old secret signs beside the new one for a while.
    pub async fn rotate_webhook_secret(
        &self,
        id: WebhookId,
        rotation: &SecretRotation,
    ) -> Result<WebhookWithSecret, Error> {
        let call = self.call(Method::POST, &["webhooks", &id.to_string(), "rotate-secret"]);
        call.json(rotation).send().await?.decode()
    }

    /// `POST /webhooks/{id}/pause`
    pub async fn pause_webhook(&self, id: WebhookId) -> Result<Webhook, Error> {
        let path = ["webhooks", &id.to_string(), "pause"];
        self.call(Method::POST, &path).repeatable().send().await?.decode()
    }

    /// `POST /webhooks/{id}/resume`
    pub async fn resume_webhook(&self, id: WebhookId) -> Result<Webhook, Error> {
        let path = ["webhooks", &id.to_string(), "resume"];
        self.call(Method::POST, &path).repeatable().send().await?.decode()
    }

    /// `POST /webhooks/{id}/replay`: a range of the feed, or what was given up, is sent once more.
    pub async fn replay_webhook(
        &self,
        id: WebhookId,
        replay: &Replay,
        key: Option<&str>,
    ) -> Result<ReplayStarted, Error> {
        let call = self.call(Method::POST, &["webhooks", &id.to_string(), "replay"]);
        call.key(key).json(replay).send().await?.decode()
    }

    /// `POST /webhooks/{id}/test`: an event of no consequence is sent; its delivery says what came of it.
    pub async fn test_webhook(&self, id: WebhookId) -> Result<Delivery, Error> {
        self.call(Method::POST, &["webhooks", &id.to_string(), "test"]).send().await?.decode()
    }

    /// One page of `GET /webhooks/{id}/deliveries`, newest first, with every try.
    pub async fn deliveries(
        &self,
        id: WebhookId,
        state: Option<DeliveryState>,
        limit: Option<u8>,
        after: Option<&str>,
    ) -> Result<Page<Delivery>, Error> {
        let state = state.map(|state| match state {
            DeliveryState::Pending => "pending",
            DeliveryState::Delivered => "delivered",
            DeliveryState::Dead => "dead",
        });
        let call = self.call(Method::GET, &["webhooks", &id.to_string(), "deliveries"]);
        call.query("state", state).page(limit, after).send().await?.page()
    }

    /// `GET /webhooks/{id}/deliveries/{deliveryId}`
    pub async fn delivery(&self, id: WebhookId, delivery: DeliveryId) -> Result<Delivery, Error> {
        let path = ["webhooks", &id.to_string(), "deliveries", &delivery.to_string()];
        self.call(Method::GET, &path).send().await?.decode()
    }
}
