//! What a replay did: every invoice and every line of it, and whether they add up.

use super::lines::InvoiceKind;
use super::matching::{Cancelling, Unmatched};
use super::plan::Plan;
use common::ids::OrderId;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::time::Duration;

/// Longest latency that is told apart from longer ones: ten minutes.
const LONGEST_US: u64 = 600_000_000;

/// Most failures that are told one by one.
const TOLD_FAILURES: usize = 20;

/// How placing one order ended.
#[derive(Clone, Debug)]
pub enum Placed {
    /// Answered 201 for the first time, after this long, tries included.
    New(OrderId, Duration),
    /// Answered 201 as the repeat of an earlier request, at the first try: an earlier run placed it.
    Replayed(OrderId),
    /// The same at a later try: most likely an earlier try placed it and its answer was lost.
    ReplayedLater(OrderId),
    /// Answered with a rejection of this code.
    Rejected(String),
    Failed(String),
}

/// How one cancelling invoice ended.
#[derive(Clone, Debug)]
pub enum Cancelled {
    New,
    /// Its order was cancelled by an earlier run.
    Replayed,
    Unmatched(Unmatched),
    /// The order it matches was not placed.
    NoOrder,
    Failed(String),
}

/// Where every line of the file went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineCounts {
    pub read: u64,
    /// Lines of the orders that were sent.
    pub ordered: u64,
    /// Lines added to another one of the same order.
    pub added_up: u64,
    /// Lines of cancelling invoices that match an order.
    pub cancelling: u64,
    /// Lines of cancelling invoices that match none.
    pub cancelling_nothing: u64,
    pub left_out: u64,
}

#[derive(Debug)]
pub struct Tally {
    pub lines: LineCounts,
    pub lines_by_reason: Vec<(&'static str, u64)>,
    pub lines_past_limit: u64,
    pub invoices: u64,
    pub orders_sent: u64,
    pub cancelling_invoices: u64,
    pub invoices_without_goods: u64,
    pub placed_new: u64,
    pub replayed: u64,
    pub replayed_later: u64,
    pub rejected: BTreeMap<String, u64>,
    pub cancelled_new: u64,
    pub cancelled_before: u64,
    pub unmatched: BTreeMap<Unmatched, u64>,
    pub without_order: u64,
    pub failed_orders: u64,
    pub failed_cancellations: u64,
    /// Told one by one, up to a bound.
    pub failures: Vec<String>,
    /// Every order that was answered 201 in this run.
    pub acknowledged: Vec<OrderId>,
    pub placing: Duration,
    pub retries: u64,
    /// Of placing new orders, in microseconds, tries included.
    pub latency_us: Histogram<u64>,
}

impl Tally {
    /// Counts what the plan decides before anything is sent.
    pub fn of(plan: &Plan, decisions: &[(usize, Cancelling)]) -> anyhow::Result<Self> {
        let mut lines = LineCounts {
            read: plan.lines_read,
            left_out: plan.left_out.values().sum(),
            ..LineCounts::default()
        };
        let mut orders_sent = 0;
        for invoice in plan.orders().filter_map(|place| plan.invoices.get(place)) {
            lines.ordered += count(invoice.lines.len());
            lines.added_up += invoice.added_up;
            orders_sent += 1;
        }
        for (place, decision) in decisions {
            let goods = plan.invoices.get(*place).map_or(0, |c| count(c.lines.len()) + c.added_up);
            match decision {
                Cancelling::Order(_) => lines.cancelling += goods,
                Cancelling::Nothing(_) => lines.cancelling_nothing += goods,
            }
        }
        let without_goods =
            plan.invoices.iter().filter(|one| one.kind == InvoiceKind::Sale && one.lines.is_empty()).count();
        Ok(Self {
            lines,
            lines_by_reason: plan.left_out.iter().map(|(reason, lines)| (reason.label(), *lines)).collect(),
            lines_past_limit: plan.lines_past_limit,
            invoices: count(plan.invoices.len()),
            orders_sent,
            cancelling_invoices: count(decisions.len()),
            invoices_without_goods: count(without_goods),
            placed_new: 0,
            replayed: 0,
            replayed_later: 0,
            rejected: BTreeMap::new(),
            cancelled_new: 0,
            cancelled_before: 0,
            unmatched: BTreeMap::new(),
            without_order: 0,
            failed_orders: 0,
            failed_cancellations: 0,
            failures: Vec::new(),
            acknowledged: Vec::new(),
            placing: Duration::ZERO,
            retries: 0,
            latency_us: Histogram::new_with_bounds(1, LONGEST_US, 3)?,
        })
    }

