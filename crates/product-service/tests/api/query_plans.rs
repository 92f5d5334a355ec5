use crate::app::TestApp;
use common::http::page::Cursor;
use common::ids::OrderId;
use common::models::product::ProductStatus;
use common::time::Timestamp;
use mongodb::bson::{Bson, Document, doc};
use product_service::store::products::{ProductFilter, newest_first};

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

#[tokio::test]
async fn every_list_is_read_from_an_index_in_its_order() {
    let app = TestApp::start().await;
    let after = Cursor { at: Timestamp::now(), id: uuid::Uuid::now_v7() };
    for (after, search) in
        [(None, None), (Some(after), None), (None, Some("tea")), (Some(after), Some("tea"))]
    {
        let status = ProductStatus::Active;
        let filter = ProductFilter { status, after, search: search.map(str::to_owned), limit: 50 };
        let find = doc! { "find": "products", "filter": filter.query(), "sort": newest_first(), "limit": 50 };
        let names = winning_stages(&app, find).await;
        assert!(names.iter().any(|name| name == "IXSCAN"), "{filter:?}: {names:?}");
        assert!(!names.iter().any(|name| name == "SORT" || name == "COLLSCAN"), "{filter:?}: {names:?}");
    }
}

#[tokio::test]
async fn the_movements_of_orders_are_found_by_their_own_index() {
    let app = TestApp::start().await;
    let orders = vec![Bson::from(OrderId::new()), Bson::from(OrderId::new())];
    let filter = doc! { "orderId": { "$in": orders } };
    let names = winning_stages(&app, doc! { "find": "movements", "filter": filter }).await;
    assert!(names.iter().any(|name| name == "IXSCAN"), "{names:?}");
}
