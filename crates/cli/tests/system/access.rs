//! Every public route by every kind of caller, through the gateway, and the table of what each is answered.

use crate::description::Described;
use crate::stages;
use crate::system::System;
use crate::table::{CALLERS, Object, ROWS, Row};
use comfy_table::{Table, presets};
use common::auth::signing::SigningKey;
use common::auth::token::Claims;
use common::ids::{CustomerId, OrderId, ProductId, SessionId};
use common::models::api_key::NewApiKey;
use common::models::auth::{Role, Scope};
use common::models::customer::NewCustomer;
use common::models::product::NewProduct;
use common::time::Timestamp;
use oms_client::Client;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use std::collections::BTreeSet;

pub const PASSWORD: &str = "correct horse battery";

/// A running system, someone who may do everything in it, and the key that its tokens are signed with.
pub struct World {
    pub system: System,
    pub admin: Client,
    pub http: reqwest::Client,
    key: SigningKey,
    every_scope: String,
    unrelated_scope: String,
    staff: CustomerId,
    /// Another administrator.
    colleague: CustomerId,
}

/// What one cell of the table is tried on: fresh, so that no cell depends on another.
pub struct Scene {
    pub owner: CustomerId,
    pub stranger: CustomerId,
    pub email: String,
    pub product: Option<ProductId>,
    /// The identities in the path, in their order.
    ids: Vec<String>,
}

impl World {
    pub async fn start() -> Self {
        // Everyone here calls from one address.
        let many = "1000000";
        let system = System::start_with(&[
            ("OMS_CUSTOMER__THROTTLE__ATTEMPTS_PER_ADDRESS", many),
            ("OMS_CUSTOMER__THROTTLE__REGISTRATIONS_PER_ADDRESS", many),
            ("OMS_CUSTOMER__THROTTLE__RESETS_PER_ADDRESS", many),
            // Nothing leaves this machine.
            ("OMS_ORDER__WEBHOOKS__ENABLED", "false"),
        ])
        .await;
        let admin = system.admin();
        let pem = std::fs::read_to_string(&system.plan.signing_key_file).unwrap();
        let mut world = Self {
            key: SigningKey::from_pem(&pem).unwrap(),
            http: common::http::peer::client().unwrap(),
            every_scope: String::new(),
            unrelated_scope: String::new(),
            staff: CustomerId::new(),
            colleague: CustomerId::new(),
            admin,
            system,
        };
        world.every_scope = world.api_key(Scope::ALL.into()).await;
        world.unrelated_scope = world.api_key([Scope::ProductsRead].into()).await;
        (world.staff, _) = world.customer(None).await;
        world.admin.change_role(world.staff, Role::Staff, None).await.unwrap();
        (world.colleague, _) = world.customer(None).await;
        world.admin.change_role(world.colleague, Role::Admin, None).await.unwrap();
        world
    }

    pub async fn api_key(&self, scopes: BTreeSet<Scope>) -> String {
        let new = NewApiKey { name: "a machine".parse().unwrap(), scopes, expires_at: None };
        self.admin.create_api_key(&new, None).await.unwrap().key
    }

    /// A fresh token as customer-service would issue it.
    pub fn token(&self, customer_id: CustomerId, role: Role) -> String {
        let now = Timestamp::now().as_millis() / 1000;
        let claims = Claims {
            iss: "oms".into(),
            aud: "oms".into(),
            sub: customer_id,
            exp: now + 600,
            iat: now,
            nbf: None,
            jti: CustomerId::new().to_string(),
            role,
            sid: SessionId::new(),
        };
        self.key.sign(&claims).unwrap()
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.http.request(method, format!("{}{path}", self.system.url()))
    }

    /// An account; with a password only where somebody is to log in.
    pub async fn customer(&self, password: Option<&str>) -> (CustomerId, String) {
        let email = format!("{}@example.com", CustomerId::new());
        let new = NewCustomer {
            email: email.parse().unwrap(),
            password: password.map(|password| password.parse().unwrap()),
            name: "Someone".parse().unwrap(),
        };
        (self.admin.register_customer(&new, None).await.unwrap().value.id, email)
    }

