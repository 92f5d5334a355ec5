use common::testing::{fresh_database, server};
use mongodb::bson::{Document, doc};
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

#[tokio::test]
async fn every_list_is_read_from_an_index_in_its_order() {
    let client = mongodb::Client::with_uri_str(server("MONGO_URI")).await.unwrap();
    let database = client.database(&fresh_database());
    Orders::new(&database).ensure().await.unwrap();
    let id = common::ids::CustomerId::new();
    let at = mongodb::bson::DateTime::now();
    let all = ["pending", "confirmed", "rejected", "cancelled", "completed"].map(String::from).to_vec();
    let after = vec![doc! { "createdAt": at, "_id": { "$gte": id } }];
    let newest = doc! { "createdAt": -1, "_id": -1 };
    let (oldest, by_id) = (doc! { "createdAt": 1, "_id": 1 }, doc! { "_id": 1 });
    let due = doc! { "state": "due", "at": { "$lt": at } };
    let kept = ["pending", "confirmed", "cancelled", "completed"].map(String::from).to_vec();
    let pending_after = doc! {
        "status": "pending",
        "createdAt": { "$lt": at, "$gte": at },
        "$nor": vec![doc! { "createdAt": at, "_id": { "$lte": id } }],
    };
    for (filter, sort) in [
        (doc! { "customerId": id }, newest.clone()),
        (doc! { "customerId": id, "createdAt": { "$lte": at }, "$nor": after.clone() }, newest.clone()),
        (doc! { "status": { "$in": all.clone() } }, newest.clone()),
        (doc! { "status": { "$in": all }, "createdAt": { "$lte": at }, "$nor": after }, newest.clone()),
        (doc! { "status": "rejected" }, newest),
        (doc! { "status": "pending", "createdAt": { "$lt": at } }, oldest.clone()),
        (pending_after, oldest),
        (
            doc! { "effects.state": "due", "effects": { "$elemMatch": due }, "_id": { "$gt": id } },
            by_id.clone(),
        ),
        (doc! { "edit.at": { "$lt": at }, "_id": { "$gt": id } }, by_id),
        (doc! { "externalId": "a", "status": { "$in": kept } }, doc! {}),
    ] {
        let find = doc! { "find": "orders", "filter": filter.clone(), "sort": sort, "limit": 50 };
        let explained =
            database.run_command(doc! { "explain": find, "verbosity": "queryPlanner" }).await.unwrap();
        let plan = explained.get_document("queryPlanner").unwrap().get_document("winningPlan").unwrap();
        let mut names = Vec::new();
        stages(plan, &mut names);
        assert!(names.iter().any(|name| name == "IXSCAN"), "{filter}: {names:?}");
        assert!(!names.iter().any(|name| name == "SORT" || name == "COLLSCAN"), "{filter}: {names:?}");
    }
}
