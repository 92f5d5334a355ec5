use crate::app::{TestApp, problem};
use common::ids::{CustomerId, ProductId};
use common::models::bulk::ImportReport;
use common::models::lookup::{
    CustomerFound, CustomersFound, CustomersWanted, ProductFound, ProductsFound, ProductsWanted,
};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, Request, ResponseTemplate};

/// Everybody and everything that is asked after is there, but for what is called `nobody@example.com` and `NOTHING`.
async fn everything_is_there(app: &TestApp) {
    let customers = |request: &Request| {
        let wanted: CustomersWanted = serde_json::from_slice(&request.body).unwrap();
        let by_id =
            wanted.ids.into_iter().map(|id| CustomerFound { id, email_key: format!("{id}@example.com") });
        let known =
            wanted.emails.into_iter().map(|email| email.key()).filter(|key| key != "nobody@example.com");
        let by_email =
            known.map(|key| CustomerFound { id: CustomerId::derived(&[key.as_bytes()]), email_key: key });
        ResponseTemplate::new(200)
            .set_body_json(CustomersFound { customers: by_id.chain(by_email).collect() })
    };
    let products = |request: &Request| {
        let wanted: ProductsWanted = serde_json::from_slice(&request.body).unwrap();
        let name = "Thing of now".to_owned();
        let by_id = wanted.ids.into_iter().map(|id| ProductFound {
            id,
            sku: "SKU-1".parse().unwrap(),
            name: name.clone(),
        });
        let known = wanted.skus.into_iter().filter(|sku| sku.as_str() != "NOTHING");
        let by_sku = known.map(|sku| ProductFound {
            id: ProductId::derived(&[sku.as_str().as_bytes()]),
            sku,
            name: name.clone(),
        });
        ResponseTemplate::new(200).set_body_json(ProductsFound { products: by_id.chain(by_sku).collect() })
    };
    let at = |asked: &str| Mock::given(method("POST")).and(path(asked));
    at("/internal/customers/find").respond_with(customers).mount(&app.customers).await;
    at("/internal/products/find").respond_with(products).mount(&app.products).await;
}

async fn send(app: &TestApp, query: &str, rows: &[Value]) -> Response {
    let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let request = app.staff().request(Method::POST, &format!("/orders/import{query}"));
    request.header("content-type", "application/x-ndjson").body(text).send().await.unwrap()
}

