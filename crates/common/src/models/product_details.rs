//! What a product may say of itself beyond name and price, each with its limits.

use super::category::CategoryPath;
use super::object::ObjectOnly;
use super::product::Units;
use crate::text::Text;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use utoipa::ToSchema;

pub type Brand = Text<1, 100>;
pub type Tag = Text<1, 50>;
/// The tax class by the name that whoever computes taxes gives it, such as `reduced`.
pub type TaxClass = Text<1, 50>;
/// The product's name in another system.
pub type ExternalId = Text<1, 100>;
/// What an attribute or an option is called.
pub type FieldName = Text<1, 50>;

pub type Tags = Distinct<Tag, 50>;
pub type Images = Distinct<ImageUrl, 20>;
pub type Attributes = Named<AttributeValue, 50>;
/// What tells a variant from its siblings, such as `{"size": "L"}`.
pub type Options = Named<OptionValue, 5>;
pub type OptionValue = Text<1, 50>;

/// Most bytes of a product's metadata as JSON.
pub const MAX_METADATA_BYTES: usize = 16 * 1024;

/// Everything of a product that may be left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductDetails {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<Brand>,
    /// A category of the tree by its path, such as `clothing/shirts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryPath>,
    #[serde(default, skip_serializing_if = "Distinct::is_empty")]
    pub tags: Tags,
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub attributes: Attributes,
    #[serde(default, skip_serializing_if = "Distinct::is_empty")]
    pub images: Images,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_grams: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<Dimensions>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_class: Option<TaxClass>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backorder: Option<Backorder>,
    /// Unique where it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// At most `MAX` values, each once, in the order they were given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Distinct<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> Default for Distinct<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: PartialEq, const MAX: usize> Distinct<T, MAX> {
    /// Refuses too many; leaves out what stands there already.
    pub fn parse(values: Vec<T>) -> Result<Self, TooMany> {
        let mut distinct: Vec<T> = Vec::with_capacity(values.len().min(MAX));
        for value in values {
            if distinct.contains(&value) {
                continue;
            }
            if distinct.len() == MAX {
                return Err(TooMany { max: MAX });
            }
            distinct.push(value);
        }
        Ok(Self(distinct))
    }
}

impl<T, const MAX: usize> Distinct<T, MAX> {
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("must have at most {max} entries")]
pub struct TooMany {
    max: usize,
}

impl<'de, T: Deserialize<'de> + PartialEq, const MAX: usize> Deserialize<'de> for Distinct<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(Vec::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// At most `MAX` values by their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Named<V, const MAX: usize>(BTreeMap<FieldName, V>);

impl<V, const MAX: usize> Default for Named<V, MAX> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<V, const MAX: usize> Named<V, MAX> {
    pub fn parse(values: BTreeMap<FieldName, V>) -> Result<Self, TooMany> {
        if values.len() > MAX { Err(TooMany { max: MAX }) } else { Ok(Self(values)) }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&FieldName, &V)> {
        self.0.iter()
    }

    pub fn names(&self) -> impl Iterator<Item = &FieldName> {
        self.0.keys()
    }
}

impl<'de, V: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Named<V, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(BTreeMap::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// The value of an attribute: true or false, a number, or a text of 1 to 500 characters.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum AttributeValue {
    Flag(bool),
    Whole(i64),
    Decimal(f64),
    Text(Text<1, 500>),
}

impl<'de> Deserialize<'de> for AttributeValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl de::Visitor<'_> for Any {
            type Value = AttributeValue;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number, true or false")
            }
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<AttributeValue, E> {
                Ok(AttributeValue::Flag(value))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<AttributeValue, E> {
                Ok(AttributeValue::Whole(value))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<AttributeValue, E> {
                let whole = i64::try_from(value).map_err(|_| E::custom("is larger than this system holds"));
                whole.map(AttributeValue::Whole)
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<AttributeValue, E> {
                Ok(AttributeValue::Decimal(value))
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<AttributeValue, E> {
                Text::parse(value).map(AttributeValue::Text).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// The address of a picture: http or https, at most 2,000 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ImageUrl(String);

#[derive(Debug, thiserror::Error)]
#[error("must be an http or https address of at most 2000 visible ASCII characters")]
pub struct InvalidImageUrl;

impl ImageUrl {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for ImageUrl {
    type Err = InvalidImageUrl;
    fn from_str(text: &str) -> Result<Self, InvalidImageUrl> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
        let is_plain = text.len() <= 2000
            && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'<>\\^`{|}".contains(&byte));
        // Whoever shows it must not send somebody's password along.
        let fits = is_plain && !host.is_empty() && !host.starts_with(':') && !host.contains('@');
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidImageUrl) }
    }
}

impl<'de> Deserialize<'de> for ImageUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Length, width and height of what is packed, in millimetres.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct Dimensions {
    pub length_mm: u32,
    pub width_mm: u32,
    pub height_mm: u32,
}

/// Whether orders may promise what is not there, and how many units at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct Backorder {
    pub allowed: bool,
    pub limit: Units,
}

macro_rules! object_only {
    ($($name:ident),*) => { $(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Self::serialize(self, serializer)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::deserialize(ObjectOnly(deserializer))
            }
        }
    )* };
}

