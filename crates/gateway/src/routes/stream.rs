//! Files pass through piece by piece, both ways, and are never held whole. They take as long as they are: what is
//! bounded is how long either side may be silent.

use super::proxy::{Proxy, outgoing, unanswered};
use super::target::Target;
use super::{Service, headers};
use crate::admission::Place;
use actix_web::dev::Payload;
use actix_web::http::{Method, StatusCode, header};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use common::error::{ApiError, Kind};
use common::http::request::DEADLINE_MS;
use futures_util::{StreamExt, stream};
use reqwest::Body;
use reqwest::header::HeaderValue;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Longest that a file may be on its way.
const WHOLE: Duration = Duration::from_secs(1_800);

/// Longest that a client may send nothing.
const SILENCE: Duration = Duration::from_secs(30);

/// Pieces that wait for the service: few, so that a fast client is slowed down.
const WAITING: usize = 4;

type Piece = Result<Bytes, std::io::Error>;

impl Proxy {
    /// Sends the request's body on as it comes, and answers as the service does. Nothing is sent again: the body is
    /// gone. The file has its places until the last piece of the answer is out.
    #[expect(clippy::too_many_arguments, reason = "a request in its parts, as the dispatcher has them")]
    pub async fn pass_through(
        &self,
        service: Service,
        client: IpAddr,
        request: &HttpRequest,
        target: Target<'_>,
        payload: Payload,
        limit: usize,
        place: Place,
    ) -> Result<HttpResponse, ApiError> {
        let declared = request
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse().ok());
        if declared.is_some_and(|length: usize| length > limit) {
            return Err(ApiError::new(Kind::TooLarge, format!("The body must have at most {limit} bytes.")));
        }
        let upstream = self.upstream(service);
        let outgoing = outgoing(upstream, client, request, target, Bytes::new())?;
        let pass = upstream.admit()?;
        let whole_ms = u64::try_from(WHOLE.as_millis()).unwrap_or(u64::MAX);
        let mut sending = self
            .client
            .request(outgoing.method, outgoing.url)
            .headers(outgoing.headers)
            .header(DEADLINE_MS.as_str(), HeaderValue::from(whole_ms))
            .timeout(WHOLE);
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            sending = sending.body(body(payload, limit));
        }
        let begun = Instant::now();
        let answered = sending.send().await;
        upstream.tried(answered.as_ref().map(|_| ()), begun.elapsed());
        // A client that breaks off in the middle looks like a service that does: the breaker is not told of it.
        let answer = answered.map_err(|failure| unanswered(service, request.method(), failure))?;
        upstream.answered();
        let status = StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
        let mut response = HttpResponse::build(status);
        for header in headers::to_client(answer.headers()) {
            response.append_header(header);
        }
        let places = (pass, place);
        let pieces = answer.bytes_stream().map(move |piece| {
            let _held_until_the_end = &places;
            piece
        });
        Ok(response.streaming(pieces))
    }
}

/// What the client sends lives on the thread that serves it, what the service is sent does not: between them is a
/// short queue.
fn body(payload: Payload, limit: usize) -> Body {
    let (pieces, taken) = mpsc::channel::<Piece>(WAITING);
    actix_web::rt::spawn(pump(payload, limit, pieces));
    Body::wrap_stream(stream::unfold(taken, |mut taken| async move {
        let piece = taken.recv().await?;
        Some((piece, taken))
    }))
}

/// Ends where the body does, where it breaks a rule, or where nobody takes it any more.
async fn pump(mut payload: Payload, limit: usize, pieces: mpsc::Sender<Piece>) {
    let mut passed = 0;
    loop {
        let piece = match tokio::time::timeout(SILENCE, payload.next()).await {
            Ok(None) => return,
            Ok(Some(Ok(piece))) => {
                passed += piece.len();
                if passed > limit { Err(std::io::Error::other("the body is too large")) } else { Ok(piece) }
            }
            Ok(Some(Err(cause))) => Err(std::io::Error::other(cause.to_string())),
            Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut)),
        };
        let is_broken = piece.is_err();
        if pieces.send(piece).await.is_err() || is_broken {
            return;
        }
    }
}
