//! Kept log-ins: one file in the user's configuration folder that nobody else may read, and access tokens that are
//! renewed when they are about to expire.

use anyhow::{Context as _, ensure};
use common::ids::CustomerId;
use common::models::auth::{Role, TokenPair};
use common::time::Timestamp;
use oms_client::Client;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::str::FromStr;

/// A token that is not good for longer than this is renewed first.
const MARGIN_MS: i64 = 60_000;

/// 1 to 64 letters, digits, `-`, `_` and `.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProfileName(String);

#[derive(Debug, thiserror::Error)]
#[error("must have 1 to 64 letters, digits, -, _ and .")]
pub struct InvalidName;

impl FromStr for ProfileName {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(is_plain);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidName) }
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A log-in that is kept.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    pub url: String,
    pub email: String,
    pub customer_id: CustomerId,
    pub role: Role,
    pub access_token: String,
    pub expires_at: Timestamp,
    pub refresh_token: String,
}

impl Profile {
    pub fn is_customers(&self) -> bool {
        self.role == Role::Customer
    }

    /// With the tokens of a log-in or a renewal at that moment.
    #[must_use]
    pub fn with_tokens(self, pair: TokenPair, now: Timestamp) -> Self {
        Self {
            access_token: pair.access_token,
            expires_at: now.plus_millis(i64::from(pair.expires_in) * 1000),
            refresh_token: pair.refresh_token,
            ..self
        }
    }
}

/// The file of kept log-ins.
pub struct Profiles {
    folder: PathBuf,
}

pub type Book = BTreeMap<ProfileName, Profile>;

impl Profiles {
    /// In `oms` under `$XDG_CONFIG_HOME`, or under `~/.config`.
    pub fn find() -> anyhow::Result<Self> {
        let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = named("XDG_CONFIG_HOME").or_else(|| named("HOME").map(|home| home.join(".config")));
        let folder = folder.context("neither XDG_CONFIG_HOME nor HOME says where log-ins may be kept")?;
        Ok(Self { folder: folder.join("oms") })
    }

    fn file(&self) -> PathBuf {
        self.folder.join("profiles.json")
    }

    pub fn read(&self) -> anyhow::Result<Book> {
        let file = self.file();
        let name = file.display();
        let text = match std::fs::read_to_string(&file) {
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => return Ok(Book::new()),
            text => text.with_context(|| format!("cannot read {name}"))?,
        };
        let mode = file.metadata().with_context(|| format!("cannot read {name}"))?.permissions().mode();
        ensure!(mode & 0o077 == 0, "others may read {name}: `chmod 600 {name}`, and log in anew");
        serde_json::from_str(&text).with_context(|| format!("{name} is not as this program writes it"))
    }

    /// Changes what is kept, while no other process does.
    pub fn change<T>(&self, change: impl FnOnce(&mut Book) -> T) -> anyhow::Result<T> {
        let _alone = self.lock()?;
        let mut book = self.read()?;
        let changed = change(&mut book);
        self.write(&book)?;
        Ok(changed)
    }

    /// The log-in of this name, renewed where its token is about to expire. A token for renewing is good once: only one
    /// process at a time may use it.
    pub async fn fresh(&self, name: &ProfileName) -> anyhow::Result<Profile> {
        let kept = self.read()?.remove(name).with_context(|| nobody(name))?;
        if kept.expires_at > Timestamp::now().plus_millis(MARGIN_MS) {
            return Ok(kept);
        }
        let _alone = self.lock()?;
        let mut book = self.read()?;
        let kept = book.get(name).cloned().with_context(|| nobody(name))?;
        let now = Timestamp::now();
        if kept.expires_at > now.plus_millis(MARGIN_MS) {
            return Ok(kept);
        }
        let client = Client::builder(&kept.url).build()?;
        let pair = client
            .refresh(&kept.refresh_token)
            .await
            .with_context(|| format!("the log-in `{name}` at {} cannot be renewed", kept.url))?;
        let renewed = kept.with_tokens(pair, now);
        book.insert(name.clone(), renewed.clone());
        self.write(&book)?;
        Ok(renewed)
    }

    /// Held until it is dropped.
    fn lock(&self) -> anyhow::Result<File> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .with_context(|| format!("cannot make {}", self.folder.display()))?;
        let place = self.folder.join("profiles.lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&place);
        let file = file.with_context(|| format!("cannot open {}", place.display()))?;
        file.lock().with_context(|| format!("cannot lock {}", place.display()))?;
        Ok(file)
    }

    /// Whole or not at all.
    fn write(&self, book: &Book) -> anyhow::Result<()> {
        let new = self.folder.join("profiles.json.new");
        let write = || {
            let mut file =
                OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&new)?;
            file.write_all(&serde_json::to_vec_pretty(book)?)?;
            file.sync_all()?;
            std::fs::rename(&new, self.file())
        };
        write().with_context(|| format!("cannot write {}", self.file().display()))
    }
}

fn nobody(name: &ProfileName) -> String {
    format!("nobody is logged in as `{name}`: `oms login --profile {name}`, or see `oms profiles`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(email: &str) -> Profile {
        Profile {
            url: "http://127.0.0.1:3000".into(),
            email: email.into(),
            customer_id: CustomerId::new(),
            role: Role::Staff,
            access_token: "a".into(),
            expires_at: Timestamp::from_millis(0),
            refresh_token: "r".into(),
        }
    }

    #[test]
    fn what_is_kept_is_read_by_its_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let profiles = Profiles { folder: home.path().join("deep/oms") };
        assert!(profiles.read().unwrap().is_empty());
        let name: ProfileName = "default".parse().unwrap();
        profiles.change(|book| book.insert(name.clone(), profile("ada@example.org"))).unwrap();
        assert_eq!(profiles.read().unwrap()[&name].email, "ada@example.org");
        let mode = |file: PathBuf| file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(profiles.file()), mode(profiles.folder.clone())), (0o600, 0o700));
        std::fs::set_permissions(profiles.file(), std::fs::Permissions::from_mode(0o644)).unwrap();
        let refusal = profiles.read().err().unwrap().to_string();
        assert!(refusal.contains("chmod 600"), "{refusal}");
    }

    #[test]
    fn names_are_plain_words() {
        for (name, is_good) in
            [("default", true), ("eu-1.staging_2", true), ("", false), ("a b", false), ("../x", false)]
        {
            assert_eq!(name.parse::<ProfileName>().is_ok(), is_good, "{name}");
        }
    }
}
