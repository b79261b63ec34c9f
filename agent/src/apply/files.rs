//! The files of one act, in `STATE/acts/ACT_ID`: how the agent, the program's supervisor and, after a crash, the next
//! agent tell each other what happened. Each is written durably, and only once.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::clock::{BootId, Steady};
use crate::config::Command;
use crate::journal::{ActId, ProcessMark};

/// How much of the program's output is told to the coordinator.
const TAIL_BYTES: u64 = 2000;
/// No file of an act that is read back is larger.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// How much of an error of the supervisor is told.
const MAX_COMPLAINT_BYTES: u64 = 2000;
/// How long the output may grow before it is cut: an installer writes kilobytes, and the disk is the journal's too.
const MAX_OUTPUT_BYTES: u64 = 8 * 1024 * 1024;

/// What the supervisor is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// Run one after the other, until one fails.
    pub(crate) commands: Vec<Command>,
    /// In which boot `not_after` counts.
    pub(crate) boot: BootId,
    /// The end of the permit: nothing is started from then on.
    pub(crate) not_after: Steady,
    /// The package whose digest was checked; it must still be that file.
    pub(crate) package: Option<FileMark>,
}

/// How the supervisor ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// The last program that ran ended so.
    Ended { exit_code: i32, detail: String },
    /// No program was started.
    NeverStarted { reason: String },
    /// A program was started, and how it ends cannot be told.
    Unknown { detail: String },
}

/// A file at a point in time: whether it is still the one that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileMark {
    pub(crate) path: PathBuf,
    device: u64,
    inode: u64,
    bytes: u64,
    changed_seconds: i64,
    changed_nanoseconds: i64,
}

impl FileMark {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let metadata = std::fs::metadata(path)?;
        Ok(Self {
            path: path.to_owned(),
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            // Of the inode: whoever sets the modification time back changes this one.
            changed_seconds: metadata.ctime(),
            changed_nanoseconds: metadata.ctime_nsec(),
        })
    }
}

/// Where the files are.
#[derive(Clone, Debug)]
pub(crate) struct ActFiles {
    directory: PathBuf,
}

impl ActFiles {
    pub(crate) fn new(state: &Path, id: &ActId) -> Self {
        Self { directory: state.join("acts").join(id.to_string()) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Makes the directory, durably.
    pub(crate) fn create(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        for directory in self.directory.ancestors().take(3) {
            File::open(directory)?.sync_all()?;
        }
        Ok(())
    }

    /// What there is to say of an act that has no files any more.
    pub(crate) fn removed(&self) -> String {
        format!(
            "what was written down of this act in {} is gone, so whether its program was started, runs or has ended is not known; \
             look at the host",
            self.directory.display()
        )
    }

    pub(crate) fn remove(&self) -> io::Result<()> {
        std::fs::remove_dir_all(&self.directory)
    }

    fn write<T: Serialize>(&self, name: &str, value: &T) -> io::Result<()> {
        let unfinished = self.path(&format!("{name}.new"));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        serde_json::to_writer(&mut file, value)?;
        file.sync_all()?;
        std::fs::rename(&unfinished, self.path(name))?;
        File::open(&self.directory)?.sync_all()
    }

    fn read<T: for<'a> Deserialize<'a>>(&self, name: &str) -> io::Result<Option<T>> {
        let file = match File::open(self.path(name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(serde_json::from_reader(file.take(MAX_FILE_BYTES))?))
    }

    pub(crate) fn write_spec(&self, spec: &Spec) -> io::Result<()> {
        self.write("spec.json", spec)
    }

    pub(crate) fn spec(&self) -> io::Result<Option<Spec>> {
        self.read("spec.json")
    }

    pub(crate) fn write_outcome(&self, outcome: &Outcome) -> io::Result<()> {
        self.write("outcome.json", outcome)
    }

    pub(crate) fn outcome(&self) -> io::Result<Option<Outcome>> {
        self.read("outcome.json")
    }

    pub(crate) fn write_program(&self, mark: &ProcessMark) -> io::Result<()> {
        self.write("program.json", mark)
    }

    /// The program that was started last.
    pub(crate) fn program(&self) -> io::Result<Option<ProcessMark>> {
        self.read("program.json")
    }

    pub(crate) fn write_killed(&self, at: Steady) -> io::Result<()> {
        self.write("killed.json", &at)
    }

    /// When an agent first killed what had outlived its supervisor and its time.
    pub(crate) fn killed(&self) -> io::Result<Option<Steady>> {
        self.read("killed.json")
    }

    /// Makes the marker that only one can make: whoever does decides whether the program is started. `false`: it was
    /// there already.
    pub(crate) fn claim(&self, by: &str) -> io::Result<bool> {
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.path("claimed"));
        let mut file = match made {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(error),
        };
        let signed = file
            .write_all(by.as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| File::open(&self.directory)?.sync_all());
        if let Err(error) = signed {
            // Nothing was started on it. Left unsigned, such as on a full disk, it would be taken for a supervisor's.
            std::fs::remove_file(self.path("claimed"))?;
            return Err(error);
        }
        Ok(true)
    }

    /// Who made the marker; empty where a crash came between making and signing it.
    pub(crate) fn claimed_by(&self) -> io::Result<Option<String>> {
        match std::fs::read_to_string(self.path("claimed")) {
            Ok(by) => Ok(Some(by)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes the supervisor's lock, which is held while the returned file is open; `None`: somebody else has it.
    pub(crate) fn lock(&self) -> io::Result<Option<File>> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(self.path("lock"))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes down why the supervisor cannot do its part, for whoever looks for it.
    pub(crate) fn write_complaint(&self, complaint: &str) -> io::Result<()> {
        std::fs::write(self.path("supervisor-error"), complaint)
    }

    /// What the supervisor complained of last.
    pub(crate) fn complaint(&self) -> io::Result<Option<String>> {
        let file = match File::open(self.path("supervisor-error")) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(MAX_COMPLAINT_BYTES).read_to_end(&mut bytes)?;
        // Where there was no room for it there is an empty file.
        Ok(Some(String::from_utf8_lossy(&bytes).trim().to_owned()).filter(|complaint| !complaint.is_empty()))
    }

    /// Where programs write to; cut now and then by the supervisor, since a pipe that we hold would take a program down
    /// with us.
    pub(crate) fn open_output(&self) -> io::Result<File> {
        OpenOptions::new().append(true).create(true).mode(0o600).open(self.path("output"))
    }

    /// Cuts an output that has grown too long; the programs go on writing behind the cut.
    pub(crate) fn bound_output(&self) -> io::Result<()> {
        if std::fs::metadata(self.path("output"))?.len() <= MAX_OUTPUT_BYTES {
            return Ok(());
        }
        self.cut_output()?;
        let told = format!("(more than {MAX_OUTPUT_BYTES} bytes that were written before this are gone)\n");
        self.open_output()?.write_all(told.as_bytes())
    }

    /// Throws the output away.
    pub(crate) fn cut_output(&self) -> io::Result<()> {
        OpenOptions::new().write(true).open(self.path("output"))?.set_len(0)
    }

    /// The end of what the programs wrote.
    pub(crate) fn output_tail(&self) -> io::Result<String> {
        let mut file = File::open(self.path("output"))?;
        let bytes = file.metadata()?.len();
        file.seek(SeekFrom::Start(bytes.saturating_sub(TAIL_BYTES)))?;
        let mut tail = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut tail)?;
        Ok(String::from_utf8_lossy(&tail).trim().to_owned())
    }
}
