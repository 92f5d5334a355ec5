use crate::app::{TestApp, new_product, reserve, send};
use common::ids::{OrderId, ProductId};
use common::redis::{Redis, RedisSettings};
use mongodb::bson::{Bson, Document, doc};
use product_service::store::product_cache::ProductCache;
use reqwest::Method;
use serde_json::json;

/// The same cache as the application's.
fn cache(app: &TestApp) -> ProductCache {
    let uri = common::testing::server("REDIS_URI").into();
    let settings = RedisSettings { uri, max_pool_size: 1, timeout_ms: 1000 };
    ProductCache::new(Redis::new(&settings).unwrap(), &app.database_name)
}

#[tokio::test]
async fn five_hundred_who_ask_for_one_cold_product_make_one_reading() {
    let app = TestApp::start().await;
    let product = app.stocked_product(3).await;
    let database = app.database().await;
    database.run_command(doc! { "profile": 2 }).await.unwrap();
    let answers = futures_util::future::join_all((0..500).map(|_| app.show_product(product))).await;
    for answer in answers {
        assert_eq!(answer.expect(200).body["inventory"], 3);
    }
    database.run_command(doc! { "profile": 0 }).await.unwrap();
    let profile = database.collection::<Document>("system.profile");
    let of = |collection: &str| format!("{}.{collection}", app.database_name);
    let reads =
        doc! { "ns": { "$in": [of("products"), of("stock")] }, "op": { "$in": ["query", "command"] } };
    let reads: Vec<Document> = {
        use futures_util::TryStreamExt;
        profile.find(reads).await.unwrap().try_collect().await.unwrap()
    };
    assert_eq!(reads.len(), 1, "{reads:#?}");
    // And it is kept now: another replica reads nothing at all.
    let replica = app.replica().await;
    database.run_command(doc! { "profile": 2 }).await.unwrap();
    let before = profile.count_documents(doc! {}).await.unwrap();
    replica.show_product(product).await.expect(200);
    let reads = doc! { "ns": { "$in": [of("products"), of("stock")] } };
    database.run_command(doc! { "profile": 0 }).await.unwrap();
    assert!(before > 0);
    assert_eq!(profile.count_documents(reads).await.unwrap(), 1);
}

#[tokio::test]
async fn whoever_has_the_current_answer_is_told_so_and_everyone_else_gets_it() {
    let app = TestApp::start().await;
    let product = app.stocked_product(3).await;
    let path = format!("/products/{product}");
    let ask = async |path: &str, tag: &str| {
        send(app.anonymous(Method::GET, path).header("if-none-match", tag)).await
    };
    let shown = app.show_product(product).await.expect(200);
    assert_eq!(shown.header("cache-control"), "public, max-age=5");
    assert_eq!(shown.header("vary"), "authorization");
    let tag = shown.header("etag").to_owned();
    for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
        let same = ask(&path, &known).await.expect(304);
        assert_eq!((same.header("etag"), &same.body), (tag.as_str(), &serde_json::Value::Null));
    }
    ask(&path, "\"x\"").await.expect(200);
    // Another number available is another answer, though it is the same version.
    app.adjust_inventory(product, 1).await.expect(201);
    assert_eq!(ask(&path, &tag).await.expect(200).body["inventory"], 4);
    // The tag is good for a change all the same: the product's own entry is what it was.
    let patch = app.staff(Method::PATCH, &path).header("if-match", tag).json(&json!({ "name": "Kettle" }));
    send(patch).await.expect(200);
    for path in ["/products", "/products?q=kettle", "/products/facets", "/categories"] {
        let list = send(app.anonymous(Method::GET, path)).await.expect(200);
        assert_eq!(list.header("cache-control"), "public, max-age=5", "{path}");
        ask(path, list.header("etag")).await.expect(304);
    }
    let by_staff = send(app.staff(Method::GET, &path)).await.expect(200);
    assert_eq!(by_staff.header("cache-control"), "private, no-cache");
}

#[tokio::test]
async fn every_write_of_a_product_or_its_stock_is_seen_at_once_by_every_replica() {
    let app = TestApp::start().await;
    let replica = app.replica().await;
    let product = app.stocked_product(9).await;
    let seen = async |name: &str, inventory: i64| {
        for app in [&app, &replica, &app] {
            let shown = app.show_product(product).await.expect(200).body;
            assert_eq!((&shown["name"], &shown["inventory"]), (&json!(name), &json!(inventory)));
        }
    };
    seen("Teapot", 9).await;
    replica.change_product(product, &json!({ "name": "Kettle" })).await.expect(200);
    seen("Kettle", 9).await;
    replica.set_inventory(product, 7).await.expect(200);
    seen("Kettle", 7).await;
    app.adjust_inventory(product, -1).await.expect(201);
    seen("Kettle", 6).await;
    app.post_entries(vec![reserve(OrderId::new(), &[(product, 4)])]).await;
    seen("Kettle", 2).await;
    let mut variant = new_product(1);
    (variant["parentId"], variant["options"]) = (json!(product), json!({ "size": "L" }));
    app.create_product(&variant).await.expect(201);
    assert_eq!(replica.show_product(product).await.expect(200).body["hasVariants"], true);
}

#[tokio::test]
async fn a_slow_reader_cannot_put_what_stood_before_a_change_back_into_the_cache() {
    let app = TestApp::start().await;
    let product = app.stocked_product(0).await;
    let cache = cache(&app);
    let generation = cache.get(product).await.generation.unwrap();
    app.show_product(product).await.expect(200);
    // What was read is put aside without anyone waiting for it.
    let old = loop {
        if let Some(shown) = cache.get(product).await.shown {
            break shown;
        }
        tokio::task::yield_now().await;
    };
    app.change_product(product, &json!({ "name": "Kettle" })).await.expect(200);
    cache.put(&generation, &old).await;
    assert_eq!(cache.get(product).await.shown, None);
    assert_eq!(app.show_product(product).await.expect(200).body["name"], "Kettle");
}

#[tokio::test]
async fn what_is_not_there_is_not_remembered_as_missing() {
    let app = TestApp::start().await;
    let product = ProductId::new();
    app.show_product(product).await.expect(404);
    let kept = cache(&app).get(product).await;
    assert_eq!((kept.shown, kept.generation.as_deref()), (None, Some("0")));
    assert!(!matches!(Bson::from(product), Bson::Null));
}
