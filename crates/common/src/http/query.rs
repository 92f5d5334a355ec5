//! Query strings: only known parameters, each named when it breaks a rule.

use super::body::rule_code;
use crate::error::{ApiError, FieldError};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use std::future::{Ready, ready};

/// The parameters of the query string. `T` denies unknown fields.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map(Self))
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    let deserializer = serde_html_form::Deserializer::from_bytes(query.as_bytes());
    serde_path_to_error::deserialize(deserializer).map_err(|located| {
        let rule = located.inner().to_string();
        let path = located.path().to_string();
        let quoted = rule.split('`').nth(1).map(str::to_owned);
        let name = match quoted {
            Some(name) if path == "." || rule.starts_with("unknown field") => name,
            _ => path.split(['.', '[']).next().unwrap_or_default().to_owned(),
        };
        ApiError::invalid(vec![FieldError::new(format!("query:{name}"), rule_code(&rule), rule)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::page::Limit;
    use crate::ids::CustomerId;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Filter {
        limit: Option<Limit>,
        customer_id: Option<CustomerId>,
    }

    #[test]
    fn parameters_are_parsed_and_a_wrong_one_is_named() {
        let filter = parse::<Filter>("limit=7").unwrap();
        assert_eq!((filter.limit.unwrap_or_default().get(), filter.customer_id), (7, None));
        for (query, pointer) in [
            ("limit=0", "query:limit"),
            ("limit=201", "query:limit"),
            ("limit=x", "query:limit"),
            ("limit=1&limit=2", "query:limit"),
            ("customerId=1", "query:customerId"),
            ("colour=red", "query:colour"),
            ("limit[$gt]=1", "query:limit[$gt]"),
        ] {
            let error = parse::<Filter>(query).unwrap_err();
            assert_eq!(error.problem().errors[0].pointer, pointer, "{query}");
        }
    }
}
