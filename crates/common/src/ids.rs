//! Identities: one type for each kind of thing, all UUIDs (RFC 9562).

#[cfg(feature = "service")]
use mongodb::bson::{RawBinaryRef, spec::BinarySubtype};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use uuid::Uuid;

/// The identity of one kind of thing: a hyphenated lower-case UUID in JSON, binary subtype 4 in BSON.
pub struct Id<Kind> {
    uuid: Uuid,
    kind: PhantomData<fn() -> Kind>,
}

/// Marks the kinds of [`Id`].
pub mod kind {
    pub enum ApiKey {}
    pub enum Address {}
    pub enum AuditEvent {}
    pub enum Category {}
    pub enum Customer {}
    pub enum Delivery {}
    pub enum Entity {}
    pub enum Event {}
    pub enum Hold {}
    pub enum Movement {}
    pub enum Order {}
    pub enum Product {}
    pub enum Session {}
    pub enum Fulfillment {}
    pub enum Return {}
    pub enum Webhook {}
}

pub type AddressId = Id<kind::Address>;
pub type AuditEventId = Id<kind::AuditEvent>;
pub type ApiKeyId = Id<kind::ApiKey>;
pub type CategoryId = Id<kind::Category>;
pub type CustomerId = Id<kind::Customer>;
/// Of an order, a movement, a product or a customer: its own.
pub type EntityId = Id<kind::Entity>;
pub type DeliveryId = Id<kind::Delivery>;
pub type EventId = Id<kind::Event>;
pub type HoldId = Id<kind::Hold>;
pub type MovementId = Id<kind::Movement>;
pub type OrderId = Id<kind::Order>;
pub type ProductId = Id<kind::Product>;
pub type SessionId = Id<kind::Session>;
pub type FulfillmentId = Id<kind::Fulfillment>;
pub type ReturnId = Id<kind::Return>;
pub type WebhookId = Id<kind::Webhook>;

impl<Kind> Id<Kind> {
    /// A fresh UUIDv7: ordered by the time it was made.
    pub fn new() -> Self {
        Self::from_uuid(Uuid::now_v7())
    }

    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self { uuid, kind: PhantomData }
    }

    /// The UUIDv8 of the SHA-256 over the length-prefixed parts: equal parts give the same identity for ever,
    /// so a repeated request finds what the first one made without a second index.
    pub fn derived(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        let digest: [u8; 32] = hash.finalize().into();
        let mut bytes = [0; 16];
        for (byte, source) in bytes.iter_mut().zip(digest) {
            *byte = source;
        }
        Self::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    pub const fn uuid(&self) -> Uuid {
        self.uuid
    }

    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.uuid.as_bytes()
    }
}

impl OrderId {
    /// The movement that reserves an order's stock, or records that it could not, carries the order's identity.
    pub const fn reservation(self) -> MovementId {
        MovementId::from_uuid(self.uuid)
    }
}

impl<Kind> Default for Id<Kind> {
    fn default() -> Self {
        Self::new()
    }
}

impl<Kind> Clone for Id<Kind> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Kind> Copy for Id<Kind> {}

impl<Kind> PartialEq for Id<Kind> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}

impl<Kind> Eq for Id<Kind> {}

impl<Kind> PartialOrd for Id<Kind> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<Kind> Ord for Id<Kind> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.uuid.cmp(&other.uuid)
    }
}

impl<Kind> std::hash::Hash for Id<Kind> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}

impl<Kind> fmt::Display for Id<Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uuid.fmt(f)
    }
}

impl<Kind> fmt::Debug for Id<Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uuid.fmt(f)
    }
}

/// The text is not a hyphenated UUID.
#[derive(Debug, thiserror::Error)]
#[error("must be a hyphenated UUID such as 01890a5d-ac96-774b-bcce-b302099a8057")]
pub struct InvalidId;

impl<Kind> FromStr for Id<Kind> {
    type Err = InvalidId;

