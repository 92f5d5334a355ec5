//! Orders in the stages of their life, and their parcels and returns, for the tests that only need one.

use crate::table::Object;
use common::ids::{CustomerId, OrderId, ProductId};
use common::models::fulfillment::NewFulfillment;
use common::models::order_change::Remark;
use common::models::order_return::{NewReturn, NewReturnLine};
use oms_client::{Client, MoveOptions};

/// Whether it is an order in some stage.
pub const fn is_order(object: Object) -> bool {
    matches!(object, Object::Order | Object::HeldOrder | Object::ShippedOrder | Object::DeliveredOrder)
}

/// An order of one unit in this stage: its identity.
pub async fn order(admin: &Client, owner: CustomerId, product: ProductId, stage: Object) -> String {
    let (plain, remark) = (MoveOptions::default(), Remark::default());
    let id = admin.create_order(owner, product, 1).await.unwrap().id;
    if stage == Object::HeldOrder {
        admin.hold_order(id, &remark, plain).await.unwrap();
    }
    if matches!(stage, Object::ShippedOrder | Object::DeliveredOrder) {
        let shipped = admin.ship_order(id, &NewFulfillment::default(), plain).await.unwrap().value;
        if stage == Object::DeliveredOrder {
            admin.deliver_fulfillment(id, shipped.fulfillments[0].id, &remark, plain).await.unwrap();
        }
    }
    id.to_string()
}

/// The order's parcel, or a fresh return of its unit: its identity.
pub async fn part(admin: &Client, id: OrderId, part: Object) -> String {
    let (plain, order) = (MoveOptions::default(), admin.order(id).await.unwrap());
    if part == Object::Fulfillment {
        return order.fulfillments[0].id.to_string();
    }
    let line = NewReturnLine {
        product_id: order.lines[0].product_id,
        quantity: 1.try_into().unwrap(),
        reason: None,
    };
    let asked = admin.request_return(id, &NewReturn { lines: vec![line] }, plain).await.unwrap().value;
    let returned = asked.returns[0].id;
    if part == Object::ApprovedReturn {
        admin.approve_return(id, returned, &Remark::default(), plain).await.unwrap();
    }
    returned.to_string()
}
