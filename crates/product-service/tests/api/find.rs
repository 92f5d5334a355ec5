use crate::app::{TestApp, new_product};
use common::ids::{OrderId, ProductId};
use serde_json::{Value, json};

fn id(body: &Value) -> ProductId {
    body["id"].as_str().unwrap().parse().unwrap()
}

fn skus(body: &Value) -> Vec<&str> {
    body.as_array().unwrap().iter().map(|product| product["sku"].as_str().unwrap()).collect()
}

async fn with_products(products: &[Value]) -> TestApp {
    let app = TestApp::start().await;
    for path in ["home", "home/kitchen", "toys"] {
        app.create_category(path).await.expect(201);
    }
    for product in products {
        app.create_product(product).await.expect(201);
    }
    app
}

#[tokio::test]
async fn words_are_found_in_any_case_without_marks_and_the_last_one_by_its_beginning() {
    let app = with_products(&[
        json!({ "sku": "A-1", "name": "Blue Teapot (1 litre)", "price": 1 }),
        json!({ "sku": "A-2", "name": "Café table", "price": 1, "brand": "Möbel Łódź" }),
        json!({ "sku": "A-10", "name": "100% wool rug.*", "price": 1, "description": "Goes with a teapot\nor not." }),
    ])
    .await;
    for (query, expected) in [
        // What is called so comes before what is only described so.
        ("TEAPOT", vec!["A-1", "A-10"]),
        ("teap", vec!["A-1", "A-10"]),
        ("blue+tea", vec!["A-1"]),
        ("tea+blue", vec![]),
        ("pot", vec![]),
        ("1", vec!["A-1", "A-10"]),
        ("A-1", vec!["A-1", "A-10"]),
        ("a-1", vec!["A-1", "A-10"]),
        ("cafe", vec!["A-2"]),
        ("CAF%C3%89", vec!["A-2"]),
        ("cafe%CC%81", vec!["A-2"]),
        ("mobel+lodz", vec!["A-2"]),
        ("goes", vec!["A-10"]),
        (".*", vec![]),
        ("rug.*", vec!["A-10"]),
        ("%5E", vec![]),
        ("(((((", vec![]),
        ("%5C", vec![]),
        ("-+-", vec![]),
        ("$where", vec![]),
    ] {
        let found = app.list_products(&format!("?q={query}")).await.expect(200);
        assert_eq!(skus(&found.body), expected, "{query}");
        // In another order the same ones are found.
        let found = app.list_products(&format!("?q={query}&sort=name")).await.expect(200);
        assert_eq!(found.body.as_array().unwrap().len(), expected.len(), "{query}");
    }
    let changed = app.list_products("?sku=A-1").await.expect(200).body;
    app.change_product(id(&changed[0]), &json!({ "name": "Kettle" })).await.expect(200);
    assert_eq!(skus(&app.list_products("?q=teapot").await.expect(200).body), ["A-10"]);
    assert_eq!(skus(&app.list_products("?q=kett").await.expect(200).body), ["A-1"]);
}

/// Twelve products with prices, names and times that tie.
fn many() -> Vec<Value> {
    let product = |number: usize| {
        let (name, price) = [("Ålesund mug", 5), ("alesund mug", 5), ("Bowl", 20), ("bowl", 120)][number % 4];
        json!({
            "sku": format!("S-{number:02}"),
            "name": name,
            "price": price,
            "brand": if number.is_multiple_of(2) { "Acme" } else { "ACMÉ" },
            "category": if number < 6 { "home/kitchen" } else { "toys" },
            "tags": if number < 3 { json!(["sale"]) } else { json!([]) },
            "inventory": number % 3,
        })
    };
    (0..12).map(product).collect()
}

