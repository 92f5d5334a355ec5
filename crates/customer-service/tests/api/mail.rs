//! Links by mail, through a real SMTP server (aiosmtpd).

use crate::app::{Answer, PASSWORD, TestApp, send, settings};
use common::models::auth::Role;
use reqwest::Method;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const NEW_PASSWORD: &str = "battery horse correct";

/// Prints every letter between marks, one at a time.
const PROGRAM: &str = "
import sys, time
from aiosmtpd.controller import Controller

class Printing:
    async def handle_DATA(self, server, session, envelope):
        text = envelope.content.decode()
        print('\\n'.join(['BEGIN', 'TO ' + ','.join(envelope.rcpt_tos), text.replace('\\r', ''), 'END']), flush=True)
        return '250 kept'

controller = Controller(Printing(), hostname='127.0.0.1', port=int(sys.argv[1]))
controller.start()
print('READY', flush=True)
sys.stdin.read()
controller.stop()
";

/// The interpreter that has aiosmtpd: the system's, or one of an environment below the target directory that is made
/// where it is missing.
fn python() -> PathBuf {
    let has = |python: &Path| {
        let mut import = Command::new(python);
        import.args(["-c", "import aiosmtpd.controller"]).stderr(Stdio::null());
        import.status().is_ok_and(|status| status.success())
    };
    let system = PathBuf::from("python3");
    if has(&system) {
        return system;
    }
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("aiosmtpd");
    let python = environment.join("bin/python3");
    if !has(&python) {
        let made = Command::new(&system).args(["-m", "venv"]).arg(&environment).status();
        assert!(made.expect("python3 is needed for the SMTP server").success());
        let installed =
            Command::new(&python).args(["-m", "pip", "install", "--quiet", "aiosmtpd==1.4.6"]).status();
        assert!(installed.unwrap().success(), "aiosmtpd could not be installed");
    }
    python
}

struct SmtpServer {
    process: Child,
    port: u16,
    letters: UnboundedReceiver<String>,
}

impl SmtpServer {
    async fn start() -> Self {
        tokio::task::spawn_blocking(|| {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut process = Command::new(python())
                .args(["-c", PROGRAM, &port.to_string()])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
            assert_eq!(lines.next().unwrap().unwrap(), "READY");
            let (sender, letters) = unbounded_channel();
            std::thread::spawn(move || {
                let mut letter = String::new();
                for line in lines.map_while(Result::ok) {
                    match line.as_str() {
                        "BEGIN" => letter.clear(),
                        "END" => drop(sender.send(std::mem::take(&mut letter))),
                        line => letter.push_str(&format!("{line}\n")),
                    }
                }
            });
            Self { process, port, letters }
        })
        .await
        .unwrap()
    }

