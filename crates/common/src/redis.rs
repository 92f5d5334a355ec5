//! Redis: what it holds may be lost at any moment, and what it does not answer in time is done without it.

use crate::metrics::redis::RedisMetrics;
use deadpool_redis::{Config, Pool, PoolConfig, Runtime, Timeouts};
use serde::Deserialize;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisSettings {
    /// A connection string; never logged, it may hold a password.
    pub uri: secrecy::SecretString,
    pub max_pool_size: usize,
    /// A slower answer counts as none.
    pub timeout_ms: u64,
}

/// How long nobody asks after a call was not answered: a Redis that hangs costs one wait a while, not one each.
const PAUSE: Duration = Duration::from_millis(200);

/// A pool of connections, and whether the last call was answered.
#[derive(Clone)]
pub struct Redis {
    pool: Pool,
    timeout: Duration,
    answering: Arc<AtomicBool>,
    paused_until: Arc<Mutex<Option<Instant>>>,
    metrics: RedisMetrics,
}

impl Redis {
    /// Opens no connection yet: a shop starts without Redis too.
    pub fn new(settings: &RedisSettings) -> anyhow::Result<Self> {
        use secrecy::ExposeSecret;
        let timeout = Duration::from_millis(settings.timeout_ms);
        let mut config = Config::from_url(settings.uri.expose_secret());
        let timeouts = Timeouts { wait: Some(timeout), create: Some(timeout), recycle: Some(timeout) };
        config.pool =
            Some(PoolConfig { max_size: settings.max_pool_size, timeouts, ..PoolConfig::default() });
        let pool = config
            .create_pool(Some(Runtime::Tokio1))
            .map_err(|cause| anyhow::anyhow!("redis.uri (REDIS_URI): {cause}"))?;
        Ok(Self {
            pool,
            timeout,
            answering: Arc::new(AtomicBool::new(true)),
            paused_until: Arc::default(),
            metrics: RedisMetrics::new(),
        })
    }

    /// Whether it answers in time.
    pub async fn is_answering(&self) -> bool {
        let pong = self.ask(|mut connection| async move {
            deadpool_redis::redis::cmd("PING").query_async::<String>(&mut connection).await
        });
        pong.await.is_some()
    }

    /// Runs one exchange on a connection of the pool. `None` when Redis is gone, refuses or is too slow; the log says
    /// so once for each time that it goes or comes back.
    pub async fn ask<Answer, Exchange, Asked>(&self, exchange: Exchange) -> Option<Answer>
    where
        Exchange: FnOnce(deadpool_redis::Connection) -> Asked,
        Asked: Future<Output = deadpool_redis::redis::RedisResult<Answer>>,
    {
        if self.is_paused() {
            return None;
        }
        let asked = async {
            let connection = self.pool.get().await.map_err(|cause| cause.to_string())?;
            exchange(connection).await.map_err(|cause| cause.to_string())
        };
        let (_under_way, begun) = self.metrics.begin();
        let answer = match tokio::time::timeout(self.timeout, asked).await {
            Ok(Ok(answer)) => {
                self.metrics.answered(begun);
                Ok(answer)
            }
            Ok(Err(cause)) => {
                self.metrics.failed();
                Err(cause)
            }
            Err(_) => {
                self.metrics.timed_out();
                Err(format!("no answer within {} ms", self.timeout.as_millis()))
            }
        };
        match answer {
            Ok(answer) => {
                if !self.answering.swap(true, Ordering::Relaxed) {
                    tracing::info!("redis answers again");
                }
                Some(answer)
            }
            Err(cause) => {
                self.pause();
                if self.answering.swap(false, Ordering::Relaxed) {
                    tracing::warn!(cause, "redis does not answer; working without it");
                }
                None
            }
        }
    }

    fn is_paused(&self) -> bool {
        let paused_until = self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        paused_until.is_some_and(|until| Instant::now() < until)
    }

    fn pause(&self) {
        *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + PAUSE);
    }
}
