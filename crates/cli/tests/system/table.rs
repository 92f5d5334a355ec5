//! Who may do what: one row for each public route. A route without a row fails the build, so does a row without a route.

use crate::access::{PASSWORD, Scene};
use common::ids::{CustomerId, ProductId};
use common::models::auth::Scope;
use serde_json::{Value, json};

/// Who calls, in the order of [`Row::expected`]: nobody; the customer whose things the route is about; another customer;
/// staff; an administrator; an API key with the row's scope alone (where the row has none: with every scope); an API key
/// with every scope but that (where the row has none: with one that has nothing to do with it).
pub const CALLERS: [&str; 7] = ["nobody", "own", "foreign", "staff", "admin", "key with", "key without"];

/// What a parameter of a path names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Object {
    Customer,
    Session,
    Address,
    ApiKey,
    Product,
    Category,
    Location,
    Hold,
    Order,
    HeldOrder,
    ShippedOrder,
    DeliveredOrder,
    /// Of the order before it, as is a return.
    Fulfillment,
    Return,
    ApprovedReturn,
    Webhook,
    /// Of the webhook before it.
    Delivery,
}

pub struct Row {
    pub method: &'static str,
    /// As it stands in the gateway's table.
    pub path: &'static str,
    /// What a machine needs for it; staff and administrators hold it by their role.
    pub scope: Option<Scope>,
    /// What the path's parameters name, in their order.
    pub objects: &'static [Object],
    /// Whether the owner must be able to log in.
    pub needs_password: bool,
    pub needs_product: bool,
    pub body: fn(&Scene) -> Option<Value>,
    /// The status that each of [`CALLERS`] is answered.
    pub expected: [u16; 7],
}

const fn row(method: &'static str, path: &'static str, scope: Option<Scope>, expected: [u16; 7]) -> Row {
    Row {
        method,
        path,
        scope,
        objects: &[],
        needs_password: false,
        needs_product: false,
        body: |_| None,
        expected,
    }
}

/// Open to everyone: whoever bears something is answered like nobody.
const fn open(status: u16) -> [u16; 7] {
    [status; 7]
}

/// A customer's own, and staff's by their scope; someone else's does not exist.
const fn owned(status: u16) -> [u16; 7] {
    [401, status, 404, status, status, status, 403]
}

/// For staff, by their scope.
const fn staff(status: u16) -> [u16; 7] {
    [401, 403, 403, status, status, status, 403]
}

/// For administrators in person.
const fn admin(status: u16) -> [u16; 7] {
    [401, 403, 403, 403, status, 403, 403]
}

use Object::{
    Address, ApiKey, ApprovedReturn, Category, Customer, DeliveredOrder, Delivery, Fulfillment, HeldOrder,
    Hold, Location, Order, Product, Return, Session, ShippedOrder, Webhook,
};
use Scope::{
    AuditRead, CustomersRead, CustomersWrite, EventsRead, OrdersRead, OrdersWrite, ProductsRead,
    ProductsWrite, StockRead, StockWrite,
};

