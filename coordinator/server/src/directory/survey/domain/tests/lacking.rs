//! What a server shows to be missing is passed on before it says something else.

mod former;
mod hearing;

use super::*;
use crate::directory::survey::state::Delta;
use sendgate_core::coverage::placement::Reach;
use sendgate_core::coverage::reading::{
    AccountReading, DescriptorReading, FoundUser, Home, MailboxOwner, UserClass, UserReading,
};
use sendgate_core::coverage::verdict::Presence;
use sendgate_core::coverage::{Judged, Look, Setting, VerdictKind};
use sendgate_core::guid::Guid;
use sendgate_core::names::{AccountName, DirectoryName};
use sendgate_core::secdesc::SecurityDescriptor;

const HAS: &str = "D:(OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;S-1-5-21-1-2-3-1105)";
const LACKS: &str = "D:";

fn ann() -> DirectoryName {
    "ann@x.test".parse().unwrap()
}

fn account() -> AccountName {
    "goodadmin@example.test".parse().unwrap()
}

fn token(sid: &str) -> AccountReading {
    let sid = sid.parse().unwrap();
    let everywhere = [sid].into();
    let (sid, dn) = ("S-1-5-21-1-2-3-1104".parse().unwrap(), "CN=GoodAdmin,DC=example,DC=test".into());
    AccountReading { dn, sid, everywhere, local: BTreeSet::new(), uncertain: BTreeSet::new() }
}

fn with(sddl: &str) -> UserReading {
    UserReading::Found(Arc::new(FoundUser {
        dn: "CN=Ann,DC=example,DC=test".into(),
        guid: Guid::SEND_AS,
        sid: "S-1-5-21-1-2-3-2001".parse().unwrap(),
        class: UserClass::User,
        descriptor: DescriptorReading::Shown(Arc::new(SecurityDescriptor::from_sddl(sddl, None).unwrap())),
        home: Home::Server("exa1".parse().unwrap()),
        protected_by: None,
        admin_count: false,
        owner: MailboxOwner::Itself,
    }))
}

fn reading(sddl: &str, seen: u64) -> Box<ServerReading> {
    Box::new(ServerReading {
        seen: at(seen),
        accounts: [(account(), Ok(token("S-1-5-21-1-2-3-1105")))].into(),
        accounts_awaited: [].into(),
        users: [(ann(), with(sddl))].into(),
        containers: BTreeMap::new(),
        head: "DC=example,DC=test".into(),
        admin_sd_holder: DescriptorReading::NotShown,
        in_part: Touched::nobody(),
    })
}

fn read(sddl: &str, former: Former) -> Update {
    Update::Read { reading: reading(sddl, 1), started: at(1), run: None, entries: 1, former }
}

fn delta(sddl: &str) -> Box<Delta> {
    Box::new(Delta { users: vec![(ann(), with(sddl))], ..Delta::default() })
}

fn failed() -> Update {
    Update::Failed { why: "connection refused".to_owned(), kept: true }
}

/// A domain of one server, and each look that it has passed on.
struct Told {
    alone: Alone,
    looks: Arc<Mutex<Vec<Look>>>,
}

impl Told {
    fn new() -> Self {
        let mut alone = Alone::new();
        let looks = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&looks);
        alone.domain.looks = Arc::new(move |look| {
            taken.lock().unwrap().push(look);
            Box::pin(async { true })
        });
        let before = alone.domain.asked.borrow().clone();
        let setting = Setting::new([account()].into(), alone.name.clone(), Reach::Domain);
        let wanted = Arc::new(Wanted { setting, ..before.wanted.as_ref().clone() });
        alone.domain.asked.send_replace(Asked { wanted, ..before });
        Self { alone, looks }
    }

    /// One that has been read, by which Ann has the right.
    async fn covered() -> Self {
        let mut told = Self::new();
        told.hears(read(HAS, Former::default())).await;
        assert_eq!(told.judges().await, [VerdictKind::Covered]);
        told
    }

    /// A second server, which has neither been read nor failed.
    fn awaits_another(&mut self) -> DirectoryServerName {
        let other: DirectoryServerName = "slow.example.test".parse().unwrap();
        let server = Server { orders: None, started: None, asleep: None, pending: true };
        self.alone.domain.servers.insert(other.clone(), server);
        self.alone.domain.reading.servers.insert(other.clone(), Err(ServerFailure("not read yet".to_owned())));
        other
    }

    async fn hears(&mut self, update: Update) {
        assert!(self.alone.domain.hear(self.alone.name.clone(), update).await);
    }

    /// What has been passed on of Ann since the last time, where a server shows her.
    async fn judges(&mut self) -> Vec<VerdictKind> {
        assert!(self.alone.domain.judge().await);
        self.passed_on().iter().filter_map(|look| Some(kind(look)?.0)).collect()
    }

    fn passed_on(&mut self) -> Vec<Look> {
        std::mem::take(&mut self.looks.lock().unwrap())
    }
}

