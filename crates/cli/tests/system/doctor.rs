//! `oms doctor`: finds nothing in a good shop, and names what is wrong in a broken one.

use crate::standalone::Mongod;
use crate::system::System;
use common::testing::server;
use mongodb::bson::{DateTime, doc};
use mongodb::{Client, Database};
use oms_cli::doctor::diagnosis::{Diagnosis, Finding, Verdict};
use oms_cli::doctor::{DoctorArguments, examine};
use oms_cli::shop::ports::free_port;
use oms_cli::shop::services::Service;
use std::path::PathBuf;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// How an operator of this system would call the doctor.
fn arguments(system: &System) -> DoctorArguments {
    let plan = &system.plan;
    DoctorArguments {
        mongo_uri: plan.mongo_uri.clone(),
        redis_uri: Some(plan.redis_uri.clone()),
        database_prefix: plan.database_prefix.clone(),
        url: system.url(),
        order_url: plan.ports.order.internal_url(),
        customer_url: plan.ports.customer.internal_url(),
        product_url: plan.ports.product.internal_url(),
        service_tokens: Some(plan.service_token.clone()),
        signing_key_file: Some(plan.signing_key_file.clone()),
        json: false,
    }
}

/// Expects exactly one kind of complaint: something of this subject is wrong, its words contain `words`, and there is
/// something to do about it.
fn assert_names(diagnosis: &Diagnosis, subject: &str, words: &str) {
    let wrong = diagnosis.findings.iter().filter(|finding| finding.verdict == Verdict::Wrong);
    let named = wrong.clone().any(|finding| {
        finding.subject.contains(subject)
            && finding.found.contains(words)
            && finding.remedy.as_ref().is_some_and(|remedy| remedy.len() > 20)
    });
    assert!(named && !diagnosis.is_healthy(), "{subject}: {words} is not in\n{diagnosis}");
}

async fn database(system: &System, name: &str) -> Database {
    let client = Client::with_uri_str(server("MONGO_URI")).await.unwrap();
    client.database(&format!("{}_{name}", system.plan.database_prefix))
}

