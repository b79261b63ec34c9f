//! Looks at a server that says what real ones seldom do.

use super::super::super::fake::{Answer, DONE, bound, hasty, object, result};
use super::super::super::{DirectoryServer, connect};
use super::super::Wanted;
use super::super::answers::Answers;
use super::super::containers::Containers;
use super::super::roster::Roster;
use super::super::state::Sweep;
use super::super::user::Lens;
use super::*;
use sendgate_core::coverage::Setting;
use sendgate_core::coverage::placement::Reach;
use sendgate_core::policy::ProtectionPolicy;
use std::sync::Arc;

/// Somebody is asked for; the server's changes have been looked at up to number 100.
fn state() -> State {
    let wanted = Wanted {
        asked: Arc::new(["ann@x.test".parse().unwrap()].into()),
        accounts: BTreeSet::new(),
        known: BTreeMap::new(),
        setting: Setting::new(BTreeSet::new(), "dc.example.test".parse().unwrap(), Reach::Domain),
        protection: ProtectionPolicy::default(),
    };
    let roster = Arc::new(Roster::new(&wanted.asked, "example.test".parse().unwrap()));
    State {
        asked: Asked { wanted: Arc::new(wanted), roster: Arc::clone(&roster) },
        started: Steady::START,
        seen: Steady::START,
        invocation: None,
        usn: 100,
        head: Dn::from("DC=example,DC=test"),
        configuration: Dn::from("CN=Configuration,DC=example,DC=test"),
        accounts: account::Accounts::new(),
        answers: Answers::new(roster, None),
        lens: Lens::default(),
        containers: Containers::default(),
        fresh: HashSet::new(),
        holder: DescriptorReading::NotShown,
        flowing: BTreeMap::new(),
        sweep: Sweep::default(),
    }
}

fn highest(usn: &str) -> Answer {
    object("", "highestCommittedUSN", usn.as_bytes())
}

async fn looked(server: &DirectoryServer, state: &mut State) -> Result<Looked, DirectoryError> {
    let session = connect::open(server).await.ok().unwrap();
    look(state, &session, Steady::after_start(Duration::from_secs(9))).await
}

#[tokio::test]
async fn where_nothing_has_changed_one_question_is_all() {
    // A second question would not be answered.
    let (server, mut state) = (hasty(vec![bound(), highest("100"), Answer::Close]), state());
    let Looked::Known(delta) = looked(&server, &mut state).await.unwrap() else { panic!("unclear") };
    assert!(delta.users.is_empty() && delta.containers.is_empty() && delta.accounts.is_none());
    assert_eq!(state.seen, Steady::after_start(Duration::from_secs(9)));
}

#[tokio::test]
async fn numbers_that_go_back_are_another_database() {
    let mut state = state();
    let looked = looked(&hasty(vec![bound(), highest("99")]), &mut state).await.unwrap();
    let Looked::Unclear(why) = looked else { panic!("{looked:?}") };
    assert_eq!(why, "the server's update sequence numbers went back: it was restored from a backup");
    assert_eq!(state.seen, Steady::START, "nothing newer is known");
}

#[tokio::test]
async fn a_look_that_is_cut_short_is_made_up_for_by_the_next_one() {
    let refused = Answer::Say(vec![result(DONE, 4, "")]);
    for cut in [refused, Answer::Close, Answer::Nothing] {
        let mut state = state();
        let error = looked(&hasty(vec![bound(), highest("101"), cut]), &mut state).await.unwrap_err().to_string();
        assert!(error.contains("reading what has changed"), "{error}");
        assert_eq!((state.usn, state.seen), (100, Steady::START));
    }
}

#[tokio::test]
async fn a_server_that_does_not_tell_its_numbers_is_no_evidence() {
    let error = looked(&hasty(vec![bound(), object("", "dnsHostName", b"dc")]), &mut state()).await.unwrap_err();
    let error = error.to_string();
    assert!(error.ends_with("highestCommittedUSN is missing: what changes cannot be told"), "{error}");
    let error = looked(&hasty(vec![bound(), highest("many")]), &mut state()).await.unwrap_err().to_string();
    assert!(error.ends_with("highestCommittedUSN \"many\" is not a number"), "{error}");
}

#[test]
fn what_lies_below_a_change_is_read_again_with_doubling_pauses() {
    let mut pauses = vec![FIRST_PAUSE];
    for _ in 0..10 {
        let next = next_pause(*pauses.last().unwrap(), Duration::from_millis(1));
        pauses.push(next);
    }
    let seconds: Vec<u64> = pauses.iter().map(Duration::as_secs).collect();
    assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    // A reading that takes long is repeated seldom.
    assert_eq!(next_pause(FIRST_PAUSE, Duration::from_secs(20)), Duration::from_secs(600));
}

/// A deletion is not shown to every reader; a later change of somebody else must not hide it.
#[test]
fn a_number_that_nobody_shown_has_may_be_a_deletion() {
    assert!(!may_hide(3, 100, 103), "every number is accounted for");
    assert!(may_hide(2, 100, 103), "one is not, though the last one may be");
    assert!(may_hide(0, 100, 101));
    assert!(!may_hide(0, 100, 100));
}