pub const ROWS: &[Row] = &[
    Row { needs_password: true, body: credentials, ..row("POST", "/auth/login", None, open(200)) },
    Row { body: refresh_token, ..row("POST", "/auth/refresh", None, open(401)) },
    Row { body: refresh_token, ..row("POST", "/auth/logout", None, open(204)) },
    row("POST", "/auth/verification", None, [401, 202, 202, 202, 202, 403, 403]),
    Row { body: token, ..row("POST", "/auth/verification/confirm", None, open(422)) },
    Row { body: email, ..row("POST", "/auth/password-reset", None, open(202)) },
    Row { body: acceptance, ..row("POST", "/auth/password-reset/confirm", None, open(422)) },
    row("GET", "/.well-known/jwks.json", None, open(200)),
    row("GET", "/customers", Some(CustomersRead), staff(200)),
    Row { body: registration, ..row("POST", "/customers", Some(CustomersWrite), open(201)) },
    row("GET", "/customers/export", Some(CustomersRead), staff(200)),
    Row { objects: &[Customer], ..row("GET", "/customers/{id}", Some(CustomersRead), owned(200)) },
    Row {
        objects: &[Customer],
        body: new_name,
        ..row("PATCH", "/customers/{id}", Some(CustomersWrite), owned(200))
    },
    Row {
        objects: &[Customer],
        needs_password: true,
        body: new_password,
        // Staff send a link; nobody else chooses the password.
        ..row("POST", "/customers/{id}/password", None, [401, 204, 404, 404, 404, 403, 403])
    },
    Row {
        objects: &[Customer],
        ..row("POST", "/customers/{id}/deactivate", Some(CustomersWrite), staff(200))
    },
    Row {
        objects: &[Customer],
        ..row("POST", "/customers/{id}/reactivate", Some(CustomersWrite), staff(200))
    },
    Row { objects: &[Customer], ..row("GET", "/customers/{id}/addresses", Some(CustomersRead), owned(200)) },
    Row {
        objects: &[Customer],
        body: |_| Some(address()),
        ..row("POST", "/customers/{id}/addresses", Some(CustomersWrite), owned(201))
    },
    Row {
        objects: &[Customer, Address],
        body: |_| Some(json!({ "city": "Paris" })),
        ..row("PATCH", "/customers/{id}/addresses/{addressId}", Some(CustomersWrite), owned(200))
    },
    Row {
        objects: &[Customer, Address],
        ..row("DELETE", "/customers/{id}/addresses/{addressId}", Some(CustomersWrite), owned(204))
    },
    Row { objects: &[Customer], ..row("GET", "/customers/{id}/export", Some(CustomersRead), owned(200)) },
    Row {
        objects: &[Customer],
        needs_password: true,
        body: current_password,
        // One's own, or by an administrator in person.
        ..row("POST", "/customers/{id}/erase", None, [401, 204, 404, 403, 204, 403, 403])
    },
    row("GET", "/events", Some(EventsRead), staff(200)),
    row("GET", "/audit-events", Some(AuditRead), [401, 403, 403, 403, 200, 200, 403]),
    Row { objects: &[Customer], ..row("GET", "/customers/{id}/sessions", Some(CustomersRead), owned(200)) },
    Row {
        objects: &[Customer],
        ..row("DELETE", "/customers/{id}/sessions", Some(CustomersWrite), owned(204))
    },
    Row {
        objects: &[Customer, Session],
        ..row("DELETE", "/customers/{id}/sessions/{sessionId}", Some(CustomersWrite), owned(204))
    },
    Row { objects: &[Customer], body: role, ..row("PUT", "/customers/{id}/role", None, admin(200)) },
    Row { body: invitation, ..row("POST", "/staff-invitations", None, admin(201)) },
    Row { body: acceptance, ..row("POST", "/staff-invitations/accept", None, open(422)) },
    row("GET", "/api-keys", None, admin(200)),
    Row { body: api_key, ..row("POST", "/api-keys", None, admin(201)) },
    Row { objects: &[ApiKey], ..row("GET", "/api-keys/{id}", None, admin(200)) },
    Row { objects: &[ApiKey], ..row("DELETE", "/api-keys/{id}", None, admin(204)) },
    Row { objects: &[Customer], ..row("GET", "/customers/{id}/orders", Some(OrdersRead), owned(200)) },
    row("GET", "/categories", None, open(200)),
    Row { body: category, ..row("POST", "/categories", Some(ProductsWrite), staff(201)) },
    Row { objects: &[Category], ..row("GET", "/categories/{id}", None, open(200)) },
    Row {
        objects: &[Category],
        body: new_name,
        ..row("PATCH", "/categories/{id}", Some(ProductsWrite), staff(200))
    },
    Row { objects: &[Category], ..row("DELETE", "/categories/{id}", Some(ProductsWrite), staff(204)) },
    row("GET", "/products/facets", None, open(200)),
    row("GET", "/products", None, open(200)),
    Row { body: product, ..row("POST", "/products", Some(ProductsWrite), staff(201)) },
    // Without a body that says what it is nothing is read.
    row("POST", "/products/import", Some(ProductsWrite), staff(415)),
    row("POST", "/stock/import", Some(StockWrite), staff(415)),
    // A file is asked for by its format.
    row("GET", "/products/export", Some(ProductsRead), staff(200)),
    row("GET", "/stock/export", Some(StockRead), staff(200)),
    Row { objects: &[Product], ..row("GET", "/products/{id}", None, open(200)) },
    Row {
        objects: &[Product],
        body: new_name,
        ..row("PATCH", "/products/{id}", Some(ProductsWrite), staff(200))
    },
    Row { objects: &[Product], ..row("GET", "/products/{id}/inventory", Some(StockRead), staff(200)) },
    Row {
        objects: &[Product],
        body: quantity,
        ..row("PUT", "/products/{id}/inventory", Some(StockWrite), staff(200))
    },
    Row {
        objects: &[Product],
        body: adjustment,
        ..row("POST", "/products/{id}/inventory/adjustments", Some(StockWrite), staff(201))
    },
    Row {
        objects: &[Product],
        body: |_| Some(json!({ "incoming": 5 })),
        ..row("PATCH", "/products/{id}/inventory", Some(StockWrite), staff(200))
    },
    Row {
        objects: &[Product],
        body: quantity,
        ..row("POST", "/products/{id}/inventory/receipts", Some(StockWrite), staff(201))
    },
    Row {
        objects: &[Product],
        // There is no such place.
        body: |_| Some(json!({ "from": "main", "to": "nowhere", "quantity": 1 })),
        ..row("POST", "/products/{id}/inventory/transfers", Some(StockWrite), staff(422))
    },
    Row {
        objects: &[Product],
        ..row("GET", "/products/{id}/inventory/movements", Some(StockRead), staff(200))
    },
    Row {
        objects: &[Product],
        ..row("GET", "/products/{id}/inventory/explain", Some(StockRead), staff(200))
    },
    row("GET", "/stock/low", Some(StockRead), staff(200)),
    row("GET", "/locations", Some(StockRead), staff(200)),
    Row { body: |_| Some(new_location()), ..row("POST", "/locations", Some(StockWrite), staff(201)) },
    Row { objects: &[Location], ..row("GET", "/locations/{id}", Some(StockRead), staff(200)) },
    Row {
        objects: &[Location],
        body: new_name,
        ..row("PATCH", "/locations/{id}", Some(StockWrite), staff(200))
    },
    Row {
        needs_product: true,
        body: |scene| Some(hold_of(scene.product.unwrap())),
        ..row("POST", "/reservations", Some(OrdersWrite), [401, 201, 201, 201, 201, 201, 403])
    },
    Row { objects: &[Hold], ..row("GET", "/reservations/{id}", Some(OrdersRead), owned(200)) },
    Row {
        objects: &[Hold],
        body: |_| Some(json!({ "ttlSeconds": 600 })),
        ..row("POST", "/reservations/{id}/extend", Some(OrdersWrite), owned(200))
    },
    Row { objects: &[Hold], ..row("DELETE", "/reservations/{id}", Some(OrdersWrite), owned(200)) },
    row("GET", "/orders", Some(OrdersRead), staff(200)),
    Row {
        needs_product: true,
        body: order,
        // An order for someone else is not hidden: whoever sends it has named them.
        ..row("POST", "/orders", Some(OrdersWrite), [401, 201, 403, 201, 201, 201, 403])
    },
    row("POST", "/orders/import", Some(OrdersWrite), staff(415)),
    row("GET", "/orders/export", Some(OrdersRead), staff(200)),
    Row { objects: &[Order], ..row("GET", "/orders/{id}", Some(OrdersRead), owned(200)) },
    Row { objects: &[Order], ..row("POST", "/orders/{id}/cancel", Some(OrdersWrite), owned(200)) },
    Row { objects: &[Order], body: edit, ..row("POST", "/orders/{id}/edits", Some(OrdersWrite), staff(200)) },
    Row { objects: &[Order], ..row("POST", "/orders/{id}/fulfillments", Some(OrdersWrite), staff(201)) },
    Row {
        objects: &[ShippedOrder, Fulfillment],
        ..row("GET", "/orders/{id}/fulfillments/{fulfillmentId}", Some(OrdersRead), owned(200))
    },
    Row {
        objects: &[ShippedOrder, Fulfillment],
        ..row("POST", "/orders/{id}/fulfillments/{fulfillmentId}/deliver", Some(OrdersWrite), staff(200))
    },
    Row {
        objects: &[DeliveredOrder],
        body: send_back,
        ..row("POST", "/orders/{id}/returns", Some(OrdersWrite), owned(201))
    },
    Row {
        objects: &[DeliveredOrder, Return],
        ..row("GET", "/orders/{id}/returns/{returnId}", Some(OrdersRead), owned(200))
    },
    Row {
        objects: &[DeliveredOrder, Return],
        ..row("POST", "/orders/{id}/returns/{returnId}/approve", Some(OrdersWrite), staff(200))
    },
    Row {
        objects: &[DeliveredOrder, Return],
        ..row("POST", "/orders/{id}/returns/{returnId}/decline", Some(OrdersWrite), staff(200))
    },
    Row {
        objects: &[DeliveredOrder, ApprovedReturn],
        body: receive,
        ..row("POST", "/orders/{id}/returns/{returnId}/receive", Some(OrdersWrite), staff(200))
    },
    Row { objects: &[Order], ..row("POST", "/orders/{id}/hold", Some(OrdersWrite), staff(200)) },
    Row { objects: &[HeldOrder], ..row("POST", "/orders/{id}/release", Some(OrdersWrite), staff(200)) },
    Row {
        objects: &[Order],
        body: |_| Some(json!({ "text": "a note" })),
        ..row("POST", "/orders/{id}/notes", Some(OrdersWrite), staff(200))
    },
    Row {
        objects: &[Order],
        body: |_| Some(json!({ "add": ["a tag"] })),
        ..row("POST", "/orders/{id}/tags", Some(OrdersWrite), staff(200))
    },
    Row { objects: &[Order], ..row("GET", "/orders/{id}/history", Some(OrdersRead), owned(200)) },
    Row { objects: &[Order], ..row("GET", "/orders/{id}/why", Some(OrdersRead), owned(200)) },
    row("GET", "/webhooks", None, admin(200)),
    Row { body: |_| Some(new_webhook()), ..row("POST", "/webhooks", None, admin(201)) },
    Row { objects: &[Webhook], ..row("GET", "/webhooks/{id}", None, admin(200)) },
    Row {
        objects: &[Webhook],
        body: |_| Some(json!({ "description": "another" })),
        ..row("PATCH", "/webhooks/{id}", None, admin(200))
    },
    Row { objects: &[Webhook], ..row("DELETE", "/webhooks/{id}", None, admin(204)) },
    Row { objects: &[Webhook], ..row("POST", "/webhooks/{id}/rotate-secret", None, admin(200)) },
    Row { objects: &[Webhook], ..row("POST", "/webhooks/{id}/pause", None, admin(200)) },
    Row { objects: &[Webhook], ..row("POST", "/webhooks/{id}/resume", None, admin(200)) },
    Row {
        objects: &[Webhook],
        body: |_| Some(json!({ "dead": true })),
        ..row("POST", "/webhooks/{id}/replay", None, admin(202))
    },
    Row { objects: &[Webhook], ..row("POST", "/webhooks/{id}/test", None, admin(202)) },
    Row { objects: &[Webhook], ..row("GET", "/webhooks/{id}/deliveries", None, admin(200)) },
    Row {
        objects: &[Webhook, Delivery],
        ..row("GET", "/webhooks/{id}/deliveries/{deliveryId}", None, admin(200))
    },
    row("GET", "/healthz", None, open(200)),
    row("GET", "/openapi.json", None, open(200)),
    row("GET", "/docs", None, open(200)),
    row("GET", "/docs/explorer.js", None, open(200)),
    row("GET", "/docs/explorer.css", None, open(200)),
];

