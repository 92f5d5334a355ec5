//! The receivers of webhooks: strangers, whose addresses are checked at every connection and whose answers are bounded.

use crate::domain::target::is_public;
use anyhow::Context as _;
use common::models::webhook::WebhookUrl;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Bytes of an answer that are read; the rest stays where it is.
const READ: usize = 64 * 1024;

/// Bytes of an answer that are kept.
const KEPT: usize = 4 * 1024;

/// Longest that a name may take to be resolved when an endpoint is made.
const RESOLVED_WITHIN: Duration = Duration::from_secs(3);

/// Why nothing may be sent to an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    #[error("must be an address such as https://example.org/hooks")]
    NotAUrl,
    #[error("must begin with https://")]
    NotHttps,
    #[error("must not hold a user, a password or a fragment")]
    Personal,
    #[error("must be reachable on the public internet")]
    Closed,
    #[error("has a name that cannot be resolved")]
    Unresolved,
}

/// The name leads, or leads also, to where webhooks are not sent.
#[derive(Debug, thiserror::Error)]
#[error("the address is not one of the public internet")]
struct ClosedAddress;

/// Why a receiver gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendFailure {
    ClosedAddress,
    TimedOut,
    Connection,
    BrokenAnswer,
}

impl SendFailure {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClosedAddress => "refused_address",
            Self::TimedOut => "timed_out",
            Self::Connection => "connection",
            Self::BrokenAnswer => "broken_answer",
        }
    }
}

/// What a receiver answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub retry_after: Option<String>,
    /// The first 4 KiB.
    pub text: String,
}

/// A request as it is signed.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    pub id: &'a str,
    pub timestamp_s: i64,
    pub signature: &'a str,
    pub body: &'a str,
}

/// Names that are resolved at a time. Each takes a thread, for as long as somebody else's name server does not answer.
const RESOLVED_AT_ONCE: usize = 64;

/// Which addresses may be reached.
#[derive(Debug)]
struct Reach {
    /// For receivers on a developer's machine, or within a company's network.
    exceptions: Vec<IpNet>,
    allows_http: bool,
    resolving: Arc<Semaphore>,
}

impl Reach {
    fn covers(&self, address: IpAddr) -> bool {
        is_public(address) || self.exceptions.iter().any(|network| network.contains(&address))
    }
}

/// Sends to receivers.
#[derive(Clone)]
pub struct Receivers {
    client: Client,
    reach: Arc<Reach>,
}

impl Receivers {
    /// `exceptions`: addresses and networks that are reached though they are not public.
    pub fn new(
        exceptions: &[String],
        allows_http: bool,
        connect_timeout: Duration,
        timeout: Duration,
    ) -> anyhow::Result<Self> {
        let network = |text: &String| {
            let alone = text.parse::<IpAddr>().map(IpNet::from);
            alone.or_else(|_| text.parse()).with_context(|| {
                format!("webhooks.allowed_networks: {text:?} is neither an address nor a network such as 10.0.0.0/8")
            })
        };
        let exceptions = exceptions.iter().map(network).collect::<anyhow::Result<_>>()?;
        let reach = Arc::new(Reach {
            exceptions,
            allows_http,
            resolving: Arc::new(Semaphore::new(RESOLVED_AT_ONCE)),
        });
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(connect_timeout)
            .timeout(timeout)
            .pool_idle_timeout(Duration::from_secs(15))
            .pool_max_idle_per_host(8)
            .tcp_nodelay(true)
            .user_agent("oms-webhooks/1.0")
            .dns_resolver(Guarded { reach: reach.clone() })
            .build()?;
        Ok(Self { client, reach })
    }

    /// Whether webhooks may be sent there, as far as it can be known now. Answers the host: the rest of an address may be
    /// a secret.
    pub async fn check(&self, url: &WebhookUrl) -> Result<String, InvalidTarget> {
        let url = self.parse(url)?;
        if let Some(url::Host::Domain(name)) = url.host() {
            match tokio::time::timeout(RESOLVED_WITHIN, resolve(&self.reach, name)).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) if error.is::<ClosedAddress>() => return Err(InvalidTarget::Closed),
                _ => return Err(InvalidTarget::Unresolved),
            }
        }
        Ok(url.host_str().unwrap_or_default().to_owned())
    }

    /// What the address itself says. An address in numbers is resolved by nobody, so that it is looked at here.
    fn parse(&self, url: &WebhookUrl) -> Result<Url, InvalidTarget> {
        let url = Url::parse(url).map_err(|_| InvalidTarget::NotAUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if self.reach.allows_http => {}
            _ => return Err(InvalidTarget::NotHttps),
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(InvalidTarget::Personal);
        }
        let literal = match url.host() {
            None => return Err(InvalidTarget::NotAUrl),
            Some(url::Host::Domain(_)) => return Ok(url),
            Some(url::Host::Ipv4(address)) => IpAddr::V4(address),
            Some(url::Host::Ipv6(address)) => IpAddr::V6(address),
        };
        if self.reach.covers(literal) { Ok(url) } else { Err(InvalidTarget::Closed) }
    }

    /// One try. Whatever is answered is an answer; only its status, one header and its beginning are looked at.
    pub async fn send(&self, url: &WebhookUrl, signed: Signed<'_>) -> Result<Answer, SendFailure> {
        let url = self.parse(url).map_err(|_| SendFailure::ClosedAddress)?;
        let request = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", signed.id)
            .header("webhook-timestamp", signed.timestamp_s)
            .header("webhook-signature", signed.signature)
            .body(signed.body.to_owned());
        let mut response = request.send().await.map_err(|error| failure(&error))?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let retry_after = retry_after.map(str::to_owned);
        let mut text = Vec::new();
        let mut read = 0;
        // What cannot be read of it changes nothing: the status was the answer.
        while let Ok(Some(piece)) = response.chunk().await {
            read += piece.len();
            let room = KEPT.saturating_sub(text.len());
            text.extend(piece.iter().take(room));
            if read >= READ {
                break;
            }
        }
        Ok(Answer { status, retry_after, text: String::from_utf8_lossy(&text).into_owned() })
    }
}

