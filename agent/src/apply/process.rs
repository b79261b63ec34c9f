//! Finding a process again (Linux, `/proc/PID/stat`, see proc(5)).

use std::io;

use crate::clock::BootId;
use crate::journal::ProcessMark;

/// Marks a process that is there now.
pub(crate) fn mark(pid: u32) -> io::Result<ProcessMark> {
    let (_, start) = stat(pid)?;
    Ok(ProcessMark { pid, start, boot: BootId::present()? })
}

/// Whether that very process still runs. One that has ended and is only not collected yet does not.
pub(crate) fn runs(mark: &ProcessMark) -> io::Result<bool> {
    if BootId::present()? != mark.boot {
        return Ok(false);
    }
    match stat(mark.pid) {
        Ok((state, start)) => Ok(start == mark.start && !matches!(state, 'Z' | 'X')),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        // The process ended while its file was read.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => Ok(false),
        Err(error) => Err(error),
    }
}

fn stat(pid: u32) -> io::Result<(char, u64)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    parse(&text).ok_or_else(|| io::Error::other(format!("/proc/{pid}/stat is not as proc(5) says")))
}

/// The state (field 3) and the start (field 22); the name in field 2 may hold blanks and brackets.
fn parse(text: &str) -> Option<(char, u64)> {
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let start = fields.nth(18)?.parse().ok()?;
    Some((state, start))
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
        assert_eq!(parse(text), Some(('S', 4242)));
    }
}
