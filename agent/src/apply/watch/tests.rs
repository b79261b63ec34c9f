use std::path::PathBuf;
use std::time::Duration;

use super::super::files::Spec;
use super::super::supervisor::{patiently, run_act};
use super::*;
use crate::clock::{BootId, Steady};
use crate::config::{Command, ProgramName};

/// The directory of one act of one test, removed at its end, and how long each program may take.
struct State(PathBuf, Duration);

impl State {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("sendgate-act-{:016x}", rand::random::<u64>()));
        std::fs::create_dir(&path).unwrap();
        Self(path, LONG)
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
        self.written(scripts, BootId::present().unwrap(), permit);
        run_act(&self.0, &Self::id()).unwrap();
        look(&self.files()).unwrap()
    }

    /// An act whose programs may take so long together, and whose supervisor is gone; it had signed so.
    fn orphaned(timeout: Duration, signature: &str) -> (Self, ActFiles) {
        let mut state = Self::new();
        state.1 = timeout;
        state.written(&["cat"], BootId::present().unwrap(), Duration::ZERO);
        let files = state.files();
        assert!(files.claim(signature).unwrap());
        (state, files)
    }

    /// Has an act of these scripts wait for its supervisor.
    fn written(&self, scripts: &[&str], boot: BootId, permit: Duration) {
        let command = |script: &&str| Command {
            name: ProgramName::new("p").unwrap(),
            file: "/bin/sh".into(),
            arguments: vec!["-c".into(), (*script).to_owned()],
            timeout: self.1,
        };
        let files = self.files();
        let spec = Spec {
            commands: scripts.iter().map(command).collect(),
            boot,
            not_after: Steady::now().plus(permit),
            package: None,
        };
        files.write_spec(&spec).unwrap();
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
fn an_overlong_program_is_killed_and_how_it_ends_is_not_known() {
    let mut state = State::new();
    state.1 = Duration::from_secs(5);
    let ran = state.0.join("ran");
    let scripts = ["echo begun; exec cat /dev/zero > /dev/null", &format!("touch {}", ran.display())];
    let (progress, detail) = over(state.run(&scripts, LONG));
    assert_eq!(progress, Progress::Unknown, "what it began elsewhere may go on");
    assert_eq!(detail, "program p: did not end within 5s and was killed\nbegun");
    assert!(!ran.exists(), "nothing follows it");
}

#[test]
fn a_program_that_fills_the_disk_is_cut() {
    let state = State::new();
    let (progress, _) = over(state.run(&["head -c 9000000 /dev/zero"], LONG));
    assert_eq!(progress, Progress::Finished { exit_code: 0 });
    let (files, output) = (state.files(), state.0.join("acts/e-1/output"));
    let left = std::fs::metadata(&output).unwrap().len();
    assert!(left <= 8 * 1024 * 1024, "{left} bytes are left");

    let mut program = files.open_output().unwrap();
    std::io::Write::write_all(&mut program, &[b'x'; 9_000_000]).unwrap();
    files.bound_output().unwrap();
    std::io::Write::write_all(&mut program, b"the end\n").unwrap();
    let told = "(more than 8388608 bytes that were written before this are gone)\nthe end";
    assert_eq!(files.output_tail().unwrap(), told);
    files.bound_output().unwrap();
    assert_eq!(files.output_tail().unwrap(), told, "what is short stays");
}

#[test]
fn an_outcome_that_cannot_be_written_is_tried_again_and_without_one_the_complaint_is_told() {
    let state = State::new();
    state.written(&["echo one"], BootId::present().unwrap(), LONG);
    // A directory is in the way of the file.
    let (in_the_way, complaint) =
        (state.0.join("acts/e-1/outcome.json.new"), state.0.join("acts/e-1/supervisor-error"));
    std::fs::create_dir(&in_the_way).unwrap();
    let place = state.0.clone();
    let supervisor =
        std::thread::spawn(move || patiently(&place, &State::id(), LONG).map_err(|error| error.to_string()));
    let begin = std::time::Instant::now();
    while !complaint.exists() {
        assert!(begin.elapsed() < LONG && !supervisor.is_finished(), "it gave up at the first failure");
        std::thread::yield_now();
    }
    std::fs::remove_dir(&in_the_way).unwrap();
    supervisor.join().unwrap().unwrap();
    assert_eq!(over(look(&state.files()).unwrap()).0, Progress::Finished { exit_code: 0 });

    let state = State::new();
    state.written(&["echo one"], BootId::present().unwrap(), LONG);
    std::fs::create_dir(state.0.join("acts/e-1/outcome.json.new")).unwrap();
    let error = patiently(&state.0, &State::id(), Duration::ZERO).unwrap_err().to_string();
    assert_eq!(error, "act e-1: writing the outcome: Is a directory (os error 21)");
    let (progress, detail) = over(gone(&state.files()));
    assert_eq!(progress, Progress::Unknown);
    let told = "the program was started, but its supervisor ended without an outcome (act e-1: writing the outcome: Is a \
                directory (os error 21)), and the program (process ";
    assert!(detail.starts_with(told) && detail.ends_with(" is gone; its output: one"), "{detail}");
}

#[test]
fn the_outcome_of_an_act_that_is_forgotten_is_not_waited_for() {
    let state = State::new();
    let place = state.0.join("acts/e-1");
    // The supervisor has written down that the program runs, and writes nothing until its end.
    let script = format!("cd {}; while [ ! -e program.json ]; do sleep 0.05; done; rm -r \"$PWD\"", place.display());
    state.written(&[&script], BootId::present().unwrap(), LONG);
    let place = state.0.clone();
    let supervisor =
        std::thread::spawn(move || patiently(&place, &State::id(), Duration::MAX).unwrap_err().to_string());
    let begin = std::time::Instant::now();
    while !supervisor.is_finished() {
        assert!(begin.elapsed() < Duration::from_secs(60), "it tries again and again");
        std::thread::yield_now();
    }
    let error = supervisor.join().unwrap();
    assert_eq!(error, "act e-1: writing the outcome: No such file or directory (os error 2)");
}

#[test]
fn what_was_permitted_before_the_machine_was_started_anew_does_not_start() {
    let state = State::new();
    let ran = state.0.join("ran");
    let another = serde_json::from_str("\"another boot\"").unwrap();
    state.written(&[&format!("touch {}", ran.display())], another, LONG);
    run_act(&state.0, &State::id()).unwrap();
    let late = over(look(&state.files()).unwrap());
    assert_eq!(late, (Progress::Refused, "permit expired: the host was started anew since".to_owned()));
    assert!(!ran.exists());
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

/// How an act stands whose lock was let go.
fn gone(files: &ActFiles) -> Look {
    // A program that another test starts just now holds a copy of the open lock until it runs.
    let deadline = std::time::Instant::now() + LONG;
    while !matches!(look(files).unwrap(), Look::Over(..)) && std::time::Instant::now() < deadline {
        std::thread::yield_now();
    }
    look(files).unwrap()
}

#[test]
fn a_supervisor_that_is_gone_leaves_what_is_known() {
    let state = State::new();
    let files = state.files();
    assert!(files.claim("supervisor").unwrap());
    let lock = files.lock().unwrap().unwrap();
    assert_eq!(look(&files).unwrap(), Look::Claimed, "as long as the lock is held");
    drop(lock);
    let (progress, detail) = over(gone(&files));
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

/// A program that ends with its input, in a group or a session of its own.
fn program(in_session: bool) -> std::process::Child {
    let mut command = std::process::Command::new(if in_session { "setsid" } else { "cat" });
    if in_session {
        command.arg("cat");
    } else {
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
    }
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap()
}

/// Looks until it has been killed; one that is not fails. A program that another test starts just now holds a copy of the
/// open lock until it runs: as long as that is held there is a supervisor.
fn killed(files: &ActFiles, mut program: std::process::Child) {
    let begin = std::time::Instant::now();
    loop {
        look(files).unwrap();
        if let Some(status) = program.try_wait().unwrap() {
            assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "{status}");
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "it runs on");
        std::thread::yield_now();
    }
}

#[test]
fn a_program_that_outlives_its_supervisor_and_its_time_is_killed() {
    for (timeout, in_time) in [(LONG, true), (Duration::ZERO, false)] {
        let (_state, files) = State::orphaned(timeout, "supervisor");
        let mut child = program(false);
        files.write_program(&process::mark(child.id()).unwrap()).unwrap();
        assert_eq!(look(&files).unwrap(), Look::Running);
        if in_time {
            assert_eq!(files.killed().unwrap(), None);
            drop(child.stdin.take());
            assert!(child.wait().unwrap().success(), "it was left alone");
            continue;
        }
        killed(&files, child);
        let (progress, detail) = over(gone(&files));
        assert_eq!(progress, Progress::Unknown, "what it began elsewhere may go on");
        let told = "the program was started, but its supervisor ended without an outcome (what it had started did not end in \
                    time and was killed by the agent), and the program (process ";
        assert!(detail.starts_with(told), "{detail}");
    }
}

#[test]
fn what_nobody_told_of_is_killed_in_its_session_when_its_time_is_over() {
    let mut child = program(true);
    // It leads its session once it echoes.
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"x").unwrap();
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0]).unwrap();
    let leader = serde_json::to_string(&process::mark(child.id()).unwrap()).unwrap();
    let (_state, files) = State::orphaned(LONG, &leader);
    assert_eq!(look(&files).unwrap(), Look::Running);
    assert_eq!(child.try_wait().unwrap(), None, "in time");
    let (_state, files) = State::orphaned(Duration::ZERO, &leader);
    assert_eq!(look(&files).unwrap(), Look::Running);
    killed(&files, child);
    let (progress, detail) = over(gone(&files));
    assert_eq!(progress, Progress::Unknown);
    let told = "the program's supervisor ended before it told whether it had started the program (what it had started did not \
                end in time and was killed by the agent)";
    assert_eq!(detail, told);
}

