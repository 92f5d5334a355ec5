//! The table that a replay ends with.

use super::tally::Tally;
use comfy_table::{CellAlignment, Table, presets};

/// Everything that was counted, the parts indented below their whole.
pub fn table(tally: &Tally) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    for (label, value) in invoices(tally).into_iter().chain(lines(tally)).chain(speed(tally)) {
        table.add_row([label, value]);
    }
    let verdict = if tally.is_accounted_for() { "yes" } else { "NO" };
    table.add_row(["Everything accounted for", verdict]);
    if let Some(values) = table.column_mut(1) {
        values.set_cell_alignment(CellAlignment::Right);
    }
    table
}

type Rows = Vec<(String, String)>;

fn row(label: &str, value: u64) -> (String, String) {
    (label.to_owned(), value.to_string())
}

fn invoices(tally: &Tally) -> Rows {
    let mut rows = vec![
        row("Invoices read", tally.invoices),
        row("  sent as orders", tally.orders_sent),
        row("  cancellations", tally.cancelling_invoices),
        row("  without a line of goods", tally.invoices_without_goods),
        row("Orders placed", tally.placed_new),
        row("Orders replayed (already there)", tally.replayed),
        row("Orders replayed to a request sent again", tally.replayed_later),
        row("Orders rejected", tally.rejected.values().sum()),
    ];
    rows.extend(tally.rejected.iter().map(|(code, orders)| row(&format!("  {code}"), *orders)));
    rows.push(row("Orders failed", tally.failed_orders));
    rows.push(row("Orders cancelled", tally.cancelled_new));
    rows.push(row("Orders cancelled before", tally.cancelled_before));
    rows.push(row("Cancellations without a matching order", tally.unmatched.values().sum()));
    rows.extend(
        tally.unmatched.iter().map(|(reason, invoices)| row(&format!("  {}", reason.label()), *invoices)),
    );
    rows.push(row("Cancellations of an order that was not placed", tally.without_order));
    rows.push(row("Cancellations failed", tally.failed_cancellations));
    rows
}

fn lines(tally: &Tally) -> Rows {
    let mut rows = vec![
        row("Lines read", tally.lines.read),
        row("  in orders", tally.lines.ordered),
        row("  added to a line of the same product", tally.lines.added_up),
        row("  of cancellations that match an order", tally.lines.cancelling),
        row("  of cancellations that match none", tally.lines.cancelling_nothing),
        row("  left out", tally.lines.left_out),
    ];
    rows.extend(tally.lines_by_reason.iter().map(|(reason, lines)| row(&format!("    {reason}"), *lines)));
    if tally.lines_past_limit > 0 {
        rows.push(row("Lines past the limit, read for their stock alone", tally.lines_past_limit));
    }
    rows
}

fn speed(tally: &Tally) -> Rows {
    let rejected: u64 = tally.rejected.values().sum();
    let answered = tally.placed_new + tally.replayed + tally.replayed_later + rejected;
    let millis = u64::try_from(tally.placing.as_millis()).unwrap_or(u64::MAX).max(1);
    let latency = |label: &str, percentile| {
        let micros = tally.latency_us.value_at_percentile(percentile);
        let text = if tally.latency_us.is_empty() {
            "–".to_owned()
        } else {
            format!("{}.{} ms", micros / 1000, micros / 100 % 10)
        };
        (label.to_owned(), text)
    };
    vec![
        row("Orders answered per second", answered.saturating_mul(1000) / millis),
        latency("Latency of placing, p50", 50.0),
        latency("Latency of placing, p99", 99.0),
        row("Requests sent again", tally.retries),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::matching::{Unmatched, match_cancellations};
    use super::super::plan::tests::plan_of;
    use super::super::tally::{Cancelled, Placed, Tally};
    use super::*;
    use common::ids::OrderId;
    use std::time::Duration;

    #[test]
    fn the_table_shows_every_whole_with_its_parts() {
        let plan = plan_of(&[("1", "7", "A", 2), ("2", "7", "POST", 1), ("C3", "7", "A", -1)], usize::MAX);
        let mut tally = Tally::of(&plan, &match_cancellations(&plan)).unwrap();
        tally.placed("1", Placed::New(OrderId::new(), Duration::from_micros(3_000)));
        tally.cancelled("C3", Cancelled::Unmatched(Unmatched::PartOfOrder));
        let text = table(&tally).to_string();
        for part in
            ["takes back a part of an order", "carriage (POST", "3.0 ms", "Everything accounted for", "yes"]
        {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }
}
