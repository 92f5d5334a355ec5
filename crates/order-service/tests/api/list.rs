use crate::app::{TestApp, problem};
use common::ids::ProductId;
use reqwest::{Response, StatusCode};
use serde_json::Value;

fn next(response: &Response) -> Option<String> {
    let link = response.headers().get("link")?.to_str().unwrap();
    let (target, rest) = link.split_once('>').unwrap();
    assert_eq!(rest, "; rel=\"next\"");
    Some(target.trim_start_matches('<').to_owned())
}

fn ids(orders: &Value) -> Vec<String> {
    orders.as_array().unwrap().iter().map(|order| order["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_customers_orders_come_newest_first_in_pages_without_gap_or_repeat() {
    let app = TestApp::start().await;
    let (customer, stranger) = (app.customer(), app.customer());
    let mut placed = Vec::new();
    for _ in 0..7 {
        placed.push(customer.placed(ProductId::new(), 1).await["id"].as_str().unwrap().to_owned());
        stranger.placed(ProductId::new(), 1).await;
    }
    let mut seen = Vec::new();
    let mut path = Some(format!("/customers/{}/orders?limit=3", customer.id));
    let mut pages = 0;
    while let Some(page) = path {
        let response = customer.get(&page).await;
        assert_eq!(response.status(), StatusCode::OK);
        path = next(&response);
        seen.extend(ids(&response.json().await.unwrap()));
        pages += 1;
    }
    assert_eq!(pages, 3);
    let mut sorted = seen.clone();
    sorted.sort();
    placed.sort();
    assert_eq!(sorted, placed);
}

#[tokio::test]
async fn the_customer_in_the_query_must_be_the_one_in_the_path() {
    let app = TestApp::start().await;
    let (customer, stranger) = (app.customer(), app.customer());
    let base = format!("/customers/{}/orders", customer.id);
    assert_eq!(customer.get(&format!("{base}?customerId={}", customer.id)).await.status(), StatusCode::OK);
    let wrong = customer.get(&format!("{base}?customerId={}", stranger.id)).await;
    assert_eq!(problem(wrong).await, (422, "validation_failed".into()));
    assert_eq!(problem(stranger.get(&base).await).await, (404, "not_found".into()));
    assert_eq!(app.staff().get(&base).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn all_orders_are_for_staff_and_filtered_by_status_and_customer() {
    let app = TestApp::start().await;
    let (customer, staff) = (app.customer(), app.staff());
    let kept = customer.placed(ProductId::new(), 1).await;
    let cancelled = customer.placed(ProductId::new(), 1).await;
    assert_eq!(customer.cancel(&cancelled["id"], None).await.status(), StatusCode::OK);
    let other = app.customer().placed(ProductId::new(), 1).await;
    assert_eq!(problem(customer.get("/orders").await).await, (403, "forbidden".into()));
    let list = async |path: &str| ids(&staff.get(path).await.json().await.unwrap());
    let id = |order: &Value| order["id"].as_str().unwrap().to_owned();
    assert_eq!(list("/orders").await, [id(&other), id(&cancelled), id(&kept)]);
    assert_eq!(list("/orders?status=cancelled").await, [id(&cancelled)]);
    assert_eq!(list(&format!("/orders?status=confirmed&customerId={}", customer.id)).await, [id(&kept)]);
    assert_eq!(list("/orders?limit=1").await, [id(&other)]);
}

/// Follows the pages of a list to its end.
async fn all(staff: &crate::app::Someone<'_>, path: &str) -> Vec<String> {
    let (mut path, mut seen) = (Some(path.to_owned()), Vec::new());
    while let Some(page) = path {
        let response = staff.get(&page).await;
        assert_eq!(response.status(), StatusCode::OK, "{page}");
        path = next(&response);
        seen.extend(ids(&response.json().await.unwrap()));
    }
    seen
}

#[tokio::test]
async fn a_list_has_four_orders_and_its_pages_follow_each() {
    let app = TestApp::start().await;
    let (customer, staff) = (app.customer(), app.staff());
    let mut placed = Vec::new();
    for _ in 0..5 {
        placed.push(customer.placed(ProductId::new(), 1).await["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(customer.cancel(&Value::from(placed[1].clone()), None).await.status(), StatusCode::OK);
    assert_eq!(all(&staff, "/orders?sort=createdAt&limit=2").await, placed);
    let changed = [&placed[0], &placed[2], &placed[3], &placed[4], &placed[1]].map(String::clone);
    assert_eq!(all(&staff, "/orders?sort=updatedAt&limit=2").await, changed);
    placed.reverse();
    assert_eq!(all(&staff, "/orders?limit=2").await, placed);
    let mut last_first = changed.to_vec();
    last_first.reverse();
    assert_eq!(all(&staff, "/orders?sort=-updatedAt&limit=2").await, last_first);
}

#[tokio::test]
async fn a_list_is_of_one_product_or_of_a_range_of_time() {
    let app = TestApp::start().await;
    let (customer, staff) = (app.customer(), app.staff());
    let product = ProductId::new();
    let first = customer.placed(product, 1).await;
    let second = customer.placed(ProductId::new(), 1).await;
    let id = |order: &Value| order["id"].as_str().unwrap().to_owned();
    assert_eq!(all(&staff, &format!("/orders?productId={product}")).await, [id(&first)]);
    let between = second["createdAt"].as_str().unwrap();
    assert_eq!(all(&staff, &format!("/orders?createdTo={between}")).await, [id(&first)]);
    assert_eq!(all(&staff, &format!("/orders?createdFrom={between}")).await, [id(&second)]);
    assert_eq!(all(&staff, &format!("/orders?createdFrom={between}&createdTo={between}")).await, [""; 0]);
    let changed = second["updatedAt"].as_str().unwrap();
    assert_eq!(all(&staff, &format!("/orders?updatedFrom={changed}")).await, [id(&second)]);
    assert_eq!(all(&staff, "/orders?fulfillmentStatus=delivered").await, [""; 0]);
    assert_eq!(all(&staff, "/orders?externalId=x").await, [""; 0]);
}

#[tokio::test]
async fn what_no_index_could_sort_is_refused_by_name() {
    let app = TestApp::start().await;
    let staff = app.staff();
    let at = "2026-01-01T00:00:00.000Z";
    for (query, pointer) in [
        ("sort=price".to_owned(), "query:sort"),
        (format!("sort=createdAt&updatedFrom={at}"), "query:sort"),
        (format!("sort=updatedAt&createdTo={at}"), "query:sort"),
        (format!("sort=-updatedAt&customerId={}", ProductId::new()), "query:sort"),
        ("sort=updatedAt&tag=a".to_owned(), "query:sort"),
        ("createdFrom=yesterday".to_owned(), "query:createdFrom"),
        ("productId=1".to_owned(), "query:productId"),
        ("tag=".to_owned(), "query:tag"),
        (format!("externalId={}", "x".repeat(101)), "query:externalId"),
    ] {
        let refused = staff.get(&format!("/orders?{query}")).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        let problem: Value = refused.json().await.unwrap();
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{query}");
    }
}
