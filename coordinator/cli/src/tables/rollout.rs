//! `rollout show`.

use super::{drawn, grid, list, wrapped};
use sendgate_core::ledger::Sha256;
use sendgate_core::plan::rollout::{Class, Tally};
use sendgate_core::spec::{Expected, RolloutSpec, Thresholds, Windows};
use sendgate_core::time::Readable;
use sendgate_core::view::{RolloutHostLine, RolloutView};

/// The state, what it is to do, and each host in order.
pub(crate) fn table(view: &RolloutView, digest: Sha256) -> String {
    let spec = &view.spec;
    let mut text = wrapped("", &format!("{}: rollout {}", view.state, spec.name));
    text.push_str(&head(spec, digest));
    text.push_str(&wrapped("  author   ", &approved(view)));
    if let Some(why) = &view.removal {
        text.push_str(&wrapped("  removal  ", why));
    }
    for tally in &view.tallies {
        text.push_str(&wrapped("  counted  ", &counted(tally)));
    }
    text.push('\n');
    text.push_str(&hosts(&view.hosts));
    text
}

/// What it is to do, and the digest by which that is approved.
pub(super) fn head(spec: &RolloutSpec, digest: Sha256) -> String {
    let package = &spec.package;
    let mut text = wrapped("  form     ", &digest.short());
    text += &wrapped("  package  ", &format!("{} (KB {}), SHA-256 {}", package.name, package.kb, package.sha256));
    text.push_str(&wrapped("  target   ", &format!("store.exe {}", package.target)));
    for wave in &spec.waves {
        let servers: Vec<_> = wave.servers.iter().map(ToString::to_string).collect();
        let (servers, soak) = (servers.join(", "), Readable(wave.soak));
        let line = format!("{}: {servers}; {} at once, soak {soak}", wave.name, wave.at_once);
        text.push_str(&wrapped("  wave     ", &line));
    }
    match &spec.windows {
        Windows::AnyTime => text.push_str(&wrapped("  window   ", "at any time")),
        Windows::In(windows) => {
            windows.iter().for_each(|window| text.push_str(&wrapped("  window   ", &window.to_string())));
        }
    }
    let Expected { install, restart, removal } = spec.expected;
    let (install, restart, removal) = (Readable(install), Readable(restart), Readable(removal));
    let expected = format!("install {install}, restart of GoodLink {restart}, removal {removal}");
    text.push_str(&wrapped("  expected ", &expected));
    let test = if spec.test_send { "each GoodLink server sends before a wave is over" } else { "no test send" };
    text.push_str(&wrapped("  test     ", test));
    text.push_str(&wrapped("  on trip  ", &spec.on_trip.to_string()));
    let patience = format!("{}: nothing has moved for longer, and it stops by itself", Readable(spec.patience));
    text.push_str(&wrapped("  patience ", &patience));
    text
}

/// What may go wrong before it stops by itself.
pub(super) fn allowed(spec: &RolloutSpec) -> String {
    let of = |thresholds: &Thresholds| {
        let Thresholds {
            new_pauses,
            new_pauses_percent,
            failed_installs,
            stores_down,
            unreachable,
            test_send_failures,
        } = thresholds;
        let percent = new_pauses_percent.map_or_else(String::new, |percent| format!(" and {percent} %"));
        format!(
            "{new_pauses}{percent} new pauses, {failed_installs} failed installs, {stores_down} stores down, {unreachable} \
             unreachable hosts, {test_send_failures} failed test sends"
        )
    };
    wrapped("  allowed  ", &format!("the rollout: {}", of(&spec.thresholds)))
        + &wrapped("  allowed  ", &format!("each wave: {}", of(&spec.wave_thresholds)))
}

fn approved(view: &RolloutView) -> String {
    let others: Vec<_> = view.approved.keys().filter(|by| **by != view.author).map(ToString::to_string).collect();
    let people = if view.spec.approvals == 1 { "other" } else { "others" };
    match (view.spec.approvals, others.is_empty()) {
        (0, _) => format!("{}; no approval is needed", view.author),
        (needed, true) => format!("{}; {needed} {people} must approve, nobody has", view.author),
        (needed, false) => format!("{}; {needed} {people} must approve: {} did", view.author, others.join(", ")),
    }
}

/// What has gone wrong, against what is allowed.
fn counted(tally: &Tally) -> String {
    let Thresholds { new_pauses, new_pauses_percent, failed_installs, stores_down, unreachable, test_send_failures } =
        tally.allowed;
    let percent = new_pauses_percent.map_or_else(String::new, |percent| format!(" and {percent} %"));
    let of = |class: Class| tally.failed.values().filter(|(of, _)| *of == class).count();
    let removals = match of(Class::Removal) {
        0 => String::new(),
        failed => format!(", {failed} failed removals (0)"),
    };
    let known = if tally.not_known.is_empty() { "" } else { " known" };
    let unknown: String = tally.not_known.iter().map(|(name, why)| format!("; not known for {name}: {why}")).collect();
    format!(
        "{}: {} new pauses{known} of {} roster users ({new_pauses}{percent} allowed), {} failed installs \
         ({failed_installs}), {} stores down ({stores_down}), {} unreachable hosts ({unreachable}), {} failed test sends \
         ({test_send_failures}){removals}{unknown}",
        tally.of,
        tally.new_pauses.len(),
        tally.roster_users,
        of(Class::Install),
        of(Class::Store),
        of(Class::Unreachable),
        tally.tests.len()
    )
}

