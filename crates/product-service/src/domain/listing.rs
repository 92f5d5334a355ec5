//! In which order products are listed, and where a page of such a list ended.

use super::product::Product;
use super::words::folded;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use common::ids::ProductId;
use common::time::Timestamp;
use serde::{Deserialize, Deserializer, de};
use utoipa::ToSchema;
use uuid::Uuid;

/// Characters of a name that its place in the order depends on.
const SORTED_NAME: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, ToSchema)]
pub enum Sort {
    /// First those whose title holds every word that is looked for, then those whose description helps; each newest
    /// first.
    #[serde(rename = "relevance")]
    Relevance,
    #[serde(rename = "newest")]
    Newest,
    #[serde(rename = "price")]
    Price,
    #[serde(rename = "-price")]
    PriceDescending,
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "-name")]
    NameDescending,
}

impl Sort {
    pub const ALL: [Self; 6] =
        [Self::Relevance, Self::Newest, Self::Price, Self::PriceDescending, Self::Name, Self::NameDescending];

    pub const fn is_by_price(self) -> bool {
        matches!(self, Self::Price | Self::PriceDescending)
    }

    const fn tag(self) -> u8 {
        match self {
            Self::Relevance => 0,
            Self::Newest => 1,
            Self::Price => 2,
            Self::PriceDescending => 3,
            Self::Name => 4,
            Self::NameDescending => 5,
        }
    }
}

/// A name as it is put in order.
pub fn sorted_name(name: &str) -> String {
    folded(name).chars().take(SORTED_NAME).collect()
}

/// What a list is sorted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SortKey {
    At(Timestamp),
    PriceMinor(i64),
    Name(String),
}

/// Where a page ended: opaque to clients, and good for lists of the same sort alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    pub sort: Sort,
    /// Which part of a list by relevance; 0 in every other.
    pub tier: u8,
    pub key: SortKey,
    pub id: ProductId,
}

impl Position {
    /// After this product in its list.
    pub fn after(product: &Product, sort: Sort, tier: u8) -> Self {
        let key = match sort {
            Sort::Relevance | Sort::Newest => SortKey::At(product.created_at),
            Sort::Price | Sort::PriceDescending => SortKey::PriceMinor(product.price.minor()),
            Sort::Name | Sort::NameDescending => SortKey::Name(sorted_name(&product.name)),
        };
        Self { sort, tier, key, id: product.id }
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = vec![self.sort.tag(), self.tier];
        bytes.extend_from_slice(self.id.as_bytes());
        match &self.key {
            SortKey::At(at) => bytes.extend_from_slice(&at.as_millis().to_be_bytes()),
            SortKey::PriceMinor(minor) => bytes.extend_from_slice(&minor.to_be_bytes()),
            SortKey::Name(name) => bytes.extend_from_slice(name.as_bytes()),
        }
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("must be a cursor as it came in a Link header")]
pub struct InvalidPosition;

impl std::str::FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        // Of the longest name that is sorted by.
        if text.len() > 1024 {
            return Err(InvalidPosition);
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidPosition)?;
        let ([tag, tier], rest) = bytes.split_first_chunk::<2>().ok_or(InvalidPosition)?;
        let (id, key) = rest.split_first_chunk::<16>().ok_or(InvalidPosition)?;
        let sort = Sort::ALL.into_iter().find(|sort| sort.tag() == *tag).ok_or(InvalidPosition)?;
        let number = || key.try_into().map(i64::from_be_bytes).map_err(|_| InvalidPosition);
        let key = match sort {
            Sort::Relevance | Sort::Newest => SortKey::At(Timestamp::from_millis(number()?)),
            Sort::Price | Sort::PriceDescending => SortKey::PriceMinor(number()?),
            Sort::Name | Sort::NameDescending => {
                SortKey::Name(String::from_utf8(key.to_vec()).map_err(|_| InvalidPosition)?)
            }
        };
        Ok(Self { sort, tier: *tier, key, id: ProductId::from_uuid(Uuid::from_bytes(*id)) })
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_its_text_and_nothing_else_is_one() {
        let id = ProductId::new();
        for (sort, key) in [
            (Sort::Relevance, SortKey::At(Timestamp::from_millis(1_767_225_600_000))),
            (Sort::Newest, SortKey::At(Timestamp::from_millis(-1))),
            (Sort::PriceDescending, SortKey::PriceMinor(1999)),
            (Sort::Name, SortKey::Name("creme".to_owned())),
            (Sort::NameDescending, SortKey::Name(String::new())),
        ] {
            let position = Position { sort, tier: 1, key, id };
            assert_eq!(position.to_string().parse::<Position>().unwrap(), position);
        }
        for bad in ["", "x", "AAAA", "{}", "../..", &"A".repeat(28), &"A".repeat(2000)] {
            assert!(bad.parse::<Position>().is_err(), "{bad}");
        }
    }
}
