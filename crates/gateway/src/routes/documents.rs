//! What the gateway shows by itself: the description of the API, and a page to read and try it.

use super::compression::takes_gzip;
use actix_web::body::SizedStream;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use common::http::conditional::is_known;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream::{self, Stream};
use sha2::{Digest as _, Sha256};
use std::convert::Infallible;
use std::io::Write as _;
use std::sync::LazyLock;

/// One document of the binary's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// The description of every service's API, as the services themselves give it: a test compares them.
    Description,
    Page,
    Script,
    Style,
}

/// A page that loads what is ours, calls what is ours, and runs nothing that stands in it.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                           base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// How long a copy may be shown without asking whether it is still good.
const CACHE_CONTROL: &str = "public, max-age=60";

/// Bytes that are handed over at a time: of a client that takes nothing, a few pieces are kept and not the whole.
const PIECE: usize = 16 * 1024;

/// The bytes of a document, as they are and as gzip, each with its entity tag.
struct Stored {
    plain: (Bytes, String),
    gzip: (Bytes, String),
}

static DESCRIPTION: LazyLock<Stored> = LazyLock::new(|| Stored::new(include_bytes!("../../openapi.json")));
static PAGE: LazyLock<Stored> = LazyLock::new(|| Stored::new(include_bytes!("../../explorer/index.html")));
static SCRIPT: LazyLock<Stored> = LazyLock::new(|| Stored::new(include_bytes!("../../explorer/explorer.js")));
static STYLE: LazyLock<Stored> = LazyLock::new(|| Stored::new(include_bytes!("../../explorer/explorer.css")));

impl Stored {
    fn new(bytes: &'static [u8]) -> Self {
        let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 8), Compression::best());
        // Writing into memory cannot fail; if it did, nobody would be sent gzip that is none.
        let gzip = encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default();
        let digest = Sha256::digest(bytes);
        let digits: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Self {
            plain: (Bytes::from_static(bytes), format!("\"{digits}\"")),
            gzip: (gzip.into(), format!("\"{digits}-gzip\"")),
        }
    }
}

impl Document {
    const fn content_type(self) -> &'static str {
        match self {
            Self::Description => "application/json",
            Self::Page => "text/html; charset=utf-8",
            Self::Script => "text/javascript; charset=utf-8",
            Self::Style => "text/css; charset=utf-8",
        }
    }

    fn stored(self) -> &'static Stored {
        match self {
            Self::Description => &DESCRIPTION,
            Self::Page => &PAGE,
            Self::Script => &SCRIPT,
            Self::Style => &STYLE,
        }
    }

    pub fn show(self, request: &HttpRequest) -> HttpResponse {
        let stored = self.stored();
        let is_gzip = takes_gzip(request) && !stored.gzip.0.is_empty();
        let (bytes, tag) = if is_gzip { &stored.gzip } else { &stored.plain };
        let is_fresh = is_known(request, tag);
        let mut response = if is_fresh { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response
            .insert_header((header::ETAG, tag.as_str()))
            .insert_header((header::CACHE_CONTROL, HeaderValue::from_static(CACHE_CONTROL)))
            .insert_header((header::VARY, "accept-encoding"));
        if self == Self::Page {
            response.insert_header((header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY)));
        }
        if is_fresh {
            return response.finish();
        }
        if is_gzip {
            response.insert_header((header::CONTENT_ENCODING, HeaderValue::from_static("gzip")));
        }
        response.content_type(self.content_type()).body(in_pieces(bytes))
    }
}

fn in_pieces(bytes: &Bytes) -> SizedStream<impl Stream<Item = Result<Bytes, Infallible>> + use<>> {
    let (bytes, length) = (bytes.clone(), bytes.len());
    let piece = move |at: usize| Ok(bytes.slice(at..length.min(at + PIECE)));
    SizedStream::new(length as u64, stream::iter((0..length).step_by(PIECE).map(piece)))
}
