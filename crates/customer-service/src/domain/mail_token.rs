//! What a link in a mail proves: that whoever opens it reads that address. Random, known to nobody else, one use.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::fmt;

/// What the token of a link lets its bearer do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    VerifyEmail,
    ResetPassword,
    AcceptInvitation,
}

impl Purpose {
    pub const fn name(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
            Self::AcceptInvitation => "accept_invitation",
        }
    }

    /// How long the token is good, in milliseconds: a day, half an hour, a week.
    pub const fn lifetime_ms(self) -> i64 {
        match self {
            Self::VerifyEmail => 24 * 60 * 60 * 1000,
            Self::ResetPassword => 30 * 60 * 1000,
            Self::AcceptInvitation => 7 * 24 * 60 * 60 * 1000,
        }
    }
}

/// SHA-256 of a token. The token is 256 random bits, so that a fast hash is enough.
pub type TokenHash = [u8; 32];

/// The token itself, as only the mail holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct MailToken([u8; 32]);

impl MailToken {
    pub const fn from_random(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// `None` where the text was never a token of ours.
    pub fn parse(text: &str) -> Option<Self> {
        // 32 bytes are 43 characters; nothing longer is worth decoding.
        let bytes = (text.len() == 43).then(|| BASE64_URL_SAFE_NO_PAD.decode(text).ok()).flatten()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// The text that stands in the link.
    pub fn reveal(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }

    pub fn hash(&self) -> TokenHash {
        Sha256::digest(self.0).into()
    }
}

impl fmt::Debug for MailToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_its_text_and_nothing_else_is_one() {
        let token = MailToken::from_random([7; 32]);
        assert_eq!(MailToken::parse(&token.reveal()).unwrap(), token);
        assert_ne!(token.hash(), [7; 32]);
        assert!(!format!("{token:?}").contains('7'));
        for bad in
            ["", "a", &"A".repeat(42), &"A".repeat(44), &"é".repeat(43), &format!("{}=", "A".repeat(42))]
        {
            assert!(MailToken::parse(bad).is_none(), "{bad}");
        }
    }
}
