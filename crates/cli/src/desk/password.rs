//! Asking for an e-mail address and a password: at a terminal without showing it, else the first line of the input.

use anyhow::{Context as _, ensure};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

/// Longest line that is taken.
const LONGEST: usize = 4096;

/// Asks for what may be seen; only at a terminal.
pub fn ask(what: &str) -> anyhow::Result<String> {
    ensure!(io::stdin().is_terminal(), "{what} is missing");
    prompt(what)?;
    line()
}

/// Asks for what must not be seen, or reads it where nobody can be asked.
pub fn ask_secret(what: &str) -> anyhow::Result<String> {
    if !io::stdin().is_terminal() {
        return line();
    }
    prompt(what)?;
    let hidden = Hidden::begin()?;
    let answer = line();
    drop(hidden);
    // The line's end was not shown either.
    writeln!(io::stderr())?;
    answer
}

fn prompt(what: &str) -> io::Result<()> {
    let mut terminal = io::stderr();
    write!(terminal, "{what}: ")?;
    terminal.flush()
}

fn line() -> anyhow::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("read from the input")?;
    ensure!(line.len() <= LONGEST, "the input's first line is too long");
    let line = line.trim_end_matches(['\r', '\n']);
    ensure!(!line.is_empty(), "the input ended");
    Ok(line.to_owned())
}

/// While this lives the terminal does not show what is typed.
struct Hidden {
    before: Termios,
}

impl Hidden {
    fn begin() -> anyhow::Result<Self> {
        let before = tcgetattr(io::stdin()).context("the terminal's settings")?;
        let mut hidden = before.clone();
        hidden.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &hidden).context("the terminal's settings")?;
        Ok(Self { before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that went away shows nothing any more.
        let _gone = tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &self.before);
    }
}
