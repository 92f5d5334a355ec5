//! Answers made smaller: where they are long, text, and the client can read gzip.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::web::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;

/// Compresses a body and says so in the headers, or leaves both as they are.
///
/// An answer with an `ETag` stays: the tag names these very bytes, and a client sends it back in `If-Match`. So do
/// answers that hold secrets, which are short anyway.
pub fn compress(request: &HttpRequest, headers: &mut HeaderMap, body: Bytes, least: usize) -> Bytes {
    if least == 0 || body.len() < least || !is_text(headers) || headers.contains_key(header::ETAG) {
        return body;
    }
    headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    if headers.contains_key(header::CONTENT_ENCODING) || !takes_gzip(request) {
        return body;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    // Writing into memory cannot fail; if it did, the body as it is would be right too.
    match encoder.write_all(&body).and_then(|()| encoder.finish()) {
        Ok(smaller) if smaller.len() < body.len() => {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            smaller.into()
        }
        _ => body,
    }
}

fn is_text(headers: &HeaderMap) -> bool {
    let media_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    essence.starts_with("text/")
        || essence == "application/json"
        || essence.ends_with("+json")
        || essence == "application/x-ndjson"
}

/// Whether `Accept-Encoding` names gzip, or everything, and does not weigh it with nothing (RFC 9110, section 12.5.3).
pub(super) fn takes_gzip(request: &HttpRequest) -> bool {
    let mut everything = false;
    for value in request.headers().get_all(header::ACCEPT_ENCODING) {
        for item in value.to_str().unwrap_or_default().split(',') {
            let (coding, weight) = item.split_once(';').unwrap_or((item, ""));
            let weight = weight.trim().trim_start_matches("q=");
            let is_wanted =
                !(weight.starts_with('0') && weight.bytes().all(|byte| matches!(byte, b'0' | b'.')));
            match coding.trim() {
                coding if coding.eq_ignore_ascii_case("gzip") => return is_wanted,
                "*" => everything = is_wanted,
                _ => {}
            }
        }
    }
    everything
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn accept_encoding_is_read_as_the_standard_says() {
        for (value, expected) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("*", true),
            ("br", false),
            ("", false),
            ("gzip;q=0", false),
            ("*, gzip;q=0.0", false),
            ("gzip;q=0.001", true),
            ("*;q=0", false),
        ] {
            let request =
                TestRequest::default().insert_header((header::ACCEPT_ENCODING, value)).to_http_request();
            assert_eq!(takes_gzip(&request), expected, "{value}");
        }
        assert!(!takes_gzip(&TestRequest::default().to_http_request()));
    }
}
