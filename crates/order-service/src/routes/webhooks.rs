//! Webhooks, for administrators in person: they decide who outside is told what happens.

use crate::domain::endpoint::Endpoint;
use crate::startup::AppState;
use crate::workflows::keep_webhooks::{self as keeping, WebhookError};
use crate::workflows::replay_webhooks as replaying;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use common::auth::caller::Caller;
use common::context::run_to_end;
use common::error::{ApiError, Kind};
use common::http::body::{Body, OptionalBody};
use common::http::conditional::{IfMatch, entity_tag, representation_tag};
use common::http::idempotency::{IdempotencyKey, OptionalKey};
use common::http::origin::Origin;
use common::http::page::{Cursor, Limit, next_link};
use common::http::path::{PathId, path_id};
use common::http::query::Query;
use common::ids::{DeliveryId, WebhookId};
use common::models::audit::AuditActor;
use common::models::webhook::{
    Delivery, DeliveryState, NewWebhook, Replay, SecretRotation, Webhook, WebhookChange, WebhookWithSecret,
};
use common::time::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

/// `POST /webhooks`
pub async fn create_webhook(
    state: Data<AppState>,
    caller: Caller,
    origin: Origin,
    OptionalKey(key): OptionalKey,
    Body(new): Body<NewWebhook>,
) -> Result<HttpResponse, ApiError> {
    caller.require_admin()?;
    let actor = AuditActor::of(&caller, origin.0);
    let id = identify(b"create_webhook", &caller, key.as_ref());
    let made = run_to_end(async move { keeping::create_webhook(&state, new, id, actor).await }).await??;
    let mut response = HttpResponse::Created();
    response.insert_header((header::LOCATION, format!("/webhooks/{}", made.id)));
    Ok(with_secret(response, &made))
}

/// Parameters of `GET /webhooks`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookQuery {
    limit: Option<Limit>,
    after: Option<Cursor>,
}

/// `GET /webhooks`
pub async fn list_webhooks(
    state: Data<AppState>,
    caller: Caller,
    request: HttpRequest,
    Query(query): Query<WebhookQuery>,
) -> Result<HttpResponse, ApiError> {
    caller.require_admin()?;
    let (limit, after) = (query.limit.unwrap_or_default(), query.after);
    let found = run_to_end(async move { state.webhooks.list(after, limit).await }).await??;
    let last = found.last().map(|last| Cursor { at: last.created_at, id: last.id.uuid() });
    let shown: Vec<Webhook> = found.iter().map(|endpoint| endpoint.shown(Timestamp::now())).collect();
    Ok(page(&request, limit, shown.len(), last).json(shown))
}

/// `GET /webhooks/{id}`
pub async fn show_webhook(
    state: Data<AppState>,
    caller: Caller,
    PathId(id): PathId<WebhookId>,
) -> Result<HttpResponse, ApiError> {
    caller.require_admin()?;
    let found = run_to_end(async move { keeping::find(&state, id, None).await }).await??;
    Ok(shown(&found))
}

/// `PATCH /webhooks/{id}`
pub async fn change_webhook(
    state: Data<AppState>,
    caller: Caller,
    origin: Origin,
    PathId(id): PathId<WebhookId>,
    IfMatch(version): IfMatch,
    Body(change): Body<WebhookChange>,
) -> Result<HttpResponse, ApiError> {
    caller.require_admin()?;
    let actor = AuditActor::of(&caller, origin.0);
    let changed =
        run_to_end(async move { keeping::change_webhook(&state, id, version, change, actor).await })
            .await??;
    Ok(shown(&changed))
}

