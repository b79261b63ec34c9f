use super::*;

/// A state directory of one test, removed at its end.
struct State(PathBuf);

impl State {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("sendgate-journal-{:016x}", rand::random::<u64>()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn open(&self) -> Journal {
        Journal::open(&self.0).unwrap()
    }
}

impl Drop for State {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn id(text: &str) -> ActId {
    ActId::parse(text).unwrap()
}

fn host(text: &str) -> HostName {
    HostName::new(text).unwrap()
}

#[test]
fn an_act_begins_once_also_after_a_restart() {
    let state = State::new();
    let journal = state.open();
    assert_eq!(journal.begin(&id("e-1"), &host("h"), "install k").unwrap(), Begun::New);
    assert!(matches!(journal.begin(&id("e-1"), &host("h"), "install k").unwrap(), Begun::Known(_)));
    drop(journal);
    let journal = state.open();
    let Begun::Known(known) = journal.begin(&id("e-1"), &host("h"), "install k").unwrap() else {
        panic!("began twice")
    };
    assert_eq!(known.progress, Progress::Starting);
}

/// The store was ended, or had no more room, while it wrote one.
#[test]
fn a_snapshot_that_was_not_finished_does_not_keep_the_journal_from_opening() {
    let state = State::new();
    let journal = state.open();
    journal.begin(&id("e-1"), &host("h"), "install k").unwrap();
    let unfinished = state.0.join("journal/snap.FFFFFFFFFFFFFFFF.generating");
    std::fs::write(&unfinished, b"").unwrap();
    let locked = Journal::open(&state.0).unwrap_err().to_string();
    assert!(locked.contains("is in use by another process"), "{locked}");
    assert!(unfinished.exists(), "whoever has the journal may be writing it just now");
    drop(journal);
    assert_eq!(state.open().acts().unwrap().len(), 1);
    assert!(!unfinished.exists());
}

#[test]
fn an_unfinished_snapshot_that_cannot_be_removed_is_an_error() {
    let state = State::new();
    drop(state.open());
    // A directory of that name is no file that could be removed.
    std::fs::create_dir(state.0.join("journal/snap.FFFFFFFFFFFFFFFF.generating")).unwrap();
    let error = Journal::open(&state.0).unwrap_err().to_string();
    let told = "looking for an unfinished snapshot: Is a directory (os error 21)";
    assert_eq!(error, format!("the journal {}/journal: {told}", state.0.display()));
}

#[test]
fn a_damaged_journal_is_an_error_that_says_what_to_do_and_what_not() {
    let state = State::new();
    drop(state.open());
    std::fs::write(state.0.join("journal/snap.FFFFFFFFFFFFFFFF"), b"").unwrap();
    let text = Journal::open(&state.0).unwrap_err().to_string();
    let begins = format!("the journal {}/journal is damaged: opening: ", state.0.display());
    assert!(text.starts_with(&begins), "{text}");
    let advice = "; do not remove the journal while an act may run, for without it an act could be done twice; copy the \
                  directory, and if the copy holds a snap.* file of zero bytes, remove that file from the copy and try with \
                  it; else keep the copy, and begin with an empty journal once nothing runs on this agent's hosts";
    assert!(text.ends_with(advice), "{text}");
}

#[test]
fn one_act_at_a_time_on_a_host() {
    let state = State::new();
    let journal = state.open();
    journal.begin(&id("e-1"), &host("h"), "").unwrap();
    assert_eq!(journal.begin(&id("e-2"), &host("h"), "").unwrap(), Begun::Busy(id("e-1")));
    assert_eq!(journal.begin(&id("e-3"), &host("other"), "").unwrap(), Begun::New);
    journal.advance(&id("e-1"), Progress::Finished { exit_code: 0 }, "").unwrap();
    assert_eq!(journal.begin(&id("e-2"), &host("h"), "").unwrap(), Begun::New);
}

#[test]
fn a_refused_act_stays_refused_and_a_begun_one_is_not_refused() {
    let state = State::new();
    let journal = state.open();
    journal.refuse(&id("e-1"), "h", "", "permit expired").unwrap();
    assert!(
        matches!(journal.begin(&id("e-1"), &host("h"), "").unwrap(), Begun::Known(act) if act.progress == Progress::Refused)
    );
    journal.begin(&id("e-2"), &host("h"), "").unwrap();
    assert_eq!(journal.refuse(&id("e-2"), "h", "", "withdrawn").unwrap().progress, Progress::Starting);
}

#[test]
fn only_an_outcome_can_be_acknowledged() {
    let state = State::new();
    let journal = state.open();
    journal.begin(&id("e-1"), &host("h"), "").unwrap();
    journal.advance(&id("e-1"), Progress::Started, "").unwrap();
    assert!(!journal.acknowledge(&id("e-1")).unwrap().acknowledged);
    journal.advance(&id("e-1"), Progress::Unknown, "").unwrap();
    assert!(journal.acknowledge(&id("e-1")).unwrap().acknowledged);
}

#[test]
fn what_is_forgotten_is_not_begun_again() {
    let state = State::new();
    let journal = state.open();
    for number in 1..=4 {
        journal.refuse(&id(&format!("e-{number}")), "h", "", "").unwrap();
    }
    for number in [1, 2, 4] {
        journal.acknowledge(&id(&format!("e-{number}"))).unwrap();
    }
    assert_eq!(journal.prune_to(2).unwrap(), [id("e-1"), id("e-2")]);
    assert_eq!(journal.begin(&id("e-1"), &host("h"), "").unwrap(), Begun::Forgotten);
    assert!(matches!(journal.begin(&id("e-3"), &host("h"), "").unwrap(), Begun::Known(_)));
    assert_eq!(journal.begin(&id("e-5"), &host("h"), "").unwrap(), Begun::New);
}

#[test]
fn the_generation_is_kept() {
    let state = State::new();
    let generation = Generation { epoch: 7, counter: 3, mark: 9 };
    let journal = state.open();
    assert_eq!(journal.remembered().unwrap(), None);
    journal.remember(generation, 12, None).unwrap();
    drop(journal);
    assert_eq!(state.open().remembered().unwrap(), Some(Memory { generation, head: 12 }));
}

#[test]
fn a_head_grows_with_its_generation_and_begins_anew_with_the_next() {
    let state = State::new();
    let generation = Generation { epoch: 7, counter: 3, mark: 9 };
    let journal = state.open();
    let head = |journal: &Journal| journal.remembered().unwrap().map(|memory| memory.head);
    for (told, kept) in [(0, 0), (12, 12), (15, 15), (14, 15), (15, 15)] {
        journal.remember(generation, told, None).unwrap();
        assert_eq!(head(&journal), Some(kept), "told {told}");
    }
    drop(journal);
    let journal = state.open();
    assert_eq!(head(&journal), Some(15));
    // A coordinator that says nothing of its journal: what is known of another generation is not of this one.
    journal.remember(Generation { counter: 4, ..generation }, 0, None).unwrap();
    assert_eq!(head(&journal), Some(0));
}

#[test]
fn the_generation_that_an_agent_without_heads_remembered_is_read_and_the_other_way_round() {
    let state = State::new();
    let generation = Generation { epoch: u64::MAX, counter: 3, mark: u64::MAX - 1 };
    let journal = state.open();
    let before = serde_json::to_vec(&generation).unwrap();
    journal.store.put(Part::Root, b"generation", &before).unwrap();
    assert_eq!(journal.remembered().unwrap(), Some(Memory { generation, head: 0 }));
    journal.remember(generation, 12, None).unwrap();
    let after = journal.store.get(Part::Root, b"generation").unwrap().unwrap();
    assert_eq!(serde_json::from_slice::<Generation>(&after).unwrap(), generation);
}

#[test]
fn a_takeover_is_kept_with_who_and_why() {
    let state = State::new();
    let journal = state.open();
    let from = Generation { epoch: 7, counter: 3, mark: 9 };
    journal.remember(from, 40, None).unwrap();
    assert_eq!(journal.takeovers().unwrap(), []);
    let to = Generation { epoch: 8, counter: 4, mark: 10 };
    let takeover = Takeover { from, to, operator: "olive".into(), reason: "disk lost".into() };
    journal.remember(to, 3, Some(&takeover)).unwrap();
    drop(journal);
    let journal = state.open();
    let memory = Memory { generation: to, head: 3 };
    assert_eq!((journal.remembered().unwrap(), journal.takeovers().unwrap()), (Some(memory), vec![takeover]));
}

#[test]
fn the_newest_act_of_an_epoch_is_known_also_when_it_is_forgotten() {
    let state = State::new();
    let journal = state.open();
    assert_eq!(journal.newest(0xe0).unwrap(), None);
    for number in [9, 12, 10] {
        let id = id(&format!("00000000000000e0-{number}"));
        journal.refuse(&id, "h", "", "").unwrap();
        journal.acknowledge(&id).unwrap();
    }
    journal.refuse(&id("00000000000000e1-40"), "h", "", "").unwrap();
    assert_eq!(journal.newest(0xe0).unwrap(), Some(id("00000000000000e0-12")));
    journal.prune_to(1).unwrap();
    assert_eq!(journal.newest(0xe0).unwrap(), Some(id("00000000000000e0-12")));
    assert_eq!(journal.newest(0xe1).unwrap(), Some(id("00000000000000e1-40")));
}

#[test]
fn a_second_process_is_told_so() {
    let state = State::new();
    let _first = state.open();
    let error = Journal::open(&state.0).unwrap_err().to_string();
    assert!(error.contains("is in use by another process; stop the other sendgate-agent"), "{error}");
}

#[test]
fn what_no_act_can_do_is_told_with_the_act() {
    let state = State::new();
    let journal = state.open();
    journal.refuse(&id("e-1"), "h", "", "").unwrap();
    let error = journal.advance(&id("e-1"), Progress::Started, "").unwrap_err().to_string();
    assert_eq!(error, "the journal: act e-1: an act cannot go from Refused to Started");
    let error = journal.acknowledge(&id("e-2")).unwrap_err().to_string();
    assert_eq!(error, format!("the journal {}/journal: there is no act e-2", state.0.display()));
}
