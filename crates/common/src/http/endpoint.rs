//! Routes whose other methods answer 405 with `Allow` instead of 404.

use crate::error::{ApiError, Kind};
use actix_web::dev::{AppService, HttpServiceFactory};
use actix_web::http::Method;
use actix_web::{FromRequest, Handler, Resource, Responder, guard, web};

/// One path and the methods it answers.
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
    fn on<F, Args>(mut self, method: Method, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let route = if method == Method::GET {
            self.allowed.push(Method::HEAD);
            web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
        } else {
            web::method(method.clone())
        };
        self.allowed.push(method);
        self.resource = self.resource.route(route.to(handler));
        self
    }
}

impl HttpServiceFactory for Endpoint {
    fn register(self, config: &mut AppService) {
        let allowed = self.allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        let refuse = move || {
            let allowed = allowed.clone();
            async move { Err::<String, _>(method_not_allowed(allowed)) }
        };
        self.resource.default_service(web::to(refuse)).register(config);
    }
}

/// 405 with the methods that the path answers.
pub fn method_not_allowed(allowed: String) -> ApiError {
    ApiError::new(Kind::MethodNotAllowed, format!("This path answers {allowed}.")).allow(allowed)
}

/// For every path that is nobody's.
pub async fn no_such_path() -> ApiError {
    ApiError::new(Kind::NotFound, "There is nothing at this path.").code("no_such_path")
}
