//! What an order would come to: judged as its reservation would be, and left at that.

use super::foresee::foresee;
use crate::domain::entry::{Entry, Outcome};
use crate::domain::ledger::Offers;
use crate::startup::AppState;
use crate::store::ledger::PostError;
use common::ids::{MovementId, OrderId, ProductId};
use common::models::ledger::{LedgerEntry, LedgerOutcome};
use common::models::order::RequestedLine;
use common::models::quote::{QuotedOffer, StockQuestion, StockQuote};
use common::mongo::StoreError;
use std::collections::BTreeSet;

/// Why there is no quote.
#[derive(Debug, thiserror::Error)]
pub enum QuoteError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Post(#[from] PostError),
    /// The lines are none that a reservation could have.
    #[error("must have at least one line, each product once")]
    Lines,
}

pub async fn quote_order(state: &AppState, asked: StockQuestion) -> Result<StockQuote, QuoteError> {
    let products: BTreeSet<ProductId> = asked.lines.iter().map(|line| line.product_id).collect();
    if products.is_empty() || products.len() != asked.lines.len() {
        return Err(QuoteError::Lines);
    }
    let offers = state.products.offers(products).await?;
    let places = state.locations.places(&[]).await?;
    let StockQuestion { lines, hold_id } = asked;
    let told = told(&lines, &offers);
    let (id, order_id) = (MovementId::new(), OrderId::new());
    let entry = Entry::Order(LedgerEntry::Reserve { id, order_id, lines, hold_id });
    let outcomes = foresee(state, std::slice::from_ref(&entry), &offers, &places).await?;
    match outcomes.into_iter().next() {
        Some(Outcome::Order(LedgerOutcome::Reserved { .. })) => {
            Ok(StockQuote { reasons: Vec::new(), offers: told })
        }
        Some(Outcome::Order(LedgerOutcome::Refused { reasons })) => Ok(StockQuote { reasons, offers: told }),
        _ => Err(QuoteError::Lines),
    }
}

/// What there is of the lines, in their order.
fn told(lines: &[RequestedLine], offers: &Offers) -> Vec<QuotedOffer> {
    let offer = |line: &RequestedLine| {
        let offer = offers.get(&line.product_id)?;
        Some(QuotedOffer {
            product_id: line.product_id,
            sku: offer.sku.clone(),
            name: offer.name.clone(),
            unit_price_minor: offer.price.minor(),
            currency: offer.currency,
        })
    };
    lines.iter().filter_map(offer).collect()
}