#[tokio::test]
async fn the_doctor_finds_nothing_wrong_in_a_good_shop_and_names_what_is_broken_in_its_services() {
    let mut system = System::start().await;
    let good = arguments(&system);
    let diagnosis = examine(&good).await.unwrap();
    // How much room this machine's disk has is not the shop's doing.
    let wrong =
        |finding: &Finding| finding.verdict == Verdict::Wrong && finding.subject != "the primary's disk";
    assert!(!diagnosis.findings.iter().any(wrong), "{diagnosis}");
    println!("{diagnosis}");

    let other_token =
        DoctorArguments { service_tokens: Some("not the token of the services".into()), ..good.clone() };
    let diagnosis = examine(&other_token).await.unwrap();
    for service in ["order-service", "customer-service", "product-service"] {
        assert_names(&diagnosis, service, "does not take the service token");
    }

    let other_keys = tempfile::tempdir().unwrap();
    let file = other_keys.path().join("keys.pem");
    oms_cli::keys::generate(&file).unwrap();
    let diagnosis = examine(&DoctorArguments { signing_key_file: Some(file), ..good.clone() }).await.unwrap();
    assert_names(&diagnosis, "signing keys", "is not published");
    let missing = Some(PathBuf::from("/nowhere/keys.pem"));
    let diagnosis = examine(&DoctorArguments { signing_key_file: missing, ..good.clone() }).await.unwrap();
    assert_names(&diagnosis, "signing keys", "cannot be used");

    let nobodys = DoctorArguments { database_prefix: "nobodys".to_owned(), ..good.clone() };
    assert_names(
        &examine(&nobodys).await.unwrap(),
        "database nobodys_orders",
        "no service has ever prepared it",
    );

    let silent = format!("http://127.0.0.1:{}", free_port(&[]).unwrap());
    let diagnosis = examine(&DoctorArguments { url: silent, ..good.clone() }).await.unwrap();
    assert_names(&diagnosis, "gateway", "nothing answers");

    // A service on a machine whose clock is an hour late.
    let late = MockServer::start().await;
    let answer = ResponseTemplate::new(200).insert_header("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    Mock::given(any()).respond_with(answer).mount(&late).await;
    let diagnosis = examine(&DoctorArguments { product_url: late.uri(), ..good.clone() }).await.unwrap();
    assert_names(&diagnosis, "the clock of product-service", "behind");

    system.kill_redis().await;
    assert_names(&examine(&good).await.unwrap(), "Redis", "does not answer");

    system.kill(Service::Product).await;
    let diagnosis = examine(&good).await.unwrap();
    assert_names(&diagnosis, "product-service", "nothing answers");
    assert_names(&diagnosis, "gateway", "503");
    system.stop().await;
}

#[tokio::test]
async fn the_doctor_names_what_has_been_lost_in_the_databases() {
    let system = System::start().await;
    let good = arguments(&system);

    let products = database(&system, "products").await;
    products.run_command(doc! { "collMod": "stock", "validator": {} }).await.unwrap();
    assert_names(&examine(&good).await.unwrap(), "database", "stock has another validator");
    products.collection::<mongodb::bson::Document>("movements").drop().await.unwrap();
    assert_names(&examine(&good).await.unwrap(), "database", "the collection movements is missing");

    let orders = database(&system, "orders").await;
    let collection = orders.collection::<mongodb::bson::Document>("orders");
    let lost = collection.list_index_names().await.unwrap().into_iter().find(|name| name != "_id_").unwrap();
    collection.drop_index(&lost).await.unwrap();
    assert_names(&examine(&good).await.unwrap(), "database", &format!("orders lacks the index {lost}"));

    let an_hour_ago = DateTime::from_millis(DateTime::now().timestamp_millis() - 3_600_000);
    let forgotten = doc! {
        "_id": "a forgotten order",
        "status": "pending",
        "createdAt": an_hour_ago,
        "effects": [{ "state": "due", "at": an_hour_ago }],
    };
    collection.insert_one(forgotten).bypass_document_validation(true).await.unwrap();
    let diagnosis = examine(&good).await.unwrap();
    assert_names(&diagnosis, "pending orders", "a forgotten order");
    assert_names(&diagnosis, "effects on stock", "a forgotten order");
    system.stop().await;
}

#[tokio::test]
async fn the_doctor_names_a_mongodb_that_cannot_be_used() {
    let nobody = |mongo_uri: String| DoctorArguments {
        mongo_uri: mongo_uri.into(),
        redis_uri: None,
        database_prefix: "oms".to_owned(),
        url: "http://127.0.0.1:9".to_owned(),
        order_url: "http://127.0.0.1:9".to_owned(),
        customer_url: "http://127.0.0.1:9".to_owned(),
        product_url: "http://127.0.0.1:9".to_owned(),
        service_tokens: None,
        signing_key_file: None,
        json: false,
    };
    let at = |port: u16, query: &str| nobody(format!("mongodb://127.0.0.1:{port}/{query}"));
    let broken = examine(&nobody("http://127.0.0.1".to_owned())).await.unwrap();
    assert_names(&broken, "MongoDB", "no connection string");

    let silent = free_port(&[]).unwrap();
    assert_names(
        &examine(&at(silent, "?replicaSet=rs0")).await.unwrap(),
        "MongoDB",
        "no host of MONGO_URI answers",
    );

    let alone = Mongod::start(&[]).await;
    for query in ["", "?replicaSet=rs0"] {
        assert_names(&examine(&at(alone.port, query)).await.unwrap(), "MongoDB", "stand-alone");
    }
    let guarded = Mongod::start(&["--auth"]).await;
    let stranger = nobody(format!("mongodb://stranger:password@127.0.0.1:{}/", guarded.port));
    assert_names(&examine(&stranger).await.unwrap(), "MongoDB", "refuses the log-in");
    let fresh = Mongod::start(&["--replSet", "rs0"]).await;
    assert_names(&examine(&at(fresh.port, "?replicaSet=rs0")).await.unwrap(), "MongoDB", "not initiated");
    let renamed = server("MONGO_URI").replace("replicaSet=rs0", "replicaSet=another");
    assert_names(&examine(&nobody(renamed)).await.unwrap(), "MongoDB", "names another");

    // A set of two whose second member never was: no majority, no primary.
    let client =
        Client::with_uri_str(format!("mongodb://127.0.0.1:{}/?directConnection=true", fresh.port)).await;
    let admin = client.unwrap().database("admin");
    let own = format!("127.0.0.1:{}", fresh.port);
    let alone = doc! { "_id": "rs0", "version": 1, "members": [{ "_id": 0, "host": &own }] };
    admin.run_command(doc! { "replSetInitiate": alone }).await.unwrap();
    crate::shop::eventually("a primary", async || {
        let hello = admin.run_command(doc! { "hello": 1 }).await.ok()?;
        hello.get_bool("isWritablePrimary").unwrap_or(false).then_some(())
    })
    .await;
    let gone = format!("127.0.0.1:{}", free_port(&[]).unwrap());
    let members = [doc! { "_id": 0, "host": &own }, doc! { "_id": 1, "host": &gone }];
    let pair = doc! { "_id": "rs0", "version": 100, "members": members.to_vec() };
    crate::shop::eventually("a set of two", async || {
        // The server may close the connection on which its role changes: what it has afterwards counts.
        drop(admin.run_command(doc! { "replSetReconfig": pair.clone(), "force": true }).await);
        let answer = admin.run_command(doc! { "replSetGetConfig": 1 }).await.ok()?;
        let members = answer.get_document("config").ok()?.get_array("members").ok()?;
        (members.len() == 2).then_some(())
    })
    .await;
    // Until it has missed the other for long enough it is still the primary, of a set without a majority.
    crate::shop::eventually("a complaint about the majority", async || {
        let diagnosis = examine(&at(fresh.port, "?replicaSet=rs0")).await.unwrap();
        diagnosis.findings.iter().any(is_about_majority).then_some(())
    })
    .await;
}

fn is_about_majority(finding: &Finding) -> bool {
    let remedy = finding.remedy.as_deref().unwrap_or_default();
    finding.verdict == Verdict::Wrong && (finding.found.contains("majority") || remedy.contains("majority"))
}
