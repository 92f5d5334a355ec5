//! What order-service counts beside its requests: what becomes of orders, and what is not done yet.

use crate::domain::webhook::Verdict;
use crate::store::backlog::Backlog;
use crate::workflows::place_order::{PlaceError, Placed};
use common::metrics::{Counters, Gauge, counters, gauge, label, set};
use common::models::order::{OrderStatus, RejectionCode};
use std::sync::LazyLock;

static PLACED: LazyLock<Counters<1>> = LazyLock::new(|| {
    let help =
        "Orders asked for, by what was answered: confirmed, rejected, replayed, unsettled, busy, refused.";
    counters("oms_orders_placed", help)
});
static REJECTED: LazyLock<Counters<1>> = LazyLock::new(|| {
    counters("oms_order_rejections", "Reasons that orders were rejected for; an order may have many.")
});
static WEBHOOKS: LazyLock<Counters<1>> = LazyLock::new(|| {
    let help =
        "Tries to deliver an event to a webhook, by what came of it: delivered, failed, later, gone, dead.";
    counters("oms_webhook_tries", help)
});
static BACKLOG: LazyLock<BacklogGauges> = LazyLock::new(|| BacklogGauges {
    pending: gauge("oms_orders_pending", "Orders that are recorded and not settled."),
    oldest_pending: gauge(
        "oms_orders_pending_oldest_age_seconds",
        "Age of the oldest of them; 0: there is none.",
    ),
    due: gauge("oms_order_effects_due", "Orders that owe the stock ledger a movement."),
    oldest_due: gauge(
        "oms_order_effects_due_oldest_age_seconds",
        "Age of the oldest of them; 0: there is none.",
    ),
});

struct BacklogGauges {
    pending: Gauge,
    oldest_pending: Gauge,
    due: Gauge,
    oldest_due: Gauge,
}

/// Shows every series from the start, so that a rate sees the first of each.
pub fn start() {
    for outcome in ["confirmed", "rejected", "replayed", "unsettled", "busy", "refused"] {
        PLACED.get_or_create_owned(&[label("outcome", outcome)]);
    }
    for code in RejectionCode::ALL {
        REJECTED.get_or_create_owned(&[label("reason", code.as_str())]);
    }
    for outcome in ["delivered", "failed", "later", "gone", "dead"] {
        WEBHOOKS.get_or_create_owned(&[label("outcome", outcome)]);
    }
    LazyLock::force(&BACKLOG);
}

/// Counts what became of a request for an order, and hands it on.
pub fn placed(outcome: Result<Placed, PlaceError>) -> Result<Placed, PlaceError> {
    let name = match &outcome {
        Ok(placed) if placed.replayed => "replayed",
        Ok(placed) if placed.order.status == OrderStatus::Rejected => {
            for rejection in placed.order.rejections.iter() {
                REJECTED.get_or_create(&[label("reason", rejection.code.as_str())]).inc();
            }
            "rejected"
        }
        Ok(_) => "confirmed",
        Err(PlaceError::Busy) => "busy",
        Err(PlaceError::Unsettled { .. } | PlaceError::Peer(_)) => "unsettled",
        Err(_) => "refused",
    };
    PLACED.get_or_create(&[label("outcome", name)]).inc();
    outcome
}

/// Counts a try at a receiver; `is_last` where it was not delivered and is not tried again.
pub fn webhook_tried(verdict: Verdict, is_last: bool) {
    let outcome = match verdict {
        Verdict::Delivered => "delivered",
        _ if is_last => "dead",
        Verdict::Failed => "failed",
        Verdict::Later(_) => "later",
        Verdict::Gone => "gone",
    };
    WEBHOOKS.get_or_create(&[label("outcome", outcome)]).inc();
}

/// What waits to be done now.
pub fn backlog(backlog: &Backlog) {
    set(&BACKLOG.pending, backlog.pending);
    BACKLOG.oldest_pending.set(backlog.oldest_pending_s);
    set(&BACKLOG.due, backlog.effects_due);
    BACKLOG.oldest_due.set(backlog.oldest_effect_due_s);
}
