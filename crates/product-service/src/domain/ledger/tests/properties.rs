//! What holds for whatever entries come, in whatever batches.

use super::holds;
use super::shop::{
    Shop, adjust, backorders, receive, refuse, release, reserve, set, ship, take_back, transfer,
};
use crate::domain::entry::{Entry, Outcome};
use common::ids::MovementId;
use common::models::ledger::LedgerEntry;
use proptest::prelude::*;
use std::collections::HashMap;

fn any_place() -> impl Strategy<Value = Option<&'static str>> {
    prop::sample::select(vec![None, Some("main"), Some("near"), Some("far"), Some("nowhere")])
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let lines = || prop::collection::vec((0..4_u8, 1..6_u32), 1..4);
    prop_oneof![
        4 => (0..12_u8, lines()).prop_map(|(of, lines)| reserve(of, &lines)),
        1 => (0..12_u8).prop_map(refuse),
        3 => (0..12_u8, 0..12_u8, lines()).prop_map(|(id, of, lines)| release(id, of, &lines)),
        2 => (60..70_u8, 0..12_u8, lines(), any_place()).prop_map(|(id, of, lines, from)| ship(id, of, &lines, from)),
        2 => (70..80_u8, 0..12_u8, lines(), any_place()).prop_map(|(id, of, lines, to)| take_back(id, of, &lines, to)),
        1 => (80..90_u8, 0..4_u8, 0..6_i64).prop_map(|(id, number, units)| receive("near", id, number, units)),
        1 => (90..99_u8, 0..4_u8, 0..6_i64).prop_map(|(id, number, units)| transfer(id, number, "main", "far", units)),
        1 => (99..110_u8, 0..4_u8, 0..6_i64).prop_map(|(id, number, limit)| backorders(id, number, limit)),
        2 => (0..8_u8, lines()).prop_map(|(id, lines)| holds::keep(id, &lines, 50)),
        1 => (0..8_u8).prop_map(holds::give_back),
        1 => (0..8_u8).prop_map(|id| holds::extend(id, 60)),
        2 => (12..24_u8, 0..8_u8, lines()).prop_map(|(of, hold, lines)| holds::reserve_held(of, &lines, hold)),
        1 => (20..30_u8, 0..4_u8, 0..20_u32).prop_map(|(id, number, units)| set(id, number, units)),
        1 => (40..50_u8, 0..4_u8, -8..8_i64).prop_map(|(id, number, delta)| adjust(id, number, delta)),
    ]
}

proptest! {
    /// Product 3 does not exist. However entries fall into batches, the ledger adds up after each, and sending
    /// everything again changes nothing and is answered alike.
    #[test]
    fn the_ledger_always_adds_up_and_repeats_change_nothing(
        batches in prop::collection::vec(prop::collection::vec(any_entry(), 1..12), 1..6),
        units in prop::collection::vec(0..12_i64, 3),
    ) {
        let mut shop = Shop::with_stock(&units);
        let mut answers: HashMap<MovementId, Outcome> = HashMap::new();
        for batch in &batches {
            let outcomes = shop.post(batch);
            prop_assert_eq!(outcomes.len(), batch.len());
            shop.check();
            for (entry, outcome) in batch.iter().zip(outcomes) {
                if matches!(entry, Entry::Order(_)) && shop.movements.contains_key(&entry.movement_id()) {
                    answers.insert(entry.movement_id(), outcome);
                }
            }
        }
        let stock = shop.stock.clone();
        let holds = shop.holds.clone();
        let recorded = shop.movements.len();
        let repeats: Vec<Entry> = batches
            .concat()
            .into_iter()
            .filter(|entry| shop.movements.contains_key(&entry.movement_id()))
            .collect();
        let outcomes = shop.post(&repeats);
        prop_assert_eq!(&shop.stock, &stock);
        prop_assert_eq!(&shop.holds, &holds);
        prop_assert_eq!(shop.movements.len(), recorded);
        for (entry, outcome) in repeats.iter().zip(outcomes) {
            if let (Entry::Order(LedgerEntry::Reserve { .. } | LedgerEntry::Refuse { .. }), Some(first)) =
                (entry, answers.get(&entry.movement_id()))
            {
                prop_assert_eq!(&outcome, first);
            }
        }
    }

    /// Splitting a batch in two, as the writer does with one that keeps failing, changes no outcome.
    #[test]
    fn a_batch_may_be_split_anywhere(
        batch in prop::collection::vec(any_entry(), 2..16),
        at in 0..16_usize,
    ) {
        let (mut whole, mut halves) = (Shop::with_stock(&[6, 6, 6]), Shop::with_stock(&[6, 6, 6]));
        let (first, second) = batch.split_at(at.min(batch.len()));
        let mut outcomes = halves.post(first);
        outcomes.extend(halves.post(second));
        prop_assert_eq!(whole.post(&batch), outcomes);
        prop_assert_eq!(whole.stock, halves.stock);
    }
}
