//! Fields of a merge patch (RFC 7396) that `null` removes.

use serde::{Deserialize, Deserializer};

/// Tells `null`, which removes the value (`Some(None)`), from a field that is left out (`None`, by `serde(default)`).
pub fn removable<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}
