//! Exports everything that is held about a customer, across services, as one JSON document: written piece by piece, so
//! that a long history needs no more memory than a short one.

use crate::startup::AppState;
use crate::store::account::Account;
use anyhow::Context as _;
use bytes::Bytes;
use common::audit::AuditFilter;
use common::context;
use common::http::page::{Cursor, Limit};
use common::http::peer::PeerError;
use common::ids::{CustomerId, SessionId};
use common::models::audit::{AuditActor, AuditEvent, AuditSubject};
use common::models::auth::Device;
use common::models::order::HeldOrders;
use common::mongo::StoreError;
use common::time::Timestamp;
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Pieces that wait for a slow reader.
const WAITING: usize = 4;

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("no such customer")]
    NotFound,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Peer(#[from] PeerError),
}

/// The pieces of the document; an error ends it unfinished.
pub type Pieces = Receiver<anyhow::Result<Bytes>>;

/// A session as it is exported: without the hashes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExportedSession {
    id: SessionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<Device>,
    created_at: Timestamp,
    last_used_at: Timestamp,
    expires_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Timestamp>,
}

/// Answers once it is certain that the account is there and that the first orders can be had.
pub async fn export_customer(
    state: Arc<AppState>,
    actor: AuditActor,
    id: CustomerId,
) -> Result<Pieces, ExportError> {
    let account = state.customers.find(id).await?.ok_or(ExportError::NotFound)?;
    let orders = state.orders.held(id, None).await?;
    state.audit.append(&AuditEvent::new(actor, "customer.exported", AuditSubject::customer(id))).await?;
    let (sender, pieces) = channel(WAITING);
    drop(context::spawn(async move {
        if let Err(cause) = write_document(&state, &sender, account, orders).await {
            tracing::warn!(customer_id = %id, cause = format!("{cause:#}"), "an export was cut short");
            // A reader who is gone needs not be told.
            sender.send(Err(cause)).await.ok();
        }
    }));
    Ok(pieces)
}

async fn write_document(
    state: &AppState,
    to: &Sender<anyhow::Result<Bytes>>,
    account: Account,
    orders: HeldOrders,
) -> anyhow::Result<()> {
    let id = account.id;
    let addresses: Vec<_> = account.address_book().entries().iter().map(|entry| entry.to_address()).collect();
    send(to, format!("{{\"exportedAt\":\"{}\",\"customer\":", Timestamp::now())).await?;
    send_json(to, &account.into_customer()).await?;
    send(to, ",\"addresses\":").await?;
    send_json(to, &addresses).await?;
    send(to, ",\"sessions\":").await?;
    send_json(to, &sessions(state, id).await?).await?;
    for (name, filter) in [
        ("auditEvents", AuditFilter { subject: Some(id.to_string()), ..AuditFilter::default() }),
        ("ownActions", AuditFilter { actor: Some(id.to_string()), ..AuditFilter::default() }),
    ] {
        send(to, format!(",\"{name}\":[")).await?;
        write_events(state, to, &filter).await?;
        send(to, "]").await?;
    }
    send(to, ",\"orders\":[").await?;
    write_orders(state, to, id, orders).await?;
    send(to, "]}").await
}

async fn sessions(state: &AppState, id: CustomerId) -> anyhow::Result<Vec<ExportedSession>> {
    let sessions = state.sessions.of_customer(id).await.context("sessions")?;
    let exported = sessions.into_iter().map(|session| ExportedSession {
        id: session.id,
        device: session.device,
        created_at: session.created_at,
        last_used_at: session.last_used_at,
        expires_at: session.expires_at,
        revoked_at: session.revoked_at,
    });
    Ok(exported.collect())
}

async fn write_events(
    state: &AppState,
    to: &Sender<anyhow::Result<Bytes>>,
    filter: &AuditFilter,
) -> anyhow::Result<()> {
    let (mut after, mut is_first) = (None, true);
    loop {
        let events = state.audit.list(filter, after, Limit::default()).await.context("audit trail")?;
        let Some(last) = events.last() else { return Ok(()) };
        after = Some(Cursor { at: last.at, id: last.id.uuid() });
        write_items(to, &events, &mut is_first).await?;
    }
}

async fn write_orders(
    state: &AppState,
    to: &Sender<anyhow::Result<Bytes>>,
    id: CustomerId,
    first: HeldOrders,
) -> anyhow::Result<()> {
    let (mut page, mut is_first) = (first, true);
    loop {
        write_items(to, &page.orders, &mut is_first).await?;
        let Some(next) = page.next else { return Ok(()) };
        page = state.orders.held(id, Some(&next)).await.context("orders")?;
    }
}

async fn write_items<T: Serialize + Sync>(
    to: &Sender<anyhow::Result<Bytes>>,
    items: &[T],
    is_first: &mut bool,
) -> anyhow::Result<()> {
    for item in items {
        if !std::mem::take(is_first) {
            send(to, ",").await?;
        }
        send_json(to, item).await?;
    }
    Ok(())
}

async fn send_json(
    to: &Sender<anyhow::Result<Bytes>>,
    value: &(impl Serialize + Sync),
) -> anyhow::Result<()> {
    send(to, serde_json::to_vec(value)?).await
}

async fn send(to: &Sender<anyhow::Result<Bytes>>, piece: impl Into<Bytes>) -> anyhow::Result<()> {
    to.send(Ok(piece.into())).await.map_err(|_| anyhow::anyhow!("the reader hung up"))
}
