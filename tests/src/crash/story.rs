//! One system from nothing to the end of its rollout, with one process that ends itself on the way.

use super::laboratory::{DOMAIN, Laboratory};
use super::lanes::{Failure, stopped};
use super::point::Point;
use super::{check, operator, scene};
use crate::system::{Binaries, Process, System, SystemError};
use sendgate_core::ledger::{Entry, RolloutState, Sequence, Stamped};
use sendgate_core::view::{GateState, GateView, StatusView};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A story ends within some 20 s, with the deadline of an act or the end of a pause in it within 100; this is for a busy
/// machine.
const LIMIT: Duration = Duration::from_secs(240);
/// How long a point is waited for when everything else is over.
const REACHED: Duration = Duration::from_secs(5);
/// Between two looks.
const EVERY: Duration = Duration::from_millis(250);
/// The last lines of each log that are told with a violation.
const TAIL: usize = 12;
/// The number of SIGKILL.
const KILLED: i32 = 9;

/// What came of it.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) point: Option<Point>,
    /// What the process wrote before it ended itself; none: the point was not reached.
    pub(super) seen: Option<Vec<u8>>,
    /// Processes that were started again.
    pub(super) restarts: usize,
    /// A person had to look, and let the rollout go on.
    pub(super) asked: bool,
    pub(super) took: Duration,
    pub(super) journal: Vec<(Sequence, Stamped)>,
    /// What must not be; empty: all is well.
    pub(super) wrong: Vec<String>,
    /// The ends of the logs, where something is wrong.
    pub(super) logs: Vec<String>,
}

struct Stage {
    system: System,
    point: Option<Point>,
    seen: PathBuf,
    restarts: usize,
    asked: bool,
    /// Sessions that each agent had had when it was last started.
    sessions: BTreeMap<String, usize>,
}

/// Tells the story that leads over this point, or the one that nothing disturbs.
pub(super) fn tell(
    laboratory: &Laboratory,
    programs: &Binaries,
    dir: &Path,
    point: Option<Point>,
) -> Result<Told, Failure> {
    let begin = Instant::now();
    laboratory.lab.clear_entries(DOMAIN)?;
    let plan = scene::plan(&laboratory.lab)?;
    let system = System::made_of(programs.clone(), laboratory.lab.clone(), dir.to_owned(), plan)?;
    let mut stage =
        Stage { system, point, seen: dir.join("killed"), restarts: 0, asked: false, sessions: BTreeMap::new() };
    let unseen = point.is_some_and(Point::spares_agent);
    let (ended, mut wrong) = match stage.play() {
        Ok(()) => (true, Vec::new()),
        Err(Failure::System(error @ (SystemError::Late { .. } | SystemError::Process { .. }))) => {
            (false, vec![error.to_string()])
        }
        Err(error) => return Err(error),
    };
    let journal = stage.system.journal(Sequence::FIRST).or_else(|error| {
        wrong.push(format!("the journal cannot be read: {error}"));
        Ok::<_, SystemError>(Vec::new())
    })?;
    wrong.extend(check::wrong(&stage.system, &journal, ended, unseen)?);
    let seen = std::fs::read(&stage.seen).ok();
    let logs = if wrong.is_empty() { Vec::new() } else { stage.logs() };
    let (restarts, asked, took) = (stage.restarts, stage.asked, begin.elapsed());
    let told = Told { point, seen, restarts, asked, took, journal, wrong, logs };
    drop(stage);
    std::fs::remove_dir_all(dir).map_err(SystemError::io("remove", dir))?;
    Ok(told)
}

impl Stage {
    fn play(&mut self) -> Result<(), Failure> {
        self.system.start_hosts()?;
        let doomed = self.point.filter(|point| point.process().is_none());
        let variables = doomed.map(|point| point.variables(&self.seen));
        self.system.coordinator.start_with(variables.as_ref().map_or(&[], |all| all.as_slice()))?;
        // Nothing is written before the agents have reported: then there is somebody whom a restart can help.
        scene::paused(&self.system)?;
        let names: Vec<String> = self.system.agents.keys().cloned().collect();
        for name in &names {
            let doomed = self.point.filter(|point| point.process() == Some(name.as_str()));
            let variables = doomed.map(|point| point.variables(&self.seen));
            self.system.agent(name)?.start_with(variables.as_ref().map_or(&[], |all| all.as_slice()))?;
        }
        let begin = Instant::now();
        let mut over: Option<Instant> = None;
        loop {
            stopped()?;
            self.bring_back()?;
            let left = self.left().unwrap_or_else(|error| Some(error.to_string()));
            let Some(last) = left else {
                let since = *over.get_or_insert_with(Instant::now);
                if self.point.is_none() || self.seen.exists() || since.elapsed() > REACHED {
                    return Ok(());
                }
                std::thread::sleep(EVERY);
                continue;
            };
            over = None;
            if begin.elapsed() > LIMIT {
                return Err(SystemError::Late { what: "the end of the story".to_owned(), limit: LIMIT, last }.into());
            }
            std::thread::sleep(EVERY);
        }
    }

