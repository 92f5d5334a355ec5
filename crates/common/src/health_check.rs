//! `--health-check`: a service's program asks the running one whether it is ready, for images that have no shell.

use crate::service::HttpSettings;
use anyhow::{Context as _, bail};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

/// How long each step of the question may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Most bytes of an answer that are looked at.
const ANSWER: u64 = 4096;

/// Whether the program was started with this question instead of as a service.
pub fn is_wanted() -> bool {
    std::env::args_os().nth(1).is_some_and(|argument| argument == "--health-check")
}

/// Fails, with what it says of itself, where the service with these settings is not ready.
pub fn ask(settings: &HttpSettings) -> anyhow::Result<()> {
    let address = address(settings)?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)
        .with_context(|| format!("{address} does not answer"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // Whole: a request in pieces could be answered, and its connection closed, before the last one is sent.
    let request = format!("GET /health/ready HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.take(ANSWER).read_to_string(&mut answer).with_context(|| format!("{address} does not answer"))?;
    if answer.starts_with("HTTP/1.1 200 ") {
        return Ok(());
    }
    let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    bail!("not ready: {body}")
}

/// Where the internal listener is reached from inside: a service that listens everywhere does so on the loopback.
fn address(settings: &HttpSettings) -> anyhow::Result<SocketAddr> {
    let bound = (settings.host.as_str(), settings.internal_port).to_socket_addrs();
    let mut address = bound.ok().and_then(|mut found| found.next()).context("http.host is not an address")?;
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn settings(port: u16) -> HttpSettings {
        HttpSettings {
            host: "0.0.0.0".to_owned(),
            public_port: 0,
            internal_port: port,
            workers: 1,
            max_connections: 1,
            head_timeout_ms: 1_000,
            idle_timeout_ms: 1_000,
            send_timeout_ms: 1_000,
            stop_delay_ms: 0,
            drain_timeout_s: 1,
        }
    }

    fn ask_one_that_answers(answer: &'static str) -> anyhow::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let length = stream.read(&mut request).unwrap();
            assert!(request[..length].starts_with(b"GET /health/ready HTTP/1.1\r\n"));
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let outcome = ask(&settings(port));
        server.join().unwrap();
        outcome
    }

    #[test]
    fn a_service_that_is_ready_is_healthy() {
        ask_one_that_answers("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").unwrap();
    }

    #[test]
    fn a_service_that_is_not_ready_or_not_there_is_not_healthy() {
        let refusal =
            ask_one_that_answers("HTTP/1.1 503 Service Unavailable\r\n\r\n{\"status\":\"stopping\"}");
        assert!(refusal.unwrap_err().to_string().contains("stopping"));
        assert!(ask_one_that_answers("").is_err());
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        assert!(ask(&settings(free)).unwrap_err().to_string().contains("does not answer"));
    }
}
