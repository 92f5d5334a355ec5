//! A shop in miniature, in each of its states.

use crate::audit::documents::{
    Effect, EffectLine, EffectState, MovementDocument, MovementLine, OrderDocument, OrderLine, ReservedItem,
    StockDocument,
};
use crate::audit::ledger::Ledger;
use crate::audit::report::Report;
use crate::audit::rules::orders::judge_order;
use crate::audit::rules::{
    judge_acknowledged, judge_movement, judge_orders_left, judge_places_left, judge_stock,
};
use common::ids::{CustomerId, MovementId, OrderId, ProductId};
use common::models::inventory::MovementKind;
use common::models::order::OrderStatus;
use common::money::Currency;
use common::time::Timestamp;
use std::collections::HashSet;

pub(super) const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// A shop in miniature: one order of two products, its movements, the stock and the customer.
#[derive(Clone)]
pub(super) struct Shop {
    pub(super) order: OrderDocument,
    pub(super) movements: Vec<MovementDocument>,
    pub(super) stock: Vec<StockDocument>,
    pub(super) customers: HashSet<CustomerId>,
    pub(super) products: HashSet<ProductId>,
    pub(super) acknowledged: Vec<OrderId>,
}

pub(super) fn on_hand(product: ProductId, delta: i64) -> MovementLine {
    MovementLine { product_id: product, location_id: "main".into(), on_hand_delta: delta, reserved_delta: 0 }
}

pub(super) fn movement(id: MovementId, kind: MovementKind, lines: Vec<MovementLine>) -> MovementDocument {
    MovementDocument { id, kind, lines, order_id: None, items: Vec::new(), currency: None }
}

fn line(product_id: ProductId, quantity: i64) -> OrderLine {
    OrderLine {
        product_id,
        quantity,
        cancelled: 0,
        shipped: 0,
        delivered: 0,
        returned: 0,
        restocked: 0,
        shipped_before: 0,
        sku: Some("A-1".into()),
        name: Some("A thing".into()),
        unit_price_minor: Some(150),
    }
}

impl Shop {
    /// Ten of each product in stock, two and three of them bought for 7.50.
    pub(super) fn confirmed() -> Self {
        let products = [ProductId::new(), ProductId::new()];
        let (id, customer_id) = (OrderId::new(), CustomerId::new());
        let lines = vec![line(products[0], 2), line(products[1], 3)];
        let receipt = movement(
            MovementId::new(),
            MovementKind::Adjustment,
            products.iter().map(|product| on_hand(*product, 10)).collect(),
        );
        let mut reservation = movement(id.reservation(), MovementKind::Reservation, Vec::new());
        reservation.order_id = Some(id);
        reservation.currency = Some(Currency::EUR);
        for line in &lines {
            let mut moved = on_hand(line.product_id, 0);
            moved.reserved_delta = line.quantity;
            reservation.lines.push(moved);
            reservation.items.push(ReservedItem {
                product_id: line.product_id,
                quantity: line.quantity,
                sku: "A-1".into(),
                name: "A thing".into(),
                unit_price_minor: 150,
            });
        }
        let stock = lines.iter().map(|line| StockDocument {
            product_id: line.product_id,
            location_id: "main".into(),
            on_hand: 10,
            reserved: line.quantity,
            backorder_limit: 0,
        });
        Self {
            stock: stock.collect(),
            order: OrderDocument {
                id,
                customer_id,
                status: OrderStatus::Confirmed,
                lines,
                currency: Some(Currency::EUR),
                total_minor: Some(750),
                effects: Vec::new(),
                pruned_effects: 0,
                edit: None,
                edits: Vec::new(),
                origin: None,
                created_at: NOW.plus_millis(-60_000),
            },
            movements: vec![receipt, reservation],
            customers: HashSet::from([customer_id]),
            products: products.into(),
            acknowledged: vec![id],
        }
    }

    /// The same order cancelled, its release due for a second.
    pub(super) fn cancelled() -> Self {
        let mut shop = Self::confirmed();
        shop.order.status = OrderStatus::Cancelled;
        shop.order.total_minor = Some(0);
        let lines = shop.order.lines.iter_mut().map(|line| {
            line.cancelled = line.quantity;
            EffectLine { product_id: line.product_id, quantity: line.quantity }
        });
        let effect = Effect {
            id: MovementId::new(),
            kind: MovementKind::Release,
            lines: lines.collect(),
            state: EffectState::Due,
            at: NOW.plus_millis(-1_000),
        };
        shop.order.effects.push(effect);
        shop
    }

    /// The release of [`Shop::cancelled`] is delivered.
    pub(super) fn released() -> Self {
        let mut shop = Self::cancelled();
        let mut release = movement(shop.order.effects[0].id, MovementKind::Release, Vec::new());
        release.order_id = Some(shop.order.id);
        for row in &mut shop.stock {
            let mut moved = on_hand(row.product_id, 0);
            moved.reserved_delta = -row.reserved;
            release.lines.push(moved);
            row.reserved = 0;
        }
        shop.movements.push(release);
        shop
    }

    /// The same request, before its reservation.
    pub(super) fn pending() -> Self {
        let mut shop = Self::confirmed();
        shop.movements.truncate(1);
        for row in &mut shop.stock {
            row.reserved = 0;
        }
        shop.undecide(OrderStatus::Pending);
        shop.order.created_at = NOW.plus_millis(-1_000);
        shop
    }

    /// Takes back what the order learned.
    pub(super) fn undecide(&mut self, status: OrderStatus) {
        self.order.status = status;
        (self.order.currency, self.order.total_minor) = (None, None);
        for line in &mut self.order.lines {
            (line.sku, line.name, line.unit_price_minor) = (None, None, None);
        }
    }

    pub(super) fn audit(&self) -> Report {
        let (mut report, mut ledger) = (Report::default(), Ledger::default());
        for movement in &self.movements {
            judge_movement(movement, &mut report);
            ledger.record(movement);
        }
        for row in &self.stock {
            judge_stock(row, &mut ledger, &self.products, &mut report);
        }
        judge_places_left(&ledger, &mut report);
        let movements = ledger.take_order(self.order.id);
        judge_order(&self.order, &movements, &self.customers, NOW, &mut report);
        judge_orders_left(&ledger, &mut report);
        let mut missing: HashSet<OrderId> = self.acknowledged.iter().copied().collect();
        missing.remove(&self.order.id);
        judge_acknowledged(&self.acknowledged, &missing, &mut report);
        report
    }
}
