//! Sending events to webhooks: each endpoint by one replica at a time, from the feed to its deliveries and from there
//! to its receiver. Whatever is interrupted is taken up where the database says it is.

use crate::clients::receiver::Receivers;
use crate::config::WebhookSettings;
use crate::domain::endpoint::{Endpoint, Range};
use crate::domain::feed::FeedPage;
use crate::domain::webhook::with_timestamp;
use crate::startup::AppState;
use crate::store::deliveries::{Deliveries, StoredDelivery, Waiting};
use crate::store::webhooks::Webhooks;
use crate::workflows::read_feed::{FeedError, Silence, logs, may_go_on, read_feed};
use crate::workflows::send_webhooks::{chains, send_due};
use common::context::{self, Context};
use common::events::cursor::{FeedCursor, LogName};
use common::events::logged::Logged;
use common::ids::{DeliveryId, WebhookId};
use common::lease::Leases;
use common::models::event::{Entity, TypeFilter};
use common::models::webhook::DeliveryState;
use common::mongo::{StoreError, jitter};
use common::time::Timestamp;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Deliveries of one endpoint that may wait; what follows waits in the feed.
const MOST_WAITING: i64 = 1_000;

/// Events that are taken over at a time.
const TAKEN: u8 = 200;

/// Turns of an endpoint begin for a quarter of this; then others may have it.
const BUDGET: Duration = Duration::from_secs(60);

/// How long the feed may keep an endpoint waiting: what is due is sent without it.
const FEED_PATIENCE: Duration = Duration::from_secs(5);

/// How often deliveries are looked for whose endpoint is no more.
const TIDIED_EVERY: Duration = Duration::from_secs(600);

/// Sends to every endpoint.
pub struct Dispatcher {
    state: Arc<AppState>,
    pub(super) webhooks: Webhooks,
    pub(super) deliveries: Deliveries,
    pub(super) receivers: Receivers,
    pub(super) leases: Leases,
    pub(super) settings: WebhookSettings,
}

