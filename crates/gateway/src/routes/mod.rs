//! The public URL table: what does not stand here does not exist outside.

pub mod about;
pub mod caller;
pub mod compression;
pub mod cors;
pub mod dispatch;
pub mod documents;
pub mod headers;
pub mod health;
pub mod proxy;
pub mod stream;
pub mod target;
mod unread;
pub mod verdicts;

use actix_web::web::{self, ServiceConfig};
use documents::Document;

/// A service behind the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Order,
    Customer,
    Product,
}

impl Service {
    pub const ALL: [Self; 3] = [Self::Order, Self::Customer, Self::Product];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Order => "order-service",
            Self::Customer => "customer-service",
            Self::Product => "product-service",
        }
    }
}

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    To(Service),
    /// The gateway itself: is the shop open?
    Health,
    /// The gateway itself: a document of its binary.
    Document(Document),
}

/// One path of the shop.
#[derive(Debug)]
pub struct Route {
    /// Segments in braces stand for any one segment.
    pub pattern: &'static str,
    /// HEAD goes where GET does.
    pub methods: &'static [&'static str],
    pub destination: Destination,
    /// Bytes of a body.
    pub body_limit: usize,
    /// Whether bodies pass through as they come, both ways: a file takes as long as it is.
    pub streams: bool,
}

use Service::{Customer, Order, Product};

/// Bytes of a body in which 2,000 lines fit.
const LINES: usize = 256 * 1024;

pub const ROUTES: &[Route] = &[
    route("/auth/login", &["POST"], Customer),
    route("/auth/refresh", &["POST"], Customer),
    route("/auth/logout", &["POST"], Customer),
    route("/.well-known/jwks.json", &["GET"], Customer),
    route("/customers", &["GET", "POST"], Customer),
    file("/customers/export", &["GET"], Customer),
    route("/customers/{id}", &["GET", "PATCH"], Customer),
    route("/customers/{id}/password", &["POST"], Customer),
    route("/customers/{id}/deactivate", &["POST"], Customer),
    route("/customers/{id}/reactivate", &["POST"], Customer),
    route("/customers/{id}/addresses", &["GET", "POST"], Customer),
    route("/customers/{id}/addresses/{addressId}", &["PATCH", "DELETE"], Customer),
    route("/customers/{id}/export", &["GET"], Customer),
    route("/customers/{id}/erase", &["POST"], Customer),
    route("/auth/verification", &["POST"], Customer),
    route("/auth/verification/confirm", &["POST"], Customer),
    route("/auth/password-reset", &["POST"], Customer),
    route("/auth/password-reset/confirm", &["POST"], Customer),
    route("/audit-events", &["GET"], Customer),
    route("/customers/{id}/sessions", &["GET", "DELETE"], Customer),
    route("/customers/{id}/sessions/{sessionId}", &["DELETE"], Customer),
    route("/customers/{id}/role", &["PUT"], Customer),
    route("/staff-invitations", &["POST"], Customer),
    route("/staff-invitations/accept", &["POST"], Customer),
    route("/api-keys", &["GET", "POST"], Customer),
    route("/api-keys/{id}", &["GET", "DELETE"], Customer),
    route("/customers/{id}/orders", &["GET"], Order),
    route("/categories", &["GET", "POST"], Product),
    route("/categories/{id}", &["GET", "PATCH", "DELETE"], Product),
    route("/products", &["GET", "POST"], Product),
    route("/products/facets", &["GET"], Product),
    file("/products/import", &["POST"], Product),
    file("/products/export", &["GET"], Product),
    file("/stock/import", &["POST"], Product),
    file("/stock/export", &["GET"], Product),
    route("/products/{id}", &["GET", "PATCH"], Product),
    route("/products/{id}/inventory", &["GET", "PUT", "PATCH"], Product),
    route("/products/{id}/inventory/adjustments", &["POST"], Product),
    route("/products/{id}/inventory/receipts", &["POST"], Product),
    route("/products/{id}/inventory/transfers", &["POST"], Product),
    route("/products/{id}/inventory/movements", &["GET"], Product),
    route("/products/{id}/inventory/explain", &["GET"], Product),
    route("/stock/low", &["GET"], Product),
    route("/locations", &["GET", "POST"], Product),
    route("/locations/{id}", &["GET", "PATCH"], Product),
    route("/reservations", &["POST"], Product),
    route("/reservations/{id}", &["GET", "DELETE"], Product),
    route("/reservations/{id}/extend", &["POST"], Product),
    Route { body_limit: LINES, ..route("/orders", &["GET", "POST"], Order) },
    file("/orders/import", &["POST"], Order),
    file("/orders/export", &["GET"], Order),
    route("/orders/{id}", &["GET"], Order),
    Route { body_limit: LINES, ..route("/orders/{id}/cancel", &["POST"], Order) },
    Route { body_limit: LINES, ..route("/orders/{id}/edits", &["POST"], Order) },
    Route { body_limit: LINES, ..route("/orders/{id}/fulfillments", &["POST"], Order) },
    route("/orders/{id}/fulfillments/{fulfillmentId}", &["GET"], Order),
    route("/orders/{id}/fulfillments/{fulfillmentId}/deliver", &["POST"], Order),
    Route { body_limit: LINES, ..route("/orders/{id}/returns", &["POST"], Order) },
    route("/orders/{id}/returns/{returnId}", &["GET"], Order),
    route("/orders/{id}/returns/{returnId}/approve", &["POST"], Order),
    route("/orders/{id}/returns/{returnId}/decline", &["POST"], Order),
    Route { body_limit: LINES, ..route("/orders/{id}/returns/{returnId}/receive", &["POST"], Order) },
    route("/orders/{id}/hold", &["POST"], Order),
    route("/orders/{id}/release", &["POST"], Order),
    route("/orders/{id}/notes", &["POST"], Order),
    route("/orders/{id}/tags", &["POST"], Order),
    route("/orders/{id}/history", &["GET"], Order),
    route("/orders/{id}/why", &["GET"], Order),
    // In pages, or as a stream for as long as the service holds it open.
    Route { streams: true, ..route("/events", &["GET"], Order) },
    route("/webhooks", &["GET", "POST"], Order),
    route("/webhooks/{id}", &["GET", "PATCH", "DELETE"], Order),
    route("/webhooks/{id}/rotate-secret", &["POST"], Order),
    route("/webhooks/{id}/pause", &["POST"], Order),
    route("/webhooks/{id}/resume", &["POST"], Order),
    route("/webhooks/{id}/replay", &["POST"], Order),
    route("/webhooks/{id}/test", &["POST"], Order),
    route("/webhooks/{id}/deliveries", &["GET"], Order),
    route("/webhooks/{id}/deliveries/{deliveryId}", &["GET"], Order),
    own("/healthz", Destination::Health),
    own("/openapi.json", Destination::Document(Document::Description)),
    own("/docs", Destination::Document(Document::Page)),
    own("/docs/explorer.js", Destination::Document(Document::Script)),
    own("/docs/explorer.css", Destination::Document(Document::Style)),
];