    /// Starts again what has ended. Nothing ends but by its point.
    fn bring_back(&mut self) -> Result<(), SystemError> {
        let doomed = self.point.filter(|point| !point.spares_agent() && self.restarts == 0);
        let victim = doomed.map(Point::process);
        if brought_back(&mut self.system.coordinator, victim == Some(None))? {
            self.restarts += 1;
        }
        for (name, process) in &mut self.system.agents {
            if brought_back(process, victim == Some(Some(name.as_str())))? {
                self.restarts += 1;
                self.sessions.insert(name.clone(), sessions(process));
            }
        }
        Ok(())
    }

    /// What is still missing; nothing at the end. An error is of this moment: a process that was asked may be dead.
    fn left(&mut self) -> Result<Option<String>, SystemError> {
        let view = operator::rollout(&self.system)?;
        // Where nobody saw how a program ended and the host shows that it did nothing, the rollout stops by itself, and
        // no machine may decide.
        let stopped = matches!(view.lifecycle, RolloutState::Tripped { .. });
        if stopped && !self.asked && self.point.is_some_and(Point::spares_agent) {
            operator::try_again(&self.system)?;
            self.asked = true;
        }
        if view.lifecycle != RolloutState::Finished {
            let hosts = view
                .hosts
                .iter()
                .map(|host| format!("{} {} ({})", host.progress.host, host.phase, host.reasons.join("; ")));
            return Ok(Some(format!("the rollout is {}: {}", view.state, hosts.collect::<Vec<_>>().join(", "))));
        }
        let journal = self.system.journal(Sequence::FIRST)?;
        let mut open = BTreeSet::new();
        for (sequence, stamped) in &journal {
            match &stamped.entry {
                Entry::Intent { .. } => drop(open.insert(*sequence)),
                Entry::Outcome { intent, .. } => drop(open.remove(intent)),
                _ => {}
            }
        }
        if let Some(intent) = open.first() {
            return Ok(Some(format!("intent {intent} has no outcome")));
        }
        let status: StatusView = self.system.view(&["status"])?;
        for goodlink in &status.paused {
            match &goodlink.users {
                Ok(users) if users.is_empty() => {}
                other => return Ok(Some(format!("on {} are paused {other:?}", goodlink.goodlink))),
            }
        }
        if let Some((host, why)) = status.disrupted.first_key_value() {
            return Ok(Some(format!("{host} is disrupted: {why}")));
        }
        // Open again means that every agent has reported and the domain was read since the coordinator's last start.
        let domain = self.system.lab.domain(DOMAIN)?.name.clone();
        let gate: GateView = self.system.view(&["gate", "check", &domain])?;
        if gate.state != GateState::Open {
            let reasons: Vec<_> = gate.reasons.iter().map(|line| line.text.as_str()).collect();
            return Ok(Some(format!("the gate is closed: {}", reasons.join("; "))));
        }
        for (name, before) in &self.sessions {
            if self.system.agents.get(name).is_some_and(|process| sessions(process) <= *before) {
                return Ok(Some(format!("agent {name} has no session since it was started again")));
            }
        }
        Ok(None)
    }

    fn logs(&self) -> Vec<String> {
        let agents = self.system.agents.iter().map(|(name, process)| (name.as_str(), process));
        let all = std::iter::once(("coordinator", &self.system.coordinator)).chain(agents);
        all.flat_map(|(name, process)| {
            let words = process.words();
            let lines: Vec<_> = words.lines().collect();
            let last = lines[lines.len().saturating_sub(TAIL)..].iter();
            last.map(|line| format!("{name}: {}", line.chars().take(300).collect::<String>())).collect::<Vec<_>>()
        })
        .collect()
    }
}

/// How many sessions an agent has had.
fn sessions(process: &Process) -> usize {
    process.words().lines().filter(|line| line.contains("in session")).count()
}

fn brought_back(process: &mut Process, doomed: bool) -> Result<bool, SystemError> {
    let Some(status) = process.ended()? else { return Ok(false) };
    if !doomed || status.signal() != Some(KILLED) {
        return Err(process.problem(format!("it ended by itself: {status}")));
    }
    process.start()?;
    Ok(true)
}
