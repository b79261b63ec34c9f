//! `explain USER`: a numbered chain for each roster entry that matches, from the roster to what would cover him.
//!
//! 1. here: the chain's steps in order;
//! 2. [`chain`]: what a directory server shows of the object, the token, the entries and the protection.

mod chain;

use super::coverage::wait;
use super::wrapped;
use sendgate_core::coverage::explain::{Explanation, Found};
use sendgate_core::plan::diagnosis::Diagnosis;
use sendgate_core::time::Readable;
use sendgate_core::view::{ExplainView, ExplainedUser};

/// A block for each roster entry that matches; `all` shows every entry of a list by itself.
pub(crate) fn table(view: &ExplainView, all: bool) -> String {
    if view.users.is_empty() {
        return format!(
            "not on a roster: no GoodLink server that has reported has {:?}, neither as a roster name nor as a directory name\n",
            view.asked
        );
    }
    view.users.iter().map(|explained| user(explained, all)).collect::<Vec<_>>().join("\n")
}

/// The steps of a chain, numbered as they come.
#[derive(Default)]
struct Steps {
    text: String,
    number: usize,
}

impl Steps {
    /// A step; its first line says what it is about.
    fn step(&mut self, text: &str) {
        self.number += 1;
        self.text.push_str(&wrapped(&format!("{:>3}. ", self.number), text));
    }

    /// More of the last step.
    fn more(&mut self, text: &str) {
        self.text.push_str(&wrapped("     ", text));
    }

    /// One of several things of the last step.
    fn item(&mut self, mark: &str, text: &str) {
        self.text.push_str(&wrapped(&format!("     {mark:>5}  "), text));
    }
}

fn user(user: &ExplainedUser, all: bool) -> String {
    let waived = if user.waiver.is_some() { " (waived)" } else { "" };
    let mut steps = Steps { text: format!("{}{waived}: {}\n", user.kind, user.user), ..Steps::default() };
    steps.text.push_str(&wrapped("     ", &user.sentence));
    let reported = user.reported_account.as_ref().map_or_else(String::new, |reported| {
        format!(", but its service logs on as {reported:?}: correct the service or the configuration")
    });
    steps.step(&format!(
        "Roster: {} on GoodLink server {}, in the directory {}; declared to send as {}{reported}",
        user.user, user.goodlink, user.directory_name, user.account
    ));
    for (domain, explained) in &user.domains {
        match explained {
            Ok(explained) => domain_steps(&mut steps, explained, all),
            Err(why) => steps.step(&format!("Directory: {domain}: the chain is not known: {why}")),
        }
    }
    verdict(&mut steps, user);
    if let Some(propagation) = &user.propagation {
        let when = if propagation.within.is_zero() {
            "has passed since, or should have".to_owned()
        } else {
            let at = propagation.at.round(jiff::Unit::Second).unwrap_or(propagation.at);
            format!("passes at {at} at the latest (in {})", Readable(propagation.within))
        };
        steps.more(&format!("the propagator {when}; it does so every {}", Readable(propagation.interval)));
    }
    remedies(&mut steps, user);
    steps.step(&format!("Waiting: {}", wait(&user.pair)));
    steps.more(&format!("GoodLink: {}", user.paused));
    if let Some(waiver) = &user.waiver {
        steps.more(&format!("waived until {}, by {}: {}", waiver.expires, waiver.by, waiver.reason));
    }
    if let Some(found) = &user.diagnosis {
        diagnosis(&mut steps, found);
    }
    steps.text
}

/// Why he is paused: what follows, then every suspect in the order in which it was looked at.
fn diagnosis(steps: &mut Steps, found: &Diagnosis) {
    let due = if found.remaining.is_zero() {
        String::new()
    } else {
        format!(" (so far; he is called failed in {})", Readable(found.remaining))
    };
    steps.step(&format!("Still paused: {}{due}", found.conclusion));
    steps.more(&format!("next: {}", found.conclusion.next));
    for (number, check) in (1..).zip(&found.checks) {
        let next = check.next.as_ref().map_or_else(String::new, |next| format!("\nnext: {next}"));
        steps.item(&format!("{number}."), &format!("{}: {}{next}", check.suspect, check.finding));
    }
}

fn domain_steps(steps: &mut Steps, explained: &Explanation, all: bool) {
    let found = match &explained.found {
        Found::Here { home } => format!("one object in {}; mailbox: {home}", explained.domain),
        Found::Absent => format!("nobody of that name in {}, on any directory server", explained.domain),
        Found::Ambiguous { dns } => format!("{} objects of that name in {}", dns.len(), explained.domain),
        Found::Unknown { why } => format!("whether he is in {} is not known: {why}", explained.domain),
    };
    steps.step(&format!("Object: {found}"));
    explained.objects.iter().for_each(|shown| chain::object(steps, shown));
    for account in &explained.accounts {
        let mut before = None;
        for trail in &account.trails {
            chain::trail(steps, &account.account, before.replace(trail), trail, all);
        }
    }
}

