//! Runs the named programs that look at a host, and reads what they print. There is no shell anywhere.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustix::process::{Pid, Signal, kill_process_group};
use sendgate_proto::v1;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::config::{Command, ProgramName};

/// The most that a program may print: a list of some hundred patches has a few kilobytes.
const MAX_OUTPUT_BYTES: u64 = 64 * 1024;
/// How far a service's start may lie ahead of this machine's clock: as far as two clocks may be apart.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// How much of what a failing program wrote to its standard error goes into the report.
const MAX_COMPLAINT_CHARS: usize = 300;

/// Why a program told nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It could not be started.
    #[error("program {name}: cannot start {}: {source}; correct programs.{name}.program", file.display())]
    Start {
        /// Of the configuration.
        name: ProgramName,
        /// What was to be started.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// What it prints could not be read.
    #[error("program {name}: cannot read what it prints: {source}")]
    Read {
        /// Of the configuration.
        name: ProgramName,
        /// What the system says.
        source: std::io::Error,
    },
    /// It was killed for taking too long.
    #[error("program {name}: did not end within {timeout:?} and was killed; see why, or set programs.{name}.timeout")]
    Timeout {
        /// Of the configuration.
        name: ProgramName,
        /// What it had.
        timeout: Duration,
    },
    /// It failed.
    #[error("program {name}: ended with {status}: {complaint}")]
    Failed {
        /// Of the configuration.
        name: ProgramName,
        /// How it ended.
        status: ExitStatus,
        /// The end of its standard error.
        complaint: String,
    },
    /// It printed something else than expected.
    #[error("program {name}: {problem}")]
    Output {
        /// Of the configuration.
        name: ProgramName,
        /// What is wrong with it.
        problem: String,
    },
}

/// Runs a program to its end and returns what it printed.
///
/// # Errors
/// When it cannot be started, takes too long, fails, or prints too much or no UTF-8.
pub async fn output(command: &Command) -> Result<String, ProgramError> {
    let name = &command.name;
    let mut child = tokio::process::Command::new(&command.file)
        .args(&command.arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own, so that a timeout reaches whatever the program started.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| ProgramError::Start { name: name.clone(), file: command.file.clone(), source })?;
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let everything = async {
        let (out, err, status) = tokio::join!(bounded(stdout), bounded(stderr), child.wait());
        Ok::<_, std::io::Error>((out?, err?, status?))
    };
    let ended = tokio::time::timeout(command.timeout, everything).await;
    let (out, err, status) = match ended {
        Ok(ended) => ended.map_err(|source| ProgramError::Read { name: name.clone(), source })?,
        Err(_) => {
            if let Some(group) = group {
                // Fails only when the group is gone, which is what is wanted.
                let _ = kill_process_group(group, Signal::KILL);
            }
            return Err(ProgramError::Timeout { name: name.clone(), timeout: command.timeout });
        }
    };
    if !status.success() {
        return Err(ProgramError::Failed { name: name.clone(), status, complaint: last_words(&err) });
    }
    let wrong = |problem| ProgramError::Output { name: name.clone(), problem };
    if out.len() as u64 > MAX_OUTPUT_BYTES {
        return Err(wrong(format!("printed more than {MAX_OUTPUT_BYTES} bytes")));
    }
    String::from_utf8(out).map_err(|_| wrong("printed something that is not UTF-8".to_owned()))
}

/// Reads everything, keeps one byte more than is allowed: a program must not wait for us to read.
async fn bounded(from: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    if let Some(mut from) = from {
        (&mut from).take(MAX_OUTPUT_BYTES + 1).read_to_end(&mut kept).await?;
        tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
    }
    Ok(kept)
}

/// The end of a program's complaint, in one line.
fn last_words(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let words: Vec<_> = text.split_whitespace().collect();
    let line = words.join(" ");
    let skipped = line.chars().count().saturating_sub(MAX_COMPLAINT_CHARS);
    if line.is_empty() {
        "it wrote nothing to its standard error".to_owned()
    } else {
        line.chars().skip(skipped).collect()
    }
}

