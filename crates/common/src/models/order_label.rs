//! What a shop's other systems and its customers attach to an order when they place it.

use crate::text::Text;
use serde::{Deserialize, Deserializer, Serialize, de};
use std::collections::BTreeMap;

/// What the customer says to the order: 1 to 2,000 characters.
pub type OrderRemark = Text<1, 2000, true>;

/// The order's name in another system: 1 to 100 characters.
pub type ExternalId = Text<1, 100>;

/// Up to 50 names of 1 to 40 letters, digits, `-` and `_`, each with a text of up to 500 characters, together at most
/// 8 KiB.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Metadata(BTreeMap<String, String>);

#[derive(Debug, thiserror::Error)]
#[error(
    "must have at most 50 names of 1 to 40 letters, digits, - and _, each with a text of at most 500 characters, \
     together at most 8 KiB"
)]
pub struct InvalidMetadata;

impl Metadata {
    pub fn parse(entries: BTreeMap<String, String>) -> Result<Self, InvalidMetadata> {
        let is_named = |name: &str| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            (1..=40).contains(&name.len()) && name.bytes().all(is_plain)
        };
        let fits = |text: &str| text.chars().count() <= 500 && !text.contains('\0');
        let bytes: usize = entries.iter().map(|(name, text)| name.len() + text.len()).sum();
        let all = entries.iter().all(|(name, text)| is_named(name) && fits(text));
        if all && entries.len() <= 50 && bytes <= 8 * 1024 { Ok(Self(entries)) } else { Err(InvalidMetadata) }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// By name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(BTreeMap::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(entries: &[(&str, &str)]) -> Result<Metadata, InvalidMetadata> {
        Metadata::parse(entries.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect())
    }

    #[test]
    fn metadata_has_plain_names_and_bounded_texts() {
        assert!(parse(&[]).unwrap().is_empty());
        assert!(parse(&[("utm_source", "a"), ("x-1", "")]).is_ok());
        let long = "a".repeat(501);
        for bad in [("", "a"), ("a.b", "a"), ("$set", "a"), ("a", long.as_str())] {
            assert!(parse(&[bad]).is_err(), "{bad:?}");
        }
        let numbered = |count: usize, text: &str| {
            Metadata::parse((0..count).map(|number| (format!("n{number}"), text.to_owned())).collect())
        };
        assert!(numbered(50, "a").is_ok() && numbered(51, "a").is_err());
        assert!(numbered(20, &"a".repeat(500)).is_err());
    }
}
