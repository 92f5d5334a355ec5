//! Processor time and memory of the shop's processes and of the generator, as the kernel counts them.

use crate::shop::directory::Directory;
use anyhow::Context as _;
use nix::unistd::{SysconfVar, sysconf};
use std::collections::BTreeMap;
use std::path::Path;

/// What the generator calls itself.
const GENERATOR: &str = "generator";

/// Whose time is counted.
#[derive(Clone, Debug, Default)]
pub struct Processes {
    pids: Vec<(String, i32)>,
    ticks_per_second: f64,
}

/// One process at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    pub cpu_s: f64,
    pub rss_kb: u64,
    pub peak_rss_kb: u64,
}

/// What one process used during a drive.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Spent {
    pub process: String,
    pub cpu_s: f64,
    /// At the end.
    pub rss_kb: u64,
    pub peak_rss_kb: u64,
}

impl Processes {
    /// The shop that runs in this folder, and the generator itself.
    pub fn of_shop(directory: &Path) -> anyhow::Result<Self> {
        let mut processes = Self::own()?;
        if directory.is_dir()
            && let Some(running) = Directory::open(directory)?.running()?
        {
            processes.pids.extend(running.children.into_iter().map(|child| (child.name, child.identity.pid)));
        }
        Ok(processes)
    }

    pub fn own() -> anyhow::Result<Self> {
        let ticks = sysconf(SysconfVar::CLK_TCK)?.context("the kernel's clock")?;
        let own = i32::try_from(std::process::id()).context("a process number that is too large")?;
        Ok(Self { pids: vec![(GENERATOR.into(), own)], ticks_per_second: ticks as f64 })
    }

    /// A process that has ended is left out.
    pub fn read(&self) -> BTreeMap<String, Usage> {
        let usages = self.pids.iter().filter_map(|(name, pid)| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            let usage = Usage {
                cpu_s: ticks_in(&stat)? as f64 / self.ticks_per_second,
                rss_kb: kilobytes_in(&status, "VmRSS:")?,
                peak_rss_kb: kilobytes_in(&status, "VmHWM:")?,
            };
            Some((name.clone(), usage))
        });
        usages.collect()
    }
}

impl Spent {
    pub fn between(before: &BTreeMap<String, Usage>, after: &BTreeMap<String, Usage>) -> Vec<Self> {
        let spent = after.iter().map(|(process, after)| Self {
            process: process.clone(),
            cpu_s: (after.cpu_s - before.get(process).map_or(0.0, |before| before.cpu_s)).max(0.0),
            rss_kb: after.rss_kb,
            peak_rss_kb: after.peak_rss_kb,
        });
        spent.collect()
    }

    pub fn is_generator(&self) -> bool {
        self.process == GENERATOR
    }
}

/// User and system time of `/proc/{pid}/stat`: the 14th and 15th field, counted behind the name in parentheses.
fn ticks_in(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

fn kilobytes_in(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_lines_are_read() {
        let stat = "4711 (a (strange) name) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 9 0 1";
        assert_eq!(ticks_in(stat), Some(300));
        assert_eq!(kilobytes_in("Name:\tx\nVmRSS:\t   14336 kB\n", "VmRSS:"), Some(14_336));
    }

    #[test]
    fn this_process_uses_memory() {
        let usage = Processes::own().unwrap().read();
        assert!(usage[GENERATOR].rss_kb > 0);
    }
}
