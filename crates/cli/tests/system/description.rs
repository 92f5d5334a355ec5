//! The description of the API against what is served: the same routes, the same rights, and examples that work.

use crate::access::{PASSWORD, World};
use crate::shop::programs;
use crate::table::{ROWS, Row};
use common::api::examples;
use common::ids::{CustomerId, ProductId};
use common::models::auth::Role;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What the gateway serves, as it is committed.
const COMMITTED: &str = include_str!("../../../gateway/openapi.json");

/// Examples with a secret that only a letter or an earlier answer brings: what they are answered without it.
const WITHOUT_SECRET: [(&str, u16); 4] = [
    ("/auth/refresh", 401),
    ("/auth/verification/confirm", 422),
    ("/auth/password-reset/confirm", 422),
    ("/staff-invitations/accept", 422),
];

/// The description, read.
pub struct Described(Value);

impl Described {
    pub fn read() -> Self {
        Self(serde_json::from_str(COMMITTED).unwrap())
    }

    fn operation(&self, row: &Row) -> &Value {
        let operation = &self.0["paths"][row.path][row.method.to_ascii_lowercase()];
        assert!(operation.is_object(), "{} {} is not described", row.method, row.path);
        operation
    }

    /// Every operation that is described, by its method and path.
    fn operations(&self) -> BTreeSet<(String, String)> {
        let paths = self.0["paths"].as_object().unwrap();
        let of_path = |(path, methods): (&String, &Value)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(|method| (method.to_ascii_uppercase(), path.clone())).collect::<Vec<_>>()
        };
        paths.iter().flat_map(of_path).collect()
    }

    /// What is said of this answer, there or once for all.
    fn response(&self, row: &Row, status: &str) -> &Value {
        let response = &self.operation(row)["responses"][status];
        match response["$ref"].as_str() {
            Some(place) => self.0.pointer(place.trim_start_matches('#')).unwrap(),
            None => response,
        }
    }

    /// What an answer says must be described: its status and, of a problem, its code.
    pub fn check(&self, row: &Row, status: u16, body: &Value) {
        let response = self.response(row, &status.to_string());
        assert!(response.is_object(), "{} {}: {status} is not described: {body}", row.method, row.path);
        let problem = &response["content"]["application/problem+json"]["schema"];
        if problem.is_object() {
            let codes = problem["properties"]["code"]["enum"].as_array().unwrap();
            assert!(codes.contains(&body["code"]), "{} {}: {status} {body}", row.method, row.path);
        }
    }
}

#[test]
fn what_the_gateway_serves_is_what_the_services_say_of_themselves() {
    let said = oms_cli::describe::describe(&programs()).unwrap();
    assert!(said == COMMITTED, "crates/gateway/openapi.json is of other services: run scripts/describe-api");
}

#[test]
fn every_route_is_described_and_no_description_is_of_another_route() {
    let routes = gateway::routes::ROUTES.iter();
    let routes =
        routes.flat_map(|route| route.methods.iter().map(|method| ((*method).to_owned(), route.pattern)));
    let routes: BTreeSet<_> = routes.map(|(method, pattern)| (method, pattern.to_owned())).collect();
    let described = Described::read().operations();
    let undescribed: Vec<_> = routes.difference(&described).collect();
    assert!(undescribed.is_empty(), "routes without a description: {undescribed:?}");
    let unserved: Vec<_> = described.difference(&routes).collect();
    assert!(unserved.is_empty(), "descriptions without a route: {unserved:?}");
}

#[test]
fn the_scopes_that_are_described_are_those_of_the_table_of_rights() {
    let described = Described::read();
    for row in ROWS {
        let security = described.operation(row)["security"].as_array().unwrap();
        let scopes: Vec<_> = security.iter().filter_map(|way| way["apiKey"].as_array()).flatten().collect();
        // Who needs no right may have one that shows more.
        let is_for_callers = row.expected[0] == 401 && row.path != "/auth/refresh";
        let expected = row.scope.filter(|_| is_for_callers).map(|scope| json!(scope));
        assert_eq!(scopes, expected.iter().collect::<Vec<_>>(), "{} {}", row.method, row.path);
        assert_eq!(
            security.is_empty() || security[0] == json!({}),
            !is_for_callers,
            "{} {}",
            row.method,
            row.path
        );
    }
}

#[tokio::test]
async fn every_example_of_a_request_is_answered_as_it_is_described() {
    let (world, described) = (World::start().await, Described::read());
    world.made("/locations", &json!({ "id": "berlin", "name": "Berlin", "priority": 5 })).await;
    let mut tried = 0;
    for row in ROWS {
        let operation = described.operation(row);
        let Some(content) = operation["requestBody"]["content"].as_object() else { continue };
        for (media_type, content) in content.iter().filter(|(_, content)| !content["example"].is_null()) {
            try_example(&world, &described, row, media_type, &content["example"]).await;
            tried += 1;
        }
    }
    println!("{tried} examples");
    let bodies = described.operations().into_iter().filter(|(method, path)| {
        let operation = &described.0["paths"][path][method.to_ascii_lowercase()];
        operation["requestBody"].is_object()
    });
    assert_eq!(tried, bodies.count(), "an operation that takes a body has no example");
    world.system.stop().await;
}

async fn try_example(world: &World, described: &Described, row: &Row, media_type: &str, example: &Value) {
    let scene = world.scene(row).await;
    let product = match scene.product {
        Some(product) => product,
        None => world.product().await,
    };
    let text = match example {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let text = text
        .replace(examples::CUSTOMER, &scene.owner.to_string())
        .replace(examples::PRODUCT, &product.to_string())
        .replace("mara@shop.example", &scene.email)
        // An address that needs no name server.
        .replace("hooks.shop.example", "1.1.1.1")
        .replace("demo-password-1", PASSWORD);
    let is_own = (200..300).contains(&row.expected[1]) && row.expected[2] != row.expected[1];
    let token = if is_own {
        world.token(scene.owner, Role::Customer)
    } else {
        world.token(CustomerId::new(), Role::Admin)
    };
    let request = world.request(row.method, &scene.path(row)).header("content-type", media_type);
    let request = request.header("idempotency-key", ProductId::new().to_string());
    let answer = request.bearer_auth(token).body(text).send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = answer.text().await.unwrap();
    let without = WITHOUT_SECRET.iter().find(|(path, _)| *path == row.path).map(|(_, status)| *status);
    let responses = described.operation(row)["responses"].as_object().unwrap();
    let success = responses.keys().rfind(|status| status.starts_with('2')).unwrap().parse().unwrap();
    let expected = without.unwrap_or(success);
    assert_eq!(status, expected, "{} {}: {body}", row.method, row.path);
    let promised = described.response(row, &status.to_string())["headers"].as_object().unwrap();
    for name in ["ETag", "Location", "X-Request-Id", "WWW-Authenticate"]
        .iter()
        .filter(|name| promised.contains_key(**name))
    {
        assert!(headers.contains_key(*name), "{} {}: no {name}", row.method, row.path);
    }
}
