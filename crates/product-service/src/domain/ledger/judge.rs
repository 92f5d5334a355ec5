//! What one entry comes to, by itself: the movement it leaves, or why it leaves none.

use super::{Ledger, Offer};
use crate::domain::entry::{Adjust, Entry, Outcome, SetAvailable, StockChanged, StockRefused};
use crate::domain::movement::{Movement, MovementKind, MovementLine};
use crate::domain::stock::{MAIN, StockId};
use common::ids::{MovementId, OrderId, ProductId};
use common::models::ledger::{LedgerEntry, ReservedItem};
use common::models::order::{MAX_LINES, Rejection, RejectionCode, RequestedLine};
use common::models::product::{MAX_UNITS, ProductStatus};
use common::money::{Currency, Money};
use std::collections::HashMap;

/// Who acts in movements that order-service asks for.
const ORDER_SERVICE: &str = "order-service";

/// What one entry comes to.
pub(super) enum Judgement {
    Post(Movement),
    /// Nothing is to be written.
    Answer(Outcome),
}

impl<'a> Ledger<'a> {
    pub(super) fn judge(&self, entry: &Entry) -> Judgement {
        match entry {
            Entry::Order(LedgerEntry::Reserve { order_id, lines }) => self.reserve(*order_id, lines),
            Entry::Order(LedgerEntry::Refuse { order_id }) => {
                let expired = Rejection {
                    product_id: None,
                    code: RejectionCode::Expired,
                    requested: None,
                    available: None,
                };
                Judgement::Post(self.refusal(*order_id, vec![expired]))
            }
            Entry::Order(LedgerEntry::Release { id, order_id, lines }) => self.release(*id, *order_id, lines),
            Entry::SetAvailable(set) => self.set_available(set),
            Entry::Adjust(adjust) => self.adjust(adjust),
        }
    }

    fn reserve(&self, order_id: OrderId, lines: &[RequestedLine]) -> Judgement {
        if lines.is_empty() || lines.len() > MAX_LINES {
            return Judgement::Answer(Outcome::contradiction());
        }
        let (currency, items) = match self.purchase(lines) {
            Ok(purchase) => purchase,
            Err(reasons) => return Judgement::Post(self.refusal(order_id, reasons)),
        };
        let promised = |line: &RequestedLine| {
            MovementLine::reserved(line.product_id, MAIN, i64::from(line.quantity.get()))
        };
        let lines = lines.iter().map(promised).collect();
        Judgement::Post(Movement {
            order_id: Some(order_id),
            items,
            currency: Some(currency),
            ..self.movement(order_id.reservation(), MovementKind::Reservation, lines, ORDER_SERVICE)
        })
    }

    fn refusal(&self, order_id: OrderId, reasons: Vec<Rejection>) -> Movement {
        Movement {
            order_id: Some(order_id),
            reasons,
            ..self.movement(order_id.reservation(), MovementKind::Refusal, Vec::new(), ORDER_SERVICE)
        }
    }

    /// What the lines buy, or every reason why they cannot be had.
    fn purchase(&self, lines: &[RequestedLine]) -> Result<(Currency, Vec<ReservedItem>), Vec<Rejection>> {
        let mut taken: HashMap<ProductId, i64> = HashMap::with_capacity(lines.len());
        let mut items = Vec::with_capacity(lines.len());
        let mut reasons = Vec::new();
        let (mut currency, mut mixed, mut total) = (None, false, Some(Money::ZERO));
        for line in lines {
            let earlier = taken.entry(line.product_id).or_default();
            match self.offer(line, *earlier) {
                Ok(offer) => {
                    mixed |= *currency.get_or_insert(offer.currency) != offer.currency;
                    let price = offer.price.checked_mul(line.quantity.get());
                    total = total.zip(price).and_then(|(total, price)| total.checked_add(price));
                    items.push(item(line, offer));
                }
                Err(reason) => reasons.push(reason),
            }
            *earlier += i64::from(line.quantity.get());
        }
        let whole_order = |code| Rejection { product_id: None, code, requested: None, available: None };
        match currency {
            Some(currency) if reasons.is_empty() && !mixed && total.is_some() => Ok((currency, items)),
            _ => {
                if reasons.is_empty() {
                    let code =
                        if mixed { RejectionCode::MixedCurrencies } else { RejectionCode::TotalTooLarge };
                    reasons.push(whole_order(code));
                }
                Err(reasons)
            }
        }
    }

