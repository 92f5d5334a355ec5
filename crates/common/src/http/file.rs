//! Files of many rows, streamed in and out: what is held of one is a batch of its rows, however long it is.

use crate::context::{self, Context, run_to_end};
use crate::error::{ApiError, Kind};
use crate::models::bulk::FileFormat;
use crate::rows::{BadHeading, Row, RowReader, RowRules};
use actix_web::http::header;
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::{StreamExt, stream};
use std::future::Future;
use std::time::{Duration, Instant};

/// Rows that are handed over together.
const BATCH: usize = 500;

/// Bytes of a file whose rows are handed over together, however few they are.
const BATCH_BYTES: usize = 2 * 1024 * 1024;

/// Longest that a client may send nothing.
const SILENCE: Duration = Duration::from_secs(30);

/// Longest that one batch of rows, or one page of a file, may take.
const STEP: Duration = Duration::from_secs(30);

/// A file on its way in.
pub struct Upload {
    payload: Payload,
    reader: Option<RowReader>,
    rows: Vec<Row>,
}

impl Upload {
    /// The request's body, in one of these formats.
    pub fn open(
        request: &HttpRequest,
        payload: Payload,
        formats: &[FileFormat],
        rules: RowRules,
    ) -> Result<Self, ApiError> {
        let content_type =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let format = FileFormat::of_media_type(content_type).filter(|format| formats.contains(format));
        let format = format.ok_or_else(|| {
            let media: Vec<&str> = formats.iter().map(|format| format.media_type()).collect();
            let rule = format!("The body must be {}, in UTF-8.", media.join(" or "));
            ApiError::new(Kind::UnsupportedMediaType, rule)
        })?;
        if request.headers().contains_key(header::CONTENT_ENCODING) {
            return Err(ApiError::new(Kind::UnsupportedMediaType, "The body must not be compressed."));
        }
        Ok(Self { payload, reader: Some(RowReader::new(format, rules)), rows: Vec::new() })
    }

    /// The next batch of rows; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<Row>>, ApiError> {
        let mut taken = 0;
        while self.rows.len() < BATCH && (taken < BATCH_BYTES || self.rows.is_empty()) {
            let Some(reader) = &mut self.reader else { break };
            match tokio::time::timeout(SILENCE, self.payload.next()).await {
                Err(_) => {
                    let silent = ApiError::new(Kind::Malformed, "The body did not arrive in time.");
                    return Err(silent.code("body_timeout"));
                }
                Ok(Some(Ok(piece))) => {
                    taken += piece.len();
                    reader.feed(&piece, &mut self.rows).map_err(bad_heading)?;
                }
                Ok(Some(Err(cause))) => {
                    return Err(ApiError::new(Kind::Malformed, format!("The body cannot be read: {cause}.")));
                }
                Ok(None) => {
                    reader.finish(&mut self.rows).map_err(bad_heading)?;
                    self.reader = None;
                }
            }
        }
        if self.rows.is_empty() {
            return Ok(None);
        }
        let rest = self.rows.split_off(self.rows.len().min(BATCH));
        Ok(Some(std::mem::replace(&mut self.rows, rest)))
    }
}

fn bad_heading(rule: BadHeading) -> ApiError {
    ApiError::invalid_field("", "bad_heading", rule)
}

/// Runs one step of a file to its end. Each has a time of its own: the whole takes as long as the file is.
pub async fn step<T, E>(work: impl Future<Output = Result<T, E>> + Send + 'static) -> Result<T, ApiError>
where
    T: Send + 'static,
    E: Send + 'static,
    ApiError: From<E>,
{
    let context = match context::current() {
        Some(context) => Context { deadline: Instant::now() + STEP, ..context },
        None => Context::background(STEP),
    };
    Ok(context::scope(context, run_to_end(work)).await??)
}

/// A file on its way out, a page at a time: `page` answers the text from a position on, and where the next page
/// begins; `None` after the last. What fails half-way breaks the answer off, so that nobody takes a part for the whole.
pub fn download<P, E, F>(format: FileFormat, start: P, page: impl Fn(P) -> F + 'static) -> HttpResponse
where
    P: Send + 'static,
    E: Send + 'static,
    ApiError: From<E>,
    F: Future<Output = Result<(String, Option<P>), E>> + Send + 'static,
{
    let pages = stream::try_unfold(Some(start), move |position| {
        let page = position.map(&page);
        async move {
            let Some(page) = page else { return Ok(None) };
            let (text, next) =
                step(page).await.inspect_err(|cause| tracing::warn!(%cause, "an export broke off"))?;
            Ok::<_, ApiError>(Some((Bytes::from(text), next)))
        }
    });
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, format.media_type())).streaming(pages)
}