/// Hosts of a rollout with the reasons of those that stand still.
pub(super) fn hosts(lines: &[RolloutHostLine]) -> String {
    if lines.is_empty() {
        return "it has no hosts: its servers are not configured\n".to_owned();
    }
    let mut table = grid(&["WAVE", "PHASE", "HOST", "EXCHANGE SERVER"]);
    let mut below = String::new();
    for line in lines {
        // The first words say the phase; what follows the colon may be long.
        let (phase, rest) =
            line.phase.split_once(": ").map_or((line.phase.as_str(), None), |(word, rest)| (word, Some(rest)));
        let wave = (line.progress.wave + 1).to_string();
        table.add_row([wave, phase.to_owned(), line.progress.host.to_string(), line.progress.server.to_string()]);
        let why = rest.into_iter().chain(line.reasons.iter().map(String::as_str));
        below.push_str(&list(&format!("\n{} {phase}", line.progress.host), why));
    }
    drawn(&table) + &below
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use sendgate_core::ledger::Yes;
    use sendgate_core::time::{Now, Steady};

    #[test]
    fn what_is_not_known_is_no_zero_and_a_failed_removal_is_counted() {
        let mut view = samples::rollout();
        let tally = &mut view.tallies[0];
        tally.roster_users = 12;
        tally.not_known.insert("glb".parse().unwrap(), "its host has not reported".to_owned());
        tally.failed.insert("exa2".parse().unwrap(), (Class::Removal, "exit code 5".to_owned()));
        assert_eq!(
            counted(tally),
            "the rollout: 0 new pauses known of 12 roster users (2 and 1 % allowed), 1 failed installs (0), 0 stores down \
             (0), 0 unreachable hosts (0), 0 failed test sends (0), 1 failed removals (0); not known for glb: its host has \
             not reported"
        );
    }

    #[test]
    fn what_may_go_wrong_and_whether_anybody_sends_is_said() {
        let mut spec = samples::spec();
        assert!(
            head(&spec, samples::digest()).contains("\n  test     no test send\n"),
            "{}",
            head(&spec, samples::digest())
        );
        spec.test_send = true;
        let sends = "\n  test     each GoodLink server sends before a wave is over\n";
        assert!(head(&spec, samples::digest()).contains(sends), "{}", head(&spec, samples::digest()));
        spec.wave_thresholds = Thresholds { new_pauses: 1, unreachable: 3, ..Thresholds::default() };
        assert_eq!(
            allowed(&spec),
            "  allowed  the rollout: 2 and 1 % new pauses, 0 failed installs, 0 stores down, 0 unreachable hosts, 0 failed\n\
             \x20          test sends\n\
             \x20 allowed  each wave: 1 new pauses, 0 failed installs, 0 stores down, 3 unreachable hosts, 0 failed test sends\n"
        );
    }

    #[test]
    fn who_has_approved_it_is_said() {
        let mut view = samples::rollout();
        let at = Now { wall: "2026-11-24T22:00:00Z".parse().unwrap(), steady: Steady::START };
        for by in ["olga", "anna", "bert"] {
            view.approved.insert(by.parse().unwrap(), Yes { reason: "seen".to_owned(), at });
        }
        assert_eq!(approved(&view), "olga; 1 other must approve: anna, bert did");
        view.spec.approvals = 0;
        assert_eq!(approved(&view), "olga; no approval is needed");
    }

    #[test]
    fn a_rollout_without_hosts_says_so() {
        let mut view = samples::rollout();
        view.hosts.clear();
        let text = table(&view, samples::digest());
        assert!(text.ends_with("\n\nit has no hosts: its servers are not configured\n"), "{text}");
    }

    #[test]
    fn hosts_stand_in_order_with_their_reasons_below() {
        assert_eq!(
            table(&samples::rollout(), samples::digest()),
            format!(
                "running: rollout march\n\
                 \x20 form     cdcdcdcdcdcd\n\
                 \x20 package  kb926666 (KB 926666), SHA-256 {}\n\
                 \x20 target   store.exe 6.5.7653.33\n\
                 \x20 wave     canary: exa1; 1 at once, soak 1h 0m\n\
                 \x20 wave     rest: exa2; 1 at once, soak 1h 0m\n\
                 \x20 window   at any time\n\
                 \x20 expected install 20m 0s, restart of GoodLink 20m 0s, removal 20m 0s\n\
                 \x20 test     no test send\n\
                 \x20 on trip  stop\n\
                 \x20 patience 24h 0m: nothing has moved for longer, and it stops by itself\n\
                 \x20 author   olga; 1 other must approve, nobody has\n\
                 \x20 counted  the rollout: 0 new pauses of 0 roster users (2 and 1 % allowed), 1 failed installs (0), 0 stores\n\
                 \x20          down (0), 0 unreachable hosts (0), 0 failed test sends (0)\n\
                 \n\
                 WAVE   PHASE     HOST   EXCHANGE SERVER\n\
                 -----------------------------------------\n\
                 1      failed    exa1   exa1\n\
                 2      waiting   exa2   exa2\n\
                 \n\
                 exa1 failed\n\
                 \x20 - exit code 3\n\
                 \n\
                 exa2 waiting\n\
                 \x20 - exa1 comes first\n",
                "ab".repeat(32)
            )
        );
    }
}
