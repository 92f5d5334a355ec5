//! Password hashing: argon2id (RFC 9106), off the async threads, a bounded number at a time.

use crate::config::PasswordSettings;
use crate::metrics::PASSWORDS;
use anyhow::{Context as _, anyhow};
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use common::context;
use common::metrics::{Raised, observe};
use common::text::Password;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// 19 MiB, two passes, one lane: OWASP's first choice for argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Bytes of a salt, as RFC 9106 advises, and of a hash.
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

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
    hasher: Arc<Hasher>,
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
        let hasher = Hasher { argon2, memories: Mutex::default() };
        let mut nobodys_password = [0_u8; 32];
        getrandom::fill(&mut nobodys_password).context("no randomness")?;
        let nobodys_hash = hasher.hash(&nobodys_password)?;
        LazyLock::force(&PASSWORDS);
        Ok(Self {
            admission: Semaphore::new(threads.saturating_add(settings.waiting).min(Semaphore::MAX_PERMITS)),
            running: Arc::new(Semaphore::new(threads)),
            hasher: Arc::new(hasher),
            nobodys_hash,
        })
    }

    /// The password's hash as a PHC string.
    pub async fn hash(&self, password: Password) -> Result<String, PasswordError> {
        let hasher = self.hasher.clone();
        self.run(move || hasher.hash(password.expose().as_bytes())).await
    }

    /// Whether the password belongs to the hash; without a hash it takes as long and does not.
    pub async fn verify(&self, password: Password, hash: Option<String>) -> Result<bool, PasswordError> {
        let hasher = self.hasher.clone();
        let is_someones = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobodys_hash.clone());
        let belongs = move || hasher.verify(password.expose().as_bytes(), &hash);
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

/// Computes in memory that it keeps: as much for each who runs, where the allocator would keep as much for every thread
/// that ever ran.
struct Hasher {
    argon2: Argon2<'static>,
    /// Not in use now.
    memories: Mutex<Vec<Vec<Block>>>,
}

impl Hasher {
    fn hash(&self, password: &[u8]) -> anyhow::Result<String> {
        let mut salt = [0_u8; SALT_BYTES];
        getrandom::fill(&mut salt).context("no randomness")?;
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: self.params()?,
            salt: Some(Salt::new(&salt).map_err(failed)?),
            hash: Some(self.compute(password, &salt)?),
        };
        Ok(hash.to_string())
    }

    fn verify(&self, password: &[u8], hash: &str) -> anyhow::Result<bool> {
        let hash = PasswordHash::new(hash).map_err(|cause| anyhow!("stored password hash: {cause}"))?;
        if let (true, Some(salt), Some(expected)) = (self.made(&hash)?, &hash.salt, &hash.hash) {
            // The comparison takes the same time wherever they differ.
            return Ok(self.compute(password, salt.as_ref())? == *expected);
        }
        match self.argon2.verify_password(password, &hash) {
            Ok(()) => Ok(true),
            Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
            Err(cause) => Err(failed(cause)),
        }
    }

    /// Whether a hash is of the kind that is made here today.
    fn made(&self, hash: &PasswordHash) -> anyhow::Result<bool> {
        let is_argon2 = hash.algorithm == Algorithm::Argon2id.ident();
        let is_current = hash.version == Some(Version::V0x13.into()) && hash.params == self.params()?;
        let length = hash.hash.as_ref().map(|hash| hash.as_bytes().len());
        Ok(is_argon2 && is_current && length == Some(HASH_BYTES))
    }

    fn params(&self) -> anyhow::Result<ParamsString> {
        ParamsString::try_from(self.argon2.params()).map_err(failed)
    }

    fn compute(&self, password: &[u8], salt: &[u8]) -> anyhow::Result<Output> {
        let kept = self.memories.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut memory = kept.unwrap_or_else(|| vec![Block::default(); self.argon2.params().block_count()]);
        let mut hash = [0_u8; HASH_BYTES];
        let computed =
            self.argon2.hash_password_into_with_memory(password, salt, &mut hash, memory.as_mut_slice());
        self.memories.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
        computed.map_err(failed)?;
        Output::new(&hash).map_err(failed)
    }
}

fn failed(cause: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("argon2: {cause}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::password_hash::PasswordHasher;

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
    async fn a_hash_that_another_program_made_is_verified_too() {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap();
        let ours = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let weaker = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, None).unwrap());
        for made_by in [ours, weaker] {
            let hash = made_by.hash_password(b"correct horse").unwrap().to_string();
            let passwords = passwords(1, 1);
            assert!(passwords.verify(password("correct horse"), Some(hash.clone())).await.unwrap(), "{hash}");
            assert!(!passwords.verify(password("correct house"), Some(hash)).await.unwrap());
        }
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
