//! TLS at the public listener, and certificates that are renewed while it serves.

use crate::app::{TestApp, answer_all};
use gateway::config::Settings;
use gateway::startup::Application;
use rcgen::CertifiedKey;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use wiremock::ResponseTemplate;

/// A folder with a certificate of its own for `shop.example`, and who trusts it.
struct Folder(TempDir);

impl Folder {
    fn new() -> (Self, CertificateDer<'static>) {
        let folder = Self(tempfile::tempdir().unwrap());
        let certificate = folder.renew();
        (folder, certificate)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn renew(&self) -> CertificateDer<'static> {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["shop.example".to_owned()]).unwrap();
        // One after the other, as those who renew certificates do: between the two nothing fits.
        std::fs::write(self.path().join("certificate.pem"), cert.pem()).unwrap();
        std::fs::write(self.path().join("key.pem"), signing_key.serialize_pem()).unwrap();
        cert.der().clone()
    }

    fn name(&self, settings: &mut Settings) {
        let path = |name: &str| self.path().join(name).to_str().unwrap().to_owned();
        settings.tls.certificate_file = path("certificate.pem");
        settings.tls.key_file = path("key.pem");
        settings.tls.reload_ms = 10;
    }

    async fn serve(&self) -> TestApp {
        let app = TestApp::spawn_with(|settings| self.name(settings)).await;
        answer_all(&app.products, ResponseTemplate::new(200).set_body_string("[]")).await;
        app
    }
}

/// A connection of who trusts this certificate; `None` where the gateway shows another one.
async fn connect(
    app: &TestApp,
    trusted: &CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
) -> Option<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "shop.example".try_into().unwrap();
    TlsConnector::from(Arc::new(client)).connect(name, app.connect().await).await.ok()
}

/// What the gateway answers there.
async fn ask(
    app: &TestApp,
    trusted: &CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
) -> Option<String> {
    let mut socket = connect(app, trusted, version).await?;
    socket
        .write_all(b"GET /products HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    Some(String::from_utf8(answer).unwrap())
}

#[tokio::test]
async fn the_shop_answers_over_tls_1_2_and_1_3_and_not_without() {
    let (folder, certificate) = Folder::new();
    let app = folder.serve().await;
    for version in [&TLS12, &TLS13] {
        let answer = ask(&app, &certificate, version).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("[]"), "{answer}");
    }
    let plain = app.request("GET", "/products").send().await;
    assert!(plain.is_err());
    assert!(app.metrics().await.contains("oms_http_requests"));
}

#[tokio::test]
async fn a_later_head_that_does_not_end_is_closed_under_tls_too() {
    let (folder, certificate) = Folder::new();
    let app = TestApp::spawn_with(|settings| {
        folder.name(settings);
        settings.http.head_timeout_ms = 1_000;
        settings.http.idle_timeout_ms = 200;
    })
    .await;
    answer_all(&app.products, ResponseTemplate::new(200)).await;
    let mut socket = connect(&app, &certificate, &TLS13).await.unwrap();
    let half = b"GET /products HTTP/1.1\r\nHost: shop.example\r\n\r\nGET /products HTTP/1.1\r\nX-Slow: ";
    socket.write_all(half).await.unwrap();
    let mut answer = Vec::new();
    // Cut off, it ends without the farewell of TLS.
    let _end = tokio::time::timeout(Duration::from_secs(10), socket.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_to_new_connections() {
    let (folder, first) = Folder::new();
    let app = folder.serve().await;
    assert!(ask(&app, &first, &TLS13).await.is_some());
    let second = folder.renew();
    while ask(&app, &second, &TLS13).await.is_none() {}
    assert!(ask(&app, &first, &TLS13).await.is_none());
}

#[tokio::test]
async fn a_file_that_is_broken_meanwhile_changes_nothing_and_ends_nothing() {
    let (folder, first) = Folder::new();
    let app = folder.serve().await;
    std::fs::write(folder.path().join("certificate.pem"), "nonsense").unwrap();
    assert!(ask(&app, &first, &TLS13).await.is_some());
    std::fs::remove_file(folder.path().join("key.pem")).unwrap();
    assert!(ask(&app, &first, &TLS13).await.is_some());
    let second = folder.renew();
    while ask(&app, &second, &TLS13).await.is_none() {}
}

#[tokio::test]
async fn files_that_are_not_there_or_do_not_fit_stop_the_start_by_name() {
    let ((folder, _), (other, _)) = (Folder::new(), Folder::new());
    let refusal = |change: &dyn Fn(&mut Settings)| {
        let mut settings = Settings::defaults().unwrap();
        (settings.http.public_port, settings.http.internal_port) = (0, 0);
        folder.name(&mut settings);
        change(&mut settings);
        format!("{:#}", Application::build(settings).err().unwrap())
    };
    let half = refusal(&|settings| settings.tls.key_file.clear());
    assert!(half.contains("tls.certificate_file and tls.key_file"), "{half}");
    let missing = refusal(&|settings| settings.tls.key_file.push('x'));
    assert!(missing.contains("tls.key_file") && missing.contains("key.pemx"), "{missing}");
    let another = refusal(&|settings| {
        settings.tls.key_file = other.path().join("key.pem").to_str().unwrap().to_owned();
    });
    assert!(another.contains("do not belong together"), "{another}");
    let empty = refusal(&|settings| settings.tls.certificate_file = settings.tls.key_file.clone());
    assert!(empty.contains("there is no certificate in it"), "{empty}");
}
