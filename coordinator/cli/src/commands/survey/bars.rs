//! A bar for each directory server, on standard error: standard output stays for what is said in the end.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use sendgate_proto::v1::SurveyProgress;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often a bar without news turns.
const TURN: Duration = Duration::from_millis(200);

/// Where it is known how many entries there were last time.
const BAR: &str = "{prefix}  [{bar:24}] {pos}/{len} entries{msg}";
/// Where it is not.
const TURNING: &str = "{prefix}  {spinner} {pos} entries{msg}";

pub(super) struct Bars {
    all: MultiProgress,
    bars: BTreeMap<String, ProgressBar>,
}

impl Bars {
    pub(super) fn new() -> Self {
        Self { all: MultiProgress::new(), bars: BTreeMap::new() }
    }

    pub(super) fn show(&mut self, state: &SurveyProgress) {
        let server = crate::output::printable(&state.server);
        let bar = self.bars.entry(state.server.clone()).or_insert_with(|| {
            let (bar, style) = match state.expected {
                0 => (ProgressBar::new_spinner(), TURNING),
                expected => (ProgressBar::new(expected), BAR),
            };
            // A template that is not understood leaves the crate's own.
            let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = self.all.add(bar.with_style(style).with_prefix(server));
            bar.enable_steady_tick(TURN);
            bar
        });
        if bar.length().is_some_and(|length| length < state.entries) {
            // More than last time.
            bar.set_length(state.entries);
        }
        bar.set_position(state.entries);
        // The server's own time: the crate's rate is that of the messages.
        let rate = super::rate(state.entries, Duration::from_millis(state.elapsed_ms));
        match &state.end {
            None => bar.set_message(format!("{rate}, {}", crate::output::printable(&state.what))),
            Some(end) if end.error.is_empty() => bar.finish_with_message(format!("{rate}, read")),
            Some(end) => bar.abandon_with_message(format!(", FAILED: {}", crate::output::printable(&end.error))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_understood() {
        for template in [BAR, TURNING] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn a_bar_says_what_is_read_how_fast_and_how_it_ended() {
        use indicatif::ProgressDrawTarget;
        use sendgate_proto::v1::SurveyEnd;
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        let mut bars = Bars { all, bars: BTreeMap::new() };
        let state = |server: &str, entries, expected, end: Option<&str>| SurveyProgress {
            server: server.to_owned(),
            what: "users".to_owned(),
            entries,
            elapsed_ms: 500,
            end: end.map(|error| SurveyEnd { error: error.to_owned() }),
            expected,
        };
        let mut shown = |state: SurveyProgress| {
            bars.show(&state);
            let bar = &bars.bars[&state.server];
            (bar.position(), bar.length(), bar.message(), bar.is_finished())
        };
        assert_eq!(shown(state("a1", 50, 200, None)), (50, Some(200), " (100/s), users".to_owned(), false));
        // More than there were last time.
        assert_eq!(shown(state("a1", 300, 200, Some(""))), (300, Some(300), " (600/s), read".to_owned(), true));
        assert_eq!(shown(state("a2", 0, 0, None)), (0, None, ", users".to_owned(), false));
        let failed = shown(state("a2", 0, 0, Some("connection refused")));
        assert_eq!((failed.2.as_str(), failed.3), (", FAILED: connection refused", true));
    }
}
