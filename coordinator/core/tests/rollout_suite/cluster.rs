//! A cluster: its store runs on one node, and for a moment on none.

use super::{against, file_it, installs, offered, phases, resume};
use crate::example::{AFTER, BEFORE, Example, file_of, minutes, name, running, succeeded, wave};
use sendgate_core::estate::{ExchangeState, HostState, Observation, ServiceState};
use sendgate_core::ledger::{Effect, Entry, Generation, IntentState, Outcome, Sequence, Strangeness, Stranger};
use sendgate_core::plan::rollout::{Class, Phase};
use sendgate_core::policy::ExchangePolicy;
use sendgate_core::request::{self, WantedHeld};
use sendgate_core::view;
use std::time::Duration;

use ServiceState::{Running, Starting, Stopped};

/// What a node shows: its store's version and service; whichever runs has its store mounted.
type Node = (&'static str, ServiceState);

/// EXA1 is a cluster of the nodes exa1, passive, and exa2; everybody's mailbox is there.
fn cluster(rest: &str) -> Example {
    cluster_of(&(wave("all", &["exa1"]) + rest))
}

fn cluster_of(file: &str) -> Example {
    let mut example = Example::covered();
    let cluster = ExchangePolicy { hosts: vec![name("exa1"), name("exa2")], domain: None, tags: [].into() };
    example.policy.exchange = [(name("exa1"), cluster)].into();
    example.truth.values_mut().for_each(|user| user.2 = "exa1");
    example.policy.goodlink.get_mut(&name("gla")).unwrap().exchange = [name("exa1")].into();
    shows(&mut example, 0, (BEFORE, Stopped), (BEFORE, Running));
    example.rollout_of(&file_of("dst", file));
    example
}

/// After some minutes the nodes report this, and the rest of the estate is as it was.
fn shows(example: &mut Example, after: u64, one: Node, two: Node) {
    shows_of(example, after, &[("exa1", one), ("exa2", two)]);
}

fn shows_of(example: &mut Example, after: u64, nodes: &[(&str, Node)]) {
    example.silence(minutes(after));
    for (host, (version, state)) in nodes {
        let mut service = running("LocalSystem");
        service.state = *state;
        let mounted = Ok(*state == Running);
        let exchange =
            ExchangeState { store: Ok(name(version)), patches: Ok([].into()), service: Ok(service), mounted };
        example.report(host, HostState { reported: example.now.steady, exchange: Some(exchange), goodlink: None });
    }
    example.goodlink("adom\\goodadmin");
    example.survey();
    example.settle();
}

/// The one install that is on offer, with its permit.
fn permitted(example: &mut Example, host: &str) -> Sequence {
    let [(on, intent)] = installs(&offered(example))
        .try_into()
        .unwrap_or_else(|other| panic!("{other:?}, {:?}", against(example, host)));
    assert_eq!(on, host);
    assert_eq!(sendgate_core::plan::permit(example.world(), intent), Ok(()));
    example.append(Entry::Permitted { intent, holder: None });
    intent
}

/// The passive node has the hotfix and is watched.
fn first_is_through(rest: &str) -> Example {
    let mut example = cluster(rest);
    let intent = permitted(&mut example, "exa1");
    example.end(intent, succeeded());
    shows(&mut example, 1, (AFTER, Stopped), (BEFORE, Running));
    assert!(example.ledger.rollouts[&name("dst")].verified.contains_key(&name("exa1")));
    example
}

/// Both nodes have it, and EXA1 is served by exa2.
fn both_are_through(rest: &str) -> Example {
    let mut example = first_is_through(rest);
    let intent = permitted(&mut example, "exa2");
    example.end(intent, succeeded());
    shows(&mut example, 1, (AFTER, Stopped), (AFTER, Running));
    assert!(example.ledger.rollouts[&name("dst")].verified.contains_key(&name("exa2")));
    example
}

fn waves_done(example: &Example) -> u32 {
    example.ledger.rollouts[&name("dst")].waves_done
}

fn is_watched(example: &Example, node: usize) -> bool {
    matches!(phases(example)[node], Phase::Soaking { .. })
}

fn down(why: &str) -> Phase {
    Phase::Failed { class: Class::Store, why: why.into() }
}

const STOPPED: &str = "the store service is stopped; after 1h 0m no node of exa1 is known to serve";
const WAITS: &str = "host exa1: the store service is stopped, and no node of exa1 is known to serve: 58m 0s to go";

/// A test is on offer when somebody moves the group: it would fail for that, so that it gets no permit and is taken back, and
/// is made once the store is where it was going.
#[test]
fn a_test_that_is_on_offer_waits_for_a_store_that_is_on_its_way() {
    let mut example = cluster_of(&format!("test_send = true\n{}", wave("all", &["exa1"])));
    example.policy.disruption.estate = 4.try_into().unwrap();
    for (host, version) in [("exa1", BEFORE), ("exa2", AFTER)] {
        let intent = permitted(&mut example, host);
        example.end(intent, succeeded());
        shows(&mut example, 1, (AFTER, Stopped), (version, Running));
    }
    let tests = |example: &Example| -> Vec<Sequence> {
        let open = example.ledger.open().filter(|(_, intent)| matches!(intent.effect, Effect::TestSend { .. }));
        open.map(|(id, _)| id).collect()
    };
    let [test] = tests(&example).try_into().unwrap_or_else(|other| panic!("{other:?}"));
    let mut moved = example.estate.hosts[&name("exa2")].clone();
    moved.exchange.as_mut().unwrap().service.as_mut().unwrap().state = Stopped;
    example.report("exa2", moved);
    let refused = sendgate_core::plan::permit(example.world(), test).unwrap_err();
    let refused: Vec<_> = refused.blocked.iter().map(ToString::to_string).collect();
    let why = "host exa1: the store service is stopped, and no node of exa1 is known to serve: 1h 0m to go";
    assert_eq!(refused, [why]);
    example.settle();
    assert_eq!(tests(&example), []);
    let state = example.ledger.intents[&test].state.clone();
    assert!(
        matches!(&state, IntentState::Ended { outcome: Outcome::Withdrawn { detail }, .. } if detail == why),
        "{state:?}"
    );
    shows(&mut example, 1, (AFTER, Running), (AFTER, Stopped));
    let [test] = tests(&example).try_into().unwrap_or_else(|other| panic!("{other:?}"));
    assert_eq!(sendgate_core::plan::permit(example.world(), test), Ok(()));
}

/// The installer on the active node stops the store: the passive one is no store down for that, however long it takes.
#[test]
fn the_passive_node_is_not_down_while_the_active_one_is_installed() {
    let mut example = first_is_through("");
    let intent = permitted(&mut example, "exa2");
    for after in [1, 29, 29] {
        shows(&mut example, after, (AFTER, Stopped), (BEFORE, Stopped));
        assert_eq!(example.rollout_state(), "running");
        assert!(is_watched(&example, 0), "{:?}", phases(&example));
        let why = format!("host exa1: the store service is stopped while intent {intent} is under way on exa1");
        assert_eq!(against(&example, "exa1"), [why, "exa2 comes first".to_owned()]);
    }
    example.end(intent, succeeded());
    // The store was stopped for an hour by then: the deadline counts from the end of the act.
    shows(&mut example, 2, (AFTER, Stopped), (AFTER, Stopped));
    assert_eq!(example.rollout_state(), "running");
    assert!(is_watched(&example, 0), "{:?}", phases(&example));
    assert!(against(&example, "exa1").contains(&WAITS.to_owned()), "{:?}", against(&example, "exa1"));
    shows(&mut example, 1, (AFTER, Stopped), (AFTER, Running));
    shows(&mut example, 15, (AFTER, Stopped), (AFTER, Running));
    assert_eq!(example.rollout_state(), "finished");
}

/// A person moves the group before the second node's turn: nobody serves for a moment, and then the other node does.
#[test]
fn a_group_that_is_moved_is_no_store_down() {
    let mut example = first_is_through("");
    shows_of(&mut example, 1, &[("exa1", (AFTER, Starting))]);
    let starting = "host exa1: the store service is starting";
    assert!(against(&example, "exa1").contains(&starting.to_owned()), "{:?}", against(&example, "exa1"));
    shows(&mut example, 0, (AFTER, Starting), (BEFORE, Stopped));
    let why = "host exa1: the store service is starting, and no node of exa1 is known to serve: 59m 0s to go";
    assert!(is_watched(&example, 0), "{:?}", phases(&example));
    assert!(against(&example, "exa1").contains(&why.to_owned()), "{:?}", against(&example, "exa1"));
    // Nothing is done to a store that nobody sees running.
    assert_eq!(installs(&offered(&mut example)).len(), 1, "the offer from before");
    let offer = installs(&offered(&mut example))[0].1;
    assert!(sendgate_core::plan::permit(example.world(), offer).is_err());
    shows(&mut example, 1, (AFTER, Running), (BEFORE, Stopped));
    assert_eq!(example.rollout_state(), "running");
    assert_eq!(against(&example, "exa1"), ["exa2 comes first"]);
    permitted(&mut example, "exa2");
}

/// The active node has ended its install, and its store never comes up: one store is down, for the cluster has one.
#[test]
fn a_store_that_stays_down_after_the_last_install_is_counted_once() {
    let mut example = first_is_through("[wave_thresholds]\nstores_down = 1\n");
    let intent = permitted(&mut example, "exa2");
    shows(&mut example, 10, (AFTER, Stopped), (BEFORE, Stopped));
    example.end(intent, succeeded());
    for after in [1, 29, 29] {
        shows(&mut example, after, (AFTER, Stopped), (AFTER, Stopped));
        assert_eq!(example.rollout_state(), "running");
        assert!(is_watched(&example, 0), "{:?}", phases(&example));
    }
    shows(&mut example, 2, (AFTER, Stopped), (AFTER, Stopped));
    let last = down("succeeded: exit code 0; after 1h 0m: the store service is stopped");
    assert_eq!(phases(&example), [down(STOPPED), last]);
    let state = example.rollout_state();
    assert!(state.starts_with("stopped by itself: the rollout: 1 stores down, 0 allowed: exa1 the store"), "{state}");
    assert_eq!(waves_done(&example), 0);
    let tallies = view::rollout(example.world(), &name("dst")).unwrap().tallies;
    assert!(tallies.iter().all(|tally| tally.failed.len() == 1), "{tallies:?}");
}

/// The installer on the active node fails, and leaves the store stopped: that failure is allowed, the store that is down is not.
#[test]
fn a_store_that_a_failed_install_leaves_down_is_found_on_the_other_node() {
    let mut example = first_is_through("[thresholds]\nfailed_installs = 1\n");
    let intent = permitted(&mut example, "exa2");
    example.end(intent, Outcome::Failed { detail: "exit code 1603".into() });
    for after in [15, 15, 29] {
        shows(&mut example, after, (AFTER, Stopped), (BEFORE, Stopped));
        assert_eq!((example.rollout_state().as_str(), waves_done(&example)), ("running", 0));
    }
    shows(&mut example, 2, (AFTER, Stopped), (BEFORE, Stopped));
    assert_eq!(phases(&example)[0], down(STOPPED));
    assert!(example.rollout_state().contains("1 stores down, 0 allowed"), "{}", example.rollout_state());
}

/// In the soak the store of a cluster goes down: the wave is not over, and after the deadline it is down; back again, well.
#[test]
fn a_wave_is_not_over_while_no_node_of_a_cluster_serves() {
    let mut example = both_are_through("");
    shows(&mut example, 2, (AFTER, Stopped), (AFTER, Stopped));
    for after in [28, 29] {
        shows(&mut example, after, (AFTER, Stopped), (AFTER, Stopped));
        assert_eq!((example.rollout_state().as_str(), waves_done(&example)), ("running", 0));
        assert!(is_watched(&example, 0) && is_watched(&example, 1), "{:?}", phases(&example));
    }
    let wake = sendgate_core::plan::plan(example.world()).wake.unwrap();
    assert_eq!(wake, example.now.steady + minutes(1) + Duration::from_millis(1), "when the deadline has passed");
    shows(&mut example, 2, (AFTER, Stopped), (AFTER, Stopped));
    assert!(
        example.rollout_state().contains("1 stores down, 0 allowed: exa1 the store"),
        "{}",
        example.rollout_state()
    );
    shows(&mut example, 1, (AFTER, Running), (AFTER, Stopped));
    resume(&mut example);
    shows(&mut example, 15, (AFTER, Running), (AFTER, Stopped));
    assert_eq!(example.rollout_state(), "finished");
}

/// Held, on whichever node, the deadline stands still.
#[test]
fn the_deadline_of_a_cluster_stands_still_while_a_node_is_held() {
    let held = WantedHeld::Host("exa2".into());
    let mut example = both_are_through("");
    shows(&mut example, 2, (AFTER, Stopped), (AFTER, Stopped));
    let request = request::hold(example.world(), &held, "its disks are looked at");
    file_it(&mut example, "olga", request);
    for _ in 0..6 {
        shows(&mut example, 29, (AFTER, Stopped), (AFTER, Stopped));
    }
    assert_eq!((example.rollout_state().as_str(), waves_done(&example)), ("running", 0));
    assert!(against(&example, "exa1").contains(&WAITS.to_owned()), "{:?}", against(&example, "exa1"));
    let request = request::release(example.world(), &name("olga"), &held, "done");
    file_it(&mut example, "olga", request);
    for after in [28, 29] {
        shows(&mut example, after, (AFTER, Stopped), (AFTER, Stopped));
        assert_eq!((example.rollout_state().as_str(), waves_done(&example)), ("running", 0));
    }
    shows(&mut example, 2, (AFTER, Stopped), (AFTER, Stopped));
    assert!(example.rollout_state().contains("1 stores down"), "{}", example.rollout_state());
}

/// The node that served falls silent: whether anybody serves is not known, and after the deadline that counts.
#[test]
fn a_passive_node_whose_active_one_is_silent_is_not_called_well() {
    let mut example = both_are_through("[thresholds]\nunreachable = 1\n");
    let passive = [("exa1", (AFTER, Stopped))];
    for after in [20, 20, 19] {
        shows_of(&mut example, after, &passive);
        assert_eq!((example.rollout_state().as_str(), waves_done(&example)), ("running", 0));
        assert!(is_watched(&example, 0), "{:?}", phases(&example));
    }
    let why = "host exa1: the store service is stopped, and no node of exa1 is known to serve: 1m 0s to go";
    assert!(against(&example, "exa1").contains(&why.to_owned()), "{:?}", against(&example, "exa1"));
    shows_of(&mut example, 2, &passive);
    assert_eq!(phases(&example)[0], down(STOPPED));
    assert!(example.rollout_state().contains("1 stores down, 0 allowed"), "{}", example.rollout_state());
}

/// The agent of the node that serves comes with another coordinator's memory, and is refused: that says nothing of its store,
/// also where the other node has yet to show what its act brought about.
#[test]
fn a_store_whose_active_node_may_not_speak_is_not_called_down() {
    let stranger = Stranger { remembered: Generation { epoch: 7, counter: 9, mark: 4 }, cause: Strangeness::LostStart };
    let mut verifying = cluster("");
    let intent = permitted(&mut verifying, "exa1");
    shows(&mut verifying, 1, (BEFORE, Stopped), (BEFORE, Running));
    verifying.end(intent, succeeded());
    for (mut example, watched) in [(both_are_through(""), true), (verifying, false)] {
        let passive = [("exa1", (AFTER, Stopped))];
        example.estate.observe(Observation::Stranger(name("exa2"), stranger.clone()));
        (0..4).for_each(|_| shows_of(&mut example, 29, &passive));
        assert_eq!((example.rollout_state().as_str(), waves_done(&example)), ("running", 0));
        let why = "the store service is stopped, and whether the store runs on exa2 is not known: its agent is not led by \
                   this coordinator";
        if watched {
            assert!(is_watched(&example, 0), "{:?}", phases(&example));
            assert!(
                against(&example, "exa1").contains(&format!("host exa1: {why}")),
                "{:?}",
                against(&example, "exa1")
            );
        } else {
            assert_eq!(phases(&example)[0], Phase::Verifying { missing: why.into() });
        }
        // Led again, it has its time to say how it stands.
        example.estate.observe(Observation::Connected(name("exa2"), example.now.steady));
        for after in [0, 29, 29] {
            shows_of(&mut example, after, &passive);
            assert_eq!((example.rollout_state().as_str(), waves_done(&example)), ("running", 0));
        }
        shows_of(&mut example, 3, &passive);
        assert!(example.rollout_state().contains("1 stores down, 0 allowed"), "{}", example.rollout_state());
    }
}

/// What a new coordinator has not seen it does not hold against anybody: the deadline counts from its start.
#[test]
fn after_a_restart_of_the_coordinator_the_deadline_counts_anew() {
    let mut example = both_are_through("");
    shows(&mut example, 40, (AFTER, Stopped), (AFTER, Stopped));
    example.ledger.started = Some(example.now.steady);
    (example.estate.served, example.estate.hosts) = Default::default();
    shows(&mut example, 59, (AFTER, Stopped), (AFTER, Stopped));
    assert_eq!((example.rollout_state().as_str(), waves_done(&example)), ("running", 0));
    shows(&mut example, 2, (AFTER, Stopped), (AFTER, Stopped));
    assert!(example.rollout_state().contains("1 stores down"), "{}", example.rollout_state());
}

/// Nobody sends through a store that is waited for: the message could only fail.
#[test]
fn nobody_tests_sending_through_a_cluster_that_is_moved() {
    let mut example = cluster_of(&format!("test_send = true\n{}", wave("all", &["exa1"])));
    example.policy.disruption.estate = 3.try_into().unwrap();
    for (host, one, two) in
        [("exa1", (AFTER, Stopped), (BEFORE, Running)), ("exa2", (AFTER, Stopped), (AFTER, Starting))]
    {
        let intent = permitted(&mut example, host);
        example.end(intent, succeeded());
        shows(&mut example, 1, one, two);
    }
    // It is seen to serve, and stops again before anybody has sent.
    example.exchange("exa2", AFTER);
    let verified = sendgate_core::plan::plan(example.world()).steps;
    for entry in verified.iter().filter_map(sendgate_core::plan::Step::entry) {
        example.append(entry);
    }
    shows(&mut example, 0, (AFTER, Stopped), (AFTER, Stopped));
    let tests = |example: &mut Example| {
        offered(example).into_iter().filter(|(_, effect)| matches!(effect, Effect::TestSend { .. })).count()
    };
    assert_eq!(tests(&mut example), 0);
    shows(&mut example, 1, (AFTER, Running), (AFTER, Stopped));
    assert_eq!(tests(&mut example), 1);
}

/// A server of one host: in its soak a store that does not serve is down at once.
#[test]
fn a_server_of_one_host_is_down_at_once() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &wave("all", &["exa1"])));
    super::install_next(&mut example, "exa1");
    shows_of(&mut example, 1, &[("exa1", (AFTER, Stopped))]);
    assert_eq!(phases(&example)[0], down("the store service is stopped"));
    assert!(example.rollout_state().contains("1 stores down, 0 allowed"), "{}", example.rollout_state());
}