/// A postal address.
pub fn address() -> Value {
    json!({ "recipient": "Ada Lovelace", "lines": ["1 Street"], "city": "London", "country": "GB" })
}

fn fresh_email() -> String {
    format!("{}@example.com", CustomerId::new())
}

fn credentials(scene: &Scene) -> Option<Value> {
    Some(json!({ "email": scene.email, "password": PASSWORD }))
}

fn token(_: &Scene) -> Option<Value> {
    Some(json!({ "token": "of nobody" }))
}

fn email(scene: &Scene) -> Option<Value> {
    Some(json!({ "email": scene.email }))
}

fn new_password(_: &Scene) -> Option<Value> {
    Some(json!({ "currentPassword": PASSWORD, "newPassword": "battery staple horse" }))
}

fn current_password(_: &Scene) -> Option<Value> {
    Some(json!({ "currentPassword": PASSWORD }))
}

fn refresh_token(_: &Scene) -> Option<Value> {
    Some(json!({ "refreshToken": "of nobody" }))
}

fn registration(_: &Scene) -> Option<Value> {
    Some(json!({ "email": fresh_email(), "password": PASSWORD, "name": "New" }))
}

fn new_name(_: &Scene) -> Option<Value> {
    Some(json!({ "name": "Changed" }))
}

