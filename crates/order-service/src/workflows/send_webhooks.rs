//! One turn of an endpoint at its receiver: everything that is due, of many entities at a time and of each in its order.

use crate::clients::receiver::Signed;
use crate::domain::endpoint::Endpoint;
use crate::domain::webhook::{Verdict, judge, pause_after, retry_after, sign};
use crate::metrics;
use crate::store::deliveries::{Outcome, StoredDelivery, Waiting};
use crate::workflows::dispatch_webhooks::{DispatchError, Dispatcher, lease};
use common::ids::{DeliveryId, WebhookId};
use common::models::event::Entity;
use common::models::webhook::{Attempt, DeliveryState};
use common::mongo::{StoreError, jitter};
use common::time::Timestamp;
use futures_util::StreamExt;
use futures_util::stream;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Failures in a row after which an endpoint is left alone for a moment: it is not well.
const FAILURES: u32 = 8;

/// That moment.
const REST: Duration = Duration::from_secs(5);

/// How long answers are waited for when the process is told to stop.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// What waits, entity by entity, where the first of it is due: what fails holds back what follows of the same entity, and
/// nothing else.
pub(super) fn chains(waiting: Vec<Waiting>, now: Timestamp) -> Vec<Vec<Waiting>> {
    let mut chains: Vec<Vec<Waiting>> = Vec::new();
    let mut places: HashMap<Entity, usize> = HashMap::new();
    for delivery in waiting {
        let place = delivery.entity.map(|entity| *places.entry(entity).or_insert(chains.len()));
        match place.and_then(|place| chains.get_mut(place)) {
            Some(chain) => chain.push(delivery),
            None => chains.push(vec![delivery]),
        }
    }
    chains.retain(|chain| chain.first().is_some_and(|first| is_due(first, now)));
    chains
}

fn is_due(delivery: &Waiting, now: Timestamp) -> bool {
    delivery.next_attempt_at.is_none_or(|at| at <= now)
}

/// Sends what is due, from when the lease was asked for. Answers whether there was something.
pub(super) async fn send_due(
    dispatcher: &Dispatcher,
    endpoint: WebhookId,
    waiting: Vec<Waiting>,
    asked: Instant,
    stop: &CancellationToken,
) -> bool {
    let turn = Sending {
        dispatcher,
        endpoint,
        stop,
        renewed: Mutex::new(asked),
        is_halted: AtomicBool::new(false),
        failures: AtomicU32::new(0),
        sent: AtomicBool::new(false),
    };
    stream::iter(chains(waiting, Timestamp::now()))
        .for_each_concurrent(dispatcher.settings.concurrency, |chain| turn.send_chain(chain))
        .await;
    turn.sent.load(Ordering::Relaxed)
}

/// What the chains of a turn share.
struct Sending<'a> {
    dispatcher: &'a Dispatcher,
    endpoint: WebhookId,
    stop: &'a CancellationToken,
    renewed: Mutex<Instant>,
    is_halted: AtomicBool,
    failures: AtomicU32,
    sent: AtomicBool,
}

