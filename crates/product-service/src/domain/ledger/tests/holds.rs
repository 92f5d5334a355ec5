//! Units kept for checkouts, under a clock that the tests set.

use super::shop::AT;
use super::*;
use crate::domain::entry::{HoldChanged, HoldEntry, HoldRefused, HoldWish};
use common::ids::HoldId;
use common::models::reservation::HoldStatus;
use proptest::prelude::*;
use uuid::Uuid;

fn hold_id(number: u8) -> HoldId {
    HoldId::from_uuid(Uuid::from_u128(0x0d00 + u128::from(number)))
}

fn hold_entry(number: u8, wish: HoldWish) -> Entry {
    Entry::Hold(HoldEntry { id: hold_id(number), wish })
}

pub(super) fn keep(number: u8, lines: &[(u8, u32)], ttl_ms: i64) -> Entry {
    hold_entry(number, HoldWish::Keep { owner: "somebody".into(), lines: wanted(lines), ttl_ms })
}

pub(super) fn extend(number: u8, ttl_ms: i64) -> Entry {
    hold_entry(number, HoldWish::Extend { ttl_ms })
}

pub(super) fn give_back(number: u8) -> Entry {
    hold_entry(number, HoldWish::Release)
}

fn sweep(number: u8) -> Entry {
    hold_entry(number, HoldWish::Expire)
}

pub(super) fn reserve_held(of: u8, lines: &[(u8, u32)], hold: u8) -> Entry {
    let (order_id, lines) = (order(of), wanted(lines));
    Entry::Order(LedgerEntry::Reserve {
        id: order_id.reservation(),
        order_id,
        lines,
        hold_id: Some(hold_id(hold)),
    })
}

fn held(outcome: &Outcome) -> Result<&HoldChanged, &HoldRefused> {
    match outcome {
        Outcome::Hold(outcome) => outcome.as_ref(),
        other => panic!("{other:?}"),
    }
}

fn status(shop: &Shop, number: u8) -> HoldStatus {
    shop.holds[&hold_id(number)].status
}

#[test]
fn what_is_held_is_nobody_elses_until_the_instant_the_hold_expires() {
    let mut shop = Shop::with_stock(&[5]);
    shop.post(&[keep(1, &[(0, 4)], 1000)]);
    assert_eq!(shop.stock(0), (5, 4));
    shop.at = AT.plus_millis(999);
    let refused = shop.post(&[reserve(1, &[(0, 2)])]);
    assert_eq!(rejections(&refused[0])[0].available, Some(1));
    shop.at = AT.plus_millis(1000);
    assert!(is_reserved(&shop.post(&[reserve(2, &[(0, 5)])])[0]));
    assert_eq!((shop.stock(0), status(&shop, 1)), ((5, 5), HoldStatus::Expired));
    assert_eq!(
        held(&shop.post(&[extend(1, 1000)])[0]),
        Err(&HoldRefused::Over { status: HoldStatus::Expired })
    );
    shop.check();
}

#[test]
fn an_order_that_names_its_hold_has_the_units_and_nobody_has_them_twice() {
    let mut shop = Shop::with_stock(&[5, 5]);
    shop.post(&[keep(1, &[(0, 4), (1, 1)], 1000), reserve(9, &[(0, 1)])]);
    let outcomes =
        shop.post(&[reserve(1, &[(0, 4)]), reserve_held(2, &[(0, 4)], 1), reserve_held(3, &[(0, 1)], 1)]);
    assert!(is_reserved(&outcomes[1]));
    assert_eq!(rejections(&outcomes[0])[0].available, Some(0));
    assert_eq!(rejections(&outcomes[2])[0].available, Some(0));
    assert_eq!((status(&shop, 1), shop.holds[&hold_id(1)].order_id), (HoldStatus::Used, Some(order(2))));
    assert_eq!((shop.stock(0), shop.stock(1)), ((5, 5), (5, 0)));
    // Named again, the order is answered what stands; its units are released as its own.
    assert_eq!(shop.post(&[reserve_held(2, &[(0, 4)], 1)]), [outcomes[1].clone()]);
    assert_eq!(shop.post(&[release(1, 2, &[(0, 4)])]), [APPLIED]);
    assert_eq!(shop.stock(0), (5, 1));
    shop.check();
}

