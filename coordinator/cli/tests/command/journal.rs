//! The journal of a coordinator, shown and verified.

use crate::support::{Canned, Coordinator};
use sendgate_proto::v1::JournalRecord;
use sha2::{Digest, Sha256};

fn journal(count: u64) -> Vec<JournalRecord> {
    let mut previous = vec![0; 32];
    let record = |sequence: u64| {
        let payload = format!(
            r#"{{"at":{{"wall":"2026-11-24T22:00:0{sequence}Z","steady":0}},"entry":{{"entry":"permitted","intent":{sequence}}}}}"#
        );
        let all = [previous.as_slice(), &sequence.to_be_bytes(), payload.as_bytes()].concat();
        let digest = Sha256::digest(&all).to_vec();
        let record = JournalRecord {
            sequence,
            previous: previous.clone(),
            digest: digest.clone(),
            payload: payload.into_bytes(),
        };
        previous = digest;
        record
    };
    (1..=count).map(record).collect()
}

#[test]
fn the_journal_is_shown_and_verified() {
    let records = journal(4);
    let head: String = records[3].digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let coordinator = Coordinator::start(Canned { records, ..Canned::default() });
    let shown = coordinator.run(&["journal", "show", "--from", "3"]);
    assert_eq!(
        shown.out,
        "     3  2026-11-24T22:00:03Z  permitted  intent 3 has its permit\n     4  2026-11-24T22:00:04Z  permitted  intent 4 has its permit\n"
    );
    let lines = coordinator.run(&["journal", "show", "--output", "json"]).out;
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!((lines.lines().count(), &first["payload"]["entry"]["intent"]), (4, &1.into()));
    let verified = coordinator.run(&["journal", "verify"]);
    assert_eq!((verified.code, verified.err.as_str()), (Some(0), ""));
    assert_eq!(verified.out, format!("good: 4 records, each follows the one before it\nhead: {head}\n"));
}

#[test]
fn the_first_bad_record_of_a_journal_is_named() {
    let mut records = journal(4);
    records[2].payload[10] ^= 1;
    let ran = Coordinator::start(Canned { records, ..Canned::default() }).run(&["journal", "verify"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    assert!(
        ran.err.starts_with("sendgate: the journal is broken at record 3: its content does not give its digest;"),
        "{}",
        ran.err
    );

    let ran = Coordinator::start(Canned::default()).run(&["journal", "verify"]);
    assert_eq!(ran.code, Some(1), "an empty journal is no good journal");
    assert_eq!(
        ran.err,
        "sendgate: the journal is broken at record 1: it is missing, and so is the whole journal; stop the coordinator, keep a \
         copy of its state directory, and compare with a backup\n"
    );
}
