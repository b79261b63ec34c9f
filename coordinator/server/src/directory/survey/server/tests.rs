//! One server's task, step by step.

mod former;
mod steps;

use super::super::super::fake::{Answer, BIND, bound, hasty, nobody, object, object_of, result};
use super::super::Wanted;
use super::super::account::Accounts;
use super::super::changes::tests::{HEAD, SERVICE, change, container_entry, highest, user_entry, with_ann};
use super::super::full::READ_EVERYBODY_FROM;
use super::super::state::{Asked, Flow};
use super::*;
use sendgate_core::coverage::reading::{ServerReading, UserReading};
use sendgate_core::coverage::{AccountPicture, Touched};
use sendgate_core::guid::Guid;
use sendgate_core::names::{AccountName, DirectoryName, DirectoryServerName, Dn};
use sendgate_core::sid::Sid;
use sendgate_core::time::Steady;
use std::collections::BTreeSet;
use tokio::sync::{mpsc, watch};

/// What holds the other ends of a server's task.
struct Ends {
    said: mpsc::Receiver<(DirectoryServerName, Update)>,
    ask: watch::Sender<Asked>,
    order: mpsc::Sender<Order>,
}

/// A server's task for what `state` asks for, and what it says.
fn watcher(server: DirectoryServer, state: &State) -> (Watcher, Ends) {
    let (ask, asked) = watch::channel(state.asked.clone());
    let (updates, said) = mpsc::channel(8);
    let (order, orders) = mpsc::channel(1);
    let now = Arc::new(|| Steady::after_start(Duration::from_secs(77)));
    let link = Link { domain: "example.test".parse().unwrap(), asked, orders, updates, now };
    (Watcher::new(server, link, 1), Ends { said, ask, order })
}

fn reading(name: &DirectoryServerName) -> Reading {
    let task = Owned(tokio::spawn(async { Err(End::Over) }));
    Reading { task, order: None, report: Arc::new(Report::nobody(name.clone())) }
}

/// He was renamed after the reading had come past him: a look has shown that already.
#[tokio::test]
async fn a_full_reading_takes_nothing_back_that_looks_have_shown_while_it_ran() {
    let (read, renamed) = (with_ann("CN=Ann,DC=example,DC=test"), "CN=Anna,DC=example,DC=test");
    let answers =
        [change(vec![user_entry(renamed, "101")]), super::super::changes::tests::protection(renamed)].concat();
    let server = hasty(answers);
    let session = connect::open(&server).await.ok().unwrap();
    let (mut watcher, mut ends) = watcher(server, &read);
    let mut before = with_ann(renamed);
    let later = Instant::now() + Duration::from_secs(64);
    let flow = Flow { since: Instant::now(), due: later, pause: Duration::from_secs(64) };
    before.flowing.insert(Dn::from(HEAD), flow);
    (watcher.state, watcher.due) = (Some(before), Some(None));
    let reading = reading(&watcher.server.name);
    watcher.through(&session, Ok(Ok(read)), &reading).await.ok().unwrap();
    let (_, Update::Read { reading, .. }) = ends.said.recv().await.unwrap() else { panic!("not read") };
    let [UserReading::Found(ann)] = reading.users.values().collect::<Vec<_>>()[..] else { panic!("{reading:?}") };
    assert_eq!(ann.dn, Dn::from(renamed));
    assert_eq!(reading.seen, Steady::after_start(Duration::from_secs(77)), "as recent as the look");
    assert_eq!(watcher.due, None);
    assert_eq!(watcher.state.unwrap().flowing.keys().collect::<Vec<_>>(), [&Dn::from(HEAD)], "it is still on its way");
}

#[tokio::test]
async fn a_full_reading_after_which_only_a_further_one_tells_has_nobody_covered() {
    let read = with_ann("CN=Ann,DC=example,DC=test");
    let server = hasty(vec![bound(), highest("99")]);
    let session = connect::open(&server).await.ok().unwrap();
    let (mut watcher, mut ends) = watcher(server, &read);
    let order = Order { run: 3, started: Steady::START };
    watcher.due = Some(Some(order));
    let reading = reading(&watcher.server.name);
    watcher.through(&session, Ok(Ok(read)), &reading).await.ok().unwrap();
    assert_eq!(watcher.due, Some(Some(order)), "it is read once more, for whoever asked for it");
    let (_, Update::ReadInPart { reading, started, former }) = ends.said.try_recv().unwrap() else {
        panic!("not in part")
    };
    assert_eq!((reading.users.len(), reading.in_part), (1, Touched::All), "but it shows who lacks a right");
    assert_eq!((reading.seen, started), (Steady::START, Steady::START), "nothing newer is known");
    assert!(former.is_empty() && watcher.state.is_some());
}