    /// The offer of a line's product, where so much of it is left after `earlier` units went to lines before.
    fn offer(&self, line: &RequestedLine, earlier: i64) -> Result<&'a Offer, Rejection> {
        let rejection =
            |code| Rejection { product_id: Some(line.product_id), code, requested: None, available: None };
        let offer =
            self.offers.get(&line.product_id).ok_or_else(|| rejection(RejectionCode::UnknownProduct))?;
        if offer.status != ProductStatus::Active {
            return Err(rejection(RejectionCode::ProductNotActive));
        }
        let row = self.rows.get(&StockId::new(line.product_id, MAIN));
        let left = row.map_or(0, |row| row.now.available()) - earlier;
        let requested = line.quantity.get();
        if left < i64::from(requested) {
            return Err(Rejection {
                requested: Some(requested),
                available: Some(u32::try_from(left.max(0)).unwrap_or(u32::MAX)),
                ..rejection(RejectionCode::OutOfStock)
            });
        }
        Ok(offer)
    }

    /// Gives back what the order's reservation still holds, and never more.
    fn release(&self, id: MovementId, order_id: OrderId, lines: &[RequestedLine]) -> Judgement {
        let contradiction = Judgement::Answer(Outcome::contradiction());
        let reservation = self.movements.get(&order_id.reservation());
        let Some(reservation) = reservation.filter(|movement| movement.kind == MovementKind::Reservation)
        else {
            return contradiction;
        };
        if lines.is_empty() || lines.len() > MAX_LINES {
            return contradiction;
        }
        let mut held: HashMap<ProductId, (i64, &str)> = HashMap::with_capacity(reservation.lines.len());
        for line in &reservation.lines {
            let released = || self.released.get(&(order_id, line.product_id)).copied().unwrap_or(0);
            let (units, _) =
                held.entry(line.product_id).or_insert_with(|| (-released(), line.location_id.as_str()));
            *units += line.reserved_delta;
        }
        let mut given_back = Vec::with_capacity(lines.len());
        for line in lines {
            let quantity = i64::from(line.quantity.get());
            let Some((units, location_id)) = held.get_mut(&line.product_id) else { return contradiction };
            *units -= quantity;
            let movement_line = MovementLine::reserved(line.product_id, location_id, -quantity);
            let row = self.rows.get(&movement_line.stock_id());
            if *units < 0 || row.is_none_or(|row| row.now.reserved < quantity) {
                return contradiction;
            }
            given_back.push(movement_line);
        }
        Judgement::Post(Movement {
            order_id: Some(order_id),
            ..self.movement(id, MovementKind::Release, given_back, ORDER_SERVICE)
        })
    }

    fn set_available(&self, set: &SetAvailable) -> Judgement {
        let Some(row) = self.rows.get(&StockId::new(set.product_id, MAIN)) else {
            return refused(StockRefused::UnknownProduct);
        };
        let stock = &row.now;
        if set.expected_version.is_some_and(|expected| expected != stock.version) {
            return refused(StockRefused::Stale { version: stock.version });
        }
        let on_hand = stock.reserved + i64::from(set.available.get());
        if on_hand == stock.on_hand {
            return Judgement::Answer(Outcome::Stock(Ok(StockChanged::Set(stock.clone()))));
        }
        if on_hand > i64::from(MAX_UNITS) {
            return refused(StockRefused::TooManyUnits);
        }
        let lines = vec![MovementLine::on_hand(set.product_id, on_hand - stock.on_hand)];
        Judgement::Post(Movement {
            reason: Some(format!("available set to {}", set.available.get())),
            ..self.movement(set.id, MovementKind::Adjustment, lines, &set.actor.reference())
        })
    }

    fn adjust(&self, adjust: &Adjust) -> Judgement {
        let Some(row) = self.rows.get(&StockId::new(adjust.product_id, MAIN)) else {
            return refused(StockRefused::UnknownProduct);
        };
        let stock = &row.now;
        let on_hand = stock.on_hand.saturating_add(adjust.delta);
        if on_hand < stock.reserved {
            return refused(StockRefused::BelowReserved { on_hand: stock.on_hand, reserved: stock.reserved });
        }
        if on_hand > i64::from(MAX_UNITS) {
            return refused(StockRefused::TooManyUnits);
        }
        let lines = vec![MovementLine::on_hand(adjust.product_id, adjust.delta)];
        Judgement::Post(Movement {
            reason: Some(adjust.reason.to_string()),
            ..self.movement(adjust.id, MovementKind::Adjustment, lines, &adjust.actor.reference())
        })
    }

    fn movement(
        &self,
        id: MovementId,
        kind: MovementKind,
        lines: Vec<MovementLine>,
        actor: &str,
    ) -> Movement {
        Movement::new(id, kind, lines, actor, self.at)
    }
}

fn refused(why: StockRefused) -> Judgement {
    Judgement::Answer(Outcome::Stock(Err(why)))
}

fn item(line: &RequestedLine, offer: &Offer) -> ReservedItem {
    ReservedItem {
        product_id: line.product_id,
        quantity: line.quantity.get(),
        sku: offer.sku.clone(),
        name: offer.name.clone(),
        unit_price_minor: offer.price.minor(),
    }
}
