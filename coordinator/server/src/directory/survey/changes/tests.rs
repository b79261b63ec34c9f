//! Looks at a server that says what real ones seldom do.

mod names;
mod units;
mod unseen;

use super::super::super::fake::{Answer, DONE, bound, entry_of, hasty, nobody, object, object_of, result};
use super::super::super::{DirectoryServer, connect};
use super::super::Wanted;
use super::super::answers::Answers;
use super::super::containers::Containers;
use super::super::roster::Roster;
use super::super::state::{Sweep, Untold};
use super::super::user::Lens;
use super::again::{FIRST_PAUSE, UNDER_WAY, next_pause};
use super::*;
use sendgate_core::coverage::Setting;
use sendgate_core::coverage::placement::Reach;
use sendgate_core::coverage::reading::{FoundUser, UserReading};
use sendgate_core::policy::ProtectionPolicy;
use sendgate_core::secdesc::SecurityDescriptor;
use sendgate_core::sid::Sid;
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
        invocation: Some(Guid::from_bytes([5; 16])),
        service: Some(Dn::from(SERVICE)),
        usn: 100,
        head: Dn::from("DC=example,DC=test"),
        configuration: Dn::from("CN=Configuration,DC=example,DC=test"),
        accounts: account::Accounts::new(),
        accounts_read: Instant::now(),
        accounts_doubted: false,
        answers: Answers::new(roster, None),
        lens: Lens::default(),
        renamed: false,
        containers: Containers::default(),
        fresh: HashSet::new(),
        holder: DescriptorReading::NotShown,
        flowing: BTreeMap::new(),
        sweep: Sweep::default(),
        untold: Untold::default(),
        unclear: None,
    }
}

pub(in super::super) fn highest(usn: &str) -> Answer {
    object("", "highestCommittedUSN", usn.as_bytes())
}

async fn looked(server: &DirectoryServer, state: &mut State) -> Result<Looked, DirectoryError> {
    let session = connect::open(server).await.ok().unwrap();
    look(state, &session, Steady::after_start(Duration::from_secs(9)), ANSWER).await
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

pub(in super::super) const HEAD: &str = "DC=example,DC=test";
pub(in super::super) const SERVICE: &str =
    "CN=NTDS Settings,CN=DC,CN=Servers,CN=Site,CN=Sites,CN=Configuration,DC=example,DC=test";
const ADMINS: &str = "CN=Domain Admins,DC=example,DC=test";

fn sid(rid: u32) -> Sid {
    Sid::new(5, &[21, 1, 2, 3, rid]).unwrap()
}

fn ann_guid() -> Guid {
    Guid::from_bytes([7; 16])
}

fn descriptor() -> Vec<u8> {
    SecurityDescriptor::from_sddl("D:(A;;GA;;;SY)", None).unwrap().to_bytes()
}

/// A user of this name, who is asked for.
pub(in super::super) fn user_entry(dn: &str, usn: &str) -> Vec<u8> {
    entry_of(
        dn,
        &[
            ("objectClass", b"user".to_vec()),
            ("objectGUID", ann_guid().to_bytes().to_vec()),
            ("objectSid", sid(1104).to_bytes()),
            ("primaryGroupID", b"513".to_vec()),
            ("userAccountControl", b"512".to_vec()),
            ("mail", b"ann@x.test".to_vec()),
            ("uSNChanged", usn.as_bytes().to_vec()),
            ("nTSecurityDescriptor", descriptor()),
        ],
    )
}

pub(in super::super) fn container_entry(dn: &str, guid: u8) -> Vec<u8> {
    entry_of(dn, &[("objectGUID", vec![guid; 16]), ("nTSecurityDescriptor", descriptor())])
}

/// Domain Admins with one member, and what is asked before it and after it.
pub(in super::super) fn protection(member: &str) -> Vec<Answer> {
    let group = [("objectSid", sid(512).to_bytes()), ("member", member.as_bytes().to_vec())];
    vec![
        object_of(HEAD, &[("objectSid", Sid::new(5, &[21, 1, 2, 3]).unwrap().to_bytes())]),
        Answer::Page(vec![entry_of(ADMINS, &group)]),
        Answer::Page(vec![]),
    ]
}

/// The search for what has changed up to 101 returns `changed`; no heuristics are set.
pub(in super::super) fn change(changed: Vec<Vec<u8>>) -> Vec<Answer> {
    vec![bound(), highest("101"), Answer::Page(changed), nobody()]
}

/// The head has been read.
pub(in super::super) fn with_nobody() -> State {
    let mut state = state();
    state.containers.put(&Dn::from(HEAD), DescriptorReading::NotShown);
    state.delta();
    state
}

/// Ann is there as `dn` and has been taken; the head has been read.
pub(in super::super) fn with_ann(dn: &str) -> State {
    let mut state = with_nobody();
    let values: [(&str, &[&[u8]]); 8] = [
        ("objectClass", &[b"user"]),
        ("objectGUID", &[&[7; 16]]),
        ("objectSid", &[&sid(1104).to_bytes()]),
        ("primaryGroupID", &[b"513"]),
        ("userAccountControl", &[b"512"]),
        ("mail", &[b"ann@x.test"]),
        ("uSNChanged", &[b"90"]),
        ("nTSecurityDescriptor", &[&descriptor()]),
    ];
    assert!(state.answers.take(&Entry::of(dn, &values), &mut state.lens));
    state.delta();
    state
}

fn ann(state: &State) -> UserReading {
    state.answers.reading(0)
}

fn found(state: &State) -> Arc<FoundUser> {
    match ann(state) {
        UserReading::Found(user) => user,
        other => panic!("{other:?}"),
    }
}
