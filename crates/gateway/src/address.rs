//! Whose address a request comes from: the peer's, or where the peer is a proxy of ours, what that one saw.

use actix_web::HttpRequest;
use actix_web::http::header::X_FORWARDED_FOR;
use anyhow::Context as _;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr};

/// Proxies whose `X-Forwarded-For` is believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Addresses and networks, such as `192.0.2.1` and `10.0.0.0/8`.
    pub fn parse(proxies: &[String]) -> anyhow::Result<Self> {
        let network = |text: &String| {
            let alone = text.parse::<IpAddr>().map(IpNet::from);
            alone.or_else(|_| text.parse()).with_context(|| {
                format!(
                    "clients.trusted_proxies: {text:?} is neither an address nor a network such as 10.0.0.0/8"
                )
            })
        };
        Ok(Self(proxies.iter().map(network).collect::<anyhow::Result<_>>()?))
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The nearest address that is none of our proxies: everything before it anyone can have written.
    pub fn client_of(&self, request: &HttpRequest) -> IpAddr {
        let peer =
            request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip().to_canonical());
        if self.0.is_empty() || !self.trusts(peer) {
            return peer;
        }
        let mut client = peer;
        let entries: Vec<_> = request.headers().get_all(X_FORWARDED_FOR).collect();
        for entry in entries.iter().rev().flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b',')) {
            let address = str::from_utf8(entry).ok().and_then(|text| text.trim().parse::<IpAddr>().ok());
            // What is no address ends the chain: whoever wrote it is as far as we can see.
            let Some(address) = address else { break };
            client = address.to_canonical();
            if !self.trusts(client) {
                break;
            }
        }
        client
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn client(proxies: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let proxies: Vec<String> = proxies.iter().map(|proxy| (*proxy).to_owned()).collect();
        let mut request = TestRequest::default().peer_addr(format!("{peer}:9").parse().unwrap());
        for value in forwarded {
            request = request.append_header((X_FORWARDED_FOR, *value));
        }
        TrustedProxies::parse(&proxies).unwrap().client_of(&request.to_http_request()).to_string()
    }

    #[test]
    fn only_what_a_proxy_of_ours_wrote_is_believed() {
        let ours = &["10.0.0.0/8", "192.0.2.7"];
        for (peer, forwarded, expected) in [
            ("203.0.113.1", &["198.51.100.1"][..], "203.0.113.1"),
            ("10.1.1.1", &[], "10.1.1.1"),
            ("10.1.1.1", &["198.51.100.1"], "198.51.100.1"),
            ("192.0.2.7", &["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            ("10.1.1.1", &["1.1.1.1", "198.51.100.1, 10.2.2.2"], "198.51.100.1"),
            ("10.1.1.1", &["1.1.1.1", "10.2.2.2"], "1.1.1.1"),
            ("10.1.1.1", &["1.1.1.1, rubbish, 10.2.2.2"], "10.2.2.2"),
            ("10.1.1.1", &["rubbish"], "10.1.1.1"),
            ("10.1.1.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
        ] {
            assert_eq!(client(ours, peer, forwarded), expected, "{peer} {forwarded:?}");
        }
        assert_eq!(client(&[], "10.1.1.1", &["198.51.100.1"]), "10.1.1.1");
    }

    #[test]
    fn what_is_no_network_is_refused_by_name() {
        let refusal = TrustedProxies::parse(&["10.0.0.0/40".to_owned()]).unwrap_err().to_string();
        assert!(refusal.contains("trusted_proxies") && refusal.contains("10.0.0.0/40"), "{refusal}");
    }
}
