//! A journal that is an old copy, or another one, leads no agent until a person declares a takeover.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod example;
mod takeover_suite;

use example::{Example, minutes, name};
use sendgate_core::estate::Observation;
use sendgate_core::ledger::{
    Effect, Entry, Foreign, Generation, Memory, Origin, Request, Sequence, Stamped, Strangeness, Stranger,
};
use sendgate_core::plan::{self, Step};
use sendgate_core::request;
use sendgate_core::time::{BootTime, ClockMark};
use sendgate_core::view;

const OWN: Generation = Generation { epoch: 7, counter: 1, mark: 1 };

fn start(example: &mut Example, generation: Generation) -> Sequence {
    let clock = ClockMark { boot_id: None, boot_time: BootTime::after_boot(minutes(1)), steady: example.now.steady };
    example.append(Entry::Started { generation, clock, version: "1".into(), laboratory: false })
}

/// A rollout that may begin, on a journal that has started once.
fn started() -> Example {
    let mut example = Example::covered();
    start(&mut example, OWN);
    example.rollout();
    example
}

fn stranger(example: &Example, remembered: Generation, newest: Option<(u64, u64)>) -> Option<Stranger> {
    let newest = newest.map(|(epoch, act)| (epoch, Sequence(act)));
    example.ledger.stranger(&Memory { generation: Some(remembered), newest, head: None })
}

/// Why an agent that was told of this record of a generation is not led; empty if it is.
fn told(example: &Example, generation: Generation, head: u64) -> String {
    let memory = Memory { generation: Some(generation), newest: None, head: Sequence::new(head) };
    example.ledger.stranger(&memory).map(|stranger| stranger.to_string()).unwrap_or_default()
}

fn text(example: &Example, remembered: Generation, newest: Option<(u64, u64)>) -> String {
    stranger(example, remembered, newest).map(|stranger| stranger.to_string()).unwrap_or_default()
}

const WHAT_TO_DO: &str = "; if another coordinator runs, stop one of the two; if this one is to go on in its place, \
                          `sendgate coordinator takeover --reason …`";

#[test]
fn only_a_journal_that_has_what_an_agent_remembers_leads_it() {
    let mut example = started();
    let (effects, _) = example.settle();
    let act = effects[0].0.0;
    start(&mut example, Generation { counter: 2, mark: 5, ..OWN });
    assert_eq!(example.ledger.stranger(&Memory::default()), None, "a new agent");
    assert_eq!(stranger(&example, OWN, Some((7, act))), None);
    assert_eq!(stranger(&example, Generation { counter: 2, mark: 5, ..OWN }, None), None);

    let copy = "it has obeyed generation 0000000000000007.3, which this journal does not know: the journal is an old copy \
                of the one that was used last";
    assert_eq!(text(&example, Generation { counter: 3, ..OWN }, None), format!("{copy}{WHAT_TO_DO}"));
    // The backup is from before the last start, and this start has got the number of the lost one.
    let twin = text(&example, Generation { counter: 2, mark: 6, ..OWN }, None);
    assert!(
        twin.starts_with("it has obeyed generation 0000000000000007.2, which this journal does not know"),
        "{twin}"
    );
    // The backup is from after the last start: the start is there, what it did is not.
    let lost = "it knows act 900 of generation 0000000000000007.1, which this journal does not have: the journal is an \
                old copy of the one that was used last";
    assert_eq!(text(&example, OWN, Some((7, 900))), format!("{lost}{WHAT_TO_DO}"));
    let other = "it has obeyed generation 0000000000000008.1, of another journal than this coordinator's";
    assert_eq!(text(&example, Generation { epoch: 8, ..OWN }, None), format!("{other}{WHAT_TO_DO}"));
}

