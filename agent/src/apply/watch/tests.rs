use std::path::PathBuf;
use std::time::Duration;

use super::super::files::Spec;
use super::super::supervisor::run_act;
use super::*;
use crate::clock::{BootId, Steady};
use crate::config::{Command, ProgramName};

/// The directory of one act of one test, removed at its end.
struct State(PathBuf);

impl State {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("sendgate-act-{:016x}", rand::random::<u64>()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn id() -> ActId {
        ActId::parse("e-1").unwrap()
    }

    fn files(&self) -> ActFiles {
        let files = ActFiles::new(&self.0, &Self::id());
        files.create().unwrap();
        files
    }

    /// Has the supervisor run shell scripts, in this process.
    fn run(&self, scripts: &[&str], permit: Duration) -> Look {
        let command = |script: &&str| Command {
            name: ProgramName::new("p").unwrap(),
            file: "/bin/sh".into(),
            arguments: vec!["-c".into(), (*script).to_owned()],
            timeout: Duration::from_millis(500),
        };
        let files = self.files();
        let spec = Spec {
            commands: scripts.iter().map(command).collect(),
            boot: BootId::present().unwrap(),
            not_after: Steady::now().plus(permit),
            package: None,
        };
        files.write_spec(&spec).unwrap();
        run_act(&self.0, &Self::id()).unwrap();
        look(&files).unwrap()
    }
}

impl Drop for State {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const LONG: Duration = Duration::from_secs(600);

fn over(look: Look) -> (Progress, String) {
    match look {
        Look::Over(progress, detail) => (progress, detail),
        other => panic!("not over: {other:?}"),
    }
}

#[test]
fn programs_run_in_order_until_one_fails() {
    let good = over(State::new().run(&["echo one", "echo two"], LONG));
    assert_eq!(good.0, Progress::Finished { exit_code: 0 });
    assert!(good.1.ends_with("one\ntwo"), "{}", good.1);
    let bad = over(State::new().run(&["echo one; exit 7", "echo two"], LONG));
    assert_eq!(bad, (Progress::Finished { exit_code: 7 }, "program p: ended with exit status: 7\none".to_owned()));
}

#[test]
fn an_overlong_program_is_killed_and_that_is_no_success() {
    let (progress, detail) = over(State::new().run(&["exec cat /dev/zero > /dev/null"], LONG));
    assert_eq!(progress, Progress::Finished { exit_code: 137 });
    assert_eq!(detail, "program p: did not end within 500ms and was killed");
}

#[test]
fn after_the_permit_nothing_starts() {
    let state = State::new();
    let ran = state.0.join("ran");
    let late = over(state.run(&[&format!("touch {}", ran.display())], Duration::ZERO));
    assert_eq!(late, (Progress::Refused, "permit expired before the program was started".to_owned()));
    assert!(!ran.exists());
}

#[test]
fn a_second_supervisor_does_nothing() {
    let state = State::new();
    let ran = state.0.join("ran");
    state.run(&[&format!("echo x >> {}", ran.display())], LONG);
    let again = run_act(&state.0, &State::id()).unwrap_err().to_string();
    assert_eq!(again, "act e-1 is or was run by another supervisor; it is not run again");
    assert_eq!(std::fs::read_to_string(ran).unwrap(), "x\n");
}

#[test]
fn who_claims_first_decides() {
    let state = State::new();
    let files = state.files();
    assert_eq!(look(&files).unwrap(), Look::Unclaimed);
    assert!(files.claim(RECOVERY).unwrap());
    assert!(!files.claim("supervisor").unwrap());
    assert_eq!(over(look(&files).unwrap()), (Progress::Refused, NO_SUPERVISOR.to_owned()));
}

#[test]
fn a_supervisor_that_is_gone_leaves_what_is_known() {
    let state = State::new();
    let files = state.files();
    assert!(files.claim("supervisor").unwrap());
    let lock = files.lock().unwrap().unwrap();
    assert_eq!(look(&files).unwrap(), Look::Claimed, "as long as the lock is held");
    drop(lock);
    // A program that another test starts just now holds a copy of the open lock until it runs.
    let deadline = std::time::Instant::now() + LONG;
    while look(&files).unwrap() == Look::Claimed && std::time::Instant::now() < deadline {
        std::thread::yield_now();
    }
    let (progress, detail) = over(look(&files).unwrap());
    assert_eq!(progress, Progress::Unknown);
    assert_eq!(detail, "the program's supervisor ended before it told whether it had started the program");

    let mut program = std::process::Command::new("/bin/cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
    files.write_program(&process::mark(program.id()).unwrap()).unwrap();
    assert_eq!(look(&files).unwrap(), Look::Running, "the program outlives its supervisor");
    program.kill().unwrap();
    program.wait().unwrap();
    let (progress, detail) = over(look(&files).unwrap());
    assert_eq!(progress, Progress::Unknown);
    assert!(detail.starts_with("the program was started, but its supervisor ended without an outcome"), "{detail}");
}
