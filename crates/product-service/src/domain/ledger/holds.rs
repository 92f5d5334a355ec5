//! Keeping units for a checkout, and freeing them again: by their owner, their order, or the clock.

use super::reserve::Taken;
use super::{Judgement, Ledger};
use crate::domain::entry::{HoldChanged, HoldEntry, HoldRefused, HoldWish, Outcome};
use crate::domain::hold::{Hold, Portion, freed_by, kept_by};
use crate::domain::movement::Movement;
use common::ids::{HoldId, OrderId, ProductId};
use common::models::inventory::MovementKind;
use common::models::order::RequestedLine;
use common::models::reservation::HoldStatus;
use common::time::Timestamp;
use std::collections::{BTreeMap, HashMap};

/// A hold before and after a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldChange {
    /// As it was read; its version must still stand. `None`: there must be none.
    pub read: Option<Hold>,
    pub now: Hold,
}

/// The holds that a batch knows: those it names, and those of its products whose time is over.
#[derive(Debug, Default)]
pub(super) struct Holds {
    known: BTreeMap<HoldId, HoldChange>,
    /// Of every product whose holds were looked through: when the next one of those that last may end.
    next: HashMap<ProductId, Option<Timestamp>>,
}

impl Holds {
    pub(super) fn open(holds: Vec<Hold>, next: HashMap<ProductId, Option<Timestamp>>) -> Self {
        let known =
            holds.into_iter().map(|read| (read.id, HoldChange { now: read.clone(), read: Some(read) }));
        Self { known: known.collect(), next }
    }

    pub(super) fn get(&self, id: HoldId) -> Option<&Hold> {
        self.known.get(&id).map(|hold| &hold.now)
    }

    fn put(&mut self, now: Hold) {
        let read = self.known.get(&now.id).and_then(|hold| hold.read.clone());
        self.known.insert(now.id, HoldChange { read, now });
    }

    pub(super) fn next(&self) -> &HashMap<ProductId, Option<Timestamp>> {
        &self.next
    }

    /// When the first of the holds on a product that this batch makes ends.
    pub(super) fn next_end_of_new(&self, product_id: ProductId) -> Option<Timestamp> {
        let is_new = |hold: &&HoldChange| hold.read.is_none() && hold.now.status == HoldStatus::Active;
        let of_it = |hold: &Hold| hold.portions.iter().any(|portion| portion.product_id == product_id);
        let new = self.known.values().filter(is_new).map(|hold| &hold.now).filter(|hold| of_it(hold));
        new.map(|hold| hold.expires_at).min()
    }

    pub(super) fn into_changes(self) -> Vec<HoldChange> {
        self.known.into_values().filter(|hold| hold.read.as_ref() != Some(&hold.now)).collect()
    }
}