/// What counts at the gate, with what each server shows.
fn verdict(steps: &mut Steps, user: &ExplainedUser) {
    let Some(verdict) = &user.verdict else {
        steps.step(&format!("Verdict: {}: {}", user.kind, user.cause));
        return;
    };
    steps.step(&format!("Verdict: {}: {}", verdict.kind, verdict.cause));
    for (server, seen) in &verdict.servers {
        let why = if seen.cause == verdict.cause { String::new() } else { format!(", {}", seen.cause) };
        let entry = seen.deciding.as_ref().map_or_else(
            || "no entry decided".to_owned(),
            |entry| {
                let origin = if entry.inherited { "inherited" } else { "explicit" };
                format!("entry {} ({origin}): {}", entry.index, entry.sddl)
            },
        );
        steps.item("-", &format!("{server}: {}{why}\n{entry}", seen.kind));
    }
    for warning in verdict.warnings() {
        steps.more(&format!("worth a look: {warning}"));
    }
    if user.moved_on() {
        steps
            .more("the directory has changed since: the chain above is newer than this verdict; ask again in a moment");
    }
}

fn remedies(steps: &mut Steps, user: &ExplainedUser) {
    let mut remedies = user.remedies.iter();
    match remedies.next() {
        None => steps.step("Remedy: not known before the chain is"),
        Some(first) => {
            steps.step(&format!("Remedy: {first}"));
            remedies.for_each(|other| steps.item("or", &other.to_string()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use sendgate_core::coverage::VerdictKind;

    #[test]
    fn a_user_is_followed_from_the_roster_to_the_remedy() {
        let text = table(&samples::explain(), false);
        for expected in [
            "denied (waived): boss\n     boss is denied\n",
            "\n  1. Roster: boss on GoodLink server gla, in the directory boss@a.example.test; declared to send as\n     goodadmin@a.example.test\n",
            "\n  2. Object: one object in a.example.test; mailbox: exa1\n",
            "Verdict: denied: an entry denies it\n         -  a1.a.example.test: denied\n            entry 4 (explicit): (OD;;CR;;;S-1-5-9)\n",
            "\n         -  a2.a.example.test: missing, no entry reaches the user\n            no entry decided\n",
            "Remedy: remove the entry (OD;;CR;;;S-1-5-9) from CN=boss,DC=a, if whoever put it there agrees\n        or  except him from the gate",
            "Waiting: for the right\n     GoodLink: not paused by the Send As error\n     waived until 2026-12-01T00:00:00Z, by anna: leaves in December\n",
            "     the propagator passes at 2026-11-24T23:00:00Z at the latest (in 43m 0s); it does so every 1h 0m\n",
        ] {
            assert!(text.contains(expected), "{expected}\nis not in\n{text}");
        }
    }

    #[test]
    fn a_propagator_that_is_due_is_not_said_to_come() {
        let mut view = samples::explain();
        view.users[0].propagation.as_mut().unwrap().within = std::time::Duration::ZERO;
        let text = table(&view, false);
        let expected = "\n     the propagator has passed since, or should have; it does so every 1h 0m\n";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn a_chain_that_is_not_known_is_said_and_promises_no_remedy() {
        let mut view = samples::explain();
        let user = &mut view.users[0];
        user.domains = [("a.example.test".parse().unwrap(), Err("it is not surveyed".to_owned()))].into();
        (user.verdict, user.remedies, user.propagation) = (None, Vec::new(), None);
        (user.kind, user.cause) = (VerdictKind::Unreadable, "a.example.test has not been surveyed".to_owned());
        user.reported_account = Some("adom\\other".to_owned());
        let text = table(&view, false);
        assert!(text.starts_with("unreadable (waived): boss\n"), "{text}");
        assert!(text.contains("but its service logs on as \"adom\\\\other\": correct the service"), "{text}");
        assert!(text.contains("Directory: a.example.test: the chain is not known: it is not surveyed\n"), "{text}");
        assert!(text.contains("Verdict: unreadable: a.example.test has not been surveyed\n"), "{text}");
        assert!(text.contains("Remedy: not known before the chain is\n"), "{text}");
    }

    #[test]
    fn a_verdict_that_is_older_than_the_chain_is_said_to_be() {
        let mut view = samples::explain();
        assert!(!table(&view, false).contains("has changed since"));
        let verdict = view.users[0].verdict.as_mut().unwrap();
        std::sync::Arc::make_mut(verdict).cause = sendgate_core::coverage::Cause::NoEntry;
        assert!(table(&view, false).contains("the chain above is newer than this verdict"));
    }

    #[test]
    fn a_diagnosis_says_what_follows_first_and_then_every_suspect() {
        let mut view = samples::explain();
        assert!(!table(&view, false).contains("Still paused"));
        let mut found = samples::diagnosis();
        view.users[0].diagnosis = Some(found.clone());
        let expected = "Still paused: GoodLink's pause timer: no restart of GoodLink is known (and unwatched Exchange server)\n     \
                        next: sendgate goodlink restart gla --reason WHY\n        \
                        1.  replication: ruled out: every server shows the right\n        \
                        2.  GoodLink's pause timer: it is this: no restart of GoodLink is known\n            \
                        next: sendgate goodlink restart gla --reason WHY\n";
        let text = table(&view, false);
        assert!(text.contains(expected), "{expected}\nis not in\n{text}");
        found.remaining = std::time::Duration::from_secs(720);
        view.users[0].diagnosis = Some(found);
        let text = table(&view, false);
        assert!(text.contains(" (so\n     far; he is called failed in 12m 0s)\n"), "{text}");
    }

    #[test]
    fn nobody_of_that_name_is_said() {
        let text = table(&ExplainView { asked: "ghost".to_owned(), users: Vec::new() }, false);
        assert!(text.starts_with("not on a roster: no GoodLink server that has reported has \"ghost\""));
    }
}