fn failure(error: &reqwest::Error) -> SendFailure {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if inner.is::<ClosedAddress>() {
            return SendFailure::ClosedAddress;
        }
        cause = inner.source();
    }
    if error.is_timeout() {
        SendFailure::TimedOut
    } else if error.is_connect() {
        SendFailure::Connection
    } else {
        SendFailure::BrokenAnswer
    }
}

/// Resolves names for the client: to addresses that may be reached, all of them, or to nothing. Between the check and
/// the connection there is no second question that somebody else could answer.
struct Guarded {
    reach: Arc<Reach>,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach.clone();
        Box::pin(async move {
            let found = resolve(&reach, name.as_str()).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

async fn resolve(
    reach: &Reach,
    name: &str,
) -> Result<Vec<SocketAddr>, Box<dyn std::error::Error + Send + Sync>> {
    let (name, place) = (name.to_owned(), reach.resolving.clone().acquire_owned().await?);
    let found = tokio::task::spawn_blocking(move || {
        // Kept until the thread is free again, though nobody may wait for it any more.
        let _place = place;
        (name.as_str(), 0).to_socket_addrs().map(Iterator::collect::<Vec<SocketAddr>>)
    });
    let found = found.await??;
    if found.is_empty() {
        return Err("the name has no address".into());
    }
    if found.iter().all(|address| reach.covers(address.ip())) {
        Ok(found)
    } else {
        Err(Box::new(ClosedAddress))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receivers(exceptions: &[&str], allows_http: bool) -> Receivers {
        let exceptions: Vec<String> = exceptions.iter().map(|network| (*network).to_owned()).collect();
        let second = Duration::from_secs(1);
        Receivers::new(&exceptions, allows_http, second, second).unwrap()
    }

    async fn check(receivers: &Receivers, url: &str) -> Result<String, InvalidTarget> {
        receivers.check(&url.parse().unwrap()).await
    }

    #[tokio::test]
    async fn nothing_is_sent_to_where_only_we_can_reach_however_it_is_written() {
        let receivers = receivers(&[], false);
        for closed in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://10.0.0.1:8443/x",
            "https://169.254.169.254/latest/meta-data/",
            "https://[::1]/",
            "https://[::ffff:169.254.169.254]/",
            "https://[64:ff9b::a9fe:a9fe]/",
            "https://[2002:a9fe:a9fe::]/",
            "https://[fd00:ec2::254]/",
            "https://[fe80::1]/",
            "https://localhost/",
        ] {
            assert_eq!(check(&receivers, closed).await, Err(InvalidTarget::Closed), "{closed}");
        }
        for (url, error) in [
            ("http://example.org/", InvalidTarget::NotHttps),
            ("ftp://example.org/", InvalidTarget::NotHttps),
            ("example.org", InvalidTarget::NotAUrl),
            ("https://user@1.1.1.1/", InvalidTarget::Personal),
            ("https://:secret@1.1.1.1/", InvalidTarget::Personal),
            ("https://1.1.1.1/#x", InvalidTarget::Personal),
        ] {
            assert_eq!(check(&receivers, url).await, Err(error), "{url}");
        }
        assert_eq!(check(&receivers, "https://1.1.1.1/hooks?key=secret").await, Ok("1.1.1.1".to_owned()));
    }

    #[tokio::test]
    async fn a_name_is_checked_again_where_the_connection_is_made() {
        let closed = receivers(&[], true);
        let signed = Signed { id: "a", timestamp_s: 1, signature: "v1,x", body: "{}" };
        // What an administrator was once allowed to name may lead elsewhere today.
        let sent = closed.send(&"http://localhost:9/".parse().unwrap(), signed).await;
        assert_eq!(sent.map(|answer| answer.status), Err(SendFailure::ClosedAddress));
        let open = receivers(&["127.0.0.0/8", "::1"], true);
        let sent = open.send(&"http://localhost:9/".parse().unwrap(), signed).await;
        assert_eq!(sent.map(|answer| answer.status), Err(SendFailure::Connection));
    }
}
