//! What events say of an order: each line of its history is one.

use super::order::{Change, Order};
use super::shown::impersonal;
use common::events::source::{Described, Happening, Told};
use common::ids::{EntityId, FulfillmentId, ReturnId};
use common::models::order::{OrderEvent, Rejection};
use serde::Serialize;

/// What belongs to one event. What somebody wrote to it may be personal and stays with the order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChangeTold<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    fulfillment_id: Option<FulfillmentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_id: Option<ReturnId>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    rejections: &'a [Rejection],
}

/// The order with everything that ever happened to it.
pub fn describe(order: &Order) -> Result<Described, serde_json::Error> {
    let history: Result<Vec<Happening>, _> = order.history.iter().map(happening).collect();
    Ok(Described {
        id: EntityId::from_uuid(order.id.uuid()),
        version: order.version,
        data: serde_json::to_string(&impersonal(order))?,
        told: Told::History(history?),
    })
}

fn happening(change: &Change) -> Result<Happening, serde_json::Error> {
    let Change { fulfillment_id, return_id, rejections, .. } = change;
    let told = ChangeTold {
        fulfillment_id: *fulfillment_id,
        return_id: *return_id,
        rejections: rejections.as_slice(),
    };
    let is_plain = fulfillment_id.is_none() && return_id.is_none() && rejections.is_empty();
    Ok(Happening {
        kind: type_of(change.event),
        at: change.at,
        actor: Some(change.actor.clone()),
        change: if is_plain { None } else { Some(serde_json::to_string(&told)?) },
    })
}

const fn type_of(event: OrderEvent) -> &'static str {
    match event {
        OrderEvent::Placed => "order.placed",
        OrderEvent::Confirmed => "order.confirmed",
        OrderEvent::Rejected => "order.rejected",
        OrderEvent::Cancelled => "order.cancelled",
        OrderEvent::Shipped => "order.shipped",
        OrderEvent::Delivered => "order.delivered",
        OrderEvent::ReturnRequested => "order.return_requested",
        OrderEvent::ReturnApproved => "order.return_approved",
        OrderEvent::ReturnDeclined => "order.return_declined",
        OrderEvent::ReturnReceived => "order.return_received",
        OrderEvent::EditRequested => "order.edit_requested",
        OrderEvent::Edited => "order.edited",
        OrderEvent::EditRefused => "order.edit_refused",
        OrderEvent::Held => "order.held",
        OrderEvent::Released => "order.released",
        OrderEvent::Noted => "order.noted",
        OrderEvent::Tagged => "order.tagged",
        OrderEvent::PersonErased => "order.person_erased",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::models::event::TYPES;

    #[test]
    fn the_type_of_an_event_is_its_name_in_the_history() {
        for event in [OrderEvent::Placed, OrderEvent::ReturnReceived, OrderEvent::PersonErased] {
            let name = serde_json::to_value(event).unwrap();
            assert_eq!(type_of(event), format!("order.{}", name.as_str().unwrap()));
            assert!(TYPES.contains(&type_of(event)));
        }
    }
}
