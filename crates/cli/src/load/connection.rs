//! One keep-alive connection with one request in flight: as little work as HTTP/1.1 takes, so that the generator is
//! not what is measured.

use super::scenario::Wanted;
use anyhow::Context as _;
use bytes::Bytes;
use common::ids::OrderId;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, LOCATION};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::net::TcpStream;

/// Longest that a request is waited for: longer than every deadline of the shop.
const LIMIT: Duration = Duration::from_secs(15);

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    Status(u16, Option<OrderId>),
    /// No answer: the connection broke, was refused or said nothing in time.
    Broken,
}

pub struct Connection {
    /// `host:port`
    address: String,
    host: HeaderValue,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    pub fn new(address: &str) -> anyhow::Result<Self> {
        let host = HeaderValue::try_from(address).context("the shop's address")?;
        Ok(Self { address: address.to_owned(), host, sender: None })
    }

    /// Opens the connection before anything is measured.
    pub async fn open(&mut self) -> anyhow::Result<()> {
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the sender; what broke it, the next request is told.
        tokio::task::spawn_local(connection);
        self.sender = Some(sender);
        Ok(())
    }

    pub async fn ask(&mut self, wanted: Wanted) -> Answered {
        let asked = tokio::time::timeout(LIMIT, self.exchange(wanted)).await;
        match asked {
            Ok(Ok((status, order))) => Answered::Status(status, order),
            Ok(Err(_)) | Err(_) => {
                self.sender = None;
                Answered::Broken
            }
        }
    }

    async fn exchange(&mut self, wanted: Wanted) -> anyhow::Result<(u16, Option<OrderId>)> {
        if self.sender.as_ref().is_none_or(SendRequest::is_closed) {
            self.open().await?;
        }
        let sender = self.sender.as_mut().context("a connection")?;
        let mut request = Request::builder().method(wanted.method).uri(wanted.path);
        request = request.header(HOST, self.host.clone());
        if let Some(authorization) = wanted.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(key) = wanted.key {
            request = request.header("idempotency-key", key);
        }
        if !wanted.body.is_empty() {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        sender.ready().await?;
        let answer = sender.send_request(request.body(Full::new(wanted.body))?).await?;
        let (status, order) = (answer.status().as_u16(), order_in(&answer));
        let mut body = answer.into_body();
        while let Some(frame) = body.frame().await {
            frame?;
        }
        Ok((status, order))
    }
}

/// `Location: /orders/{id}`
fn order_in<B>(answer: &Response<B>) -> Option<OrderId> {
    let location = answer.headers().get(LOCATION)?.to_str().ok()?;
    location.strip_prefix("/orders/")?.parse().ok()
}