#[test]
fn what_does_not_die_is_not_waited_for() {
    let (_state, files) = State::orphaned(Duration::ZERO, "supervisor");
    // It leads no group that could be killed.
    let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
    files.write_program(&process::mark(child.id()).unwrap()).unwrap();
    assert_eq!(look(&files).unwrap(), Look::Running);
    assert_eq!(look(&files).unwrap(), Look::Running, "it may take a moment");
    let refused = || Err(std::io::ErrorKind::PermissionDenied.into());
    assert!(overdue::look(&files, refused).is_err(), "nor may it be killed");
    files.write_killed(Steady::after_boot(Duration::ZERO)).unwrap();
    let (progress, detail) = over(gone(&files));
    assert_eq!(progress, Progress::Unknown);
    assert_eq!(over(overdue::look(&files, refused).unwrap()), (progress, detail.clone()));
    let told = "the program's supervisor ended, and what it had started did not end in time and was killed by the agent; it was \
                still there 10s later";
    assert_eq!(detail, told);
    drop(child.stdin.take());
    child.wait().unwrap();
}

/// Such as by a person who made room on a full disk. Said never to have been started, it would be offered again beside what runs.
#[test]
fn of_an_act_whose_files_are_gone_it_is_not_known_whether_its_program_runs() {
    let state = State::new();
    state.written(&["cat"], BootId::present().unwrap(), LONG);
    let (files, place) = (state.files(), state.0.join("acts/e-1"));
    let told = format!(
        "what was written down of this act in {} is gone, so whether its program was started, runs or has ended is not known; \
         look at the host",
        place.display()
    );
    std::fs::remove_dir_all(&place).unwrap();
    assert_eq!(look_or_claim(&files, false).unwrap(), Look::Unclaimed, "as long as its supervisor runs");
    assert_eq!(over(look_or_claim(&files, true).unwrap()), (Progress::Unknown, told.clone()));
    assert!(!place.exists());
    std::fs::create_dir(&place).unwrap();
    assert_eq!(
        over(look_or_claim(&files, true).unwrap()),
        (Progress::Unknown, told),
        "also where only the files are gone"
    );

    state.written(&["cat"], BootId::present().unwrap(), LONG);
    assert_eq!(over(look_or_claim(&files, true).unwrap()), (Progress::Refused, NO_SUPERVISOR.to_owned()));
}

