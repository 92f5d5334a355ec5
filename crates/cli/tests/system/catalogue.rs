//! The catalogue as a client meets it, through the gateway.

use crate::system::System;
use common::models::category::{CategoryChange, NewCategory};
use common::models::product::NewProduct;
use oms_client::ProductQuery;
use reqwest::header::{ETAG, IF_NONE_MATCH};
use serde_json::{Map, Value, json};

#[tokio::test]
async fn a_catalogue_is_built_searched_and_narrowed_by_a_client() {
    let system = System::start().await;
    let admin = system.admin();
    for path in ["home", "home/kitchen"] {
        let category =
            NewCategory { path: path.parse().unwrap(), name: "Things".parse().unwrap(), description: None };
        admin.create_category(&category, None).await.unwrap();
    }
    let branches = admin.categories(Some(&"home".parse().unwrap()), None, None).await.unwrap().items;
    let renamed = CategoryChange { name: Some("Kitchen".parse().unwrap()), ..CategoryChange::default() };
    assert_eq!(admin.change_category(branches[0].id, &renamed, Some(1)).await.unwrap().version, 2);
    assert_eq!(admin.category(branches[0].id).await.unwrap().name.as_str(), "Kitchen");

    let new = |sku: &str, name: &str, price: &str| {
        NewProduct::new(sku.parse().unwrap(), name.parse().unwrap(), price.parse().unwrap())
    };
    let teapot = NewProduct {
        category: Some("home/kitchen".parse().unwrap()),
        brand: Some("Crème".parse().unwrap()),
        external_id: Some("erp-1".parse().unwrap()),
        ..new("POT-1", "Blue teapot", "19.99")
    };
    let teapot = admin.create_product(&teapot, None).await.unwrap().value;
    let large = NewProduct {
        parent_id: Some(teapot.id),
        options: serde_json::from_value(json!({ "size": "L" })).unwrap(),
        inventory: Some(3.try_into().unwrap()),
        ..new("POT-1-L", "Blue teapot, large", "24.99")
    };
    let large = admin.create_product(&large, None).await.unwrap().value;
    assert!(admin.product(teapot.id).await.unwrap().has_variants);

    let wanted =
        ProductQuery { q: Some("TEAP".into()), sort: Some("-price".into()), ..ProductQuery::default() };
    let first = admin.find_products(&wanted, Some(1), None).await.unwrap();
    let second = admin.find_products(&wanted, Some(1), first.next.as_deref()).await.unwrap();
    assert_eq!((first.items[0].id, second.items[0].id, second.next), (large.id, teapot.id, None));
    let in_home = ProductQuery { category: Some("home".parse().unwrap()), ..ProductQuery::default() };
    assert_eq!(admin.find_products(&in_home, None, None).await.unwrap().items[0].id, teapot.id);
    let facets = admin.product_facets(&in_home).await.unwrap();
    assert_eq!((facets.count, facets.brands[0].brand.as_str()), (1, "Crème"));
    assert_eq!(admin.product_by_sku(&"POT-1-L".parse().unwrap()).await.unwrap().unwrap().id, large.id);
    assert_eq!(admin.product_by_external_id("erp-1").await.unwrap().unwrap().id, teapot.id);
    let patch: Map<String, Value> = json!({ "brand": null, "tags": ["new"] }).as_object().unwrap().clone();
    let patched = admin.patch_product(teapot.id, &patch, None).await.unwrap();
    assert_eq!((patched.details.brand, patched.details.tags.as_slice().len()), (None, 1));

    let http = common::http::peer::client().unwrap();
    let address = format!("{}/products/{}", system.url(), teapot.id);
    let shown = http.get(&address).send().await.unwrap();
    let again = http.get(&address).header(IF_NONE_MATCH, &shown.headers()[ETAG]).send().await.unwrap();
    assert_eq!((shown.status().as_u16(), again.status().as_u16()), (200, 304));
    assert_eq!(again.headers()["cache-control"], "public, max-age=5");
    assert_eq!(again.bytes().await.unwrap().len(), 0);
    system.stop().await;
}
