//! Waves follow one another, each after its soak.

use super::{against, carry_out, file_it, install_next, installs, phases};
use crate::example::{AFTER, Example, file_of, minutes, name, wave};
use sendgate_core::ledger::{Entry, Generation, Outcome};
use sendgate_core::plan::rollout::Phase;
use sendgate_core::policy::ExchangePolicy;
use sendgate_core::time::{BootTime, ClockMark};
use sendgate_core::{request, spec};

fn two_at_once(example: &mut Example) -> String {
    example.policy.disruption.estate = 2.try_into().unwrap();
    file_of("dst", &format!("[limits]\nat_once = 2\n{}", wave("all", &["exa1", "exa2"])))
}

/// Both hosts of a wave go together; the wave soaks once, from the last of them on.
#[test]
fn a_wave_soaks_from_its_last_host_on() {
    let mut example = Example::covered();
    let file = two_at_once(&mut example);
    example.rollout_of(&file);
    let (effects, _) = example.settle();
    let offered = installs(&effects);
    assert_eq!(offered.iter().map(|(host, _)| host.as_str()).collect::<Vec<_>>(), ["exa1", "exa2"]);
    carry_out(&mut example, offered[0].1, "exa1", AFTER);
    example.pass(minutes(14));
    example.settle();
    assert_eq!(phases(&example)[0], Phase::Soaking { remaining: minutes(15) }, "the other host is still being changed");
    carry_out(&mut example, offered[1].1, "exa2", AFTER);
    example.pass(minutes(14));
    example.settle();
    assert_eq!(example.rollout_state(), "running");
    assert_eq!(phases(&example), [1, 1].map(|left| Phase::Soaking { remaining: minutes(left) }));
    example.pass(minutes(1));
    example.settle();
    assert_eq!(example.rollout_state(), "finished");
}

/// A rollout of two hosts on a journal that has started once.
fn started() -> Example {
    let mut example = Example::covered();
    let clock = ClockMark { boot_id: None, boot_time: BootTime::after_boot(minutes(1)), steady: example.now.steady };
    let generation = Generation { epoch: 7, counter: 1, mark: 1 };
    example.append(Entry::Started { generation, clock, version: "1".into(), laboratory: false });
    let file = two_at_once(&mut example);
    example.rollout_of(&file);
    example
}

/// All of it was done in the lost part: no record says that anything of it is ours.
fn all_in_the_lost_part() -> Example {
    let mut example = started();
    let takeover = request::takeover(example.world(), 99, "the disk was lost");
    file_it(&mut example, "olive", takeover);
    example.exchange("exa1", AFTER);
    example.exchange("exa2", AFTER);
    example.observe_all();
    example.settle();
    example
}

#[test]
fn a_wave_that_only_the_lost_part_changed_is_watched_as_well() {
    let mut example = all_in_the_lost_part();
    assert_eq!(
        phases(&example),
        [Phase::Soaking { remaining: minutes(15) }, Phase::Soaking { remaining: minutes(15) }]
    );
    example.pass(minutes(15));
    example.settle();
    assert_eq!(example.rollout_state(), "finished");
}

/// Whoever is paused there meanwhile counts, and so does who falls silent: the hotfix is there, whoever has the record.
#[test]
fn pauses_and_silence_count_on_what_only_the_lost_part_changed() {
    for silent in [false, true] {
        let mut example = all_in_the_lost_part();
        if silent {
            example.silence(example.policy.act_deadline + minutes(1));
            example.exchange("exa2", AFTER);
        } else {
            example.paused.insert("anna");
            example.observe_all();
        }
        example.settle();
        let why = if silent { "wave all: 1 unreachable hosts, 0 allowed" } else { "wave all: 1 new Send As pauses" };
        assert!(example.rollout_state().contains(why), "{}", example.rollout_state());
    }
}

