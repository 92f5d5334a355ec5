//! Routes whose other methods answer 405 with `Allow` instead of 404, and which say what they are.

use crate::api::about::About;
use crate::api::described::{Described, Input};
use crate::api::document::Operation;
use crate::error::{ApiError, Kind};
use actix_web::dev::{AppService, HttpServiceFactory};
use actix_web::http::Method;
use actix_web::{FromRequest, Handler, HttpRequest, Resource, Responder, Route, guard, web};
use std::any::type_name;

/// One public path and the methods it answers, each with what the description says of it. Only an [`Endpoint::list`], an
/// [`Endpoint::upload`] and an [`Endpoint::post_with_query`] take a query; everywhere else a parameter is refused by its
/// name, before the handler runs: what a client asks for by one must not be silently left out.
pub struct Endpoint {
    path: &'static str,
    methods: Methods,
    operations: Vec<Operation>,
}

/// One path that only our own side calls.
pub struct InternalEndpoint(Methods);

/// Starts the list of methods of a public path.
pub fn endpoint(path: &'static str) -> Endpoint {
    Endpoint { path, methods: Methods::new(path), operations: Vec::new() }
}

/// Starts the list of methods of a path that only our own side calls.
pub fn internal_endpoint(path: &str) -> InternalEndpoint {
    InternalEndpoint(Methods::new(path))
}

macro_rules! methods {
    ($($name:ident => $method:ident, $takes_query:literal;)*) => {
        impl Endpoint { $(
            #[must_use]
            pub fn $name<F, Args>(mut self, handler: F, about: fn() -> About) -> Self
            where
                F: Handler<Args>,
                Args: FromRequest + Described + 'static,
                F::Output: Responder + 'static,
            {
                self.operations.push(Operation {
                    method: stringify!($method),
                    path: self.path.to_owned(),
                    handler: type_name::<F>(),
                    input: |input: &mut Input| Args::describe(input),
                    about,
                });
                Self { methods: self.methods.route(Method::$method, $takes_query, handler), ..self }
            }
        )* }
        impl InternalEndpoint { $(
            #[must_use]
            pub fn $name<F, Args>(self, handler: F) -> Self
            where
                F: Handler<Args>,
                Args: FromRequest + 'static,
                F::Output: Responder + 'static,
            {
                Self(self.0.route(Method::$method, $takes_query, handler))
            }
        )* }
    };
}

methods! {
    get => GET, false;
    list => GET, true;
    post => POST, false;
    post_with_query => POST, true;
    upload => POST, true;
    put => PUT, false;
    patch => PATCH, false;
    delete => DELETE, false;
}

impl Endpoint {
    /// What the description says of it.
    pub fn operations(self) -> Vec<Operation> {
        self.operations
    }
}

/// A path and what it answers.
struct Methods {
    resource: Resource,
    allowed: Vec<Method>,
}

impl Methods {
    fn new(path: &str) -> Self {
        Self { resource: web::resource(path), allowed: Vec::new() }
    }

    fn route<F, Args>(mut self, method: Method, takes_query: bool, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let route = if takes_query { web::route() } else { bare() };
        let route = if method == Method::GET {
            self.allowed.push(Method::HEAD);
            route.guard(guard::Any(guard::Get()).or(guard::Head()))
        } else {
            route.method(method.clone())
        };
        self.allowed.push(method);
        self.resource = self.resource.route(route.to(handler));
        self
    }
}

/// Without a query.
fn bare() -> Route {
    web::route().guard(guard::fn_guard(|context| query(context.head().uri.query()).is_none()))
}

/// The query where there is something in it.
fn query(query: Option<&str>) -> Option<&str> {
    query.filter(|query| !query.is_empty())
}

impl HttpServiceFactory for Methods {
    fn register(self, config: &mut AppService) {
        let allowed = self.allowed;
        let refuse = move |request: HttpRequest| {
            let refusal = match query(request.uri().query()).filter(|_| allowed.contains(request.method())) {
                Some(query) => unknown_parameter(query),
                None => method_not_allowed(allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ")),
            };
            async move { Err::<String, _>(refusal) }
        };
        self.resource.default_service(web::to(refuse)).register(config);
    }
}

impl HttpServiceFactory for Endpoint {
    fn register(self, config: &mut AppService) {
        self.methods.register(config);
    }
}

impl HttpServiceFactory for InternalEndpoint {
    fn register(self, config: &mut AppService) {
        self.0.register(config);
    }
}

/// 422 that names the first parameter of a query where none is taken.
pub fn unknown_parameter(query: &str) -> ApiError {
    let name = query.split(['&', '=']).find(|name| !name.is_empty()).unwrap_or_default();
    ApiError::invalid_field(format!("query:{name}"), "unknown_field", "this path takes no query parameters")
}

/// 405 with the methods that the path answers.
pub fn method_not_allowed(allowed: String) -> ApiError {
    ApiError::new(Kind::MethodNotAllowed, format!("This path answers {allowed}.")).allow(allowed)
}

/// For every path that is nobody's.
pub async fn no_such_path() -> ApiError {
    ApiError::new(Kind::NotFound, "There is nothing at this path.").code("no_such_path")
}