/// Reads the answer of a status program: `state:`, `account:`, and `started:` (RFC 3339) while it is running. `now` is the
/// time by this machine's clock.
///
/// # Errors
/// Says which line is missing or not understood, or cannot be true.
pub fn service(name: &str, output: &str, now: Timestamp) -> Result<v1::Service, String> {
    let (mut state, mut account, mut started) = (None, None, None);
    for line in output.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (key, value) = line.split_once(':').ok_or_else(|| format!("the line {line:?} is not \"key: value\""))?;
        let value = value.trim();
        let slot = match key.trim() {
            "state" => &mut state,
            "account" => &mut account,
            "started" => &mut started,
            other => return Err(format!("the key {other:?} is not one of state, account, started")),
        };
        if slot.replace(value).is_some() {
            return Err(format!("the key {:?} is there twice", key.trim()));
        }
    }
    let state = match state.ok_or("there is no line \"state: …\"")? {
        "running" => v1::service::State::Running,
        "stopped" => v1::service::State::Stopped,
        "starting" => v1::service::State::Starting,
        "stopping" => v1::service::State::Stopping,
        other => return Err(format!("the state {other:?} is not one of running, stopped, starting, stopping")),
    };
    let account = account.ok_or("there is no line \"account: …\" (leave its value empty where it cannot be read)")?;
    let started = started
        .filter(|text| !text.is_empty())
        .map(|text| text.parse::<Timestamp>().map_err(|_| format!("the start {text:?} is not a time of RFC 3339")))
        .transpose()?;
    if state == v1::service::State::Running && started.is_none() {
        return Err("the service is running, but there is no line \"started: …\"".to_owned());
    }
    if let Some(started) = started
        && started.duration_since(now) > AHEAD
    {
        // A start in the future would have no pause count that was logged until then.
        return Err(format!(
            "the start {started} is still to come, for it is {now}: print \"started: \" with the time's own offset, or in UTC \
             with a Z, such as {now:.0}, and see that this host's clock and the service's are right"
        ));
    }
    Ok(v1::Service {
        name: name.to_owned(),
        state: state.into(),
        logon_account: account.to_owned(),
        started_at_ms: started.filter(|_| state == v1::service::State::Running).map(Timestamp::as_millisecond),
        error: None,
    })
}

/// Reads the answer of a mounted program: `mounted: yes` or `mounted: no`.
///
/// # Errors
/// When it is anything else.
pub fn mounted(output: &str) -> Result<bool, String> {
    match output.trim().split_once(':').map(|(key, value)| (key.trim(), value.trim())) {
        Some(("mounted", "yes")) => Ok(true),
        Some(("mounted", "no")) => Ok(false),
        _ => Err(format!("printed {:?}, expected \"mounted: yes\" or \"mounted: no\"", shortened(output))),
    }
}

/// Reads the answer of a patches program: one name in each line; no line is no patch.
///
/// # Errors
/// When a line is no name.
pub fn patches(output: &str) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for line in output.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if !line.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
            return Err(format!("the line {:?} is not the name of a patch, such as KB926666", shortened(line)));
        }
        names.push(line.to_owned());
    }
    names.sort();
    names.dedup();
    Ok(names)
}

