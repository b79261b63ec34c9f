//! What a full reading was answered before the look after it.

use super::*;
use crate::directory::survey::account::Accounts;

fn user_then(sddl: &str) -> Former {
    Former::of(vec![(ann(), with(sddl))], None)
}

/// Read at another time than what is known, and with an account that is in another group by now.
fn read_anew(former: Former) -> Update {
    let mut reading = reading(HAS, 5);
    reading.accounts = [(account(), Ok(in_another_group()))].into();
    Update::Read { reading, started: at(5), run: None, entries: 1, former }
}

fn in_another_group() -> AccountReading {
    let mut token = token("S-1-5-21-1-2-3-1105");
    token.everywhere.insert("S-1-5-21-1-2-3-77".parse().unwrap());
    token
}

#[tokio::test]
async fn what_a_full_reading_was_answered_is_judged_before_what_the_look_after_it_was_answered() {
    let account_then = || Former::of(vec![], Some([(account(), Ok(token("S-1-5-21-1-2-3-9")))].into()));
    for first in [true, false] {
        let all = [(user_then(LACKS), true), (account_then(), true), (user_then(HAS), false)];
        for (former, lacked) in all {
            let mut told = if first { Told::new() } else { Told::covered().await };
            told.hears(read_anew(former)).await;
            let looks = told.passed_on();
            let shown: Vec<_> = looks.iter().filter_map(kind).collect();
            match (lacked, first) {
                (true, _) => assert_eq!(shown, [(VerdictKind::Missing, true)]),
                // The first look is at everybody.
                (false, true) => assert_eq!(shown, [(VerdictKind::Unreadable, false)]),
                (false, false) => assert!(shown.is_empty(), "{looks:?}"),
            }
            for look in looks {
                if first {
                    assert!(look.seen.is_empty() && look.accounts.is_empty(), "{look:?}");
                    assert!(look.failed.contains_key(&told.alone.name), "{look:?}");
                } else {
                    let seen = [(told.alone.name.clone(), at(1))].into();
                    assert!(look.seen == seen && look.failed.is_empty(), "the others are as they were: {look:?}");
                    let known = &look.accounts[&account()];
                    assert_eq!(known.everywhere, token("S-1-5-21-1-2-3-1105").everywhere, "as they were judged by");
                }
            }
            assert_eq!(told.judges().await, [VerdictKind::Covered]);
        }
    }
}

/// By the reading nobody else has been judged yet.
#[tokio::test]
async fn a_server_that_has_failed_stays_so_until_everybody_is_judged_by_its_new_reading() {
    let mut told = Told::covered().await;
    told.hears(failed()).await;
    assert!(told.judges().await.is_empty());
    told.passed_on();
    told.hears(read_anew(user_then(LACKS))).await;
    let looks = told.passed_on();
    let [look] = looks.as_slice() else { panic!("{looks:?}") };
    assert_eq!(kind(look), Some((VerdictKind::Missing, true)));
    assert!(look.seen.is_empty() && look.failed.contains_key(&told.alone.name), "{look:?}");
    assert_eq!(told.judges().await, [VerdictKind::Covered]);
}

#[tokio::test]
async fn what_other_servers_have_said_is_told_with_everybody_whom_it_touches() {
    let mut told = Told::covered().await;
    let other = told.awaits_another();
    assert!(told.alone.domain.hear(other.clone(), read(HAS, Former::default())).await);
    assert_eq!(told.judges().await, [VerdictKind::Covered]);
    let accounts: Accounts = [(account(), Ok(in_another_group()))].into();
    let delta = Box::new(Delta { accounts: Some(accounts), ..Delta::default() });
    assert!(told.alone.domain.hear(other.clone(), Update::Looked { seen: at(7), delta }).await);
    told.hears(read_anew(user_then(LACKS))).await;
    let looks = told.passed_on();
    let [others, lacked] = looks.as_slice() else { panic!("{looks:?}") };
    assert!(matches!(others.users, Judged::All(_)) && kind(others) == Some((VerdictKind::Covered, false)));
    assert_eq!(kind(lacked), Some((VerdictKind::Replicating, true)));
    assert_eq!(lacked.seen, [(told.alone.name.clone(), at(1)), (other, at(7))].into());
    assert_eq!((&lacked.seen, &lacked.accounts), (&others.seen, &others.accounts));
}

/// Another server shows another object under her name.
#[tokio::test]
async fn an_object_that_lacked_the_right_is_passed_on_also_where_its_name_is_that_of_several() {
    let mut told = Told::covered().await;
    let other = told.awaits_another();
    let mut elsewhere = reading(HAS, 1);
    let UserReading::Found(found) = with(HAS) else { panic!("not found") };
    let found = FoundUser { guid: Guid::from_bytes([9; 16]), ..found.as_ref().clone() };
    elsewhere.users.insert(ann(), UserReading::Found(Arc::new(found)));
    let said = Update::Read { reading: elsewhere, started: at(1), run: None, entries: 1, former: Former::default() };
    assert!(told.alone.domain.hear(other, said).await);
    assert!(told.alone.domain.judge().await);
    told.passed_on();
    told.hears(read_anew(user_then(LACKS))).await;
    let looks = told.passed_on();
    let [look] = looks.as_slice() else { panic!("{looks:?}") };
    assert_eq!(look.lacking, [(Guid::SEND_AS, account())].into());
    assert_eq!(look.users, Judged::Some(BTreeMap::new()), "who she is is not certain");
    told.hears(read_anew(user_then(HAS))).await;
    let all: Vec<_> = told.passed_on().into_iter().filter(|look| !matches!(look.users, Judged::All(_))).collect();
    assert!(all.is_empty(), "none of them lacked it: {all:?}");
}

/// He was, when the reading began.
#[tokio::test]
async fn of_whoever_is_not_asked_for_nothing_is_passed_on_by_what_was_answered_before_either() {
    let bert: DirectoryName = "bert@x.test".parse().unwrap();
    for in_part in [false, true] {
        let mut told = Told::covered().await;
        let mut reading = reading(HAS, 5);
        reading.users.insert(bert.clone(), with(HAS));
        let former = Former::of(vec![(bert.clone(), with(LACKS))], None);
        told.hears(if in_part {
            reading.in_part = Touched::All;
            Update::ReadInPart { reading, started: at(5), former }
        } else {
            Update::Read { reading, started: at(5), run: None, entries: 1, former }
        })
        .await;
        assert!(told.passed_on().is_empty());
        let Some(Ok(here)) = told.alone.domain.reading.servers.get(&told.alone.name) else { panic!("not read") };
        assert!(here.users.keys().eq([&ann()]));
    }
}
