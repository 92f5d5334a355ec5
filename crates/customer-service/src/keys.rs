//! Signing keys: several at once, one of them active. A new key is published before it signs, and one that is taken away
//! stays published until its last token has expired, so that rotating refuses no token.

use crate::config::KeySettings;
use crate::tokens::AccessTokens;
use anyhow::{Context as _, ensure};
use common::auth::signing::SigningKey;
use common::time::Timestamp;
use jsonwebtoken::jwk::JwkSet;
use secrecy::ExposeSecret;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How long after the end of its last token a key is still published, in milliseconds: clocks differ.
const MARGIN_MS: i64 = 60_000;

/// The keys of this service. The one at the end of the file is the newest.
pub struct KeyRing {
    /// In the order of the file; never empty.
    held: Vec<Held>,
    retired: Vec<Retired>,
    first: SigningKey,
    /// The `kid` that signs whatever its place; empty: the newest that has been published for long enough.
    forced: String,
    activate_after_ms: i64,
    /// How long tokens outlive their signing.
    token_ms: i64,
}

struct Held {
    key: SigningKey,
    signs_from: Timestamp,
}

struct Retired {
    key: SigningKey,
    until: Timestamp,
}

impl KeyRing {
    /// A ring of at least one key, last changed at that time.
    pub fn new(
        keys: Vec<SigningKey>,
        changed_at: Timestamp,
        settings: &KeySettings,
        token_s: u32,
    ) -> anyhow::Result<Self> {
        let first = keys.first().cloned().context("there is no signing key")?;
        let is_held = settings.active.is_empty() || keys.iter().any(|key| key.kid() == settings.active);
        ensure!(is_held, "keys.active: there is no key {}", settings.active);
        let mut ring = Self {
            held: Vec::new(),
            retired: Vec::new(),
            first,
            forced: settings.active.clone(),
            activate_after_ms: i64::from(settings.activate_after_s) * 1000,
            token_ms: i64::from(token_s) * 1000 + MARGIN_MS,
        };
        ring.replace(keys, changed_at, Timestamp::now());
        Ok(ring)
    }

    /// The key that signs now.
    pub fn active(&self, now: Timestamp) -> &SigningKey {
        let forced = self.held.iter().find(|held| held.key.kid() == self.forced);
        let newest = || self.held.iter().rfind(|held| held.signs_from <= now);
        // Keys that are all too new were there before this process, except perhaps the last: the first one is the oldest.
        forced.or_else(newest).map_or(&self.first, |held| &held.key)
    }

    pub fn published(&self) -> JwkSet {
        let held = self.held.iter().map(|held| &held.key);
        let retired = self.retired.iter().map(|retired| &retired.key);
        JwkSet { keys: held.chain(retired).map(|key| key.jwk().clone()).collect() }
    }

    /// Takes over the keys as they are set now.
    pub fn replace(&mut self, keys: Vec<SigningKey>, changed_at: Timestamp, now: Timestamp) {
        let Some(first) = keys.first() else { return };
        self.first = first.clone();
        let before = std::mem::take(&mut self.held);
        let signs_from = changed_at.min(now).plus_millis(self.activate_after_ms);
        self.held = keys
            .into_iter()
            .map(|key| {
                let known = before.iter().find(|held| held.key.kid() == key.kid());
                Held { signs_from: known.map_or(signs_from, |held| held.signs_from), key }
            })
            .collect();
        let until = now.plus_millis(self.token_ms);
        self.retired.extend(before.into_iter().map(|held| Retired { key: held.key, until }));
        let held = &self.held;
        self.retired.retain(|retired| {
            retired.until > now && held.iter().all(|held| held.key.kid() != retired.key.kid())
        });
    }
}

/// Where the keys are kept.
pub struct KeyFiles {
    place: Option<PathBuf>,
}

impl KeyFiles {
    /// The keys of the settings, or where they name none a fresh one that ends with this process.
    pub fn open(settings: &KeySettings, token_s: u32) -> anyhow::Result<(Self, KeyRing)> {
        let long_ago = Timestamp::from_millis(0);
        let pem = settings.signing_key_pem.expose_secret();
        let file = &settings.signing_key_file;
        ensure!(
            file.is_empty() || pem.is_empty(),
            "keys.signing_key_file and keys.signing_key_pem: only one of them may be set"
        );
        if !pem.is_empty() {
            let keys = SigningKey::all_from_pem(pem).context("keys.signing_key_pem")?;
            return Ok((Self { place: None }, KeyRing::new(keys, long_ago, settings, token_s)?));
        }
        if file.is_empty() {
            tracing::warn!(
                "no signing key is set (keys.signing_key_file): access tokens are signed with a fresh one and end \
                 with this process; `oms keys generate` makes one that lasts"
            );
            let keys = SigningKey::all_from_pem(&SigningKey::generate_pem()?)?;
            return Ok((Self { place: None }, KeyRing::new(keys, long_ago, settings, token_s)?));
        }
        let place = PathBuf::from(file);
        let (keys, changed_at) = read(&place).context("keys.signing_key_file")?;
        Ok((Self { place: Some(place) }, KeyRing::new(keys, changed_at, settings, token_s)?))
    }