/// Should it come to that, the hotfix must be taken off there as well before the window closes, be it by hand.
#[test]
fn the_time_to_take_it_off_where_the_lost_part_brought_it_is_reckoned() {
    let mut example = started();
    let takeover = request::takeover(example.world(), 99, "the disk was lost");
    file_it(&mut example, "olive", takeover);
    example.exchange("exa1", AFTER);
    example.observe_all();
    example.settle();
    let window = "[[window]]\nname = \"short\"\nfrom = \"2006-06-13T01:00\"\nto = \"2006-06-13T02:10\"\nzone = \"UTC\"\ncutoff = \"0s\"\n";
    let file = file_of("dst", &format!("{}{window}", wave("all", &["exa1", "exa2"])));
    let rollout = example.ledger.rollouts.get_mut(&name("dst")).unwrap();
    rollout.spec = spec::read(&file, &example.policy).unwrap();
    let against = against(&example, "exa2");
    assert!(against.iter().any(|why| why.contains("removal from 2 hosts, 1 at once, 40m 0s")), "{against:#?}");
}

/// What a copy of the journal knew to be there was not changed in the part that it lacks, and is not watched, whenever a
/// rollout comes to it.
#[test]
fn what_had_the_hotfix_before_a_takeover_is_not_taken_for_changed_in_the_lost_part() {
    let mut example = Example::covered();
    let clock = ClockMark { boot_id: None, boot_time: BootTime::after_boot(minutes(1)), steady: example.now.steady };
    let generation = Generation { epoch: 7, counter: 1, mark: 1 };
    example.append(Entry::Started { generation, clock, version: "1".into(), laboratory: false });
    example.exchange("exa1", AFTER);
    example.settle();
    example.pass(minutes(1));
    let takeover = request::takeover(example.world(), 99, "the disk was lost");
    file_it(&mut example, "olive", takeover);
    example.observe_all();
    example.settle();
    example.pass(minutes(90));
    let file = two_at_once(&mut example);
    example.rollout_of(&file);
    example.settle();
    assert_eq!(phases(&example)[0], Phase::Done);
}

/// Who shows the hotfix only after a takeover may have been changed in what the journal lost: there nobody watched.
#[test]
fn what_the_lost_part_changed_is_watched_from_when_it_is_seen() {
    let mut example = started();
    let (effects, _) = example.settle();
    let offered = installs(&effects);
    carry_out(&mut example, offered[0].1, "exa1", AFTER);
    example.end(offered[1].1, Outcome::NotStarted { detail: "no more processes".into() });
    let takeover = request::takeover(example.world(), 99, "the disk was lost");
    file_it(&mut example, "olive", takeover);
    example.pass(minutes(20));
    example.exchange("exa2", AFTER);
    example.settle();
    assert_eq!(phases(&example)[0], Phase::Soaking { remaining: minutes(15) }, "its wave begins to be watched anew");
    assert_eq!(example.rollout_state(), "running");
    let resume = request::resume(example.world(), &name("olga"), "dst", "seen");
    file_it(&mut example, "olive", resume);
    example.pass(minutes(15));
    example.settle();
    assert_eq!(example.rollout_state(), "finished");
}

/// There is room for two in the estate, and for one in the wave: the other one waits, and says for whom.
#[test]
fn a_wave_has_a_limit_of_its_own() {
    let mut example = Example::covered();
    example.policy.disruption.estate = 2.try_into().unwrap();
    example.rollout_of(&file_of("dst", &wave("all", &["exa1", "exa2"])));
    assert_eq!(installs(&example.settle().0).len(), 1);
    assert_eq!(against(&example, "exa2"), ["exa1 comes first"]);
}

#[test]
fn the_next_wave_waits_for_the_soak_of_the_one_before() {
    let mut example = Example::covered();
    example.rollout_of(&file_of(
        "dst",
        &format!("{}soak = \"2h\"\n{}", wave("canary", &["exa2"]), wave("rest", &["exa1"])),
    ));
    install_next(&mut example, "exa2");
    example.pass(minutes(119));
    let (effects, _) = example.settle();
    assert_eq!(effects, []);
    assert!(against(&example, "exa1").contains(&"exa2 comes first".to_owned()), "{:?}", against(&example, "exa1"));
    example.pass(minutes(1));
    install_next(&mut example, "exa1");
}

