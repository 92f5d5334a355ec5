//! How every service runs: two listeners, health, and a stop that loses nothing.

use crate::auth::service_token;
use crate::context::{self, Tasks};
use crate::http::connections;
use crate::http::endpoint::{internal_endpoint, no_such_path};
use crate::http::request::with_context;
use crate::metrics;
use crate::traces;
use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context as _;
use futures_util::future::BoxFuture;
use rustls::ServerConfig;
use serde::Deserialize;
use serde_json::json;
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Connections that wait in the kernel until they are accepted; it takes no more than `net.core.somaxconn`.
const BACKLOG: i32 = 4_096;

/// Bytes of an answer that the kernel keeps for a client; it doubles them for its own needs.
const SEND_BUFFER: usize = 128 * 1024;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    pub host: String,
    /// What the gateway may route to; 0 takes a free port.
    pub public_port: u16,
    /// `/internal/*`, health and metrics; 0 takes a free port.
    pub internal_port: u16,
    /// Threads of each listener; 0 takes one for each core.
    pub workers: usize,
    /// Connections of each listener.
    pub max_connections: usize,
    /// Milliseconds that a client may take to send the head of a request, and for the TLS handshake before it.
    pub head_timeout_ms: u64,
    /// Milliseconds that a connection may be idle between two requests.
    pub idle_timeout_ms: u64,
    /// Milliseconds that an answer may wait for a client that reads nothing.
    pub send_timeout_ms: u64,
    /// Milliseconds between saying "not ready" and closing the listeners, for load balancers to notice.
    pub stop_delay_ms: u64,
    /// Seconds that open requests have to end.
    pub drain_timeout_s: u64,
}

/// The two bound sockets of a service.
pub struct Listeners {
    public: Listener,
    internal: Listener,
}

struct Listener {
    socket: TcpListener,
    /// Where it speaks TLS.
    tls: Option<ServerConfig>,
    /// Whether strangers may come, whose connections are watched.
    is_public: bool,
}

impl Listeners {
    pub fn bind(settings: &HttpSettings) -> anyhow::Result<Self> {
        let bind = |port: u16, is_public: bool| {
            let socket = TcpListener::bind((settings.host.as_str(), port))
                .with_context(|| format!("cannot listen on {}:{port}; is the port taken?", settings.host))?;
            // The standard library has 128 wait; where more come at once, some would try again a second later.
            socket2::SockRef::from(&socket).listen(BACKLOG)?;
            anyhow::Ok(Listener { socket, tls: None, is_public })
        };
        Ok(Self { public: bind(settings.public_port, true)?, internal: bind(settings.internal_port, false)? })
    }

    /// With TLS on the public listener.
    pub fn with_tls(mut self, tls: Option<ServerConfig>) -> Self {
        self.public.tls = tls;
        self
    }

    pub fn public_port(&self) -> anyhow::Result<u16> {
        Ok(self.public.socket.local_addr()?.port())
    }

    pub fn internal_port(&self) -> anyhow::Result<u16> {
        Ok(self.internal.socket.local_addr()?.port())
    }
}

/// Whether this process should be sent requests: its own state and its own databases, nobody else's.
#[derive(Clone)]
pub struct Readiness {
    stopping: Arc<AtomicBool>,
    check: Arc<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>,
}

/// Whether this process is about to end: its answers then end their connections, so that the next request finds
/// another process.
#[derive(Clone)]
pub struct Stopping(Arc<AtomicBool>);

