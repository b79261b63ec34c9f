//! The invariants, over random histories: whatever happens in whatever order, what is planned and permitted keeps them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod example;

use example::{AFTER, Example, minutes, name, succeeded};
use proptest::prelude::*;
use sendgate_core::coverage::{Cause, VerdictKind};
use sendgate_core::gate;
use sendgate_core::ledger::{Effect, Entry, IntentState, Ledger, Outcome, Pair};
use sendgate_core::plan;
use sendgate_core::request;

/// Something that happens to the estate or is done by a person or an agent.
#[derive(Debug, Clone)]
enum Happening {
    Pass(u64),
    Silence(u64),
    Verdict(usize, VerdictKind),
    Pause(usize),
    Recover,
    ServerDown(bool),
    Permit,
    End(u8),
    Installed(bool),
    Start,
    Abort,
    Remove,
    Gone(bool),
    Waive(usize),
}

const USERS: [&str; 3] = ["anna", "bert", "carl"];

fn happening() -> impl Strategy<Value = Happening> {
    let kind = prop_oneof![
        3 => Just(VerdictKind::Covered),
        1 => Just(VerdictKind::Missing),
        1 => Just(VerdictKind::Denied),
        1 => Just(VerdictKind::Replicating),
        1 => Just(VerdictKind::Unreadable),
        1 => Just(VerdictKind::Perishable),
    ];
    prop_oneof![
        6 => (1..80_u64).prop_map(Happening::Pass),
        1 => (1..40_u64).prop_map(Happening::Silence),
        4 => (0..3_usize, kind).prop_map(|(user, kind)| Happening::Verdict(user, kind)),
        1 => (0..3_usize).prop_map(Happening::Pause),
        1 => Just(Happening::Recover),
        1 => any::<bool>().prop_map(Happening::ServerDown),
        4 => Just(Happening::Permit),
        3 => (0..5_u8).prop_map(Happening::End),
        2 => any::<bool>().prop_map(Happening::Installed),
        2 => Just(Happening::Start),
        1 => Just(Happening::Abort),
        1 => Just(Happening::Remove),
        1 => any::<bool>().prop_map(Happening::Gone),
        1 => (0..3_usize).prop_map(Happening::Waive),
    ]
}

/// The first host, in order, that the estate knows under this number.
fn host(first: bool) -> &'static str {
    if first { "exa1" } else { "exa2" }
}

fn apply(example: &mut Example, happening: &Happening) {
    match happening {
        Happening::Pass(time) => example.pass(minutes(*time)),
        Happening::Silence(time) => example.silence(minutes(*time)),
        Happening::Verdict(user, kind) => {
            example.set(USERS[*user], *kind, Cause::NoEntry);
            example.survey();
        }
        Happening::Pause(user) => drop(example.paused.insert(USERS[*user])),
        Happening::Recover => example.paused.clear(),
        Happening::ServerDown(true) => drop(example.down.insert("a2", "connection refused")),
        Happening::ServerDown(false) => example.down.clear(),
        Happening::Permit => permit(example),
        Happening::End(how) => {
            let running =
                example.ledger.open().find(|(_, intent)| matches!(intent.state, IntentState::Permitted { .. }));
            if let Some(intent) = running.map(|(intent, _)| intent) {
                let detail = String::new();
                example.end(
                    intent,
                    match how {
                        0..2 => succeeded(),
                        2 => Outcome::Failed { detail },
                        3 => Outcome::NotStarted { detail },
                        _ => Outcome::Unknown { detail },
                    },
                );
            }
        }
        Happening::Installed(first) => example.exchange(host(*first), AFTER),
        Happening::Start => {
            let name = format!("r{}", example.ledger.rollouts.len());
            if let Ok(request) = request::rollout_apply(example.world(), &example::file(&name, &["EXA1", "EXA2"])) {
                example.append(Entry::Request { by: name_of("olga"), request });
                let request = request::rollout_start(example.world(), &name, "").unwrap();
                example.append(Entry::Request { by: name_of("olga"), request });
            }
        }
        Happening::Abort => {
            let live = example.ledger.rollouts.iter().find(|(_, rollout)| rollout.state.is_live());
            if let Some(rollout) = live.map(|(name, _)| name.to_string()) {
                let request = request::rollout_abort(example.world(), &rollout, "enough").unwrap();
                example.append(Entry::Request { by: name_of("olga"), request });
            }
        }
        Happening::Remove => {
            let names: Vec<_> = example.ledger.rollouts.keys().map(ToString::to_string).collect();
            let wanted =
                names.iter().rev().find_map(|name| request::rollout_remove(example.world(), name, "enough").ok());
            if let Some(request) = wanted {
                example.append(Entry::Request { by: name_of("olga"), request });
            }
        }
        Happening::Gone(first) => example.exchange(host(*first), example::BEFORE),
        Happening::Waive(user) => example.waive(USERS[*user], "left"),
    }
}

