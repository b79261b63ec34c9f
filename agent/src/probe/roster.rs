//! The roster of a GoodLink server, from a CSV file with the header `name,directory_name,server`.

mod file;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use sendgate_proto::v1;
use sha2::{Digest, Sha256};

pub(super) use file::RosterFile;

/// The header, and so the columns.
const COLUMNS: [&str; 3] = ["name", "directory_name", "server"];
/// No larger roster is read: a million users have less.
const MAX_ROSTER_BYTES: u64 = 256 * 1024 * 1024;
/// The longest field, in bytes: a distinguished name with room to spare.
const MAX_FIELD_BYTES: usize = 4096;
/// How many users travel in one message, well below the 4 MB that a message may have.
const USERS_PER_PART: usize = 500;

/// One user, as the file says it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RosterUser {
    /// As GoodLink names the user in its log.
    pub name: String,
    /// How the directory knows the user.
    pub directory_name: String,
    /// The Exchange server as GoodLink believes it; may be empty.
    pub server: String,
}

/// A roster: users sorted by name, each name once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    users: Vec<RosterUser>,
    sha256: [u8; 32],
}

/// Why a roster could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RosterError {
    /// The system refused it.
    #[error("cannot read the roster {}: {source}", file.display())]
    Read {
        /// Which file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Not a regular file, or a very large one.
    #[error("the roster {} is not a regular file of at most {MAX_ROSTER_BYTES} bytes", file.display())]
    NoRoster {
        /// Which file.
        file: PathBuf,
    },
    /// It was not exported again in time: whoever has come since would be a user not looked at.
    #[error(
        "the roster {} was written at {written:.0}, longer ago than roster_age ({limit:#}): whoever has come since is not on it; \
         see that its export runs, and writes or touches the file each time, or set roster_age where it runs more rarely",
        file.display()
    )]
    Old {
        /// Which file.
        file: PathBuf,
        /// When it was written.
        written: Timestamp,
        /// How long ago that may be.
        limit: SignedDuration,
    },
    /// By its own time it is of the future, so that it would never be too old.
    #[error(
        "the roster {} was written at {written:.0}, but it is {now:.0}: how old it is cannot be told, and whoever has come since \
         may not be on it; correct the clock of this machine, or of the one that writes the file, and have it written or \
         touched anew",
        file.display()
    )]
    Ahead {
        /// Which file.
        file: PathBuf,
        /// When it was written.
        written: Timestamp,
        /// By this machine's clock.
        now: Timestamp,
    },
    /// It is being written, or was cut: whoever is missing in it would be a user not looked at.
    #[error(
        "the roster {} is not whole: {what}; write a file beside it, with an end to its last line, and rename that over it",
        file.display()
    )]
    NotWhole {
        /// Which file.
        file: PathBuf,
        /// What shows it.
        what: &'static str,
    },
    /// The first line is not the header.
    #[error(
        "the roster {}, line 1: the header is {found:?}, expected \"name,directory_name,server\"; export it with that \
         header",
        file.display()
    )]
    Header {
        /// Which file.
        file: PathBuf,
        /// What is there.
        found: String,
    },
    /// A line that cannot be used.
    #[error("the roster {}, line {line}, column {column}: {problem}", file.display())]
    Field {
        /// Which file.
        file: PathBuf,
        /// Counted from 1.
        line: u64,
        /// Its name.
        column: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A line with too few or too many fields, or broken quotes.
    #[error("the roster {}, line {line}: {problem}", file.display())]
    Row {
        /// Which file.
        file: PathBuf,
        /// Counted from 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
}

impl Roster {
    /// Reads the bytes of a roster; `file` is only named in errors. One with only the header is an empty roster: what that
    /// means is the coordinator's to say.
    ///
    /// # Errors
    /// Names file, line and column. One bad line spoils the whole roster: a user left out would be a user not looked at.
    pub fn parse(file: &Path, bytes: &[u8]) -> Result<Self, RosterError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
        let mut rows = reader.byte_records();
        let row = |line, problem: String| RosterError::Row { file: file.to_owned(), line, problem };
        let header = match rows.next() {
            None => csv::ByteRecord::new(),
            Some(header) => header.map_err(|error| row(1, error.to_string()))?,
        };
        if !header.iter().eq(COLUMNS.iter().map(|column| column.as_bytes())) {
            let found: Vec<_> = header.iter().map(String::from_utf8_lossy).collect();
            let found: String = found.join(",").chars().take(200).collect();
            return Err(RosterError::Header { file: file.to_owned(), found });
        }
        let mut users = BTreeMap::new();
        let mut names: BTreeMap<String, u64> = BTreeMap::new();
        for record in rows {
            let record =
                record.map_err(|error| row(error.position().map_or(0, csv::Position::line), error.to_string()))?;
            let line = record.position().map_or(0, csv::Position::line);
            if record.len() != COLUMNS.len() {
                return Err(row(line, format!("there are {} fields, expected {}", record.len(), COLUMNS.len())));
            }
            let at = |column, problem: String| RosterError::Field { file: file.to_owned(), line, column, problem };
            let mut fields = Vec::with_capacity(COLUMNS.len());
            for (column, field) in COLUMNS.into_iter().zip(&record) {
                fields.push(checked(column, field).map_err(|problem| at(column, problem))?);
            }
            let [name, directory_name, server] =
                <[String; 3]>::try_from(fields).map_err(|_| row(line, "wrong number of fields".to_owned()))?;
            // GoodLink's log does not promise its letters' case: two users that differ in it only could not be told apart.
            if let Some(before) = names.insert(name.to_lowercase(), line) {
                return Err(at(
                    "name",
                    format!("the user {name:?} is there already, in line {before}; keep one of them"),
                ));
            }
            users.insert(name.clone(), RosterUser { name, directory_name, server });
        }
        Ok(Self::of(users.into_values().collect()))
    }

    fn of(users: Vec<RosterUser>) -> Self {
        let mut hash = Sha256::new();
        for user in &users {
            let parts =
                [user.name.as_bytes(), b"\0", user.directory_name.as_bytes(), b"\0", user.server.as_bytes(), b"\n"];
            parts.into_iter().for_each(|part| hash.update(part));
        }
        Self { users, sha256: hash.finalize().into() }
    }

    /// The users, sorted by name.
    pub fn users(&self) -> &[RosterUser] {
        &self.users
    }

    /// The digest, as `RosterUpload` defines it.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// The roster in parts, as it travels; an empty one is one empty part.
    pub fn parts(&self, host: &str) -> Vec<v1::RosterUpload> {
        let mut parts: Vec<_> = self
            .users
            .chunks(USERS_PER_PART)
            .map(|users| v1::RosterUpload {
                host: host.to_owned(),
                sha256: self.sha256.to_vec(),
                users: users.iter().map(wire).collect(),
                last: false,
            })
            .collect();
        if parts.is_empty() {
            parts.push(v1::RosterUpload { host: host.to_owned(), sha256: self.sha256.to_vec(), ..Default::default() });
        }
        if let Some(last) = parts.last_mut() {
            last.last = true;
        }
        parts
    }
}

