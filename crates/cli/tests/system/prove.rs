//! `oms prove`, for some seconds: the shop is hurt, healed, and holds everything it ever said.

use crate::shop::{programs, servers};
use oms_cli::prove::faults::Fault;
use oms_cli::prove::{Trial, prove, table};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_is_hurt_for_some_seconds_loses_nothing() {
    let trial = Trial {
        duration: Duration::from_secs(15),
        seed: 7,
        faults: Fault::ALL.to_vec(),
        members: 1,
        clients: 8,
        servers: servers(),
        programs: programs(),
    };
    let proof = prove(&trial).await.unwrap();
    println!("{}", table(&proof));
    assert!(proof.violations.is_empty(), "{:#?}", proof.violations);
    assert!(proof.counts.confirmed > 0 && !proof.moves.is_empty() && !proof.counts.faults.is_empty());
}
