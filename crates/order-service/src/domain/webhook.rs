//! The rules of webhooks: secrets, signatures, when a delivery is tried again, what an answer means.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use common::time::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

/// What every signing secret begins with (Standard Webhooks 1.0).
const SECRET_PREFIX: &str = "whsec_";

/// Pauses after a try that failed; after the last one a delivery is dead.
const SCHEDULE: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3_600),
    Duration::from_secs(5 * 3_600),
    Duration::from_secs(10 * 3_600),
    Duration::from_secs(14 * 3_600),
    Duration::from_secs(20 * 3_600),
    Duration::from_secs(24 * 3_600),
];

/// Longest that a receiver may ask us to wait.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3_600);

/// The pause after so many tries that failed; `None`: it is given up.
pub fn pause_after(tries: usize) -> Option<Duration> {
    SCHEDULE.get(tries.saturating_sub(1)).copied()
}

/// How long the receiver wants to be left alone (RFC 9110, section 10.2.3): seconds, or a date.
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let wait = match value.trim().parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let at = httpdate::parse_http_date(value.trim()).ok()?.duration_since(UNIX_EPOCH).ok()?;
            at.saturating_sub(Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or(0)))
        }
    };
    Some(wait.min(LONGEST_WAIT))
}

/// A secret that signs, as its owner keeps it: `whsec_` and base64. It stays out of every log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SigningSecret(String);

impl SigningSecret {
    pub fn new(random: &[u8; 32]) -> Self {
        Self(format!("{SECRET_PREFIX}{}", BASE64_STANDARD.encode(random)))
    }

    /// For its owner, once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What signs.
    fn key(&self) -> Vec<u8> {
        let encoded = self.0.strip_prefix(SECRET_PREFIX).unwrap_or(&self.0);
        // It was encoded by us.
        BASE64_STANDARD.decode(encoded).unwrap_or_default()
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret")
    }
}

/// The value of `webhook-signature`: one signature for each secret, so that a receiver that knows either is content.
pub fn sign<'a>(
    secrets: impl IntoIterator<Item = &'a SigningSecret>,
    id: &str,
    timestamp_s: i64,
    body: &str,
) -> Result<String, hmac::digest::InvalidLength> {
    let mut signatures = Vec::new();
    for secret in secrets {
        let mut mac = Hmac::<Sha256>::new_from_slice(&secret.key())?;
        mac.update(format!("{id}.{timestamp_s}.").as_bytes());
        mac.update(body.as_bytes());
        signatures.push(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())));
    }
    Ok(signatures.join(" "))
}

/// The standard wants `timestamp` beside `type` and `data`.
pub fn with_timestamp(event: &str, at: Timestamp) -> String {
    let fields = event.strip_prefix('{').unwrap_or(event);
    format!("{{\"timestamp\":\"{at}\",{fields}")
}

/// What is to be done after a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Delivered,
    /// Tried again by the schedule.
    Failed,
    /// Nobody is to send anything there any more.
    Gone,
    /// Not before this has passed, and nothing else either.
    Later(Duration),
}

/// What an answer says. A redirect is none: where to send is the administrator's to say.
pub fn judge(status: u16, retry_after: Option<Duration>) -> Verdict {
    match (status, retry_after) {
        (200..=299, _) => Verdict::Delivered,
        (410, _) => Verdict::Gone,
        (429 | 500..=599, Some(wait)) => Verdict::Later(wait),
        _ => Verdict::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_standards_own_example() {
        let secret = SigningSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let signed = sign([&secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signed.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let both = sign([&secret, &SigningSecret::new(&[1; 32])], "a", 1, "b").unwrap();
        assert_eq!(both.split(' ').count(), 2);
    }

    #[test]
    fn the_schedule_ends_and_a_receiver_may_ask_for_more_time_but_not_for_ever() {
        assert_eq!(pause_after(1), Some(Duration::from_secs(5)));
        assert_eq!(pause_after(9), Some(Duration::from_secs(86_400)));
        assert_eq!(pause_after(10), None);
        let now: Timestamp = "1994-11-06T08:49:07Z".parse().unwrap();
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Sunday, 06-Nov-94 08:49:37 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Tue, 06 Nov 1990 08:49:37 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("99999999", now), Some(LONGEST_WAIT));
        for nonsense in ["", "soon", "-5", "Sun, 6 Nov 1994 08:49:37 GMT", "1994-11-06"] {
            assert_eq!(retry_after(nonsense, now), None, "{nonsense}");
        }
    }

    #[test]
    fn an_answer_is_yes_no_gone_or_later() {
        let wait = Some(Duration::from_secs(1));
        assert_eq!(judge(204, None), Verdict::Delivered);
        assert_eq!(judge(302, None), Verdict::Failed);
        assert_eq!(judge(410, None), Verdict::Gone);
        assert_eq!(judge(429, wait), Verdict::Later(Duration::from_secs(1)));
        assert_eq!(judge(429, None), Verdict::Failed);
        assert_eq!(judge(400, wait), Verdict::Failed);
    }
}