object_only!(Dimensions, Backorder);

/// Whatever its owner wants to keep with a product: a JSON object of at most [`MAX_METADATA_BYTES`]. Stored as text, so
/// that no name in it means anything to the database.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata(Map<String, Value>);

impl Metadata {
    pub fn parse(members: Map<String, Value>) -> Result<Self, InvalidMetadata> {
        let metadata = Self(members);
        let bytes = metadata.to_string().len();
        if bytes > MAX_METADATA_BYTES { Err(InvalidMetadata { bytes }) } else { Ok(metadata) }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).map_err(|_| fmt::Error)?)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("must have at most {MAX_METADATA_BYTES} bytes as JSON, got {bytes}")]
pub struct InvalidMetadata {
    bytes: usize,
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            self.0.serialize(serializer)
        } else {
            serializer.collect_str(self)
        }
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = if deserializer.is_human_readable() {
            Map::deserialize(deserializer)?
        } else {
            serde_json::from_str(&String::deserialize(deserializer)?).map_err(de::Error::custom)?
        };
        Self::parse(members).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn details_are_read_as_they_were_written_in_json_and_in_the_database() {
        let given = json!({
            "brand": "Acme",
            "category": "home/kitchen",
            "tags": ["new", "sale"],
            "attributes": { "dishwasher safe": true, "litres": 1.5, "parts": 3, "$colour.name": "blue" },
            "images": ["https://cdn.example.com/1.jpg?w=200"],
            "weightGrams": 900,
            "dimensions": { "lengthMm": 1, "widthMm": 2, "heightMm": 3 },
            "taxClass": "reduced",
            "backorder": { "allowed": true, "limit": 20 },
            "externalId": "4711",
            "metadata": { "$where": { "a.b": [1, u64::MAX, null] } },
        });
        let details: ProductDetails = serde_json::from_value(given.clone()).unwrap();
        assert_eq!(serde_json::to_value(&details).unwrap(), given);
        assert_eq!(serde_json::to_value(ProductDetails::default()).unwrap(), json!({}));
        #[cfg(feature = "service")]
        {
            let stored = crate::mongo::to_document(&details).unwrap();
            assert!(stored.get_str("metadata").is_ok());
            assert_eq!(crate::mongo::from_document::<ProductDetails>(&stored).unwrap(), details);
        }
    }

    #[test]
    fn everything_has_a_limit() {
        let refused = |given: Value| serde_json::from_value::<ProductDetails>(given).unwrap_err().to_string();
        let many = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>();
        assert!(refused(json!({ "tags": many(51) })).contains("at most 50"));
        let attributes: Map<String, Value> = many(51).into_iter().map(|name| (name, json!(1))).collect();
        assert!(refused(json!({ "attributes": attributes })).contains("at most 50"));
        assert!(refused(json!({ "metadata": { "a": "x".repeat(MAX_METADATA_BYTES) } })).contains("16384"));
        assert!(refused(json!({ "dimensions": [1, 2, 3] })).contains("expected"));
        assert!(refused(json!({ "attributes": { "a": ["b"] } })).contains("a text, a number"));
        for image in
            ["", "ftp://a/b", "https://", "https:///a", "http://u:p@h/", "https://a/\"", "javascript:1"]
        {
            assert!(refused(json!({ "images": [image] })).contains("http or https"), "{image}");
        }
        let twice: ProductDetails = serde_json::from_value(json!({ "tags": ["a", "b", "a"] })).unwrap();
        assert_eq!(serde_json::to_value(twice.tags).unwrap(), json!(["a", "b"]));
    }
}
