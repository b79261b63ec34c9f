//! `rollout lint` and `plan ROLLOUT`.

use super::rollout::head;
use super::{drawn, grid, list, wrapped};
use jiff::Timestamp;
use sendgate_core::time::Readable;
use sendgate_core::view::{ForecastView, WaveForecast};

/// The file is good, and what it comes to.
pub(crate) fn lint(view: &ForecastView) -> String {
    let hosts: usize = view.waves.iter().map(|wave| wave.hosts.len()).sum();
    let line = format!("good: rollout {}, {} waves, {hosts} hosts", view.spec.name, view.waves.len());
    wrapped("", &line) + &head(&view.spec)
}

/// The dry run.
pub(crate) fn table(view: &ForecastView) -> String {
    let applied = if view.applied { "is applied" } else { "is not applied in this form" };
    let mut text = wrapped("", &format!("dry run: rollout {} {applied}", view.spec.name));
    text.push_str(&head(&view.spec));
    if !view.waits.is_zero() {
        let waits = format!("{} must pass for rights that have landed", Readable(view.waits));
        text.push_str(&wrapped("  waits    ", &waits));
    }
    for (from, to) in &view.openings {
        text.push_str(&wrapped("  opens    ", &format!("{} to {}", minute(*from), minute(*to))));
    }
    let ends = view.ends.map_or_else(|| "never: it does not fit into the windows".to_owned(), minute);
    text.push_str(&wrapped("  ends     ", &ends));
    text.push('\n');
    let mut table = grid(&["WAVE", "HOST", "EXCHANGE SERVER", "PHASE", "BEGINS"]);
    let mut below = String::new();
    for wave in &view.waves {
        rows(wave, &mut table, &mut below);
    }
    text + &drawn(&table) + &below
}

fn rows(wave: &WaveForecast, table: &mut comfy_table::Table, below: &mut String) {
    for host in &wave.hosts {
        let (name, server) = (host.line.progress.host.to_string(), host.line.progress.server.to_string());
        let over = host.line.progress.phase.is_over();
        let begins = match host.begins {
            Some(begins) => minute(begins),
            None if over => "-".to_owned(),
            None => "fits into no window".to_owned(),
        };
        table.add_row([wave.name.to_string(), name.clone(), server, host.line.phase.clone(), begins]);
        below.push_str(&list(&format!("\n{name}, now:"), host.line.reasons.iter().map(String::as_str)));
    }
    let (takes, needs) = (Readable(wave.takes), Readable(wave.needs));
    let line = format!("takes {takes}; with a removal {needs} must be left until a cutoff");
    below.push_str(&wrapped(&format!("\nwave {}: ", wave.name), &line));
}

/// To the minute.
fn minute(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%MZ").to_string()
}
