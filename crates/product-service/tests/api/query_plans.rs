use crate::app::TestApp;
use common::ids::{OrderId, ProductId};
use common::models::product::ProductStatus;
use common::money::Currency;
use common::time::Timestamp;
use mongodb::bson::{Bson, Document, doc};
use product_service::domain::listing::{Position, Sort, SortKey};
use product_service::domain::words::Search;
use product_service::store::product_search::{Listing, ProductFilter, order};

/// Names of the stages of a plan.
fn stages(plan: &Document, names: &mut Vec<String>) {
    if let Ok(stage) = plan.get_str("stage") {
        names.push(stage.to_owned());
    }
    for child in ["inputStage", "queryPlan"] {
        if let Ok(input) = plan.get_document(child) {
            stages(input, names);
        }
    }
    for input in plan.get_array("inputStages").into_iter().flatten() {
        stages(input.as_document().unwrap(), names);
    }
}

async fn winning_stages(app: &TestApp, find: Document) -> Vec<String> {
    let explain = doc! { "explain": find, "verbosity": "queryPlanner" };
    let explained = app.database().await.run_command(explain).await.unwrap();
    let plan = explained.get_document("queryPlanner").unwrap().get_document("winningPlan").unwrap();
    let mut names = Vec::new();
    stages(plan, &mut names);
    names
}

/// Where some page of a list ended.
fn position(sort: Sort) -> Position {
    let key = match sort {
        Sort::Relevance | Sort::Newest => SortKey::At(Timestamp::now()),
        Sort::Price | Sort::PriceDescending => SortKey::PriceMinor(1999),
        Sort::Name | Sort::NameDescending => SortKey::Name("teapot".to_owned()),
    };
    Position { sort, tier: 0, key, id: ProductId::new() }
}

#[tokio::test]
async fn every_list_is_read_from_an_index_in_its_order_on_every_page() {
    let app = TestApp::start().await;
    let active = ProductFilter { status: Some(ProductStatus::Active), ..ProductFilter::default() };
    let narrowed = [
        active.clone(),
        ProductFilter { category: Some("home/kitchen".parse().unwrap()), ..active.clone() },
        ProductFilter { in_stock: Some(true), ..active.clone() },
    ];
    for filter in narrowed {
        for sort in Sort::ALL.into_iter().filter(|sort| *sort != Sort::Relevance) {
            let currency = sort.is_by_price().then_some(Currency::EUR);
            let filter = ProductFilter { currency, ..filter.clone() };
            for after in [None, Some(position(sort))] {
                let listing = Listing { filter: filter.clone(), sort, after, limit: 50 };
                for part in listing.parts() {
                    let find =
                        doc! { "find": "products", "filter": part.query, "sort": order(sort), "limit": 51 };
                    let names = winning_stages(&app, find).await;
                    assert!(names.iter().any(|name| name == "IXSCAN"), "{listing:?}: {names:?}");
                    assert!(
                        !names.iter().any(|name| name == "SORT" || name == "COLLSCAN"),
                        "{listing:?}: {names:?}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn newest_first_has_an_index_for_every_filter_that_may_be_narrow() {
    let app = TestApp::start().await;
    let active = ProductFilter { status: Some(ProductStatus::Active), ..ProductFilter::default() };
    for filter in [
        ProductFilter { brand: Some("acme".into()), ..active.clone() },
        ProductFilter { tag: Some("sale".into()), ..active.clone() },
        ProductFilter { parent_id: Some(ProductId::new()), ..active.clone() },
        ProductFilter { sku: Some("A-1".parse().unwrap()), ..ProductFilter::default() },
        ProductFilter { external_id: Some("1".into()), ..ProductFilter::default() },
        ProductFilter { search: Some(Search::parse("blue tea").unwrap()), ..active.clone() },
    ] {
        let listing = Listing { filter, sort: Sort::Newest, after: None, limit: 50 };
        for part in listing.parts() {
            let find =
                doc! { "find": "products", "filter": part.query, "sort": order(Sort::Newest), "limit": 51 };
            let names = winning_stages(&app, find).await;
            assert!(!names.iter().any(|name| name == "COLLSCAN"), "{listing:?}: {names:?}");
        }
    }
}

#[tokio::test]
async fn the_releases_of_orders_are_found_by_their_own_index() {
    let app = TestApp::start().await;
    let orders = vec![Bson::from(OrderId::new()), Bson::from(OrderId::new())];
    let filter = doc! { "kind": "release", "orderId": { "$in": orders } };
    let names = winning_stages(&app, doc! { "find": "movements", "filter": filter }).await;
    assert!(names.iter().any(|name| name == "IXSCAN"), "{names:?}");
}

#[tokio::test]
async fn the_movements_of_a_product_and_what_is_low_are_read_from_an_index_in_their_order() {
    use product_service::store::movements;
    let app = TestApp::start().await;
    let after = common::http::page::Cursor { at: Timestamp::now(), id: uuid::Uuid::now_v7() };
    for after in [None, Some(after)] {
        let filter = movements::of_product(ProductId::new(), after);
        let find =
            doc! { "find": "movements", "filter": filter, "sort": movements::newest_first(), "limit": 50 };
        let names = winning_stages(&app, find).await;
        assert!(!names.iter().any(|name| name == "SORT" || name == "COLLSCAN"), "{names:?}");
    }
    let low = doc! { "lowSince": { "$exists": true } };
    let find = doc! { "find": "stock", "filter": low, "sort": { "lowSince": -1, "productId": -1 } };
    let names = winning_stages(&app, find).await;
    assert!(!names.iter().any(|name| name == "SORT" || name == "COLLSCAN"), "{names:?}");
}
