//! The trace of one order, exported to a receiver that decodes it with OpenTelemetry's own schema.

use crate::python::python_with;
use crate::shop::eventually;
use crate::system::System;
use comfy_table::{Table, presets};
use oms_cli::shop::ports::free_port;
use serde::Deserialize;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const VERSIONS: [&str; 1] = ["opentelemetry-proto==1.45.2"];

/// Takes OTLP over HTTP and writes each span as a line of JSON.
const RECEIVER: &str = "
import http.server, json, sys
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
out = open(sys.argv[2], 'a')
class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *_): pass
    def do_POST(self):
        body = self.rfile.read(int(self.headers['content-length']))
        assert self.path == '/v1/traces' and self.headers['content-type'] == 'application/x-protobuf'
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = {a.key: a.value.string_value for a in resource.resource.attributes}['service.name']
            for scope in resource.scope_spans:
                for s in scope.spans:
                    out.write(json.dumps({'service': service, 'name': s.name, 'trace': s.trace_id.hex(),
                        'span': s.span_id.hex(), 'parent': s.parent_span_id.hex(), 'kind': s.kind,
                        'micros': (s.end_time_unix_nano - s.start_time_unix_nano) // 1000,
                        'links': [l.span_id.hex() for l in s.links]}) + '\\n')
        out.flush()
        self.send_response(200); self.send_header('content-length', '0'); self.end_headers()
http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Receiver).serve_forever()
";

#[derive(Clone, Debug, Deserialize)]
struct Span {
    service: String,
    name: String,
    trace: String,
    span: String,
    parent: String,
    micros: u64,
    links: Vec<String>,
}

struct Receiver(Child);

impl Drop for Receiver {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn spans(file: &Path) -> Vec<Span> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    // The last line may be half written.
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn find<'a>(spans: &'a [Span], service: &str, name: &str, is_it: impl Fn(&Span) -> bool) -> Option<&'a Span> {
    spans.iter().find(|span| span.service == service && span.name == name && is_it(span))
}

/// The spans of one order, from the gateway's to the stock's batch, where all of them have come.
fn story(spans: &[Span], trace: &str) -> Option<Vec<Span>> {
    let gateway = find(spans, "gateway", "POST /orders", |span| span.trace == trace)?;
    let order = find(spans, "order-service", "POST /orders", |span| span.parent == gateway.span)?;
    let for_order = |span: &Span| span.links.contains(&order.span);
    let placed = find(spans, "order-service", "place orders", for_order)?;
    let ledger = find(spans, "product-service", "POST /internal/ledger", |span| span.parent == placed.span)?;
    let stock = find(spans, "product-service", "stock", |span| span.links.contains(&ledger.span))?;
    let mut story = vec![gateway, order, placed, ledger, stock];
    for (batch, command) in
        [(placed, "mongodb insert"), (placed, "mongodb update"), (stock, "mongodb commitTransaction")]
    {
        story.push(find(spans, &batch.service, command, |span| span.parent == batch.span)?);
    }
    Some(story.into_iter().cloned().collect())
}

#[tokio::test]
async fn one_order_is_one_story_from_the_gateway_to_the_database() {
    let python =
        || python_with("otlp", &VERSIONS, "opentelemetry.proto.collector.trace.v1.trace_service_pb2");
    let python = tokio::task::spawn_blocking(python).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let (file, port) = (directory.path().join("spans"), free_port(&[]).unwrap());
    let mut receiving = Command::new(python);
    receiving.args(["-c", RECEIVER, &port.to_string()]).arg(&file).stdin(Stdio::null());
    let _receiver = Receiver(receiving.spawn().unwrap());
    let system = System::start_with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://127.0.0.1:{port}")),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
    ])
    .await;
    let admin = system.admin();
    let seeded = oms_cli::seed::seed(&admin).await.unwrap();
    let (customer, product) = (seeded.customers[0].customer.id, seeded.products[0].id);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let http = common::http::peer::client().unwrap();
    let order = serde_json::json!({ "customerId": customer, "productId": product, "quantity": 1 });
    let token = crate::restarts::token(&system, &admin).await;
    let placing = http.post(format!("{}/orders", system.url())).bearer_auth(token).json(&order);
    let answer =
        placing.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01")).send().await.unwrap();
    assert_eq!(answer.status(), 201);

    let story = eventually("the trace", async || story(&spans(&file), trace)).await;
    assert!(story[..2].iter().all(|span| span.trace == trace));
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["service", "span", "µs", "trace", "id", "parent", "links"]);
    for span in &story {
        let short = |id: &str| id.chars().take(6).collect::<String>();
        let links = span.links.iter().map(|link| short(link)).collect::<Vec<_>>().join(" ");
        table.add_row([
            &span.service,
            &span.name,
            &span.micros.to_string(),
            &short(&span.trace),
            &short(&span.span),
            &short(&span.parent),
            &links,
        ]);
    }
    println!("{table}");
    let logs = std::fs::read_to_string(system.plan.logs.join("gateway.log")).unwrap();
    assert!(logs.lines().any(|line| line.contains(trace) && line.contains("\"request_id\"")), "{logs}");
    system.stop().await;
}