/// `DELETE /webhooks/{id}`
pub async fn delete_webhook(
    state: Data<AppState>,
    caller: Caller,
    origin: Origin,
    PathId(id): PathId<WebhookId>,
) -> Result<HttpResponse, ApiError> {
    caller.require_admin()?;
    let actor = AuditActor::of(&caller, origin.0);
    run_to_end(async move { keeping::delete_webhook(&state, id, actor).await }).await??;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /webhooks/{id}/rotate-secret`
pub async fn rotate_secret(
    state: Data<AppState>,
    caller: Caller,
    origin: Origin,
    PathId(id): PathId<WebhookId>,
    IfMatch(version): IfMatch,
    OptionalBody(rotation): OptionalBody<SecretRotation>,
) -> Result<HttpResponse, ApiError> {
    caller.require_admin()?;
    let actor = AuditActor::of(&caller, origin.0);
    let overlap_s = rotation.overlap_s;
    let rotated =
        run_to_end(async move { keeping::rotate_secret(&state, id, version, overlap_s, actor).await })
            .await??;
    Ok(with_secret(HttpResponse::Ok(), &rotated))
}

/// `POST /webhooks/{id}/pause`
pub async fn pause_webhook(
    state: Data<AppState>,
    caller: Caller,
    origin: Origin,
    PathId(id): PathId<WebhookId>,
    IfMatch(version): IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller.require_admin()?;
    let actor = AuditActor::of(&caller, origin.0);
    let paused =
        run_to_end(async move { keeping::pause_webhook(&state, id, version, actor).await }).await??;
    Ok(shown(&paused))
}

/// `POST /webhooks/{id}/resume`
pub async fn resume_webhook(
    state: Data<AppState>,
    caller: Caller,
    origin: Origin,
    PathId(id): PathId<WebhookId>,
    IfMatch(version): IfMatch,
) -> Result<HttpResponse, ApiError> {
    caller.require_admin()?;
    let actor = AuditActor::of(&caller, origin.0);
    let resumed =
        run_to_end(async move { keeping::resume_webhook(&state, id, version, actor).await }).await??;
    Ok(shown(&resumed))
}

/// `POST /webhooks/{id}/replay`
pub async fn replay_events(
    state: Data<AppState>,
    caller: Caller,
    origin: Origin,
    PathId(id): PathId<WebhookId>,
    OptionalKey(key): OptionalKey,
    Body(replay): Body<Replay>,
) -> Result<HttpResponse, ApiError> {
    caller.require_admin()?;
    let actor = AuditActor::of(&caller, origin.0);
    let range = identify(b"replay_webhook", &caller, key.as_ref());
    let started =
        run_to_end(async move { replaying::replay(&state, id, replay, range, actor).await }).await??;
    Ok(HttpResponse::Accepted().json(started))
}

/// `POST /webhooks/{id}/test`
pub async fn send_test(
    state: Data<AppState>,
    caller: Caller,
    PathId(id): PathId<WebhookId>,
) -> Result<HttpResponse, ApiError> {
    caller.require_admin()?;
    let sent = run_to_end(async move { replaying::send_test(&state, id).await }).await??;
    let address = format!("/webhooks/{id}/deliveries/{}", sent.id);
    Ok(HttpResponse::Accepted().insert_header((header::LOCATION, address)).json(sent.into_shown()))
}

/// Parameters of `GET /webhooks/{id}/deliveries`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeliveryQuery {
    limit: Option<Limit>,
    after: Option<Cursor>,
    state: Option<DeliveryState>,
}

/// `GET /webhooks/{id}/deliveries`: with every try, without what was sent and answered.
pub async fn list_deliveries(
    state: Data<AppState>,
    caller: Caller,
    request: HttpRequest,
    PathId(id): PathId<WebhookId>,
    Query(query): Query<DeliveryQuery>,
) -> Result<HttpResponse, ApiError> {
    caller.require_admin()?;
    let (limit, after, wanted) = (query.limit.unwrap_or_default(), query.after, query.state);
    let found = run_to_end(async move {
        keeping::find(&state, id, None).await?;
        Ok::<_, WebhookError>(state.deliveries.list(id, wanted, after, limit).await?)
    })
    .await??;
    let last = found.last().map(|last| Cursor { at: last.created_at, id: last.id.uuid() });
    let shown: Vec<Delivery> = found.into_iter().map(|delivery| delivery.into_shown()).collect();
    Ok(page(&request, limit, shown.len(), last).json(shown))
}

/// `GET /webhooks/{id}/deliveries/{deliveryId}`: with what was sent and answered too.
pub async fn show_delivery(
    state: Data<AppState>,
    caller: Caller,
    PathId(id): PathId<WebhookId>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    caller.require_admin()?;
    let delivery: DeliveryId = path_id(&request, "deliveryId")?;
    let found = run_to_end(async move {
        keeping::find(&state, id, None).await?;
        Ok::<_, WebhookError>(state.deliveries.find(delivery).await?)
    })
    .await??;
    let found = found.filter(|found| found.webhook_id == id);
    let found = found.ok_or_else(|| ApiError::not_found("delivery"))?;
    let last_try = found.attempts.last().map_or(0, |attempt| attempt.at.as_millis());
    let tag = (header::ETAG, representation_tag(found.tries, last_try));
    Ok(HttpResponse::Ok().insert_header(tag).json(found.into_shown()))
}

fn identify(operation: &[u8], caller: &Caller, key: Option<&IdempotencyKey>) -> WebhookId {
    match key {
        Some(key) => WebhookId::derived(&[operation, caller.actor().as_bytes(), key.as_bytes()]),
        None => WebhookId::new(),
    }
}

fn shown(endpoint: &Endpoint) -> HttpResponse {
    HttpResponse::Ok().insert_header(entity_tag(endpoint.version)).json(endpoint.shown(Timestamp::now()))
}

fn with_secret(mut response: HttpResponseBuilder, endpoint: &Endpoint) -> HttpResponse {
    let secret = endpoint.secret.reveal().to_owned();
    let body = WebhookWithSecret { webhook: endpoint.shown(Timestamp::now()), secret };
    response.insert_header(entity_tag(endpoint.version)).json(body)
}

fn page(request: &HttpRequest, limit: Limit, found: usize, last: Option<Cursor>) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    if let Some(last) = last.filter(|_| found == usize::from(limit.get())) {
        response.insert_header(next_link(request.path(), request.query_string(), last));
    }
    response
}

impl From<WebhookError> for ApiError {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::NotFound => Self::not_found("webhook"),
            WebhookError::AlreadyShown(id) => {
                let detail = "An earlier request with this Idempotency-Key made the webhook, and its secret is shown \
                              once. Rotate the secret to have another.";
                Self::new(Kind::Conflict, detail)
                    .code("secret_already_shown")
                    .with("webhookId", id.to_string())
            }
            WebhookError::TooMany => {
                Self::new(Kind::Conflict, "There are as many webhooks as a shop may have.")
                    .code("too_many_webhooks")
            }
            WebhookError::TooManyReplays => {
                Self::new(Kind::Conflict, "Too many ranges wait to be sent again.").code("too_many_replays")
            }
            WebhookError::NotActive => {
                Self::new(Kind::Conflict, "The webhook is paused or disabled; resume it first.")
                    .code("webhook_not_active")
            }
            WebhookError::VersionMismatch(version) => Self::version_mismatch(version),
            WebhookError::Target(rule) => Self::invalid_field("/url", "refused_target", rule),
            WebhookError::Types(rule) => Self::invalid_field("/types", "unknown_type", rule),
            WebhookError::Invalid { field, rule } => Self::invalid_field(field, "invalid_value", rule),
            WebhookError::NoSecret(cause) => Self::internal(anyhow::anyhow!("no randomness: {cause}")),
            WebhookError::Feed(error) => error.into(),
            WebhookError::Store(error) => error.into(),
        }
    }
}
