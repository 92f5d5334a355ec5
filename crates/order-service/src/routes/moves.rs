//! Moves of an order: each parses its request, applies one event, answers the order.

use super::{errors, representation};
use crate::domain::moves::{Event, Hand};
use crate::domain::order::Fingerprint;
use crate::domain::shown;
use crate::startup::AppState;
use crate::workflows::change_order::{ChangeRequest, Changed, change_order};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use common::api::described::{Described, Input};
use common::auth::caller::Caller;
use common::context;
use common::error::ApiError;
use common::http::body::{Body, OptionalBody};
use common::http::conditional::{IfMatch, entity_tag};
use common::http::idempotency::{IdempotencyKey, OptionalKey, replay};
use common::http::path::path_id;
use common::ids::OrderId;
use common::models::auth::Scope;
use common::models::fulfillment::NewFulfillment;
use common::models::order::OrderEvent;
use common::models::order_change::{Cancellation, NewNote, OrderEdit, Remark, TagChange};
use common::models::order_return::{NewReturn, ReturnReceipt};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde::Serialize;

/// Bytes of a body that may name every line of an order.
const LINES_LIMIT: usize = 256 * 1024;

/// What every move takes beside its body.
pub struct Asked {
    state: Data<AppState>,
    caller: Caller,
    order_id: OrderId,
    if_version: Option<i64>,
    key: Option<IdempotencyKey>,
    request: HttpRequest,
}

impl FromRequest for Asked {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(request, payload);
        let state = Data::<AppState>::extract(request);
        let if_match = IfMatch::from_request(request, payload);
        let key = OptionalKey::from_request(request, payload);
        let request = request.clone();
        async move {
            let caller = caller.await?;
            let order_id = path_id(&request, "id")?;
            let (IfMatch(if_version), OptionalKey(key)) = (if_match.await?, key.await?);
            let state = state.await.map_err(|_| ApiError::internal(anyhow::anyhow!("no state is wired")))?;
            Ok(Self { state, caller, order_id, if_version, key, request })
        }
        .boxed_local()
    }
}

impl Described for Asked {
    fn describe(input: &mut Input) {
        Caller::describe(input);
        IfMatch::describe(input);
        OptionalKey::describe(input);
    }
}

impl Asked {
    /// For staff alone. Their own customers see that there is an order; others do not.
    fn require_staff(&self) -> Result<(), ApiError> {
        self.caller.require_scope(Scope::OrdersWrite)
    }

    /// For the customer whose order it is, or staff.
    fn require_someone(&self) -> Result<(), ApiError> {
        if self.caller.customer_id().is_none() { self.require_staff() } else { Ok(()) }
    }

    /// The fulfilment or return that the path names.
    fn part<Kind>(&self, name: &str) -> Result<common::ids::Id<Kind>, ApiError> {
        path_id(&self.request, name)
    }

    /// Applies the event. `body` is what the request says, as it was understood.
    async fn apply(
        self,
        event: Event,
        note: Option<String>,
        body: &impl Serialize,
    ) -> Result<Changed, ApiError> {
        // A body that was parsed always serialises. The path names the part of the order that is meant.
        let said = serde_json::to_vec(body).unwrap_or_default();
        let asked = Fingerprint::derived(&[self.request.path().as_bytes(), &said]);
        let request = ChangeRequest {
            order_id: self.order_id,
            event,
            note,
            key: self.key,
            asked,
            if_version: self.if_version,
        };
        let (state, caller) = (self.state.into_inner(), self.caller);
        let changed = context::run_to_end(async move { change_order(&state, &caller, request).await });
        Ok(changed.await??)
    }
}

/// 200 with the order.
fn answer(changed: &Changed, hand: Hand) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header(entity_tag(changed.order.version));
    let response = response.json(shown::order(&changed.order, hand));
    if changed.replayed { replay(response) } else { response }
}

/// 201 with the order and the address of what was made.
fn answer_created(changed: &Changed, part: &str, hand: Hand) -> HttpResponse {
    let mut response = HttpResponse::Created();
    response
        .insert_header((header::LOCATION, format!("/orders/{}/{part}", changed.order.id)))
        .insert_header(entity_tag(changed.order.version));
    let response = response.json(shown::order(&changed.order, hand));
    if changed.replayed { replay(response) } else { response }
}

fn hand(caller: &Caller) -> Hand {
    representation::hand(caller)
}

/// `POST /orders/{id}/cancel`
pub async fn cancel_order(
    asked: Asked,
    OptionalBody(body): OptionalBody<Cancellation, LINES_LIMIT>,
) -> Result<HttpResponse, ApiError> {
    asked.require_someone()?;
    let hand = hand(&asked.caller);
    let event = Event::Cancel { lines: body.lines.clone() };
    let reason = body.reason.as_ref().map(|reason| reason.as_str().to_owned());
    Ok(answer(&asked.apply(event, reason, &body).await?, hand))
}