    /// The next letter to this address.
    async fn letter(&mut self, to: &str) -> String {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(30), self.letters.recv()).await;
            let letter = next.expect("no letter came").expect("the SMTP server ended");
            if letter.starts_with(&format!("TO {to}\n")) {
                return letter;
            }
        }
    }

    fn nothing_more_came(&mut self) -> bool {
        self.letters.try_recv().is_err()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// The token of the link in a letter.
fn token(letter: &str) -> String {
    // Quoted-printable writes `=` as `=3D` and breaks lines with `=`.
    let text = letter.replace("=\n", "").replace("=3D", "=");
    let (_, rest) = text.split_once("#token=").unwrap_or_else(|| panic!("no link in {letter}"));
    rest.split_whitespace().next().unwrap().to_owned()
}

async fn app_with(server: &SmtpServer) -> TestApp {
    let mut settings = settings();
    settings.mail.smtp_url = format!("smtp://127.0.0.1:{}", server.port).into();
    settings.mail.link_base = "https://shop.example".into();
    TestApp::start_with(settings).await
}

async fn post(app: &TestApp, path: &str, body: &Value) -> Answer {
    send(app.request(Method::POST, path).json(body)).await
}

async fn ask_for_reset(app: &TestApp, email: &str) -> Answer {
    post(app, "/auth/password-reset", &json!({ "email": email })).await
}

async fn reset(app: &TestApp, token: &str, password: &str) -> Answer {
    post(app, "/auth/password-reset/confirm", &json!({ "token": token, "password": password })).await
}

#[tokio::test]
async fn a_link_that_came_by_mail_resets_the_password_exactly_once() {
    let mut server = SmtpServer::start().await;
    let app = app_with(&server).await;
    let id = app.customer("ada@example.org").await;
    let session = app.log_in("ada@example.org", PASSWORD).await;
    let welcome = server.letter("ada@example.org").await;
    assert!(welcome.contains("Subject: Please confirm your e-mail address"), "{welcome}");
    let (known, unknown) =
        (ask_for_reset(&app, "ADA@example.org").await, ask_for_reset(&app, "eve@example.org").await);
    assert_eq!((known.status, &known.body), (202, &Value::Null));
    assert_eq!((unknown.status, &unknown.body), (202, &Value::Null));
    let letter = server.letter("ada@example.org").await;
    assert!(
        letter.contains("Subject: Choose a new password") && letter.contains("https://shop.example/"),
        "{letter}"
    );
    let token = token(&letter);
    let common = reset(&app, &token, "password").await;
    assert_eq!((common.status, common.field()), (422, ("/password", "common_password")));
    let results = futures_util::future::join_all((0..4).map(|_| reset(&app, &token, NEW_PASSWORD))).await;
    assert_eq!(results.iter().filter(|answer| answer.status == 204).count(), 1, "{results:?}");
    let again = reset(&app, &token, "yet another password").await;
    assert_eq!((again.status, again.field()), (422, ("/token", "invalid_token")));
    assert_eq!(app.log_in("ada@example.org", PASSWORD).await.status, 401);
    assert_eq!(app.log_in("ada@example.org", NEW_PASSWORD).await.status, 200);
    assert_eq!(app.refresh(session.text("refreshToken")).await.status, 401);
    let read = app.read(&app.token_of(id, Role::Customer), id).await;
    assert_eq!(read.body["emailVerified"], true);
    assert!(server.nothing_more_came());
}

#[tokio::test]
async fn an_address_is_verified_by_its_own_link_and_a_new_address_is_not() {
    let mut server = SmtpServer::start().await;
    let app = app_with(&server).await;
    let id = app.customer("ada@example.org").await;
    let bearer = app.token_of(id, Role::Customer);
    let first = token(&server.letter("ada@example.org").await);
    let asked = send(app.request(Method::POST, "/auth/verification").bearer_auth(&bearer)).await;
    assert_eq!(asked.status, 202);
    let second = token(&server.letter("ada@example.org").await);
    let confirm = |token: String| {
        let app = &app;
        async move { post(app, "/auth/verification/confirm", &json!({ "token": token })).await }
    };
    // The newer link takes the place of the older one, and neither resets a password.
    assert_eq!(confirm(first).await.field(), ("/token", "invalid_token"));
    assert_eq!(reset(&app, &second, NEW_PASSWORD).await.field(), ("/token", "invalid_token"));
    assert_eq!(confirm(second.clone()).await.status, 204);
    assert_eq!(confirm(second).await.field(), ("/token", "invalid_token"));
    assert_eq!(app.read(&bearer, id).await.body["emailVerified"], true);
    let moved = app.change(&bearer, id, None, &json!({ "email": "ada@example.com" })).await;
    assert_eq!(moved.body["emailVerified"], false);
    let third = token(&server.letter("ada@example.com").await);
    let back = app.change(&bearer, id, None, &json!({ "email": "ada@example.org" })).await;
    assert_eq!(back.status, 200);
    assert_eq!(confirm(third).await.field(), ("/token", "invalid_token"));
}

#[tokio::test]
async fn what_was_never_a_token_is_refused() {
    let app = TestApp::start().await;
    for bad in ["", "x", &"A".repeat(43), &"A".repeat(5000)] {
        assert_eq!(reset(&app, bad, NEW_PASSWORD).await.field(), ("/token", "invalid_token"), "{bad}");
    }
    let missing = post(&app, "/auth/password-reset/confirm", &json!({ "password": NEW_PASSWORD })).await;
    assert_eq!(missing.field(), ("/token", "missing_field"));
}

#[tokio::test]
async fn links_are_throttled_by_account_known_or_not_and_by_address() {
    let mut settings = settings();
    settings.throttle.resets_per_account = 2;
    settings.throttle.resets_per_address = 5;
    let app = TestApp::start_with(settings).await;
    app.customer("ada@example.org").await;
    for email in ["ada@example.org", "eve@example.org"] {
        for _ in 0..2 {
            assert_eq!(ask_for_reset(&app, email).await.status, 202);
        }
    }
    assert_eq!(ask_for_reset(&app, "ada@example.org").await.problem(), (429, "too_many_requests"));
    assert_eq!(ask_for_reset(&app, "new@example.org").await.problem(), (429, "too_many_requests"));
}

#[tokio::test]
async fn registrations_are_throttled_by_address_and_by_account_and_those_of_staff_are_not() {
    let mut settings = settings();
    settings.throttle.registrations_per_address = 3;
    settings.throttle.registrations_per_account = 1;
    let app = TestApp::start_with(settings).await;
    app.customer("ada@example.org").await;
    assert_eq!(app.register(&crate::app::registration("ADA@example.org")).await.status, 429);
    app.customer("eve@example.org").await;
    assert_eq!(app.register(&crate::app::registration("joe@example.org")).await.status, 429);
    let staff = app.token(Role::Staff);
    assert_eq!(app.register_as(&staff, &crate::app::registration("joe@example.org")).await.status, 201);
}
