//! The restore drill: a back-up under load, put into an empty place, audited.

use crate::placing::{customer, one, patient, product};
use crate::system::System;
use common::ids::OrderId;
use oms_cli::audit::{AuditOptions, audit};
use oms_cli::backup::{BackupArguments, PlaceArguments, RestoreArguments, dump, restore};
use secrecy::ExposeSecret as _;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

#[tokio::test]
async fn a_back_up_under_load_is_restored_into_an_empty_place_and_audited_clean() {
    let system = System::start().await;
    let admin = system.admin_with(patient);
    let (customer, product) = (customer(&admin).await, product(&admin, 50_000).await);
    let order = one(customer, product);
    let (acknowledged, stop) = (Mutex::new(Vec::<OrderId>::new()), AtomicBool::new(false));
    let place = PlaceArguments {
        mongo_uri: system.plan.mongo_uri.clone(),
        database_prefix: system.plan.database_prefix.clone(),
    };
    let directory = tempfile::tempdir().unwrap();
    let shopping = async || {
        while !stop.load(Ordering::Relaxed) {
            let placed = admin.place_order(&order, None).await.unwrap();
            acknowledged.lock().unwrap().push(placed.value.id);
        }
    };
    let backing_up = async {
        let count = || acknowledged.lock().unwrap().len();
        crate::shop::eventually("fifty orders", async || (count() >= 50).then_some(())).await;
        let before = acknowledged.lock().unwrap().clone();
        let arguments = BackupArguments { folder: directory.path().join("backup"), place: place.clone() };
        let manifest = dump::dump(&arguments).await.unwrap();
        crate::shop::eventually("orders after it", async || (count() > before.len()).then_some(())).await;
        stop.store(true, Ordering::Relaxed);
        (before, manifest, arguments.folder)
    };
    let ((before, manifest, folder), (), (), ()) =
        tokio::join!(backing_up, shopping(), shopping(), shopping());
    println!(
        "{} orders placed, {} before a back-up of {} documents",
        acknowledged.lock().unwrap().len(),
        before.len(),
        manifest.documents()
    );

    let elsewhere = PlaceArguments {
        database_prefix: format!("{}_back", place.database_prefix),
        mongo_uri: place.mongo_uri.clone(),
    };
    let into = |place: &PlaceArguments| RestoreArguments { folder: folder.clone(), place: place.clone() };
    let refused = restore::restore(&into(&place)).await.unwrap_err().to_string();
    assert!(refused.contains("is not empty"), "{refused}");
    restore::restore(&into(&elsewhere)).await.unwrap();
    let report = audit(&AuditOptions {
        mongo_uri: elsewhere.mongo_uri.expose_secret().to_owned(),
        database_prefix: elsewhere.database_prefix.clone(),
        acknowledged: before,
    })
    .await
    .unwrap();
    assert!(report.is_clean(), "{report}");

    // A back-up is never overwritten, and one that has changed is not restored.
    let again = BackupArguments { folder: folder.clone(), place };
    assert!(dump::dump(&again).await.unwrap_err().to_string().contains("never overwritten"));
    let file = folder.join("orders/orders.bson");
    let mut bytes = fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&file, bytes).unwrap();
    let refused = restore::restore(&into(&elsewhere)).await.unwrap_err().to_string();
    assert!(refused.contains("checksum differs"), "{refused}");
    system.stop().await;
}
