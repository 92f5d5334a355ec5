//! `oms import` and `oms export` against the four real services: what is wrong is told by its line, what is right goes in,
//! and what comes out can be put in again.

use crate::placing::{customer, one, product};
use crate::shop::oms;
use crate::system::System;
use common::models::bulk::ImportReport;
use oms_client::Client;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use tempfile::TempDir;

/// A shop and the folder of whoever moves its files.
pub struct Desk {
    pub system: System,
    pub admin: Client,
    folder: TempDir,
}

impl Desk {
    pub async fn open() -> Self {
        let system = System::start().await;
        let admin = system.admin_with(crate::placing::patient);
        Self { system, admin, folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// `oms` with these arguments and this on its standard input.
    fn oms(&self, arguments: &[&str], input: &str) -> Output {
        let admin = &self.system.plan.admin;
        let mut child = oms()
            .args(arguments)
            .env("OMS_URL", self.system.url())
            .env("ADMIN_EMAIL", &admin.email)
            .env("ADMIN_PASSWORD", admin.password.expose_secret())
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// `oms import … --json`: the report, and that the exit code is as it says.
    pub fn import(&self, arguments: &[&str]) -> ImportReport {
        let output = self.oms(&[&["import"], arguments, &["--json"]].concat(), "");
        let said = String::from_utf8(output.stdout.clone()).unwrap();
        let report: ImportReport = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{output:?}"));
        assert_eq!(output.status.code(), Some(i32::from(report.failed > 0)), "{output:?}");
        report
    }

    /// `oms export … -`: what came out.
    fn export(&self, what: &str, format: &str) -> String {
        let output = self.oms(&["export", what, "-", "--format", format], "");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Rows, created, updated, unchanged, failed.
pub fn counts(report: &ImportReport) -> [u64; 5] {
    [report.rows, report.created, report.updated, report.unchanged, report.failed]
}

/// Rows that are wrong each in another way.
const BAD_ROWS: [&str; 20] = [
    ",No sku,1,EUR,,",
    "name-missing,,1,EUR,,",
    "price-missing,A,,EUR,,",
    "price-text,A,cheap,EUR,,",
    "price-negative,A,-1,EUR,,",
    "price-decimals,A,1.999,EUR,,",
    "price-endless,A,1e400,EUR,,",
    "currency,A,1,EURO,,",
    "currency-small,A,1,eur,,",
    "sku with spaces,A,1,EUR,,",
    "units-negative,A,1,EUR,-5,",
    "units-text,A,1,EUR,many,",
    "units-broken,A,1,EUR,1.5,",
    "units-too-many,A,1,EUR,1000000001,",
    "metadata-text,A,1,EUR,,{not json",
    "metadata-list,A,1,EUR,,[1]",
    "too-few,A,1",
    "too-many,A,1,EUR,,,,,",
    "control,A\u{1}B,1,EUR,,",
    "quote,A,1,EUR,,\"{\"\"a\"\":1",
];

#[tokio::test]
async fn bad_rows_are_told_by_line_and_field_and_the_good_ones_around_them_are_in() {
    let desk = Desk::open().await;
    let mut csv = "sku,name,price,currency,inventory,metadata\n".to_owned();
    let mut bad_lines = Vec::new();
    // The last one opens a quote that nobody closes, so that it stands at the end.
    for (number, bad) in (0_u64..).zip(BAD_ROWS) {
        writeln!(csv, "good-{number},\"A, quoted\",{number}.50,EUR,{number},\n{bad}").unwrap();
        bad_lines.push(3 + 2 * number);
    }
    desk.write("products.csv", &csv);
    let tried = desk.import(&["products", "products.csv", "--dry-run"]);
    assert_eq!((counts(&tried), tried.dry_run), ([40, 20, 0, 0, 20], true));
    assert!(desk.admin.products(None, None, None).await.unwrap().items.is_empty());
    let output = desk.oms(&["import", "products", "products.csv"], "");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let (said, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(said.contains("20 created, 0 changed, 0 as they were, 20 failed"), "{said}");
    let told: Vec<&str> = told.lines().collect();
    assert_eq!(told.len(), 20, "{told:#?}");
    for (line, told) in bad_lines.iter().zip(&told) {
        assert!(told.starts_with(&format!("line {line}")), "{told}");
    }
    assert!(told[4].starts_with("line 11, price: "), "{}", told[4]);
    let report = desk.import(&["products", "products.csv"]);
    assert_eq!(counts(&report), [40, 0, 0, 20, 20], "{:#?}", report.errors);
    assert_eq!(report.errors.iter().map(|error| error.line).collect::<Vec<_>>(), bad_lines);
    let good = desk.admin.products(None, Some(200), None).await.unwrap().items;
    assert_eq!(good.len(), 20);

    // By standard input, and what is no file of products at all.
    let ndjson = "{\"sku\":\"N-1\",\"name\":\"New\",\"price\":1}\n";
    let output = desk.oms(&["import", "products", "-", "--format", "ndjson"], ndjson);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("1 created"));
    for (name, text, expected) in [
        ("no-heading.csv", "sku,colour\n1,2\n", "there is no column"),
        ("rows.txt", "{}", "--format"),
        ("", "", "open"),
    ] {
        if !name.is_empty() {
            desk.write(name, text);
        }
        let file = if name.is_empty() { "nowhere.csv" } else { name };
        let output = desk.oms(&["import", "products", file], "");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && told.contains(expected), "{file}: {told}");
    }
    desk.system.stop().await;
}

#[tokio::test]
async fn twenty_thousand_rows_go_in_and_what_comes_out_is_the_same_again() {
    let desk = Desk::open().await;
    let mut csv = "sku,name,description,price,currency,inventory,externalId,tags\n".to_owned();
    for number in 0..20_000 {
        let (euros, units) = (number % 90 + 1, number % 50);
        writeln!(
            csv,
            "P-{number},Thing {number},\"Two\nlines, \"\"quoted\"\"\",{euros}.25,EUR,{units},ext-{number},a|b"
        )
        .unwrap();
    }
    desk.write("many.csv", &csv);
    let report = desk.import(&["products", "many.csv"]);
    assert_eq!(counts(&report), [20_000, 20_000, 0, 0, 0], "{:#?}", report.errors);
    desk.write("changed.csv", "externalId,price\next-0,7\next-1,8\n");
    let report = desk.import(&["products", "changed.csv", "--by", "external-id"]);
    assert_eq!(counts(&report), [2, 0, 2, 0, 0], "{:#?}", report.errors);
    desk.write("counted.csv", "sku,quantity\nP-0,77\nP-1,1\nnobody,1\n");
    let report = desk.import(&["stock", "counted.csv"]);
    assert_eq!(counts(&report), [3, 0, 1, 1, 1], "{:#?}", report.errors);
    assert_eq!((report.errors[0].line, report.errors[0].field.as_str()), (4, "sku"));
    for what in ["products", "stock"] {
        for format in ["csv", "ndjson"] {
            let name = format!("{what}.{format}");
            let output = desk.oms(&["export", what, &name], "");
            assert!(output.status.success(), "{output:?}");
            let told = String::from_utf8(output.stderr).unwrap();
            assert!(told.starts_with("20000 rows, "), "{told}");
            let report = desk.import(&[what, &name]);
            assert_eq!(counts(&report), [20_000, 0, 0, 20_000, 0], "{name}: {:#?}", report.errors);
            assert!(fs::read_to_string(desk.path(&name)).unwrap() == desk.export(what, format), "{name}");
        }
    }
    desk.system.stop().await;
}

#[tokio::test]
async fn orders_and_customers_come_out_whole_and_without_a_secret() {
    let desk = Desk::open().await;
    let customer = customer(&desk.admin).await;
    let thing = product(&desk.admin, 1_000).await;
    let mut placed = Vec::new();
    for _ in 0..250 {
        placed.push(desk.admin.place_order(&one(customer, thing), None).await.unwrap().value);
    }
    let text = desk.export("orders", "ndjson");
    let orders: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected: Vec<Value> = placed.iter().map(|order| serde_json::to_value(order).unwrap()).collect();
    assert_eq!(orders.len(), expected.len());
    // In the order in which they were placed, but for such as share a millisecond.
    for order in &expected {
        assert!(orders.contains(order), "{order}");
    }
    let csv = desk.export("orders", "csv");
    assert_eq!(csv.lines().count(), 251);
    assert!(csv.starts_with("orderId,externalId,customerId,status,"), "{csv:.200}");
    let from = placed.last().unwrap().created_at.to_string();
    let output = desk.oms(&["export", "orders", "late.ndjson", "--from", &from], "");
    assert!(output.status.success(), "{output:?}");
    let late = fs::read_to_string(desk.path("late.ndjson")).unwrap();
    assert!(late.contains(&placed.last().unwrap().id.to_string()) && late.lines().count() < 250);

    let text = desk.export("customers", "ndjson");
    let customers: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // With the administrator, who has a password.
    assert_eq!(customers.len(), 2);
    assert!(!text.to_lowercase().contains("password") && !text.contains("argon2"), "{text}");
    assert_eq!(desk.export("customers", "csv").lines().count(), 3);
    let told = desk.admin.audit_events(&oms_client::AuditSearch::default(), None, None).await.unwrap();
    assert!(told.items.iter().any(|event| event.action == "customer.all_exported"));
    desk.system.stop().await;
}