/// `POST /orders/{id}/edits`
pub async fn edit_order(
    asked: Asked,
    Body(body): Body<OrderEdit, LINES_LIMIT>,
) -> Result<HttpResponse, ApiError> {
    asked.require_staff()?;
    let event = Event::Edit { lines: body.lines.clone() };
    let note = body.note.as_ref().map(|note| note.as_str().to_owned());
    let changed = asked.apply(event, note, &body).await?;
    if changed.change.event == OrderEvent::EditRefused {
        let refusal = errors::edit_refused(&changed);
        return Ok(if changed.replayed { replay(refusal) } else { refusal });
    }
    Ok(answer(&changed, Hand::Staff))
}

/// `POST /orders/{id}/fulfillments`
pub async fn ship_order(
    asked: Asked,
    OptionalBody(body): OptionalBody<NewFulfillment, LINES_LIMIT>,
) -> Result<HttpResponse, ApiError> {
    asked.require_staff()?;
    let changed = asked.apply(Event::Ship(body.clone()), None, &body).await?;
    let id = changed.change.fulfillment_id.map(|id| id.to_string()).unwrap_or_default();
    Ok(answer_created(&changed, &format!("fulfillments/{id}"), Hand::Staff))
}

/// `POST /orders/{id}/fulfillments/{fulfillmentId}/deliver`
pub async fn deliver_fulfillment(
    asked: Asked,
    OptionalBody(body): OptionalBody<Remark>,
) -> Result<HttpResponse, ApiError> {
    asked.require_staff()?;
    let event = Event::Deliver { id: asked.part("fulfillmentId")? };
    remark(asked, event, body).await
}

/// `POST /orders/{id}/returns`
pub async fn request_return(
    asked: Asked,
    Body(body): Body<NewReturn, LINES_LIMIT>,
) -> Result<HttpResponse, ApiError> {
    asked.require_someone()?;
    let hand = hand(&asked.caller);
    let changed = asked.apply(Event::RequestReturn { lines: body.lines.clone() }, None, &body).await?;
    let id = changed.change.return_id.map(|id| id.to_string()).unwrap_or_default();
    Ok(answer_created(&changed, &format!("returns/{id}"), hand))
}

/// `POST /orders/{id}/returns/{returnId}/approve`
pub async fn approve_return(
    asked: Asked,
    OptionalBody(body): OptionalBody<Remark>,
) -> Result<HttpResponse, ApiError> {
    asked.require_staff()?;
    let event = Event::ApproveReturn { id: asked.part("returnId")? };
    remark(asked, event, body).await
}

/// `POST /orders/{id}/returns/{returnId}/decline`
pub async fn decline_return(
    asked: Asked,
    OptionalBody(body): OptionalBody<Remark>,
) -> Result<HttpResponse, ApiError> {
    asked.require_staff()?;
    let event = Event::DeclineReturn { id: asked.part("returnId")? };
    remark(asked, event, body).await
}

/// `POST /orders/{id}/returns/{returnId}/receive`
pub async fn receive_return(
    asked: Asked,
    Body(body): Body<ReturnReceipt, LINES_LIMIT>,
) -> Result<HttpResponse, ApiError> {
    asked.require_staff()?;
    let event = Event::ReceiveReturn {
        id: asked.part("returnId")?,
        lines: body.lines.clone(),
        location_id: body.location_id.clone(),
    };
    let note = body.note.as_ref().map(|note| note.as_str().to_owned());
    Ok(answer(&asked.apply(event, note, &body).await?, Hand::Staff))
}

/// `POST /orders/{id}/hold`
pub async fn hold_order(
    asked: Asked,
    OptionalBody(body): OptionalBody<Remark>,
) -> Result<HttpResponse, ApiError> {
    asked.require_staff()?;
    remark(asked, Event::Hold, body).await
}

/// `POST /orders/{id}/release`
pub async fn release_order(
    asked: Asked,
    OptionalBody(body): OptionalBody<Remark>,
) -> Result<HttpResponse, ApiError> {
    asked.require_staff()?;
    remark(asked, Event::Release, body).await
}

/// `POST /orders/{id}/notes`
pub async fn note_order(asked: Asked, Body(body): Body<NewNote>) -> Result<HttpResponse, ApiError> {
    asked.require_staff()?;
    let event = Event::Note { text: body.text.clone() };
    Ok(answer(&asked.apply(event, None, &body).await?, Hand::Staff))
}

/// `POST /orders/{id}/tags`
pub async fn tag_order(asked: Asked, Body(body): Body<TagChange>) -> Result<HttpResponse, ApiError> {
    asked.require_staff()?;
    Ok(answer(&asked.apply(Event::Tag(body.clone()), None, &body).await?, Hand::Staff))
}

async fn remark(asked: Asked, event: Event, body: Remark) -> Result<HttpResponse, ApiError> {
    let note = body.note.as_ref().map(|note| note.as_str().to_owned());
    Ok(answer(&asked.apply(event, note, &body).await?, Hand::Staff))
}
