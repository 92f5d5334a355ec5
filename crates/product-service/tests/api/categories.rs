use crate::app::{TestApp, new_product, send};
use reqwest::Method;
use serde_json::{Value, json};

fn paths(body: &Value) -> Vec<&str> {
    body.as_array().unwrap().iter().map(|category| category["path"].as_str().unwrap()).collect()
}

/// A product in a category.
async fn product_in(app: &TestApp, category: &str) -> Value {
    let mut body = new_product(1);
    body["category"] = json!(category);
    app.create_product(&body).await.expect(201).body
}

#[tokio::test]
async fn a_tree_grows_from_its_roots_and_is_listed_branch_by_branch() {
    let app = TestApp::start().await;
    let orphan = app.create_category("home/kitchen").await.expect(422);
    assert_eq!(orphan.body["errors"][0]["pointer"], "/path");
    for path in ["home", "home/kitchen", "home/kitchen/pots", "home-office", "home/garden", "toys"] {
        let created = app.create_category(path).await.expect(201);
        assert_eq!(created.header("etag"), "\"1\"");
        let id = created.body["id"].as_str().unwrap();
        assert_eq!(created.header("location"), format!("/categories/{id}"));
        assert_eq!(app.show_category(id).await.expect(200).body, created.body);
    }
    let all = app.list_categories("").await.expect(200);
    assert_eq!(
        paths(&all.body),
        ["home", "home-office", "home/garden", "home/kitchen", "home/kitchen/pots", "toys"]
    );
    let branches = app.list_categories("?parent=home").await.expect(200);
    assert_eq!(paths(&branches.body), ["home/garden", "home/kitchen"]);
    assert_eq!(all.body[0]["branches"], 2);
    let first = app.list_categories("?limit=4").await.expect(200);
    assert!(first.header("link").contains("after=home/kitchen>"), "{}", first.header("link"));
    let second = app.list_categories("?limit=4&after=home/kitchen").await.expect(200);
    assert_eq!((paths(&second.body), second.header("link")), (vec!["home/kitchen/pots", "toys"], ""));
}

#[tokio::test]
async fn repeating_a_creation_under_its_key_finds_the_first() {
    let app = TestApp::start().await;
    let create = async |key: &str, path: &str| {
        let body = json!({ "path": path, "name": "Home" });
        send(app.staff(Method::POST, "/categories").header("idempotency-key", key).json(&body)).await
    };
    let first = create("1", "home").await.expect(201);
    let again = create("1", "home").await.expect(201);
    assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &first.body));
    assert_eq!(create("1", "toys").await.expect(422).code(), "idempotency_key_reused");
    assert_eq!(create("2", "home").await.expect(409).code(), "path_taken");
}

#[tokio::test]
async fn a_change_raises_the_version_and_a_stale_one_is_refused() {
    let app = TestApp::start().await;
    let created = app.create_category("home").await.expect(201);
    let id = created.body["id"].as_str().unwrap();
    let changed = app.change_category(id, &json!({ "name": "Haus", "description": "Two\nlines" })).await;
    let changed = changed.expect(200);
    assert_eq!((changed.header("etag"), &changed.body["name"]), ("\"2\"", &json!("Haus")));
    let stale = app.staff(Method::PATCH, &format!("/categories/{id}")).header("if-match", "\"1\"");
    send(stale.json(&json!({ "name": "Casa" }))).await.expect(412);
    for (body, pointer) in [
        (json!({ "path": "casa" }), "/path"),
        (json!({ "name": "" }), "/name"),
        (json!({ "description": "a\u{0}" }), "/description"),
    ] {
        let refused = app.change_category(id, &body).await.expect(422);
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
    }
    let nobody = common::ids::CategoryId::new().to_string();
    app.show_category(&nobody).await.expect(404);
    app.change_category(&nobody, &json!({})).await.expect(404);
    app.delete_category(&nobody).await.expect(404);
}

#[tokio::test]
async fn a_category_goes_only_without_branches_and_products() {
    let app = TestApp::start().await;
    let mut ids = Vec::new();
    for path in ["home", "home/kitchen"] {
        ids.push(app.create_category(path).await.expect(201).body["id"].as_str().unwrap().to_owned());
    }
    let product = product_in(&app, "home/kitchen").await;
    assert_eq!(app.delete_category(&ids[0]).await.expect(409).code(), "has_products");
    assert_eq!(app.delete_category(&ids[1]).await.expect(409).code(), "has_products");
    let product = product["id"].as_str().unwrap().parse().unwrap();
    app.change_product(product, &json!({ "category": null })).await.expect(200);
    assert_eq!(app.delete_category(&ids[0]).await.expect(409).code(), "has_branches");
    app.delete_category(&ids[1]).await.expect(204);
    app.delete_category(&ids[0]).await.expect(204);
    app.delete_category(&ids[0]).await.expect(404);
    assert_eq!(app.list_categories("").await.expect(200).body, json!([]));
}

#[tokio::test]
async fn branches_that_grow_while_their_parent_goes_never_lose_it() {
    let app = TestApp::start().await;
    for round in 0..10 {
        let root = app.create_category(&format!("root{round}")).await.expect(201);
        let id = root.body["id"].as_str().unwrap().to_owned();
        let branch = format!("root{round}/branch");
        let (grown, gone) = tokio::join!(app.create_category(&branch), app.delete_category(&id));
        match (grown.status.as_u16(), gone.status.as_u16()) {
            (201, 409) | (422, 204) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn the_list_of_a_category_holds_its_branches_and_not_its_namesakes() {
    let app = TestApp::start().await;
    for path in ["home", "home/kitchen", "home/kitchen/pots", "home-office"] {
        app.create_category(path).await.expect(201);
        product_in(&app, path).await;
    }
    for (category, expected) in [
        ("home", vec!["home/kitchen/pots", "home/kitchen", "home"]),
        ("home/kitchen", vec!["home/kitchen/pots", "home/kitchen"]),
        ("home-office", vec!["home-office"]),
        ("hom", vec![]),
    ] {
        let found = app.list_products(&format!("?category={category}")).await.expect(200);
        let found: Vec<_> =
            found.body.as_array().unwrap().iter().map(|product| &product["category"]).collect();
        assert_eq!(
            found,
            expected.into_iter().map(|path| json!(path)).collect::<Vec<_>>().iter().collect::<Vec<_>>()
        );
    }
}
