//! Places where stock is kept.

use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::str::FromStr;
use utoipa::ToSchema;

/// The location that every product has from its first day, and where it is reserved beyond what is on hand.
pub const MAIN: &str = "main";

/// The name by which the ledger knows a place: 1 to 32 lower-case letters, digits and hyphens, the first of them no
/// hyphen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct LocationId(String);

#[derive(Debug, thiserror::Error)]
#[error("must have 1 to 32 lower-case letters, digits and hyphens, and begin with a letter or digit")]
pub struct InvalidLocationId;

impl LocationId {
    /// The default location.
    pub fn main() -> Self {
        Self(MAIN.to_owned())
    }

    pub fn is_main(&self) -> bool {
        self.0 == MAIN
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LocationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for LocationId {
    type Err = InvalidLocationId;
    fn from_str(text: &str) -> Result<Self, InvalidLocationId> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let fits = (1..=32).contains(&text.len())
            && text.bytes().all(|byte| is_plain(byte) || byte == b'-')
            && text.bytes().next().is_some_and(is_plain);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidLocationId) }
    }
}

impl<'de> Deserialize<'de> for LocationId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What a location is called among people: 1 to 100 characters.
pub type LocationName = Text<1, 100>;

/// Most locations of one shop.
pub const MAX_LOCATIONS: usize = 100;

/// A place where stock is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    pub id: LocationId,
    pub name: LocationName,
    /// Orders take from the lowest first.
    pub priority: i32,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// `POST /locations`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewLocation {
    pub id: LocationId,
    pub name: LocationName,
    pub priority: i32,
}

/// `PATCH /locations/{id}`: the fields to change.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LocationChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<LocationName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_named_by_a_word_that_needs_no_escaping_anywhere() {
        for good in ["main", "b2", "berlin-north", "0"] {
            assert_eq!(good.parse::<LocationId>().unwrap().as_str(), good);
        }
        let long = "a".repeat(33);
        for bad in ["", "-a", "Main", "a b", "a/b", "a@b", "é", long.as_str()] {
            assert!(bad.parse::<LocationId>().is_err(), "{bad}");
        }
    }
}
