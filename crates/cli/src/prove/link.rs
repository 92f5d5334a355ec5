//! The network between two processes: a TCP proxy that can swallow, delay and cut what goes through it.

use anyhow::Context as _;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How a link behaves.
#[derive(Clone, Copy, Debug, Default)]
struct Weather {
    /// Nothing goes through, and nobody is told.
    swallows: bool,
    delay: Duration,
    /// How often its connections were cut.
    cuts: u64,
}

/// A listener whose connections lead to another process. Dropping it ends them.
pub struct Link {
    pub name: &'static str,
    port: u16,
    weather: watch::Sender<Weather>,
    accepting: JoinHandle<()>,
}

impl Link {
    pub async fn open(name: &'static str, to_port: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("bind a link")?;
        let port = listener.local_addr()?.port();
        let (weather, forecast) = watch::channel(Weather::default());
        let accepting = tokio::spawn(accept(listener, SocketAddr::from(([127, 0, 0, 1], to_port)), forecast));
        Ok(Self { name, port, weather, accepting })
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn swallow(&self) {
        self.weather.send_modify(|weather| weather.swallows = true);
    }

    pub fn slow_down(&self, delay: Duration) {
        self.weather.send_modify(|weather| weather.delay = delay);
    }

    /// Resets every connection.
    pub fn cut(&self) {
        self.weather.send_modify(|weather| weather.cuts += 1);
    }

    pub fn heal(&self) {
        self.weather.send_modify(|weather| {
            *weather = Weather { cuts: weather.cuts, ..Weather::default() };
        });
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, to: SocketAddr, weather: watch::Receiver<Weather>) {
    loop {
        match listener.accept().await {
            Ok((inbound, _)) => drop(tokio::spawn(relay(inbound, to, weather.clone()))),
            // Out of files, say: whoever calls hears nothing for a moment.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn relay(mut inbound: TcpStream, to: SocketAddr, weather: watch::Receiver<Weather>) {
    let Ok(mut outbound) = TcpStream::connect(to).await else { return };
    for stream in [&inbound, &outbound] {
        // Without it the link is merely slower.
        _ = stream.set_nodelay(true);
    }
    let (mut resets, cuts) = (weather.clone(), weather.borrow().cuts);
    let is_cut = {
        let ((mut from_caller, mut to_caller), (mut from_called, mut to_called)) =
            (inbound.split(), outbound.split());
        tokio::select! {
            () = pump(&mut from_caller, &mut to_called, weather.clone()) => false,
            () = pump(&mut from_called, &mut to_caller, weather) => false,
            _ = resets.wait_for(|now| now.cuts != cuts) => true,
        }
    };
    if is_cut {
        for stream in [inbound, outbound] {
            // Then it is closed in the usual way, which both sides must stand as well.
            _ = stream.set_zero_linger();
        }
    }
}

/// Passes bytes on until either side ends.
async fn pump(
    from: &mut tokio::net::tcp::ReadHalf<'_>,
    to: &mut tokio::net::tcp::WriteHalf<'_>,
    mut weather: watch::Receiver<Weather>,
) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let delay = weather.borrow_and_update().delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if weather.wait_for(|now| !now.swallows).await.is_err() {
            return;
        }
        let Some(read) = bytes.get(..count) else { return };
        if to.write_all(read).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A link to somebody who answers what was said.
    async fn echo() -> (Link, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut read, mut write) = stream.split();
            tokio::io::copy(&mut read, &mut write).await.unwrap();
        });
        let link = Link::open("echo", port).await.unwrap();
        let stream = TcpStream::connect(("127.0.0.1", link.port)).await.unwrap();
        (link, stream)
    }

    #[tokio::test]
    async fn what_a_link_swallows_arrives_when_it_is_healed() {
        let (link, mut stream) = echo().await;
        link.swallow();
        stream.write_all(b"hello").await.unwrap();
        link.heal();
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"hello");
    }

    #[tokio::test]
    async fn a_link_that_is_cut_ends_its_connections() {
        let (link, mut stream) = echo().await;
        stream.write_all(b"a").await.unwrap();
        let mut answer = [0];
        stream.read_exact(&mut answer).await.unwrap();
        link.cut();
        assert!(!matches!(stream.read(&mut answer).await, Ok(1..)));
    }
}
