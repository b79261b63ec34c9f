//! `rollout lint` and `plan ROLLOUT`.

use super::rollout::{allowed, head};
use super::{drawn, grid, held, list, minute, wrapped};
use sendgate_core::ledger::{RolloutState, Sha256};
use sendgate_core::plan::rollout::Phase;
use sendgate_core::time::Readable;
use sendgate_core::view::{ForecastView, WaveForecast};

/// The file is good, or why it is not, and what it comes to.
pub(crate) fn lint(view: &ForecastView, digest: Sha256) -> String {
    let hosts: usize = view.waves.iter().map(|wave| wave.hosts.len()).sum();
    let what = format!("rollout {}, {} waves, {hosts} hosts", view.spec.name, view.waves.len());
    let (refused, never_fits) = against(view);
    let against = refused + &never_fits;
    let good = if against.is_empty() { "good: " } else { "else good: " };
    against + &wrapped("", &format!("{good}{what}")) + &head(&view.spec, digest) + &allowed(&view.spec)
}

/// What `rollout apply` would refuse it for, and why some of it could never be done; empty: nothing.
fn against(view: &ForecastView) -> (String, String) {
    let refused = view.refused.as_ref().map(|why| wrapped("refused: ", why));
    let never = never(view).map(|why| wrapped("never: ", &why));
    (refused.unwrap_or_default(), never.unwrap_or_default())
}

/// Why some of it could never be done within its windows.
fn never(view: &ForecastView) -> Option<String> {
    let wave = view.fits_nowhere()?;
    if view.openings.is_empty() {
        return Some(format!("wave {} has no window left: none of the windows opens again", wave.name));
    }
    let needs = Readable(wave.needs);
    Some(format!("wave {} fits into none of the next windows: its last host needs {needs} until a cutoff", wave.name))
}

/// The dry run.
pub(crate) fn table(view: &ForecastView, digest: Sha256) -> String {
    let name = &view.spec.name;
    let first = match (view.stands(), &view.state) {
        (None, _) if view.is_held() => {
            format!("rollout {name} is held: it will not move by itself, so nothing begins or ends")
        }
        (Some(state), _) => format!("rollout {name} is {state}: it will not move by itself, so nothing begins or ends"),
        (None, None) => format!("dry run: rollout {name} is not applied in this form"),
        (None, Some(_)) if view.removal => format!("dry run: the hotfix of rollout {name} is being removed again"),
        (None, Some(RolloutState::Created)) => format!("dry run: rollout {name} is applied, as if it were started now"),
        (None, Some(state)) => format!("dry run: rollout {name} is {state}"),
    };
    let (refused, never_fits) = against(view);
    let mut text = refused + &wrapped("", &first) + &never_fits;
    for line in &view.held {
        text.push_str(&wrapped("  ", &format!("{} is {}", line.held, held(line))));
    }
    text.push_str(&head(&view.spec, digest));
    text.push_str(&allowed(&view.spec));
    if !view.waits.is_zero() {
        let waits = format!("{} must pass before the first host", Readable(view.waits));
        text.push_str(&wrapped("  waits    ", &waits));
    }
    for (from, to) in &view.openings {
        text.push_str(&wrapped("  opens    ", &format!("{} to {}", minute(*from), minute(*to))));
    }
    if view.stands().is_none() {
        let ends = match view.ends {
            Some(ends) => minute(ends),
            None if never(view).is_none() && !view.held.is_empty() => "not known: not before it is released".to_owned(),
            None => "never: it does not fit into the windows".to_owned(),
        };
        text.push_str(&wrapped("  ends     ", &ends));
    }
    text.push('\n');
    let mut table = grid(&["WAVE", "HOST", "EXCHANGE SERVER", "PHASE", "BEGINS"]);
    let mut below = String::new();
    for wave in &view.waves {
        rows(view, wave, &mut table, &mut below);
    }
    text + &drawn(&table) + &below
}

