//! What one service asks another to find many of in one call.

use crate::ids::{CustomerId, ProductId};
use crate::text::{Email, Sku};
use serde::{Deserialize, Serialize};

/// Most names of one call.
pub const MAX_NAMES: usize = 2_000;

/// `POST /internal/customers/find` of customer-service.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomersWanted {
    pub ids: Vec<CustomerId>,
    pub emails: Vec<Email>,
}

/// The customers that there are, in no order; who was erased is none.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomersFound {
    pub customers: Vec<CustomerFound>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomerFound {
    pub id: CustomerId,
    /// [`Email::key`] of the address.
    pub email_key: String,
}

/// `POST /internal/products/find` of product-service.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProductsWanted {
    pub ids: Vec<ProductId>,
    pub skus: Vec<Sku>,
}

/// The products that there are, in no order and of any status.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductsFound {
    pub products: Vec<ProductFound>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductFound {
    pub id: ProductId,
    pub sku: Sku,
    pub name: String,
}
