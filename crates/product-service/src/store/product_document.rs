//! Products as documents: the product itself, and beside it what it is found by, derived anew with every write.

use super::product_search::status_name;
use crate::domain::listing::sorted_name;
use crate::domain::product::Product;
use crate::domain::words::folded;
use common::models::product::ProductStatus;
use common::mongo::{StoreError, to_document};
use mongodb::bson::{Document, doc};

/// The document of a product.
pub(super) fn to_stored(product: &Product, in_stock: bool) -> Result<Document, StoreError> {
    let mut document = to_document(product)?;
    let mut search = doc! {
        "name": sorted_name(&product.name),
        "titleWords": Vec::from_iter(product.title_words()),
        "words": Vec::from_iter(product.words()),
    };
    if let Some(brand) = &product.details.brand {
        search.insert("brand", folded(brand));
    }
    if let Some(category) = &product.details.category {
        search.insert("categories", Vec::from_iter(category.branch()));
    }
    if product.parent_id.is_some() {
        search.insert("options", product.options_key());
    }
    document.insert("search", search);
    document.insert("inStock", in_stock);
    // How often that changed.
    document.insert("stockTurns", 0_i64);
    Ok(document)
}

/// What a reader of products leaves in the database.
pub(super) fn derived() -> Document {
    doc! { "search": 0, "inStock": 0, "stockTurns": 0 }
}

pub(super) fn validator() -> Document {
    let statuses = [ProductStatus::Draft, ProductStatus::Active, ProductStatus::Archived].map(status_name);
    doc! {
        "$jsonSchema": {
            "bsonType": "object",
            "required": ["_id", "sku", "name", "priceMinor", "currency", "status", "version", "createdAt", "updatedAt"],
            "properties": {
                "_id": { "bsonType": "binData" },
                "sku": { "bsonType": "string", "minLength": 1 },
                "name": { "bsonType": "string", "minLength": 1 },
                "priceMinor": { "bsonType": ["int", "long"], "minimum": 0 },
                "currency": { "bsonType": "string" },
                "status": { "enum": Vec::from(statuses) },
                "parentId": { "bsonType": "binData" },
                "details": { "bsonType": "object" },
                "inStock": { "bsonType": "bool" },
                "version": { "bsonType": ["int", "long"], "minimum": 1 },
                "createdAt": { "bsonType": "date" },
                "updatedAt": { "bsonType": "date" },
            },
        },
    }
}
