//! Units above users: another name, another unit of the same name, and what such a change brings the users below.

use super::super::super::state::Flow;
use super::*;

const SALES: &str = "OU=Sales,DC=example,DC=test";
const ANN: &str = "CN=Ann,OU=Sales,DC=example,DC=test";

/// Ann stands in a unit that has been read, or was not shown when that was tried.
fn in_sales(unit: Option<u8>) -> State {
    let mut state = with_ann(ANN);
    let sales = Dn::from(SALES);
    state.containers.put(&sales, DescriptorReading::NotShown);
    if let Some(guid) = unit {
        state.containers.known(&sales, Guid::from_bytes([guid; 16]));
    }
    state.delta();
    state
}

async fn unclear(changed: Vec<u8>, state: &mut State) -> &'static str {
    match looked(&hasty(vec![bound(), highest("101"), Answer::Page(vec![changed])]), state).await.unwrap() {
        Looked::Unclear(why) => why,
        known @ Looked::Known(_) => panic!("{known:?}"),
    }
}

fn flowing(state: &State) -> Vec<&str> {
    state.flowing.iter().filter(|(_, flow)| flow.due <= Instant::now()).map(|(dn, _)| dn.as_str()).collect()
}

/// Servers bring the users below what they inherit at the new place later, and show no change of theirs.
#[tokio::test]
async fn what_a_moved_unit_brings_its_users_is_on_its_way() {
    for moved in ["OU=Sales,OU=Closed,DC=example,DC=test", "OU=Sold,DC=example,DC=test"] {
        let mut state = in_sales(Some(9));
        let why = unclear(container_entry(moved, 9), &mut state).await;
        assert_eq!(why, "a unit above users was renamed, moved or deleted");
        assert_eq!(flowing(&state), [moved]);
    }
}

#[tokio::test]
async fn a_deleted_unit_brings_nobody_anything() {
    let mut state = in_sales(Some(9));
    let gone = "OU=Sales\\0ADEL:1,CN=Deleted Objects,DC=example,DC=test";
    let deleted = entry_of(gone, &[("objectGUID", vec![9; 16]), ("isDeleted", b"TRUE".to_vec())]);
    assert_eq!(unclear(deleted, &mut state).await, "a unit above users was renamed, moved or deleted");
    assert!(state.flowing.is_empty());
}

/// By its name alone it would be the unit of before, which nothing is heard of any more.
#[tokio::test]
async fn a_unit_that_was_made_again_or_was_not_shown_before_is_another_one() {
    for (unit, before) in [(Some(9), "another one"), (None, "not shown")] {
        let mut state = in_sales(unit);
        let why = unclear(container_entry(SALES, 8), &mut state).await;
        assert_eq!(why, "a unit above users was made again, or was not shown before", "{before}");
        assert_eq!(flowing(&state), [SALES], "{before}");
        assert_eq!(state.usn, 100, "{before}: it is looked at until everything has been read again");
    }
}

/// It may have been another unit's for a moment, and the users below it are known by the names that they had there.
#[tokio::test]
async fn what_was_unclear_is_so_until_everything_has_been_read_again() {
    let back = |mut state: State| async move {
        let sales = Answer::Page(vec![container_entry(SALES, 9)]);
        let looked = looked(&hasty(vec![bound(), highest("102"), sales, nobody()]), &mut state).await.unwrap();
        (looked, state.seen)
    };
    let mut moved = in_sales(Some(9));
    let why = unclear(container_entry("OU=Sold,DC=example,DC=test", 9), &mut moved).await;
    let (looked_again, seen) = back(moved).await;
    assert!(matches!(looked_again, Looked::Unclear(again) if again == why), "{looked_again:?}");
    assert_eq!(seen, Steady::START, "nothing newer is known");
    let mut restored = in_sales(Some(9));
    looked(&hasty(vec![bound(), highest("99")]), &mut restored).await.unwrap();
    let (looked_again, seen) = back(restored).await;
    assert!(matches!(looked_again, Looked::Unclear(_)), "{looked_again:?}");
    assert_eq!(seen, Steady::START, "nothing newer is known");
}