    pub async fn product(&self) -> ProductId {
        let new = NewProduct {
            inventory: Some(100.try_into().unwrap()),
            ..NewProduct::new(
                format!("SKU-{}", ProductId::new()).parse().unwrap(),
                "A thing".parse().unwrap(),
                "12.50".parse().unwrap(),
            )
        };
        self.admin.create_product(&new, None).await.unwrap().value.id
    }

    async fn session(&self, email: &str) -> SessionId {
        let credentials = serde_json::json!({ "email": email, "password": PASSWORD });
        let pair = self.request("POST", "/auth/login").json(&credentials).send().await.unwrap();
        let pair: Value = pair.json().await.unwrap();
        pair["refreshToken"].as_str().unwrap().split_once('.').unwrap().0.parse().unwrap()
    }

    pub async fn scene(&self, row: &Row) -> Scene {
        let needs_log_in = row.objects.contains(&Object::Session) || row.needs_password;
        let (owner, email) = self.customer(needs_log_in.then_some(PASSWORD)).await;
        let (stranger, _) = self.customer(None).await;
        let mut scene = Scene { owner, stranger, email, product: None, ids: Vec::new() };
        let needs_product =
            |object: &Object| matches!(object, Object::Product | Object::Hold) || stages::is_order(*object);
        if row.needs_product || row.objects.iter().any(needs_product) {
            scene.product = Some(self.product().await);
        }
        for object in row.objects {
            let id = match object {
                Object::Customer => owner.to_string(),
                Object::Product => scene.product.unwrap().to_string(),
                Object::Session => self.session(&scene.email).await.to_string(),
                Object::Address => self.address(owner).await,
                Object::Order | Object::HeldOrder | Object::ShippedOrder | Object::DeliveredOrder => {
                    stages::order(&self.admin, owner, scene.product.unwrap(), *object).await
                }
                Object::Fulfillment | Object::Return | Object::ApprovedReturn => {
                    stages::part(&self.admin, scene.ids[0].parse().unwrap(), *object).await
                }
                Object::Category => self.made("/categories", &crate::table::new_category()).await,
                Object::Location => self.made("/locations", &crate::table::new_location()).await,
                Object::Webhook => self.made("/webhooks", &crate::table::new_webhook()).await,
                Object::Delivery => {
                    let test = format!("/webhooks/{}/test", scene.ids[0]);
                    self.made(&test, &Value::Null).await
                }
                Object::Hold => {
                    let body = crate::table::hold_of(scene.product.unwrap());
                    let token = self.token(owner, Role::Customer);
                    self.made_by(&token, "/reservations", &body).await
                }
                Object::ApiKey => {
                    let new = NewApiKey {
                        name: "another machine".parse().unwrap(),
                        scopes: [Scope::ProductsRead].into(),
                        expires_at: None,
                    };
                    self.admin.create_api_key(&new, None).await.unwrap().api_key.id.to_string()
                }
            };
            scene.ids.push(id);
        }
        scene
    }

    /// An address of this customer.
    async fn address(&self, owner: CustomerId) -> String {
        self.made(&format!("/customers/{owner}/addresses"), &crate::table::address()).await
    }

    /// The identity of what an administrator makes by this body.
    pub async fn made(&self, path: &str, body: &Value) -> String {
        self.made_by(&self.token(CustomerId::new(), Role::Admin), path, body).await
    }