fn rows(view: &ForecastView, wave: &WaveForecast, table: &mut comfy_table::Table, below: &mut String) {
    for host in &wave.hosts {
        let (name, server) = (host.line.progress.host.to_string(), host.line.progress.server.to_string());
        let phase = &host.line.progress.phase;
        // Nothing is to be begun there, or it has begun.
        let none = phase.is_over() || phase.in_flight() || matches!(phase, Phase::Soaking { .. });
        let begins = match host.begins {
            Some(begins) => minute(begins),
            None if none || view.stands().is_some() => "-".to_owned(),
            None if host.held && host.fits => "no date: held".to_owned(),
            None => "fits into no window".to_owned(),
        };
        table.add_row([wave.name.to_string(), name.clone(), server, host.line.phase.clone(), begins]);
        below.push_str(&list(&format!("\n{name}, now:"), host.line.reasons.iter().map(String::as_str)));
    }
    let (takes, needs) = (Readable(wave.takes), Readable(wave.needs));
    let line = match view.removal {
        true => format!("takes {takes}; {needs} must be left until a cutoff"),
        false => format!("takes {takes}; with a removal {needs} must be left until a cutoff"),
    };
    below.push_str(&wrapped(&format!("\nwave {}: ", wave.name), &line));
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use sendgate_core::ledger::{Held, Hold};

    fn shown(view: &ForecastView) -> String {
        table(view, samples::digest())
    }

    fn linted(view: &ForecastView) -> String {
        lint(view, samples::digest())
    }

    #[test]
    fn what_fits_into_no_window_is_the_first_thing_said() {
        let mut view = samples::forecast();
        assert!(linted(&view).starts_with("good: rollout march, 2 waves, 2 hosts\n"), "{}", linted(&view));
        assert!(
            shown(&view)
                .starts_with("dry run: rollout march is not applied in this form\n  form     cdcdcdcdcdcd\n  package")
        );
        (view.waves[1].hosts[0].begins, view.waves[1].hosts[0].fits) = (None, false);
        view.ends = None;
        view.openings = vec![("2026-12-01T01:00:00Z".parse().unwrap(), "2026-12-01T02:00:00Z".parse().unwrap())];
        let fits = "wave rest fits into none of the next windows: its last host needs 2h 0m until a cutoff\n";
        let good = "else good: rollout march, 2 waves, 2 hosts\n";
        assert!(linted(&view).starts_with(&format!("never: {fits}{good}")), "{}", linted(&view));
        let first = "dry run: rollout march is not applied in this form\nnever: ";
        assert!(shown(&view).starts_with(&format!("{first}{fits}")), "{}", shown(&view));
        view.openings.clear();
        let past = "never: wave rest has no window left: none of the windows opens again\n";
        assert!(linted(&view).starts_with(past), "{}", linted(&view));
    }

    #[test]
    fn what_it_would_be_refused_for_stands_before_everything_else() {
        let mut view = samples::forecast();
        view.refused = Some("Exchange server exa1 belongs to rollout spring".to_owned());
        let refused = "refused: Exchange server exa1 belongs to rollout spring\n";
        let good = "else good: rollout march, 2 waves, 2 hosts\n";
        assert!(linted(&view).starts_with(&format!("{refused}{good}")), "{}", linted(&view));
        let first = "dry run: rollout march is not applied in this form\n";
        assert!(shown(&view).starts_with(&format!("{refused}{first}")), "{}", shown(&view));
        view.waves[1].hosts[0].fits = false;
        assert!(linted(&view).starts_with(&format!("{refused}never: wave rest ")), "{}", linted(&view));
        for text in [linted(&view), shown(&view)] {
            assert!(text.contains("\n  allowed  each wave: 2 and 1 % new pauses"), "{text}");
        }
    }

    /// Neither is to be begun any more, held or not.
    #[test]
    fn what_is_watched_or_under_way_has_no_beginning() {
        let mut view = samples::forecast();
        for phase in [
            Phase::Soaking { remaining: std::time::Duration::from_secs(60) },
            Phase::Verifying { missing: "no report since".to_owned() },
        ] {
            let host = &mut view.waves[0].hosts[0];
            (host.begins, host.held, host.line.phase) = (None, true, "here".to_owned());
            host.line.progress.phase = phase;
            let text = shown(&view);
            assert!(text.contains("\ncanary   exa1   exa1              here      -\n"), "{text}");
        }
    }

    #[test]
    fn what_will_not_move_by_itself_has_its_state_first_and_no_dates() {
        let mut view = samples::forecast();
        view.applied = true;
        view.state = Some(RolloutState::Tripped { reason: "3 stores down".to_owned() });
        view.ends = None;
        view.waves.iter_mut().flat_map(|wave| &mut wave.hosts).for_each(|host| host.begins = None);
        let text = shown(&view);
        let first = "rollout march is stopped by itself: 3 stores down: it will not move by itself, so nothing begins or ends\n";
        assert!(text.starts_with(first), "{text}");
        assert!(!text.contains("fits into no window") && !text.contains("  ends "), "{text}");
        assert!(linted(&view).starts_with("good: "), "the file is as good as it was");
    }

    #[test]
    fn what_is_held_says_by_whom_and_since_when_and_has_no_dates() {
        let mut view = samples::forecast();
        (view.applied, view.ends) = (true, None);
        view.state = Some(RolloutState::Running { since: sendgate_core::time::Steady::START });
        view.held = vec![samples::held(Held::Rollout("march".parse().unwrap()), samples::hold())];
        view.waves.iter_mut().flat_map(|wave| &mut wave.hosts).for_each(|host| (host.begins, host.held) = (None, true));
        let first = "rollout march is held: it will not move by itself, so nothing begins or ends\n";
        let by = "  rollout march is held by anna since 2026-11-24 22:00Z: move of mailboxes\n";
        let text = shown(&view);
        assert!(text.starts_with(&format!("{first}{by}")), "{text}");
        assert!(text.contains("\n  ends     not known: not before it is released\n"), "{text}");
        assert!(text.contains("no date: held") && !text.contains("2026-12-01"), "{text}");
        // One host alone: the others go.
        view.waves[0].hosts[0].held = false;
        view.waves[0].hosts[0].begins = Some("2026-12-01T01:00:00Z".parse().unwrap());
        let own = Hold { by: None, ..samples::hold() };
        view.held[0] = samples::held(Held::Host("exa2".parse().unwrap()), own);
        let text = shown(&view);
        let by = "  host exa2 is held by Sendgate itself since 2026-11-24 22:00Z: move of mailboxes\n";
        assert!(text.starts_with(&format!("dry run: rollout march is running\n{by}")), "{text}");
        assert!(text.contains("2026-12-01 01:00Z") && text.contains("no date: held"), "{text}");
        // That it is stopped comes first.
        view.state = Some(RolloutState::Tripped { reason: "3 stores down".to_owned() });
        assert!(shown(&view).starts_with("rollout march is stopped by itself: 3 stores down: "), "{}", shown(&view));
    }

    #[test]
    fn a_removal_says_so_and_counts_no_removal_beside_itself() {
        let mut view = samples::forecast();
        (view.applied, view.removal) = (true, true);
        view.state = Some(RolloutState::Running { since: sendgate_core::time::Steady::START });
        let text = shown(&view);
        assert!(text.starts_with("dry run: the hotfix of rollout march is being removed again\n"), "{text}");
        assert!(text.contains("wave rest: takes 1h 0m; 2h 0m must be left until a cutoff\n"), "{text}");
        view.removal = false;
        assert!(shown(&view).starts_with("dry run: rollout march is running\n"), "{}", shown(&view));
        view.state = Some(RolloutState::Created);
        assert!(shown(&view).starts_with("dry run: rollout march is applied, as if it were started now\n"));
    }
}
