//! A session and its refresh tokens: one use each, rotated, and what a second use means.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use common::ids::{CustomerId, SessionId};
use common::models::auth::Device;
use common::time::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;

/// Length of a refresh token: a hyphenated UUID, a dot, 32 bytes as base64url without padding.
const TOKEN_LENGTH: usize = 36 + 1 + 43;

/// A session as it is stored: the secrets themselves are known to the client alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    pub customer_id: CustomerId,
    /// What it was opened with.
    pub device: Option<Device>,
    /// Of the secret that is good for the next refresh.
    pub current_hash: SecretHash,
    /// Of the secret that the last refresh used up.
    pub previous_hash: Option<SecretHash>,
    pub salt: Salt,
    pub rotated_at: Timestamp,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

/// SHA-256 of a secret. The secret is 256 random bits, so that a fast hash is enough.
pub type SecretHash = [u8; 32];

/// The key that makes a session's next secret out of the one before: a block of SHA-256.
pub type Salt = [u8; 64];

/// How long sessions last.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    pub idle_ms: i64,
    pub longest_ms: i64,
    pub grace_ms: i64,
}

/// The secret half of a refresh token.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; 32]);

impl Secret {
    pub const fn from_random(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub fn hash(&self) -> SecretHash {
        Sha256::digest(self.0).into()
    }

    /// The secret that follows this one: HMAC-SHA256 (RFC 2104), so that whoever presents the same secret twice is
    /// given the same successor without it being stored.
    fn successor(&self, salt: &Salt) -> Self {
        let mut mac = Hmac::<Sha256>::new(&(*salt).into());
        mac.update(&self.0);
        Self(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A refresh token: which session, and the proof of belonging to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub session_id: SessionId,
    pub secret: Secret,
}

impl Token {
    /// `None` where the text was never a refresh token of ours.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != TOKEN_LENGTH {
            return None;
        }
        let (session, secret) = text.split_once('.')?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(secret).ok()?;
        Some(Self { session_id: session.parse().ok()?, secret: Secret(bytes.try_into().ok()?) })
    }

    /// The text that a client is given.
    pub fn reveal(&self) -> String {
        format!("{}.{}", self.session_id, BASE64_URL_SAFE_NO_PAD.encode(self.secret.0))
    }
}

/// What presenting a secret means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The current one: it is used up now, and this follows.
    Rotate(Secret),
    /// The one before, within the grace: an answer was lost, or two refreshes ran at once. The same successor again.
    Repeat(Secret),
    /// An older one: someone else has been using this session.
    Reused,
    /// The session has expired or was revoked.
    Ended,
}

impl Session {
    pub fn open(
        id: SessionId,
        customer_id: CustomerId,
        device: Option<Device>,
        secret: &Secret,
        salt: Salt,
        now: Timestamp,
        lifetimes: &Lifetimes,
    ) -> Self {
        Self {
            id,
            customer_id,
            device,
            current_hash: secret.hash(),
            previous_hash: None,
            salt,
            rotated_at: now,
            created_at: now,
            last_used_at: now,
            expires_at: expiry(now, now, lifetimes),
            revoked_at: None,
        }
    }

    /// What it means that this secret is presented now.
    pub fn judge(&self, presented: &Secret, now: Timestamp, lifetimes: &Lifetimes) -> Verdict {
        if self.revoked_at.is_some() || self.expires_at <= now {
            return Verdict::Ended;
        }
        let hash = presented.hash();
        let is_current = bool::from(hash.ct_eq(&self.current_hash));
        let is_previous = self.previous_hash.is_some_and(|previous| bool::from(hash.ct_eq(&previous)));
        let in_grace = now <= self.rotated_at.plus_millis(lifetimes.grace_ms);
        if is_current {
            Verdict::Rotate(presented.successor(&self.salt))
        } else if is_previous && in_grace {
            Verdict::Repeat(presented.successor(&self.salt))
        } else {
            Verdict::Reused
        }
    }

    /// The session after its current secret was used.
    #[must_use]
    pub fn rotated(&self, successor: &Secret, now: Timestamp, lifetimes: &Lifetimes) -> Self {
        Self {
            current_hash: successor.hash(),
            previous_hash: Some(self.current_hash),
            rotated_at: now,
            last_used_at: now,
            expires_at: expiry(self.created_at, now, lifetimes),
            ..self.clone()
        }
    }
}

