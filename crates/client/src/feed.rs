//! The feed of events as it goes on: server-sent events (HTML, section 9.2), taken up again wherever they break off.

use crate::client::Client;
use crate::error::Error;
use crate::retry::is_passing;
use common::models::event::{Event, TypeFilter};
use futures_util::stream::{self, Stream};
use reqwest::header::ACCEPT;
use reqwest::{Method, Response};
use std::collections::VecDeque;
use std::time::Duration;

/// A stream says every 15 seconds that it is still there; one that is silent for longer than this is not.
const SILENCE: Duration = Duration::from_secs(45);

/// Longest that one connection is kept; the shop ends it after 15 minutes.
const WHOLE: Duration = Duration::from_secs(1_800);

/// Pause before the next connection, until the shop says another.
const PAUSE: Duration = Duration::from_secs(2);

/// Longest pause that the shop may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Most events that are read for the stream at a time: what lies behind is caught up with soon.
const AT_A_TIME: u8 = 200;

impl Client {
    /// Follows the feed: `GET /events` as server-sent events, first what there is after the cursor, oldest first, then
    /// what happens as it happens. `after` is as for [`Client::events`].
    ///
    /// Where a connection ends, the next one goes on behind the last event, so that nothing is left out or told twice.
    /// An error ends the stream: what the shop refuses, such as 403 or 410 `cursor_expired`, or a shop that stays away
    /// for more tries than [`crate::Builder::retries`] allows.
    ///
    /// ```
    /// use futures_util::TryStreamExt as _;
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let Ok(url) = std::env::var("OMS_EXAMPLE_SHOP") else { return Ok(()) };
    /// # let client = oms_client::Client::builder(&url).credentials("staff@shop.example", "a colleague of ours");
    /// # let client = client.build()?;
    /// let wanted = "product.*".parse()?;
    /// let mut events = std::pin::pin!(client.follow_events(&wanted, None));
    /// while let Some(event) = events.try_next().await? {
    ///     println!("{} {} {}", event.at, event.kind, event.entity.id);
    ///     if event.kind == "product.created" {
    ///         break;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn follow_events(
        &self,
        wanted: &TypeFilter,
        after: Option<&str>,
    ) -> impl Stream<Item = Result<Event, Error>> + Send + use<> {
        let follower = Follower {
            client: self.clone(),
            wanted: wanted.clone(),
            connection: None,
            heard: Heard { after: after.map(str::to_owned), ..Heard::default() },
            failures: 0,
        };
        stream::try_unfold(follower, |mut follower| async move {
            let event = follower.next().await?;
            Ok::<_, Error>(Some((event, follower)))
        })
    }
}

struct Follower {
    client: Client,
    wanted: TypeFilter,
    connection: Option<Response>,
    heard: Heard,
    /// Since something came last.
    failures: u32,
}

impl Follower {
    async fn next(&mut self) -> Result<Event, Error> {
        loop {
            if let Some(event) = self.heard.events.pop_front() {
                return Ok(event);
            }
            match self.listen().await {
                Ok(true) => self.failures = 0,
                // Streams end by themselves, with the token that opened them or with the service.
                Ok(false) => tokio::time::sleep(self.heard.pause).await,
                Err(error) => {
                    self.failures += 1;
                    // Where no randomness is to be had the pauses are merely equal.
                    let random = getrandom::u32().unwrap_or_default();
                    let retry = self.client.shared.retry;
                    match retry.pause(self.failures, Some(self.heard.pause), random) {
                        Some(pause) if may_pass(&error) => tokio::time::sleep(pause).await,
                        _ => return Err(error),
                    }
                }
            }
        }
    }

    /// Takes in what comes next; `false` where the stream has ended.
    async fn listen(&mut self) -> Result<bool, Error> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let piece = tokio::time::timeout(SILENCE, connection.chunk()).await;
        let Some(piece) = piece.map_err(|_| Error::Timeout)?? else { return Ok(false) };
        self.heard.take(&piece)?;
        self.connection = Some(connection);
        Ok(true)
    }

    async fn connect(&mut self) -> Result<Response, Error> {
        if self.heard.after.as_deref() == Some("latest") {
            // A place that stays: a second connection must not begin later than the first one did.
            let page = self.client.events(&self.wanted, Some(1), Some("latest")).await?;
            self.heard.after = page.next.or(self.heard.after.take());
        }
        self.heard.begin();
        let types = (!self.wanted.is_everything()).then_some(&self.wanted);
        let call = self.client.call(Method::GET, &["events"]).header(ACCEPT, "text/event-stream");
        let call = call.page(Some(AT_A_TIME), self.heard.after.as_deref()).query("types", types);
        call.stream(None, WHOLE).await
    }
}

