//! Finding customers: by the beginning of an address or a name, status and time.

use crate::app::{TestApp, settings};
use common::http::page::Cursor;
use common::models::auth::Role;
use common::models::customer::CustomerStatus;
use common::time::Timestamp;
use customer_service::store::customer_search::{CustomerSearch, Position};
use mongodb::bson::{Document, doc};
use serde_json::{Value, json};

async fn register(app: &TestApp, email: &str, name: &str) -> String {
    let body = json!({ "email": email, "name": name });
    app.register_as(&app.token(Role::Staff), &body).await.text("id").to_owned()
}

fn emails(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|entry| entry["email"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn customers_are_found_by_how_their_address_or_name_begins() {
    let app = TestApp::start().await;
    let staff = app.token(Role::Staff);
    register(&app, "Ada@example.org", "Ada Lovelace").await;
    register(&app, "adam@example.org", "Émile Zola").await;
    register(&app, "eve@example.org", "ÉMILIE du Châtelet").await;
    for (query, expected) in [
        ("?email=ADA", vec!["Ada@example.org", "adam@example.org"]),
        ("?email=ada%40example.org", vec!["Ada@example.org"]),
        ("?email=a.a", vec![]),
        ("?name=%C3%A9mil", vec!["adam@example.org", "eve@example.org"]),
        ("?name=%C3%A9mil&email=e", vec!["eve@example.org"]),
        ("?name=%C3%A9mil&status=deactivated", vec![]),
        ("?createdFrom=2999-01-01T00:00:00Z", vec![]),
        ("?createdTo=2999-01-01T00:00:00Z&email=eve", vec!["eve@example.org"]),
    ] {
        let found = app.list(&staff, query).await;
        assert_eq!((found.status, emails(&found.body)), (200, expected), "{query}");
    }
}

#[tokio::test]
async fn pages_of_a_search_join_without_a_gap_also_where_names_are_equal() {
    let app = TestApp::start().await;
    let staff = app.token(Role::Staff);
    for number in 0..5 {
        register(&app, &format!("customer-{number}@example.org"), "Ada Lovelace").await;
    }
    for query in ["?name=ada&limit=2", "?email=customer&limit=2", "?status=active&limit=2"] {
        let (mut next, mut listed) = (Some(query.to_owned()), Vec::new());
        while let Some(query) = next {
            let page = app.list(&staff, &query).await;
            listed.extend(emails(&page.body).into_iter().map(str::to_owned));
            next = page.header("link").map(|link| {
                link.strip_prefix("</customers").unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned()
            });
        }
        listed.sort();
        listed.dedup();
        assert_eq!(listed.len(), 5, "{query}");
    }
}

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

#[tokio::test]
async fn every_search_is_read_from_an_index_in_its_order() {
    let settings = settings();
    let (uri, name) = (settings.mongo.clone(), settings.mongo.database.clone());
    let app = TestApp::start_with(settings).await;
    register(&app, "ada@example.org", "Ada Lovelace").await;
    let database = common::mongo::connect(&uri, "test").await.unwrap();
    assert_eq!(database.name(), name);
    let text = |text: &str| Some(text.to_owned());
    let time = Position::Time(Cursor { at: Timestamp::now(), id: uuid::Uuid::now_v7() });
    let key = Position::Key { key: "ad".into(), id: uuid::Uuid::now_v7() };
    let all = CustomerSearch::default();
    let active = CustomerSearch { status: Some(CustomerStatus::Active), ..all.clone() };
    let created = CustomerSearch { created_from: Some(Timestamp::from_millis(0)), ..all.clone() };
    let by_email = CustomerSearch { email: text("a"), ..active.clone() };
    let by_name = CustomerSearch { name: text("a"), created_to: Some(Timestamp::now()), ..all.clone() };
    for (search, position) in
        [(all, &time), (active, &time), (created, &time), (by_email, &key), (by_name, &key)]
    {
        for after in [None, Some(position)] {
            let find = doc! { "find": "customers", "filter": search.query(after), "sort": search.sort(), "limit": 51 };
            let explain = doc! { "explain": find, "verbosity": "queryPlanner" };
            let explained = database.run_command(explain).await.unwrap();
            let plan = explained.get_document("queryPlanner").unwrap().get_document("winningPlan").unwrap();
            let mut names = Vec::new();
            stages(plan, &mut names);
            assert!(names.iter().any(|name| name == "IXSCAN"), "{search:?}: {names:?}");
            assert!(!names.iter().any(|name| name == "SORT" || name == "COLLSCAN"), "{search:?}: {names:?}");
        }
    }
}