fn wire(user: &RosterUser) -> v1::RosterUser {
    v1::RosterUser { name: user.name.clone(), directory_name: user.directory_name.clone(), server: user.server.clone() }
}

fn checked(column: &str, field: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(field).map_err(|_| "is not UTF-8; export the roster as UTF-8".to_owned())?;
    let text = text.trim();
    if text.is_empty() && column != "server" {
        return Err("is empty".to_owned());
    }
    if text.len() > MAX_FIELD_BYTES {
        return Err(format!("is longer than {MAX_FIELD_BYTES} bytes"));
    }
    match text.chars().find(|c| c.is_control()) {
        Some(c) => Err(format!("has the control character {c:?}")),
        None => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> Result<Roster, String> {
        Roster::parse(Path::new("/r.csv"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_roster_is_sorted_and_has_the_digest_of_the_contract() {
        let roster = parse(b"name,directory_name,server\nzoe,A\\zoe,\n\"ann\",ann@a.example,EX1\r\n").unwrap();
        let names: Vec<_> = roster.users().iter().map(|user| user.name.as_str()).collect();
        assert_eq!(names, ["ann", "zoe"]);
        assert_eq!(roster.sha256(), <[u8; 32]>::from(Sha256::digest(b"ann\0ann@a.example\0EX1\nzoe\0A\\zoe\0\n")));
    }

    #[test]
    fn an_empty_roster_is_a_roster_and_garbage_is_none() {
        let empty = parse(b"\xef\xbb\xbfname,directory_name,server\n").unwrap();
        assert_eq!(empty.users(), []);
        let parts = empty.parts("gl1");
        assert_eq!((parts.len(), parts[0].last), (1, true));
        let header = "expected \"name,directory_name,server\"; export it with that header";
        assert_eq!(parse(b"").unwrap_err(), format!("the roster /r.csv, line 1: the header is \"\", {header}"));
        assert_eq!(
            parse(b"ann,ann@a.example,EX1\n").unwrap_err(),
            format!("the roster /r.csv, line 1: the header is \"ann,ann@a.example,EX1\", {header}")
        );
        assert!(parse(b"\x00\xff\x13\x37").unwrap_err().contains("line 1: the header is "));
    }

    #[test]
    fn errors_name_line_and_column() {
        let rows = |rows: &[u8]| parse(&[b"name,directory_name,server\n", rows].concat()).unwrap_err();
        assert_eq!(
            rows(b"ann,a,\nbob,b,\nAnn,c,\n"),
            "the roster /r.csv, line 4, column name: the user \"Ann\" is there already, in line 2; keep one of them"
        );
        assert_eq!(rows(b"ann,a,\nbob, ,\n"), "the roster /r.csv, line 3, column directory_name: is empty");
        assert_eq!(rows(b",a,\n"), "the roster /r.csv, line 2, column name: is empty");
        assert_eq!(rows(b"ann,a\n"), "the roster /r.csv, line 2: there are 2 fields, expected 3");
        assert_eq!(
            rows(b"ann,a,E\xff\n"),
            "the roster /r.csv, line 2, column server: is not UTF-8; export the roster as UTF-8"
        );
        assert_eq!(rows(b"\"a\nb\",a,\n"), "the roster /r.csv, line 2, column name: has the control character '\\n'");
    }

    #[test]
    fn a_large_roster_travels_in_parts() {
        let mut text = String::from("name,directory_name,server\n");
        (0..1201).for_each(|n| text.push_str(&format!("u{n:05},u{n},\n")));
        let roster = parse(text.as_bytes()).unwrap();
        let parts = roster.parts("gl1");
        assert_eq!(parts.iter().map(|part| part.users.len()).collect::<Vec<_>>(), [500, 500, 201]);
        assert_eq!(parts.iter().map(|part| part.last).collect::<Vec<_>>(), [false, false, true]);
    }
}