fn may_pass(error: &Error) -> bool {
    match error {
        Error::Transport(_) | Error::Timeout => true,
        Error::Problem { status, .. } => is_passing(*status),
        Error::Decode(_) | Error::Configuration(_) => false,
    }
}

/// What the stream has said.
struct Heard {
    /// Whole events that nobody has taken yet.
    events: VecDeque<Event>,
    /// Where to go on: behind the last whole message.
    after: Option<String>,
    pause: Duration,
    /// The message that is being told.
    data: String,
    id: Option<String>,
    /// The line that is being told.
    line: Vec<u8>,
}

impl Default for Heard {
    fn default() -> Self {
        Self {
            events: VecDeque::new(),
            after: None,
            pause: PAUSE,
            data: String::new(),
            id: None,
            line: Vec::new(),
        }
    }
}

impl Heard {
    /// What the last connection left unfinished is told again by the next.
    fn begin(&mut self) {
        self.data.clear();
        self.id = None;
        self.line.clear();
    }

    fn take(&mut self, piece: &[u8]) -> Result<(), Error> {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.end_line(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']))?;
            }
        }
        Ok(())
    }

    fn end_line(&mut self, line: &str) -> Result<(), Error> {
        if line.is_empty() {
            return self.end_message();
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" => self.id = Some(value.to_owned()),
            "retry" => {
                if let Ok(pause) = value.parse() {
                    self.pause = Duration::from_millis(pause).min(LONGEST_PAUSE);
                }
            }
            // Remarks, and the type, which the event says itself.
            _ => {}
        }
        Ok(())
    }

    fn end_message(&mut self) -> Result<(), Error> {
        if !self.data.is_empty() {
            self.events.push_back(serde_json::from_str(&std::mem::take(&mut self.data))?);
        }
        // A message without an event only says how far the feed was read.
        if let Some(id) = self.id.take() {
            self.after = Some(id);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(cursor: &str) -> String {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let event = json!({
            "id": id, "cursor": cursor, "type": "order.placed", "at": "2026-01-31T12:00:00.000Z",
            "recordedAt": "2026-01-31T12:00:00.140Z", "entity": { "kind": "order", "id": id }, "sequence": 1,
            "version": 1, "data": { "note": "für Zoë" }
        });
        format!("id: {cursor}\nevent: order.placed\ndata: {event}\n\n")
    }

    #[test]
    fn messages_are_the_same_however_they_are_cut() {
        let told =
            format!("retry: 300\n\n{}: still here\nid: b\n\n{}id: d\ndata: {{", event("a"), event("c"));
        for size in 1..told.len() {
            let mut heard = Heard::default();
            for piece in told.as_bytes().chunks(size) {
                heard.take(piece).unwrap();
            }
            let cursors: Vec<_> = heard.events.iter().map(|event| event.cursor.as_str()).collect();
            assert_eq!(cursors, ["a", "c"], "{size}");
            assert!(heard.events.iter().all(|event| event.data["note"] == "für Zoë"), "{size}");
            assert_eq!((heard.after.as_deref(), heard.pause), (Some("c"), Duration::from_millis(300)));
        }
    }

    #[test]
    fn a_place_without_an_event_is_remembered_and_half_a_message_is_not() {
        let mut heard = Heard::default();
        heard.take(b": still here\r\nid: b\r\n\r\nid: c\r\ndata: {").unwrap();
        heard.begin();
        heard.take(event("d").as_bytes()).unwrap();
        assert_eq!((heard.after.as_deref(), heard.events.len()), (Some("d"), 1));
        assert!(matches!(heard.take(b"data: nonsense\n\n"), Err(Error::Decode(_))));
    }
}
