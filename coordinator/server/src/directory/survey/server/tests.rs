//! One server's task, step by step.

use super::super::super::fake::{Answer, BIND, bound, hasty, result};
use super::super::changes::tests::{HEAD, change, highest, user_entry, with_ann};
use super::super::state::Flow;
use super::*;
use sendgate_core::coverage::reading::UserReading;
use sendgate_core::names::{DirectoryServerName, Dn};
use tokio::sync::{mpsc, watch};

/// What holds the other ends of a server's task.
struct Ends {
    said: mpsc::Receiver<(DirectoryServerName, Update)>,
    _ask: watch::Sender<Asked>,
    _order: mpsc::Sender<Order>,
}

/// A server's task for what `state` asks for, and what it says.
fn watcher(server: DirectoryServer, state: &State) -> (Watcher, Ends) {
    let (ask, asked) = watch::channel(state.asked.clone());
    let (updates, said) = mpsc::channel(8);
    let (order, orders) = mpsc::channel(1);
    let now = Arc::new(|| Steady::after_start(Duration::from_secs(77)));
    let link = Link { domain: "example.test".parse().unwrap(), asked, orders, updates, now };
    (Watcher::new(server, link, 1), Ends { said, _ask: ask, _order: order })
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
async fn a_full_reading_after_which_only_a_further_one_tells_is_not_passed_on() {
    let read = with_ann("CN=Ann,DC=example,DC=test");
    let server = hasty(vec![bound(), highest("99")]);
    let session = connect::open(&server).await.ok().unwrap();
    let (mut watcher, mut ends) = watcher(server, &read);
    let order = Order { run: 3, started: Steady::START };
    watcher.due = Some(Some(order));
    let reading = reading(&watcher.server.name);
    watcher.through(&session, Ok(Ok(read)), &reading).await.ok().unwrap();
    assert_eq!(watcher.due, Some(Some(order)), "it is read once more, for whoever asked for it");
    assert!(watcher.state.is_none() && ends.said.try_recv().is_err());
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

/// On every server again and again, it would lock the account out.
#[tokio::test]
async fn an_account_that_is_refused_is_left_alone_for_minutes() {
    let server = hasty(vec![Answer::Say(vec![result(BIND, 49, "data 52e")])]);
    let state = with_ann("CN=Ann,DC=example,DC=test");
    let (watcher, mut ends) = watcher(server, &state);
    let running = Owned(tokio::spawn(watcher.run()));
    let (_, Update::Failed { why, kept }) = ends.said.recv().await.unwrap() else { panic!("not failed") };
    assert!(why.contains("refused the bind as sendgate@example.test: the name or the password is wrong"), "{why}");
    let next = "; it is tried again in 15m 0s, so that the account is not locked out; once it is mended, `sendgate \
                survey run example.test` tries at once";
    assert!(why.ends_with(next) && !kept, "{why}");
    drop(running);
}

#[tokio::test]
async fn only_a_refused_account_is_left_alone() {
    let state = with_ann("CN=Ann,DC=example,DC=test");
    let (mut watcher, _ends) = watcher(hasty(vec![]), &state);
    let shown = || "dc".to_owned();
    let kerberos = |why: &str| DirectoryError::Kerberos {
        server: shown(),
        principal: "p".to_owned(),
        why: why.to_owned(),
        remedy: "mend it",
    };
    let refused = || DirectoryError::BindRefused { server: shown(), name: "n".to_owned(), why: "w".to_owned() };
    let beside = DirectoryError::Beside { number: 2, error: Box::new(refused()) };
    let refusals = ["Preauthentication failed", "Password incorrect", "Client's credentials have been revoked"];
    for error in refusals.map(kerberos).into_iter().chain([refused(), beside]) {
        let End::Failed { why, refused } = End::from(error) else { panic!("over") };
        assert_eq!(watcher.failed(why, refused).1, Duration::from_secs(900));
    }
    let unreachable = DirectoryError::Unreachable { server: shown(), why: "no route".to_owned() };
    for error in [kerberos("Cannot contact any KDC for realm"), unreachable] {
        let (text, End::Failed { why, refused }) = (error.to_string(), End::from(error)) else { panic!("over") };
        let (why, pause) = watcher.failed(why, refused);
        assert!(why == text && pause <= LONGEST_PAUSE, "{why}: {pause:?}");
    }
}