fn shortened(text: &str) -> String {
    text.trim().chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, timeout: Duration) -> Command {
        Command {
            name: ProgramName::new("look").unwrap(),
            file: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            timeout,
        }
    }

    async fn fails(script: &str, timeout: Duration) -> String {
        output(&sh(script, timeout)).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn only_a_good_end_counts() {
        let long = Duration::from_secs(30);
        assert_eq!(output(&sh("echo hello", long)).await.unwrap(), "hello\n");
        assert_eq!(
            fails("echo running; echo 'no such  service' >&2; exit 3", long).await,
            "program look: ended with exit status: 3: no such service"
        );
        assert_eq!(
            fails("exit 4", long).await,
            "program look: ended with exit status: 4: it wrote nothing to its standard error"
        );
        assert_eq!(
            fails("yes", Duration::from_millis(200)).await,
            "program look: did not end within 200ms and was killed; see why, or set programs.look.timeout"
        );
        assert_eq!(fails("head -c 70000 /dev/zero", long).await, "program look: printed more than 65536 bytes");
        assert_eq!(fails(r"printf '\377'", long).await, "program look: printed something that is not UTF-8");
        let mut missing = sh("", long);
        missing.file = "/nonexistent".into();
        assert_eq!(
            output(&missing).await.unwrap_err().to_string(),
            "program look: cannot start /nonexistent: No such file or directory (os error 2); correct \
             programs.look.program"
        );
    }

    #[test]
    fn a_status_is_understood_whole_or_not_at_all() {
        let now = "2026-11-24T08:00:00Z".parse().unwrap();
        let service = |name: &str, output: &str| service(name, output, now);
        let good = service("GoodLink", "state: running\naccount: A\\good\nstarted: 2026-11-24T08:00:00Z\n").unwrap();
        assert_eq!((good.state(), good.logon_account.as_str()), (v1::service::State::Running, "A\\good"));
        assert_eq!(good.started_at_ms, Some(1_795_507_200_000));
        assert_eq!(service("g", "state: stopped\naccount:\n").unwrap().started_at_ms, None);
        let wrong = |text: &str| service("g", text).unwrap_err();
        assert_eq!(wrong(""), "there is no line \"state: …\"");
        assert_eq!(wrong("ok"), "the line \"ok\" is not \"key: value\"");
        assert_eq!(
            wrong("state: up\naccount: a"),
            "the state \"up\" is not one of running, stopped, starting, stopping"
        );
        assert_eq!(wrong("state: running\nstate: stopped"), "the key \"state\" is there twice");
        assert_eq!(wrong("state: running\npid: 7"), "the key \"pid\" is not one of state, account, started");
        assert_eq!(
            wrong("state: running\naccount: a\n"),
            "the service is running, but there is no line \"started: …\""
        );
        assert_eq!(
            wrong("state: running\naccount: a\nstarted: today"),
            "the start \"today\" is not a time of RFC 3339"
        );
        assert_eq!(
            wrong("state: running\n"),
            "there is no line \"account: …\" (leave its value empty where it cannot be read)"
        );
        // An hour ahead: local time, printed as if it were UTC.
        assert_eq!(
            wrong("state: running\naccount: a\nstarted: 2026-11-24T09:00:00Z"),
            "the start 2026-11-24T09:00:00Z is still to come, for it is 2026-11-24T08:00:00Z: print \"started: \" with the \
             time's own offset, or in UTC with a Z, such as 2026-11-24T08:00:00Z, and see that this host's clock and the \
             service's are right"
        );
        assert!(service("g", "state: running\naccount: a\nstarted: 2026-11-24T09:00:00+01:00").is_ok());
        assert!(service("g", "state: running\naccount: a\nstarted: 2026-11-24T08:04:59Z").is_ok(), "clocks differ");
    }

    #[test]
    fn mounted_and_patches() {
        assert_eq!(mounted("mounted: yes\n"), Ok(true));
        assert_eq!(mounted("mounted: no"), Ok(false));
        assert_eq!(mounted("").unwrap_err(), "printed \"\", expected \"mounted: yes\" or \"mounted: no\"");
        assert_eq!(patches("KB926666\n\nKB916803\n").unwrap(), ["KB916803", "KB926666"]);
        assert_eq!(patches("").unwrap(), Vec::<String>::new());
        assert_eq!(
            patches("error: no such host").unwrap_err(),
            "the line \"error: no such host\" is not the name of a patch, such as KB926666"
        );
    }
}
