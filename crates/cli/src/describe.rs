//! The description of the whole API, as the four programs beside this one give their parts of it.

use crate::shop::services::Service;
use anyhow::{Context as _, ensure};
use clap::Args;
use common::api::QUESTION;
use common::api::document::{Part, whole};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

#[derive(Debug, Args)]
pub struct DescribeArguments {
    /// Where to write it; without it the description is printed.
    file: Option<PathBuf>,
}

/// Runs `oms describe-api`.
pub fn run(arguments: &DescribeArguments) -> anyhow::Result<ExitCode> {
    let own = std::env::current_exe().context("where this program is")?;
    let text = describe(own.parent().context("a program without a directory")?)?;
    match &arguments.file {
        Some(file) => std::fs::write(file, text).with_context(|| format!("write {}", file.display()))?,
        None => print!("{text}"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks the programs in this directory.
pub fn describe(programs: &Path) -> anyhow::Result<String> {
    whole(
        Service::ALL
            .into_iter()
            .map(|service| ask(&programs.join(service.name())))
            .collect::<Result<Vec<_>, _>>()?,
    )
}

fn ask(program: &Path) -> anyhow::Result<Part> {
    let name = program.display();
    let output = Command::new(program).arg(QUESTION).output().with_context(|| format!("start {name}"))?;
    ensure!(
        output.status.success(),
        "{name} does not describe itself: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).with_context(|| format!("read what {name} says"))
}