    pub fn placed(&mut self, invoice: &str, placed: Placed) {
        match placed {
            Placed::New(id, took) => {
                self.placed_new += 1;
                self.acknowledged.push(id);
                self.latency_us.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
            }
            Placed::Replayed(id) => {
                self.replayed += 1;
                self.acknowledged.push(id);
            }
            Placed::ReplayedLater(id) => {
                self.replayed_later += 1;
                self.acknowledged.push(id);
            }
            Placed::Rejected(code) => *self.rejected.entry(code).or_default() += 1,
            Placed::Failed(problem) => {
                self.failed_orders += 1;
                self.failed(invoice, &problem);
            }
        }
    }

    pub fn cancelled(&mut self, invoice: &str, cancelled: Cancelled) {
        match cancelled {
            Cancelled::New => self.cancelled_new += 1,
            Cancelled::Replayed => self.cancelled_before += 1,
            Cancelled::Unmatched(reason) => *self.unmatched.entry(reason).or_default() += 1,
            Cancelled::NoOrder => self.without_order += 1,
            Cancelled::Failed(problem) => {
                self.failed_cancellations += 1;
                self.failed(invoice, &problem);
            }
        }
    }

    fn failed(&mut self, invoice: &str, problem: &str) {
        if self.failures.len() < TOLD_FAILURES {
            self.failures.push(format!("invoice {invoice}: {problem}"));
        }
    }

    /// Whether every invoice and every line ended in exactly one place, and nothing failed.
    pub fn is_accounted_for(&self) -> bool {
        self.unaccounted().is_empty()
    }

    /// What does not add up, in words.
    pub fn unaccounted(&self) -> Vec<String> {
        let LineCounts { read, ordered, added_up, cancelling, cancelling_nothing, left_out } = self.lines;
        let rejected: u64 = self.rejected.values().sum();
        let unmatched: u64 = self.unmatched.values().sum();
        let failed = self.failed_orders + self.failed_cancellations;
        let sums = [
            ("lines", read, ordered + added_up + cancelling + cancelling_nothing + left_out),
            ("lines left out", left_out, self.lines_by_reason.iter().map(|(_, lines)| lines).sum()),
            (
                "invoices",
                self.invoices,
                self.orders_sent + self.cancelling_invoices + self.invoices_without_goods,
            ),
            (
                "orders",
                self.orders_sent,
                self.placed_new + self.replayed + self.replayed_later + rejected + self.failed_orders,
            ),
            (
                "cancellations",
                self.cancelling_invoices,
                self.cancelled_new
                    + self.cancelled_before
                    + unmatched
                    + self.without_order
                    + self.failed_cancellations,
            ),
        ];
        let mut problems: Vec<String> = sums
            .into_iter()
            .filter(|(_, whole, parts)| whole != parts)
            .map(|(what, whole, parts)| format!("{whole} {what}, but the parts add up to {parts}"))
            .collect();
        if failed > 0 {
            problems.push(format!("{failed} requests failed"));
        }
        problems
    }
}

fn count(things: usize) -> u64 {
    u64::try_from(things).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::matching::match_cancellations;
    use super::super::plan::tests::plan_of;
    use super::*;

    fn tally() -> Tally {
        let plan = plan_of(
            &[
                ("1", "7", "A", 2),
                ("1", "7", "A", 1),
                ("2", "7", "B1", 1),
                ("3", "7", "POST", 1),
                ("C4", "7", "A", -3),
                ("C5", "7", "A", -1),
            ],
            usize::MAX,
        );
        Tally::of(&plan, &match_cancellations(&plan)).unwrap()
    }

    #[test]
    fn the_sums_prove_that_every_line_and_invoice_is_accounted_for() {
        let mut tally = tally();
        assert_eq!(
            tally.lines,
            LineCounts {
                read: 6,
                ordered: 2,
                added_up: 1,
                cancelling: 1,
                cancelling_nothing: 1,
                left_out: 1
            }
        );
        assert!(!tally.is_accounted_for(), "nothing is sent yet");
        tally.placed("1", Placed::New(OrderId::new(), Duration::from_millis(3)));
        tally.placed("2", Placed::Rejected("out_of_stock".into()));
        tally.cancelled("C4", Cancelled::New);
        tally.cancelled("C5", Cancelled::Unmatched(Unmatched::PartOfOrder));
        assert_eq!(tally.unaccounted(), Vec::<String>::new());
    }

    #[test]
    fn a_failed_request_leaves_the_replay_unaccounted_for_and_is_told() {
        let mut tally = tally();
        tally.placed("1", Placed::Replayed(OrderId::new()));
        tally.placed("2", Placed::Failed("no answer in time".into()));
        tally.cancelled("C4", Cancelled::Replayed);
        tally.cancelled("C5", Cancelled::NoOrder);
        assert_eq!(tally.unaccounted(), ["1 requests failed"]);
        assert_eq!(tally.failures, ["invoice 2: no answer in time"]);
    }
}
