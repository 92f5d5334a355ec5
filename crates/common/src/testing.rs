//! What the services' own tests share (feature `testing`): where the real servers are, what is sent to the database, and
//! tokens to call with.

use crate::auth::signing::SigningKey;
use crate::auth::token::Claims;
use crate::ids::{CustomerId, SessionId};
use crate::models::auth::Role;
use crate::time::Timestamp;
use mongodb::event::EventHandler;
use mongodb::event::command::{CommandEvent, CommandStartedEvent};
use mongodb::options::ClientOptions;
use mongodb::{Client, Database};
use serde_json::json;
use std::sync::{Arc, Mutex, PoisonError};

/// The real MongoDB and Redis of this test run, as `scripts/test` started them.
///
/// # Panics
/// Where there are none: a test without its database has nothing to say.
#[expect(clippy::disallowed_methods, clippy::panic, reason = "tests have no settings")]
pub fn server(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run the tests with scripts/test"))
}

/// A database name that no other test uses.
pub fn fresh_database() -> String {
    format!("test_{}", uuid::Uuid::now_v7().simple())
}

/// What a client sent to the database, in its order: command and collection, such as `find orders`.
#[derive(Clone, Default)]
pub struct SentCommands(Arc<Mutex<Vec<String>>>);

impl SentCommands {
    /// Those since they were last taken.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, started: &CommandStartedEvent) {
        let (name, command) = (&started.command_name, &started.command);
        let mut noted = name.clone();
        // Some, such as the end of a transaction, go to none.
        if let Ok(collection) = command.get_str(name) {
            noted.push_str(&format!(" {collection}"));
        }
        let concern = command.get_document("readConcern").and_then(|concern| concern.get_str("level"));
        if concern.is_ok_and(|level| level == "linearizable") {
            noted.push_str(" linearizable");
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(noted);
    }
}

/// A database by a client of its own, as the driver sees what goes to it.
pub async fn watched_database(name: &str) -> anyhow::Result<(Database, SentCommands)> {
    let sent = SentCommands::default();
    let noting = sent.clone();
    let mut options = ClientOptions::parse(server("MONGO_URI")).await?;
    options.command_event_handler = Some(EventHandler::callback(move |event| {
        if let CommandEvent::Started(started) = event {
            noting.note(&started);
        }
    }));
    Ok((Client::with_options(options)?.database(name), sent))
}

/// Signs access tokens as customer-service would.
pub struct TestSigner {
    key: SigningKey,
}

impl TestSigner {
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self { key: SigningKey::from_pem(&SigningKey::generate_pem()?)? })
    }

    /// What a stand-in for customer-service answers at `/.well-known/jwks.json`.
    pub fn jwks(&self) -> serde_json::Value {
        json!({ "keys": [self.key.jwk()] })
    }

    /// A fresh token of ten minutes.
    pub fn token(&self, customer_id: CustomerId, role: Role) -> anyhow::Result<String> {
        self.token_issued(customer_id, role, 0)
    }

    /// A token issued so many seconds ago, of ten minutes.
    pub fn token_issued(
        &self,
        customer_id: CustomerId,
        role: Role,
        seconds_ago: i64,
    ) -> anyhow::Result<String> {
        self.token_of_session(SessionId::new(), customer_id, role, seconds_ago)
    }

    /// The same, of this session.
    pub fn token_of_session(
        &self,
        session_id: SessionId,
        customer_id: CustomerId,
        role: Role,
        seconds_ago: i64,
    ) -> anyhow::Result<String> {
        let now = Timestamp::now().as_millis() / 1000;
        self.key.sign(&Claims {
            iss: "oms".into(),
            aud: "oms".into(),
            sub: customer_id,
            exp: now - seconds_ago + 600,
            iat: now - seconds_ago,
            nbf: None,
            jti: uuid::Uuid::now_v7().to_string(),
            role,
            sid: session_id,
        })
    }
}
