//! The buckets of all gateways, in Redis: one script takes and tells, by Redis's own clock.

use super::gcra::{Grant, Quota};
use common::redis::Redis;
use deadpool_redis::redis::{RedisResult, cmd};
use std::sync::Arc;

/// The same steps as [`super::gcra::take`], on the bucket under KEYS[1]. Numbers are whole microseconds, which Lua's
/// doubles hold exactly until the year 2255.
const TAKE: &str = "\
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local window = interval * burst
local taken_until = tonumber(redis.call('GET', KEYS[1]) or now)
if taken_until < now then taken_until = now end
local used = taken_until - now
local room = math.floor(math.max(window - used, 0) / interval)
if room < 1 then return {0, 0, math.max(used + interval - window, 0), used} end
local granted = math.min(wanted, room)
taken_until = taken_until + granted * interval
redis.call('SET', KEYS[1], string.format('%.0f', taken_until), 'PX', math.ceil((taken_until - now) / 1000) + 1)
return {granted, room - granted, 0, taken_until - now}";

/// Buckets that every gateway sees.
#[derive(Clone)]
pub struct SharedBuckets {
    redis: Redis,
    prefix: Arc<str>,
}

impl SharedBuckets {
    /// `prefix` keeps several shops on one Redis apart.
    pub fn new(redis: Redis, prefix: &str) -> Self {
        Self { redis, prefix: prefix.into() }
    }

    /// Takes up to `wanted`; `None` where Redis does not answer in time.
    pub async fn take(&self, bucket: &str, quota: Quota, wanted: u64) -> Option<Grant> {
        let key = format!("{}:rate:{bucket}", self.prefix);
        let asked = |mut connection: deadpool_redis::Connection| async move {
            let answer: RedisResult<(u64, u64, u64, u64)> = cmd("EVAL")
                .arg(TAKE)
                .arg(1)
                .arg(key)
                .arg(quota.interval_us)
                .arg(quota.burst)
                .arg(wanted)
                .query_async(&mut connection)
                .await;
            answer
        };
        let (granted, remaining, retry_us, reset_us) = self.redis.ask(asked).await?;
        Some(Grant { granted, remaining, retry_us, reset_us })
    }
}
