//! The signals that end a shop, heard from its first moment on.

use anyhow::Context as _;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use tokio::signal::unix::{self, SignalKind};

pub struct StopSignals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
    hangup: unix::Signal,
}

impl StopSignals {
    pub fn listen() -> anyhow::Result<Self> {
        let listen = |kind| unix::signal(kind).context("signals cannot be heard");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    /// Resolves when this process is told to stop: SIGTERM, Ctrl-C, or a terminal that was closed.
    pub async fn heard(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::SIGTERM,
            _ = self.interrupt.recv() => Signal::SIGINT,
            _ = self.hangup.recv() => Signal::SIGHUP,
        }
    }
}

/// Lets this process and its children open as many files as the machine allows: a database keeps many.
pub fn raise_file_limit() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
    {
        // The lower limit serves a small shop as well.
        let _unchanged = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}