#[tokio::test]
async fn pages_of_every_order_join_without_gap_or_repeat_also_where_products_tie() {
    let app = with_products(&many()).await;
    let key = |product: &Value, sort: &str| match sort.trim_start_matches('-') {
        "price" => format!("{:09}", product["price"].as_i64().unwrap()),
        "name" => product["name"].as_str().unwrap().to_lowercase().replace('å', "a"),
        _ => product["createdAt"].as_str().unwrap().to_owned(),
    };
    for filter in ["", "&category=home", "&q=mug", "&q=bo&brand=acme", "&minPrice=5&maxPrice=20"] {
        for sort in ["newest", "price", "-price", "name", "-name"] {
            let all = app.list_products(&format!("?sort={sort}{filter}")).await.expect(200).body;
            let all = all.as_array().unwrap().clone();
            assert!(!all.is_empty(), "{sort}{filter}");
            let mut ordered = all.clone();
            ordered.sort_by_key(|product| (key(product, sort), product["id"].as_str().unwrap().to_owned()));
            if sort == "newest" || sort.starts_with('-') {
                ordered.reverse();
            }
            assert_eq!(all, ordered, "{sort}{filter}");
            for limit in [1, 5] {
                let (joined, pages) = app.list_all(&format!("?limit={limit}&sort={sort}{filter}")).await;
                assert_eq!(joined, all, "{sort}{filter}");
                assert!(pages.iter().rev().skip(1).all(|page| *page == limit), "{pages:?}");
            }
        }
    }
    let (found, _) = app.list_all("?q=mug&limit=1").await;
    assert_eq!(Value::from(found), app.list_products("?q=mug").await.expect(200).body);
    let page = app.list_products("?limit=2&sort=price").await.expect(200);
    let after = page.header("link").split("after=").nth(1).unwrap().split('>').next().unwrap().to_owned();
    let other = app.list_products(&format!("?sort=name&after={after}")).await.expect(422);
    assert_eq!(other.body["errors"][0]["pointer"], "query:after");
}

#[tokio::test]
async fn filters_narrow_the_list_and_facets_count_what_it_holds() {
    let app = with_products(&many()).await;
    for (filter, expected) in [
        ("", 12),
        ("category=home", 6),
        ("category=toys", 6),
        ("tag=sale", 3),
        ("brand=acm%C3%A9", 12),
        ("brand=other", 0),
        ("minPrice=20", 6),
        ("maxPrice=5", 6),
        ("minPrice=5.01&maxPrice=119.99", 3),
        ("currency=USD", 0),
        ("inStock=true", 8),
        ("inStock=false", 4),
        ("q=bowl&inStock=false&category=home", 1),
        ("status=active", 12),
    ] {
        let found = app.list_products(&format!("?{filter}")).await.expect(200);
        assert_eq!(found.body.as_array().unwrap().len(), expected, "{filter}");
        let facets = app.count_facets(&format!("?{filter}")).await.expect(200);
        assert_eq!(facets.body["count"], expected, "{filter}");
    }
    let facets = app.count_facets("").await.expect(200).body;
    let categories: Vec<_> = facets["categories"].as_array().unwrap().iter().map(Value::to_string).collect();
    assert_eq!(
        categories,
        [
            r#"{"category":"home","count":6}"#,
            r#"{"category":"home/kitchen","count":6}"#,
            r#"{"category":"toys","count":6}"#,
        ]
    );
    assert_eq!(
        facets["prices"],
        json!([
            { "from": 0, "to": 10, "count": 6 },
            { "from": 10, "to": 25, "count": 3 },
            { "from": 100, "to": 250, "count": 3 },
        ])
    );
    assert_eq!(facets["brands"].as_array().unwrap().len(), 2);
    assert_eq!(facets["currency"], "EUR");
    app.count_facets("?status=draft").await.expect(401);
    let refused = app.count_facets("?sort=price").await.expect(422);
    assert_eq!(refused.body["errors"][0]["pointer"], "query:sort");
}

#[tokio::test]
async fn what_is_in_stock_follows_every_movement() {
    let app = TestApp::start().await;
    let product = app.stocked_product(0).await;
    let in_stock = async || {
        let found = app.list_products("?inStock=true").await.expect(200).body;
        let missing = app.list_products("?inStock=false").await.expect(200).body;
        assert_eq!(found.as_array().unwrap().len() + missing.as_array().unwrap().len(), 1);
        found.as_array().unwrap().len() == 1
    };
    assert!(!in_stock().await);
    app.set_inventory(product, 2).await.expect(200);
    assert!(in_stock().await);
    app.change_product(product, &json!({ "name": "Kettle" })).await.expect(200);
    assert!(in_stock().await);
    let order = OrderId::new();
    app.post_entries(vec![crate::app::reserve(order, &[(product, 2)])]).await;
    assert!(!in_stock().await);
    app.change_product(product, &json!({ "name": "Pot" })).await.expect(200);
    assert!(!in_stock().await);
    app.adjust_inventory(product, 1).await.expect(201);
    assert!(in_stock().await);
    app.create_product(&new_product(0)).await.expect(201);
    assert_eq!(app.list_products("?inStock=false").await.expect(200).body.as_array().unwrap().len(), 1);
}
