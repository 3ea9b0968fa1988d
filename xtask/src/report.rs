//! Says what each step does, how long it took, and how everything ended.

use anyhow::{Error, Result};
use std::{
    fmt,
    time::{Duration, Instant},
};

/// Tests that ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl Tally {
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// How a step went that raised no error.
#[derive(Debug)]
pub enum Outcome {
    Done,
    /// Done, with a fact worth a line.
    Noted(String),
    /// Nothing changed since the step last succeeded.
    Unchanged,
    Tests(Tally),
    /// Nothing changed since these tests passed.
    TestsUnchanged(Tally),
}

#[derive(Debug)]
struct Line {
    name: &'static str,
    took: Duration,
    result: Result<Outcome, String>,
}

#[derive(Debug)]
pub struct Report {
    started: Instant,
    lines: Vec<Line>,
}

impl Default for Report {
    fn default() -> Self {
        Self { started: Instant::now(), lines: Vec::new() }
    }
}

impl Report {
    /// Runs one step, prints how it went and hands its error on.
    pub fn step(&mut self, name: &'static str, what: &str, work: impl FnOnce() -> Result<Outcome>) -> Result<()> {
        println!("== {name}: {what}");
        let start = Instant::now();
        let result = work();
        let took = start.elapsed();
        match &result {
            Ok(outcome) => println!("   {name}: {}", describe(outcome, took)),
            Err(error) => println!("   {name}: FAILED after {}: {error:#}", seconds(took)),
        }
        let error = match result {
            Ok(outcome) => {
                let failed = matches!(outcome, Outcome::Tests(Tally { failed: 1.., .. }));
                self.lines.push(Line { name, took, result: Ok(outcome) });
                failed.then(|| Error::msg(format!("{name}: tests failed")))
            }
            Err(error) => {
                self.lines.push(Line { name, took, result: Err(format!("{error:#}")) });
                Some(error)
            }
        };
        error.map_or(Ok(()), Err)
    }

    /// All tests; a check or a build that failed counts as one failed test.
    pub fn tally(&self) -> Tally {
        let mut total = Tally::default();
        for line in &self.lines {
            match &line.result {
                Ok(Outcome::Tests(tally) | Outcome::TestsUnchanged(tally)) => total.add(*tally),
                Ok(_) => {}
                Err(_) => total.failed += 1,
            }
        }
        total
    }

    /// Prints the steps again, shortly, and the plain closing line.
    pub fn summarise(&self) -> Tally {
        println!("\nsteps:");
        for line in &self.lines {
            let how = match &line.result {
                Ok(outcome) => describe(outcome, line.took),
                Err(error) => {
                    let reason = error.lines().next().unwrap_or_default();
                    format!("FAILED after {}: {reason}", seconds(line.took))
                }
            };
            println!("  {:<12} {how}", line.name);
        }
        let total = self.tally();
        println!("  {:<12} {}", "total", seconds(self.started.elapsed()));
        println!("{} passed, {} failed", total.passed, total.failed);
        total
    }
}

fn describe(outcome: &Outcome, took: Duration) -> String {
    let took = seconds(took);
    match outcome {
        Outcome::Done => format!("done in {took}"),
        Outcome::Noted(note) => format!("done in {took}: {note}"),
        Outcome::Unchanged => "skipped, nothing changed".to_owned(),
        Outcome::Tests(tally) => format!("done in {took}: {tally}"),
        Outcome::TestsUnchanged(tally) => {
            format!("skipped, nothing changed since {} passed", tally.passed)
        }
    }
}

fn seconds(duration: Duration) -> String {
    let total = duration.as_secs_f64();
    if total < 100.0 { format!("{total:.1} s") } else { format!("{} min {:02} s", total as u64 / 60, total as u64 % 60) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_check_counts_as_a_failed_test() {
        let mut report = Report::default();
        let tally = Tally { passed: 3, failed: 0, skipped: 1 };
        report.step("tests", "run", || Ok(Outcome::Tests(tally))).unwrap();
        report.step("fmt", "format", || anyhow::bail!("not formatted")).unwrap_err();
        assert_eq!(report.tally(), Tally { passed: 3, failed: 1, skipped: 1 });
    }

    #[test]
    fn failed_tests_are_an_error_and_counted_once() {
        let mut report = Report::default();
        let tally = Tally { passed: 3, failed: 2, skipped: 0 };
        assert!(report.step("tests", "run", || Ok(Outcome::Tests(tally))).is_err());
        assert_eq!(report.tally(), tally);
    }

    #[test]
    fn long_times_are_minutes() {
        assert_eq!(seconds(Duration::from_millis(12_340)), "12.3 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 05 s");
    }
}
