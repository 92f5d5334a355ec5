//! Fulfilments: the parcels of an order.

use super::bounded;
use super::order::RequestedLine;
use crate::ids::FulfillmentId;
use crate::models::location::LocationId;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;

/// Most fulfilments of one order.
pub const MAX_FULFILLMENTS: usize = 100;

/// Who carries a parcel, such as `DHL`.
pub type Carrier = Text<1, 100>;

/// The carrier's name for a parcel.
pub type TrackingNumber = Text<1, 100>;

/// Where a parcel can be followed: an http or https address of up to 500 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct TrackingUrl(String);

impl TrackingUrl {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Debug, thiserror::Error)]
#[error("must be an http or https address of at most 500 characters")]
pub struct InvalidTrackingUrl;

impl std::str::FromStr for TrackingUrl {
    type Err = InvalidTrackingUrl;
    fn from_str(text: &str) -> Result<Self, InvalidTrackingUrl> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let names_a_host =
            rest.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_alphanumeric()));
        let is_plain = text.len() <= 500
            && text
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\'));
        if names_a_host && is_plain { Ok(Self(text.to_owned())) } else { Err(InvalidTrackingUrl) }
    }
}

impl<'de> Deserialize<'de> for TrackingUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// `POST /orders/{id}/fulfillments`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewFulfillment {
    /// What is in the parcel; everything that is still open where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "bounded::optional_lines")]
    #[schema(min_items = 1, max_items = 2000)]
    pub lines: Option<Vec<RequestedLine>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<Carrier>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<TrackingNumber>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_url: Option<TrackingUrl>,
    /// Where it is shipped from; where the units are reserved if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location_id: Option<LocationId>,
}

/// One parcel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fulfillment {
    pub id: FulfillmentId,
    pub lines: Vec<RequestedLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<Carrier>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<TrackingNumber>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_url: Option<TrackingUrl>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location_id: Option<LocationId>,
    pub shipped_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tracking_address_is_one_that_a_browser_may_open() {
        for good in ["https://example.com/t?id=1", "http://10.0.0.1/1"] {
            assert!(good.parse::<TrackingUrl>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "javascript:alert(1)",
            "https://",
            "https:///x",
            "https://a b",
            "ftp://example.com",
            "https://a\"b",
        ] {
            assert!(bad.parse::<TrackingUrl>().is_err(), "{bad}");
        }
        assert!(format!("https://{}", "a".repeat(493)).parse::<TrackingUrl>().is_err());
    }
}
