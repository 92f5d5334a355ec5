//! Reservation holds: units kept for a checkout until its order names them, or their time is over.

use super::order::RequestedLine;
use crate::ids::{HoldId, OrderId};
use crate::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;

/// Most lines of one hold.
pub const MAX_HOLD_LINES: usize = 100;

/// Longest that a hold lasts from now, in seconds.
pub const MAX_TTL_S: u32 = 1_800;

/// Longest that a hold lasts from its beginning, however often it is extended, in seconds.
pub const MAX_HOLD_LIFE_S: u32 = 7_200;

/// Seconds that a hold lasts: 1 to [`MAX_TTL_S`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct TimeToLive(u32);

#[derive(Debug, thiserror::Error)]
#[error("must be a whole number of seconds from 1 to {MAX_TTL_S}")]
pub struct InvalidTimeToLive;

impl TimeToLive {
    pub fn as_millis(self) -> i64 {
        i64::from(self.0) * 1000
    }
}

impl TryFrom<u32> for TimeToLive {
    type Error = InvalidTimeToLive;
    fn try_from(seconds: u32) -> Result<Self, InvalidTimeToLive> {
        if (1..=MAX_TTL_S).contains(&seconds) { Ok(Self(seconds)) } else { Err(InvalidTimeToLive) }
    }
}

impl<'de> Deserialize<'de> for TimeToLive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = i64::deserialize(deserializer)?;
        u32::try_from(seconds)
            .map_err(|_| InvalidTimeToLive)
            .and_then(Self::try_from)
            .map_err(de::Error::custom)
    }
}

/// `POST /reservations`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewHold {
    /// 1 to 100 lines, each product once.
    #[schema(min_items = 1, max_items = 100)]
    pub lines: Vec<RequestedLine>,
    pub ttl_seconds: TimeToLive,
}

/// `POST /reservations/{id}/extend`: so long from now; never shorter than it is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HoldExtension {
    pub ttl_seconds: TimeToLive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum HoldStatus {
    Active,
    /// Given back.
    Released,
    /// Its time was over.
    Expired,
    /// An order has the units.
    Used,
}

/// Units that are kept for somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    pub id: HoldId,
    pub status: HoldStatus,
    pub lines: Vec<RequestedLine>,
    /// From this instant the units are anybody's.
    pub expires_at: Timestamp,
    /// The order that named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}
