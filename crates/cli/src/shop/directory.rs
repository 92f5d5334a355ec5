//! The folder of a shop (`.oms`): its lock, its secrets, its ports, and who runs there.

use super::ports::Ports;
use super::process::{Identity, Process};
use anyhow::{Context as _, bail};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Letters and digits of a generated secret: 143 bits.
const SECRET_LENGTH: usize = 24;

/// Who runs in a folder: enough to stop it, and to clean up after it was killed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Running {
    pub supervisor: Identity,
    /// Whether the shop has opened.
    pub is_ready: bool,
    /// Processes in the order they were started.
    pub children: Vec<Child>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Child {
    pub name: String,
    pub identity: Identity,
}

impl Running {
    /// This process and those it started.
    pub fn of(processes: &[Process], is_ready: bool) -> anyhow::Result<Self> {
        let own = i32::try_from(std::process::id()).context("a process number that is too large")?;
        let children = processes
            .iter()
            .map(|process| Child { name: process.name().to_owned(), identity: process.identity().clone() });
        Ok(Self { supervisor: Identity::of(own), is_ready, children: children.collect() })
    }
}

/// Held while a shop runs; the kernel lets go of it however the process ends.
pub struct Lock {
    _file: File,
}

/// The folder of one shop.
#[derive(Clone, Debug)]
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    /// Opens the folder, making it readable by its owner only where it does not exist.
    pub fn open(root: &Path) -> anyhow::Result<Self> {
        let root = std::path::absolute(root).context("the shop's directory")?;
        for directory in [root.clone(), root.join("data"), root.join("logs"), root.join("secrets")] {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&directory)
                .with_context(|| format!("create {}", directory.display()))?;
        }
        Ok(Self { root })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// Takes the folder for this process, or answers `None` where a shop runs in it.
    pub fn try_lock(&self) -> anyhow::Result<Option<Lock>> {
        let path = self.root.join("shop.lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let file = file.with_context(|| format!("open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("lock {}", path.display())),
        }
    }

    /// Takes the folder for this process, or refuses with a sentence.
    pub fn lock(&self) -> anyhow::Result<Lock> {
        let Some(lock) = self.try_lock()? else {
            bail!("a shop already runs in {}; `--stop` ends it", self.root.display());
        };
        Ok(lock)
    }

    /// Deletes what the databases hold. Secrets and ports stay.
    pub fn reset(&self) -> anyhow::Result<()> {
        let data = self.data();
        fs::remove_dir_all(&data).with_context(|| format!("delete {}", data.display()))?;
        fs::create_dir(&data).with_context(|| format!("create {}", data.display()))
    }

    /// The logs of this start begin anew; those of the last one stay beside them.
    pub fn put_logs_aside(&self) -> anyhow::Result<()> {
        for entry in fs::read_dir(self.logs())? {
            let path = entry?.path();
            // This process may be writing to shop.log.
            let is_log = path.extension().is_some_and(|extension| extension == "log");
            if is_log && path != self.shop_log() {
                fs::rename(&path, path.with_extension("log.1"))?;
            }
        }
        Ok(())
    }

    /// What a shop in the background says.
    pub fn shop_log(&self) -> PathBuf {
        self.logs().join("shop.log")
    }

    /// A secret of this shop, made at its first start.
    pub fn secret(&self, name: &str) -> anyhow::Result<SecretString> {
        let path = self.root.join("secrets").join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(text.trim().into()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let secret = random_text()?;
                write_private(&path, &format!("{secret}\n"))?;
                Ok(secret.into())
            }
            Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
        }
    }

    /// The key that signs access tokens, made at the first start.
    pub fn signing_key_file(&self) -> anyhow::Result<PathBuf> {
        let path = self.root.join("secrets").join("signing-key.pem");
        if !path.exists() {
            crate::keys::generate(&path)?;
        }
        Ok(path)
    }

    /// The ports of this shop, remembered from start to start.
    pub fn ports(&self, gateway: u16) -> anyhow::Result<Ports> {
        let path = self.root.join("ports.json");
        let ports = Ports::choose(gateway, read_json(&path)?)?;
        write_private(&path, &serde_json::to_string_pretty(&ports)?)?;
        Ok(ports)
    }

    pub fn running(&self) -> anyhow::Result<Option<Running>> {
        read_json(&self.running_file())
    }

    pub fn set_running(&self, running: &Running) -> anyhow::Result<()> {
        write_private(&self.running_file(), &serde_json::to_string_pretty(running)?)
    }

    /// After the last process has ended.
    pub fn clear_running(&self) -> anyhow::Result<()> {
        for file in [self.running_file(), self.environment_file()] {
            match fs::remove_file(&file) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("delete {}", file.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What scripts need to know of the open shop, as shell variables.
    pub fn write_environment(&self, variables: &[(String, String)]) -> anyhow::Result<()> {
        let lines = variables.iter().map(|(name, value)| format!("{name}={}\n", shell_quoted(value)));
        write_private(&self.environment_file(), &lines.collect::<String>())
    }

    fn running_file(&self) -> PathBuf {
        self.root.join("shop.json")
    }

    fn environment_file(&self) -> PathBuf {
        self.root.join("shop.env")
    }
}

/// A word that a shell reads as exactly this text.
pub fn shell_quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./?-".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// `None` where there is no file, or one that another version wrote.
fn read_json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Option<T>> {
    match fs::read(path) {
        // What cannot be read is written anew at the next start.
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
    }
}

/// Replaces a file as a whole; its owner alone may read it.
fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        let mut file =
            OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&beside)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&beside, path)
    };
    write().with_context(|| format!("write {}", path.display()))
}

fn random_text() -> anyhow::Result<String> {
    let mut text = String::with_capacity(SECRET_LENGTH);
    let mut bytes = [0_u8; 64];
    while text.len() < SECRET_LENGTH {
        getrandom::fill(&mut bytes).context("no randomness")?;
        // What is neither a letter nor a digit is left out, so that each of them is equally likely.
        let usable = bytes.iter().map(|byte| char::from(*byte)).filter(char::is_ascii_alphanumeric);
        text.extend(usable.take(SECRET_LENGTH - text.len()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn secrets_are_made_once_and_for_their_owner_only() {
        let parent = tempfile::tempdir().unwrap();
        let directory = Directory::open(&parent.path().join(".oms")).unwrap();
        let first = directory.secret("service-token").unwrap();
        assert_eq!(first.expose_secret().len(), SECRET_LENGTH);
        assert_eq!(directory.secret("service-token").unwrap().expose_secret(), first.expose_secret());
        assert_ne!(directory.secret("admin-password").unwrap().expose_secret(), first.expose_secret());
        let key = directory.signing_key_file().unwrap();
        assert_eq!(directory.signing_key_file().unwrap(), key);
        for path in [key, directory.root().join("secrets/service-token")] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_folder_belongs_to_one_shop_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let directory = Directory::open(parent.path()).unwrap();
        let lock = directory.lock().unwrap();
        assert!(directory.try_lock().unwrap().is_none());
        drop(lock);
        assert!(directory.try_lock().unwrap().is_some());
    }

    #[test]
    fn values_survive_a_shell() {
        assert_eq!(
            shell_quoted("mongodb://127.0.0.1:1/?replicaSet=rs0"),
            "mongodb://127.0.0.1:1/?replicaSet=rs0"
        );
        assert_eq!(shell_quoted("a&b 'c' $d"), r"'a&b '\''c'\'' $d'");
        assert_eq!(shell_quoted(""), "''");
    }
}
