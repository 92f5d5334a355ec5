//! What is said of an operation beside its registration: what it is for, who may call it, what it answers.

use super::access::Access;
use super::described::{Input, Wanted};
use super::refusals::{common_headers, header};
use super::schemas::{Schemas, set};
use crate::models::auth::Scope;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// What an operation answers where nothing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Success {
    /// 200 with something that has a version.
    Shown,
    /// 200 with something that has none.
    Told,
    /// 200 with a page of a list.
    Listed,
    /// 201 with what was made and where it is; with its version where it has one.
    Made { has_version: bool },
    /// 202
    Accepted,
    /// 204
    Done,
    /// 200 with a file of one of these media types.
    File(&'static [&'static str]),
}

/// The schema of a type, among those that are gathered.
type SchemaOf = fn(&mut Schemas) -> Value;

/// The words and answers of one operation.
pub struct About {
    summary: &'static str,
    text: &'static str,
    access: Access,
    success: Success,
    schema: Option<SchemaOf>,
    refusals: Vec<(u16, &'static [&'static str])>,
    example: Option<Value>,
    /// Media types of a file that it takes, with an example in the first.
    takes: Option<(&'static [&'static str], &'static str)>,
    is_cached: bool,
    has_version: bool,
    is_stream: bool,
    also_answers: Option<(u16, &'static str)>,
    also_tells: Option<(&'static str, SchemaOf)>,
}

impl About {
    /// An imperative: what the caller does by it.
    pub fn new(summary: &'static str) -> Self {
        Self {
            summary,
            text: "",
            access: Access::Anyone,
            success: Success::Done,
            schema: None,
            refusals: Vec::new(),
            example: None,
            takes: None,
            is_cached: false,
            has_version: false,
            is_stream: false,
            also_answers: None,
            also_tells: None,
        }
    }

    /// What the summary leaves open, in Markdown.
    #[must_use]
    pub fn text(self, text: &'static str) -> Self {
        Self { text, ..self }
    }

    /// For the customer whose it is, staff, and keys with the scope.
    #[must_use]
    pub fn own(self, scope: Scope) -> Self {
        Self { access: Access::Own(scope), ..self }
    }

    /// For those whose role holds the scope, and keys with it.
    #[must_use]
    pub fn needs(self, scope: Scope) -> Self {
        Self { access: Access::Everyones(scope), ..self }
    }

    /// For administrators in person.
    #[must_use]
    pub fn for_admins(self) -> Self {
        Self { access: Access::Admin, ..self }
    }

    /// For the bearer of a token, for what is their own alone.
    #[must_use]
    pub fn for_persons(self) -> Self {
        Self { access: Access::Person, ..self }
    }

    /// 200 with a thing and its version.
    #[must_use]
    pub fn shows<T: ToSchema>(self) -> Self {
        self.with::<T>(Success::Shown)
    }

    /// 200 with what has no version.
    #[must_use]
    pub fn tells<T: ToSchema>(self) -> Self {
        self.with::<T>(Success::Told)
    }

    /// 200 with an array of things.
    #[must_use]
    pub fn lists<T: ToSchema>(self) -> Self {
        self.with::<T>(Success::Listed)
    }

    /// 201 with a thing, its version and its address.
    #[must_use]
    pub fn creates<T: ToSchema>(self) -> Self {
        self.with::<T>(Success::Made { has_version: true })
    }

    /// 201 with what has no version, and an address where it shows.
    #[must_use]
    pub fn records<T: ToSchema>(self) -> Self {
        self.with::<T>(Success::Made { has_version: false })
    }

    fn with<T: ToSchema>(self, success: Success) -> Self {
        Self { success, schema: Some(|schemas| schemas.reference::<T>()), ..self }
    }

    /// 200 with a JSON object whose members are told in words.
    #[must_use]
    pub fn tells_object(self) -> Self {
        Self { success: Success::Told, schema: Some(|_| json!({ "type": "object" })), ..self }
    }

    /// With the version of what it is part of.
    #[must_use]
    pub fn versioned(self) -> Self {
        Self { has_version: true, ..self }
    }

    /// 202: it is done later.
    #[must_use]
    pub fn accepts(self) -> Self {
        Self { success: Success::Accepted, ..self }
    }

    /// 200 with a file.
    #[must_use]
    pub fn sends_file(self, media_types: &'static [&'static str]) -> Self {
        Self { success: Success::File(media_types), ..self }
    }

    /// Its body is a file of one of these media types; the example is in the first of them.
    #[must_use]
    pub fn takes_file(self, media_types: &'static [&'static str], example: &'static str) -> Self {
        Self { takes: Some((media_types, example)), ..self }
    }

    /// A body that works once what it names is there.
    #[must_use]
    pub fn example(self, body: Value) -> Self {
        Self { example: Some(body), ..self }
    }

    /// 304 for who has the answer already.
    #[must_use]
    pub fn cached(self) -> Self {
        Self { is_cached: true, ..self }
    }

    /// Server-sent events where they are asked for.
    #[must_use]
    pub fn streams(self) -> Self {
        Self { is_stream: true, ..self }
    }

    /// Another status with the same body.
    #[must_use]
    pub fn or_answers(self, status: u16, when: &'static str) -> Self {
        Self { also_answers: Some((status, when)), ..self }
    }

    /// 200 with something else, where the caller asks for it.
    #[must_use]
    pub fn or_tells<T: ToSchema>(self, when: &'static str) -> Self {
        Self { also_tells: Some((when, |schemas| schemas.reference::<T>())), ..self }
    }

    /// Refusals beyond those that its arguments and its callers bring.
    #[must_use]
    pub fn refuses(mut self, status: u16, codes: &'static [&'static str]) -> Self {
        self.refusals.push((status, codes));
        self
    }

    /// The operation, and the schemas that it refers to.
    pub fn operation(self, id: &str, tag: &str, path: &str, mut input: Input) -> (Value, Schemas) {
        let is_for_callers = self.access != Access::Anyone;
        assert_eq!(is_for_callers, input.caller == Wanted::Always, "{id}: who may call it?");
        self.access.refuse(input.caller, &mut input.refusals);
        for (status, codes) in &self.refusals {
            input.refusals.add(*status, codes);
        }
        let mut parameters = path_parameters(path, &mut input);
        let pages = input.parameters.iter().any(|parameter| parameter["name"] == "after");
        parameters.append(&mut input.parameters);
        if self.is_cached {
            parameters.push(json!({ "$ref": "#/components/parameters/IfNoneMatch" }));
        }
        if self.is_stream {
            parameters.push(json!({ "$ref": "#/components/parameters/LastEventId" }));
        }
        let mut operation = Map::new();
        let who = format!("**Who:** {}", self.access.in_words(input.caller));
        let text = if self.text.is_empty() { who } else { format!("{}\n\n{who}", self.text) };
        for (name, value) in [
            ("operationId", json!(id)),
            ("summary", json!(self.summary)),
            ("description", json!(text)),
            ("tags", json!([tag])),
            ("security", self.access.security(input.caller)),
            ("parameters", json!(parameters)),
        ] {
            operation.insert(name.to_owned(), value);
        }
        operation.extend(self.request_body(&mut input).map(|body| ("requestBody".to_owned(), body)));
        let mut responses: Map<String, Value> = input.refusals.responses().collect();
        responses.extend(self.successes(&mut input, pages));
        operation.insert("responses".to_owned(), responses.into());
        (operation.into(), input.schemas)
    }

    fn request_body(&self, input: &mut Input) -> Option<Value> {
        if let Some((media_types, example)) = self.takes {
            let first = media_types.first().copied();
            let content = media_types.iter().map(|media| {
                let mut content = json!({ "schema": { "type": "string" } });
                if Some(*media) == first {
                    set(&mut content, "example", example);
                }
                ((*media).to_owned(), content)
            });
            let content: Map<String, Value> = content.collect();
            return Some(json!({ "required": true, "content": content }));
        }
        let mut body = input.body.take()?;
        if let Some(example) = &self.example {
            // A slash in a name is written ~1 in a pointer (RFC 6901).
            if let Some(content) = body.pointer_mut("/content/application~1json") {
                set(content, "example", example.clone());
            }
        }
        Some(body)
    }

    fn successes(&self, input: &mut Input, pages: bool) -> Vec<(String, Value)> {
        let schema = self.schema.map(|schema| schema(&mut input.schemas));
        let mut headers = common_headers();
        let mut found = Vec::new();
        if let Some((when, schema)) = self.also_tells {
            let content = json!({ "application/json": { "schema": schema(&mut input.schemas) } });
            let told = json!({ "description": when, "headers": headers, "content": content });
            found.push(("200".to_owned(), told));
        }
        let (status, words) = match self.success {
            Success::Shown => (200, "As it is now."),
            Success::Told => (200, "As it is now."),
            Success::Listed if pages => (200, "A page; `Link` has the next one where there is one."),
            Success::Listed => (200, "All of them."),
            Success::Made { .. } => (201, "It is there; `Location` says where."),
            Success::Accepted => (202, "It will be done."),
            Success::Done => (204, "It is done."),
            Success::File(_) => (200, "The file, as it comes."),
        };
        let has_version = matches!(self.success, Success::Shown | Success::Made { has_version: true });
        if has_version || self.has_version || self.is_cached {
            header(&mut headers, "ETag", "ETag");
        }
        if matches!(self.success, Success::Made { .. }) {
            header(&mut headers, "Location", "Location");
        }
        if matches!(self.success, Success::Listed | Success::Told) && pages {
            header(&mut headers, "Link", "Link");
        }
        if input.takes_key {
            header(&mut headers, "Idempotency-Replayed", "IdempotencyReplayed");
        }
        if self.is_cached {
            let unchanged =
                json!({ "description": "The copy that the caller has is good.", "headers": headers });
            found.push(("304".to_owned(), unchanged));
        }
        let mut response = json!({ "description": words, "headers": headers });
        if let Some(content) = self.content(schema) {
            set(&mut response, "content", content);
        }
        if let Some((other, when)) = self.also_answers {
            let mut same = response.clone();
            set(&mut same, "description", when);
            found.push((other.to_string(), same));
        }
        found.push((status.to_string(), response));
        found
    }

    fn content(&self, schema: Option<Value>) -> Option<Value> {
        if let Success::File(media_types) = self.success {
            let content = media_types
                .iter()
                .map(|media| ((*media).to_owned(), json!({ "schema": { "type": "string" } })));
            return Some(content.collect::<Map<_, _>>().into());
        }
        let schema = schema?;
        let schema = match self.success {
            Success::Listed => json!({ "type": "array", "items": schema }),
            _ => schema,
        };
        let mut content = json!({ "application/json": { "schema": schema } });
        if self.is_stream {
            set(&mut content, "text/event-stream", json!({ "schema": { "type": "string" } }));
        }
        Some(content)
    }
}

/// One for each segment in braces: an identity, unless an argument says what it is.
fn path_parameters(path: &str, input: &mut Input) -> Vec<Value> {
    let names = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let parameters: Vec<Value> = names
        .map(|name| {
            let own = input.id.clone().filter(|_| name == "id");
            let schema = own.unwrap_or_else(|| json!({ "type": "string", "format": "uuid" }));
            json!({ "name": name, "in": "path", "required": true, "schema": schema })
        })
        .collect();
    if !parameters.is_empty() {
        input.refusals.add(404, &["no_such_path", "not_found"]);
    }
    parameters
}
