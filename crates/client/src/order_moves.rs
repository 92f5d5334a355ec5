//! Orders after they were placed: cancel, edit, ship, deliver, return, hold, annotate; and why a move is not allowed.

use crate::call::{Call, Created};
use crate::client::Client;
use crate::error::Error;
use common::ids::{FulfillmentId, OrderId, ReturnId};
use common::models::fulfillment::{Fulfillment, NewFulfillment};
use common::models::order::{HistoryEntry, Order};
use common::models::order_change::{
    Cancellation, CancellationReason, NewNote, NoteText, OrderEdit, OrderWhy, Remark, TagChange,
};
use common::models::order_return::{NewReturn, Return, ReturnReceipt};
use reqwest::Method;
use serde::Serialize;

/// What every move takes beside its body. `MoveOptions::default()` asks for nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct MoveOptions<'a> {
    /// Names the intention across processes; without one a fresh name is taken.
    pub key: Option<&'a str>,
    /// The version that the order must have.
    pub if_version: Option<i64>,
}

impl Client {
    /// `GET /orders/{id}/history`, oldest first.
    pub async fn order_history(&self, id: OrderId) -> Result<Vec<HistoryEntry>, Error> {
        self.call(Method::GET, &["orders", &id.to_string(), "history"]).send().await?.decode()
    }

    /// `GET /orders/{id}/why`: what the caller may ask of the order now, and what stands in the way of the rest.
    pub async fn order_why(&self, id: OrderId) -> Result<OrderWhy, Error> {
        self.call(Method::GET, &["orders", &id.to_string(), "why"]).send().await?.decode()
    }

    /// `GET /orders/{id}/fulfillments/{fulfillmentId}`
    pub async fn fulfillment(&self, id: OrderId, fulfillment: FulfillmentId) -> Result<Fulfillment, Error> {
        let path = ["orders", &id.to_string(), "fulfillments", &fulfillment.to_string()];
        self.call(Method::GET, &path).send().await?.decode()
    }

    /// `GET /orders/{id}/returns/{returnId}`
    pub async fn order_return(&self, id: OrderId, returned: ReturnId) -> Result<Return, Error> {
        let path = ["orders", &id.to_string(), "returns", &returned.to_string()];
        self.call(Method::GET, &path).send().await?.decode()
    }

    /// `POST /orders/{id}/cancel` of everything that is not shipped.
    pub async fn cancel_order(
        &self,
        id: OrderId,
        reason: Option<CancellationReason>,
        key: Option<&str>,
    ) -> Result<Order, Error> {
        let options = MoveOptions { key, if_version: None };
        self.cancel_order_lines(id, &Cancellation { reason, lines: None }, options).await
    }

    /// `POST /orders/{id}/cancel`, by line and quantity.
    pub async fn cancel_order_lines(
        &self,
        id: OrderId,
        cancellation: &Cancellation,
        options: MoveOptions<'_>,
    ) -> Result<Order, Error> {
        self.order_move(id, &["cancel"], cancellation, options).send().await?.decode()
    }

    /// `POST /orders/{id}/edits`
    pub async fn edit_order(
        &self,
        id: OrderId,
        edit: &OrderEdit,
        options: MoveOptions<'_>,
    ) -> Result<Order, Error> {
        self.order_move(id, &["edits"], edit, options).send().await?.decode()
    }

    /// `POST /orders/{id}/fulfillments`: the order with its new parcel last, unless the key has made one before.
    pub async fn ship_order(
        &self,
        id: OrderId,
        parcel: &NewFulfillment,
        options: MoveOptions<'_>,
    ) -> Result<Created<Order>, Error> {
        self.order_move(id, &["fulfillments"], parcel, options).send().await?.created()
    }

    /// `POST /orders/{id}/fulfillments/{fulfillmentId}/deliver`
    pub async fn deliver_fulfillment(
        &self,
        id: OrderId,
        fulfillment: FulfillmentId,
        remark: &Remark,
        options: MoveOptions<'_>,
    ) -> Result<Order, Error> {
        let part = ["fulfillments", &fulfillment.to_string(), "deliver"];
        self.order_move(id, &part, remark, options).send().await?.decode()
    }

    /// `POST /orders/{id}/returns`: the order with its new return last, unless the key has made one before.
    pub async fn request_return(
        &self,
        id: OrderId,
        wish: &NewReturn,
        options: MoveOptions<'_>,
    ) -> Result<Created<Order>, Error> {
        self.order_move(id, &["returns"], wish, options).send().await?.created()
    }

    /// `POST /orders/{id}/returns/{returnId}/approve`
    pub async fn approve_return(
        &self,
        id: OrderId,
        returned: ReturnId,
        remark: &Remark,
        options: MoveOptions<'_>,
    ) -> Result<Order, Error> {
        self.move_return(id, returned, "approve", remark, options).await
    }

    /// `POST /orders/{id}/returns/{returnId}/decline`
    pub async fn decline_return(
        &self,
        id: OrderId,
        returned: ReturnId,
        remark: &Remark,
        options: MoveOptions<'_>,
    ) -> Result<Order, Error> {
        self.move_return(id, returned, "decline", remark, options).await
    }

    /// `POST /orders/{id}/returns/{returnId}/receive`
    pub async fn receive_return(
        &self,
        id: OrderId,
        returned: ReturnId,
        receipt: &ReturnReceipt,
        options: MoveOptions<'_>,
    ) -> Result<Order, Error> {
        self.move_return(id, returned, "receive", receipt, options).await
    }

    /// `POST /orders/{id}/hold`: nothing is shipped until it is released.
    pub async fn hold_order(
        &self,
        id: OrderId,
        remark: &Remark,
        options: MoveOptions<'_>,
    ) -> Result<Order, Error> {
        self.order_move(id, &["hold"], remark, options).send().await?.decode()
    }

    /// `POST /orders/{id}/release`
    pub async fn release_order(
        &self,
        id: OrderId,
        remark: &Remark,
        options: MoveOptions<'_>,
    ) -> Result<Order, Error> {
        self.order_move(id, &["release"], remark, options).send().await?.decode()
    }

    /// `POST /orders/{id}/notes`
    pub async fn note_order(
        &self,
        id: OrderId,
        text: NoteText,
        options: MoveOptions<'_>,
    ) -> Result<Order, Error> {
        self.order_move(id, &["notes"], &NewNote { text }, options).send().await?.decode()
    }

    /// `POST /orders/{id}/tags`
    pub async fn tag_order(
        &self,
        id: OrderId,
        change: &TagChange,
        options: MoveOptions<'_>,
    ) -> Result<Order, Error> {
        self.order_move(id, &["tags"], change, options).send().await?.decode()
    }

    async fn move_return(
        &self,
        id: OrderId,
        returned: ReturnId,
        step: &str,
        body: &impl Serialize,
        options: MoveOptions<'_>,
    ) -> Result<Order, Error> {
        let part = ["returns", &returned.to_string(), step];
        self.order_move(id, &part, body, options).send().await?.decode()
    }

    fn order_move(
        &self,
        id: OrderId,
        part: &[&str],
        body: &impl Serialize,
        options: MoveOptions<'_>,
    ) -> Call<'_> {
        let id = id.to_string();
        let path: Vec<&str> = ["orders", id.as_str()].into_iter().chain(part.iter().copied()).collect();
        self.call(Method::POST, &path).key(options.key).if_match(options.if_version).json(body)
    }
}
