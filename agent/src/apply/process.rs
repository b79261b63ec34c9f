//! Finding a process again (Linux, `/proc/PID/stat`, see proc(5)).

use std::io;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal};

use crate::clock::BootId;
use crate::journal::ProcessMark;

/// Marks a process that is there now.
pub(crate) fn mark(pid: u32) -> io::Result<ProcessMark> {
    let stat = stat(pid)?.ok_or(io::ErrorKind::NotFound)?;
    Ok(ProcessMark { pid, start: stat.start, boot: BootId::present()? })
}

/// Whether that very process still runs. One that has ended and is only not collected yet does not.
pub(crate) fn runs(mark: &ProcessMark) -> io::Result<bool> {
    if BootId::present()? != mark.boot {
        return Ok(false);
    }
    Ok(stat(mark.pid)?.is_some_and(|stat| stat.start == mark.start && stat.runs()))
}

/// Whether anything still runs in the session that this process made: it itself, what it started, and what came of that.
pub(crate) fn session_runs(leader: &ProcessMark) -> io::Result<bool> {
    Ok(!in_session(leader)?.is_empty())
}

/// Kills what still runs in the session that this process made; one that may not be killed saves none of the others.
pub(crate) fn kill_session(leader: &ProcessMark) -> io::Result<()> {
    let mut all = Ok(());
    for (id, seen) in in_session(leader)? {
        let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) else { continue };
        // Held first and looked at again: the id may be another's by now.
        let held = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(held) => held,
            Err(Errno::SRCH) => continue,
            Err(error) => return Err(error.into()),
        };
        if stat(id)?.is_some_and(|now| (now.start, now.session) == (seen.start, seen.session)) {
            all = all.and(gone_is_good(pidfd_send_signal(held, Signal::KILL)));
        }
    }
    all
}

/// Kills that very process, if it still runs, with all that is in the group which it leads.
pub(crate) fn kill_group(leader: &ProcessMark) -> io::Result<()> {
    match i32::try_from(leader.pid).ok().and_then(Pid::from_raw) {
        Some(group) if runs(leader)? => gone_is_good(kill_process_group(group, Signal::KILL)),
        _ => Ok(()),
    }
}

fn gone_is_good(killed: rustix::io::Result<()>) -> io::Result<()> {
    match killed {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn in_session(leader: &ProcessMark) -> io::Result<Vec<(u32, Stat)>> {
    let mut found = Vec::new();
    // The system gives an id to nobody else as long as a session has it.
    if BootId::present()? != leader.boot || stat(leader.pid)?.is_some_and(|stat| stat.start != leader.start) {
        return Ok(found);
    }
    for entry in std::fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(stat) = stat(pid)?.filter(|stat| stat.session == leader.pid && stat.runs()) {
            found.push((pid, stat));
        }
    }
    Ok(found)
}

/// What the system says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    state: char,
    session: u32,
    start: u64,
}

impl Stat {
    fn runs(self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }
}

/// `None`: there is no such process.
fn stat(pid: u32) -> io::Result<Option<Stat>> {
    let text = match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        // The process ended while its file was read.
        Err(error) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => return Ok(None),
        Err(error) => return Err(error),
    };
    let stat = parse(&text).ok_or_else(|| io::Error::other(format!("/proc/{pid}/stat is not as proc(5) says")))?;
    Ok(Some(stat))
}

/// The state (field 3), the session (6) and the start (22); the name in field 2 may hold blanks and brackets.
fn parse(text: &str) -> Option<Stat> {
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let session = fields.nth(2)?.parse().ok()?;
    let start = fields.nth(15)?.parse().ok()?;
    Some(Stat { state, session, start })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_found_again_and_another_is_not_it() {
        let mut me = mark(std::process::id()).unwrap();
        assert!(runs(&me).unwrap());
        me.start += 1;
        assert!(!runs(&me).unwrap(), "the same id at another time is another process");
    }

    #[test]
    fn nothing_of_another_boot_runs() {
        let mut me = mark(std::process::id()).unwrap();
        me.boot = serde_json::from_str("\"another boot\"").unwrap();
        assert!(!runs(&me).unwrap(), "the same id and start in another boot is another process");
        assert!(!session_runs(&me).unwrap());
    }

    #[test]
    fn a_session_runs_until_the_last_of_it_has_ended() {
        // The leader starts another process and ends; that one ends with its input.
        let mut leader = std::process::Command::new("setsid")
            .args(["sh", "-c", "exec 3<&0; cat <&3 & echo up; wait"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = [0; 3];
        io::Read::read_exact(leader.stdout.as_mut().unwrap(), &mut told).unwrap();
        let mut it = mark(leader.id()).unwrap();
        let input = leader.stdin.take();
        leader.kill().unwrap();
        leader.wait().unwrap();
        assert!(!runs(&it).unwrap());
        assert!(session_runs(&it).unwrap(), "what it started outlives it");
        drop(input);
        let begin = std::time::Instant::now();
        while session_runs(&it).unwrap() {
            assert!(begin.elapsed() < std::time::Duration::from_secs(60), "it ends with its input");
            std::thread::yield_now();
        }
        it = mark(std::process::id()).unwrap();
        it.start += 1;
        assert!(!session_runs(&it).unwrap(), "the id of its leader is another process's");
    }

    #[test]
    fn a_process_that_was_collected_is_gone() {
        let mut child = std::process::Command::new("/bin/cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let it = mark(child.id()).unwrap();
        assert!(runs(&it).unwrap());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!runs(&it).unwrap());
    }

    #[test]
    fn names_with_brackets() {
        let text = "7 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20";
        assert_eq!(parse(text), Some(Stat { state: 'S', session: 3, start: 4242 }));
    }
}
