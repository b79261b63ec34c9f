//! `journal verify`: the chain of digests, computed here from what the coordinator sends; its word is not taken.

use super::journal::hexadecimal;
use crate::connection::Client;
use crate::errors::{Exit, Failure};
use crate::output::{self, Form};
use sendgate_proto::v1::JournalRecord;
use serde_json::json;
use sha2::{Digest, Sha256};

/// What follows the record before it, walked from the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chain {
    records: u64,
    head: [u8; 32],
}

/// The first record that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the journal is broken at record {sequence}: {fault}; stop the coordinator, keep a copy of its state directory, \
     and compare with a backup"
)]
pub(crate) struct Broken {
    /// Its number, as it should be.
    sequence: u64,
    fault: Fault,
}

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Fault {
    /// Another number.
    #[error("record {0} came in its place")]
    Number(u64),
    /// Another predecessor.
    #[error("it names another record before it than the one that came")]
    Previous,
    /// Another content.
    #[error("its content does not give its digest")]
    Content,
    /// Not even a first record, though every coordinator writes one when it starts.
    #[error("it is missing, and so is the whole journal")]
    Empty,
}

impl Chain {
    /// Before the first record.
    const START: Self = Self { records: 0, head: [0; 32] };

    /// The chain with one record more.
    fn follow(self, record: &JournalRecord) -> Result<Self, Broken> {
        let sequence = self.records.saturating_add(1);
        let broken = |fault| Err(Broken { sequence, fault });
        if record.sequence != sequence {
            return broken(Fault::Number(record.sequence));
        }
        if record.previous != self.head {
            return broken(Fault::Previous);
        }
        let digest = Sha256::new()
            .chain_update(&record.previous)
            .chain_update(record.sequence.to_be_bytes())
            .chain_update(&record.payload)
            .finalize();
        let head: [u8; 32] = digest.into();
        if record.digest != head {
            return broken(Fault::Content);
        }
        Ok(Self { records: sequence, head })
    }
}

/// Fetches all records and follows the chain.
pub(crate) async fn run(client: &Client, form: Form) -> Result<Exit, Failure> {
    let mut records = client.journal(1).await?;
    let mut chain = Chain::START;
    while let Some(record) = client.next(&mut records).await? {
        chain = chain.follow(&record)?;
    }
    if chain == Chain::START {
        return Err(Broken { sequence: 1, fault: Fault::Empty }.into());
    }
    let head = hexadecimal(&chain.head);
    match form {
        Form::Json => output::json(&json!({ "records": chain.records, "head": head }))?,
        Form::Table => {
            output::text(&format!("good: {} records, each follows the one before it\nhead: {head}", chain.records))?
        }
    }
    Ok(Exit::Good)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(count: u64) -> Vec<JournalRecord> {
        let mut previous = vec![0; 32];
        (1..=count)
            .map(|sequence| {
                let payload = format!("{{\"n\":{sequence}}}").into_bytes();
                let all = [previous.as_slice(), &sequence.to_be_bytes(), &payload].concat();
                let digest = Sha256::digest(&all).to_vec();
                JournalRecord { sequence, previous: std::mem::replace(&mut previous, digest.clone()), digest, payload }
            })
            .collect()
    }

    fn walk(records: &[JournalRecord]) -> Result<Chain, Broken> {
        records.iter().try_fold(Chain::START, Chain::follow)
    }

    #[test]
    fn a_whole_journal_is_good() {
        let chain = walk(&records(5)).unwrap();
        assert_eq!((chain.records, chain.head.to_vec()), (5, records(5)[4].digest.clone()));
    }

    #[test]
    fn the_first_bad_record_is_named_with_its_fault_and_what_to_do() {
        let broken = |records: &[JournalRecord], sequence, fault, told: &str| {
            let broken = walk(records).unwrap_err();
            assert_eq!(broken, Broken { sequence, fault });
            let remedy = "stop the coordinator, keep a copy of its state directory, and compare with a backup";
            let expected = format!("the journal is broken at record {sequence}: {told}; {remedy}");
            assert_eq!(broken.to_string(), expected);
        };
        let mut changed = records(5);
        changed[2].payload[1] ^= 1;
        broken(&changed, 3, Fault::Content, "its content does not give its digest");

        let mut gap = records(5);
        gap.remove(1);
        broken(&gap, 2, Fault::Number(3), "record 3 came in its place");

        let mut forged = records(5);
        let content = [[7; 32].as_slice(), &4u64.to_be_bytes(), &forged[3].payload].concat();
        (forged[3].previous, forged[3].digest) = (vec![7; 32], Sha256::digest(&content).to_vec());
        broken(&forged, 4, Fault::Previous, "it names another record before it than the one that came");
    }
}