async fn import(app: &TestApp, query: &str, rows: &[Value]) -> ImportReport {
    let response = send(app, query, rows).await;
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

fn counts(report: &ImportReport) -> [u64; 4] {
    [report.rows, report.created, report.unchanged, report.failed]
}

fn row(name: &str) -> Value {
    json!({
        "externalId": name, "customerEmail": "Ada@example.com", "createdAt": "2024-05-01T10:00:00Z",
        "currency": "EUR", "lines": [{ "sku": "A-1", "unitPrice": 3, "quantity": 2, "shipped": 1 }],
    })
}

async fn orders(app: &TestApp) -> Vec<Value> {
    app.staff().get("/orders?limit=200").await.json().await.unwrap()
}

#[tokio::test]
async fn rows_become_orders_once_and_what_cannot_be_is_told_by_line() {
    let app = TestApp::start().await;
    everything_is_there(&app).await;
    let mut rows: Vec<Value> = (0..3).map(|number| row(&format!("old-{number}"))).collect();
    rows[1]["customerEmail"] = json!("nobody@example.com");
    rows.push(json!({ "externalId": "short" }));
    let mut other = row("old-0");
    other["note"] = json!("another content");
    rows.push(other);
    let mut nothing = row("old-5");
    nothing["lines"][0]["sku"] = json!("NOTHING");
    rows.push(nothing);
    rows.push(row("old-2"));
    let tried = import(&app, "?dryRun=true", &rows).await;
    assert_eq!((counts(&tried), tried.dry_run), ([7, 2, 1, 4], true), "{:#?}", tried.errors);
    assert!(orders(&app).await.is_empty());
    let report = import(&app, "", &rows).await;
    assert_eq!(counts(&report), [7, 2, 1, 4], "{:#?}", report.errors);
    let told: Vec<_> = report.errors.iter().map(|error| (error.line, error.field.as_str())).collect();
    let expected = [(2, "customerEmail"), (4, "createdAt"), (5, "externalId"), (6, "lines/0/sku")];
    assert_eq!(told, expected, "{:#?}", report.errors);
    assert_eq!(tried.errors, report.errors);
    assert_eq!(counts(&import(&app, "", &rows).await), [7, 0, 3, 4]);
    let there = orders(&app).await;
    assert_eq!(there.len(), 2);
    let first = there.iter().find(|order| order["externalId"] == "old-0").unwrap();
    assert_eq!(first["origin"], json!({ "kind": "import", "stock": "none" }));
    assert_eq!(first["createdAt"], "2024-05-01T10:00:00.000Z");
    assert_eq!(
        (&first["status"], &first["fulfillmentStatus"]),
        (&json!("confirmed"), &json!("partially_fulfilled"))
    );
    assert_eq!((&first["total"], &first["lines"][0]["name"]), (&json!(6), &json!("Thing of now")));
    assert!(app.ledger.entries().is_empty());
    // What becomes of it later is nothing to the ledger either.
    app.staff().went(first, "cancel", json!({})).await;
    assert!(app.ledger.entries().is_empty());
    assert_eq!(counts(&import(&app, "", &rows).await), [7, 0, 3, 4]);
}

#[tokio::test]
async fn with_stock_what_is_open_is_reserved_and_what_got_none_can_be_tried_again() {
    let app = TestApp::start().await;
    everything_is_there(&app).await;
    app.ledger.sold_out.lock().unwrap().push(ProductId::derived(&[b"GONE"]));
    let mut gone = row("gone");
    gone["lines"][0]["sku"] = json!("GONE");
    let rows = [row("here"), gone];
    let report = import(&app, "?stock=reserve", &rows).await;
    assert_eq!(counts(&report), [2, 1, 0, 1], "{:#?}", report.errors);
    assert!(report.errors[0].line == 2 && report.errors[0].detail.contains("out_of_stock"));
    let reserved: Vec<u32> = app
        .ledger
        .entries()
        .iter()
        .flat_map(|entry| entry.lines().to_vec())
        .map(|line| line.quantity.get())
        .collect();
    assert_eq!(reserved, [1, 1], "what is shipped already needs no stock");
    app.ledger.sold_out.lock().unwrap().clear();
    assert_eq!(counts(&import(&app, "?stock=reserve", &rows).await), [2, 1, 1, 0]);
    assert_eq!(counts(&import(&app, "?stock=reserve", &rows).await), [2, 0, 2, 0]);
    assert_eq!(counts(&import(&app, "", &rows).await), [2, 0, 0, 2], "the same rows ask for something else");
    let there = orders(&app).await;
    let confirmed: Vec<_> = there.iter().filter(|order| order["status"] == "confirmed").collect();
    assert_eq!((there.len(), confirmed.len()), (3, 2));
    assert!(confirmed.iter().all(|order| order["lines"][0]["unitPrice"] == 3 && order["total"] == 6));
    app.staff().went(confirmed[0], "cancel", json!({})).await;
    assert_eq!(app.ledger.entries().last().unwrap().lines()[0].quantity.get(), 1);
}

#[tokio::test]
async fn an_import_that_was_cut_off_is_carried_on_by_the_same_file() {
    let app = TestApp::start().await;
    everything_is_there(&app).await;
    let rows: Vec<Value> = (0..5).map(|number| row(&format!("old-{number}"))).collect();
    // All tries of the one call fail, so that nobody knows what was decided.
    *app.ledger.failing.lock().unwrap() = 3;
    let refused = problem(send(&app, "?stock=reserve", &rows).await).await;
    assert_eq!(refused, (503, "unavailable".into()));
    assert!(orders(&app).await.iter().all(|order| order["status"] == "pending"));
    assert_eq!(counts(&import(&app, "?stock=reserve", &rows).await), [5, 5, 0, 0]);
    // The answer is lost, and the sweeper is first: what it refused is another attempt.
    let more: Vec<Value> = (5..9).map(|number| row(&format!("old-{number}"))).collect();
    *app.ledger.failing.lock().unwrap() = 3;
    send(&app, "?stock=reserve", &more).await;
    app.sweep().await;
    assert_eq!(counts(&import(&app, "?stock=reserve", &more).await), [4, 4, 0, 0]);
    let confirmed = orders(&app).await.into_iter().filter(|order| order["status"] == "confirmed");
    assert_eq!(confirmed.count(), 9);
}

#[tokio::test]
async fn an_external_id_that_a_placed_order_has_is_its_own() {
    let app = TestApp::start().await;
    everything_is_there(&app).await;
    let customer = app.customer();
    let mut body = customer.order(ProductId::new(), 1);
    body["externalId"] = json!("old-0");
    assert_eq!(customer.place(&body, None).await.status(), StatusCode::CREATED);
    let report = import(&app, "", &[row("old-0"), row("old-1")]).await;
    assert_eq!(counts(&report), [2, 1, 0, 1]);
    assert_eq!(report.errors[0].field, "externalId");
}

#[tokio::test]
async fn orders_are_exported_oldest_first_and_a_file_that_is_none_is_refused() {
    let app = TestApp::start().await;
    everything_is_there(&app).await;
    let dated = |number: u32| {
        let mut row = row(&format!("old-{number}"));
        row["createdAt"] = json!(format!("2024-05-{:02}T10:00:00Z", number + 1));
        row
    };
    let rows: Vec<Value> = (0..9).rev().map(dated).collect();
    assert_eq!(counts(&import(&app, "", &rows).await), [9, 9, 0, 0]);
    let export =
        async |query: &str| app.staff().get(&format!("/orders/export{query}")).await.text().await.unwrap();
    let text = export("?format=ndjson").await;
    let names: Vec<Value> =
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["externalId"].clone()).collect();
    assert_eq!(json!(names), json!((0..9).map(|number| format!("old-{number}")).collect::<Vec<_>>()));
    let some = export("?format=csv&createdFrom=2024-05-03T00:00:00Z&createdTo=2024-05-05T00:00:00Z").await;
    let lines: Vec<&str> = some.lines().collect();
    assert!(lines.len() == 3 && lines[1].contains(",old-2,") && lines[2].contains(",old-3,"), "{some}");
    assert_eq!(lines[0].split(',').count(), lines[1].split(',').count());
    let staff = app.staff();
    for query in ["?format=xml", "?format=csv&colour=1"] {
        assert_eq!(problem(staff.get(&format!("/orders/export{query}")).await).await.0, 422, "{query}");
    }
    let csv = staff.request(Method::POST, "/orders/import").header("content-type", "text/csv").body("a\n1\n");
    assert_eq!(problem(csv.send().await.unwrap()).await.0, 415);
    assert_eq!(problem(send(&app, "?stock=all", &[]).await).await.0, 422);
    assert_eq!(counts(&import(&app, "", &[]).await), [0, 0, 0, 0]);
    assert_eq!(problem(app.customer().get("/orders/export?format=csv").await).await.0, 403);
}
