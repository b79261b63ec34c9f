//! Prints the story: one line at a time, each with the time since it began. No colours: it is read in logs too.

use std::io::Write as _;
use std::time::{Duration, Instant};

/// The teller.
#[derive(Debug)]
pub struct Teller {
    begin: Instant,
}

impl Teller {
    /// Begins now.
    #[must_use]
    pub fn new() -> Self {
        Self { begin: Instant::now() }
    }

    /// Since the beginning.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }

    /// A line; what is written over several lines is kept together.
    pub fn say(&self, text: &str) {
        let stamp = format!("[{:6.1} s] ", self.elapsed().as_secs_f64());
        let mut lines = text.lines();
        let mut out = String::new();
        out.push_str(&stamp);
        out.push_str(lines.next().unwrap_or_default());
        for line in lines {
            out.push_str(&format!("\n{:>width$}{line}", "", width = stamp.len()));
        }
        self.raw(&out);
    }

    /// A heading.
    pub fn chapter(&self, text: &str) {
        self.raw(&format!("\n== {text}"));
    }

    /// Text as it is. A reader who has gone away ends the story at its next step, not here.
    pub fn raw(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    }
}

impl Default for Teller {
    fn default() -> Self {
        Self::new()
    }
}
