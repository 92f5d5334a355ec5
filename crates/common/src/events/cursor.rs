//! Where a reader of the whole feed is: a position in each service's log. Opaque to clients.

use crate::models::event::EntityKind;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// The services with a log of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogName {
    Orders,
    Customers,
    Products,
}

impl LogName {
    pub const ALL: [Self; 3] = [Self::Orders, Self::Customers, Self::Products];

    /// What its events are about.
    pub const fn kinds(self) -> &'static [EntityKind] {
        match self {
            Self::Orders => &[EntityKind::Order],
            Self::Customers => &[EntityKind::Customer],
            Self::Products => &[EntityKind::Movement, EntityKind::Product],
        }
    }
}

/// The last position that was read of each log; `None`: nothing yet, so that the log is read from its front.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedCursor {
    pub orders: Option<i64>,
    pub customers: Option<i64>,
    pub products: Option<i64>,
}

/// Tells this form from later ones.
const FORM: u8 = 1;

impl FeedCursor {
    pub const fn get(&self, log: LogName) -> Option<i64> {
        match log {
            LogName::Orders => self.orders,
            LogName::Customers => self.customers,
            LogName::Products => self.products,
        }
    }

    pub const fn set(&mut self, log: LogName, position: i64) {
        let place = match log {
            LogName::Orders => &mut self.orders,
            LogName::Customers => &mut self.customers,
            LogName::Products => &mut self.products,
        };
        *place = Some(position);
    }
}

impl fmt::Display for FeedCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![FORM];
        for log in LogName::ALL {
            // -1 stands for none: positions begin with 1, and 0 is before the first.
            bytes.extend_from_slice(&self.get(log).unwrap_or(-1).to_be_bytes());
        }
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("must be a cursor as it came with an event")]
pub struct InvalidFeedCursor;

impl FromStr for FeedCursor {
    type Err = InvalidFeedCursor;

    fn from_str(text: &str) -> Result<Self, InvalidFeedCursor> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidFeedCursor)?;
        let Some((&FORM, positions)) = bytes.split_first() else { return Err(InvalidFeedCursor) };
        let (positions, []) = positions.as_chunks::<8>() else { return Err(InvalidFeedCursor) };
        if positions.len() != LogName::ALL.len() {
            return Err(InvalidFeedCursor);
        }
        let mut cursor = Self::default();
        for (log, position) in LogName::ALL.into_iter().zip(positions) {
            match i64::from_be_bytes(*position) {
                -1 => {}
                position @ 0.. => cursor.set(log, position),
                _ => return Err(InvalidFeedCursor),
            }
        }
        Ok(cursor)
    }
}

impl Serialize for FeedCursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FeedCursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_and_nothing_else_is_one() {
        let cursor = FeedCursor { orders: Some(7), customers: None, products: Some(0) };
        assert_eq!(cursor.to_string().parse::<FeedCursor>().unwrap(), cursor);
        assert!(cursor.to_string().bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')));
        let short = FeedCursor::default().to_string()[..20].to_owned();
        for bad in ["", "AAAA", "x", short.as_str()] {
            assert!(bad.parse::<FeedCursor>().is_err(), "{bad}");
        }
    }
}
