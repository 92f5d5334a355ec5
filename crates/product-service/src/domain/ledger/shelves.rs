//! The rows of one product while a batch is decided, in the order in which orders take from them.

use crate::domain::places::Places;
use crate::domain::stock::Stock;
use common::ids::ProductId;
use common::models::location::LocationId;
use common::time::Timestamp;

/// One row as it was read and as it stands after the entries so far.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// `None`: this batch makes it.
    pub read: Option<Stock>,
    pub now: Stock,
    /// Units that the entry being judged has taken already, or would give back.
    pub claimed: i64,
}

impl Row {
    /// Units on the shelf that nobody has been promised.
    fn free(&self) -> i64 {
        (self.now.on_hand - self.now.reserved - self.claimed).max(0)
    }

    /// The same, with what may be promised beyond the shelf.
    fn room(&self) -> i64 {
        (self.now.on_hand + self.now.backorder_limit - self.now.reserved - self.claimed).max(0)
    }

    pub(super) fn is_changed(&self) -> bool {
        self.read.as_ref() != Some(&self.now)
    }
}

/// So many units of one product at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Portion {
    pub location_id: LocationId,
    pub units: i64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Shelves {
    rows: Vec<Row>,
}

impl Shelves {
    pub(super) fn open(mut rows: Vec<Stock>, places: &Places) -> Self {
        rows.sort_by(|one, other| places.rank(&one.location_id).cmp(&places.rank(&other.location_id)));
        let row = |read: Stock| Row { now: read.clone(), read: Some(read), claimed: 0 };
        Self { rows: rows.into_iter().map(row).collect() }
    }

    /// From whom orders take first, in front.
    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// As it stands. A row that only made room for a place is none yet.
    pub(super) fn stock(&self) -> Vec<Stock> {
        self.rows.iter().filter(|row| row.now.version > 0).map(|row| row.now.clone()).collect()
    }

    pub(super) fn into_rows(self) -> Vec<Row> {
        self.rows
    }

    pub(super) fn at(&self, location_id: &LocationId) -> Option<&Row> {
        self.rows.iter().find(|row| row.now.location_id == *location_id)
    }

    pub(super) fn at_mut(&mut self, location_id: &LocationId) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.now.location_id == *location_id)
    }

    pub(super) fn main(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.now.location_id.is_main())
    }

    pub(super) fn main_mut(&mut self) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.now.location_id.is_main())
    }

    /// Makes room for a place where the product has not been yet.
    pub(super) fn add(&mut self, product_id: ProductId, location_id: &LocationId, places: &Places) {
        if self.at(location_id).is_none() {
            let now = Stock::empty(product_id, location_id.clone());
            let rank = places.rank(location_id);
            let index = self.rows.partition_point(|row| places.rank(&row.now.location_id) < rank);
            self.rows.insert(index, Row { read: None, now, claimed: 0 });
        }
    }

    /// On hand and promised to nobody, everywhere.
    pub(super) fn available(&self) -> i64 {
        self.rows.iter().map(|row| row.now.available()).sum()
    }

    /// What a conditional change names as current.
    pub(super) fn version(&self) -> i64 {
        self.rows.iter().map(|row| row.now.version).sum()
    }

    /// Finds so many units: at the first place that has them all; else split over the places in their order; and
    /// what no shelf has, at the default location as far as backorders are taken. Or how many could be had.
    pub(super) fn allocate(&self, units: i64) -> Result<Vec<Portion>, i64> {
        let portion = |row: &Row, units| Portion { location_id: row.now.location_id.clone(), units };
        if let Some(row) = self.rows.iter().find(|row| row.free() >= units) {
            return Ok(vec![portion(row, units)]);
        }
        let mut left = units;
        let mut portions = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let taken = row.free().min(left);
            left -= taken;
            let beyond = if row.now.location_id.is_main() { row.room() - row.free() } else { 0 };
            portions.push((row, taken, beyond));
        }
        // Only the default location has room beyond its shelf.
        let beyond: i64 = portions.iter().map(|(_, _, beyond)| beyond).sum();
        if left > beyond {
            return Err(units - left + beyond);
        }
        let taken = portions.into_iter().filter_map(|(row, taken, _)| {
            let owed = if row.now.location_id.is_main() { left } else { 0 };
            (taken + owed > 0).then(|| portion(row, taken + owed))
        });
        Ok(taken.collect())
    }

    /// Sets apart what the entry being judged takes, or with a negative number what it would give back.
    pub(super) fn claim(&mut self, location_id: &LocationId, units: i64) {
        if let Some(row) = self.at_mut(location_id) {
            row.claimed += units;
        }
    }

    pub(super) fn unclaim(&mut self) {
        for row in &mut self.rows {
            row.claimed = 0;
        }
    }

    /// A hold on the product ends then, or later.
    pub(super) fn expect_end_of_hold(&mut self, at: Timestamp) {
        let Some(main) = self.main_mut() else { return };
        let first = Some(main.now.holds_from.map_or(at, |first| first.min(at)));
        if main.now.holds_from != first {
            main.now.holds_from = first;
            // Here and not at the end of the batch: how a batch is cut must not show in a version.
            main.now.version += 1;
        }
    }

    /// The holds that had ended were freed: of the others none ends before `next`.
    pub(super) fn forget_ended_holds(&mut self, next: Option<Timestamp>) {
        if let Some(main) = self.main_mut() {
            main.now.holds_from = next;
        }
    }

    /// Notes since when the product is low, or that it is not any more, and raises the version of a row that changed
    /// in another way than by a movement.
    pub(super) fn watch(&mut self, at: Timestamp) {
        let available = self.available();
        if !self.rows.iter().any(Row::is_changed) {
            return;
        }
        let Some(main) = self.main_mut() else { return };
        let is_low = main.now.low_stock_threshold.is_some_and(|threshold| available <= threshold);
        main.now.low_since = if is_low { main.now.low_since.or(Some(at)) } else { None };
        let is_raised = main.read.as_ref().is_none_or(|read| read.version != main.now.version);
        if main.is_changed() && !is_raised {
            main.now.version += 1;
        }
    }
}