    /// Looks again and again whether the keys have changed; where they cannot be read the old ones stay.
    pub async fn reload_every(self, interval: Duration, tokens: Arc<AccessTokens>) {
        let Some(place) = self.place else { return };
        let mut was_good = true;
        loop {
            tokio::time::sleep(interval).await;
            let looked_at = place.clone();
            // A file system may be slow, and this is not the place to wait for it.
            let found = tokio::task::spawn_blocking(move || read(&looked_at)).await;
            match found.map_err(anyhow::Error::from).flatten() {
                Ok((keys, changed_at)) => {
                    was_good = true;
                    tokens.set_keys(keys, changed_at, Timestamp::now());
                }
                Err(cause) if was_good => {
                    was_good = false;
                    let cause = format!("{cause:#}");
                    tracing::error!(cause, "the signing keys cannot be read again; the old ones stay");
                }
                Err(_) => {}
            }
        }
    }
}

/// The keys of a PEM file, or of every `*.pem` of a directory in the order of their names, and when they last changed.
fn read(place: &Path) -> anyhow::Result<(Vec<SigningKey>, Timestamp)> {
    let mut files = Vec::new();
    if place.is_dir() {
        for entry in place.read_dir().with_context(|| format!("cannot read {}", place.display()))? {
            let file = entry?.path();
            if file.extension().is_some_and(|extension| extension == "pem") {
                files.push(file);
            }
        }
        files.sort();
        ensure!(!files.is_empty(), "there is no *.pem in {}", place.display());
    } else {
        files.push(place.to_owned());
    }
    let (mut keys, mut changed_at) = (Vec::new(), Timestamp::from_millis(0));
    for file in files {
        let name = file.display();
        let pem = std::fs::read_to_string(&file).with_context(|| format!("cannot read {name}"))?;
        keys.extend(SigningKey::all_from_pem(&pem).with_context(|| format!("{name}"))?);
        let modified = file.metadata().and_then(|metadata| metadata.modified());
        changed_at = changed_at.max(millis(modified.with_context(|| format!("cannot read {name}"))?));
    }
    Ok((keys, changed_at))
}

fn millis(at: SystemTime) -> Timestamp {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    const LONG_AGO: Timestamp = Timestamp::from_millis(0);

    fn key() -> SigningKey {
        SigningKey::all_from_pem(&SigningKey::generate_pem().unwrap()).unwrap().remove(0)
    }

    fn settings() -> KeySettings {
        KeySettings { activate_after_s: 60, ..Settings::defaults().unwrap().keys }
    }

    fn kids(ring: &KeyRing) -> Vec<String> {
        ring.published().keys.into_iter().map(|key| key.common.key_id.unwrap()).collect()
    }

    #[test]
    fn a_new_key_is_published_at_once_and_signs_a_minute_later() {
        let (old, new) = (key(), key());
        let mut ring = KeyRing::new(vec![old.clone()], LONG_AGO, &settings(), 600).unwrap();
        let now = Timestamp::now();
        ring.replace(vec![old.clone(), new.clone()], now, now);
        assert_eq!(kids(&ring), [old.kid(), new.kid()]);
        assert_eq!(ring.active(now.plus_millis(59_999)).kid(), old.kid());
        assert_eq!(ring.active(now.plus_millis(60_000)).kid(), new.kid());
    }

    #[test]
    fn a_process_that_starts_just_after_a_rotation_signs_with_the_old_key() {
        let (old, new) = (key(), key());
        let now = Timestamp::now();
        let ring = KeyRing::new(vec![old.clone(), new.clone()], now, &settings(), 600).unwrap();
        assert_eq!(ring.active(now).kid(), old.kid());
        assert_eq!(ring.active(now.plus_millis(60_000)).kid(), new.kid());
    }

    #[test]
    fn a_key_that_is_taken_away_is_published_until_its_last_token_has_expired() {
        let (old, new) = (key(), key());
        let mut ring = KeyRing::new(vec![old.clone(), new.clone()], LONG_AGO, &settings(), 600).unwrap();
        let now = Timestamp::now();
        ring.replace(vec![new.clone()], now, now);
        assert_eq!(kids(&ring), [new.kid(), old.kid()]);
        assert_eq!(ring.active(now).kid(), new.kid());
        let late = now.plus_millis(660_000);
        ring.replace(vec![new.clone()], now, late);
        assert_eq!(kids(&ring), [new.kid()]);
    }

    #[test]
    fn a_key_that_is_named_signs_whatever_its_place() {
        let (old, new) = (key(), key());
        let forced = KeySettings { active: old.kid().to_owned(), ..settings() };
        let ring = KeyRing::new(vec![old.clone(), new.clone()], LONG_AGO, &forced, 600).unwrap();
        assert_eq!(ring.active(Timestamp::now()).kid(), old.kid());
        assert!(KeyRing::new(vec![new], LONG_AGO, &forced, 600).is_err());
    }

    #[test]
    fn keys_are_read_from_a_file_of_several_or_a_directory() {
        let directory = tempfile::tempdir().unwrap();
        let pem = || SigningKey::generate_pem().unwrap();
        std::fs::write(directory.path().join("2.pem"), pem()).unwrap();
        std::fs::write(directory.path().join("1.pem"), format!("{}{}", pem(), pem())).unwrap();
        std::fs::write(directory.path().join("readme"), "no key").unwrap();
        let (keys, changed_at) = read(directory.path()).unwrap();
        let (of_file, _) = read(&directory.path().join("1.pem")).unwrap();
        assert_eq!((keys.len(), of_file.len()), (3, 2));
        assert_eq!(keys[0].kid(), of_file[0].kid());
        assert!(changed_at > LONG_AGO);
        std::fs::write(directory.path().join("3.pem"), "nonsense").unwrap();
        assert!(format!("{:#}", read(directory.path()).err().unwrap()).contains("3.pem"));
    }
}