/// A hold, an abort or an approval taken back is no act of any agent, and there may have been no start since.
#[test]
fn a_journal_that_ends_before_the_record_that_an_agent_was_told_of_leads_it_not() {
    let mut example = started();
    let last = example.ledger.head.unwrap().get();
    assert_eq!(told(&example, OWN, 0), "", "an agent that was told nothing");
    assert_eq!(told(&example, OWN, last), "");
    let lost = format!(
        "it was told of record {} of generation 0000000000000007.1, which this journal does not have: the journal is an old \
         copy of the one that was used last{WHAT_TO_DO}",
        last + 1
    );
    assert_eq!(told(&example, OWN, last + 1), lost);

    // The copy goes on under that number: what it writes is not what the agent was told of.
    let next = Generation { counter: 2, mark: 5, ..OWN };
    assert_eq!(start(&mut example, next).get(), last + 1);
    assert_eq!(told(&example, OWN, last), "", "the last of what that generation wrote is there");
    assert_eq!(told(&example, OWN, last + 1), lost);
    assert_eq!(told(&example, next, last + 1), "");
    let third = start(&mut example, Generation { counter: 3, mark: 6, ..OWN }).get();
    assert_eq!(told(&example, next, third - 1), "");
    assert!(told(&example, next, third).starts_with(&format!("it was told of record {third} of generation")));

    let new = take_over(&mut example);
    assert_eq!(told(&example, OWN, last + 1), "", "a person has said that this coordinator goes on from there");
    let last = example.ledger.head.unwrap().get();
    assert_eq!(told(&example, new, last), "");
    assert!(told(&example, new, last + 1).starts_with(&format!("it was told of record {} of generation", last + 1)));
}

/// What an agent says of an act is shown as before, also where it knows more of the journal.
#[test]
fn a_lost_act_and_another_journal_are_told_before_a_lost_record() {
    let example = started();
    let all = |epoch| Memory {
        generation: Some(Generation { epoch, ..OWN }),
        newest: Some((epoch, Sequence(900))),
        head: Some(Sequence(901)),
    };
    let cause = |epoch| example.ledger.stranger(&all(epoch)).map(|stranger| stranger.cause);
    assert_eq!(cause(7), Some(Strangeness::LostAct { act: Sequence(900) }));
    assert_eq!(cause(8), Some(Strangeness::OtherJournal));
}

#[test]
fn while_an_agent_is_led_by_nobody_here_nothing_begins_anywhere() {
    let mut example = started();
    let (effects, _) = example.settle();
    let [(intent, Effect::Install { .. })] = effects.as_slice() else { panic!("{effects:?}") };
    let newer = Generation { counter: 4, ..OWN };
    let stranger = stranger(&example, newer, None).unwrap();
    example.estate.observe(Observation::Stranger(name("exa2"), stranger.clone()));
    let why = format!("agent exa2 is not led by this coordinator: {stranger}");
    let refusal = plan::permit(example.world(), *intent).unwrap_err();
    assert!(refusal.blocked.iter().any(|blocked| blocked.to_string() == why), "{:?}", refusal.blocked);
    assert!(plan::plan(example.world()).steps.contains(&Step::Withdraw(*intent, why)));
    let (effects, _) = example.settle();
    assert_eq!(effects, []);

    let status = view::status(example.world());
    assert_eq!(status.strangers[&name("exa2")], stranger.to_string());
    assert!(
        status.disrupted[&name("exa2")].starts_with("its agent exa2 is not led by this coordinator: it has obeyed")
    );
    let hosts = view::hosts(example.world()).hosts;
    let line = hosts.iter().find(|line| line.host == name("exa2")).unwrap();
    assert!(line.unready.as_ref().unwrap().ends_with(WHAT_TO_DO), "{:?}", line.unready);
}

fn take_over(example: &mut Example) -> Generation {
    take_over_as(example, 99)
}

fn take_over_as(example: &mut Example, epoch: u64) -> Generation {
    let request = request::takeover(example.world(), epoch, "the disk was lost").unwrap();
    let Request::Takeover { generation, .. } = &request else { panic!("{request:?}") };
    let generation = *generation;
    example.append(Entry::Request { by: name("olive"), request });
    example.estate.observe(Observation::TakenOver);
    generation
}