fn name_of(operator: &str) -> sendgate_core::names::OperatorName {
    name(operator)
}

/// Every permit that is given keeps invariants 1, 2 and 3.
fn permit(example: &mut Example) {
    let filed: Vec<_> = example
        .ledger
        .open()
        .filter(|(_, intent)| intent.state == IntentState::Filed)
        .map(|(id, intent)| (id, intent.effect.clone()))
        .collect();
    for (intent, effect) in filed {
        if plan::permit(example.world(), intent).is_err() {
            continue;
        }
        match &effect {
            Effect::Install { server, rollout, .. } => {
                assert!(gate::of_server(example.world(), server).is_empty(), "invariant 1: {effect}");
                assert_eq!(example.ledger.rollouts[rollout].state.to_string(), "running", "invariant 7: {effect}");
            }
            Effect::Remove { rollout, .. } => {
                let rollout = &example.ledger.rollouts[rollout];
                assert!(rollout.removal.is_some() && rollout.state.to_string() == "running", "invariant 7: {effect}");
            }
            Effect::TestSend { .. } => panic!("no rollout here asks for test sends"),
            Effect::RestartGoodlink { .. } => {
                // As last reported: what has happened since, nobody can know.
                let gla = example.estate.hosts[&name("gla")].goodlink.as_ref().unwrap();
                let paused = gla.paused.as_ref().unwrap();
                let waited = USERS.iter().filter(|user| paused.contains_key(&name(user))).any(|user| {
                    let pair = Pair {
                        user: example::guid(&name(&format!("{user}@a.example.test"))),
                        account: name("goodadmin@a.example.test"),
                    };
                    let landed = example.ledger.pairs.get(&pair).and_then(|pair| pair.landed());
                    landed.is_some_and(|at| example.now.steady >= at + minutes(70))
                });
                assert!(waited, "invariant 2: {effect}");
            }
            Effect::Grant(_) | Effect::Withdraw(_) => panic!("a grant needs no permit"),
        }
        example.append(Entry::Permitted { intent, holder: None });
        let running = example.ledger.open().filter(|(_, intent)| matches!(intent.state, IntentState::Permitted { .. }));
        assert!(running.count() <= 1, "invariant 3: at most one host at once");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Invariants 1, 2, 3, 7 and 8 over random histories; of 8, that planning comes to rest.
    #[test]
    fn random_histories_keep_the_invariants(history in prop::collection::vec(happening(), 1..60)) {
        let mut example = Example::covered();
        for happening in &history {
            apply(&mut example, happening);
            example.settle();
            let open = example.ledger.open().filter(|(_, intent)| intent.effect.host().is_some()).count();
            prop_assert!(open <= 1, "invariant 3: {} acts are open", open);
        }
    }

    /// What was written, read back and folded again, is the ledger that decided: recovery is the live path.
    #[test]
    fn replay_gives_the_same_ledger(history in prop::collection::vec(happening(), 1..40)) {
        let mut example = Example::covered();
        for happening in &history {
            apply(&mut example, happening);
            example.settle();
        }
        let mut again = Ledger::default();
        for stamped in &example.journal {
            let text = serde_json::to_string(stamped).unwrap();
            again.apply(again.next(), &serde_json::from_str(&text).unwrap()).unwrap();
        }
        prop_assert_eq!(again, example.ledger);
    }

    /// Invariant 4: nobody who is not covered, settled or waived leaves a gate open.
    #[test]
    fn an_open_gate_means_everybody_is_covered_settled_or_waived(history in prop::collection::vec(happening(), 1..60)) {
        let mut example = Example::covered();
        for happening in &history {
            apply(&mut example, happening);
            example.settle();
            if gate::of_server(example.world(), &name("exa1")).is_empty() {
                for user in USERS {
                    let directory_name = name(&format!("{user}@a.example.test"));
                    let waived = example.ledger.waiver(&directory_name, example.now).is_some();
                    let covered = example.truth[&directory_name].0 == VerdictKind::Covered;
                    prop_assert!(waived || covered, "{} is neither", user);
                    let pair = Pair { user: example::guid(&directory_name), account: name("goodadmin@a.example.test") };
                    let landed = example.ledger.pairs.get(&pair).map(|pair| pair.landed());
                    let settled = landed.is_none_or(|landed| landed.is_some_and(|at| example.now.steady.since(at) >= minutes(90)));
                    prop_assert!(waived || settled, "{} is not settled", user);
                }
            }
        }
    }
}
