//! Why a call gave nothing.

use common::error::Problem;
use reqwest::StatusCode;
use std::borrow::Cow;
use std::sync::Arc;

/// Why a call gave nothing; cheap to clone, because many calls can wait for one log-in.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let Ok(url) = std::env::var("OMS_EXAMPLE_SHOP") else { return Ok(()) };
/// # let client = oms_client::Client::builder(&url).credentials("staff@shop.example", "a colleague of ours");
/// # let client = client.build()?;
/// use common::ids::OrderId;
/// use oms_client::Error;
///
/// match client.order(OrderId::new()).await {
///     Ok(order) => println!("{:?}", order.status),
///     // For people there is `problem.detail`, for whoever runs the shop `problem.request_id`.
///     Err(Error::Problem { status: 404, problem }) => println!("{}", problem.detail),
///     Err(Error::Timeout | Error::Transport(_)) => println!("nobody answered: ask again"),
///     Err(error) => return Err(error.into()),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The service understood the call and said no.
    #[error("{status} {}: {}", .problem.code, .problem.detail)]
    Problem { status: u16, problem: Box<Problem> },
    /// No answer came. Whether the call had an effect is not known; the same idempotency key finds out.
    #[error("no answer")]
    Transport(#[source] Arc<reqwest::Error>),
    /// No answer came in time. Whether the call had an effect is not known; the same idempotency key finds out.
    #[error("no answer in time")]
    Timeout,
    /// The answer, or the value to send, is not of the documented shape.
    #[error("not of the documented shape")]
    Decode(#[source] Arc<serde_json::Error>),
    /// The client was told something that cannot be used, such as an address that is none.
    #[error("{0}")]
    Configuration(String),
}

impl Error {
    /// The problem's stable code, such as `out_of_stock`.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Problem { problem, .. } => Some(&problem.code),
            _ => None,
        }
    }

    /// The HTTP status, where there was an answer.
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Problem { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The problem an answer states. What is no problem document, say from a proxy on the way, becomes one of the
    /// code `unexpected_answer`.
    pub(crate) fn answered(status: StatusCode, body: &[u8]) -> Self {
        let problem = serde_json::from_slice(body).unwrap_or_else(|_| Problem {
            kind: Cow::Borrowed("about:blank"),
            title: Cow::Borrowed(status.canonical_reason().unwrap_or("")),
            status: status.as_u16(),
            detail: "The answer does not say more.".to_owned(),
            code: Cow::Borrowed("unexpected_answer"),
            errors: Vec::new(),
            request_id: None,
            extensions: serde_json::Map::new(),
        });
        Self::Problem { status: status.as_u16(), problem: Box::new(problem) }
    }
}

impl From<reqwest::Error> for Error {
    fn from(cause: reqwest::Error) -> Self {
        if cause.is_timeout() { Self::Timeout } else { Self::Transport(Arc::new(cause)) }
    }
}

impl From<serde_json::Error> for Error {
    fn from(cause: serde_json::Error) -> Self {
        Self::Decode(Arc::new(cause))
    }
}
