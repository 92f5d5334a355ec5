//! Who may call an operation, for programs and in words.

use super::described::Wanted;
use super::refusals::Refusals;
use crate::models::auth::{Role, Scope};
use serde_json::{Value, json};

/// Whom an operation answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Whoever asks.
    #[default]
    Anyone,
    /// The bearer of any access token, for what is their own alone.
    Person,
    /// The customer whose it is, staff, and a key with the scope.
    Own(Scope),
    /// Those whose role holds the scope, and a key with it.
    Everyones(Scope),
    /// Administrators in person.
    Admin,
}

impl Access {
    /// What is needed, as `security` of an operation. The names in it are roles of a token and scopes of a key.
    pub fn security(self, wanted: Wanted) -> Value {
        match (self, wanted) {
            (Self::Anyone, Wanted::WhereGiven) => json!([{}, { "accessToken": [] }, { "apiKey": [] }]),
            (Self::Anyone, _) => json!([]),
            (Self::Person, _) => json!([{ "accessToken": [] }]),
            (Self::Own(scope), _) => json!([{ "accessToken": [] }, { "apiKey": [scope] }]),
            (Self::Everyones(scope), _) => json!([{ "accessToken": [role(scope)] }, { "apiKey": [scope] }]),
            (Self::Admin, _) => json!([{ "accessToken": [Role::Admin] }]),
        }
    }

    pub fn in_words(self, wanted: Wanted) -> String {
        match (self, wanted) {
            (Self::Anyone, Wanted::WhereGiven) => {
                "Anyone; whoever says who they are may see more.".to_owned()
            }
            (Self::Anyone, _) => "Anyone.".to_owned(),
            (Self::Person, _) => "The bearer of an access token, for what is their own.".to_owned(),
            (Self::Own(scope), _) => {
                format!("The customer whose it is, staff, or an API key with `{scope}`.")
            }
            (Self::Everyones(scope), _) => {
                let who = if role(scope) == Role::Staff { "Staff" } else { "Administrators" };
                format!("{who}, or an API key with `{scope}`.")
            }
            (Self::Admin, _) => "Administrators in person.".to_owned(),
        }
    }

    pub fn refuse(self, wanted: Wanted, refusals: &mut Refusals) {
        if wanted != Wanted::Nobody {
            refusals.add(401, &["token_expired", "unauthenticated"]);
        }
        match self {
            Self::Anyone => {}
            Self::Person | Self::Admin => refusals.add(403, &["forbidden"]),
            Self::Own(_) => refusals.add(403, &["forbidden", "insufficient_scope"]),
            Self::Everyones(_) => refusals.add(403, &["forbidden", "insufficient_scope"]),
        }
    }
}

/// The least role that holds the scope.
const fn role(scope: Scope) -> Role {
    if Role::Staff.holds(scope) { Role::Staff } else { Role::Admin }
}
