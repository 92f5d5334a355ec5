//! What an operation reads of a request, told by the types of its handler's arguments.

use super::refusals::Refusals;
use super::schemas::{Schemas, referred};
use crate::auth::caller::{Caller, OptionalCaller};
use crate::http::body::{Body, OptionalBody};
use crate::http::conditional::IfMatch;
use crate::http::idempotency::OptionalKey;
use crate::http::origin::Origin;
use crate::http::path::PathId;
use crate::http::query::Query;
use actix_web::HttpRequest;
use actix_web::web::{Data, Path, Payload};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// What is gathered from the arguments of one handler.
#[derive(Debug, Default)]
pub struct Input {
    pub parameters: Vec<Value>,
    /// The schema of the path's last parameter, where an argument names it.
    pub id: Option<Value>,
    pub body: Option<Value>,
    pub caller: Wanted,
    pub takes_key: bool,
    pub refusals: Refusals,
    pub schemas: Schemas,
}

/// Whether an operation asks who is calling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    #[default]
    Nobody,
    WhereGiven,
    Always,
}

/// An argument of a handler.
pub trait Described {
    /// Adds what it reads; nothing where it reads nothing that a client sends.
    fn describe(_: &mut Input) {}
}

impl Input {
    fn header(&mut self, name: &str) {
        self.parameters.push(json!({ "$ref": format!("#/components/parameters/{name}") }));
    }

    fn json_body<T: ToSchema>(&mut self, limit: usize, is_required: bool) {
        let schema = self.schemas.reference::<T>();
        self.body = Some(json!({
            "description": format!("At most {limit} bytes."),
            "required": is_required,
            "content": { "application/json": { "schema": schema } },
        }));
        self.refusals.of_a_body();
    }
}

impl<T: 'static> Described for Data<T> {}
impl Described for HttpRequest {}
impl Described for Origin {}

/// A file: what it may hold is told beside the registration.
impl Described for Payload {
    fn describe(input: &mut Input) {
        input.refusals.of_a_body();
    }
}

/// A name: what cannot be one names nothing.
impl Described for Path<String> {
    fn describe(input: &mut Input) {
        input.id = Some(json!({ "type": "string", "pattern": "^[A-Za-z0-9_~-]+$" }));
    }
}

impl<T: ToSchema> Described for PathId<T> {
    fn describe(input: &mut Input) {
        input.id = Some(input.schemas.reference::<T>());
    }
}

impl<T: ToSchema, const LIMIT: usize> Described for Body<T, LIMIT> {
    fn describe(input: &mut Input) {
        input.json_body::<T>(LIMIT, true);
    }
}

impl<T: ToSchema, const LIMIT: usize> Described for OptionalBody<T, LIMIT> {
    fn describe(input: &mut Input) {
        input.json_body::<T>(LIMIT, false);
    }
}

/// Each field is a parameter.
impl<T: ToSchema> Described for Query<T> {
    fn describe(input: &mut Input) {
        let reference = input.schemas.reference::<T>();
        let mut schemas = std::mem::take(&mut input.schemas).into_map();
        let own = referred(&reference).and_then(|name| schemas.remove(name)).unwrap_or_default();
        input.schemas = Schemas::from(schemas);
        let required = own.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        let Some(Value::Object(fields)) = own.get("properties").cloned() else { return };
        for (name, mut schema) in fields {
            let text = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            let mut parameter = Map::new();
            parameter.insert("name".to_owned(), name.clone().into());
            parameter.insert("in".to_owned(), "query".into());
            parameter.insert("required".to_owned(), required.contains(&name.into()).into());
            parameter.insert("schema".to_owned(), schema);
            parameter.extend(text.map(|text| ("description".to_owned(), text)));
            input.parameters.push(parameter.into());
        }
    }
}

impl Described for Caller {
    fn describe(input: &mut Input) {
        input.caller = Wanted::Always;
    }
}

impl Described for OptionalCaller {
    fn describe(input: &mut Input) {
        input.caller = Wanted::WhereGiven;
    }
}

impl Described for IfMatch {
    fn describe(input: &mut Input) {
        input.header("IfMatch");
        input.refusals.add(412, &["version_mismatch"]);
    }
}

impl Described for OptionalKey {
    fn describe(input: &mut Input) {
        input.header("IdempotencyKey");
        input.takes_key = true;
        input.refusals.add(422, &["idempotency_key_reused"]);
    }
}

macro_rules! described_tuples {
    ($(($($argument:ident)*))*) => { $(
        impl<$($argument: Described),*> Described for ($($argument,)*) {
            fn describe(_input: &mut Input) {
                $($argument::describe(_input);)*
            }
        }
    )* };
}

described_tuples!(() (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H));
