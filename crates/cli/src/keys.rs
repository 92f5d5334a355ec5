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
}

/// Runs `oms keys`.
pub fn run(command: &KeysCommand) -> anyhow::Result<ExitCode> {
    let KeysCommand::Generate { file } = command;
    match file {
        Some(file) => {
            generate(file)?;
            eprintln!("A new signing key is in {}.", file.display());
        }
        None => print!("{}", SigningKey::generate_pem()?),
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