/// Silence in the soak is not health: the wave is not over before the host is heard of, and it fails after the deadline.
#[test]
fn a_host_that_falls_silent_in_the_soak_holds_the_wave_and_then_fails() {
    let mut example = Example::covered();
    example.rollout();
    install_next(&mut example, "exa1");
    example.silence(minutes(20));
    example.goodlink("adom\\goodadmin");
    example.exchange("exa2", crate::example::BEFORE);
    example.survey();
    example.settle();
    assert_eq!(example.rollout_state(), "running");
    assert!(!phases(&example).contains(&Phase::Done), "{:?}", phases(&example));
    example.silence(minutes(41));
    example.goodlink("adom\\goodadmin");
    example.exchange("exa2", crate::example::BEFORE);
    example.survey();
    example.settle();
    assert_eq!(
        example.rollout_state(),
        "stopped by itself: wave exa1: 1 unreachable hosts, 0 allowed: exa1 nothing was heard of it for 1h 1m"
    );
}

/// Whom GoodLink has paused is not known: nothing is concluded from that.
#[test]
fn a_wave_is_not_over_while_pauses_cannot_be_read() {
    let mut example = Example::covered();
    example.rollout();
    install_next(&mut example, "exa1");
    example.pass(minutes(15));
    let unread = |example: &mut Example| {
        let gla = example.estate.hosts.get_mut(&name("gla")).unwrap();
        gla.goodlink.as_mut().unwrap().paused = Err("no log".into());
    };
    unread(&mut example);
    example.settle();
    assert_eq!(example.ledger.rollouts[&name("dst")].waves_done, 0);
    let rollout = &example.ledger.rollouts[&name("dst")];
    let hosts = sendgate_core::plan::rollout::progress(
        example.world(),
        rollout,
        sendgate_core::plan::rollout::Depth::Turn,
        None,
    );
    let why: Vec<_> = hosts[0].blocked.iter().map(ToString::to_string).collect();
    assert_eq!(why, ["whom GoodLink gla has paused is not known: no log"]);
    // A soak that is over brings nothing more by itself: the planner is not to be woken for it again and again.
    let wake = sendgate_core::plan::plan(example.world()).wake.unwrap();
    assert!(wake > example.now.steady + std::time::Duration::from_secs(1), "{wake:?}");
    example.observe_all();
    example.settle();
    assert_eq!(example.ledger.rollouts[&name("dst")].waves_done, 1);
}

/// Somebody has been paused, and where his mailbox is cannot be said: neither a pause that counts nor none.
#[test]
fn a_wave_is_not_over_while_the_mailbox_of_a_paused_user_is_not_known() {
    let mut example = Example::covered();
    example.rollout();
    install_next(&mut example, "exa1");
    example.pass(minutes(15));
    example.paused.insert("anna");
    example.goodlink("adom\\goodadmin");
    let domains = std::mem::take(&mut example.estate.domains);
    example.settle();
    assert_eq!((example.rollout_state().as_str(), example.ledger.rollouts[&name("dst")].waves_done), ("running", 0));
    let blocked = against(&example, "exa1");
    let why = "GoodLink gla has paused anna, and whether his mailbox is on a changed server is not known: ";
    assert!(blocked.iter().any(|text| text.starts_with(why)), "{blocked:?}");
    example.estate.domains = domains;
    example.settle();
    assert!(example.rollout_state().starts_with("stopped by itself: wave exa1: 1 new Send As pauses of"));
}