impl Sending<'_> {
    /// What is due of one entity, in its order, up to the first that fails.
    async fn send_chain(&self, chain: Vec<Waiting>) {
        for delivery in chain {
            let goes_on = is_due(&delivery, Timestamp::now()) && !self.is_halted.load(Ordering::Relaxed);
            if !goes_on || self.stop.is_cancelled() || !self.keep_lease().await {
                return;
            }
            self.sent.store(true, Ordering::Relaxed);
            let tried = match self.send(delivery.id).await {
                Ok(tried) => tried,
                Err(error) => {
                    self.halt();
                    return tracing::warn!(webhook_id = %self.endpoint, %error, "a webhook waits");
                }
            };
            match tried {
                None => {}
                Some((Verdict::Delivered, _)) => self.failures.store(0, Ordering::Relaxed),
                Some((failed, version)) => return self.hold_back(failed, version).await,
            }
        }
    }

    fn halt(&self) {
        self.is_halted.store(true, Ordering::Relaxed);
    }

    /// One try, written down. Answers what is to be done after it, and the version of the endpoint that it was made with;
    /// `None` where there was nothing to send.
    async fn send(&self, id: DeliveryId) -> Result<Option<(Verdict, i64)>, DispatchError> {
        let at = Timestamp::now();
        // Read again for each try: since the last one it may have been paused, deleted, or led elsewhere.
        let endpoint = self.dispatcher.webhooks.find(self.endpoint).await?;
        let Some(endpoint) = endpoint.filter(|endpoint| endpoint.is_active(at)) else {
            self.halt();
            return Ok(None);
        };
        let delivery = self.dispatcher.deliveries.find(id).await?;
        let Some(delivery) = delivery.filter(|found| found.state == DeliveryState::Pending) else {
            return Ok(None);
        };
        let Some((verdict, attempt)) = self.attempt(&endpoint, &delivery, at).await? else { return Ok(None) };
        let tries = usize::try_from(delivery.tries).unwrap_or(usize::MAX).saturating_add(1);
        let outcome = self.outcome(verdict, tries);
        metrics::webhook_tried(verdict, matches!(outcome, Outcome::Dead { .. }));
        self.dispatcher.deliveries.record(id, &attempt, outcome).await?;
        Ok(Some((verdict, endpoint.version)))
    }

    /// What the receiver made of it; `None` where the process ends before it has answered.
    async fn attempt(
        &self,
        endpoint: &Endpoint,
        delivery: &StoredDelivery,
        at: Timestamp,
    ) -> Result<Option<(Verdict, Attempt)>, StoreError> {
        let (begun, id) = (Instant::now(), delivery.event_id.to_string());
        let timestamp_s = at.as_millis() / 1_000;
        let signature = sign(endpoint.secrets(at), &id, timestamp_s, &delivery.body)
            .map_err(|cause| StoreError::Corrupt(format!("a signing secret: {cause}")))?;
        let signed = Signed { id: &id, timestamp_s, signature: &signature, body: &delivery.body };
        let answered = tokio::select! {
            answered = self.dispatcher.receivers.send(&endpoint.url, signed) => answered,
            () = self.patience_ends() => return Ok(None),
        };
        let elapsed_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        let attempt = Attempt { at, elapsed_ms, status: None, failure: None, answer: None };
        Ok(Some(match answered {
            Ok(answer) => {
                let wait = answer.retry_after.as_deref().and_then(|value| retry_after(value, at));
                let verdict = judge(answer.status, wait);
                let answered = Some(answer.text).filter(|text| !text.is_empty());
                (verdict, Attempt { status: Some(answer.status), answer: answered, ..attempt })
            }
            Err(failure) => {
                (Verdict::Failed, Attempt { failure: Some(failure.as_str().to_owned()), ..attempt })
            }
        }))
    }

    /// A process that is told to stop waits for no receiver for long: the next one sends it again.
    async fn patience_ends(&self) {
        self.stop.cancelled().await;
        tokio::time::sleep(LAST_ANSWERS).await;
    }

    fn outcome(&self, verdict: Verdict, tries: usize) -> Outcome {
        let kept_ms = i64::from(self.dispatcher.settings.kept_days) * DAY_MS;
        let forget_at = Timestamp::now().plus_millis(kept_ms);
        if verdict == Verdict::Delivered {
            return Outcome::Delivered { forget_at };
        }
        let Some(pause) = pause_after(tries) else { return Outcome::Dead { forget_at } };
        let pause = match verdict {
            Verdict::Later(wait) => wait.max(pause),
            // Resumed, it is tried again at once.
            Verdict::Gone => Duration::ZERO,
            Verdict::Delivered | Verdict::Failed => jitter(pause),
        };
        Outcome::Again { at: after(pause) }
    }

    /// What a failure means for the endpoint as a whole, as long as it is the one that was tried.
    async fn hold_back(&self, verdict: Verdict, version: i64) {
        let (id, webhooks) = (self.endpoint, &self.dispatcher.webhooks);
        let written = match verdict {
            Verdict::Gone => {
                self.halt();
                tracing::warn!(webhook_id = %id, "the receiver is gone; the webhook is disabled");
                webhooks.disable(id, version, "gone").await
            }
            Verdict::Later(wait) => {
                self.halt();
                webhooks.rest(id, version, after(wait)).await
            }
            Verdict::Delivered | Verdict::Failed => {
                if self.failures.fetch_add(1, Ordering::Relaxed) + 1 < FAILURES {
                    return;
                }
                self.halt();
                webhooks.rest(id, version, after(jitter(REST))).await
            }
        };
        if let Err(error) = written {
            tracing::warn!(webhook_id = %id, %error, "what a receiver asked for is not written down");
        }
    }

    /// Before every try: whoever sends must still be the one who does, for longer than a try may take.
    async fn keep_lease(&self) -> bool {
        let leases = &self.dispatcher.leases;
        let since = *self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        if since.elapsed() < leases.renew_every() {
            return true;
        }
        let asked = Instant::now();
        match leases.take(&lease(self.endpoint)).await {
            Ok(Some(_)) => {
                *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = asked;
                true
            }
            Ok(None) => false,
            Err(error) => {
                tracing::debug!(%error, "the lease cannot be renewed");
                false
            }
        }
    }
}

fn after(pause: Duration) -> Timestamp {
    Timestamp::now().plus_millis(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX))
}