impl Ledger<'_> {
    /// Frees whatever is over by now, before anything is decided: nobody is refused for units that nobody has.
    pub(super) fn free_expired(&mut self) {
        let due: Vec<Hold> = self
            .holds
            .known
            .values()
            .map(|hold| &hold.now)
            .filter(|hold| hold.is_due_at(self.terms.at))
            .cloned()
            .collect();
        for hold in due {
            self.free(&hold, HoldStatus::Expired, None);
        }
    }

    /// Ends a hold with the one movement that frees its units.
    pub(super) fn free(&mut self, hold: &Hold, status: HoldStatus, order_id: Option<OrderId>) {
        let movement = self.freeing(hold, status);
        self.holds.put(hold.ended(status, order_id, self.terms.at));
        self.post(&movement);
        self.posted.push(movement.id);
        self.movements.insert(movement.id, movement);
    }

    fn freeing(&self, hold: &Hold, status: HoldStatus) -> Movement {
        let reason = match status {
            HoldStatus::Active | HoldStatus::Released => "given back",
            HoldStatus::Expired => "expired",
            HoldStatus::Used => "used by its order",
        };
        let lines = hold.freed_lines();
        let movement =
            Movement::new(freed_by(hold.id), MovementKind::HoldRelease, lines, &hold.owner, self.terms.at);
        Movement { hold_id: Some(hold.id), ..movement.because(reason) }
    }

    pub(super) fn judge_hold(&mut self, entry: &HoldEntry) -> Judgement {
        match &entry.wish {
            HoldWish::Keep { owner, lines, ttl_ms } => self.keep(entry.id, owner, lines, *ttl_ms),
            HoldWish::Extend { ttl_ms } => self.extend(entry.id, *ttl_ms),
            HoldWish::Release => self.end(entry.id, HoldStatus::Released),
            HoldWish::Expire => {
                // What was due ended as this batch began.
                Judgement::Answer(Outcome::Hold(self.known_hold(entry.id, false)))
            }
        }
    }

    fn keep(&mut self, id: HoldId, owner: &str, lines: &[RequestedLine], ttl_ms: i64) -> Judgement {
        let mut taken = Taken::default();
        let reasons: Vec<_> = lines
            .iter()
            .filter_map(|line| self.offer(line).and_then(|_| self.take(line, &mut taken)).err())
            .collect();
        self.unclaim(lines.iter().map(|line| line.product_id));
        if !reasons.is_empty() || lines.is_empty() {
            return Judgement::Answer(Outcome::Hold(Err(HoldRefused::NotToBeHad { reasons })));
        }
        let at = self.terms.at;
        let portions = taken.lines.iter().map(|line| Portion {
            product_id: line.product_id,
            location_id: line.location_id.clone(),
            units: line.reserved_delta,
        });
        let hold = Hold {
            id,
            owner: owner.to_owned(),
            status: HoldStatus::Active,
            lines: lines.to_vec(),
            portions: portions.collect(),
            expires_at: at.plus_millis(ttl_ms),
            order_id: None,
            version: 1,
            created_at: at,
            updated_at: at,
        };
        for product in lines.iter().map(|line| line.product_id) {
            if let Some(shelves) = self.shelves.get_mut(&product) {
                shelves.expect_end_of_hold(hold.expires_at);
            }
        }
        self.holds.put(hold);
        let movement = Movement::new(kept_by(id), MovementKind::Hold, taken.lines, owner, at);
        Judgement::Post(Movement { hold_id: Some(id), ..movement })
    }

    fn extend(&mut self, id: HoldId, ttl_ms: i64) -> Judgement {
        let at = self.terms.at;
        let outcome = match self.holds.get(id) {
            None => Err(HoldRefused::Unknown),
            Some(hold) if !hold.is_active_at(at) => Err(HoldRefused::Over { status: hold.status }),
            Some(hold) => match hold.extended(at.plus_millis(ttl_ms), at) {
                None => Err(HoldRefused::TooLong),
                Some(extended) => {
                    self.holds.put(extended.clone());
                    Ok(HoldChanged { hold: extended, replayed: false })
                }
            },
        };
        Judgement::Answer(Outcome::Hold(outcome))
    }

    /// By its owner, before its time. What is over stays as it ended.
    fn end(&mut self, id: HoldId, status: HoldStatus) -> Judgement {
        if let Some(hold) = self.holds.get(id).filter(|hold| hold.is_active_at(self.terms.at)).cloned() {
            self.free(&hold, status, None);
        }
        Judgement::Answer(Outcome::Hold(self.known_hold(id, false)))
    }

    pub(super) fn known_hold(&self, id: HoldId, replayed: bool) -> Result<HoldChanged, HoldRefused> {
        let hold = self.holds.get(id).cloned().ok_or(HoldRefused::Unknown)?;
        Ok(HoldChanged { hold, replayed })
    }

    /// What the ledger says to an entry whose movement stands.
    pub(super) fn hold_outcome(&self, entry: &HoldEntry, replayed: bool) -> Result<HoldChanged, HoldRefused> {
        let known = self.known_hold(entry.id, replayed)?;
        match &entry.wish {
            HoldWish::Keep { owner, lines, .. }
                if (&known.hold.owner, &known.hold.lines) != (owner, lines) =>
            {
                Err(HoldRefused::KeyReused)
            }
            HoldWish::Extend { .. } => Err(HoldRefused::Over { status: known.hold.status }),
            HoldWish::Keep { .. } | HoldWish::Release | HoldWish::Expire => Ok(known),
        }
    }
}
