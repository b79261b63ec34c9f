//! What the benches share: a laboratory of their own, themselves run again on its network, and what they measure with.

pub mod large;

use crate::lab::{CLIENT, Lab, LabError};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// The argument that tells a bench which part of itself to run on the laboratory's network.
const PART: &str = "--part";

/// A laboratory that lives as long as this value; one that the environment names is used and left alone.
pub struct Bench {
    /// The laboratory.
    pub lab: Lab,
    own: Option<PathBuf>,
}

impl Bench {
    /// Brings up a laboratory with these options of `tests/lab/lab up`.
    ///
    /// # Errors
    /// [`LabError`].
    pub fn up(options: &[&str]) -> Result<Self, LabError> {
        if std::env::var_os(crate::lab::VARIABLE).is_some() {
            return Ok(Self { lab: Lab::from_env()?, own: None });
        }
        let dir = std::env::temp_dir().join(format!("sendgate-bench.{}", std::process::id()));
        // What a failed start leaves behind is taken down as well.
        let mut bench = Guard(Some(dir.clone()));
        let mut command = Command::new(Lab::programs().join("lab"));
        command.arg("up").arg(&dir).args(options);
        let status = command.status().map_err(|source| LabError::Start { command: "lab up".to_owned(), source })?;
        if !status.success() {
            return Err(LabError::Failed { command: "lab up".to_owned(), status, complaint: String::new() });
        }
        let lab = Lab::open(&dir)?;
        Ok(Self { lab, own: bench.0.take() })
    }

    /// This program again, on the laboratory's network, to run `part` of itself.
    ///
    /// # Errors
    /// The program does not know where it is.
    pub fn part(&self, part: &str) -> std::io::Result<Command> {
        let mut command = self.lab.command(CLIENT, [std::env::current_exe()?.into_os_string()]);
        command.args([PART, part]).env(crate::lab::VARIABLE, &self.lab.description.dir);
        Ok(command)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        drop(Guard(self.own.take()));
    }
}

struct Guard(Option<PathBuf>);

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(dir) = &self.0 else { return };
        let down = Command::new(Lab::programs().join("lab")).arg("down").arg(dir).status();
        if !down.is_ok_and(|status| status.success()) {
            eprintln!("the laboratory in {} could not be removed", dir.display());
        }
    }
}

/// The part of itself that this program was told to run, if it was.
#[must_use]
pub fn part() -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != PART);
    arguments.next().and_then(|_| arguments.next())
}

/// How long a command takes, from its start to its end.
///
/// # Errors
/// It cannot be started, or ends with a failure; the text says which.
pub fn timed(command: &mut Command) -> Result<Duration, String> {
    let shown = format!("{command:?}").chars().take(120).collect::<String>();
    let begin = Instant::now();
    let status = command.status().map_err(|error| format!("{shown}: {error}"))?;
    let time = begin.elapsed();
    if status.success() { Ok(time) } else { Err(format!("{shown}: {status}")) }
}

/// The most memory that this process ever had resident, in megabytes (`VmHWM`).
///
/// # Errors
/// `/proc/self/status` does not say.
pub fn peak_megabytes() -> Result<f64, String> {
    let status = std::fs::read_to_string("/proc/self/status").map_err(|error| error.to_string())?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes =
        line.and_then(|line| line.trim().strip_suffix(" kB")).and_then(|text| text.trim().parse::<f64>().ok());
    kilobytes.map(|kilobytes| kilobytes / 1024.0).ok_or_else(|| "/proc/self/status names no VmHWM".to_owned())
}

/// The middle one of some times; of an even number the later of the two in the middle.
#[must_use]
pub fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        let times = [5, 1, 9, 3, 7].map(Duration::from_secs);
        assert_eq!(median(&times), Duration::from_secs(5));
        assert_eq!(median(&times[..4]), Duration::from_secs(5));
    }

    #[test]
    fn memory_is_measured() {
        let before = peak_megabytes().expect("Linux says");
        let block = vec![1_u8; 64 << 20];
        assert!(peak_megabytes().expect("Linux says") > before + 32.0, "{}", block.len());
    }

    #[test]
    fn a_command_that_fails_is_no_measurement() {
        assert!(timed(&mut Command::new("true")).is_ok());
        assert!(timed(&mut Command::new("false")).unwrap_err().contains("exit status: 1"));
    }
}
