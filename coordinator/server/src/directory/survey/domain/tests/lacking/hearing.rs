//! When what servers say counts.

use super::*;

fn looked(sddl: &str, seen: u64) -> Update {
    Update::Looked { seen: at(seen), delta: delta(sddl) }
}

fn nothing(seen: u64) -> Update {
    Update::Looked { seen: at(seen), delta: Box::default() }
}

fn read_in_part(sddl: &str) -> Update {
    let mut reading = reading(sddl, 1);
    reading.in_part = Touched::All;
    Update::ReadInPart { reading, former: Former::default() }
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
    told.hears(looked(LACKS, 3)).await;
    assert_eq!(told.judges().await, [VerdictKind::Missing]);
}
