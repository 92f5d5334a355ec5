//! Postal addresses: a customer's own, and those that orders copy.

use super::object::ObjectOnly;
use super::patch::removable;
use crate::country::Country;
use crate::ids::AddressId;
use crate::text::{Phone, Text};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// Most addresses of one customer.
pub const MAX_ADDRESSES: usize = 50;

/// What its owner calls an address, such as `home`.
pub type AddressLabel = Text<1, 50>;
/// Who receives: a person, or a company and a person.
pub type Recipient = Text<1, 200>;
/// Street, number, floor.
pub type StreetLine = Text<1, 200>;
pub type City = Text<1, 100>;
/// State, province or county, where the country's mail wants one.
pub type Region = Text<1, 100>;
/// Some countries have none.
pub type PostalCode = Text<1, 20>;

/// The street's part of an address: one to four lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct StreetLines(Vec<StreetLine>);

impl StreetLines {
    pub fn parse(lines: Vec<StreetLine>) -> Option<Self> {
        (1..=4).contains(&lines.len()).then_some(Self(lines))
    }

    pub fn as_slice(&self) -> &[StreetLine] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for StreetLines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let lines = Vec::deserialize(deserializer)?;
        let got = lines.len();
        Self::parse(lines)
            .ok_or_else(|| serde::de::Error::custom(format!("must have 1 to 4 entries, got {got}")))
    }
}

/// Where a parcel or an invoice goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct PostalAddress {
    pub recipient: Recipient,
    pub lines: StreetLines,
    pub city: City,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<PostalCode>,
    pub country: Country,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
}

impl Serialize for PostalAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for PostalAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(ObjectOnly(deserializer))
    }
}

/// `POST /customers/{id}/addresses`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewAddress {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<AddressLabel>,
    pub recipient: Recipient,
    pub lines: StreetLines,
    pub city: City,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<PostalCode>,
    pub country: Country,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// The first address is the default of both kinds whatever stands here.
    #[serde(default)]
    pub default_shipping: bool,
    #[serde(default)]
    pub default_billing: bool,
}

/// `PATCH /customers/{id}/addresses/{addressId}`: the fields to change; `null` removes what may be missing.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddressChange {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "removable")]
    pub label: Option<Option<AddressLabel>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Recipient>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<StreetLines>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<City>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "removable")]
    pub region: Option<Option<Region>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "removable")]
    pub postal_code: Option<Option<PostalCode>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "removable")]
    pub phone: Option<Option<Phone>>,
    /// Only `true` can be set: another address becomes the default by saying so there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_shipping: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_billing: Option<bool>,
}

/// An address of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    pub id: AddressId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<AddressLabel>,
    pub recipient: Recipient,
    pub lines: StreetLines,
    pub city: City,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<PostalCode>,
    pub country: Country,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// Exactly one address of a customer is.
    pub default_shipping: bool,
    /// Exactly one address of a customer is.
    pub default_billing: bool,
}
