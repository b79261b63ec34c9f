//! When what servers say counts, and what of it is judged together.

use super::*;
use crate::directory::survey::account::Accounts;
use tokio::sync::oneshot;

fn looked(sddl: &str, seen: u64) -> Update {
    Update::Looked { seen: at(seen), delta: delta(sddl) }
}

fn nothing(seen: u64) -> Update {
    Update::Looked { seen: at(seen), delta: Box::default() }
}

fn read_in_part(sddl: &str) -> Update {
    let mut reading = reading(sddl, 1);
    reading.in_part = Touched::All;
    Update::ReadInPart { reading, started: at(1), former: Former::default() }
}

fn accounts(sid: &str) -> Update {
    let accounts: Accounts = [(account(), Ok(token(sid)))].into();
    Update::Looked { seen: at(3), delta: Box::new(Delta { accounts: Some(accounts), ..Delta::default() }) }
}

#[tokio::test]
async fn whoever_lacks_a_right_is_judged_before_anything_takes_the_place_of_what_shows_it() {
    let another = "S-1-5-21-1-2-3-9";
    for (what, shows, replaces) in [
        ("by a part of a look", Update::LookedInPart(delta(LACKS)), looked(HAS, 3)),
        ("by a part of a reading", read_in_part(LACKS), looked(HAS, 3)),
        ("to a part of a look", looked(LACKS, 2), Update::LookedInPart(delta(HAS))),
        ("to a part of a reading", looked(LACKS, 2), read_in_part(HAS)),
        ("by an account", accounts(another), looked("D:(OA;;CR;;;S-1-5-21-1-2-3-9)", 3)),
        ("to an account", looked("D:(OA;;CR;;;S-1-5-21-1-2-3-9)", 2), accounts(another)),
    ] {
        let mut told = Told::covered().await;
        told.hears(shows).await;
        assert!(told.passed_on().is_empty(), "{what}");
        told.hears(replaces).await;
        let looks = told.passed_on();
        let [look] = looks.as_slice() else { panic!("{what}: {looks:?}") };
        assert_eq!(kind(look), Some((VerdictKind::Missing, true)), "{what}");
        let now: Vec<_> = told.judges().await;
        assert!(!now.contains(&VerdictKind::Missing), "{what}: {now:?}");
    }
}

/// Judging takes longer than hearing: servers of which much changes would never be done.
#[tokio::test]
async fn what_takes_nobodys_place_is_judged_together() {
    let mut told = Told::covered().await;
    let bert: DirectoryName = "bert@x.test".parse().unwrap();
    told.alone.domain.reading.asked.insert(bert.clone());
    told.hears(looked(LACKS, 2)).await;
    let users = vec![(bert.clone(), with(LACKS))];
    told.hears(Update::Looked { seen: at(3), delta: Box::new(Delta { users, ..Delta::default() }) }).await;
    let containers = [("DC=example,DC=test".into(), DescriptorReading::NotShown)].into();
    let holder = Some(DescriptorReading::NotShown);
    told.hears(Update::LookedInPart(Box::new(Delta { containers, holder, ..Delta::default() }))).await;
    assert!(told.passed_on().is_empty());
    assert!(told.alone.domain.judge().await);
    let looks = told.passed_on();
    let [Look { users: Judged::Some(users), .. }] = looks.as_slice() else { panic!("{looks:?}") };
    assert!(users.keys().eq([&ann(), &bert]), "{users:?}");
}

/// What is wanted is taken over before the first look at it, and is as old as the look before it failed.
#[tokio::test]
async fn a_server_that_is_back_gives_no_evidence_before_a_look_is_through() {
    let mut told = Told::covered().await;
    told.hears(failed()).await;
    assert!(told.alone.domain.judge().await);
    told.passed_on();
    told.hears(looked(HAS, 1)).await;
    assert!(told.alone.domain.judge().await);
    let looks = told.passed_on();
    let [look] = looks.as_slice() else { panic!("{looks:?}") };
    assert_eq!(kind(look), Some((VerdictKind::Unreadable, false)));
    assert!(look.seen.is_empty() && look.failed.contains_key(&told.alone.name), "{look:?}");
    told.hears(nothing(9)).await;
    assert_eq!(told.judges().await, [VerdictKind::Covered]);
}