#[test]
fn a_takeover_is_above_all_that_was_reported_and_begins_an_epoch_of_its_own() {
    let mut example = started();
    let (effects, _) = example.settle();
    let before = effects[0].0;
    let strange = stranger(&example, Generation { counter: 41, ..OWN }, None).unwrap();
    example.estate.observe(Observation::Stranger(name("exa2"), strange));
    let other = stranger(&example, Generation { epoch: 8, counter: 3, mark: 2 }, None).unwrap();
    example.estate.observe(Observation::Stranger(name("gla"), other));

    let generation = take_over(&mut example);
    assert_eq!(generation, Generation { epoch: 99, counter: 42, mark: 1 });
    assert_eq!(example.ledger.generation, Some(generation));
    assert_eq!(view::status(example.world()).takeover.unwrap().reason, "the disk was lost");
    // Both follow now, whatever they did before, and so does everybody who followed before.
    assert_eq!(stranger(&example, Generation { counter: 41, ..OWN }, Some((7, 900))), None);
    assert_eq!(stranger(&example, Generation { epoch: 8, counter: 9, mark: 2 }, None), None);
    assert_eq!(stranger(&example, generation, None), None);
    // Acts keep their names, and no new one can be taken for one of the lost part.
    assert_eq!(example.ledger.lineage.epoch_of(before), Some(7));
    assert_eq!(example.ledger.act(7, before), Some(before));
    assert_eq!(example.ledger.act(99, before), None);
    let next = example.ledger.next();
    assert_eq!(example.ledger.lineage.epoch_of(next), Some(99));

    // Who replaces this one later is strange to it, and the next start goes on from here.
    let later = Generation { epoch: 100, counter: 43, mark: 3 };
    assert!(text(&example, later, None).contains("of another journal"));
    start(&mut example, Generation { counter: 43, ..generation });
    // A second takeover supersedes what the first one did.
    let request = request::takeover(example.world(), 101, "again").unwrap();
    let Request::Takeover { generation, supersedes, .. } = request else { panic!() };
    assert_eq!((generation.counter, supersedes), (44, [7, 8, 99].into()));
}

/// One agent that says nonsense must not use up the numbers that starts are counted with.
#[test]
fn a_takeover_leaves_out_who_remembers_more_starts_than_there_can_be() {
    let mut example = started();
    for (agent, counter) in [("exa2", u64::MAX), ("gla", 41)] {
        let strange = stranger(&example, Generation { epoch: 8, counter, mark: 2 }, None).unwrap();
        example.estate.observe(Observation::Stranger(name(agent), strange));
    }
    let note = request::followers(example.world());
    let left_out = "not led by this coordinator so far: exa2, gla. Left out of the count, for no coordinator has started so \
                    often as they remember: exa2 (18446744073709551615); look at those hosts. Every agent comes";
    assert!(note.starts_with(left_out), "{note}");
    let generation = take_over(&mut example);
    assert_eq!(generation.counter, 42);
    start(&mut example, Generation { counter: 43, ..generation });
    // A journal that has been given such a number before says so.
    start(&mut example, Generation { counter: u64::MAX, ..generation });
    let refused = request::takeover(example.world(), 100, "again").unwrap_err().to_string();
    assert_eq!(
        refused,
        "the journal has counted 18446744073709551615 starts, and there is no higher number: restore the state directory \
         from its backup"
    );
}

/// Time that passes while nothing waits for it need not be remembered.
#[test]
fn nothing_waits_once_all_waits_are_over() {
    let mut example = Example::covered();
    start(&mut example, OWN);
    example.settle();
    let waits = |example: &Example| plan::waits(example.world());
    assert!(!waits(&example));
    example.lands("anna");
    assert!(waits(&example), "a right has landed");
    example.pass(minutes(129));
    example.settle();
    assert!(waits(&example), "a user may still be called failed");
    example.pass(minutes(2));
    example.settle();
    assert!(!waits(&example));
    take_over(&mut example);
    example.observe_all();
    example.settle();
    assert!(waits(&example), "what landed in the lost part");
    example.pass(minutes(91));
    example.settle();
    assert!(!waits(&example));
    example.rollout();
    assert!(waits(&example), "a rollout soaks and has its patience");
    let (effects, _) = example.settle();
    assert!(!effects.is_empty());
    let request = request::rollout_abort(example.world(), "dst", "no").unwrap();
    example.append(Entry::Request { by: name("olga"), request });
    assert!(waits(&example), "an act is open");
    example.settle();
    assert!(!waits(&example));
}

