//! Why a product has the stock that it has.

use crate::startup::AppState;
use crate::store::movements::Sums;
use common::ids::{OrderId, ProductId};
use common::models::inventory::{ExplainedLocation, Explanation};
use common::mongo::StoreError;

/// A page of the explanation, and whether another one follows. `None`: there is no such product.
pub async fn explain_stock(
    state: &AppState,
    product_id: ProductId,
    after: Option<OrderId>,
    limit: usize,
) -> Result<Option<(Explanation, bool)>, StoreError> {
    let one_more = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let Some(mut sums) = state.movements.add_up(product_id, after, one_more).await? else {
        return Ok(None);
    };
    let more = sums.orders.len() > limit;
    sums.orders.truncate(limit);
    sums.holds.truncate(limit);
    Ok(Some((explanation(product_id, sums), more)))
}

fn explanation(product_id: ProductId, sums: Sums) -> Explanation {
    let locations: Vec<ExplainedLocation> = sums
        .rows
        .iter()
        .map(|row| {
            let (on_hand_moved, reserved_moved) = sums.at(&row.location_id);
            ExplainedLocation {
                location_id: row.location_id.clone(),
                on_hand: row.on_hand,
                reserved: row.reserved,
                on_hand_moved,
                reserved_moved,
            }
        })
        .collect();
    let is_explained = |location: &ExplainedLocation| {
        (location.on_hand, location.reserved) == (location.on_hand_moved, location.reserved_moved)
    };
    let has_a_row = |group: &crate::store::movements::Group| {
        locations.iter().any(|location| location.location_id == group.location_id)
    };
    Explanation {
        product_id,
        on_hand: locations.iter().map(|location| location.on_hand).sum(),
        reserved: locations.iter().map(|location| location.reserved).sum(),
        adds_up: locations.iter().all(is_explained) && sums.groups.iter().all(has_a_row),
        kinds: sums.by_kind(),
        locations,
        orders: sums.orders,
        holds: sums.holds,
    }
}
