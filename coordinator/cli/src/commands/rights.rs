//! `rights --batch`: questions come line by line and are answered one by one, so any number of them needs no memory.

use crate::errors::{Exit, Failure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sendgate_core::secdesc::batch::{Question, QuestionError, judge};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

/// The longest line, in bytes: a descriptor has 64 KB at most (MS-DTYP 2.4.5, AclSize), its SDDL some 20 times that; and room.
const LONGEST_LINE: u64 = 4 * 1024 * 1024;

/// Why a batch could not be answered to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RightsError {
    /// The file cannot be opened.
    #[error("batch {file} cannot be read: {why}; name a file of JSON lines, or - for standard input")]
    Open {
        /// Which.
        file: String,
        /// Why.
        why: io::Error,
    },
    /// Reading stopped.
    #[error("batch {file} line {line} cannot be read: {why}")]
    Read {
        /// Which.
        file: String,
        /// From 1.
        line: u64,
        /// Why.
        why: io::Error,
    },
    /// The line is too long.
    #[error("batch {file} line {line} is longer than {LONGEST_LINE} bytes: each line is one question")]
    TooLong {
        /// Which.
        file: String,
        /// From 1.
        line: u64,
    },
    /// The line is no question.
    #[error(
        "batch {file} line {line} is no question: {why}; each line is a JSON object with \"sd\" or \"sddl\", \"token\", \"self\" and \"right\""
    )]
    Shape {
        /// Which.
        file: String,
        /// From 1.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// A part of the question cannot be read.
    #[error("batch {file} line {line}: {why}")]
    Question {
        /// Which.
        file: String,
        /// From 1.
        line: u64,
        /// Which part, and what is wrong with it.
        why: QuestionError,
    },
}

/// Answers a file's questions, or standard input's.
pub(crate) fn run(batch: &Path) -> Result<Exit, Failure> {
    let out = BufWriter::new(io::stdout().lock());
    if batch == Path::new("-") {
        answer("-", io::stdin().lock(), out)?;
    } else {
        let file = batch.display().to_string();
        let input = File::open(batch).map_err(|why| RightsError::Open { file: file.clone(), why })?;
        answer(&file, BufReader::new(input), out)?;
    }
    Ok(Exit::Good)
}

/// Answers until the input ends or a line is bad; what was answered before it is written out.
fn answer(file: &str, mut input: impl BufRead, mut out: impl Write) -> Result<(), Failure> {
    let mut line = Vec::new();
    let mut number = 0u64;
    loop {
        line.clear();
        number += 1;
        match one(file, number, &mut input, &mut line) {
            Ok(Some(answer)) => {
                serde_json::to_writer(&mut out, &answer).map_err(io::Error::from)?;
                out.write_all(b"\n")?;
            }
            Ok(None) => return Ok(out.flush()?),
            Err(error) => {
                out.flush()?;
                return Err(error.into());
            }
        }
    }
}

fn one(
    file: &str,
    line: u64,
    input: &mut impl BufRead,
    buffer: &mut Vec<u8>,
) -> Result<Option<sendgate_core::secdesc::batch::Answer>, RightsError> {
    let file = || file.to_owned();
    input.take(LONGEST_LINE).read_until(b'\n', buffer).map_err(|why| RightsError::Read { file: file(), line, why })?;
    if buffer.is_empty() {
        return Ok(None);
    }
    if buffer.len() as u64 == LONGEST_LINE && !buffer.ends_with(b"\n") {
        return Err(RightsError::TooLong { file: file(), line });
    }
    let question: Question = serde_json::from_slice(buffer).map_err(|error| {
        let why = if buffer.trim_ascii().is_empty() { "it is empty".to_owned() } else { error.to_string() };
        RightsError::Shape { file: file(), line, why }
    })?;
    let decode = |text: &str| STANDARD.decode(text).map_err(|error| error.to_string());
    judge(&question, decode).map(Some).map_err(|why| RightsError::Question { file: file(), line, why })
}
