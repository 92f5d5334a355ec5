//! What a shell needs to complete the commands of `oms`.

use crate::arguments::Arguments;
use clap::CommandFactory as _;
use clap_complete::Shell;

#[derive(Debug, clap::Args)]
pub struct CompletionsArguments {
    pub shell: Shell,
}

/// Runs `oms completions`.
pub fn run(arguments: &CompletionsArguments) {
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "oms", &mut std::io::stdout());
}
