//! Where a request came from.

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr};

/// The client's address as the gateway saw it, or that of whoever calls us directly.
pub struct Origin(pub IpAddr);

impl FromRequest for Origin {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
        ready(Ok(Self(forwarded_for(request).unwrap_or(peer))))
    }
}

/// The last entry: the one that our own gateway wrote. It deletes what came from outside.
fn forwarded_for(request: &HttpRequest) -> Option<IpAddr> {
    let value = request.headers().get_all(header::X_FORWARDED_FOR).last()?;
    value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn the_origin_is_what_the_gateway_saw_or_the_peer() {
        let peer = "127.0.0.1:9".parse().unwrap();
        for (header, expected) in [
            (None, "127.0.0.1"),
            (Some("192.0.2.1"), "192.0.2.1"),
            (Some("203.0.113.9, 192.0.2.1"), "192.0.2.1"),
            (Some("2001:db8::1"), "2001:db8::1"),
            (Some("someone"), "127.0.0.1"),
        ] {
            let mut request = TestRequest::default().peer_addr(peer);
            if let Some(header) = header {
                request = request.insert_header(("x-forwarded-for", header));
            }
            let origin = Origin::from_request(&request.to_http_request(), &mut Payload::None);
            assert_eq!(origin.into_inner().unwrap().0.to_string(), expected);
        }
    }
}
