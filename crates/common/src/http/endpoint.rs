//! Routes whose other methods answer 405 with `Allow` instead of 404.

use crate::error::{ApiError, Kind};
use actix_web::dev::{AppService, HttpServiceFactory};
use actix_web::http::Method;
use actix_web::{FromRequest, Handler, HttpRequest, Resource, Responder, Route, guard, web};

/// One path and the methods it answers. Only [`Endpoint::list`], [`Endpoint::upload`] and [`Endpoint::post_with_query`]
/// take a query; everywhere else a parameter is refused by its name, before the handler runs: what a client asks for by
/// one must not be silently left out.
pub struct Endpoint {
    resource: Resource,
    allowed: Vec<Method>,
}

/// Starts the list of methods of a path.
pub fn endpoint(path: &str) -> Endpoint {
    Endpoint { resource: web::resource(path), allowed: Vec::new() }
}

macro_rules! methods {
    ($($name:ident => $method:ident),*) => {
        impl Endpoint {
            $(
                #[must_use]
                pub fn $name<F, Args>(self, handler: F) -> Self
                where
                    F: Handler<Args>,
                    Args: FromRequest + 'static,
                    F::Output: Responder + 'static,
                {
                    self.on(Method::$method, handler)
                }
            )*
        }
    };
}

methods!(get => GET, post => POST, put => PUT, patch => PATCH, delete => DELETE);

impl Endpoint {
    /// GET with parameters in the query.
    #[must_use]
    pub fn list<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.route(Method::GET, web::route(), handler)
    }

    /// POST of a file, with parameters in the query.
    #[must_use]
    pub fn upload<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.route(Method::POST, web::route(), handler)
    }

    /// POST of a body, with parameters in the query.
    #[must_use]
    pub fn post_with_query<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.route(Method::POST, web::route(), handler)
    }

    fn on<F, Args>(self, method: Method, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let bare = web::route().guard(guard::fn_guard(|context| query(context.head().uri.query()).is_none()));
        self.route(method, bare, handler)
    }

    fn route<F, Args>(mut self, method: Method, route: Route, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
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

/// The query where there is something in it.
fn query(query: Option<&str>) -> Option<&str> {
    query.filter(|query| !query.is_empty())
}

impl HttpServiceFactory for Endpoint {
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