#[test]
fn until_hosts_have_reported_to_it_nothing_is_planned_after_a_takeover() {
    let mut example = started();
    take_over(&mut example);
    let (effects, _) = example.settle();
    assert_eq!(effects, []);
    let status = view::status(example.world());
    assert_eq!(status.disrupted[&name("exa1")], "it has not reported since the coordinator started");
    example.observe_all();
    assert_eq!(example.settle().0, []);
    example.pass(minutes(90));
    let (effects, _) = example.settle();
    assert_eq!(effects.len(), 1);
}

#[test]
fn an_act_of_the_lost_part_keeps_its_host_until_its_end_is_known_or_shown() {
    let mut example = started();
    let act = "0000000000000007-900".to_owned();
    let foreign = |unknown| {
        Observation::Foreign(name("exa1"), Foreign { act: act.clone(), origin: Origin::Lost, unknown, teller: None })
    };
    example.estate.observe(foreign(None));
    let (effects, _) = example.settle();
    assert_eq!(effects, []);
    let running = format!("act {act} of an earlier coordinator, which this journal does not have, is under way");
    assert_eq!(view::status(example.world()).disrupted[&name("exa1")], running);
    example.pass(minutes(5));
    assert_eq!(view::status(example.world()).disrupted[&name("exa1")], running, "a report does not end it");

    example.estate.observe(Observation::ForeignOver(name("exa1"), "another".into(), example.now.steady));
    example.estate.observe(foreign(Some(example.now.steady)));
    let unknown = format!("how act {act} of an earlier coordinator ended is unknown");
    assert_eq!(view::status(example.world()).disrupted[&name("exa1")], unknown);
    // Once it serves after that, it is known what came of it.
    example.pass(minutes(1));
    assert!(view::status(example.world()).disrupted.is_empty());

    example.estate.observe(foreign(None));
    assert!(!view::status(example.world()).disrupted.is_empty());
    example.estate.observe(Observation::ForeignOver(name("exa1"), act, example.now.steady));
    assert!(view::status(example.world()).disrupted.is_empty());
    let (effects, _) = example.settle();
    assert_eq!(effects.len(), 1);
}

#[test]
fn a_takeover_needs_a_reason_and_a_journal_that_contradicts_itself_is_refused() {
    let mut example = Example::covered();
    let early = request::takeover(example.world(), 99, "because").unwrap_err().to_string();
    assert_eq!(early, "this coordinator has not started on its journal yet: try again");
    start(&mut example, OWN);
    let silent = request::takeover(example.world(), 99, " ").unwrap_err().to_string();
    assert!(silent.contains("say why"), "{silent}");
    let same = request::takeover(example.world(), 7, "because").unwrap_err().to_string();
    assert_eq!(same, "the new epoch is an old one, by chance: try again");

    let mut refused = |generation, supersedes: &[u64]| {
        let supersedes = supersedes.iter().copied().collect();
        let request = Request::Takeover { generation, supersedes, reason: "because".into() };
        let stamped = Stamped { at: example.now, entry: Entry::Request { by: name("olive"), request } };
        example.ledger.apply(example.ledger.next(), &stamped).is_err()
    };
    let new = Generation { epoch: 99, counter: 2, mark: 1 };
    assert!(refused(Generation { counter: 1, ..new }, &[7]), "no lower counter");
    assert!(refused(Generation { epoch: 7, ..new }, &[7]), "no old epoch");
    assert!(refused(new, &[8]), "without its own epoch");
    assert!(!refused(new, &[7]));
}

/// The store may be what the act has left down: that is to be mended, and needs no host that serves.
#[test]
fn an_act_that_was_given_up_keeps_its_host_until_it_has_reported_whatever_it_shows() {
    for (origin, keeps) in [(Origin::GivenUp, false), (Origin::Lost, true)] {
        let mut example = started();
        let foreign = Foreign { act: "7-12".into(), origin, unknown: Some(example.now.steady), teller: None };
        let text = foreign.to_string();
        example.estate.observe(Observation::Foreign(name("exa1"), foreign));
        let disrupted = |example: &Example| view::status(example.world()).disrupted[&name("exa1")].clone();
        assert_eq!(disrupted(&example), text);
        example.pass(minutes(1));
        example.estate.hosts.get_mut(&name("exa1")).unwrap().exchange.as_mut().unwrap().mounted = Ok(false);
        let down = "the store is not mounted".to_owned();
        assert_eq!(disrupted(&example), if keeps { text } else { down });
    }
}