fn role(_: &Scene) -> Option<Value> {
    Some(json!({ "role": "staff" }))
}

fn invitation(_: &Scene) -> Option<Value> {
    Some(json!({ "email": fresh_email(), "name": "New", "role": "staff" }))
}

fn acceptance(_: &Scene) -> Option<Value> {
    Some(json!({ "token": "of nobody", "password": PASSWORD }))
}

fn api_key(_: &Scene) -> Option<Value> {
    Some(json!({ "name": "a machine", "scopes": ["orders:read"] }))
}

fn product(_: &Scene) -> Option<Value> {
    Some(json!({ "sku": format!("SKU-{}", ProductId::new()), "name": "A thing", "price": 1 }))
}

fn category(_: &Scene) -> Option<Value> {
    Some(new_category())
}

/// A category that is not there yet.
pub fn new_category() -> Value {
    json!({ "path": format!("c{}", ProductId::new()), "name": "Things" })
}

/// A location that is not there yet.
pub fn new_location() -> Value {
    let id = ProductId::new().to_string();
    json!({ "id": format!("l{}", id.rsplit('-').next().unwrap()), "name": "Another place", "priority": 9 })
}

/// A webhook to a public address, to which nothing is sent here.
pub fn new_webhook() -> Value {
    json!({ "url": "https://1.1.1.1/hooks", "types": ["stock.transferred"] })
}

/// One unit, for a while.
pub fn hold_of(product: ProductId) -> Value {
    json!({ "lines": [{ "productId": product, "quantity": 1 }], "ttlSeconds": 300 })
}

fn quantity(_: &Scene) -> Option<Value> {
    Some(json!({ "quantity": 7 }))
}

fn adjustment(_: &Scene) -> Option<Value> {
    Some(json!({ "delta": 1, "reason": "found" }))
}

fn order(scene: &Scene) -> Option<Value> {
    Some(json!({ "customerId": scene.owner, "productId": scene.product, "quantity": 1 }))
}

fn edit(scene: &Scene) -> Option<Value> {
    Some(json!({ "lines": [{ "productId": scene.product, "quantity": 2 }] }))
}

fn send_back(scene: &Scene) -> Option<Value> {
    Some(json!({ "lines": [{ "productId": scene.product, "quantity": 1 }] }))
}

fn receive(scene: &Scene) -> Option<Value> {
    Some(json!({ "lines": [{ "productId": scene.product, "restock": 1 }] }))
}