#[test]
fn an_order_that_gets_nothing_leaves_its_hold_alone_and_an_expired_one_gives_it_no_more_than_others() {
    let mut shop = Shop::with_stock(&[5]);
    shop.post(&[keep(1, &[(0, 3)], 1000), reserve(9, &[(0, 2)])]);
    let refused = shop.post(&[reserve_held(1, &[(0, 4)], 1)]);
    assert_eq!(rejections(&refused[0])[0].available, Some(3));
    assert_eq!((status(&shop, 1), shop.stock(0)), (HoldStatus::Active, (5, 5)));
    shop.at = AT.plus_millis(1000);
    let outcomes =
        shop.post(&[reserve(2, &[(0, 2)]), reserve_held(3, &[(0, 2)], 1), reserve_held(4, &[(0, 1)], 1)]);
    assert!(is_reserved(&outcomes[0]) && is_reserved(&outcomes[2]));
    assert_eq!(rejections(&outcomes[1])[0].available, Some(1));
    assert_eq!(status(&shop, 1), HoldStatus::Expired);
    shop.check();
}

#[test]
fn holds_are_extended_given_back_swept_and_repeated() {
    let mut shop = Shop::with_stock(&[5]);
    let outcomes = shop.post(&[keep(1, &[(0, 1)], 1000), keep(1, &[(0, 1)], 1000), keep(1, &[(0, 2)], 1000)]);
    let replayed = outcomes.iter().map(|outcome| held(outcome).map(|changed| changed.replayed));
    assert_eq!(replayed.collect::<Vec<_>>(), [Ok(false), Ok(true), Err(&HoldRefused::KeyReused)]);
    let outcomes = shop.post(&[extend(1, 5000), extend(1, 10), extend(2, 10), extend(1, 7_200_001)]);
    let until = AT.plus_millis(5000);
    assert_eq!(held(&outcomes[0]).unwrap().hold.expires_at, until);
    assert_eq!(held(&outcomes[1]).unwrap().hold.expires_at, until);
    assert_eq!(held(&outcomes[2]), Err(&HoldRefused::Unknown));
    assert_eq!(held(&outcomes[3]), Err(&HoldRefused::TooLong));
    shop.at = AT.plus_millis(4999);
    shop.post(&[sweep(1)]);
    assert_eq!((status(&shop, 1), shop.stock(0)), (HoldStatus::Active, (5, 1)));
    for _ in 0..2 {
        shop.post(&[give_back(1)]);
        assert_eq!((status(&shop, 1), shop.stock(0)), (HoldStatus::Released, (5, 0)));
    }
    shop.post(&[keep(2, &[(0, 5)], 10)]);
    shop.at = AT.plus_millis(6000);
    for _ in 0..2 {
        shop.post(&[sweep(2), give_back(2)]);
        assert_eq!((status(&shop, 2), shop.stock(0)), (HoldStatus::Expired, (5, 0)));
    }
    assert_eq!(
        held(&shop.post(&[keep(3, &[(0, 6)], 10)])[0]).unwrap_err().to_string(),
        "the units cannot be had"
    );
    shop.check();
}

#[test]
fn a_hold_over_several_products_ends_whole_whoever_asks_for_one_of_them() {
    let mut shop = Shop::with_stock(&[2, 2]);
    shop.post(&[keep(1, &[(0, 2), (1, 2)], 1000)]);
    shop.at = AT.plus_millis(2000);
    assert!(is_reserved(&shop.post(&[reserve(1, &[(0, 2)])])[0]));
    assert_eq!((shop.stock(0), shop.stock(1)), ((2, 2), (2, 0)));
    shop.check();
}

/// What happens to one product, and how far the clock moves before it.
#[derive(Clone, Debug)]
enum Step {
    Keep { number: u8, units: u32, ttl_ms: i64 },
    Extend { number: u8, ttl_ms: i64 },
    GiveBack { number: u8 },
    Sweep { number: u8 },
    Order { number: u8, units: u32, hold: Option<u8> },
    Release { number: u8 },
}

fn any_step() -> impl Strategy<Value = (i64, Step)> {
    let step = prop_oneof![
        4 => (0..8_u8, 1..7_u32, 1..200_i64).prop_map(|(number, units, ttl_ms)| Step::Keep { number, units, ttl_ms }),
        2 => (0..8_u8, 1..200_i64).prop_map(|(number, ttl_ms)| Step::Extend { number, ttl_ms }),
        1 => (0..8_u8).prop_map(|number| Step::GiveBack { number }),
        1 => (0..8_u8).prop_map(|number| Step::Sweep { number }),
        4 => (0..20_u8, 1..7_u32, prop::option::of(0..8_u8))
            .prop_map(|(number, units, hold)| Step::Order { number, units, hold }),
        1 => (0..20_u8).prop_map(|number| Step::Release { number }),
    ];
    (prop_oneof![2 => Just(0_i64), 1 => 1..150_i64], step)
}