    async fn made_by(&self, token: &str, path: &str, body: &Value) -> String {
        let made = self.request("POST", path).bearer_auth(token).json(body).send().await.unwrap();
        made.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// The two API keys of a row: with what it needs, and without.
    async fn keys(&self, row: &Row) -> (String, String) {
        match row.scope {
            None => (self.every_scope.clone(), self.unrelated_scope.clone()),
            Some(scope) => {
                let others = Scope::ALL.into_iter().filter(|other| *other != scope).collect();
                (self.api_key([scope].into()).await, self.api_key(others).await)
            }
        }
    }

    async fn answer(&self, row: &Row, scene: &Scene, path: &str, bearer: Option<&str>) -> (u16, Value) {
        let mut request = self.request(row.method, path);
        if let Some(bearer) = bearer {
            request = request.bearer_auth(bearer);
        }
        if let Some(body) = (row.body)(scene) {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let (status, bytes) = (answer.status().as_u16(), answer.bytes().await.unwrap());
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// The statuses of one row, and that someone else's things are told apart from none by nobody.
    async fn walk(&self, row: &Row) -> [u16; 7] {
        let mut statuses = [0; 7];
        let described = Described::read();
        let (with, without) = self.keys(row).await;
        for (index, status) in statuses.iter_mut().enumerate() {
            let scene = self.scene(row).await;
            let bearer = match CALLERS[index] {
                "nobody" => None,
                "own" => Some(self.token(scene.owner, Role::Customer)),
                "foreign" => Some(self.token(scene.stranger, Role::Customer)),
                "staff" => Some(self.token(self.staff, Role::Staff)),
                "admin" => Some(self.token(self.colleague, Role::Admin)),
                "key with" => Some(with.clone()),
                _ => Some(without.clone()),
            };
            let (answered, body) = self.answer(row, &scene, &scene.path(row), bearer.as_deref()).await;
            *status = answered;
            described.check(row, answered, &body);
            if CALLERS[index] == "foreign" && answered == 404 {
                let nowhere = scene.path_of_nobody(row);
                let (status, other) = self.answer(row, &scene, &nowhere, bearer.as_deref()).await;
                let told = |body: &Value| (body["code"].clone(), body["detail"].clone());
                assert_eq!((status, told(&other)), (404, told(&body)), "{} {}", row.method, row.path);
            }
        }
        statuses
    }
}

impl Scene {
    pub fn path(&self, row: &Row) -> String {
        filled(row.path, &self.ids)
    }

    fn path_of_nobody(&self, row: &Row) -> String {
        let nobodys: Vec<String> = self.ids.iter().map(|_| OrderId::new().to_string()).collect();
        filled(row.path, &nobodys)
    }
}

fn filled(pattern: &str, ids: &[String]) -> String {
    let mut ids = ids.iter();
    let fill = |segment: &str| match segment.starts_with('{') {
        true => ids.next().unwrap().clone(),
        false => segment.to_owned(),
    };
    pattern.split('/').map(fill).collect::<Vec<_>>().join("/")
}

#[test]
fn every_route_of_the_gateway_has_its_row_and_no_row_is_of_another_route() {
    let routes: BTreeSet<(&str, &str)> = gateway::routes::ROUTES
        .iter()
        .flat_map(|route| route.methods.iter().map(|method| (*method, route.pattern)))
        .collect();
    let rows: BTreeSet<(&str, &str)> = ROWS.iter().map(|row| (row.method, row.path)).collect();
    assert_eq!(rows.len(), ROWS.len(), "a route has two rows");
    let without_row: Vec<_> = routes.difference(&rows).collect();
    assert!(without_row.is_empty(), "routes without a row in the table: {without_row:?}");
    let without_route: Vec<_> = rows.difference(&routes).collect();
    assert!(without_route.is_empty(), "rows without a route: {without_route:?}");
}

#[tokio::test]
async fn every_route_answers_every_caller_as_the_table_says() {
    let world = World::start().await;
    let mut printed = Table::new();
    printed.load_style(presets::ASCII_MARKDOWN);
    printed.set_header(["method", "route", "scope"].into_iter().chain(CALLERS));
    let mut wrong = Vec::new();
    for row in ROWS {
        let statuses = world.walk(row).await;
        let scope = row.scope.map_or("-", Scope::as_str);
        let cells = statuses.iter().zip(row.expected).map(|(status, expected)| {
            if *status == expected { status.to_string() } else { format!("{status}, not {expected}") }
        });
        printed.add_row([row.method, row.path, scope].map(str::to_owned).into_iter().chain(cells));
        if statuses != row.expected {
            wrong.push(format!("{} {}: {statuses:?}, not {:?}", row.method, row.path, row.expected));
        }
    }
    println!("{printed}\n{} routes, {} answers", ROWS.len(), ROWS.len() * CALLERS.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
    world.system.stop().await;
}
