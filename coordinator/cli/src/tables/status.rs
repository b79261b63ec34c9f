//! `status`: what a person on call looks at first.

use super::{LABORATORY, domains, drawn, grid, held, list, minute, wrapped};
use sendgate_core::view::{BreachLine, StatusView};

/// Everything, worst last seen first: breaches and disruptions stand above what runs as it should.
pub(crate) fn table(view: &StatusView) -> String {
    let mut text = String::new();
    if view.laboratory {
        text.push_str(LABORATORY);
    }
    let generation = view.generation.map_or_else(|| "none yet".to_owned(), |generation| generation.to_string());
    text.push_str(&format!("coordinator generation {generation}, {} journal records\n", view.journal));

    if let Some(takeover) = &view.takeover {
        text.push_str(&format!("by a takeover of {}: {}\n", takeover.by, takeover.reason));
    }
    let strangers = view.strangers.iter().map(|(agent, why)| format!("agent {agent}: {why}"));
    text.push_str(&list("\nNOT LED BY THIS COORDINATOR, SO NOTHING BEGINS", strangers));

    text.push_str(&list("\nCERTIFICATES", view.certificates.iter().map(ToString::to_string)));

    let not_known = view.breaches_not_known.iter().map(|(server, why)| format!("{server}: not known: {why}"));
    text.push_str(&section("BREACHES", view.breaches.iter().map(breach).chain(not_known)));
    let disrupted = view.disrupted.iter().map(|(host, why)| format!("{host}: {why}"));
    text.push_str(&section("DISRUPTED HOSTS", disrupted));
    text.push_str(&section("HELD", view.holds.iter().map(|line| format!("{}: {}", line.held, held(line)))));
    text.push_str(&list("\nFORCED RESTARTS", view.forced.iter().map(|(goodlink, what)| format!("{goodlink}: {what}"))));
    text.push_str(&section("DRIFT", view.drift.iter().map(ToString::to_string)));

    text.push_str(&format!("\nDOMAINS\n{}", domains::table(&view.domains)));

    text.push_str("\nROLLOUTS");
    if view.rollouts.is_empty() {
        text.push_str(": none\n");
    } else {
        text.push('\n');
        for rollout in &view.rollouts {
            text.push_str(&wrapped("  ", &format!("{}: {}", rollout.rollout, rollout.state)));
        }
    }
    text.push_str(&paused(view));
    let waivers = view.waivers.iter().map(|line| {
        let waiver = &line.waiver;
        format!("{}: until {}, by {}: {}", waiver.user, waiver.expires, waiver.by, waiver.reason)
    });
    text.push_str(&section("WAIVERS", waivers));
    text
}

fn section(heading: &str, items: impl Iterator<Item = String>) -> String {
    let items = list(&format!("\n{heading}"), items);
    if items.is_empty() { format!("\n{heading}: none\n") } else { items }
}

fn breach(breach: &BreachLine) -> String {
    let enforces = if breach.certain { "enforces" } else { "may enforce" };
    let since = breach.since.map_or_else(String::new, |since| format!(", since {}", minute(since)));
    format!(
        "{}: {enforces}, and {} of its users are not covered ({} of them waived){since}",
        breach.server, breach.users, breach.waived
    )
}

fn paused(view: &StatusView) -> String {
    let mut table = grid(&["PAUSED", "GOODLINK SERVER"]);
    let mut below = String::new();
    for line in &view.paused {
        match &line.users {
            Ok(users) => {
                table.add_row([users.len().to_string(), line.goodlink.to_string()]);
                let waiting = users.iter().filter(|(user, _)| !line.diagnoses.contains_key(user));
                let waiting = waiting.map(|(user, recovery)| format!("{user}: {recovery}"));
                below.push_str(&list(&format!("\n{} paused by the Send As error", line.goodlink), waiting));
                let still = line.diagnoses.iter().map(|(user, found)| format!("{user}: {found}\nnext: {}", found.next));
                below.push_str(&list(&format!("\n{} still paused, and why", line.goodlink), still));
            }
            Err(why) => {
                table.add_row(["not known".to_owned(), line.goodlink.to_string()]);
                below.push_str(&list(&format!("\n{} not known", line.goodlink), [why]));
            }
        }
    }
    if view.paused.is_empty() {
        return "\nPAUSED USERS: no GoodLink server is configured\n".to_owned();
    }
    format!("\n{}{below}", drawn(&table))
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn laboratory_is_the_first_line_and_only_there_when_it_is_one() {
        let mut view = samples::status();
        assert!(
            table(&view).starts_with(
                "LABORATORY: waits may be shortened\ncoordinator generation 00000000000000ab.3, 42 journal"
            )
        );
        view.laboratory = false;
        assert!(!table(&view).contains("LABORATORY"));
    }

    #[test]
    fn what_is_held_and_not_configured_says_what_that_means() {
        let mut view = samples::status();
        view.holds[0].not_configured = Some("none of that name is configured".to_owned());
        let line = "held by anna since 2026-11-24 22:00Z: move of mailboxes; none of that name is configured\n";
        let text = table(&view).replace("\n    ", " ");
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn every_section_says_what_it_holds_or_that_it_holds_nothing() {
        let text = table(&samples::status());
        for expected in [
            "\nby a takeover of anna: the disk was lost\n",
            "\nNOT LED BY THIS COORDINATOR, SO NOTHING BEGINS\n  - agent exa2: it has obeyed another\n",
            "\nCERTIFICATES\n  - the certificate of agent exa1 ends in 12 days, at 2026-12-06T22:00:00Z: a session that is up goes on, no\n    new one begins; issue a new one with `sendgate pki issue --role agent`\n",
            "\nBREACHES\n  - exa2: may enforce, and 3 of its users are not covered (1 of them waived)\n  - exa3: not known: its host is silent\n",
            "\nDISRUPTED HOSTS\n  - exa1: it has been silent for 3m 0s\n",
            "\nFORCED RESTARTS\n  - glb: restart wanted by anna: now; not begun yet, and void in 12m 0s\n",
            "\nDRIFT\n  - exa2: store.exe went from 6.5.7233.54 (SP1 with the hotfix) to 6.5.7638.1 (SP2) with no command of ours,\n    noticed 2026-11-24T22:00:00Z: it stops checking Send As: users are un-paused without having the right, and\n    paused again from the next store fix on; 3 of the 7 roster users of exa2 are not covered now (1 of them\n    waived)\n",
            "\nROLLOUTS\n  march: running\n",
            "\nPAUSED      GOODLINK SERVER\n-----------------------------\n2           gla\nnot known   glb\n",
            "\ngla paused by the Send As error\n  - jdoe: a restart may help in 12m 0s\n",
            "\ngla still paused, and why\n  - boss: GoodLink's pause timer: no restart of GoodLink is known (and unwatched Exchange server)\n    next: sendgate goodlink restart gla --reason WHY\n",
            "\nglb not known\n  - its host has not reported\n",
            "\nHELD\n  - domain a.example.test: held by anna since 2026-11-24 22:00Z: move of mailboxes\n",
            "\nWAIVERS\n  - boss@a.example.test: until 2026-12-01T00:00:00Z, by anna: leaves in December\n",
        ] {
            assert!(text.contains(expected), "{expected}\nis not in\n{text}");
        }
    }
}
