//! What may be kept by whoever stands between us and a reader, and for how long (RFC 9111).

use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use common::error::ApiError;
use common::http::conditional::is_known;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Seconds for which what everyone may see may be shown again without asking.
const PUBLIC: &str = "public, max-age=5";

/// Staff see more than others, and want what stands now.
const PRIVATE: &str = "private, no-cache";

/// One thing by its tag; 304 where the client has it.
pub(super) fn answer(
    request: &HttpRequest,
    is_personal: bool,
    tag: String,
    body: &impl Serialize,
) -> HttpResponse {
    let is_fresh = is_known(request, &tag);
    let mut response = begun(is_fresh, is_personal, tag);
    if is_fresh { response.finish() } else { response.json(body) }
}

/// A list or a count, tagged by what stands in it; 304 where the client has it.
pub(super) fn answer_list(
    request: &HttpRequest,
    is_personal: bool,
    link: Option<(HeaderName, String)>,
    body: &impl Serialize,
) -> Result<HttpResponse, ApiError> {
    let bytes = serde_json::to_vec(body).map_err(ApiError::internal)?;
    let mut hash = Sha256::new();
    hash.update(&bytes);
    // A page that has a next one now is another answer, though its entries are the same.
    hash.update([u8::from(link.is_some())]);
    let digits: String = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{digits}\"");
    let is_fresh = is_known(request, &tag);
    let mut response = begun(is_fresh, is_personal, tag);
    if let Some(link) = link {
        response.insert_header(link);
    }
    if is_fresh {
        return Ok(response.finish());
    }
    Ok(response.content_type(header::ContentType::json()).body(bytes))
}

fn begun(is_fresh: bool, is_personal: bool, tag: String) -> HttpResponseBuilder {
    let mut response = if is_fresh { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::CACHE_CONTROL, if is_personal { PRIVATE } else { PUBLIC }));
    response.insert_header((header::VARY, header::AUTHORIZATION.as_str()));
    response.insert_header((header::ETAG, tag));
    response
}
