//! Faults on purpose (feature `fault-injection`, debug builds only): a process that ends itself at a named point, or that
//! leaves out a rule. Without the feature nothing of this is compiled in.

/// Where a process may be told to end itself: before and after each call or write of another party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    BeforeRecord,
    AfterRecord,
    BeforeReserve,
    AfterReserve,
    BeforeSettle,
    AfterSettle,
    BeforeAnswer,
    BeforeChange,
    AfterChange,
    BeforeDeliver,
    AfterDeliver,
    BeforeMarkDone,
    AfterMarkDone,
    BeforeSweepRefuse,
    AfterSweepRefuse,
    BeforeStockTransaction,
    BeforeStockMove,
    BeforeMovements,
    BeforeStockCommit,
    AfterStockCommit,
}

impl Point {
    pub const ALL: [Self; 20] = [
        Self::BeforeRecord,
        Self::AfterRecord,
        Self::BeforeReserve,
        Self::AfterReserve,
        Self::BeforeSettle,
        Self::AfterSettle,
        Self::BeforeAnswer,
        Self::BeforeChange,
        Self::AfterChange,
        Self::BeforeDeliver,
        Self::AfterDeliver,
        Self::BeforeMarkDone,
        Self::AfterMarkDone,
        Self::BeforeSweepRefuse,
        Self::AfterSweepRefuse,
        Self::BeforeStockTransaction,
        Self::BeforeStockMove,
        Self::BeforeMovements,
        Self::BeforeStockCommit,
        Self::AfterStockCommit,
    ];

    /// Its name in `OMS_CRASH_AT`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeRecord => "place.before_record",
            Self::AfterRecord => "place.after_record",
            Self::BeforeReserve => "place.before_reserve",
            Self::AfterReserve => "place.after_reserve",
            Self::BeforeSettle => "place.before_settle",
            Self::AfterSettle => "place.after_settle",
            Self::BeforeAnswer => "place.before_answer",
            Self::BeforeChange => "change.before_write",
            Self::AfterChange => "change.after_write",
            Self::BeforeDeliver => "effect.before_deliver",
            Self::AfterDeliver => "effect.after_deliver",
            Self::BeforeMarkDone => "effect.before_mark_done",
            Self::AfterMarkDone => "effect.after_mark_done",
            Self::BeforeSweepRefuse => "sweep.before_refuse",
            Self::AfterSweepRefuse => "sweep.after_refuse",
            Self::BeforeStockTransaction => "stock.before_transaction",
            Self::BeforeStockMove => "stock.before_move",
            Self::BeforeMovements => "stock.before_movements",
            Self::BeforeStockCommit => "stock.before_commit",
            Self::AfterStockCommit => "stock.after_commit",
        }
    }
}

/// A rule of a protocol that can be left out, to see that its absence is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Omission {
    /// Pending orders that are too old are rejected without asking the stock ledger to refuse them first.
    ExpiryWithoutRefusal,
}

impl Omission {
    /// Its name in `OMS_LEAVE_OUT`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExpiryWithoutRefusal => "expiry.refusal",
        }
    }
}

#[cfg(all(feature = "fault-injection", debug_assertions))]
pub use injected::{NAMES, is_left_out, point};

#[cfg(not(all(feature = "fault-injection", debug_assertions)))]
pub use nothing::{NAMES, is_left_out, point};

#[cfg(not(all(feature = "fault-injection", debug_assertions)))]
mod nothing {
    use super::{Omission, Point};

    /// Variables of the environment that are understood.
    pub const NAMES: [&str; 0] = [];

    pub const fn point(_: Point) {}

    pub const fn is_left_out(_: Omission) -> bool {
        false
    }
}

#[cfg(all(feature = "fault-injection", debug_assertions))]
mod injected {
    use super::{Omission, Point};
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    const CRASH_AT: &str = "OMS_CRASH_AT";
    const LEAVE_OUT: &str = "OMS_LEAVE_OUT";

    /// Variables of the environment that are understood.
    pub const NAMES: [&str; 2] = [CRASH_AT, LEAVE_OUT];

    /// Ends the process at once where `OMS_CRASH_AT` is the point's name; `name:3` at the third time.
    pub fn point(point: Point) {
        static ARMED: OnceLock<Option<(String, u32)>> = OnceLock::new();
        static PASSED: AtomicU32 = AtomicU32::new(0);
        let armed = ARMED.get_or_init(|| {
            let wanted = variable(CRASH_AT)?;
            match wanted.split_once(':') {
                Some((name, nth)) => Some((name.to_owned(), nth.parse().unwrap_or(1))),
                None => Some((wanted, 1)),
            }
        });
        if let Some((name, nth)) = armed
            && name == point.name()
            && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *nth
        {
            eprintln!("ending at {name}");
            std::process::abort();
        }
    }

    pub fn is_left_out(rule: Omission) -> bool {
        static LEFT_OUT: OnceLock<Option<String>> = OnceLock::new();
        LEFT_OUT.get_or_init(|| variable(LEAVE_OUT)).as_deref() == Some(rule.name())
    }

    #[expect(clippy::disallowed_methods, reason = "faults are no setting of a service")]
    fn variable(name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_point_has_a_name_of_its_own() {
        let names: HashSet<&str> = Point::ALL.into_iter().map(Point::name).collect();
        assert_eq!(names.len(), Point::ALL.len());
    }
}
