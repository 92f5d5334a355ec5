//! Keys that sign access tokens.

use anyhow::Context as _;
use common::auth::signing::SigningKey;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub enum KeysCommand {
    /// Make an Ed25519 key as PKCS#8 PEM.
    Generate {
        /// Where to write it, readable by its owner only; without it the key is printed.
        file: Option<PathBuf>,
    },
    /// Add a new key to a file. A running customer-service publishes it within seconds and signs with it once every
    /// service knows it; the old ones still verify.
    Rotate {
        file: PathBuf,
        /// How many keys the file may hold; the oldest go first. A running service publishes those for as long as
        /// tokens of theirs are good.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(2..=8))]
        keep: u8,
    },
}

/// Runs `oms keys`.
pub fn run(command: &KeysCommand) -> anyhow::Result<ExitCode> {
    match command {
        KeysCommand::Generate { file: Some(file) } => {
            generate(file)?;
            eprintln!("A new signing key is in {}.", file.display());
        }
        KeysCommand::Generate { file: None } => print!("{}", SigningKey::generate_pem()?),
        KeysCommand::Rotate { file, keep } => {
            let kid = rotate(file, (*keep).into())?;
            eprintln!("{} has a new key: {kid}.", file.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a new key to a file that must not exist yet.
pub fn generate(file: &Path) -> anyhow::Result<()> {
    let pem = SigningKey::generate_pem()?;
    let mut opened =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).with_context(|| {
            format!("{} is not written; an existing key is never replaced", file.display())
        })?;
    opened.write_all(pem.as_bytes()).with_context(|| format!("write {}", file.display()))
}

/// Adds a new key at the end of a file and takes the oldest away until `keep` are left; answers the new key's name.
/// Readers see the file before or after, never in between.
pub fn rotate(file: &Path, keep: usize) -> anyhow::Result<String> {
    let name = file.display();
    let old = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    SigningKey::all_from_pem(&old).with_context(|| format!("{name}"))?;
    let pem = SigningKey::generate_pem()?;
    let kid = SigningKey::from_pem(&pem)?.kid().to_owned();
    let mut blocks: Vec<&str> = old.split_inclusive("-----END PRIVATE KEY-----").map(str::trim).collect();
    blocks.retain(|block| !block.is_empty());
    blocks.push(pem.trim());
    let kept = blocks.split_off(blocks.len().saturating_sub(keep));
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A temporary file is readable by its owner only.
    let mut next = tempfile::NamedTempFile::new_in(folder).with_context(|| format!("write beside {name}"))?;
    writeln!(next, "{}", kept.join("\n")).with_context(|| format!("write beside {name}"))?;
    // Who could read the old file can read the new one: a service in a container runs as somebody else.
    let permissions = std::fs::metadata(file).with_context(|| format!("cannot read {name}"))?.permissions();
    next.as_file().set_permissions(permissions).with_context(|| format!("write beside {name}"))?;
    next.persist(file).with_context(|| format!("replace {name}"))?;
    Ok(kid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_rotation_adds_a_key_at_the_end_and_drops_the_oldest() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("keys.pem");
        generate(&file).unwrap();
        let kids = || -> Vec<String> {
            let keys = SigningKey::all_from_pem(&std::fs::read_to_string(&file).unwrap()).unwrap();
            keys.iter().map(|key| key.kid().to_owned()).collect()
        };
        let first = kids();
        let second = rotate(&file, 2).unwrap();
        assert_eq!(kids(), [first[0].clone(), second.clone()]);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        let third = rotate(&file, 2).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(kids(), [second, third]);
        assert!(rotate(&directory.path().join("none.pem"), 2).is_err());
    }
}
