//! The request target as it was sent: one spelling for each path, or refused before it is routed.

use actix_web::http::Uri;
use common::error::{ApiError, Kind};

/// Encoded bytes that some reader downstream could take for a separator, a dot, or the start of a second encoding.
const REFUSED_ENCODINGS: [u8; 4] = [b'.', b'/', b'\\', b'%'];

/// A target that means the same to every reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// Begins with a slash; nothing in it was decoded.
    pub path: &'a str,
    pub query: Option<&'a str>,
}

/// Checks a target in origin form (RFC 9112, section 3.2.1).
pub fn check(uri: &Uri) -> Result<Target<'_>, ApiError> {
    let refuse = |rule: &'static str| Err(ApiError::new(Kind::Malformed, rule).code("invalid_path"));
    if uri.scheme().is_some() || uri.authority().is_some() {
        return refuse("The request target must be a path, not a whole URL.");
    }
    let (path, query) = (uri.path(), uri.query());
    if !path.starts_with('/') {
        return refuse("The path must begin with a slash.");
    }
    if !is_visible(path) || !query.is_none_or(is_visible) {
        return refuse("The request target must consist of visible ASCII characters.");
    }
    if path.contains("//") || path.contains('\\') {
        return refuse("The path must not contain // or a backslash.");
    }
    if path.split('/').any(|segment| segment == "." || segment == "..") {
        return refuse("The path must not contain dot segments.");
    }
    if !path.split('%').skip(1).all(is_harmless_encoding) {
        return refuse(
            "The path must not contain encoded dots, slashes, backslashes, percent or control characters.",
        );
    }
    Ok(Target { path, query })
}

fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether what follows a percent sign is two hexadecimal digits of a byte that is only ever data.
fn is_harmless_encoding(rest: &str) -> bool {
    let Some(digits) = rest.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit())) else {
        return false;
    };
    u8::from_str_radix(digits, 16)
        .is_ok_and(|byte| !byte.is_ascii_control() && !REFUSED_ENCODINGS.contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(target: &str) -> bool {
        target.parse::<Uri>().is_ok_and(|uri| check(&uri).is_ok())
    }

    #[test]
    fn ordinary_targets_pass_as_they_are() {
        for target in [
            "/",
            "/orders",
            "/orders/a-b_c~d",
            "/products?q=50%25%20off//..&limit=1",
            "/caf%C3%A9",
            "/a..b/.c",
        ] {
            assert!(passes(target), "{target}");
        }
        let uri: Uri = "/a%20b?c=%2F".parse().unwrap();
        assert_eq!(check(&uri).unwrap(), Target { path: "/a%20b", query: Some("c=%2F") });
    }

    #[test]
    fn whatever_two_readers_could_read_differently_is_refused() {
        for target in [
            "*",
            "shop:80",
            "http://shop/orders",
            "/..",
            "/orders/../internal",
            "/orders/.",
            "/./orders",
            "//orders",
            "/orders//1",
            "/%2e%2E/internal",
            "/orders/%2Finternal",
            "/orders%5cinternal",
            "/orders/%252e",
            "/a%00",
            "/a%0a",
            "/a%7F",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a%+1",
        ] {
            assert!(!passes(target), "{target}");
        }
    }
}
