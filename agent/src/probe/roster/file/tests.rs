use std::fs;
use std::io::Write;

use super::*;

const HEADER: &str = "name,directory_name,server\n";
const STILL: Duration = Duration::from_secs(10);

/// A roster's file in a directory of its own, looked at when the test says.
struct Written {
    directory: PathBuf,
    roster: RosterFile,
}

impl Written {
    fn new(text: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("sendgate-roster-{:016x}", rand::random::<u64>()));
        fs::create_dir(&directory).unwrap();
        let roster = RosterFile::new(directory.join("roster.csv"), STILL);
        fs::write(&roster.path, text).unwrap();
        Self { directory, roster }
    }

    fn append(&self, row: &str) {
        let mut file = fs::OpenOptions::new().append(true).open(&self.roster.path).unwrap();
        file.write_all(row.as_bytes()).unwrap();
    }

    /// How many users there are at that second.
    fn at(&mut self, second: u64) -> Result<usize, String> {
        let now = Steady::after_boot(Duration::from_secs(second));
        self.roster.read(now).map(|roster| roster.users().len()).map_err(|error| error.to_string())
    }

    fn not_whole(&self, what: &str) -> Result<usize, String> {
        Err(format!(
            "the roster {} is not whole: {what}; write a file beside it, with an end to its last line, and rename that over it",
            self.roster.path.display()
        ))
    }

    fn being_written(&self) -> Result<usize, String> {
        self.not_whole("it is being written, for it changed in place less than report_interval ago")
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
    assert_eq!(Written::new(&whole).at(1), Ok(2));
    // Also where what is there of the line would be a user.
    for cut in [1, 3, 20] {
        let mut cut = Written::new(&whole[..whole.len() - cut]);
        assert_eq!(cut.at(1), cut.not_whole("its last line has no end"));
    }
}

#[test]
fn a_file_that_is_written_in_place_is_taken_once_it_has_been_still() {
    let mut file = Written::new(HEADER);
    assert_eq!(file.at(0), Ok(0));
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
    let another = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    fs::OpenOptions::new().append(true).open(&file.roster.path).unwrap().set_modified(another).unwrap();
    assert_eq!(file.at(40), file.being_written());
    assert_eq!(file.at(50), Ok(2));
}

#[test]
fn a_file_that_is_renamed_over_it_is_taken_at_once() {
    let mut file = Written::new(&format!("{HEADER}ann,a,\n"));
    assert_eq!(file.at(0), Ok(1));
    let beside = file.directory.join("beside");
    fs::write(&beside, format!("{HEADER}ann,a,\nbob,b,\n")).unwrap();
    fs::rename(&beside, &file.roster.path).unwrap();
    assert_eq!(file.at(10), Ok(2));
    file.append("cid,c,\n");
    assert_eq!(file.at(20), file.being_written(), "but is not written on");
    assert_eq!(file.at(30), Ok(3));
}

#[test]
fn a_file_that_is_deleted_and_made_anew_is_taken_once_it_has_been_still() {
    let mut file = Written::new(&format!("{HEADER}ann,a,\n"));
    assert_eq!(file.at(0), Ok(1));
    let (path, moved) = (file.roster.path.clone(), file.directory.join("moved"));
    let missing = Err(format!("cannot read the roster {}: No such file or directory (os error 2)", path.display()));
    fs::rename(&path, &moved).unwrap();
    assert_eq!(file.at(10), missing);
    fs::write(&path, HEADER).unwrap();
    assert_eq!(file.at(20), file.being_written());
    file.append("ann,a,\n");
    assert_eq!(file.at(30), file.being_written());
    assert_eq!(file.at(40), Ok(1));
}

/// Such as a share that was away for a moment.
#[test]
fn a_file_that_is_back_as_it_was_is_taken_at_once() {
    let mut file = Written::new(&format!("{HEADER}ann,a,\n"));
    assert_eq!(file.at(0), Ok(1));
    let away = file.directory.with_extension("away");
    fs::rename(&file.directory, &away).unwrap();
    assert!(file.at(10).unwrap_err().starts_with("cannot read the roster "));
    fs::rename(&away, &file.directory).unwrap();
    assert_eq!(file.at(20), Ok(1));
}
