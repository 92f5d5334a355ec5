//! What placing one order costs this process besides waiting: parsing, money, the order's documents, a token that is
//! known and one that is not, and the way through a batcher. `cargo bench -p order-service`.

use common::auth::keys::KeySource;
use common::auth::token::{TokenSettings, TokenVerifier};
use common::batch::{BatchLimits, Batcher};
use common::ids::{CustomerId, OrderId, ProductId};
use common::models::auth::Role;
use common::models::ledger::ReservedItem;
use common::models::order::{NewOrder, RequestedLine};
use common::money::{Amount, Currency, Money};
use common::testing::TestSigner;
use common::text::Sku;
use common::time::Timestamp;
use criterion::{BatchSize, Criterion, Throughput};
use order_service::domain::draft::OrderDraft;
use order_service::domain::moves::{Cause, Event, Hand, apply};
use order_service::domain::order::Order;
use order_service::domain::shown;
use serde_json::json;
use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Tasks that wait for the batcher at once.
const CALLERS: u64 = 256;

fn main() -> anyhow::Result<()> {
    let runtime = Runtime::new()?;
    let mut criterion = Criterion::default().configure_from_args();
    money(&mut criterion)?;
    orders(&mut criterion)?;
    tokens(&mut criterion, &runtime)?;
    batcher(&mut criterion, &runtime);
    criterion.final_summary();
    Ok(())
}

fn money(criterion: &mut Criterion) -> anyhow::Result<()> {
    let mut group = criterion.benchmark_group("money");
    let price: Amount = serde_json::from_str("1234.56")?;
    group.bench_function("parse", |bencher| {
        bencher.iter(|| serde_json::from_str::<Amount>(black_box("1234.56")));
    });
    group.bench_function("to minor units", |bencher| {
        bencher.iter(|| black_box(price).to_money(Currency::EUR))
    });
    let money = price.to_money(Currency::EUR)?;
    group.bench_function("twenty lines", |bencher| {
        bencher.iter(|| {
            (1..=20).try_fold(Money::ZERO, |sum, quantity| {
                sum.checked_add(black_box(money).checked_mul(quantity)?)
            })
        });
    });
    group.bench_function("to JSON", |bencher| {
        bencher.iter(|| serde_json::to_string(&black_box(money).to_amount(Currency::EUR)));
    });
    group.finish();
    Ok(())
}

/// A request of that many lines.
fn request(lines: u32) -> String {
    let line = |quantity: u32| json!({ "productId": ProductId::new(), "quantity": quantity });
    let lines: Vec<_> = (1..=lines).map(line).collect();
    json!({ "customerId": CustomerId::new(), "lines": lines }).to_string()
}

/// What that request is recorded as, and what the ledger would answer.
fn pending(request: &str) -> anyhow::Result<(Order, Event)> {
    let draft = OrderDraft::parse(serde_json::from_str(request)?)?;
    let sku: Sku = "BENCH-000001".parse()?;
    let reserved = |line: &RequestedLine| ReservedItem {
        product_id: line.product_id,
        quantity: line.quantity.get(),
        sku: sku.clone(),
        name: "A product of a bench".into(),
        unit_price_minor: 1_999,
    };
    let items = draft.lines().iter().map(reserved).collect();
    let order =
        draft.into_pending(OrderId::new(), "customer:bench".into(), Timestamp::now(), &HashMap::new());
    Ok((order, Event::Reserved { currency: Currency::EUR, items }))
}

fn orders(criterion: &mut Criterion) -> anyhow::Result<()> {
    for lines in [1, 20] {
        let mut group = criterion.benchmark_group(format!("order of {lines}"));
        let body = request(lines);
        group.throughput(Throughput::Elements(1));
        group.bench_function("parse", |bencher| {
            bencher.iter(|| {
                let order: NewOrder = serde_json::from_str(black_box(&body))?;
                anyhow::Ok(OrderDraft::parse(order)?.fingerprint())
            });
        });
        let (order, event) = pending(&body)?;
        let settle =
            |event: Event| apply(&order, event, &Cause::new("order-service", Hand::Staff, Timestamp::now()));
        group.bench_function("settle", |bencher| {
            bencher.iter_batched(|| event.clone(), settle, BatchSize::SmallInput);
        });
        let settled = settle(event.clone())?;
        group.bench_function("to BSON", |bencher| {
            bencher.iter(|| mongodb::bson::serialize_to_vec(black_box(&settled)));
        });
        let stored = mongodb::bson::serialize_to_vec(&settled)?;
        group.bench_function("from BSON", |bencher| {
            bencher.iter(|| mongodb::bson::deserialize_from_slice::<Order>(black_box(&stored)));
        });
        group.bench_function("to JSON", |bencher| {
            bencher.iter(|| serde_json::to_vec(&shown::order(black_box(&settled), Hand::Customer)));
        });
        group.finish();
    }
    Ok(())
}

fn tokens(criterion: &mut Criterion, runtime: &Runtime) -> anyhow::Result<()> {
    let signer = TestSigner::new()?;
    let keys = KeySource::fixed(&serde_json::from_value(signer.jwks())?);
    let settings = |cache_entries| TokenSettings {
        issuer: "oms".into(),
        audience: "oms".into(),
        cache_entries,
        keys_url: String::new(),
        keys_refresh_ms: 0,
    };
    let token = signer.token(CustomerId::new(), Role::Customer)?;
    let mut group = criterion.benchmark_group("token");
    for (name, cache_entries) in [("known", 10_000), ("unknown", 0)] {
        let verifier = TokenVerifier::new(&settings(cache_entries), keys.clone());
        group.bench_function(name, |bencher| {
            bencher.iter(|| runtime.block_on(verifier.verify(black_box(&token))));
        });
    }
    group.finish();
    Ok(())
}

/// The way there and back, with a store that answers at once.
fn batcher(criterion: &mut Criterion, runtime: &Runtime) {
    let limits = BatchLimits {
        queue: 8_192,
        entries: 512,
        weight: 2_000,
        overlap: None,
        patience: Duration::from_secs(15),
    };
    let _entered = runtime.enter();
    let (batcher, _writer) =
        Batcher::start("bench", limits, |_| 1, |entries: Vec<u64>| async move { entries });
    let mut group = criterion.benchmark_group("batcher");
    group.throughput(Throughput::Elements(1));
    group.bench_function("256 callers", |bencher| {
        bencher.iter_custom(|entries| {
            runtime.block_on(async {
                let begun = Instant::now();
                let caller = |number: u64| {
                    let batcher = batcher.clone();
                    let mine = entries / CALLERS + u64::from(number < entries % CALLERS);
                    tokio::spawn(async move {
                        for entry in 0..mine {
                            assert!(
                                batcher.submit(entry).await == Ok(entry),
                                "every entry has its own answer"
                            );
                        }
                    })
                };
                let callers: Vec<_> = (0..CALLERS).map(caller).collect();
                for caller in callers {
                    assert!(caller.await.is_ok(), "no caller fails");
                }
                begun.elapsed()
            })
        });
    });
    group.finish();
}