/// The rules in another form: who has what, and until when.
#[derive(Default)]
struct Model {
    holds: HashMap<u8, (i64, Timestamp, bool)>,
    orders: HashMap<u8, Option<i64>>,
}

impl Model {
    fn free(&self, stock: i64, at: Timestamp, without: Option<u8>) -> i64 {
        let holds =
            self.holds.iter().filter(|(number, hold)| hold.2 && at < hold.1 && Some(**number) != without);
        let held: i64 = holds.map(|(_, hold)| hold.0).sum();
        stock - held - self.orders.values().flatten().sum::<i64>()
    }

    fn lives(&self, number: u8, at: Timestamp) -> bool {
        self.holds.get(&number).is_some_and(|hold| hold.2 && at < hold.1)
    }
}

proptest! {
    /// However holds, extensions, orders, releases and the clock fall together, every unit is somebody's exactly as the
    /// model says, at every instant, and the ledger explains it.
    #[test]
    fn at_every_instant_a_unit_is_free_exactly_when_nobody_has_it(
        steps in prop::collection::vec(any_step(), 1..60),
        stock in 1..15_i64,
        batch in 1..4_usize,
    ) {
        let mut shop = Shop::with_stock(&[stock]);
        let mut model = Model::default();
        let mut waiting: Vec<Entry> = Vec::new();
        let mut expected: Vec<bool> = Vec::new();
        let mut releases = 0_u8;
        for (passed, step) in steps {
            if passed > 0 {
                // A batch is decided at one instant.
                let outcomes = shop.post(&std::mem::take(&mut waiting));
                prop_assert_eq!(outcomes.iter().map(went_well).collect::<Vec<_>>(), std::mem::take(&mut expected));
                shop.at = shop.at.plus_millis(passed);
            }
            let at = shop.at;
            let (entry, is_done) = match step {
                Step::Keep { number, units, ttl_ms } => {
                    if model.holds.contains_key(&number) {
                        continue;
                    }
                    let fits = i64::from(units) <= model.free(stock, at, None);
                    if fits {
                        model.holds.insert(number, (units.into(), at.plus_millis(ttl_ms), true));
                    }
                    (keep(number, &[(0, units)], ttl_ms), fits)
                }
                Step::Extend { number, ttl_ms } => {
                    let lives = model.lives(number, at);
                    if let Some(hold) = model.holds.get_mut(&number).filter(|_| lives) {
                        hold.1 = hold.1.max(at.plus_millis(ttl_ms));
                    }
                    (extend(number, ttl_ms), lives)
                }
                Step::GiveBack { number } => {
                    let lives = model.lives(number, at);
                    if let Some(hold) = model.holds.get_mut(&number).filter(|_| lives) {
                        hold.2 = false;
                    }
                    (give_back(number), model.holds.contains_key(&number))
                }
                Step::Sweep { number } => (sweep(number), model.holds.contains_key(&number)),
                Step::Order { number, units, hold } => {
                    let own = hold.filter(|hold| model.lives(*hold, at));
                    let fits = i64::from(units) <= model.free(stock, at, own);
                    let is_done = match model.orders.get(&number) {
                        Some(decided) => decided.is_some(),
                        None => {
                            model.orders.insert(number, fits.then_some(units.into()));
                            if let Some(hold) = own.filter(|_| fits).and_then(|own| model.holds.get_mut(&own)) {
                                hold.2 = false;
                            }
                            fits
                        }
                    };
                    let entry = match hold {
                        Some(hold) => reserve_held(number, &[(0, units)], hold),
                        None => reserve(number, &[(0, units)]),
                    };
                    (entry, is_done)
                }
                Step::Release { number } => {
                    let Some(Some(units @ 1..)) = model.orders.get_mut(&number) else { continue };
                    *units -= 1;
                    releases += 1;
                    (release(releases, number, &[(0, 1)]), true)
                }
            };
            waiting.push(entry);
            expected.push(is_done);
            if waiting.len() >= batch {
                let outcomes = shop.post(&std::mem::take(&mut waiting));
                prop_assert_eq!(outcomes.iter().map(went_well).collect::<Vec<_>>(), std::mem::take(&mut expected));
            }
            shop.check();
        }
        let outcomes = shop.post(&waiting);
        prop_assert_eq!(outcomes.iter().map(went_well).collect::<Vec<_>>(), expected);
        shop.check();
    }
}

fn went_well(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Order(LedgerOutcome::Reserved { .. } | LedgerOutcome::Applied) | Outcome::Hold(Ok(_)) => {
            true
        }
        Outcome::Order(_) | Outcome::Hold(Err(_)) => false,
        Outcome::Stock(_) => unreachable!(),
    }
}