/// A node with the hotfix that neither serves nor rests may be the hotfix's doing: nothing more is changed before that is known.
#[test]
fn nothing_more_begins_while_a_node_with_the_hotfix_neither_serves_nor_rests() {
    let mut example = first_is_through("");
    let [(_, intent)] = installs(&offered(&mut example)).try_into().unwrap();
    let permit = |example: &Example| sendgate_core::plan::permit(example.world(), intent);
    assert_eq!(permit(&example), Ok(()));
    // More than one host may be disrupted: that is not what keeps it.
    example.policy.disruption.estate = 3.try_into().unwrap();
    shows(&mut example, 1, (AFTER, Running), (BEFORE, Running));
    let mounts = |example: &mut Example, mounted| {
        example.estate.hosts.get_mut(&name("exa1")).unwrap().exchange.as_mut().unwrap().mounted = Ok(mounted);
    };
    mounts(&mut example, false);
    let refused: Vec<_> = permit(&example).unwrap_err().blocked.iter().map(ToString::to_string).collect();
    assert_eq!(refused, ["host exa1: the store is not mounted"]);
    mounts(&mut example, true);
    assert_eq!(permit(&example), Ok(()));
}

/// A cluster whose store is down is passed over as one store, also once its wave is over.
#[test]
fn a_cluster_that_a_wave_went_on_without_stays_counted_as_one_store() {
    let mut example = both_are_through("[thresholds]\nstores_down = 1\n[wave_thresholds]\nstores_down = 1\n");
    for after in [30, 30, 1] {
        shows(&mut example, after, (AFTER, Stopped), (AFTER, Stopped));
    }
    assert_eq!((example.rollout_state().as_str(), waves_done(&example)), ("finished", 1));
    assert_eq!(example.ledger.rollouts[&name("dst")].failed.len(), 2);
    let tallies = view::rollout(example.world(), &name("dst")).unwrap().tallies;
    assert_eq!(tallies.last().unwrap().failed.len(), 1, "{tallies:?}");
}
