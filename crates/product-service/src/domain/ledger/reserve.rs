//! Promising units to an order, or recording why it gets none.

use super::{Judgement, Ledger, Offer};
use crate::domain::entry::Outcome;
use crate::domain::hold::Hold;
use crate::domain::movement::{Movement, MovementLine};
use common::ids::{HoldId, MovementId, OrderId, ProductId};
use common::models::inventory::MovementKind;
use common::models::ledger::ReservedItem;
use common::models::order::{MAX_LINES, Rejection, RejectionCode, RequestedLine};
use common::models::product::ProductStatus;
use common::models::reservation::HoldStatus;
use common::money::{Currency, Money};

/// What lines claimed so far, place by place.
#[derive(Default)]
pub(super) struct Taken {
    pub lines: Vec<MovementLine>,
}

/// What the lines of an order buy, and where it stands.
struct Purchase {
    currency: Currency,
    items: Vec<ReservedItem>,
    lines: Vec<MovementLine>,
}

impl<'a> Ledger<'a> {
    pub(super) fn reserve(
        &mut self,
        id: MovementId,
        order_id: OrderId,
        lines: &[RequestedLine],
        hold_id: Option<HoldId>,
    ) -> Judgement {
        if lines.is_empty() || lines.len() > MAX_LINES {
            return Judgement::Answer(Outcome::contradiction());
        }
        // What was held is free for this order alone. A hold that is over gives it no more than anyone else has.
        let hold = hold_id.and_then(|id| self.holds.get(id)).filter(|hold| hold.is_active_at(self.terms.at));
        let hold = hold.cloned();
        let portions = hold.iter().flat_map(|hold| &hold.portions);
        for portion in portions.clone() {
            if let Some(shelves) = self.shelves.get_mut(&portion.product_id) {
                shelves.claim(&portion.location_id, -portion.units);
            }
        }
        let purchase = self.purchase(lines);
        let claimed = lines.iter().map(|line| line.product_id);
        self.unclaim(claimed.chain(portions.map(|portion| portion.product_id)));
        Judgement::Post(match purchase {
            Ok(purchase) => self.reservation(id, order_id, purchase, hold.as_ref()),
            Err(reasons) => self.refusal(id, order_id, reasons),
        })
    }

    fn reservation(
        &mut self,
        id: MovementId,
        order_id: OrderId,
        purchase: Purchase,
        hold: Option<&Hold>,
    ) -> Movement {
        if let Some(hold) = hold {
            self.free(hold, HoldStatus::Used, Some(order_id));
        }
        let Purchase { currency, items, lines } = purchase;
        Movement {
            items,
            currency: Some(currency),
            hold_id: hold.map(|hold| hold.id),
            ..self.movement(id, MovementKind::Reservation, lines).of_order(order_id)
        }
    }

    /// Nobody came back for the reservation in time.
    pub(super) fn expire(&self, id: MovementId, order_id: OrderId) -> Movement {
        self.refusal(id, order_id, vec![of_the_whole_order(RejectionCode::Expired)])
    }

    fn refusal(&self, id: MovementId, order_id: OrderId, reasons: Vec<Rejection>) -> Movement {
        Movement { reasons, ..self.movement(id, MovementKind::Refusal, Vec::new()).of_order(order_id) }
    }

    pub(super) fn unclaim(&mut self, products: impl Iterator<Item = ProductId>) {
        for product in products {
            if let Some(shelves) = self.shelves.get_mut(&product) {
                shelves.unclaim();
            }
        }
    }

    /// What the lines buy, or every reason why they cannot be had. Leaves claims behind.
    fn purchase(&mut self, lines: &[RequestedLine]) -> Result<Purchase, Vec<Rejection>> {
        let (mut items, mut taken) = (Vec::with_capacity(lines.len()), Taken::default());
        let mut reasons = Vec::new();
        let (mut currency, mut mixed, mut total) = (None, false, Some(Money::ZERO));
        for line in lines {
            match self.offer(line).and_then(|offer| self.take(line, &mut taken).map(|()| offer)) {
                Ok(offer) => {
                    mixed |= *currency.get_or_insert(offer.currency) != offer.currency;
                    let price = offer.price.checked_mul(line.quantity.get());
                    total = total.zip(price).and_then(|(total, price)| total.checked_add(price));
                    items.push(item(line, offer));
                }
                Err(reason) => reasons.push(reason),
            }
        }
        match currency {
            Some(currency) if reasons.is_empty() && !mixed && total.is_some() => {
                Ok(Purchase { currency, items, lines: taken.lines })
            }
            _ => {
                if reasons.is_empty() {
                    let code =
                        if mixed { RejectionCode::MixedCurrencies } else { RejectionCode::TotalTooLarge };
                    reasons.push(of_the_whole_order(code));
                }
                Err(reasons)
            }
        }
    }

    /// The offer of a line's product, where it is for sale.
    pub(super) fn offer(&self, line: &RequestedLine) -> Result<&'a Offer, Rejection> {
        let rejection = |code| Rejection { product_id: Some(line.product_id), ..of_the_whole_order(code) };
        match self.terms.offers.get(&line.product_id) {
            None => Err(rejection(RejectionCode::UnknownProduct)),
            Some(offer) if offer.status != ProductStatus::Active => {
                Err(rejection(RejectionCode::ProductNotActive))
            }
            Some(offer) => Ok(offer),
        }
    }

    /// Claims a line's units where they are.
    pub(super) fn take(&mut self, line: &RequestedLine, taken: &mut Taken) -> Result<(), Rejection> {
        let requested = line.quantity.get();
        let out_of_stock = |available: i64| Rejection {
            product_id: Some(line.product_id),
            requested: Some(requested),
            available: Some(u32::try_from(available.max(0)).unwrap_or(u32::MAX)),
            ..of_the_whole_order(RejectionCode::OutOfStock)
        };
        let shelves = self.shelves.get_mut(&line.product_id).ok_or_else(|| out_of_stock(0))?;
        for portion in shelves.allocate(requested.into()).map_err(out_of_stock)? {
            shelves.claim(&portion.location_id, portion.units);
            taken.lines.push(MovementLine::reserved(line.product_id, portion.location_id, portion.units));
        }
        Ok(())
    }
}

const fn of_the_whole_order(code: RejectionCode) -> Rejection {
    Rejection { product_id: None, code, requested: None, available: None }
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
