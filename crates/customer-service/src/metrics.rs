//! What customer-service counts beside its requests: the passwords that wait and those that are computed.

use common::metrics::{Buckets, Counter, Gauge, Histogram, counter, gauge, histogram};
use std::sync::LazyLock;

/// The queue in front of argon2.
pub static PASSWORDS: LazyLock<PasswordMetrics> = LazyLock::new(|| PasswordMetrics {
    waiting: gauge("oms_passwords_waiting", "Passwords that wait for a core."),
    running: gauge("oms_passwords_running", "Passwords that are being computed."),
    waited: histogram(
        "oms_passwords_wait_seconds",
        "How long a password waited for a core.",
        Buckets::Seconds,
    ),
    computed: histogram("oms_passwords_compute_seconds", "How long argon2 took.", Buckets::Seconds),
    refused: counter("oms_passwords_refused", "Passwords that were turned away: too many waited."),
});

pub struct PasswordMetrics {
    pub waiting: Gauge,
    pub running: Gauge,
    pub waited: Histogram,
    pub computed: Histogram,
    pub refused: Counter,
}