#[tokio::test]
async fn a_server_whose_reading_was_in_part_is_awaited_until_a_look_is_through_and_no_longer() {
    let mut told = Told::new();
    told.hears(read_in_part(HAS)).await;
    assert!(told.judges().await.is_empty(), "it may be whole in a moment");
    // What is wanted was taken over.
    told.hears(nothing(1)).await;
    assert!(told.judges().await.is_empty());
    told.hears(nothing(2)).await;
    assert_eq!(told.judges().await, [VerdictKind::Covered]);
    assert_eq!(told.alone.domain.reading.started, at(1), "nothing of it was read before");
    told.hears(looked(LACKS, 3)).await;
    assert_eq!(told.judges().await, [VerdictKind::Missing]);
}

impl Told {
    /// The domain's task, with a server that may say something and somebody who may ask something.
    fn runs(mut self) -> Task {
        let (requests, received) = mpsc::channel(1);
        let (updates, heard) = mpsc::channel(UPDATES);
        (self.alone.domain.requests, self.alone.domain.updates) = (received, heard);
        let Alone { domain, name, wanted, .. } = self.alone;
        Task { domain: Some(domain), name, wanted, requests, updates, looks: self.looks }
    }
}

struct Task {
    domain: Option<Domain>,
    name: DirectoryServerName,
    wanted: watch::Sender<Arc<Wanted>>,
    requests: mpsc::Sender<Request>,
    updates: mpsc::Sender<(DirectoryServerName, Update)>,
    looks: Arc<Mutex<Vec<Look>>>,
}

/// He may be wanted again in a moment, and have the right by then.
#[tokio::test]
async fn whoever_is_not_wanted_any_more_is_judged_by_what_was_said_before() {
    let mut told = Told::new();
    told.awaits_another();
    told.hears(read(LACKS, Former::default())).await;
    let mut running = told.runs();
    let task = tokio::spawn(running.domain.take().unwrap().run());
    tokio::task::yield_now().await;
    assert!(running.looks.lock().unwrap().is_empty(), "the other server is awaited");
    let before = running.wanted.borrow().as_ref().clone();
    running.wanted.send_replace(Arc::new(Wanted { asked: Arc::default(), ..before }));
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let looks = running.looks.lock().unwrap();
    let [look] = looks.as_slice() else { panic!("{looks:?}") };
    assert_eq!(kind(look), Some((VerdictKind::Unreadable, true)));
    task.abort();
}

/// Both are there at once, and which of them is taken first is left to chance.
#[tokio::test]
async fn whoever_is_not_wanted_any_more_is_judged_by_what_waits_to_be_heard() {
    for _ in 0..20 {
        let mut running = Told::covered().await.runs();
        let before = running.wanted.borrow().as_ref().clone();
        running.updates.try_send((running.name.clone(), looked(LACKS, 2))).unwrap();
        running.wanted.send_replace(Arc::new(Wanted { asked: Arc::default(), ..before }));
        let task = tokio::spawn(running.domain.take().unwrap().run());
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        task.abort();
        let looks = running.looks.lock().unwrap();
        assert!(looks.iter().any(|look| kind(look) == Some((VerdictKind::Missing, true))), "{looks:?}");
    }
}

/// With each look that is passed on there is something new.
#[tokio::test]
async fn whoever_asks_something_is_answered_also_where_what_servers_say_does_not_end() {
    let mut running = Told::covered().await.runs();
    let mut domain = running.domain.take().unwrap();
    let (updates, name) = (running.updates.clone(), running.name.clone());
    let says = Arc::new(move || {
        for sddl in [LACKS, HAS] {
            let _ = updates.try_send((name.clone(), looked(sddl, 2)));
        }
    });
    let again = Arc::clone(&says);
    domain.looks = Arc::new(move |_| {
        again();
        Box::pin(async {
            tokio::task::yield_now().await;
            true
        })
    });
    says();
    let task = tokio::spawn(domain.run());
    let (reply, answer) = oneshot::channel();
    tokio::time::sleep(Duration::from_millis(50)).await;
    running.requests.send(Request::Explain(vec![ann()], reply)).await.unwrap();
    let answered = tokio::time::timeout(Duration::from_secs(5), answer).await;
    task.abort();
    assert_eq!(answered.expect("nobody was answered").unwrap().len(), 1);
}