/// Why a turn ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum DispatchError {
    #[error(transparent)]
    Feed(#[from] FeedError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("an event cannot be written: {0}")]
    Unwritable(#[from] serde_json::Error),
}

impl Dispatcher {
    pub fn new(
        state: Arc<AppState>,
        webhooks: Webhooks,
        deliveries: Deliveries,
        leases: Leases,
        settings: WebhookSettings,
    ) -> Self {
        let receivers = state.receivers.clone();
        Self { state, webhooks, deliveries, receivers, leases, settings }
    }

    /// Sends until it is told to stop; what is on its way then is waited for.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut running: HashMap<WebhookId, JoinHandle<()>> = HashMap::new();
        let mut tidied: Option<Instant> = None;
        let pause = Duration::from_millis(self.settings.poll_ms);
        while self.settings.enabled && !stop.is_cancelled() {
            running.retain(|_, task| !task.is_finished());
            match self.webhooks.active().await {
                Ok(endpoints) => {
                    for endpoint in endpoints {
                        if let Entry::Vacant(place) = running.entry(endpoint.id) {
                            let (dispatcher, stop) = (self.clone(), stop.clone());
                            let work = async move { dispatcher.serve(endpoint, &stop).await };
                            place.insert(tokio::spawn(context::scope(Context::background(BUDGET), work)));
                        }
                    }
                }
                Err(error) => tracing::warn!(%error, "webhooks cannot be listed"),
            }
            if tidied.is_none_or(|at| at.elapsed() >= TIDIED_EVERY) {
                tidied = Some(Instant::now());
                if let Err(error) = self.tidy().await {
                    tracing::debug!(%error, "deliveries of deleted webhooks are left for later");
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(jitter(pause)) => {}
            }
        }
        for (_, task) in running {
            // One that died is taken up by the next process.
            drop(task.await);
        }
    }

    /// Forgets what was written for an endpoint while it was deleted, or left when a process died in between.
    pub async fn tidy(&self) -> Result<(), StoreError> {
        // In this order: an endpoint is there before its deliveries are.
        let named = self.deliveries.webhooks().await?;
        for id in self.webhooks.gone(named).await? {
            self.deliveries.forget(id).await?;
        }
        Ok(())
    }

    /// One endpoint, for as long as there is something to send and the budget lasts.
    async fn serve(&self, endpoint: Endpoint, stop: &CancellationToken) {
        let id = endpoint.id;
        match self.has_work(&endpoint).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                return tracing::debug!(webhook_id = %id, %error, "whether there is work is not known");
            }
        }
        let begun = Instant::now();
        while !stop.is_cancelled() && begun.elapsed() < BUDGET / 4 {
            match self.turn(id, stop).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(webhook_id = %id, %error, "a webhook waits");
                    break;
                }
            }
        }
        if let Err(error) = self.leases.give_up(&lease(id)).await {
            tracing::debug!(webhook_id = %id, %error, "the lease ends by itself");
        }
    }

    async fn has_work(&self, endpoint: &Endpoint) -> Result<bool, StoreError> {
        let now = Timestamp::now();
        if !endpoint.is_active(now) {
            return Ok(false);
        }
        let waiting = self.deliveries.waiting(endpoint.id, MOST_WAITING).await?;
        let has_room = has_room(&waiting);
        if !chains(waiting, now).is_empty() {
            return Ok(true);
        }
        // What finds no room is not looked for.
        let asking = Context::background(FEED_PATIENCE);
        let wanted = wanted(endpoint);
        let goes_on = async || may_go_on(&self.state, endpoint.cursor, &wanted).await;
        Ok(has_room && (!endpoint.replays.is_empty() || context::scope(asking, goes_on()).await))
    }

    /// Takes over a part of the feed and sends what is due. Answers whether it did anything.
    pub async fn dispatch_once(&self, id: WebhookId) -> anyhow::Result<bool> {
        Ok(self.turn(id, &CancellationToken::new()).await?)
    }

    async fn turn(&self, id: WebhookId, stop: &CancellationToken) -> Result<bool, DispatchError> {
        let asked = Instant::now();
        if self.leases.take(&lease(id)).await?.is_none() {
            return Ok(false);
        }
        let Some(endpoint) = self.webhooks.find(id).await?.filter(|found| found.is_active(Timestamp::now()))
        else {
            return Ok(false);
        };
        let waiting = self.deliveries.waiting(id, MOST_WAITING).await?;
        // What waits is sent though the feed cannot be read.
        let taken = if has_room(&waiting) { self.take_over(&endpoint).await } else { Ok(false) };
        let taken = taken.unwrap_or_else(|error| {
            tracing::warn!(webhook_id = %id, %error, "the feed is not taken over for a webhook");
            false
        });
        let waiting = if taken { self.deliveries.waiting(id, MOST_WAITING).await? } else { waiting };
        let sent = send_due(self, id, waiting, asked, stop).await;
        Ok(taken || sent)
    }

    /// From the feed to the deliveries: first they are written, by their identities, then the cursor moves. A turn that
    /// is cut off between the two writes them again, which changes nothing.
    async fn take_over(&self, endpoint: &Endpoint) -> Result<bool, DispatchError> {
        let replayed = match endpoint.replays.first() {
            Some(range) => self.take_range(endpoint, range).await?,
            None => false,
        };
        let page = match self.read(endpoint, endpoint.cursor).await {
            Err(DispatchError::Feed(FeedError::Expired)) => {
                tracing::warn!(webhook_id = %endpoint.id, "what a webhook waited for is no longer kept");
                self.webhooks.disable(endpoint.id, endpoint.version, "cursor_expired").await?;
                return Ok(false);
            }
            page => page?,
        };
        if page.next == endpoint.cursor {
            return Ok(replayed);
        }
        self.write(endpoint, page.events, None).await?;
        let has_moved = self.webhooks.advance(endpoint.id, endpoint.cursor, page.next).await?;
        if !has_moved && self.webhooks.find(endpoint.id).await?.is_none() {
            // It was deleted meanwhile, and what was on its way with it.
            self.deliveries.forget(endpoint.id).await?;
        }
        Ok(has_moved || replayed)
    }

    async fn read(&self, endpoint: &Endpoint, after: FeedCursor) -> Result<FeedPage, DispatchError> {
        let wanted = wanted(endpoint);
        let reading = read_feed(&self.state, after, &wanted, TAKEN, Silence::PassedOver);
        Ok(context::scope(Context::background(FEED_PATIENCE), reading).await?)
    }

    /// A range that is sent once more, up to its end.
    async fn take_range(&self, endpoint: &Endpoint, range: &Range) -> Result<bool, DispatchError> {
        let page = match self.read(endpoint, range.after).await {
            // What is gone cannot be sent again.
            Err(DispatchError::Feed(FeedError::Expired)) => {
                self.webhooks.advance_replay(endpoint.id, range, None).await?;
                return Ok(true);
            }
            page => page?,
        };
        let is_within = |event: &Logged| {
            let log = LogName::ALL.into_iter().find(|log| log.kinds().contains(&event.entity_kind));
            log.and_then(|log| range.until.get(log)).is_some_and(|until| event.position <= until)
        };
        let is_over =
            page.is_end || logs(&wanted(endpoint)).all(|log| page.next.get(log) >= range.until.get(log));
        let did_move = page.next != range.after;
        let within = page.events.into_iter().filter(|(event, _)| is_within(event)).collect();
        self.write(endpoint, within, Some(range.id)).await?;
        let to = (!is_over).then_some(page.next);
        if is_over || did_move {
            self.webhooks.advance_replay(endpoint.id, range, to).await?;
        }
        Ok(is_over || did_move)
    }

    async fn write(
        &self,
        endpoint: &Endpoint,
        events: Vec<(Logged, FeedCursor)>,
        replay: Option<WebhookId>,
    ) -> Result<(), DispatchError> {
        let now = Timestamp::now();
        let mut deliveries = Vec::with_capacity(events.len());
        for (event, cursor) in events {
            let round = replay.map(|replay| replay.as_bytes().to_vec()).unwrap_or_default();
            let event_id = event.id();
            let parts = [&b"delivery"[..], endpoint.id.as_bytes(), event_id.as_bytes(), &round];
            deliveries.push(StoredDelivery {
                id: DeliveryId::derived(&parts),
                webhook_id: endpoint.id,
                number: event.position,
                event_id,
                kind: event.kind.clone(),
                entity: Some(Entity { kind: event.entity_kind, id: event.entity_id }),
                state: DeliveryState::Pending,
                body: with_timestamp(&event.render(&cursor.to_string())?, event.at),
                tries: 0,
                attempts: Vec::new(),
                next_attempt_at: Some(now),
                created_at: now,
                expires_at: None,
            });
        }
        Ok(self.deliveries.add(&deliveries).await?)
    }
}

/// Whether another part of the feed may be taken over.
fn has_room(waiting: &[Waiting]) -> bool {
    i64::try_from(waiting.len()).unwrap_or(i64::MAX) + i64::from(TAKEN) <= MOST_WAITING
}

/// The filter was checked when it was written.
fn wanted(endpoint: &Endpoint) -> TypeFilter {
    TypeFilter::new(endpoint.types.iter().cloned()).unwrap_or_default()
}

pub(super) fn lease(id: WebhookId) -> String {
    format!("webhook {id}")
}