#[test]
fn what_of_an_act_cannot_be_read_is_said() {
    let state = State::new();
    std::fs::create_dir_all(state.0.join("acts/e-1/spec.json")).unwrap();
    let error = run_act(&state.0, &State::id()).unwrap_err().to_string();
    assert_eq!(error, "act e-1: reading the specification: Is a directory (os error 21)");

    let state = State::new();
    let script = format!("rm {}", state.0.join("acts/e-1/output").display());
    let told =
        "program p: ended with exit status: 0\nits output cannot be read: No such file or directory (os error 2)";
    assert_eq!(over(state.run(&[&script], LONG)), (Progress::Finished { exit_code: 0 }, told.to_owned()));

    let (state, files) = State::orphaned(LONG, "supervisor");
    std::fs::create_dir(state.0.join("acts/e-1/supervisor-error")).unwrap();
    let why = "(why cannot be read: Is a directory (os error 21))";
    let told = format!("the program's supervisor ended before it told whether it had started the program {why}");
    assert_eq!(over(gone(&files)), (Progress::Unknown, told));
    // Nothing runs that started at another time than this process.
    let mut program = process::mark(std::process::id()).unwrap();
    program.start += 1;
    files.write_program(&program).unwrap();
    let told = format!(
        "the program was started, but its supervisor ended without an outcome {why}, and the program (process {}) is gone; its \
         output: cannot be read: No such file or directory (os error 2)",
        program.pid
    );
    assert_eq!(over(look(&files).unwrap()), (Progress::Unknown, told));
}