    /// Only the hyphenated form: braces, URNs and bare hexadecimal would give one thing several addresses.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.len() != uuid::fmt::Hyphenated::LENGTH {
            return Err(InvalidId);
        }
        Uuid::parse_str(text).map(Self::from_uuid).map_err(|_| InvalidId)
    }
}

impl<Kind> Serialize for Id<Kind> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[cfg(feature = "service")]
        if !serializer.is_human_readable() {
            return mongodb::bson::Uuid::from_bytes(self.uuid.into_bytes()).serialize(serializer);
        }
        let mut buffer = Uuid::encode_buffer();
        serializer.serialize_str(self.uuid.as_hyphenated().encode_lower(&mut buffer))
    }
}

impl<'de, Kind> Deserialize<'de> for Id<Kind> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[cfg(feature = "service")]
        if !deserializer.is_human_readable() {
            // Borrowed, because the crate's own UUID is read by way of base 64.
            let stored = RawBinaryRef::deserialize(deserializer)?;
            if stored.subtype != BinarySubtype::Uuid {
                return Err(de::Error::custom("expected a UUID"));
            }
            return Uuid::from_slice(stored.bytes).map(Self::from_uuid).map_err(de::Error::custom);
        }
        struct Text<Kind>(PhantomData<Kind>);
        impl<Kind> de::Visitor<'_> for Text<Kind> {
            type Value = Id<Kind>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a UUID as text")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id<Kind>, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text(PhantomData))
    }
}

#[cfg(feature = "service")]
impl<Kind> From<Id<Kind>> for mongodb::bson::Bson {
    fn from(id: Id<Kind>) -> Self {
        mongodb::bson::Uuid::from_bytes(id.uuid.into_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_identity_is_a_uuid_v8_and_depends_on_every_part_and_its_borders() {
        let id = OrderId::derived(&[b"place", b"customer", b"key"]);
        assert_eq!(id, OrderId::derived(&[b"place", b"customer", b"key"]));
        assert_eq!(id.uuid().get_version_num(), 8);
        assert_eq!(id.uuid().get_variant(), uuid::Variant::RFC4122);
        assert_ne!(id, OrderId::derived(&[b"place", b"customerk", b"ey"]));
        assert_ne!(id, OrderId::derived(&[b"place", b"customer", b"key", b""]));
    }

    #[test]
    fn only_the_hyphenated_form_is_accepted() {
        let id = OrderId::new();
        assert_eq!(id.to_string().parse::<OrderId>().unwrap(), id);
        for bad in ["", "1", "01890a5dac96774bbcceb302099a8057", "{01890a5d-ac96-774b-bcce-b302099a8057}"] {
            assert!(bad.parse::<OrderId>().is_err(), "{bad}");
        }
    }

    #[cfg(feature = "service")]
    #[test]
    fn an_identity_is_text_in_json_and_a_uuid_in_bson() {
        #[derive(Serialize, Deserialize, PartialEq, Debug)]
        struct Holder {
            id: OrderId,
        }
        let holder = Holder { id: OrderId::new() };
        let json = serde_json::to_string(&holder).unwrap();
        assert_eq!(json, format!("{{\"id\":\"{}\"}}", holder.id));
        assert_eq!(serde_json::from_str::<Holder>(&json).unwrap(), holder);
        let stored = crate::mongo::to_document(&holder).unwrap();
        assert!(matches!(stored.get("id"), Some(mongodb::bson::Bson::Binary(b))
            if b.subtype == mongodb::bson::spec::BinarySubtype::Uuid));
        let bytes = mongodb::bson::serialize_to_vec(&holder).unwrap();
        assert_eq!(mongodb::bson::deserialize_from_slice::<Holder>(&bytes).unwrap(), holder);
        assert_eq!(crate::mongo::from_document::<Holder>(&stored).unwrap(), holder);
    }
}
