//! A product of the catalogue and how it changes.

use common::ids::ProductId;
use common::models::product::{self as model, NewProduct, ProductChange, ProductStatus};
use common::money::{Currency, InvalidMoney, Money};
use common::text::Sku;
use common::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A product as it is stored. What is in stock of it stands in the ledger, not here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    #[serde(rename = "_id")]
    pub id: ProductId,
    pub sku: Sku,
    pub name: model::ProductName,
    pub description: model::ProductDescription,
    #[serde(rename = "priceMinor", with = "minor_units")]
    pub price: Money,
    pub currency: Currency,
    pub status: ProductStatus,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Tells a repeat of the creating request from another request under the same key; in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

impl Product {
    /// A new product, for sale at once.
    pub fn create(
        id: ProductId,
        new: NewProduct,
        fingerprint: Option<String>,
        now: Timestamp,
    ) -> Result<Self, InvalidMoney> {
        let currency = new.currency.unwrap_or(Currency::EUR);
        Ok(Self {
            id,
            sku: new.sku,
            name: new.name,
            description: new.description.unwrap_or_else(no_description),
            price: new.price.to_money(currency)?,
            currency,
            status: ProductStatus::Active,
            version: 1,
            created_at: now,
            updated_at: now,
            fingerprint,
        })
    }

    /// The product after a change, one version on; the same product where the change changes nothing.
    pub fn changed(&self, change: ProductChange, now: Timestamp) -> Result<Self, InvalidMoney> {
        let mut next = self.clone();
        if let Some(name) = change.name {
            next.name = name;
        }
        if let Some(description) = change.description {
            next.description = description;
        }
        if let Some(price) = change.price {
            next.price = price.to_money(self.currency)?;
        }
        if let Some(status) = change.status {
            next.status = status;
        }
        if next != *self {
            next.version += 1;
            // A clock that was set back does not take a product back in time.
            next.updated_at = now.max(self.updated_at);
        }
        Ok(next)
    }

    /// Drafts are for staff alone. What was archived stays readable for the orders that name it.
    pub fn is_visible_to(&self, is_staff: bool) -> bool {
        is_staff || self.status != ProductStatus::Draft
    }

    /// The product as clients see it.
    pub fn with_inventory(self, available: i64) -> model::Product {
        model::Product {
            id: self.id,
            sku: self.sku,
            name: self.name,
            description: self.description,
            price: self.price.to_amount(self.currency),
            currency: self.currency,
            status: self.status,
            inventory: available,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

#[expect(clippy::expect_used, reason = "the empty text is within the bounds of a description")]
fn no_description() -> model::ProductDescription {
    model::ProductDescription::parse("").expect("a description may be empty")
}

/// Money as an integer of minor units.
mod minor_units {
    use common::money::Money;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(price: &Money, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(price.minor())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
        Money::from_minor(i64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_product(price: &str, currency: &str) -> NewProduct {
        NewProduct {
            sku: "SKU-1".parse().unwrap(),
            name: "Teapot".parse().unwrap(),
            description: None,
            price: price.parse().unwrap(),
            currency: Some(currency.parse().unwrap()),
            inventory: None,
        }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_price_has_no_more_decimals_than_its_currency() {
        let create = |price, currency| {
            Product::create(ProductId::new(), new_product(price, currency), None, at(0))
                .map(|p| p.price.minor())
        };
        assert_eq!(create("19.99", "EUR"), Ok(1999));
        assert_eq!(create("19", "JPY"), Ok(19));
        assert!(create("19.9", "JPY").is_err());
        assert!(create("1.999", "EUR").is_err());
        assert!(create("10000000000000", "EUR").is_err());
    }

    #[test]
    fn a_change_raises_the_version_once_and_no_change_does_not() {
        let product = Product::create(ProductId::new(), new_product("5", "EUR"), None, at(5)).unwrap();
        let same = ProductChange { price: Some("5.00".parse().unwrap()), ..ProductChange::default() };
        assert_eq!(product.changed(same, at(9)).unwrap(), product);
        let change = ProductChange {
            name: Some("Pot".parse().unwrap()),
            status: Some(ProductStatus::Archived),
            ..ProductChange::default()
        };
        let changed = product.changed(change.clone(), at(9)).unwrap();
        assert_eq!((changed.version, changed.name.as_str(), changed.updated_at), (2, "Pot", at(9)));
        assert_eq!(product.changed(change, at(1)).unwrap().updated_at, at(5));
        let finer = ProductChange { price: Some("5.001".parse().unwrap()), ..ProductChange::default() };
        assert!(product.changed(finer, at(9)).is_err());
    }

    #[test]
    fn only_staff_see_drafts() {
        let mut product = Product::create(ProductId::new(), new_product("5", "EUR"), None, at(5)).unwrap();
        assert!(product.is_visible_to(false));
        product.status = ProductStatus::Draft;
        assert!(!product.is_visible_to(false) && product.is_visible_to(true));
    }
}
