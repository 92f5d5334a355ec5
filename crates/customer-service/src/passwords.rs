//! Password hashing: argon2id (RFC 9106), off the async threads, a bounded number at a time.

use crate::config::PasswordSettings;
use crate::metrics::PASSWORDS;
use anyhow::Context as _;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use common::context;
use common::metrics::{Raised, observe};
use common::text::Password;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// 19 MiB, two passes, one lane: OWASP's first choice for argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Why a password was neither hashed nor compared.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many wait already, or the caller's time ran out while waiting; nothing was computed.
    #[error("too many passwords are waiting")]
    Busy,
    #[error("a password could not be hashed")]
    Failed(#[source] anyhow::Error),
}

/// Hashes and compares passwords.
pub struct Passwords {
    /// One permit for each who waits or runs.
    admission: Semaphore,
    /// One permit for each who runs.
    running: Arc<Semaphore>,
    argon2: Argon2<'static>,
    /// Compared with where there is no hash, so that a missing account takes the time of a wrong password.
    nobodys_hash: String,
}

impl Passwords {
    pub fn new(settings: &PasswordSettings) -> anyhow::Result<Self> {
        let threads = match settings.threads {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            threads => threads,
        };
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).context("argon2 parameters")?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut nobodys_password = [0_u8; 32];
        getrandom::fill(&mut nobodys_password).context("no randomness")?;
        let nobodys_hash = hash(&argon2, &nobodys_password)?;
        LazyLock::force(&PASSWORDS);
        Ok(Self {
            admission: Semaphore::new(threads.saturating_add(settings.waiting).min(Semaphore::MAX_PERMITS)),
            running: Arc::new(Semaphore::new(threads)),
            argon2,
            nobodys_hash,
        })
    }

    /// The password's hash as a PHC string.
    pub async fn hash(&self, password: Password) -> Result<String, PasswordError> {
        let argon2 = self.argon2.clone();
        self.run(move || hash(&argon2, password.expose().as_bytes())).await
    }

    /// Whether the password belongs to the hash; without a hash it takes as long and does not.
    pub async fn verify(&self, password: Password, hash: Option<String>) -> Result<bool, PasswordError> {
        let argon2 = self.argon2.clone();
        let is_someones = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobodys_hash.clone());
        let belongs = move || verify(&argon2, password.expose().as_bytes(), &hash);
        Ok(self.run(belongs).await? && is_someones)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let Ok(_admitted) = self.admission.try_acquire() else {
            PASSWORDS.refused.inc();
            return Err(PasswordError::Busy);
        };
        let (waiting, since) = (Raised::new(&PASSWORDS.waiting), Instant::now());
        let permit = self.running.clone().acquire_owned().await.map_err(|_| PasswordError::Busy)?;
        observe(&PASSWORDS.waited, since.elapsed());
        drop(waiting);
        if context::time_left(Duration::from_secs(1)).is_zero() {
            return Err(PasswordError::Busy);
        }
        // The permit goes with the work: a caller who stops waiting does not free the core that computes.
        let computed = tokio::task::spawn_blocking(move || {
            let (running, since) = (Raised::new(&PASSWORDS.running), Instant::now());
            let outcome = work();
            observe(&PASSWORDS.computed, since.elapsed());
            drop((running, permit));
            outcome
        });
        computed
            .await
            .map_err(|failure| PasswordError::Failed(failure.into()))?
            .map_err(PasswordError::Failed)
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8]) -> anyhow::Result<String> {
    Ok(argon2.hash_password(password).map_err(|cause| anyhow::anyhow!("argon2: {cause}"))?.to_string())
}

fn verify(argon2: &Argon2<'_>, password: &[u8], hash: &str) -> anyhow::Result<bool> {
    let hash = PasswordHash::new(hash).map_err(|cause| anyhow::anyhow!("stored password hash: {cause}"))?;
    match argon2.verify_password(password, &hash) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(cause) => Err(anyhow::anyhow!("argon2: {cause}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords(threads: usize, waiting: usize) -> Passwords {
        Passwords::new(&PasswordSettings { threads, waiting }).unwrap()
    }

    fn password(text: &str) -> Password {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_password_belongs_to_its_own_hash_alone() {
        let passwords = passwords(1, 1);
        let hash = passwords.hash(password("correct horse")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify(password("correct horse"), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify(password("correct house"), Some(hash)).await.unwrap());
        assert!(!passwords.verify(password("correct horse"), None).await.unwrap());
    }

    #[tokio::test]
    async fn equal_passwords_have_different_hashes() {
        let passwords = passwords(1, 1);
        let one = passwords.hash(password("correct horse")).await.unwrap();
        assert_ne!(one, passwords.hash(password("correct horse")).await.unwrap());
    }

    #[tokio::test]
    async fn one_more_than_may_wait_is_refused_at_once() {
        let passwords = passwords(1, 1);
        let _everyone = passwords.admission.acquire_many(2).await.unwrap();
        assert!(matches!(passwords.hash(password("correct horse")).await, Err(PasswordError::Busy)));
    }

    #[tokio::test]
    async fn a_stored_hash_that_is_none_is_a_failure_and_no_wrong_password() {
        let broken = passwords(1, 1).verify(password("correct horse"), Some("plain".into())).await;
        assert!(matches!(broken, Err(PasswordError::Failed(_))));
    }
}
