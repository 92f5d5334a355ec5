//! The limits of one request, and what its answer says of them: `RateLimit` and `RateLimit-Policy` (the IETF draft
//! "RateLimit header fields for HTTP", revision 10).

use crate::limits::{Limit, RateLimits, Verdict, Who};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use common::error::{ApiError, Kind};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What the limits said to one request, in the order they were asked.
#[derive(Default)]
pub struct Verdicts(Vec<Verdict>);

impl Verdicts {
    /// Counts the request against its address and against its caller; the first limit that is spent refuses it.
    pub async fn check(
        &mut self,
        limits: &RateLimits,
        address: IpAddr,
        caller: Option<Who>,
    ) -> Result<(), ApiError> {
        let at = Who::at(address);
        let second = caller.map_or((Limit::Anonymous, at), |caller| (Limit::Caller, caller));
        for (limit, who) in [(Limit::Address, at), second] {
            let Some(verdict) = limits.check(limit, who).await else { continue };
            self.0.push(verdict);
            if !verdict.allowed {
                return Err(refusal(&verdict));
            }
        }
        Ok(())
    }

    /// Tells the client its limits and what is left of each.
    pub fn mark(&self, headers: &mut HeaderMap) {
        if self.0.is_empty() {
            return;
        }
        let (mut policy, mut left) = (String::new(), String::new());
        for verdict in &self.0 {
            let separator = if policy.is_empty() { "" } else { ", " };
            let (name, burst) = (verdict.limit.name(), verdict.quota.burst);
            let window = seconds(Duration::from_micros(verdict.quota.window_us())).max(1);
            let (remaining, reset) = (verdict.remaining, seconds(verdict.reset_after));
            // Writing into a text cannot fail.
            _ = write!(policy, "{separator}\"{name}\";q={burst};w={window}");
            _ = write!(left, "{separator}\"{name}\";r={remaining};t={reset}");
        }
        for (name, value) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, left)] {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
    }
}

fn refusal(verdict: &Verdict) -> ApiError {
    let whose = match verdict.limit {
        Limit::Caller => "of this account or key",
        Limit::Anonymous => "of this address without a valid access token or API key",
        Limit::Address => "of this address",
    };
    let detail = format!("Too many requests {whose}. Nothing was done; send the same request again later.");
    ApiError::new(Kind::TooManyRequests, detail).retry_after(seconds(verdict.retry_after).max(1))
}

/// Rounded up: who comes back then does not come too early.
fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis().div_ceil(1000)).unwrap_or(u32::MAX)
}
