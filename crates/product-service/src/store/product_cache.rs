//! Products with what is available of them, as last read, in Redis: it never decides anything, and every write of a
//! product or of its stock takes its entry out.

use crate::domain::product::Product;
use common::ids::ProductId;
use common::metrics::cache::CacheMetrics;
use common::redis::Redis;
use deadpool_redis::redis::{RedisResult, cmd, pipe};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an entry lives, give or take a half, so that what was read together does not expire together.
const LIFETIME: Duration = Duration::from_secs(30);

/// How long it is remembered that an entry was taken out: longer than any reading takes, and than any entry lives.
const MEMORY: Duration = Duration::from_secs(60);

/// Most products that this process may owe Redis a removal for.
const MAX_OWED: usize = 10_000;

/// Keeps an entry only where nothing was taken out since its reading began: a reader that was slower than a change
/// cannot undo it.
const PUT: &str = "\
if (redis.call('HGET', KEYS[1], 'generation') or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'generation', ARGV[1], 'entry', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1";

/// A product as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    pub product: Product,
    pub available: i64,
}

/// What Redis says of a product.
#[derive(Debug, Default)]
pub struct Kept {
    pub shown: Option<Shown>,
    /// To be given back with what is read; without it nothing can be kept.
    pub generation: Option<String>,
}

#[derive(Clone)]
pub struct ProductCache {
    redis: Redis,
    prefix: String,
    owed: Arc<Mutex<Owed>>,
    looked_up: CacheMetrics,
}

/// What was changed while Redis did not answer: entries may be from before.
#[derive(Default)]
struct Owed {
    products: HashSet<ProductId>,
    /// Where there were too many to remember: when the last entry from before has expired.
    all_until: Option<Instant>,
}

impl ProductCache {
    /// `database` keeps the entries of several shops on one Redis apart.
    pub fn new(redis: Redis, database: &str) -> Self {
        Self {
            redis,
            prefix: format!("{database}:product:"),
            owed: Arc::default(),
            looked_up: CacheMetrics::new("products"),
        }
    }

    pub async fn get(&self, id: ProductId) -> Kept {
        if !self.pay().await {
            return Kept::default();
        }
        let key = self.key(id);
        let read = |mut connection: deadpool_redis::Connection| async move {
            let kept: RedisResult<(Option<String>, Option<Vec<u8>>)> =
                cmd("HMGET").arg(key).arg("generation").arg("entry").query_async(&mut connection).await;
            kept
        };
        let Some((generation, entry)) = self.redis.ask(read).await else { return Kept::default() };
        // An entry of another release's shape is as good as none.
        let shown = entry.and_then(|entry| serde_json::from_slice(&entry).ok());
        self.looked_up.count(shown.is_some());
        Kept { shown, generation: Some(generation.unwrap_or_else(|| "0".to_owned())) }
    }

    /// Keeps what was read since this generation was seen, unless something was taken out in between.
    pub async fn put(&self, generation: &str, shown: &Shown) {
        let id = shown.product.id;
        let shown =
            Shown { product: Product { fingerprint: None, ..shown.product.clone() }, ..shown.clone() };
        let Ok(encoded) = serde_json::to_vec(&shown) else { return };
        let (key, generation) = (self.key(id), generation.to_owned());
        let lifetime = millis(common::mongo::jitter(LIFETIME));
        let write = |mut connection: deadpool_redis::Connection| async move {
            let mut eval = cmd("EVAL");
            eval.arg(PUT).arg(1).arg(key).arg(generation).arg(encoded).arg(lifetime);
            let kept: RedisResult<bool> = eval.query_async(&mut connection).await;
            kept
        };
        // Without Redis there is nothing to keep it in; the log has said so.
        let _kept = self.redis.ask(write).await;
    }

    /// Takes out what was changed. What Redis does not take in now, it is told before it is asked again.
    pub async fn forget(&self, ids: &[ProductId]) {
        if ids.is_empty() {
            return;
        }
        if !self.take_out(ids).await {
            let mut owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
            owed.products.extend(ids);
            if owed.products.len() > MAX_OWED {
                *owed = Owed { products: HashSet::new(), all_until: Some(Instant::now() + MEMORY) };
            }
        }
    }

    /// Removes what is owed; answers whether nothing is owed any more.
    async fn pay(&self) -> bool {
        let products: Vec<ProductId> = {
            let mut owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
            if owed.all_until.is_some_and(|until| Instant::now() < until) {
                return false;
            }
            owed.all_until = None;
            owed.products.iter().copied().collect()
        };
        let is_paid = products.is_empty() || self.take_out(&products).await;
        if is_paid && !products.is_empty() {
            let mut owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
            for id in &products {
                owed.products.remove(id);
            }
        }
        is_paid
    }

    async fn take_out(&self, ids: &[ProductId]) -> bool {
        let mut commands = pipe();
        for id in ids {
            let key = self.key(*id);
            // The generation first: what is put in between is of the one before.
            commands.cmd("HINCRBY").arg(&key).arg("generation").arg(1).ignore();
            commands.cmd("HDEL").arg(&key).arg("entry").ignore();
            commands.cmd("PEXPIRE").arg(&key).arg(millis(MEMORY)).ignore();
        }
        let write = |mut connection: deadpool_redis::Connection| async move {
            let done: RedisResult<()> = commands.query_async(&mut connection).await;
            done
        };
        self.redis.ask(write).await.is_some()
    }

    fn key(&self, id: ProductId) -> String {
        format!("{}{id}", self.prefix)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1)
}
