//! Filling a shop: the catalogue of `oms seed`, and real traffic by `oms replay`.

use crate::shop::oms;
use crate::system::System;
use secrecy::ExposeSecret as _;
use std::io::Write as _;
use std::path::Path;
use tempfile::NamedTempFile;

/// Two sales, one of them cancelled again, in lines as dirty as real ones.
const INVOICES: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,WHITE HEART HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom
536365,71053,WHITE METAL LANTERN,6,2010-12-01 08:26:00,3.39,17850.0,United Kingdom
536365,85123A,WHITE HEART,2,2010-12-01 08:26:00,2.95,17850.0,United Kingdom
536366,71053,,1,2010-12-01 08:28:00,3.39,,United Kingdom
536366,POST,POSTAGE,1,2010-12-01 08:28:00,18,,France
536367,21777,damaged,-10,2010-12-01 08:30:00,0,,United Kingdom
536368,gift code,\"VOUCHER, £40\",lots,2010-12-01 08:30:00,40,,United Kingdom
C536379,71053,WHITE METAL LANTERN,-1,2010-12-01 09:41:00,3.39,,United Kingdom
C536380,71053,WHITE METAL LANTERN,-1,2010-12-01 09:41:00,3.39,17850.0,United Kingdom
";

/// Runs `oms` against the system; answers what it printed.
pub async fn run(system: &System, arguments: &[&str]) -> String {
    let mut command = oms();
    command
        .args(arguments)
        .env("OMS_URL", system.url())
        .env("ADMIN_EMAIL", &system.plan.admin.email)
        .env("ADMIN_PASSWORD", system.plan.admin.password.expose_secret())
        .env("MONGO_URI", system.plan.mongo_uri.expose_secret());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    printed
}

async fn replay(system: &System, file: &Path) -> String {
    let prefix = &system.plan.database_prefix;
    run(system, &["replay", file.to_str().unwrap(), "--database-prefix", prefix]).await
}

/// The number in the table's row of this label.
fn counted(table: &str, label: &str) -> u64 {
    let row = table.lines().find_map(|line| line.trim_start_matches('│').trim().strip_prefix(label));
    row.unwrap_or_else(|| panic!("{label}:\n{table}")).trim_end_matches('│').trim().parse().unwrap()
}

#[tokio::test]
async fn a_replayed_file_is_accounted_for_and_its_second_run_places_nothing() {
    let system = System::start().await;
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(INVOICES.as_bytes()).unwrap();

    let first = replay(&system, file.path()).await;
    for (label, expected) in [
        ("Invoices read", 6),
        ("without a line of goods", 2),
        ("Orders placed", 2),
        ("Orders cancelled  ", 1),
        ("takes back a part of an order", 1),
        ("Lines read", 9),
        ("added to a line of the same product", 1),
        ("left out", 3),
    ] {
        assert_eq!(counted(&first, label), expected, "{label}\n{first}");
    }
    assert!(first.contains("Everything accounted for") && first.contains("Everything agrees."), "{first}");

    let second = replay(&system, file.path()).await;
    assert_eq!(counted(&second, "Orders placed"), 0, "{second}");
    assert_eq!(counted(&second, "Orders replayed (already there)"), 2, "{second}");
    assert_eq!(counted(&second, "Orders cancelled before"), 1, "{second}");

    let orders = system.admin().orders(None, None).await.unwrap().items;
    assert_eq!(orders.len(), 2);
    let invoice = orders.iter().find(|order| order.lines.len() == 2).unwrap();
    assert_eq!(invoice.lines[0].quantity, 8, "equal products are added up");
    assert_eq!(invoice.total.unwrap().to_string(), "40.74");
    system.stop().await;
}

#[tokio::test]
async fn seeding_fills_an_empty_shop_once() {
    let system = System::start().await;
    let first = run(&system, &["seed"]).await;
    assert!(first.contains("12 products") && first.contains("All of them are new."), "{first}");
    assert!(run(&system, &["seed"]).await.contains("14 of them were there already."));
    let catalogue = system.admin().products(None, None, None).await.unwrap().items;
    assert_eq!(catalogue.len(), 12);
    assert!(catalogue.iter().all(|product| product.inventory > 0));
    system.stop().await;
}
