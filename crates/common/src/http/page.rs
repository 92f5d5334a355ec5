//! Pages of a list: newest first, by keyset cursors in a `Link` header (RFC 8288); page 10,000 costs what page 1 costs.

use crate::shapes::{pattern, value_schema, whole};
use crate::time::Timestamp;
use actix_web::http::header;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::str::FromStr;
use uuid::Uuid;

/// Entries of a page: 1 to 200, 50 where none is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u8);

impl Limit {
    pub const fn get(self) -> u8 {
        self.0
    }

    pub fn as_i64(self) -> i64 {
        i64::from(self.0)
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.parse() {
            Ok(limit @ 1..=200) => Ok(Self(limit)),
            _ => Err(de::Error::custom("must be a whole number from 1 to 200")),
        }
    }
}

/// Where a page ended: the last entry's time and identity. Opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub at: Timestamp,
    pub id: Uuid,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = self.at.as_millis().to_be_bytes().to_vec();
        bytes.extend_from_slice(self.id.as_bytes());
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("must be a cursor as it came in a Link header")]
pub struct InvalidCursor;

impl FromStr for Cursor {
    type Err = InvalidCursor;
    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let (at, id) = bytes.split_first_chunk::<8>().ok_or(InvalidCursor)?;
        let id = Uuid::from_slice(id).map_err(|_| InvalidCursor)?;
        Ok(Self { at: Timestamp::from_millis(i64::from_be_bytes(*at)), id })
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

value_schema!(Limit, "Limit", whole(1, 200).default(Some(50.into())));
value_schema!(Cursor, "Cursor", pattern("^[A-Za-z0-9_-]{32}$"));

/// The `Link` header to the next page: the request's path and query with `after` set to the cursor.
pub fn next_link(path: &str, query: &str, after: impl std::fmt::Display) -> (header::HeaderName, String) {
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("after="));
    let query: Vec<String> = kept.map(str::to_owned).chain([format!("after={after}")]).collect();
    (header::LINK, format!("<{path}?{}>; rel=\"next\"", query.join("&")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_and_nothing_else_is_one() {
        let cursor = Cursor { at: Timestamp::from_millis(1_767_225_600_000), id: Uuid::now_v7() };
        assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        for bad in ["", "x", "AAAA", "{}", "../.."] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_next_link_keeps_the_filters_and_replaces_the_cursor() {
        let after = Cursor { at: Timestamp::from_millis(0), id: Uuid::nil() };
        let (_, link) = next_link("/orders", "limit=2&after=old&status=pending", after);
        assert_eq!(link, format!("</orders?limit=2&status=pending&after={after}>; rel=\"next\""));
    }
}