/// The verdict, and whether a server shows that she lacks the right.
fn kind(look: &Look) -> Option<(VerdictKind, bool)> {
    let (Judged::All(users) | Judged::Some(users)) = &look.users;
    match users.get(&ann())? {
        Presence::Here(here) => {
            let verdict = &here.verdicts[&account()];
            Some((verdict.kind, verdict.lacking().is_some()))
        }
        Presence::Unknown(_) => None,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn whoever_was_missing_the_right_for_a_moment_only_is_passed_on_as_missing_it() {
    let mut told = Told::covered().await;
    told.hears(Update::Looked { seen: at(2), delta: delta(LACKS) }).await;
    told.hears(Update::Looked { seen: at(3), delta: delta(HAS) }).await;
    assert_eq!(told.judges().await, [VerdictKind::Missing, VerdictKind::Covered]);
    // A full reading says something else as well, and so does a failure.
    told.hears(Update::Looked { seen: at(4), delta: delta(LACKS) }).await;
    told.hears(read(HAS, Former::default())).await;
    assert_eq!(told.judges().await, [VerdictKind::Missing, VerdictKind::Covered]);
    told.hears(Update::Looked { seen: at(5), delta: delta(LACKS) }).await;
    told.hears(failed()).await;
    assert_eq!(told.judges().await, [VerdictKind::Missing], "of a server that has failed nothing is shown");
}

#[tokio::test]
async fn what_takes_no_answers_place_is_judged_together_with_it() {
    let mut told = Told::covered().await;
    told.hears(Update::Looked { seen: at(2), delta: delta(LACKS) }).await;
    told.hears(Update::Looked { seen: at(3), delta: Box::default() }).await;
    assert!(told.passed_on().is_empty());
    assert_eq!(told.judges().await, [VerdictKind::Missing]);
}

/// The other server may take minutes.
#[tokio::test]
async fn what_is_missing_is_passed_on_before_all_servers_have_been_read_where_it_would_be_lost() {
    let mut told = Told::new();
    let other = told.awaits_another();
    told.hears(read(LACKS, Former::default())).await;
    assert!(told.judges().await.is_empty(), "the first look is at all servers");
    told.hears(Update::Looked { seen: at(2), delta: delta(HAS) }).await;
    let first = told.passed_on();
    let [first] = first.as_slice() else { panic!("{first:?}") };
    assert_eq!(
        (kind(first), first.failed.keys().collect::<Vec<_>>()),
        (Some((VerdictKind::Unreadable, true)), vec![&other])
    );
    assert!(matches!(first.users, Judged::All(_)));
    assert!(told.judges().await.is_empty(), "all servers are waited for");
    let read =
        Update::Read { reading: reading(HAS, 3), started: at(1), run: None, entries: 1, former: Former::default() };
    assert!(told.alone.domain.hear(other, read).await);
    assert_eq!(told.judges().await, [VerdictKind::Covered]);
}

#[tokio::test]
async fn nobody_has_a_right_by_a_look_that_was_not_through_until_one_is() {
    let mut told = Told::covered().await;
    told.hears(Update::Looked { seen: at(2), delta: delta(LACKS) }).await;
    assert_eq!(told.judges().await, [VerdictKind::Missing]);
    told.hears(Update::LookedInPart(delta(HAS))).await;
    assert!(told.alone.domain.judge().await);
    let looks = told.passed_on();
    let [look] = looks.as_slice() else { panic!("{looks:?}") };
    assert_eq!(kind(look), Some((VerdictKind::Unreadable, false)));
    assert_eq!(look.seen.values().collect::<Vec<_>>(), [&at(2)], "nothing newer is known");
    // What is wanted is taken over beside the looks.
    told.hears(Update::Looked { seen: at(2), delta: delta(HAS) }).await;
    assert_eq!(told.judges().await, [VerdictKind::Unreadable]);
    told.hears(Update::Looked { seen: at(3), delta: Box::default() }).await;
    assert_eq!(told.judges().await, [VerdictKind::Covered]);
    // And who lacks it by such a look lacks it.
    told.hears(Update::LookedInPart(delta(LACKS))).await;
    told.hears(failed()).await;
    assert_eq!(told.judges().await, [VerdictKind::Missing]);
}

/// Somebody's unit was moved: who is below it has not changed, and what he has there is not known yet.
#[tokio::test]
async fn nobody_has_a_right_by_a_server_of_which_only_a_full_reading_tells() {
    let mut told = Told::covered().await;
    told.hears(Update::Unclear(Box::default())).await;
    assert!(told.alone.domain.judge().await);
    let looks = told.passed_on();
    let [look] = looks.as_slice() else { panic!("{looks:?}") };
    assert_eq!(kind(look), Some((VerdictKind::Unreadable, false)));
    assert!(look.seen.is_empty() && look.failed.contains_key(&told.alone.name), "{look:?}");
    // At each look until everything has been read: nobody is judged anew by that.
    told.hears(Update::Unclear(Box::default())).await;
    assert!(told.alone.domain.judge().await && told.passed_on().is_empty());
    // What is wanted is taken over meanwhile.
    told.hears(Update::Looked { seen: at(1), delta: delta(HAS) }).await;
    assert_eq!(told.judges().await, [VerdictKind::Unreadable]);
    // Who lacks it lacks it, also if the reading takes the place of that before anybody was judged.
    told.hears(Update::Unclear(delta(LACKS))).await;
    told.hears(read(HAS, Former::default())).await;
    assert_eq!(told.judges().await, [VerdictKind::Missing, VerdictKind::Covered]);
    told.hears(Update::Unclear(Box::default())).await;
    told.hears(failed()).await;
    told.hears(Update::Unclear(Box::default())).await;
    assert!(!told.judges().await.contains(&VerdictKind::Covered), "it has failed meanwhile and is back");
}

/// It was connected to again, and lost again before the look was through.
#[tokio::test]
async fn a_server_that_has_failed_counts_by_no_look_that_was_not_through() {
    let mut told = Told::covered().await;
    told.hears(failed()).await;
    assert!(told.alone.domain.judge().await);
    told.passed_on();
    for (sddl, lacks) in [(LACKS, true), (HAS, false)] {
        told.hears(Update::LookedInPart(delta(sddl))).await;
        assert!(told.alone.domain.judge().await);
        let looks = told.passed_on();
        let [look] = looks.as_slice() else { panic!("{looks:?}") };
        assert_eq!(kind(look).map(|(_, lacks)| lacks), Some(lacks));
        assert_ne!(kind(look).map(|(kind, _)| kind), Some(VerdictKind::Covered));
        assert!(look.seen.is_empty() && look.failed.contains_key(&told.alone.name));
        told.hears(failed()).await;
        assert!(told.alone.domain.judge().await);
        told.passed_on();
    }
    told.hears(Update::Looked { seen: at(9), delta: Box::default() }).await;
    assert_eq!(told.judges().await, [VerdictKind::Covered]);
}

#[tokio::test]
async fn nobody_has_a_right_by_a_full_reading_after_which_only_a_further_one_tells() {
    for (sddl, expected) in [(LACKS, (VerdictKind::Missing, true)), (HAS, (VerdictKind::Unreadable, false))] {
        let mut told = Told::covered().await;
        let mut reading = reading(sddl, 2);
        reading.in_part = Touched::All;
        told.hears(Update::ReadInPart { reading, started: at(2), former: Former::default() }).await;
        assert!(told.alone.domain.judge().await);
        let looks = told.passed_on();
        let [look] = looks.as_slice() else { panic!("{looks:?}") };
        assert_eq!(kind(look), Some(expected));
        assert!(look.failed.contains_key(&told.alone.name), "{look:?}");
        told.hears(read(HAS, Former::default())).await;
        assert_eq!(told.judges().await, [VerdictKind::Covered]);
    }
}
