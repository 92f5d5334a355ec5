use crate::app::{Answer, TestApp, new_product, send};
use common::models::bulk::ImportReport;
use futures_util::stream;
use reqwest::Method;
use serde_json::json;

async fn upload(app: &TestApp, path: &str, media: &str, body: impl Into<reqwest::Body>) -> Answer {
    send(app.staff(Method::POST, path).header("content-type", media).body(body)).await
}

async fn import(app: &TestApp, path: &str, csv: &str) -> ImportReport {
    let answer = upload(app, path, "text/csv; charset=utf-8", csv.to_owned()).await.expect(200);
    serde_json::from_value(answer.body).unwrap()
}

async fn export(app: &TestApp, path: &str) -> String {
    let response = app.staff(Method::GET, path).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.text().await.unwrap()
}

fn counts(report: &ImportReport) -> [u64; 5] {
    [report.rows, report.created, report.updated, report.unchanged, report.failed]
}

/// Rows that are wrong each in another way, with the column that is blamed.
const BAD_ROWS: &[(&str, &str)] = &[
    ("name-missing,,1,EUR,,,,", "name"),
    (",No sku,1,EUR,,,,", "sku"),
    ("price-missing,A,,EUR,,,,", "price"),
    ("price-text,A,cheap,EUR,,,,", "price"),
    ("price-negative,A,-1,EUR,,,,", "price"),
    ("price-decimals,A,1.999,EUR,,,,", "price"),
    ("currency,A,1,EURO,,,,", "currency"),
    ("sku with spaces,A,1,EUR,,,,", "sku"),
    ("units-negative,A,1,EUR,-5,,,", "inventory"),
    ("units-text,A,1,EUR,many,,,", "inventory"),
    ("units-broken,A,1,EUR,1.5,,,", "inventory"),
    ("units-too-many,A,1,EUR,1000000001,,,", "inventory"),
    ("metadata-text,A,1,EUR,,,{not json,", "metadata"),
    ("metadata-list,A,1,EUR,,,[1],", "metadata"),
    ("category,A,1,EUR,,nowhere/at/all,,", "category"),
    ("too-few,A,1", ""),
    ("too-many,A,1,EUR,,,,,,,", ""),
    ("status,A,1,EUR,,,,sold", "status"),
    ("archived,A,1,EUR,,,,archived", "status"),
    ("long-name,NAME,1,EUR,,,,", "name"),
    ("no-text,A\u{1}B,1,EUR,,,,", "name"),
];

#[tokio::test]
async fn twenty_kinds_of_bad_rows_are_told_by_line_and_the_good_ones_go_in() {
    let app = TestApp::start().await;
    let mut csv = "sku,name,price,currency,inventory,category,metadata,status\n".to_owned();
    for (number, (row, _)) in BAD_ROWS.iter().enumerate() {
        csv.push_str(&format!("good-{number},\"A, quoted\",{number}.50,EUR,{number},,,\n"));
        csv.push_str(&row.replace("NAME", &"x".repeat(201)));
        csv.push('\n');
    }
    let (bad, good) = (BAD_ROWS.len(), u64::try_from(BAD_ROWS.len()).unwrap());
    let tried = import(&app, "/products/import?dryRun=true", &csv).await;
    assert_eq!((counts(&tried), tried.dry_run), ([good * 2, good, 0, 0, good], true));
    assert_eq!(app.list_products("").await.expect(200).body, json!([]));
    let report = import(&app, "/products/import", &csv).await;
    assert_eq!(counts(&report), [good * 2, good, 0, 0, good], "{:#?}", report.errors);
    let told: Vec<(u64, &str)> =
        report.errors.iter().map(|error| (error.line, error.field.as_str())).collect();
    let expected: Vec<(u64, &str)> =
        (0..bad).map(|number| (3 + 2 * u64::try_from(number).unwrap(), BAD_ROWS[number].1)).collect();
    assert_eq!(told, expected, "{:#?}", report.errors);
    assert!(report.errors.iter().all(|error| !error.detail.is_empty()));
    let movements = app.count_movements().await;
    let again = import(&app, "/products/import", &csv).await;
    assert_eq!(counts(&again), [good * 2, 0, 0, good, good]);
    assert_eq!(app.count_movements().await, movements);
}

