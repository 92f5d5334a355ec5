//! Text from outside: bounded, without control characters, in one normal form.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::ops::Deref;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// A string of `MIN` to `MAX` characters in Unicode normal form C, without white space at its ends and without
/// control characters; line breaks and tabs are allowed where `LINES` says so.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Text<const MIN: usize, const MAX: usize, const LINES: bool = false>(String);

/// Why a text was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    #[error("must have {min} to {max} characters, got {got}")]
    Length { min: usize, max: usize, got: usize },
    #[error("must not contain control characters")]
    ControlCharacter,
}

impl<const MIN: usize, const MAX: usize, const LINES: bool> Text<MIN, MAX, LINES> {
    /// Trims, normalises and checks.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        let trimmed = text.trim();
        let normal = if is_nfc(trimmed) { trimmed.to_owned() } else { trimmed.nfc().collect() };
        let got = normal.chars().count();
        if got < MIN || got > MAX {
            return Err(InvalidText::Length { min: MIN, max: MAX, got });
        }
        if normal.chars().any(|c| c.is_control() && !(LINES && matches!(c, '\n' | '\r' | '\t'))) {
            return Err(InvalidText::ControlCharacter);
        }
        Ok(Self(normal))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

impl<const MIN: usize, const MAX: usize, const LINES: bool> Deref for Text<MIN, MAX, LINES> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize, const LINES: bool> fmt::Display for Text<MIN, MAX, LINES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MIN: usize, const MAX: usize, const LINES: bool> fmt::Debug for Text<MIN, MAX, LINES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<const MIN: usize, const MAX: usize, const LINES: bool> std::str::FromStr for Text<MIN, MAX, LINES> {
    type Err = InvalidText;
    fn from_str(text: &str) -> Result<Self, InvalidText> {
        Self::parse(text)
    }
}

impl<'de, const MIN: usize, const MAX: usize, const LINES: bool> Deserialize<'de> for Text<MIN, MAX, LINES> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// A stock keeping unit: 1 to 64 visible ASCII characters, so that it survives every label and scanner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Sku(String);

#[derive(Debug, thiserror::Error)]
#[error("must have 1 to 64 visible ASCII characters")]
pub struct InvalidSku;

impl Sku {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Sku {
    type Err = InvalidSku;
    fn from_str(text: &str) -> Result<Self, InvalidSku> {
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidSku) }
    }
}

impl<'de> Deserialize<'de> for Sku {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// An e-mail address (RFC 5321 mailbox without a display name), in normal form C, at most 254 characters.
/// Two addresses that differ only in case are one account: compare [`Email::key`].
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Email(String);

#[derive(Debug, thiserror::Error)]
#[error("must be an e-mail address of at most 254 characters")]
pub struct InvalidEmail;

impl Email {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which an address is unique.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

impl fmt::Debug for Email {
    /// Addresses are personal data: they never reach a log by way of `{:?}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

impl std::str::FromStr for Email {
    type Err = InvalidEmail;
    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let address: String = text.trim().nfc().collect();
        let options = email_address::Options::default()
            .with_required_tld()
            .without_display_text()
            .without_domain_literal();
        let plain = address.len() <= 254 && !address.contains(|c: char| c.is_control() || c.is_whitespace());
        if plain && email_address::EmailAddress::parse_with_options(&address, options).is_ok() {
            Ok(Self(address))
        } else {
            Err(InvalidEmail)
        }
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A telephone number in international form (ITU-T E.164): `+` and 8 to 15 digits, the first of which is not 0.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Phone(String);

#[derive(Debug, thiserror::Error)]
#[error("must be a telephone number in international form: + and 8 to 15 digits, such as +4930123456")]
pub struct InvalidPhone;

impl Phone {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Phone {
    /// Personal data, as an e-mail address is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(…)")
    }
}

impl std::str::FromStr for Phone {
    type Err = InvalidPhone;
    fn from_str(text: &str) -> Result<Self, InvalidPhone> {
        let digits = text.strip_prefix('+').unwrap_or_default();
        let fits = (8..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidPhone) }
    }
}

impl<'de> Deserialize<'de> for Phone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A text as it is compared where case does not matter.
pub fn folded(text: &str) -> String {
    text.to_lowercase().nfc().collect()
}

/// A password: 8 to 128 characters of any kind in normal form C; never shown, never logged.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Password(String);

#[derive(Debug, thiserror::Error)]
#[error("must have 8 to 128 characters")]
pub struct InvalidPassword;

impl Password {
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl std::str::FromStr for Password {
    type Err = InvalidPassword;
    fn from_str(text: &str) -> Result<Self, InvalidPassword> {
        let password: String = text.nfc().collect();
        if (8..=128).contains(&password.chars().count()) { Ok(Self(password)) } else { Err(InvalidPassword) }
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Name = Text<1, 5>;

    #[test]
    fn a_text_is_trimmed_normalised_and_bounded_in_characters() {
        assert_eq!(Name::parse("  cafe\u{301} ").unwrap().as_str(), "caf\u{e9}");
        assert_eq!(Name::parse(" "), Err(InvalidText::Length { min: 1, max: 5, got: 0 }));
        assert_eq!(Name::parse("ééééée"), Err(InvalidText::Length { min: 1, max: 5, got: 6 }));
    }

    #[test]
    fn control_characters_are_refused_and_line_breaks_only_where_lines_are_wanted() {
        assert_eq!(Name::parse("a\0b"), Err(InvalidText::ControlCharacter));
        assert_eq!(Name::parse("a\nb"), Err(InvalidText::ControlCharacter));
        assert!(Text::<1, 5, true>::parse("a\nb").is_ok());
    }

    #[test]
    fn telephone_numbers_are_international_and_never_shown_in_a_log() {
        let phone: Phone = "+4930123456".parse().unwrap();
        assert_eq!((phone.as_str(), format!("{phone:?}").as_str()), ("+4930123456", "Phone(…)"));
        for bad in [
            "",
            "+",
            "4930123456",
            "+0930123456",
            "+1234567",
            "+1234567890123456",
            "+49 30 123456",
            "+49a0123456",
        ] {
            assert!(bad.parse::<Phone>().is_err(), "{bad}");
        }
    }

    #[test]
    fn e_mail_addresses_are_parsed_and_compared_without_regard_to_case() {
        let address: Email = " Ada.Lovelace@Example.ORG ".parse().unwrap();
        assert_eq!(address.key(), "ada.lovelace@example.org");
        for bad in ["", "a", "a@b", "@example.org", "a b@example.org", "A <a@example.org>", "a@[127.0.0.1]"] {
            assert!(bad.parse::<Email>().is_err(), "{bad}");
        }
        assert!(!format!("{address:?}").contains("example"));
    }
}
