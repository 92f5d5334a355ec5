//! Schemas of types by their names, as utoipa derives them.

use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

/// Where a schema stands in a description.
const PLACE: &str = "#/components/schemas/";

/// The schemas that operations refer to.
#[derive(Clone, Debug, Default)]
pub struct Schemas(Map<String, Value>);

impl Schemas {
    /// A reference to the schema of a type, which is kept with all that it refers to itself.
    pub fn reference<T: ToSchema>(&mut self) -> Value {
        let mut found = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut found);
        for (name, schema) in found {
            self.insert(&name, value(&schema));
        }
        reference(&T::name())
    }

    /// Two types of one name would describe each other.
    fn insert(&mut self, name: &str, schema: Value) {
        let kept = self.0.entry(name).or_insert_with(|| schema.clone());
        assert_eq!(*kept, schema, "two types are called {name}");
    }

    /// Takes in what another operation refers to.
    pub fn merge(&mut self, other: Self) {
        for (name, schema) in other.0 {
            self.insert(&name, schema);
        }
    }

    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

impl From<Map<String, Value>> for Schemas {
    fn from(schemas: Map<String, Value>) -> Self {
        Self(schemas)
    }
}

/// What stands for the schema of this name.
pub fn reference(name: &str) -> Value {
    json!({ "$ref": format!("{PLACE}{name}") })
}

/// The name that a reference stands for.
pub fn referred(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix(PLACE)
}

/// Sets a member of what is an object.
pub fn set(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value.into());
    }
}

fn value(schema: &RefOr<Schema>) -> Value {
    // A schema is made of names and numbers: writing it cannot fail.
    serde_json::to_value(schema).unwrap_or_default()
}