#[tokio::test]
async fn a_file_makes_what_is_new_changes_what_is_other_and_leaves_the_rest() {
    let app = TestApp::start().await;
    let first = "sku,name,price,externalId,tags,inventory\nA,One,1,ext-1,red|blue,5\nB,Two,2,ext-2,,0\n";
    assert_eq!(counts(&import(&app, "/products/import", first).await), [2, 2, 0, 0, 0]);
    let product = app.list_products("?sku=A").await.expect(200).body[0].clone();
    assert_eq!((&product["inventory"], &product["tags"]), (&json!(5), &json!(["red", "blue"])));
    // Stock is not the catalogue's: what is there stays.
    let second = "sku,name,price,inventory\nA,One,1,99\nB,Zwei,2,\nC,Three,3,\nC,Drei,3,\n";
    assert_eq!(counts(&import(&app, "/products/import", second).await), [4, 1, 2, 1, 0]);
    assert_eq!(app.list_products("?sku=C").await.expect(200).body[0]["name"], "Drei");
    assert_eq!(app.list_products("?sku=A").await.expect(200).body[0]["inventory"], 5);
    let by_external_id =
        "externalId,sku,name,price\next-1,A,Uno,1\next-9,A,Taken,1\n,D,None,1\next-2,X,Other,2\n";
    let report = import(&app, "/products/import?by=externalId", by_external_id).await;
    assert_eq!(counts(&report), [4, 0, 1, 0, 3], "{:#?}", report.errors);
    assert_eq!(report.errors.iter().map(|error| error.line).collect::<Vec<_>>(), [3, 4, 5]);
}

#[tokio::test]
async fn what_is_exported_can_be_imported_and_changes_nothing() {
    let app = TestApp::start().await;
    app.create_location("attic", 1).await.expect(201);
    for number in 0..3 {
        let mut body = new_product(number);
        body["description"] = json!("Two\nlines, \"quoted\"");
        body["tags"] = json!(["a", "b"]);
        body["metadata"] = json!({ "shelf": "7" });
        app.create_product(&body).await.expect(201);
    }
    for (what, format, media) in [
        ("products", "csv", "text/csv"),
        ("products", "ndjson", "application/x-ndjson"),
        ("stock", "csv", "text/csv"),
        ("stock", "ndjson", "application/x-ndjson"),
    ] {
        let file = export(&app, &format!("/{what}/export?format={format}")).await;
        let answer = upload(&app, &format!("/{what}/import"), media, file.clone()).await.expect(200);
        let report: ImportReport = serde_json::from_value(answer.body).unwrap();
        assert_eq!(counts(&report), [3, 0, 0, 3, 0], "{file}{:#?}", report.errors);
    }
}

#[tokio::test]
async fn stock_is_set_place_by_place_and_bad_rows_are_told() {
    let app = TestApp::start().await;
    app.create_location("attic", 1).await.expect(201);
    let product = app.stocked_product(5).await;
    let sku = app.show_product(product).await.expect(200).body["sku"].as_str().unwrap().to_owned();
    let csv = format!(
        "sku,locationId,quantity,lowStockThreshold\n{sku},attic,7,\n{sku},,3,4\nnobody,,1,\n{sku},cellar,1,\n{sku},,-1,\n{sku},,,\n"
    );
    let report = import(&app, "/stock/import", &csv).await;
    assert_eq!(counts(&report), [6, 0, 2, 0, 4], "{:#?}", report.errors);
    let told: Vec<_> = report.errors.iter().map(|error| (error.line, error.field.as_str())).collect();
    assert_eq!(told, [(4, "sku"), (5, "locationId"), (6, "quantity"), (7, "quantity")]);
    assert_eq!(app.audited_stock(product).await, (10, 0));
    let again = import(&app, "/stock/import", &csv).await;
    assert_eq!(counts(&again), [6, 0, 0, 2, 4]);
}

#[tokio::test]
async fn a_file_that_comes_in_small_pieces_is_the_same_file() {
    let app = TestApp::start().await;
    let mut csv = "sku,name,price\n".to_owned();
    for number in 0..1_200 {
        csv.push_str(&format!("P-{number},\"Product \"\"{number}\"\"\",1\n"));
    }
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> =
        csv.as_bytes().chunks(777).map(|piece| Ok(piece.to_vec())).collect();
    let body = reqwest::Body::wrap_stream(stream::iter(pieces));
    let answer = upload(&app, "/products/import", "text/csv", body).await.expect(200);
    let report: ImportReport = serde_json::from_value(answer.body).unwrap();
    assert_eq!(counts(&report), [1_200, 1_200, 0, 0, 0]);
    assert_eq!(export(&app, "/products/export?format=ndjson").await.lines().count(), 1_200);
}

#[tokio::test]
async fn a_file_that_is_none_is_refused() {
    let app = TestApp::start().await;
    upload(&app, "/products/import", "application/json", "{}").await.expect(415);
    for heading in ["sku,colour", "sku,sku"] {
        let answer =
            upload(&app, "/products/import", "text/csv", format!("{heading}\n1,2\n")).await.expect(422);
        assert_eq!(answer.body["errors"][0]["code"], "bad_heading");
    }
    upload(&app, "/products/import?colour=1", "text/csv", "sku\n").await.expect(422);
    assert!(export(&app, "/products/export").await.starts_with("sku,"));
    send(app.staff(Method::GET, "/products/export?format=xml")).await.expect(422);
    let empty = upload(&app, "/products/import", "text/csv", "").await.expect(200);
    assert_eq!(empty.body["rows"], 0);
}