/// The servers that answer show him on another server: the one that does not may know that his mailbox was moved.
#[test]
fn a_wave_is_not_over_while_a_directory_server_that_is_down_may_place_a_paused_user_on_it() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &wave("canary", &["exa1"])));
    install_next(&mut example, "exa1");
    example.pass(minutes(15));
    example.down.insert("a2", "connection refused");
    example.paused.insert("bert");
    example.observe_all();
    example.settle();
    assert_eq!((example.rollout_state().as_str(), example.ledger.rollouts[&name("dst")].waves_done), ("running", 0));
    let why = "GoodLink gla has paused bert, and whether his mailbox is on a changed server is not known: a.example.test: \
               directory server a2 gave no evidence: connection refused";
    assert_eq!(against(&example, "exa1"), [why]);
    example.down.clear();
    example.observe_all();
    example.settle();
    assert_eq!(example.rollout_state(), "finished");
}

/// The same of a user whose GoodLink server is not declared to use the server: his own domain shows that he is there.
#[test]
fn a_pause_counts_for_the_wave_also_where_another_domain_says_nothing_of_a_user_who_is_not_declared_there() {
    let mut example = Example::covered();
    example.beside_glb();
    let moves = |example: &mut Example, home| example.truth.get_mut(&name("anna@a.example.test")).unwrap().2 = home;
    moves(&mut example, "exa2");
    example.survey();
    let anna = example.only("anna");
    example.estate.rosters.insert(name("glb"), anna);
    let glb = |example: &mut Example| {
        let state = example.estate.hosts[&name("gla")].clone();
        example.report("glb", state);
    };
    glb(&mut example);
    example.rollout_of(&file_of("dst", &wave("canary", &["exa1"])));
    install_next(&mut example, "exa1");
    moves(&mut example, "exa1");
    example.survey();
    example.paused.insert("anna");
    example.goodlink("adom\\goodadmin");
    glb(&mut example);
    example.paused.clear();
    example.goodlink("adom\\goodadmin");
    example.policy.goodlink.get_mut(&name("glb")).unwrap().domains.insert(name("c.example.test"));
    let blocked = against(&example, "exa1");
    let why =
        "GoodLink glb has paused anna, and whether his mailbox is on a changed server is not known: c.example.test";
    assert!(blocked.iter().any(|text| text.starts_with(why)), "{blocked:?}");
}

/// A cluster: the node whose store is stopped, as it must be, goes first, then the one that serves.
#[test]
fn the_passive_node_of_a_cluster_goes_first() {
    let mut example = Example::covered();
    let cluster = ExchangePolicy { hosts: vec![name("exa1"), name("exa2")], domain: None, tags: [].into() };
    example.policy.exchange = [(name("exa1"), cluster)].into();
    let all = |example: &mut Example| {
        example.truth.values_mut().for_each(|user| user.2 = "exa1");
        example.policy.goodlink.get_mut(&name("gla")).unwrap().exchange = [name("exa1")].into();
        example.observe_all();
    };
    all(&mut example);
    let passive = |example: &mut Example, host: &str| {
        let exchange = example.estate.hosts.get_mut(&name(host)).unwrap().exchange.as_mut().unwrap();
        exchange.service.as_mut().unwrap().state = sendgate_core::estate::ServiceState::Stopped;
        exchange.mounted = Ok(false);
    };
    passive(&mut example, "exa2");
    example.rollout_of(&file_of("dst", &wave("all", &["exa1"])));
    let (effects, _) = example.settle();
    let offered = installs(&effects);
    assert_eq!(offered.len(), 1, "{:?} {:?}", against(&example, "exa1"), against(&example, "exa2"));
    assert_eq!(offered[0].0, "exa2");
    assert!(against(&example, "exa1").contains(&"exa2 comes first".to_owned()));
    let intent = offered[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    example.exchange("exa2", AFTER);
    passive(&mut example, "exa2");
    example.settle();
    example.end(intent, crate::example::succeeded());
    example.pass(minutes(1));
    passive(&mut example, "exa2");
    let (effects, _) = example.settle();
    assert_eq!(installs(&effects).iter().map(|(host, _)| host.as_str()).collect::<Vec<_>>(), ["exa1"]);
}