/// A change that was hidden then may bring her the right while the reading runs.
#[tokio::test]
async fn what_a_full_reading_was_answered_is_passed_on_also_where_the_look_after_it_was_answered_otherwise() {
    let (old, renamed) = ("CN=Ann,DC=example,DC=test", "CN=Anna,DC=example,DC=test");
    let entry = || user_entry(renamed, "101");
    let through = [change(vec![entry()]), super::super::changes::tests::protection(renamed)].concat();
    let cut = [change(vec![entry()]), vec![Answer::Close]].concat();
    for (answers, well) in [(through, true), (cut, false)] {
        let read = with_ann(old);
        let server = hasty(answers);
        let session = connect::open(&server).await.ok().unwrap();
        let (mut watcher, mut ends) = watcher(server, &read);
        watcher.due = Some(None);
        let reading = reading(&watcher.server.name);
        assert_eq!(watcher.through(&session, Ok(Ok(read)), &reading).await.is_ok(), well);
        let (mut reading, mut former) = match ends.said.try_recv().unwrap().1 {
            Update::Read { reading, former, .. } if well => (reading, former),
            Update::ReadInPart { reading, former, .. } if !well => (reading, former),
            other => panic!("{other:?}"),
        };
        let ann = |reading: &ServerReading| match reading.users.values().next() {
            Some(UserReading::Found(ann)) => ann.dn.to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!((ann(&reading).as_str(), former.touched()), (renamed, reading_of_ann()));
        former.swap(&mut reading);
        assert_eq!(ann(&reading), old);
    }
}

fn reading_of_ann() -> Touched {
    Touched::Names(["ann@x.test".parse().unwrap()].into())
}

/// The next look, or reading, may show something else.
#[tokio::test]
async fn what_a_look_has_read_that_was_not_through_is_passed_on() {
    let (old, renamed) = ("CN=Ann,OU=Sales,DC=example,DC=test", "CN=Anna,OU=Sales,DC=example,DC=test");
    let unit = container_entry("OU=Sold,DC=example,DC=test", 9);
    let unclear = vec![bound(), highest("101"), Answer::Page(vec![user_entry(renamed, "101"), unit])];
    let fails = [change(vec![user_entry(renamed, "101")]), vec![Answer::Close]].concat();
    for (answers, well) in [(unclear, true), (fails, false)] {
        let mut state = with_ann(old);
        state.containers.known(&Dn::from("OU=Sales,DC=example,DC=test"), Guid::from_bytes([9; 16]));
        let server = hasty(answers);
        let session = connect::open(&server).await.ok().unwrap();
        let (mut watcher, mut ends) = watcher(server, &state);
        watcher.state = Some(state);
        assert_eq!(watcher.look(&session, changes::ANSWER).await.is_ok(), well);
        let delta = match ends.said.try_recv().unwrap().1 {
            Update::Unclear(delta) if well => delta,
            Update::LookedInPart(delta) if !well => delta,
            other => panic!("{other:?}"),
        };
        let [(_, UserReading::Found(ann))] = delta.users.as_slice() else { panic!("{delta:?}") };
        assert_eq!(ann.dn, Dn::from(renamed));
        assert_eq!(watcher.due, well.then_some(None), "only a full reading tells, or the next look");
        assert_eq!(watcher.state.unwrap().seen, Steady::START, "nothing newer is known");
    }
}

/// Ann's right there is that of another place by now, and she has not changed.
#[tokio::test]
async fn that_only_a_full_reading_tells_is_told_also_where_the_look_has_read_nobody() {
    let sold = || Answer::Page(vec![container_entry("OU=Sold,DC=example,DC=test", 9)]);
    for answers in [vec![bound(), highest("101"), sold()], vec![bound(), highest("99")]] {
        let mut state = with_ann("CN=Ann,OU=Sales,DC=example,DC=test");
        state.containers.known(&Dn::from("OU=Sales,DC=example,DC=test"), Guid::from_bytes([9; 16]));
        let server = hasty(answers);
        let session = connect::open(&server).await.ok().unwrap();
        let (mut watcher, mut ends) = watcher(server, &state);
        watcher.state = Some(state);
        watcher.look(&session, changes::ANSWER).await.ok().unwrap();
        let (_, Update::Unclear(delta)) = ends.said.try_recv().unwrap() else { panic!("not unclear") };
        assert!(delta.is_empty(), "{delta:?}");
        assert_eq!(watcher.due, Some(None));
    }
}

#[tokio::test]
async fn a_look_that_fails_before_it_has_read_anything_says_nothing() {
    let state = with_ann("CN=Ann,DC=example,DC=test");
    let server = hasty(vec![bound(), Answer::Close]);
    let session = connect::open(&server).await.ok().unwrap();
    let (mut watcher, mut ends) = watcher(server, &state);
    watcher.state = Some(state);
    assert!(watcher.look(&session, changes::ANSWER).await.is_err());
    assert!(ends.said.try_recv().is_err());
}

#[tokio::test]
async fn a_look_beside_a_reading_has_as_long_as_any_operation() {
    let mut server = hasty(vec![]);
    server.timeouts.operation = Duration::from_secs(60);
    let (watcher, _ends) = watcher(server, &with_ann("CN=Ann,DC=example,DC=test"));
    let reading = reading(&watcher.server.name);
    assert_eq!(watcher.patience(&None), changes::ANSWER);
    assert_eq!(watcher.patience(&Some(reading)), Duration::from_secs(60));
}

/// On every server again and again, it would lock the account out. A reading that is due does not end the pause: the server
/// that this test talks to takes one connection only.
#[tokio::test]
async fn an_account_that_is_refused_is_left_alone_for_minutes_also_when_a_reading_is_due() {
    let server = hasty(vec![Answer::Say(vec![result(BIND, 49, "data 52e")])]);
    let state = with_ann("CN=Ann,DC=example,DC=test");
    let (watcher, mut ends) = watcher(server.clone(), &state);
    let running = Owned(tokio::spawn(watcher.run()));
    let next = "; it is left alone for 15m 0s after that, so that asking again does not lock the account out; once it is mended, \
                `sendgate survey run DOMAIN` tries at once";
    for _ in 0..2 {
        let (_, Update::Failed { why, kept }) = ends.said.recv().await.unwrap() else { panic!("not failed") };
        assert!(why.contains("refused the bind as sendgate@example.test: the name or the password is wrong"), "{why}");
        assert!(why.ends_with(next) && !kept, "{why}");
        ends.order.send(Order { run: 1, started: Steady::START }).await.unwrap();
    }
    let (_, Update::Failed { why, .. }) = ends.said.recv().await.unwrap() else { panic!("not failed") };
    assert!(why.ends_with(next), "{why}");
    server.refusals.mended();
    ends.order.send(Order { run: 2, started: Steady::START }).await.unwrap();
    let (_, Update::Failed { why, .. }) = ends.said.recv().await.unwrap() else { panic!("not failed") };
    assert!(!why.ends_with(next), "it was tried, and nobody was there: {why}");
    drop(running);
}

#[tokio::test]
async fn only_a_refused_account_is_left_alone() {
    let state = with_ann("CN=Ann,DC=example,DC=test");
    let server = hasty(vec![Answer::Say(vec![result(BIND, 49, "data 52e")])]);
    let error = connect::open(&server).await.err().unwrap();
    let (mut watcher, _ends) = watcher(server, &state);
    let End::Failed { refused, .. } = End::from(error) else { panic!("over") };
    assert!(watcher.pause(refused) > LONGEST_PAUSE);
    let shown = || "dc".to_owned();
    let kerberos = |why: &str| DirectoryError::Kerberos {
        server: shown(),
        principal: "p".to_owned(),
        why: why.to_owned(),
        remedy: "mend it",
    };
    let bind = || DirectoryError::BindRefused { server: shown(), name: "n".to_owned(), why: "w".to_owned() };
    let beside = |error: DirectoryError| DirectoryError::Beside { number: 2, error: Box::new(error) };
    let refusals = ["Preauthentication failed", "Password incorrect", "Client's credentials have been revoked"];
    let all = refusals.map(kerberos).into_iter().chain([bind(), beside(bind()), beside(bind().left_alone())]);
    for error in all {
        let (text, End::Failed { why, refused }) = (error.to_string(), End::from(error)) else { panic!("over") };
        assert!(refused && why.starts_with(&text), "{why}");
        assert_eq!(why.matches("it is left alone for 15m 0s").count(), 1, "{why}");
    }
    let unreachable = DirectoryError::Unreachable { server: shown(), why: "no route".to_owned() };
    for error in [kerberos("Cannot contact any KDC for realm"), unreachable] {
        let (text, End::Failed { why, refused }) = (error.to_string(), End::from(error)) else { panic!("over") };
        assert!(why == text && watcher.pause(refused) <= LONGEST_PAUSE, "{why}");
    }
}

/// What a server says of itself first, and which database it has.
fn here(invocation: Option<[u8; 16]>, service: &str) -> Vec<Answer> {
    let root = object_of(
        "",
        &[
            ("defaultNamingContext", HEAD.as_bytes().to_vec()),
            ("configurationNamingContext", b"CN=Configuration,DC=example,DC=test".to_vec()),
            ("currentTime", b"20261129160000.0Z".to_vec()),
            ("highestCommittedUSN", b"100".to_vec()),
            ("dsServiceName", service.as_bytes().to_vec()),
        ],
    );
    let settings = invocation.map_or_else(nobody, |guid| object(service, "invocationId", &guid));
    vec![bound(), root, settings, Answer::Close]
}

/// A server's name may lead to several, and a snapshot may have been put back: what changed there up to the old number would
/// not be looked at.
#[tokio::test]
async fn what_was_known_counts_again_only_on_what_is_known_to_be_the_same_database() {
    let own = [5; 16];
    for (what, invocation, service, kept) in [
        ("the same", Some(own), SERVICE, true),
        ("restored", Some([6; 16]), SERVICE, false),
        ("another server", Some(own), "CN=NTDS Settings,CN=DC2", false),
        ("not told", None, SERVICE, false),
    ] {
        let mut state = with_ann("CN=Ann,DC=example,DC=test");
        if invocation.is_none() {
            state.invocation = None;
        }
        let flow = Flow { since: Instant::now(), due: Instant::now(), pause: Duration::from_secs(64) };
        state.flowing.insert(Dn::from(HEAD), flow);
        let server = hasty(here(invocation, service));
        let session = Arc::new(connect::open(&server).await.ok().unwrap());
        let (mut watcher, _ends) = watcher(server, &state);
        watcher.state = Some(state);
        watcher.connected(session).await;
        assert_eq!(watcher.state.is_some(), kept, "{what}");
        assert_eq!(watcher.flowing().len(), 1, "{what}: what is on its way is on its way all the same");
    }
}

/// Servers that are busy with what a change brings their users are slow to answer just then.
#[tokio::test]
async fn what_is_on_its_way_is_followed_beyond_readings_that_fail() {
    let read = with_ann("CN=Ann,DC=example,DC=test");
    let server = hasty(vec![bound(), highest("100"), Answer::Close]);
    let session = connect::open(&server).await.ok().unwrap();
    let (mut watcher, _ends) = watcher(server, &read);
    let mut before = with_ann("CN=Ann,DC=example,DC=test");
    let later = Instant::now() + Duration::from_secs(64);
    let flow = Flow { since: Instant::now(), due: later, pause: Duration::from_secs(64) };
    before.flowing.insert(Dn::from(HEAD), flow);
    (watcher.state, watcher.due) = (Some(before), Some(None));
    assert!(!watcher.lost() && watcher.state.is_none());
    let reading = reading(&watcher.server.name);
    watcher.through(&session, Ok(Ok(read)), &reading).await.ok().unwrap();
    assert_eq!(watcher.state.unwrap().flowing, [(Dn::from(HEAD), flow)].into());
}

/// The reading after it begins when what has changed has been looked at long ago.
#[tokio::test]
async fn what_the_look_after_a_full_reading_finds_on_its_way_is_not_lost_with_that_reading() {
    let sales = "OU=Sales,DC=example,DC=test";
    let unit = |dn: &str| Answer::Page(vec![container_entry(dn, 9)]);
    let ends = vec![bound(), highest("101"), unit("OU=Sold,DC=example,DC=test")];
    let breaks_off = vec![bound(), highest("101"), unit(sales), nobody(), Answer::Close];
    for (answers, well, flowing) in [(ends, true, "OU=Sold,DC=example,DC=test"), (breaks_off, false, sales)] {
        let mut read = with_ann("CN=Ann,OU=Sales,DC=example,DC=test");
        read.containers.known(&Dn::from(sales), Guid::from_bytes([9; 16]));
        let server = hasty(answers);
        let session = connect::open(&server).await.ok().unwrap();
        let (mut watcher, _ends) = watcher(server, &read);
        watcher.due = Some(None);
        let reading = reading(&watcher.server.name);
        assert_eq!(watcher.through(&session, Ok(Ok(read)), &reading).await.is_ok(), well, "{flowing}");
        assert!(watcher.due.is_some(), "{flowing}");
        assert_eq!(watcher.flowing().keys().collect::<Vec<_>>(), [&Dn::from(flowing)]);
    }
}

const OWN: &str = "S-1-5-21-9-9-9-1105";

/// Asks also for an account of another domain, which is there in no group any more; its groups here are looked for in three
/// searches.
fn with_account(state: &State, names: impl Iterator<Item = DirectoryName>) -> (Asked, Vec<Answer>) {
    let own: Sid = OWN.parse().unwrap();
    let dn = "CN=GoodAdmin,DC=other,DC=test".into();
    let everywhere = BTreeSet::from([own.clone()]);
    let known = AccountPicture {
        dn,
        sid: own,
        anywhere: everywhere.clone(),
        everywhere,
        local: BTreeSet::new(),
        uncertain: BTreeSet::new(),
    };
    let before = state.asked.wanted.as_ref().clone();
    let asked = Arc::new(before.asked.iter().cloned().chain(names).collect());
    let wanted = Wanted { asked, accounts: [account()].into(), known: [(account(), known)].into(), ..before };
    let asked = Asked { wanted: Arc::new(wanted), roster: Arc::clone(&state.asked.roster) };
    (asked, [vec![bound()], vec![Answer::Page(vec![]); 3]].concat())
}

fn account() -> AccountName {
    "goodadmin@other.test".parse().unwrap()
}

fn is_in_no_group(accounts: &Accounts) {
    let Some(Ok(known)) = accounts.get(&account()) else { panic!("{accounts:?}") };
    assert_eq!(known.everywhere, [OWN.parse().unwrap()].into());
}

/// The reading takes minutes, and a right by the group that the account has left would count for as long.
#[tokio::test]
async fn what_an_account_has_lost_in_its_own_domain_does_not_count_until_a_full_reading_is_through() {
    let state = with_ann("CN=Ann,DC=example,DC=test");
    let (asked, answers) = with_account(&state, std::iter::empty());
    let server = hasty(answers);
    let session = connect::open(&server).await.ok().unwrap();
    let (mut watcher, mut ends) = watcher(server, &state);
    (watcher.state, watcher.due) = (Some(state), Some(None));
    ends.ask.send_replace(asked);
    watcher.want(&session).await.ok().unwrap();
    let (_, Update::Looked { delta, seen }) = ends.said.try_recv().unwrap() else { panic!("not looked") };
    is_in_no_group(&delta.accounts.unwrap());
    assert_eq!(seen, Steady::START, "of anything else nothing newer is known");
    assert_eq!(watcher.due, Some(None), "the reading goes on");
}

/// Many names are new as well, for which everything is read.
#[tokio::test]
async fn what_is_wanted_of_accounts_does_not_wait_for_names_that_take_a_full_reading() {
    let state = with_ann("CN=Ann,DC=example,DC=test");
    let names = (0..READ_EVERYBODY_FROM).map(|number| format!("user{number}@x.test").parse().unwrap());
    let (asked, answers) = with_account(&state, names);
    let server = hasty(answers);
    let session = connect::open(&server).await.ok().unwrap();
    let (mut watcher, mut ends) = watcher(server, &state);
    watcher.state = Some(state);
    ends.ask.send_replace(asked);
    watcher.want(&session).await.ok().unwrap();
    assert_eq!(watcher.due, Some(None));
    assert!(ends.said.try_recv().is_err(), "what is known of the others is in no doubt");
    is_in_no_group(&watcher.state.unwrap().accounts);
}
