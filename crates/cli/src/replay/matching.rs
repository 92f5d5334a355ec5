//! Which order a cancelling invoice cancels: the newest earlier one of the same customer with exactly its goods.

use super::lines::InvoiceKind;
use super::plan::{CustomerIndex, Invoice, Plan, ProductIndex};
use common::models::order::Quantity;
use std::collections::HashMap;

/// What a cancelling invoice comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelling {
    /// The place of the invoice whose order is cancelled.
    Order(usize),
    Nothing(Unmatched),
}

/// Why no order can be cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unmatched {
    /// It takes back postage, a discount or the like.
    NoGoods,
    /// What it belongs to was bought before the file begins, or is cancelled already.
    NoEarlierOrder,
    /// An order of the customer has these goods and others: only whole orders are cancelled.
    PartOfOrder,
    /// No single order of the customer has these goods.
    NotInOneOrder,
}

impl Unmatched {
    pub const fn label(self) -> &'static str {
        match self {
            Self::NoGoods => "takes back no goods",
            Self::NoEarlierOrder => "customer without an open earlier order",
            Self::PartOfOrder => "takes back a part of an order",
            Self::NotInOneOrder => "goods of no single earlier order",
        }
    }
}

type Lines = Vec<(ProductIndex, Quantity)>;

/// One decision for each cancelling invoice, by its place, in the order of the file.
pub fn match_cancellations(plan: &Plan) -> Vec<(usize, Cancelling)> {
    let mut open: HashMap<CustomerIndex, Vec<(usize, Lines)>> = HashMap::new();
    let mut decisions = Vec::new();
    for (place, invoice) in plan.invoices.iter().enumerate() {
        let lines = sorted(invoice);
        match invoice.kind {
            InvoiceKind::Sale if lines.is_empty() => {}
            InvoiceKind::Sale => open.entry(invoice.customer).or_default().push((place, lines)),
            InvoiceKind::Cancellation => {
                let orders = open.entry(invoice.customer).or_default();
                decisions.push((place, decide(&lines, orders)));
            }
        }
    }
    decisions
}

fn sorted(invoice: &Invoice) -> Lines {
    let mut lines = invoice.lines.clone();
    lines.sort_unstable();
    lines
}

/// Takes the order that is cancelled from those that are open, oldest first.
fn decide(lines: &Lines, open: &mut Vec<(usize, Lines)>) -> Cancelling {
    if lines.is_empty() {
        return Cancelling::Nothing(Unmatched::NoGoods);
    }
    if let Some(newest) = open.iter().rposition(|(_, bought)| bought == lines) {
        return Cancelling::Order(open.remove(newest).0);
    }
    let is_part = |bought: &Lines| {
        lines.iter().all(|(product, units)| {
            let found = bought.binary_search_by_key(product, |(product, _)| *product);
            found.ok().and_then(|place| bought.get(place)).is_some_and(|(_, bought)| bought >= units)
        })
    };
    Cancelling::Nothing(if open.is_empty() {
        Unmatched::NoEarlierOrder
    } else if open.iter().any(|(_, bought)| is_part(bought)) {
        Unmatched::PartOfOrder
    } else {
        Unmatched::NotInOneOrder
    })
}

#[cfg(test)]
mod tests {
    use super::super::plan::tests::plan_of;
    use super::*;

    #[test]
    fn the_newest_equal_order_of_the_customer_is_cancelled_and_each_only_once() {
        let plan = plan_of(
            &[
                ("1", "7", "A", 2),
                ("1", "7", "B1", 1),
                ("2", "7", "B1", 1),
                ("2", "7", "A", 2),
                ("3", "8", "A", 2),
                ("C4", "7", "A", -1),
                ("C4", "7", "B1", -1),
                ("C4", "7", "A", -1),
                ("C5", "7", "A", -2),
                ("C5", "7", "B1", -1),
                ("C6", "7", "A", -2),
                ("C6", "7", "B1", -1),
            ],
            usize::MAX,
        );
        let decisions: Vec<_> =
            match_cancellations(&plan).into_iter().map(|(_, decision)| decision).collect();
        assert_eq!(
            decisions,
            [Cancelling::Order(1), Cancelling::Order(0), Cancelling::Nothing(Unmatched::NoEarlierOrder)]
        );
    }

    #[test]
    fn walk_in_orders_are_matched_too_and_a_later_order_is_not() {
        let plan =
            plan_of(&[("1", "", "A", 2), ("C2", "", "A", -2), ("C3", "9", "A", -2), ("4", "9", "A", 2)], 9);
        let decisions = match_cancellations(&plan);
        assert_eq!(decisions[0], (1, Cancelling::Order(0)));
        assert_eq!(decisions[1], (2, Cancelling::Nothing(Unmatched::NoEarlierOrder)));
    }

    #[test]
    fn what_cancels_nothing_has_its_reason() {
        let plan = plan_of(
            &[
                ("1", "7", "A", 2),
                ("1", "7", "B1", 1),
                ("C2", "7", "A", -1),
                ("C3", "7", "A", -3),
                ("C4", "7", "POST", -1),
                ("C5", "7", "C", -1),
            ],
            usize::MAX,
        );
        let reasons: Vec<_> = match_cancellations(&plan).into_iter().map(|(_, decision)| decision).collect();
        assert_eq!(
            reasons,
            [Unmatched::PartOfOrder, Unmatched::NotInOneOrder, Unmatched::NoGoods, Unmatched::NotInOneOrder]
                .map(Cancelling::Nothing)
        );
    }
}