/// A session ends when it was idle for too long, and in any case some day.
fn expiry(created_at: Timestamp, used_at: Timestamp, lifetimes: &Lifetimes) -> Timestamp {
    used_at.plus_millis(lifetimes.idle_ms).min(created_at.plus_millis(lifetimes.longest_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIMES: Lifetimes = Lifetimes { idle_ms: 100_000, longest_ms: 250_000, grace_ms: 10_000 };

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn opened() -> (Session, Secret) {
        let secret = Secret([7; 32]);
        (
            Session::open(SessionId::new(), CustomerId::new(), None, &secret, [9; 64], at(0), &LIFETIMES),
            secret,
        )
    }

    fn rotate(session: &Session, secret: &Secret, now: Timestamp) -> (Session, Secret) {
        let Verdict::Rotate(successor) = session.judge(secret, now, &LIFETIMES) else {
            panic!("not the current secret")
        };
        (session.rotated(&successor, now, &LIFETIMES), successor)
    }

    #[test]
    fn a_token_survives_its_text_and_nothing_else_is_one() {
        let token = Token { session_id: SessionId::new(), secret: Secret([3; 32]) };
        let text = token.reveal();
        assert_eq!(text.len(), TOKEN_LENGTH);
        assert_eq!(Token::parse(&text), Some(token));
        let not_a_uuid = format!("x{}", text.get(1..).unwrap());
        let longer = format!("{text}A");
        for bad in ["", ".", "a.b", &not_a_uuid, &longer, text.get(1..).unwrap(), &"é".repeat(40)] {
            assert_eq!(Token::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn neither_secret_nor_token_show_themselves() {
        let token = Token { session_id: SessionId::new(), secret: Secret([3; 32]) };
        assert!(format!("{token:?}").contains("Secret(…)"));
    }

    #[test]
    fn the_current_secret_is_followed_by_another_that_is_good_next() {
        let (session, first) = opened();
        let (session, second) = rotate(&session, &first, at(1));
        let (_, third) = rotate(&session, &second, at(2));
        assert!(first != second && second != third && first != third);
    }

    #[test]
    fn within_the_grace_the_previous_secret_answers_the_same_successor() {
        let (session, first) = opened();
        let (session, second) = rotate(&session, &first, at(1));
        for moment in [at(1), at(11)] {
            assert_eq!(session.judge(&first, moment, &LIFETIMES), Verdict::Repeat(second.clone()));
        }
    }

    #[test]
    fn after_the_grace_the_previous_secret_is_reuse() {
        let (session, first) = opened();
        let (session, _) = rotate(&session, &first, at(1));
        let late = at(11).plus_millis(1);
        assert_eq!(session.judge(&first, late, &LIFETIMES), Verdict::Reused);
    }

    #[test]
    fn an_older_or_foreign_secret_is_reuse_even_within_the_grace() {
        let (session, first) = opened();
        let (session, second) = rotate(&session, &first, at(1));
        let (session, _) = rotate(&session, &second, at(1));
        assert_eq!(session.judge(&first, at(1), &LIFETIMES), Verdict::Reused);
        assert_eq!(session.judge(&Secret([8; 32]), at(1), &LIFETIMES), Verdict::Reused);
    }

    #[test]
    fn the_successor_depends_on_the_salt_of_the_session() {
        let (session, secret) = opened();
        let other = Session { salt: [1; 64], ..session.clone() };
        assert_ne!(session.judge(&secret, at(1), &LIFETIMES), other.judge(&secret, at(1), &LIFETIMES));
    }

    #[test]
    fn a_session_ends_when_idle_revoked_or_too_old_however_much_it_is_used() {
        let (session, secret) = opened();
        assert_eq!(session.judge(&secret, at(100), &LIFETIMES), Verdict::Ended);
        let revoked = Session { revoked_at: Some(at(1)), ..session.clone() };
        assert_eq!(revoked.judge(&secret, at(2), &LIFETIMES), Verdict::Ended);
        let (session, secret) = rotate(&session, &secret, at(90));
        assert_eq!(session.expires_at, at(190));
        let (session, secret) = rotate(&session, &secret, at(180));
        assert_eq!(session.expires_at, at(250));
        assert_eq!(session.judge(&secret, at(250), &LIFETIMES), Verdict::Ended);
    }
}
