//! What `oms doctor` found: things that are good, things to look at and things that are wrong, each with what to do.

use serde::Serialize;
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Good,
    /// Nothing fails yet.
    Warning,
    Wrong,
}

#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    pub verdict: Verdict,
    /// What was looked at.
    pub subject: String,
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// Everything that was looked at, in that order.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Diagnosis {
    pub findings: Vec<Finding>,
}

impl Diagnosis {
    /// Whether nothing is wrong; warnings do not count.
    pub fn is_healthy(&self) -> bool {
        self.findings.iter().all(|finding| finding.verdict != Verdict::Wrong)
    }

    pub fn good(&mut self, subject: impl Into<String>, found: impl Into<String>) {
        self.add(Verdict::Good, subject.into(), found.into(), None);
    }

    pub fn warning(
        &mut self,
        subject: impl Into<String>,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(Verdict::Warning, subject.into(), found.into(), Some(remedy.into()));
    }

    pub fn wrong(&mut self, subject: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) {
        self.add(Verdict::Wrong, subject.into(), found.into(), Some(remedy.into()));
    }

    fn add(&mut self, verdict: Verdict, subject: String, found: String, remedy: Option<String>) {
        self.findings.push(Finding { verdict, subject, found, remedy });
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            let mark = match finding.verdict {
                Verdict::Good => "good   ",
                Verdict::Warning => "look   ",
                Verdict::Wrong => "WRONG  ",
            };
            writeln!(out, "{mark} {}: {}", finding.subject, finding.found)?;
            if let Some(remedy) = &finding.remedy {
                writeln!(out, "         {remedy}")?;
            }
        }
        let count = |verdict| self.findings.iter().filter(|finding| finding.verdict == verdict).count();
        let (wrong, warnings) = (count(Verdict::Wrong), count(Verdict::Warning));
        write!(out, "{wrong} wrong, {warnings} to look at, {} good", count(Verdict::Good))
    }
}
