//! What every form of the journal must do, as one suite that is generic over the form.

use super::chain::{self, BadRecord, Fault};
use super::*;

/// A place where a journal can be made, opened again and tampered with.
pub(super) trait Bench {
    type Form: Journal;
    fn new() -> Self;
    fn journal(&self) -> &Self::Form;
    /// Changes the stored records behind the journal's back.
    fn tamper(&self, change: impl FnOnce(&mut Vec<Record>));
}

fn number(number: u64) -> Sequence {
    Sequence::new(number).unwrap()
}

fn three<B: Bench>() -> (B, Vec<Record>) {
    let bench = B::new();
    let records = [&b"one"[..], b"", b"three"].map(|payload| {
        let journal = bench.journal();
        journal.append(journal.next(), payload).unwrap()
    });
    (bench, records.to_vec())
}

fn first_bad<B: Bench>(bench: &B) -> BadRecord {
    match bench.journal().verify() {
        Err(ReadError::Damaged(bad)) => bad,
        other => panic!("tampering was not seen: {other:?}"),
    }
}

pub(super) fn an_empty_journal_has_no_head_and_verifies<B: Bench>() {
    let bench = B::new();
    let journal = bench.journal();
    assert_eq!(journal.head(), None);
    assert_eq!(journal.next(), Sequence::FIRST);
    assert_eq!(journal.read(Sequence::FIRST, 10).unwrap(), []);
    assert_eq!(journal.verify().unwrap(), Verified { records: 0, head: None });
}

pub(super) fn records_are_numbered_from_one_and_chained<B: Bench>() {
    let (bench, records) = three::<B>();
    assert_eq!(records.iter().map(|record| record.sequence.get()).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(records[0].previous, Digest::NONE);
    assert_eq!(records[1].previous, records[0].digest);
    assert_eq!(records[2].previous, records[1].digest);
    // Taken over 32 zero bytes, 0000000000000001 and "one" by sha256sum.
    assert_eq!(records[0].digest.to_string(), FIRST_DIGEST);
    let head = Head { sequence: number(3), digest: records[2].digest };
    assert_eq!(bench.journal().head(), Some(head));
    assert_eq!(bench.journal().verify().unwrap(), Verified { records: 3, head: Some(head) });
}

const FIRST_DIGEST: &str = "06d248ca9388b1c076a3058094c374a5dd73cac9378225829e5b316364570a50";

pub(super) fn reading_begins_where_asked_and_ends_at_the_limit<B: Bench>() {
    let (bench, records) = three::<B>();
    let journal = bench.journal();
    assert_eq!(journal.read(Sequence::FIRST, 2).unwrap(), records[..2]);
    assert_eq!(journal.read(number(2), 10).unwrap(), records[1..]);
    assert_eq!(journal.read(number(4), 10).unwrap(), []);
    assert_eq!(journal.read(number(u64::MAX), 10).unwrap(), []);
    assert_eq!(journal.read(number(1), 0).unwrap(), []);
}

pub(super) fn whoever_expects_another_number_loses<B: Bench>() {
    let (bench, records) = three::<B>();
    for wrong in [1, 3, 5] {
        let error = bench.journal().append(number(wrong), b"late").unwrap_err();
        assert!(matches!(error, AppendError::Conflict { expected, actual }
            if expected == number(wrong) && actual == number(4)));
        assert_eq!(
            error.to_string(),
            format!(
                "record {wrong} was not appended to the journal: the next record is 4; \
                 read the new records and decide again"
            )
        );
    }
    assert_eq!(bench.journal().read(Sequence::FIRST, 10).unwrap(), records);
}

pub(super) fn of_many_who_expect_the_same_number_one_wins<B: Bench>()
where
    B::Form: Sync,
{
    let (bench, _) = three::<B>();
    let journal = bench.journal();
    let won = std::thread::scope(|scope| {
        let racers: Vec<_> =
            (0..8u8).map(|racer| scope.spawn(move || journal.append(number(4), &[racer]).is_ok())).collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).filter(|won| *won).count()
    });
    assert_eq!(won, 1);
    assert_eq!(journal.verify().unwrap().records, 4);
}

pub(super) fn a_payload_above_the_limit_is_refused<B: Bench>() {
    let bench = B::new();
    let journal = bench.journal();
    let error = journal.append(Sequence::FIRST, &vec![0; MAX_PAYLOAD + 1]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a record of 100001 bytes was not appended to the journal: the limit is 100000 bytes; \
         split it into several records"
    );
    assert_eq!(journal.head(), None);
    journal.append(Sequence::FIRST, &vec![7; MAX_PAYLOAD]).unwrap();
    assert_eq!(journal.read(Sequence::FIRST, 1).unwrap()[0].payload, vec![7; MAX_PAYLOAD]);
}

pub(super) fn changed_content_is_found_and_named<B: Bench>() {
    let (bench, _) = three::<B>();
    bench.tamper(|records| records[1].payload = b"forged".to_vec());
    let bad = first_bad(&bench);
    assert_eq!(bad.to_string(), "record 2 is not what was written: its content does not give its digest");
    let error = bench.journal().read(number(2), 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the journal is damaged: record 2 is not what was written: its content does not give its digest; \
         restore the state directory from its backup"
    );
}

pub(super) fn a_forged_record_with_a_right_digest_breaks_the_next_one<B: Bench>() {
    let (bench, _) = three::<B>();
    bench.tamper(|records| {
        let forged = &mut records[1];
        forged.payload = b"forged".to_vec();
        forged.digest = chain::digest(&forged.previous, forged.sequence, &forged.payload);
    });
    let bad = first_bad(&bench);
    assert_eq!(bad, BadRecord { sequence: number(3), fault: Fault::Predecessor });
    assert_eq!(bad.to_string(), "record 3 does not follow the record before it: the digest that it names is another");
}

pub(super) fn a_removed_record_is_found_and_named<B: Bench>() {
    let (bench, _) = three::<B>();
    bench.tamper(|records| {
        records.remove(1);
    });
    assert_eq!(first_bad(&bench).to_string(), "record 2 is missing");
    assert!(bench.journal().read(Sequence::FIRST, 10).is_err(), "a gap must not be read over");
}

macro_rules! suite {
    ($bench:ty) => {
        $crate::journal::contract::suite!($bench:
            an_empty_journal_has_no_head_and_verifies,
            records_are_numbered_from_one_and_chained,
            reading_begins_where_asked_and_ends_at_the_limit,
            whoever_expects_another_number_loses,
            of_many_who_expect_the_same_number_one_wins,
            a_payload_above_the_limit_is_refused,
            changed_content_is_found_and_named,
            a_forged_record_with_a_right_digest_breaks_the_next_one,
            a_removed_record_is_found_and_named,
        );
    };
    ($bench:ty: $($test:ident,)+) => {
        $(
            #[test]
            fn $test() {
                $crate::journal::contract::$test::<$bench>();
            }
        )+
    };
}
pub(super) use suite;
