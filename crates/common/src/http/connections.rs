//! How many connections there may be, and how long one may have no request.
//!
//! The server closes a connection that says nothing, and one whose first head does not come to its end. For the end of
//! a later head it would wait for ever: whoever opened many and stopped half-way in the second head of each would keep
//! everybody else out.

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::rt::net::TcpStream;
use actix_web::web::Bytes;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::net::Shutdown;
use std::os::fd::{AsFd as _, OwnedFd};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// How often connections are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Descriptors for everything that is no connection of a client: databases, other services, logs, programs. At most half
/// of all.
const RESERVE: usize = 1_024;

/// Raises the limit of open files as far as this process may, and answers how many connections of each listener fit in:
/// `wanted`, or fewer. A public connection takes two descriptors, an internal one takes one.
pub fn fitting(wanted: usize) -> usize {
    let files = match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, hard)) if setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() => hard.max(soft),
        Ok((soft, _)) => soft,
        Err(error) => {
            tracing::warn!(%error, "how many files may be open is not known");
            return wanted;
        }
    };
    let files = usize::try_from(files).unwrap_or(usize::MAX);
    let fitting = ((files - RESERVE.min(files / 2)) / 3).max(1);
    if fitting < wanted {
        tracing::warn!(
            files,
            wanted,
            fitting,
            "fewer connections than http.max_connections; raise the limit of open files"
        );
    }
    wanted.min(fitting)
}

thread_local! {
    /// Those that this thread serves.
    static OPEN: RefCell<Vec<Weak<Connection>>> = const { RefCell::new(Vec::new()) };
}

/// A connection of a client.
struct Connection {
    /// The same socket once more: the server lends its own to nobody.
    socket: OwnedFd,
    /// Requests whose answers are not out.
    asked: Cell<usize>,
    /// Since when there are none.
    quiet: Cell<Instant>,
}

impl Connection {
    fn is_quiet_for(&self, limit: Duration) -> bool {
        self.asked.get() == 0 && self.quiet.get().elapsed() > limit
    }
}

/// For the server to call with every new connection: one that has had no request for so long is closed.
pub fn watch(limit: Duration) -> impl Fn(&dyn Any, &mut Extensions) + Send + Sync + 'static {
    move |stream, data| {
        let plain = stream.downcast_ref::<TcpStream>();
        let stream = plain.or_else(|| Some(stream.downcast_ref::<TlsStream<TcpStream>>()?.get_ref().0));
        let Some(stream) = stream else { return };
        let socket = match stream.as_fd().try_clone_to_owned() {
            Ok(socket) => socket,
            Err(error) => {
                tracing::warn!(%error, "a connection is not watched");
                return;
            }
        };
        let connection =
            Rc::new(Connection { socket, asked: Cell::new(0), quiet: Cell::new(Instant::now()) });
        let is_first = OPEN.with_borrow_mut(|open| {
            open.push(Rc::downgrade(&connection));
            open.len() == 1
        });
        data.insert(connection);
        if is_first {
            actix_web::rt::spawn(close_the_quiet(limit));
        }
    }
}

/// Until this thread has no connection left.
async fn close_the_quiet(limit: Duration) {
    loop {
        tokio::time::sleep(LOOK_EVERY.min(limit)).await;
        let is_last = OPEN.with_borrow_mut(|open| {
            open.retain(|connection| match connection.upgrade() {
                Some(connection) if connection.is_quiet_for(limit) => {
                    // What is closed already needs no end.
                    let _ended = socket2::SockRef::from(&connection.socket).shutdown(Shutdown::Both);
                    false
                }
                found => found.is_some(),
            });
            open.is_empty()
        });
        if is_last {
            return;
        }
    }
}

/// A request whose answer is not out.
struct Asked(Rc<Connection>);

impl Asked {
    fn new(connection: Rc<Connection>) -> Self {
        connection.asked.set(connection.asked.get() + 1);
        Self(connection)
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.asked.set(self.0.asked.get().saturating_sub(1));
        self.0.quiet.set(Instant::now());
    }
}

/// Middleware: a connection has a request until its answer is out.
pub async fn count(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let asked = request.conn_data::<Rc<Connection>>().cloned().map(Asked::new);
    let response = next.call(request).await?;
    Ok(response.map_body(|_, body| Answer { body: body.boxed(), asked }))
}

struct Answer {
    body: BoxBody,
    asked: Option<Asked>,
}

impl MessageBody for Answer {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(cx)
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        let Self { body, asked } = self;
        body.try_into_bytes().map_err(|body| Self { body, asked })
    }
}
