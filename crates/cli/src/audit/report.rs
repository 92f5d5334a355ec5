//! What an audit found: for each invariant what was checked and who breaks it.

use serde::Serialize;
use std::fmt;

/// Most offenders of one invariant that are kept by name; the rest are counted.
const NAMED_OFFENDERS: usize = 20;

/// The rules that hold at any moment, in the words of the architecture page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Invariant {
    /// Stock is the sum of its ledger, and never promised twice.
    A1,
    /// An order's movements are what its lines and due effects say.
    A2,
    /// Orders and ledger know each other.
    A3,
    /// Nothing waits for long.
    A4,
    /// Totals equal lines, and what was acknowledged is there.
    A5,
}

impl Invariant {
    pub const ALL: [Self; 5] = [Self::A1, Self::A2, Self::A3, Self::A4, Self::A5];

    const fn title(self) -> &'static str {
        match self {
            Self::A1 => "stock is the sum of its movements, nothing promised beyond on hand and backorders",
            Self::A2 => "an order's movements are what its lines and due effects say",
            Self::A3 => "orders, their reservations and their customers agree",
            Self::A4 => "no order pending and no effect due for more than 30 s",
            Self::A5 => "totals equal the lines, every acknowledged order is there",
        }
    }
}

/// One thing that breaks an invariant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Offence {
    /// The order, movement or stock row.
    pub id: String,
    pub problem: String,
}

/// One invariant's outcome.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub invariant: Invariant,
    pub title: &'static str,
    /// How many things were held against the rule.
    pub checked: u64,
    /// How many break it.
    pub broken: u64,
    /// The first of those.
    pub offences: Vec<Offence>,
}

/// How much there was to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    pub customers: u64,
    pub products: u64,
    pub stock: u64,
    pub movements: u64,
    pub orders: u64,
}

/// The outcome of one audit of one cut through the databases.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub counts: Counts,
    pub findings: Vec<Finding>,
}

impl Default for Report {
    fn default() -> Self {
        let findings = Invariant::ALL.map(|invariant| Finding {
            invariant,
            title: invariant.title(),
            checked: 0,
            broken: 0,
            offences: Vec::new(),
        });
        Self { counts: Counts::default(), findings: findings.into() }
    }
}

impl Report {
    pub fn is_clean(&self) -> bool {
        self.findings.iter().all(|finding| finding.broken == 0)
    }

    /// What was found of one invariant.
    pub fn finding(&self, invariant: Invariant) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.invariant == invariant)
    }

    pub fn checked(&mut self, invariant: Invariant) {
        self.with(invariant, |finding| finding.checked += 1);
    }

    pub fn broken(&mut self, invariant: Invariant, id: impl fmt::Display, problem: impl Into<String>) {
        self.with(invariant, |finding| {
            finding.broken += 1;
            if finding.offences.len() < NAMED_OFFENDERS {
                finding.offences.push(Offence { id: id.to_string(), problem: problem.into() });
            }
        });
    }

    fn with(&mut self, invariant: Invariant, change: impl FnOnce(&mut Finding)) {
        if let Some(finding) = self.findings.iter_mut().find(|finding| finding.invariant == invariant) {
            change(finding);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { customers, products, stock, movements, orders } = self.counts;
        writeln!(
            f,
            "Audit of one cut: {orders} orders, {movements} movements, {stock} stock rows, {products} products, \
             {customers} customers"
        )?;
        for finding in &self.findings {
            let mark = if finding.broken == 0 { "✓" } else { "✗" };
            let (invariant, title) = (finding.invariant, finding.title);
            write!(f, "  {mark} {invariant:?}  {title}: {} checked", finding.checked)?;
            if finding.broken > 0 {
                write!(f, ", {} broken", finding.broken)?;
            }
            writeln!(f)?;
            for Offence { id, problem } in &finding.offences {
                writeln!(f, "       {id}: {problem}")?;
            }
            let named = u64::try_from(finding.offences.len()).unwrap_or(u64::MAX);
            if finding.broken > named {
                writeln!(f, "       and {} more", finding.broken - named)?;
            }
        }
        f.write_str(if self.is_clean() { "Everything agrees." } else { "The shop contradicts itself." })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offenders_are_named_up_to_a_bound_and_counted_beyond_it() {
        let mut report = Report::default();
        assert!(report.is_clean());
        for number in 0..25 {
            report.broken(Invariant::A2, format!("order-{number}"), "is odd");
        }
        assert!(!report.is_clean());
        let finding = report.finding(Invariant::A2).unwrap();
        assert_eq!((finding.broken, finding.offences.len()), (25, 20));
        let text = report.to_string();
        assert!(text.contains("✗ A2") && text.contains("order-19: is odd") && text.contains("and 5 more"));
        assert!(text.contains("✓ A1") && !text.contains("order-20"));
    }
}
