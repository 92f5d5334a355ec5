//! One try of a wish: the request that says it, and what its answer says. Everything that a move leaves in an order
//! carries the wish's key, so that the verdict knows who asked for it.

use super::heard::{Heard, of_failure};
use super::load::Load;
use super::wish::{Intent, MoveWish, Step, Wish};
use common::ids::OrderId;
use common::models::fulfillment::NewFulfillment;
use common::models::order::{NewOrder, Order, RequestedLine};
use common::models::order_change::{Cancellation, OrderEdit, Remark};
use common::models::order_return::{NewReturn, NewReturnLine, ReturnReceipt, ReturnStatus};
use common::text::Text;
use oms_client::{Error, MoveOptions};

impl Load<'_> {
    /// One try.
    pub async fn send(&self, intent: &Intent) {
        let heard = match &intent.wish {
            Wish::Order(order) => self.place(intent, order).await,
            Wish::Move(wish) => self.make(intent, wish).await,
        };
        intent.hear(heard);
    }

    async fn place(&self, intent: &Intent, order: &NewOrder) -> Heard {
        match self.client.place_order(order, Some(&intent.key)).await {
            Ok(created) => {
                let Order { id, version, total, .. } = created.value;
                self.tally.answered(201);
                self.confirmed(intent, id);
                Heard::Created { id, version, total }
            }
            Err(error) => self.failed(intent, &error),
        }
    }

    async fn make(&self, intent: &Intent, wish: &MoveWish) -> Heard {
        match self.request(wish, &intent.key).await {
            Ok(order) => {
                let creates = matches!(wish.step, Step::Ship { .. } | Step::RequestReturn(_));
                self.tally.answered(if creates { 201 } else { 200 });
                if order.id != wish.order || !shows(&order, &wish.step, &intent.key) {
                    self.tally.violation(format!("{} was answered with an order without it", intent.key));
                }
                Heard::Moved
            }
            Err(error) => self.failed(intent, &error),
        }
    }

    fn failed(&self, intent: &Intent, error: &Error) -> Heard {
        self.tally.failed(error);
        of_failure(error, &intent.wish).unwrap_or_else(|| {
            self.tally.violation(format!("{} ({:?}) was answered {error}", intent.key, intent.wish));
            Heard::Nothing
        })
    }

    async fn request(&self, wish: &MoveWish, key: &str) -> Result<Order, Error> {
        let (client, id) = (&self.client, wish.order);
        let options = MoveOptions { key: Some(key), if_version: wish.if_version };
        let remark = Remark { note: text(key) };
        match &wish.step {
            Step::Cancel(lines) => {
                let cancellation = Cancellation { reason: text(key), lines: lines.clone() };
                client.cancel_order_lines(id, &cancellation, options).await
            }
            Step::Edit(lines) => {
                let edit = OrderEdit { lines: lines.clone(), note: text(key) };
                client.edit_order(id, &edit, options).await
            }
            Step::Ship { lines, from } => {
                let parcel = NewFulfillment {
                    lines: lines.clone(),
                    tracking_number: text(key),
                    location_id: from.clone(),
                    ..NewFulfillment::default()
                };
                client.ship_order(id, &parcel, options).await.map(|shipped| shipped.value)
            }
            Step::Deliver(parcel) => client.deliver_fulfillment(id, *parcel, &remark, options).await,
            Step::RequestReturn(lines) => {
                let line = |line: &RequestedLine| NewReturnLine {
                    product_id: line.product_id,
                    quantity: line.quantity,
                    reason: text(key),
                };
                let wanted = NewReturn { lines: lines.iter().map(line).collect() };
                client.request_return(id, &wanted, options).await.map(|asked| asked.value)
            }
            Step::ApproveReturn(asked) => client.approve_return(id, *asked, &remark, options).await,
            Step::DeclineReturn(asked) => client.decline_return(id, *asked, &remark, options).await,
            Step::ReceiveReturn(asked, lines) => {
                let receipt = ReturnReceipt { lines: lines.clone(), location_id: None, note: text(key) };
                client.receive_return(id, *asked, &receipt, options).await
            }
            Step::Hold => client.hold_order(id, &remark, options).await,
            Step::Release => client.release_order(id, &remark, options).await,
        }
    }

    fn confirmed(&self, intent: &Intent, id: OrderId) {
        if !intent.is_answered() {
            self.tally.confirmed();
            self.remember(id);
        }
    }
}

/// A key as a text of an order; keys are short and plain.
fn text<const MOST: usize, const LINES: bool>(key: &str) -> Option<Text<1, MOST, LINES>> {
    Text::parse(key).ok()
}

/// Whether an order has in it what no later move takes away.
fn shows(order: &Order, step: &Step, key: &str) -> bool {
    let is_key = |text: Option<&str>| text == Some(key);
    let status = |id| order.returns.iter().find(|asked| asked.id == id).map(|asked| asked.status);
    match step {
        Step::Ship { .. } => {
            order.fulfillments.iter().any(|parcel| is_key(parcel.tracking_number.as_deref()))
        }
        Step::Deliver(id) => {
            order.fulfillments.iter().any(|parcel| parcel.id == *id && parcel.delivered_at.is_some())
        }
        Step::RequestReturn(_) => {
            let mut lines = order.returns.iter().flat_map(|asked| &asked.lines);
            lines.any(|line| is_key(line.reason.as_deref()))
        }
        Step::ApproveReturn(id) => status(*id).is_some_and(|status| status != ReturnStatus::Requested),
        Step::DeclineReturn(id) => status(*id) == Some(ReturnStatus::Declined),
        Step::ReceiveReturn(id, _) => status(*id) == Some(ReturnStatus::Received),
        Step::Cancel(None) => order.lines.iter().all(|line| line.quantity == line.cancelled + line.shipped),
        Step::Cancel(Some(_)) | Step::Edit(_) | Step::Hold | Step::Release => true,
    }
}
