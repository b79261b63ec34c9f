use std::fs;
use std::io::Write;

use super::*;

const HEADER: &str = "name,directory_name,server\n";
const STILL: Duration = Duration::from_secs(10);
const AGE: SignedDuration = SignedDuration::from_hours(26);

/// A roster's file in a directory of its own, looked at when the test says.
struct Written {
    directory: PathBuf,
    roster: RosterFile,
}

impl Written {
    fn new(text: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("sendgate-roster-{:016x}", rand::random::<u64>()));
        fs::create_dir(&directory).unwrap();
        let roster = RosterFile::new(directory.join("roster.csv"), STILL, AGE);
        fs::write(&roster.path, text).unwrap();
        Self { directory, roster }
    }

    fn append(&self, row: &str) {
        let mut file = fs::OpenOptions::new().append(true).open(&self.roster.path).unwrap();
        file.write_all(row.as_bytes()).unwrap();
    }

    /// As if it had been written last at that time.
    fn touched(&self, at: Timestamp) {
        let open = fs::OpenOptions::new().append(true).open(&self.roster.path).unwrap();
        open.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(u64::try_from(at.as_second()).unwrap())).unwrap();
    }

    /// One that has been looked at long enough ago.
    fn known(text: &str) -> Self {
        let mut file = Self::new(text);
        assert_eq!(file.at(0), file.being_written(), "what is seen for the first time may be half of it");
        file
    }

    /// How many users there are at that second.
    fn at(&mut self, second: u64) -> Result<usize, String> {
        self.on(second, Timestamp::now())
    }

    /// The same, and what day it is.
    fn on(&mut self, second: u64, today: Timestamp) -> Result<usize, String> {
        let now = Steady::after_boot(Duration::from_secs(second));
        self.roster.read(now, today).map(|roster| roster.users().len()).map_err(|error| error.to_string())
    }

    fn not_whole(&self, what: &str) -> Result<usize, String> {
        Err(format!(
            "the roster {} is not whole: {what}; write a file beside it, with an end to its last line, and rename that over it",
            self.roster.path.display()
        ))
    }

    fn being_written(&self) -> Result<usize, String> {
        self.not_whole("it may be being written, for it has not been seen unchanged for report_interval yet")
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// What is missing in a file that is being written would be users not looked at.
#[test]
fn a_file_that_ends_within_a_line_is_no_roster() {
    let whole = format!("{HEADER}ann,ann@a.example,EX1\nbob,bob@a.example,EX1\n");
    assert_eq!(Written::known(&whole).at(10), Ok(2));
    // Also where what is there of the line would be a user.
    for cut in [1, 3, 20] {
        let mut cut = Written::known(&whole[..whole.len() - cut]);
        assert_eq!(cut.at(10), cut.not_whole("its last line has no end"));
    }
}

#[test]
fn a_file_that_is_written_in_place_is_taken_once_it_has_been_still() {
    let mut file = Written::known(HEADER);
    // Whole lines, each time it is looked at.
    for (second, row) in [(10, "ann,a,\n"), (20, "bob,b,\n")] {
        file.append(row);
        assert_eq!(file.at(second), file.being_written());
    }
    assert_eq!(file.at(21), file.being_written(), "looked at again at once");
    assert_eq!(file.at(30), Ok(2), "still since it was looked at before");
    assert_eq!(file.at(31), Ok(2));
    // As long as before: the time tells.
    fs::write(&file.roster.path, format!("{HEADER}bob,b,\nann,a,\n")).unwrap();
    let another = std::time::SystemTime::now() - Duration::from_secs(60);
    fs::OpenOptions::new().append(true).open(&file.roster.path).unwrap().set_modified(another).unwrap();
    assert_eq!(file.at(40), file.being_written());
    assert_eq!(file.at(50), Ok(2));
}

/// Nobody can tell the one from the other when it fell between two looks, and it may be another file in both.
#[test]
fn a_file_that_is_renamed_over_it_or_made_anew_is_taken_once_it_has_been_still() {
    for renamed in [true, false] {
        let mut file = Written::known(&format!("{HEADER}ann,a,\nbob,b,\n"));
        assert_eq!(file.at(10), Ok(2));
        let (path, beside) = (file.roster.path.clone(), file.directory.join("beside"));
        if renamed {
            fs::write(&beside, format!("{HEADER}ann,a,\n")).unwrap();
            fs::rename(&beside, &path).unwrap();
        } else {
            // Kept under another name, so that the new file is another one.
            fs::rename(&path, &beside).unwrap();
            fs::write(&path, format!("{HEADER}ann,a,\n")).unwrap();
        }
        assert_eq!(file.at(20), file.being_written());
        file.append("bob,b,\ncid,c,\n");
        assert_eq!(file.at(30), file.being_written());
        assert_eq!(file.at(40), Ok(3));
    }
}

#[test]
fn a_file_that_is_deleted_and_made_anew_is_taken_once_it_has_been_still() {
    let mut file = Written::known(&format!("{HEADER}ann,a,\n"));
    assert_eq!(file.at(10), Ok(1));
    let (path, moved) = (file.roster.path.clone(), file.directory.join("moved"));
    let missing = Err(format!("cannot read the roster {}: No such file or directory (os error 2)", path.display()));
    fs::rename(&path, &moved).unwrap();
    assert_eq!(file.at(20), missing);
    fs::write(&path, HEADER).unwrap();
    assert_eq!(file.at(30), file.being_written());
    file.append("ann,a,\n");
    assert_eq!(file.at(40), file.being_written());
    assert_eq!(file.at(50), Ok(1));
}

/// Such as a share that was away for a moment.
#[test]
fn a_file_that_is_back_as_it_was_is_taken_at_once() {
    let mut file = Written::known(&format!("{HEADER}ann,a,\n"));
    assert_eq!(file.at(10), Ok(1));
    let away = file.directory.with_extension("away");
    fs::rename(&file.directory, &away).unwrap();
    assert!(file.at(20).unwrap_err().starts_with("cannot read the roster "));
    fs::rename(&away, &file.directory).unwrap();
    assert_eq!(file.at(30), Ok(1));
}

/// An export that has failed for weeks: users who have come since would not be looked at.
#[test]
fn a_file_that_was_not_exported_again_is_no_roster_of_today() {
    let mut file = Written::known(&format!("{HEADER}ann,a,\n"));
    let written: Timestamp = "2026-11-24T02:00:00Z".parse().unwrap();
    file.touched(written);
    assert_eq!(file.on(10, written), file.being_written());
    assert_eq!(file.on(20, written + AGE), Ok(1));
    let later = written + AGE + SignedDuration::from_secs(1);
    let old = format!(
        "the roster {} was written at 2026-11-24T02:00:00Z, longer ago than roster_age (26h): whoever has come since is not on \
         it; see that its export runs, and writes or touches the file each time, or set roster_age where it runs more rarely",
        file.roster.path.display()
    );
    assert_eq!(file.on(30, later), Err(old));
    // The same users as yesterday.
    file.touched(later);
    assert_eq!(file.on(40, later), file.being_written());
    assert_eq!(file.on(50, later), Ok(1));
}

/// It would be young for as long as its time lies ahead, however long nobody exports it.
#[test]
fn a_file_of_a_time_to_come_is_no_roster_of_today() {
    let mut file = Written::known(&format!("{HEADER}ann,a,\n"));
    let written: Timestamp = "2027-11-24T02:00:00Z".parse().unwrap();
    file.touched(written);
    let near = written - SignedDuration::from_mins(20);
    assert_eq!(file.on(10, near), file.being_written());
    assert_eq!(file.on(20, near), Ok(1), "two clocks never agree");
    let ahead = format!(
        "the roster {} was written at 2027-11-24T02:00:00Z, but it is 2027-11-24T01:39:59Z: how old it is cannot be told, and \
         whoever has come since may not be on it; correct the clock of this machine, or of the one that writes the file, and \
         have it written or touched anew",
        file.roster.path.display()
    );
    assert_eq!(file.on(30, near - SignedDuration::from_secs(1)), Err(ahead));
    assert_eq!(file.on(40, written), Ok(1), "the clock is right again");
}

#[test]
fn a_file_that_changes_while_it_is_read_is_not_whole() {
    // It has more to read than it says, as one has that grew since it was looked at.
    let mut file = RosterFile::new("/proc/version".into(), Duration::ZERO, AGE);
    let written = fs::metadata(&file.path).unwrap().modified().unwrap();
    let error = file.read(Steady::after_boot(STILL), Timestamp::try_from(written).unwrap()).unwrap_err().to_string();
    assert_eq!(
        error,
        "the roster /proc/version is not whole: it changed while it was read; write a file beside it, with an end to its last \
         line, and rename that over it"
    );
}
