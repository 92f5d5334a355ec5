//! An endpoint of webhooks: where events are sent, up to where it took over the feed, and the secrets that sign.

use super::webhook::SigningSecret;
use common::events::cursor::FeedCursor;
use common::ids::WebhookId;
use common::models::webhook::{Webhook, WebhookDescription, WebhookStatus, WebhookUrl};
use common::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Most secrets before the present one that sign beside it.
const MAX_PREVIOUS: usize = 4;

/// An endpoint as it is kept. The secrets must be readable, since they sign: nothing else stands between who reads
/// this collection and who can forge a delivery.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    #[serde(rename = "_id")]
    pub id: WebhookId,
    pub url: WebhookUrl,
    pub types: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<WebhookDescription>,
    pub status: WebhookStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_because: Option<String>,
    /// Everything up to here stands among the deliveries.
    pub cursor: FeedCursor,
    pub secret: SigningSecret,
    /// Newest first.
    #[serde(default)]
    pub previous_secrets: Vec<PreviousSecret>,
    #[serde(default)]
    pub replays: Vec<Range>,
    /// Nothing is sent before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest_until: Option<Timestamp>,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PreviousSecret {
    pub secret: SigningSecret,
    pub until: Timestamp,
}

/// A part of the feed that is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    pub id: WebhookId,
    /// Up to here it is done.
    pub after: FeedCursor,
    pub until: FeedCursor,
}

impl Endpoint {
    /// As administrators see it.
    pub fn shown(&self, now: Timestamp) -> Webhook {
        Webhook {
            id: self.id,
            url: self.url.clone(),
            types: self.types.clone(),
            description: self.description.clone(),
            status: self.status,
            disabled_because: self.disabled_because.clone(),
            cursor: self.cursor.to_string(),
            previous_secret_until: self.still_good(now).map(|previous| previous.until).max(),
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    /// A secret for the one that signs now. That one signs beside it until then, and no older one signs for longer: a
    /// rotation without overlap ends them all, and one that is repeated because its answer was lost ends none.
    pub fn rotate(&mut self, fresh: SigningSecret, until: Timestamp, now: Timestamp) {
        let older: Vec<PreviousSecret> = self.still_good(now).cloned().collect();
        let old = std::mem::replace(&mut self.secret, fresh);
        let older = older.into_iter().map(|older| PreviousSecret { until: older.until.min(until), ..older });
        let previous = std::iter::once(PreviousSecret { secret: old, until }).chain(older);
        self.previous_secrets = previous.take(MAX_PREVIOUS).collect();
    }

    fn still_good(&self, now: Timestamp) -> impl Iterator<Item = &PreviousSecret> {
        self.previous_secrets.iter().filter(move |previous| previous.until > now)
    }

    /// What signs now: the present secret, and those before it for as long as they overlap.
    pub fn secrets(&self, now: Timestamp) -> impl Iterator<Item = &SigningSecret> {
        std::iter::once(&self.secret).chain(self.still_good(now).map(|previous| &previous.secret))
    }

    pub fn is_active(&self, now: Timestamp) -> bool {
        self.status == WebhookStatus::Active && self.rest_until.is_none_or(|until| until <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        let at = Timestamp::from_millis(0);
        Endpoint {
            id: WebhookId::new(),
            url: "https://hooks.example.com/".parse().unwrap(),
            types: Vec::new(),
            description: None,
            status: WebhookStatus::Active,
            disabled_because: None,
            cursor: FeedCursor::default(),
            secret: SigningSecret::new(&[0; 32]),
            previous_secrets: Vec::new(),
            replays: Vec::new(),
            rest_until: None,
            version: 1,
            created_at: at,
            updated_at: at,
        }
    }

    #[test]
    fn old_secrets_sign_until_their_time_is_over_and_none_after_a_rotation_without_overlap() {
        let (mut endpoint, at) = (endpoint(), Timestamp::from_millis);
        endpoint.rotate(SigningSecret::new(&[1; 32]), at(1_000), at(0));
        // The answer was lost, and the rotation is repeated: the receiver still knows the first.
        endpoint.rotate(SigningSecret::new(&[2; 32]), at(2_000), at(10));
        let secrets = |endpoint: &Endpoint, now| {
            endpoint.secrets(now).map(|secret| secret.reveal().to_owned()).collect::<Vec<_>>()
        };
        let of = |byte| SigningSecret::new(&[byte; 32]).reveal().to_owned();
        assert_eq!(secrets(&endpoint, at(999)), [of(2), of(1), of(0)]);
        assert_eq!(secrets(&endpoint, at(1_000)), [of(2), of(1)]);
        assert_eq!(endpoint.shown(at(10)).previous_secret_until, Some(at(2_000)));
        let mut leaked = endpoint.clone();
        leaked.rotate(SigningSecret::new(&[3; 32]), at(20), at(20));
        assert_eq!(secrets(&leaked, at(20)), [of(3)]);
        for byte in 3..20 {
            endpoint.rotate(SigningSecret::new(&[byte; 32]), at(3_000), at(30));
        }
        assert_eq!(secrets(&endpoint, at(30)), [of(19), of(18), of(17), of(16), of(15)]);
        assert!(!format!("{endpoint:?}").contains("whsec_"));
    }
}
