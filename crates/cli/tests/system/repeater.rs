//! What a network does to a call between two services: it delivers the request twice, or loses the answer.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mischief {
    None,
    /// Every request arrives twice; the caller hears the second answer.
    Twice,
    /// The first answer to every request is lost; its repeat is answered.
    LostAnswer,
}

/// A listener in front of a service. Calls are counted by what they ask for.
pub struct Repeater {
    port: u16,
    wire: Arc<Wire>,
}

struct Wire {
    mischief: Mischief,
    http: reqwest::Client,
    /// Where the service is, as soon as that is known.
    service: OnceLock<String>,
    /// Requests whose answer was lost.
    lost: Mutex<HashSet<(String, Bytes)>>,
    /// Calls that something was done to, and with [`Mischief::None`] all.
    struck: Mutex<BTreeMap<String, u64>>,
}

/// The caller hears nothing.
#[derive(Debug, thiserror::Error)]
#[error("the answer is lost")]
struct Lost;

impl Repeater {
    pub async fn open(mischief: Mischief) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let wire = Arc::new(Wire {
            mischief,
            http,
            service: OnceLock::new(),
            lost: Mutex::default(),
            struck: Mutex::default(),
        });
        let serving = wire.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, serving.clone()));
            }
        });
        Self { port, wire }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn lead_to(&self, service: String) {
        self.wire.service.set(service).unwrap();
    }

    pub fn struck(&self) -> BTreeMap<String, u64> {
        self.wire.struck.lock().unwrap().clone()
    }
}

async fn serve(stream: TcpStream, wire: Arc<Wire>) {
    let service = service_fn(move |request| {
        let wire = wire.clone();
        async move { wire.pass(request).await }
    });
    // A lost answer ends its connection.
    _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

impl Wire {
    async fn pass(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Lost> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Lost)?.to_bytes();
        let service = self.service.get().ok_or(Lost)?;
        let send = async || {
            let mut headers = head.headers.clone();
            headers.remove(hyper::header::HOST);
            let url = format!("{service}{}", head.uri);
            let request = self.http.request(head.method.clone(), url).headers(headers).body(body.clone());
            let answer = request.send().await.map_err(|_| Lost)?;
            let mut response = Response::builder().status(answer.status());
            if let Some(kind) = answer.headers().get(hyper::header::CONTENT_TYPE) {
                response = response.header(hyper::header::CONTENT_TYPE, kind);
            }
            let body = answer.bytes().await.map_err(|_| Lost)?;
            response.body(Full::new(body)).map_err(|_| Lost)
        };
        let mut answer = send().await?;
        match self.mischief {
            Mischief::None => self.strike(&head, &body),
            Mischief::Twice => {
                self.strike(&head, &body);
                answer = send().await?;
            }
            Mischief::LostAnswer => {
                let asked = (format!("{} {}", head.method, head.uri), body.clone());
                if self.lost.lock().unwrap().insert(asked) {
                    self.strike(&head, &body);
                    return Err(Lost);
                }
            }
        }
        Ok(answer)
    }

    /// Counts a call: by its method and path without identities, and each entry for the stock ledger by its kind.
    fn strike(&self, head: &hyper::http::request::Parts, body: &Bytes) {
        let part =
            |part: &str| if Uuid::try_parse(part).is_ok() { "{id}".to_owned() } else { part.to_owned() };
        let path: Vec<String> = head.uri.path().split('/').map(part).collect();
        let call = format!("{} {}", head.method, path.join("/"));
        let said: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let entries = said["entries"].as_array().into_iter().flatten();
        let kinds: Vec<_> =
            entries.filter_map(|entry| Some(format!(" {}", entry["kind"].as_str()?))).collect();
        let mut struck = self.struck.lock().unwrap();
        for kind in if kinds.is_empty() { vec![String::new()] } else { kinds } {
            *struck.entry(format!("{call}{kind}")).or_default() += 1;
        }
    }
}