const fn route(pattern: &'static str, methods: &'static [&'static str], service: Service) -> Route {
    Route { pattern, methods, destination: Destination::To(service), body_limit: 64 * 1024, streams: false }
}

const fn own(pattern: &'static str, destination: Destination) -> Route {
    Route { pattern, methods: &["GET"], destination, body_limit: 0, streams: false }
}

const fn file(pattern: &'static str, methods: &'static [&'static str], service: Service) -> Route {
    Route { streams: true, body_limit: 1024 * 1024 * 1024, ..route(pattern, methods, service) }
}

/// Everything goes to [`dispatch`]: actix's own router matches decoded paths, and nothing here may depend on one.
pub fn public(config: &mut ServiceConfig) {
    config.default_service(web::to(dispatch::dispatch));
}

impl Route {
    /// The route of a path that [`target::check`] let through.
    pub fn find(path: &str) -> Option<&'static Self> {
        ROUTES.iter().find(|route| route.matches(path))
    }

    fn matches(&self, path: &str) -> bool {
        let mut segments = path.split('/');
        let fits = self.pattern.split('/').all(|expected| match segments.next() {
            Some(segment) if expected.starts_with('{') => !segment.is_empty(),
            Some(segment) => segment == expected,
            None => false,
        });
        fits && segments.next().is_none()
    }

    pub fn answers(&self, method: &str) -> bool {
        self.methods.contains(&if method == "HEAD" { "GET" } else { method })
    }

    /// The value of `Allow`.
    pub fn allow(&self) -> String {
        let head = self.methods.contains(&"GET").then_some("HEAD");
        head.iter().chain(self.methods).copied().collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_belongs_to_one_route_or_to_none() {
        let pattern = |path| Route::find(path).map(|route| route.pattern);
        assert_eq!(pattern("/orders"), Some("/orders"));
        assert_eq!(pattern("/orders/1"), Some("/orders/{id}"));
        assert_eq!(pattern("/orders/export"), Some("/orders/export"));
        assert_eq!(pattern("/customers/export"), Some("/customers/export"));
        assert_eq!(pattern("/orders/1/cancel"), Some("/orders/{id}/cancel"));
        for path in [
            "",
            "/",
            "/orders/",
            "/Orders",
            "/orders/1/",
            "/orders/1/2",
            "/internal",
            "/health/live",
            "orders",
        ] {
            assert_eq!(pattern(path), None, "{path}");
        }
    }
}
