use common::http::page::Cursor;
use common::ids::{CustomerId, OrderId, ProductId};
use common::models::order::{FulfillmentStatus, OrderStatus};
use common::testing::{fresh_database, server};
use common::time::Timestamp;
use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};
use order_service::store::listing::{Filter, Sort, SortTime, listing};
use order_service::store::orders::Orders;

/// Names of the stages of a winning plan.
fn stages(plan: &Document, names: &mut Vec<String>) {
    if let Ok(stage) = plan.get_str("stage") {
        names.push(stage.to_owned());
    }
    for child in ["inputStage", "queryPlan"] {
        if let Ok(input) = plan.get_document(child) {
            stages(input, names);
        }
    }
    for input in plan.get_array("inputStages").into_iter().flatten() {
        stages(input.as_document().unwrap(), names);
    }
}

async fn database() -> Database {
    let client = mongodb::Client::with_uri_str(server("MONGO_URI")).await.unwrap();
    let database = client.database(&fresh_database());
    Orders::new(&database).ensure().await.unwrap();
    database
}

async fn assert_index_in_order(database: &Database, find: Document) {
    let explain = doc! { "explain": find.clone(), "verbosity": "queryPlanner" };
    let explained = database.run_command(explain).await.unwrap();
    let plan = explained.get_document("queryPlanner").unwrap().get_document("winningPlan").unwrap();
    let mut names = Vec::new();
    stages(plan, &mut names);
    assert!(names.iter().any(|name| name == "IXSCAN"), "{find}: {names:?}");
    assert!(!names.iter().any(|name| name == "SORT" || name == "COLLSCAN"), "{find}: {names:?}");
}

#[tokio::test]
async fn every_list_is_read_from_an_index_in_its_order() {
    let database = database().await;
    let at = Timestamp::now();
    let cursor = Cursor { at, id: OrderId::new().uuid() };
    let of_customer = Filter::of_customer(CustomerId::new());
    let by_creation = [
        Filter::default(),
        of_customer.clone(),
        Filter { status: Some(OrderStatus::Rejected), ..Filter::default() },
        Filter { status: Some(OrderStatus::Confirmed), ..of_customer },
        Filter { fulfillment_status: Some(FulfillmentStatus::Unfulfilled), ..Filter::default() },
        Filter { product_id: Some(ProductId::new()), ..Filter::default() },
        Filter { tag: Some("a".into()), ..Filter::default() },
        Filter { tag: Some("a".into()), status: Some(OrderStatus::Confirmed), ..Filter::default() },
        Filter { external_id: Some("a".into()), ..Filter::default() },
        Filter { from: Some(at), to: Some(at), ..Filter::default() },
    ];
    let by_change = [
        Filter::default(),
        Filter { from: Some(at), ..Filter::default() },
        Filter { status: Some(OrderStatus::Confirmed), to: Some(at), ..Filter::default() },
    ];
    let lists = by_creation.iter().map(|filter| (filter, SortTime::Created));
    for (filter, time) in lists.chain(by_change.iter().map(|filter| (filter, SortTime::Updated))) {
        for (oldest_first, after) in
            [(false, None), (false, Some(cursor)), (true, None), (true, Some(cursor))]
        {
            let listing = listing(filter, Sort { time, oldest_first }, after).unwrap();
            let mut find = doc! { "find": "orders", "filter": listing.query, "limit": 50 };
            find.extend(listing.sort.map(|sort| ("sort".to_owned(), Bson::from(sort))));
            find.extend(listing.index.map(|index| ("hint".to_owned(), Bson::from(index))));
            assert_index_in_order(&database, find).await;
        }
    }
}

#[tokio::test]
async fn what_the_sweeper_looks_for_is_read_from_an_index_in_its_order() {
    let database = database().await;
    let (id, at) = (OrderId::new(), Bson::from(Timestamp::now()));
    let (oldest, by_id) = (doc! { "createdAt": 1, "_id": 1 }, doc! { "_id": 1 });
    let due = doc! { "state": "due", "at": { "$lt": at.clone() } };
    let kept = ["pending", "confirmed", "cancelled", "completed"].map(String::from).to_vec();
    let pending_after = doc! {
        "status": "pending",
        "createdAt": { "$lt": at.clone(), "$gte": at.clone() },
        "$nor": vec![doc! { "createdAt": at.clone(), "_id": { "$lte": id } }],
    };
    for (filter, sort) in [
        (doc! { "status": "pending", "createdAt": { "$lt": at.clone() } }, oldest.clone()),
        (pending_after, oldest),
        (
            doc! { "effects.state": "due", "effects": { "$elemMatch": due }, "_id": { "$gt": id } },
            by_id.clone(),
        ),
        (doc! { "edit.at": { "$lt": at }, "_id": { "$gt": id } }, by_id),
        (doc! { "externalId": "a", "status": { "$in": kept } }, doc! {}),
    ] {
        let find = doc! { "find": "orders", "filter": filter, "sort": sort, "limit": 50 };
        assert_index_in_order(&database, find).await;
    }
}