/// A deny on a unit, and a user who goes elsewhere: the gate stays as the look finds it.
#[tokio::test]
async fn neither_another_list_of_a_unit_nor_a_user_who_is_moved_takes_a_full_reading() {
    let below = || {
        let (sales, head) = (container_entry(SALES, 9), container_entry(HEAD, 1));
        vec![object(SALES, "objectGUID", &[9; 16]), Answer::Page(vec![]), Answer::Page(vec![sales, head])]
    };
    let present = Answer::Page(vec![user_entry(ANN, "90")]);
    let listed = [change(vec![container_entry(SALES, 9)]), below(), vec![present]].concat();
    let moved = "CN=Ann,DC=example,DC=test";
    let head = || Answer::Page(vec![container_entry(HEAD, 1)]);
    let again = vec![object(HEAD, "objectGUID", &[1; 16]), Answer::Page(vec![user_entry(moved, "101")]), head()];
    let goes = [change(vec![user_entry(moved, "101")]), super::protection(moved), again].concat();
    for answers in [listed, goes] {
        let mut state = in_sales(Some(9));
        let looked = looked(&hasty(answers), &mut state).await.unwrap();
        assert!(matches!(looked, Looked::Known(_)), "{looked:?}");
        assert_eq!(state.seen, Steady::after_start(Duration::from_secs(9)));
    }
}

/// What is read again below a changed unit shows which units are there now.
#[tokio::test]
async fn a_unit_that_comes_into_sight_below_a_changed_one_is_known_from_then_on() {
    let mut state = in_sales(None);
    let now = Instant::now();
    state.flowing.insert(Dn::from(HEAD), Flow { since: now, due: now, pause: FIRST_PAUSE });
    let ann = entry_of(
        ANN,
        &[
            ("objectGUID", ann_guid().to_bytes().to_vec()),
            ("nTSecurityDescriptor", descriptor()),
            ("uSNChanged", b"90".to_vec()),
        ],
    );
    let units = Answer::Page(vec![container_entry(HEAD, 1), container_entry(SALES, 8)]);
    let below = vec![object(HEAD, "objectGUID", &[1; 16]), Answer::Page(vec![ann]), units];
    let answers = [vec![bound(), highest("100")], below].concat();
    let looked = looked(&hasty(answers), &mut state).await.unwrap();
    assert!(matches!(looked, Looked::Known(_)), "{looked:?}");
    assert_eq!(state.containers.place(Guid::from_bytes([8; 16])), Some(&Dn::from(SALES)));
}

#[tokio::test]
async fn a_containers_change_is_followed_beyond_a_full_reading_and_not_for_ever() {
    let (mut before, mut after) = (with_nobody(), with_nobody());
    let now = Instant::now();
    let flow = Flow { since: now, due: now, pause: Duration::from_secs(64) };
    for dn in [HEAD, "OU=Gone,DC=example,DC=test"] {
        before.flowing.insert(Dn::from(dn), flow);
    }
    after.follow_on(&before.flowing);
    assert_eq!(after.flowing, [(Dn::from(HEAD), flow)].into());
    let long_ago = Flow { since: now - UNDER_WAY, ..flow };
    after.flowing.insert(Dn::from(HEAD), long_ago);
    let head = Answer::Page(vec![container_entry(HEAD, 1)]);
    let below = vec![object(HEAD, "objectGUID", &[1; 16]), Answer::Page(vec![]), head];
    let looked = looked(&hasty([vec![bound(), highest("100")], below].concat()), &mut after).await.unwrap();
    assert!(matches!(looked, Looked::Known(_)) && after.flowing.is_empty(), "{looked:?}");
}

/// Numbers go on only on the same database of the same server, and one that shows neither may be any.
#[test]
fn a_server_that_does_not_tell_its_database_may_have_another_one() {
    let (other, elsewhere) = (Guid::from_bytes([6; 16]), Dn::from("CN=NTDS Settings,CN=DC2"));
    let mut state = with_nobody();
    let (own, service) = (state.invocation, state.service.clone());
    assert!(state.is_of(own, service.as_ref()));
    assert!(!state.is_of(Some(other), service.as_ref()), "it was restored");
    assert!(!state.is_of(own, Some(&elsewhere)), "another server answers to the name");
    state.invocation = None;
    assert!(!state.is_of(None, service.as_ref()), "it was not shown before, and is not now");
}
