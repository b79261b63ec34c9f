//! Hundreds of hosts, each with a long story: what the planner writes down has room in a record of the journal.

use super::file_it;
use crate::example::{AFTER, BEFORE, Example, file_of, minutes, name, succeeded, wave};
use sendgate_core::estate::{ExchangeState, HostState};
use sendgate_core::ledger::{Effect, Entry, Milestone, Outcome, Sequence, Stamped};
use sendgate_core::plan::{self, Step};
use sendgate_core::policy::ExchangePolicy;
use sendgate_core::request;
use std::collections::BTreeSet;

/// As long as what is kept of an agent's words, and six times as long where it is written down.
fn story() -> String {
    "\u{1}".repeat(4000)
}

fn servers() -> Vec<String> {
    (0..300).map(|at| format!("w{at:03}")).collect()
}

/// A running rollout over 300 servers in one wave.
fn large() -> Example {
    let mut example = Example::covered();
    for server in servers() {
        let policy = ExchangePolicy { hosts: vec![name(&server)], domain: None, tags: BTreeSet::new() };
        example.policy.exchange.insert(name(&server), policy);
        example.policy.hosts.insert(name(&server), name(&server));
        example.policy.goodlink.get_mut(&name("gla")).unwrap().exchange.insert(name(&server));
        example.exchange(&server, BEFORE);
    }
    let names = servers();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    example.rollout_of(&file_of("dst", &wave("all", &names)));
    example
}

fn act(example: &mut Example, effect: Effect, outcome: Outcome) {
    let intent: Sequence = example.append(Entry::Intent { effect });
    example.append(Entry::Permitted { intent, holder: None });
    example.end(intent, outcome);
}

fn install(example: &mut Example, host: &str, outcome: Outcome) {
    let package = example.ledger.rollouts[&name("dst")].spec.package.clone();
    let effect = Effect::Install {
        rollout: name("dst"),
        server: name(host),
        host: name(host),
        package: package.name,
        sha256: package.sha256,
        before: name(BEFORE),
    };
    act(example, effect, outcome);
}

/// Why it stops by itself; every entry on the way there was measured.
fn stops(example: &mut Example) -> String {
    for _ in 0..10 {
        let plan = plan::plan(example.world());
        for entry in plan.steps.iter().filter_map(Step::entry) {
            let bytes = serde_json::to_vec(&Stamped { at: example.now, entry: entry.clone() }).unwrap().len();
            assert!(bytes < 100_000, "{bytes} bytes: {}", entry.title());
            match entry {
                Entry::Milestone(stop @ Milestone::Rollout { .. }) => return stop.to_string(),
                entry => drop(example.append(entry)),
            }
        }
    }
    panic!("it does not stop");
}

#[test]
fn a_trip_of_hundreds_of_failed_installs_names_a_few() {
    let mut example = large();
    for server in servers() {
        install(&mut example, &server, Outcome::Failed { detail: story() });
    }
    let text = stops(&mut example);
    assert!(
        text.starts_with(
            "rollout dst stopped by itself: wave all: 300 failed installs, 0 allowed: w000 the install failed"
        ),
        "{text}"
    );
    assert!(text.ends_with("…; and 295 more"), "{text}");
}

#[test]
fn a_trip_of_hundreds_of_failed_removals_names_a_few() {
    let mut example = large();
    for server in servers() {
        install(&mut example, &server, succeeded());
        example.exchange(&server, AFTER);
    }
    example.pass(minutes(1));
    let request = request::rollout_remove(example.world(), "dst", "stores do not mount");
    file_it(&mut example, "olga", request);
    let package = example.ledger.rollouts[&name("dst")].spec.package.clone();
    for server in servers() {
        let effect = Effect::Remove {
            rollout: name("dst"),
            server: name(&server),
            host: name(&server),
            package: package.name.clone(),
            sha256: package.sha256,
        };
        act(&mut example, effect, Outcome::Failed { detail: story() });
    }
    let text = stops(&mut example);
    assert!(text.starts_with("rollout dst stopped by itself: the removal: w000 "), "{text}");
    assert!(text.ends_with("…; and 295 more"), "{text}");
}

/// Whoever waits for hundreds of hosts waits for one reason that names them all.
#[test]
fn a_rollout_that_waits_too_long_says_why_in_a_line_that_has_room() {
    let mut example = large();
    let patience = example.ledger.rollouts[&name("dst")].spec.patience;
    example.pass(patience + minutes(1));
    for server in servers() {
        let exchange = ExchangeState {
            store: Ok(name(BEFORE)),
            patches: Ok(BTreeSet::new()),
            service: Err(story()),
            mounted: Err(story()),
        };
        let host = HostState { reported: example.now.steady, exchange: Some(exchange), goodlink: None };
        example.report(&server, host);
    }
    let text = stops(&mut example);
    assert!(text.starts_with("rollout dst stopped by itself: nothing has moved for "), "{text}");
}
