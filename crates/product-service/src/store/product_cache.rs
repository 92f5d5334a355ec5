//! Products as last read, in Redis: never decides anything, never outlives a minute by much, and never goes back
//! to an older version.

use crate::domain::product::Product;
use common::ids::ProductId;
use common::metrics::cache::CacheMetrics;
use common::redis::Redis;
use deadpool_redis::redis::{RedisResult, cmd};
use std::time::Duration;

/// How long an entry lives, give or take a half, so that what was read together does not expire together.
const LIFETIME: Duration = Duration::from_secs(60);

/// Keeps an entry only where no newer version stands: a reader that was slower than a change cannot undo it.
const PUT: &str = "\
local kept = redis.call('HGET', KEYS[1], 'version')
if kept and tonumber(kept) > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'product', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1";

#[derive(Clone)]
pub struct ProductCache {
    redis: Redis,
    prefix: String,
    looked_up: CacheMetrics,
}

impl ProductCache {
    /// `database` keeps the entries of several shops on one Redis apart.
    pub fn new(redis: Redis, database: &str) -> Self {
        Self { redis, prefix: format!("{database}:product:"), looked_up: CacheMetrics::new("products") }
    }

    pub async fn get(&self, id: ProductId) -> Option<Product> {
        let key = self.key(id);
        let read = |mut connection: deadpool_redis::Connection| async move {
            let kept: RedisResult<Option<Vec<u8>>> =
                cmd("HGET").arg(key).arg("product").query_async(&mut connection).await;
            kept
        };
        let kept = self.redis.ask(read).await.flatten();
        // An entry of another release's shape is as good as none.
        let product = kept.and_then(|kept| serde_json::from_slice(&kept).ok());
        self.looked_up.count(product.is_some());
        product
    }

    /// Keeps a product as it was just read or written.
    pub async fn put(&self, product: &Product) {
        let shown = Product { fingerprint: None, ..product.clone() };
        let Ok(encoded) = serde_json::to_vec(&shown) else { return };
        let (key, version) = (self.key(product.id), product.version);
        let lifetime_ms = u64::try_from(common::mongo::jitter(LIFETIME).as_millis()).unwrap_or(0).max(1);
        let write = |mut connection: deadpool_redis::Connection| async move {
            let kept: RedisResult<bool> = cmd("EVAL")
                .arg(PUT)
                .arg(1)
                .arg(key)
                .arg(version)
                .arg(encoded)
                .arg(lifetime_ms)
                .query_async(&mut connection)
                .await;
            kept
        };
        // Without Redis there is nothing to keep it in; the log has said so.
        let _kept = self.redis.ask(write).await;
    }

    fn key(&self, id: ProductId) -> String {
        format!("{}{id}", self.prefix)
    }
}