impl Stopping {
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Readiness {
    pub fn new(check: impl Fn() -> BoxFuture<'static, bool> + Send + Sync + 'static) -> Self {
        Self { stopping: Arc::default(), check: Arc::new(check) }
    }
}

/// Serves both listeners until `stop` resolves, then says "not ready", waits, and drains.
pub async fn serve(
    settings: &HttpSettings,
    listeners: Listeners,
    readiness: Readiness,
    public: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    internal: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let tasks = Tasks::here();
    let stopping = Stopping(readiness.stopping.clone());
    let most = connections::fitting(settings.max_connections);
    let settings = &HttpSettings { max_connections: most, ..settings.clone() };
    let public_server = start(settings, listeners.public, &tasks, &stopping, public)?;
    let health = Data::new(readiness.clone());
    let internal_server = start(settings, listeners.internal, &tasks, &stopping, move |config| {
        config
            .app_data(health.clone())
            .service(internal_endpoint("/health/live").get(live))
            .service(internal_endpoint("/health/ready").get(ready))
            .service(internal_endpoint("/metrics").get(show_metrics))
            .service(
                web::scope("/internal").wrap(from_fn(service_token::require)).configure(internal.clone()),
            );
    })?;
    let (public_handle, internal_handle) = (public_server.handle(), internal_server.handle());
    let mut servers = tokio::spawn(async move { tokio::try_join!(public_server, internal_server) });
    tokio::select! {
        () = stop => {}
        ended = &mut servers => {
            ended.context("a listener failed")??;
            anyhow::bail!("a listener ended by itself");
        }
    }
    tracing::info!("stopping");
    readiness.stopping.store(true, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(settings.stop_delay_ms)).await;
    tokio::join!(public_handle.stop(true), internal_handle.stop(true));
    servers.await.context("a listener failed")??;
    // Requests whose clients no longer wait still run to their end.
    if !tasks.finish(Duration::from_secs(settings.drain_timeout_s)).await {
        tracing::warn!("stopping with work under way; what it began is taken up again by its identity");
    }
    Ok(())
}

fn start(
    settings: &HttpSettings,
    listener: Listener,
    tasks: &Tasks,
    stopping: &Stopping,
    routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> anyhow::Result<Server> {
    // Accepted sockets inherit both: who stops reading does not keep an answer in memory for ever, nor much of it.
    let socket = socket2::SockRef::from(&listener.socket);
    socket
        .set_tcp_user_timeout(Some(Duration::from_millis(settings.send_timeout_ms)))
        .context("http.send_timeout_ms")?;
    socket.set_send_buffer_size(SEND_BUFFER).context("the send buffer of the listener")?;
    let workers = match settings.workers {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        workers => workers,
    };
    let (tasks, stopping) = (Data::new(tasks.clone()), Data::new(stopping.clone()));
    let app = move || {
        App::new()
            .app_data(tasks.clone())
            .app_data(stopping.clone())
            .wrap(from_fn(with_context))
            .wrap(from_fn(connections::count))
            // First, so that a service may name another one.
            .default_service(web::to(no_such_path_service))
            .configure(routes.clone())
    };
    let server = HttpServer::new(app)
        .workers(workers)
        // Each worker counts its own.
        .max_connections(settings.max_connections.div_ceil(workers))
        .keep_alive(Duration::from_millis(settings.idle_timeout_ms))
        .client_request_timeout(Duration::from_millis(settings.head_timeout_ms))
        .shutdown_timeout(settings.drain_timeout_s)
        .tcp_nodelay(true)
        .tls_handshake_timeout(Duration::from_millis(settings.head_timeout_ms))
        .disable_signals();
    let server = if listener.is_public {
        // As long as a client may be idle and then take for a head.
        let limit = Duration::from_millis(settings.idle_timeout_ms + settings.head_timeout_ms);
        server.on_connect(connections::watch(limit))
    } else {
        server
    };
    let server = match listener.tls {
        Some(tls) => server.listen_rustls_0_23(listener.socket, tls)?,
        None => server.listen(listener.socket)?,
    };
    Ok(server.run())
}

async fn no_such_path_service() -> Result<HttpResponse, crate::error::ApiError> {
    Err(no_such_path().await)
}

async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "live" }))
}

async fn ready(readiness: Data<Readiness>) -> HttpResponse {
    if readiness.stopping.load(Ordering::Relaxed) {
        return HttpResponse::ServiceUnavailable().json(json!({ "status": "stopping" }));
    }
    if (readiness.check)().await {
        HttpResponse::Ok().json(json!({ "status": "ready" }))
    } else {
        HttpResponse::ServiceUnavailable().json(json!({ "status": "database does not answer" }))
    }
}

async fn show_metrics() -> HttpResponse {
    HttpResponse::Ok().content_type(metrics::CONTENT_TYPE).body(metrics::scrape())
}

/// Writes what an operator asked for on standard output.
pub fn say(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

/// How a service's `main` ends: a failure is one sentence on standard error, for the operator who reads it there.
pub fn exit(outcome: anyhow::Result<()>) -> ExitCode {
    traces::finish();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("{cause:#}");
            ExitCode::FAILURE
        }
    }
}

/// Resolves on SIGTERM or SIGINT.
pub async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be heard; only a kill stops this process");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Repeats background work until it is told to stop, which it does between turns: first a pause, then a turn, then
/// pauses of another length.
pub async fn repeat<Turn>(
    first: Duration,
    pause: Duration,
    stop: CancellationToken,
    mut turn: impl FnMut() -> Turn,
) where
    Turn: Future<Output = ()>,
{
    let mut wait = first;
    while tokio::time::timeout(wait, stop.cancelled()).await.is_err() {
        let budget = context::Context::background(Duration::from_secs(30));
        context::scope(budget, turn()).await;
        wait = crate::mongo::jitter(pause);
    }
}
