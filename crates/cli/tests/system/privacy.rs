//! Export, erasure, export again: over all four services, and down to what the databases hold.

use crate::access::{PASSWORD, World};
use crate::placing::assert_clean;
use common::ids::{CustomerId, OrderId};
use futures_util::TryStreamExt as _;
use mongodb::bson::{Bson, Document, doc};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

/// Everything in the story that tells who the person is.
const PERSONAL: [&str; 9] = [
    "wilhelmina",
    "quux-arden",
    "wilhelmina.quux@example.org",
    "4930990099",
    "14 mulberry lane",
    "barnstaple",
    "ex31 1aa",
    "mother-in-law",
    "oms-browser",
];

async fn answer(request: reqwest::RequestBuilder, status: u16) -> Value {
    let answer = request.send().await.unwrap();
    let (got, text) = (answer.status().as_u16(), answer.text().await.unwrap());
    assert_eq!(got, status, "{text}");
    if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
}

struct Story {
    customer: CustomerId,
    token: String,
    orders: Vec<OrderId>,
}

/// A person with a phone, an address of their own, two sessions and three orders, one of them cancelled.
async fn live(world: &World) -> Story {
    let registration = json!({ "email": PERSONAL[2], "password": PASSWORD, "name": "Wilhelmina Quux-Arden" });
    let customer = answer(world.request("POST", "/customers").json(&registration), 201).await;
    let customer: CustomerId = customer["id"].as_str().unwrap().parse().unwrap();
    let credentials = json!({ "email": PERSONAL[2], "password": PASSWORD });
    let mut token = String::new();
    for _ in 0..2 {
        let log_in = world.request("POST", "/auth/login").header("user-agent", "oms-browser/1.0");
        token = answer(log_in.json(&credentials), 200).await["accessToken"].as_str().unwrap().to_owned();
    }
    let own = format!("/customers/{customer}");
    let phone = world.request("PATCH", &own).bearer_auth(&token).json(&json!({ "phone": "+4930990099" }));
    answer(phone, 200).await;
    let home = json!({ "label": "home", "recipient": "Wilhelmina Quux-Arden", "lines": ["14 Mulberry Lane"],
        "city": "Barnstaple", "postalCode": "EX31 1AA", "country": "GB" });
    let address = world.request("POST", &format!("{own}/addresses")).bearer_auth(&token).json(&home);
    let address = answer(address, 201).await["id"].clone();
    let inline = json!({ "recipient": "The Mother-in-law", "lines": ["14 Mulberry Lane"], "city": "Barnstaple",
        "country": "GB" });
    let product = world.product().await;
    let mut orders = Vec::new();
    for with in [json!({ "shippingAddressId": address }), json!({ "shippingAddress": inline }), json!({})] {
        let mut order = json!({ "customerId": customer, "productId": product, "quantity": 2 });
        order.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        let placed = answer(world.request("POST", "/orders").bearer_auth(&token).json(&order), 201).await;
        orders.push(placed["id"].as_str().unwrap().parse().unwrap());
    }
    world.admin.cancel_order(orders[2], None, None).await.unwrap();
    Story { customer, token, orders }
}

/// The customer's orders without what an erasure takes from them.
async fn accounting(world: &World, customer: CustomerId) -> Value {
    let orders = world.admin.get_customer_orders(customer).await.unwrap();
    let mut orders = serde_json::to_value(orders).unwrap();
    for order in orders.as_array_mut().unwrap() {
        let order = order.as_object_mut().unwrap();
        for taken in ["shippingAddress", "billingAddress", "version", "updatedAt"] {
            order.remove(taken);
        }
    }
    orders
}

fn personal_in(text: &str) -> Vec<&'static str> {
    let text = text.to_lowercase();
    PERSONAL.into_iter().filter(|personal| text.contains(personal)).collect()
}

/// Every document of every database of the system, as text.
async fn everything_held(world: &World) -> String {
    let plan = &world.system.plan;
    let client = mongodb::Client::with_uri_str(plan.mongo_uri.expose_secret()).await.unwrap();
    let mut held = String::new();
    for database in ["orders", "customers", "products"] {
        let database = client.database(&format!("{}_{database}", plan.database_prefix));
        for collection in database.list_collection_names().await.unwrap() {
            let cursor = database.collection::<Document>(&collection).find(doc! {}).await.unwrap();
            let documents: Vec<Document> = cursor.try_collect().await.unwrap();
            held.extend(documents.into_iter().map(|document| format!("{}\n", Bson::from(document))));
        }
    }
    held
}

#[tokio::test]
async fn an_erased_customer_leaves_orders_that_add_up_and_nothing_personal() {
    let world = World::start().await;
    let story = live(&world).await;
    let export = format!("/customers/{}/export", story.customer);
    let before = answer(world.request("GET", &export).bearer_auth(&story.token), 200).await;
    assert_eq!(personal_in(&before.to_string()), PERSONAL);
    assert_eq!(before["orders"].as_array().unwrap().len(), 3);
    assert_eq!(personal_in(&everything_held(&world).await), PERSONAL);
    let orders = accounting(&world, story.customer).await;

    let erase = format!("/customers/{}/erase", story.customer);
    let erase = world.request("POST", &erase).bearer_auth(&story.token);
    answer(erase.json(&json!({ "currentPassword": PASSWORD })), 204).await;

    let after = serde_json::to_value(world.admin.export_customer(story.customer).await.unwrap()).unwrap();
    assert_eq!(personal_in(&after.to_string()), [""; 0]);
    assert_eq!(after["orders"].as_array().unwrap().len(), 3);
    assert_eq!(personal_in(&everything_held(&world).await), [""; 0]);
    assert_eq!(accounting(&world, story.customer).await, orders);
    assert_clean(&world.system, story.orders).await;
    println!("exported with {} personal texts, erased, exported with none", PERSONAL.len());
}
