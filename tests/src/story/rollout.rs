//! Grants, waits, installs, restarts; and the operator who waives two users.

use super::journal::Follower;
use super::scene::{domains, paused, surveyed};
use super::{Teller, gates, trip};
use crate::rollout_file::RolloutFile;
use crate::system::{GrantMode, HOTFIX_NAME, HOTFIX_TEXT, Layout, System, SystemError};
use sendgate_core::ledger::RolloutState;
use sendgate_core::view::{GateView, PlanView, RolloutView, StatusView};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// From the start of a rollout to its end: about 90 s on an idle machine.
const LIMIT: Duration = Duration::from_secs(240);
/// Seconds from the filing of a rollout until its window opens, and until it closes.
const OPENS: i64 = 15;
const CLOSES: i64 = 900;
/// Between two looks.
const EVERY: Duration = Duration::from_millis(500);
/// Waits count down in steps of this.
const COUNTDOWN: Duration = Duration::from_secs(5);
/// Whom the operator excepts, with the reason that he gives.
pub(super) const WAIVED: [(&str, &str); 2] = [
    (
        "admin1",
        "administrator: AdminSDHolder would take a grant away within the hour; he gets a second mailbox (change 4711)",
    ),
    ("denied1", "the deny on him is the legal department's wish and stays (ticket 0815)"),
];

pub(super) fn run(teller: &Teller, system: &mut System, follower: &mut Follower) -> Result<(), SystemError> {
    teller.chapter(
        "An operator lets grants be written (grants.mode = \"apply\"), and files a rollout in two waves for tonight's window",
    );
    system.coordinator.stop()?;
    system.set_grants(GrantMode::Apply)?;
    system.start_coordinator()?;
    surveyed(system)?;
    file(teller, system, "spring")?;
    let mut shown = BTreeMap::new();
    let mut watch = |name, end, system: &mut System| {
        let watch =
            Watch { teller, system, follower, shown: &mut shown, counted: Instant::now(), waived: false, name, end };
        watch.until_the_end()
    };
    watch("spring", End::Removed, system)?;
    trip::mend(teller, system)?;
    teller.chapter("The cause is mended: the same two waves once more, under another name");
    file(teller, system, "summer")?;
    watch("summer", End::Finished, system)
}

/// Checks, foresees, files, approves and starts a rollout.
fn file(teller: &Teller, system: &System, name: &str) -> Result<(), SystemError> {
    let file = waves(system, name)?;
    system.write_rollout(&file)?;
    let path = Layout::text(&system.layout.rollout(name));
    teller.raw(&system.cli(&["rollout", "lint", &path])?.good()?.stdout);
    system.apply(&file)?.good()?;
    teller.say(&format!(
        "sendgate rollout apply {name}.toml; and once more: {}",
        system.apply(&file)?.good()?.stdout.trim()
    ));
    system.cli(&["rollout", "start", name])?.good()?;
    let why = system.cli(&["rollout", "why", name, "exa1"])?.good()?;
    teller.say(&format!("sendgate rollout why {name} exa1: {}", why.stdout.trim()));
    let form = read_form(system, name)?;
    let approve = ["approve", "rollout", name, form.as_str(), "--reason", "seen in the change board"];
    let refused = system.cli(&approve)?;
    if refused.code == Some(0) {
        return Err(refused.unexpected("the operator approved it himself".to_owned()));
    }
    teller.say(&format!("the operator cannot approve it: {}", refused.stderr.trim()));
    system.approver_cli(&approve)?.good()?;
    teller.say(&format!(
        "somebody else approves it: sendgate approve rollout {name} {form} --reason \"seen in the change board\""
    ));
    let plan = system.cli(&["plan", name])?.good()?;
    teller.raw(&plan.stdout);
    Ok(())
}

/// The digest of the form that whoever approves it has read.
fn read_form(system: &System, name: &str) -> Result<String, SystemError> {
    let shown = system.cli(&["rollout", "show", name])?.good()?;
    let form = shown.stdout.lines().find_map(|line| line.strip_prefix("  form     ")).map(str::to_owned);
    form.ok_or_else(|| shown.unexpected("no form".to_owned()))
}

/// EXA1 as the canary, then the others; in a window that opens soon, with the times that the laboratory takes.
fn waves(system: &System, name: &str) -> Result<RolloutFile, SystemError> {
    let servers = system.plan.domains.iter().flat_map(|domain| domain.stores.iter().map(|store| store.server.clone()));
    let (canary, rest): (Vec<String>, Vec<String>) = servers.partition(|server| server == "EXA1");
    let mut file = RolloutFile::one_by_one(name, (HOTFIX_NAME, &digest(system)?, HOTFIX_TEXT), &[]);
    file.waves = vec![("canary".to_owned(), canary), ("rest".to_owned(), rest)];
    file.keys = "approvals = 1\non_trip = \"remove\"\n".to_owned();
    let now = jiff::Timestamp::now();
    let local = |seconds: i64| {
        let moment = now.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(now);
        moment.strftime("%Y-%m-%dT%H:%M:%S").to_string()
    };
    // The canary is watched for as long as the laboratory's users need to be seen sending.
    file.soak = Some("20s".to_owned());
    file.tables = format!(
        "[expected]\ninstall = \"4s\"\nrestart = \"2s\"\nremoval = \"4s\"\n[[window]]\nname = \"tonight\"\nfrom = {:?}\n\
         to = {:?}\nzone = \"UTC\"\ncutoff = \"10s\"\n",
        local(OPENS),
        local(CLOSES)
    );
    Ok(file)
}

fn digest(system: &System) -> Result<String, SystemError> {
    let package = system.layout.package(HOTFIX_NAME).to_string_lossy().into_owned();
    let output = system.run(std::path::Path::new("/usr/bin/sha256sum"), &[&package])?.good()?;
    let digest = output.stdout.split_whitespace().next().map(str::to_owned);
    digest.ok_or_else(|| output.unexpected("no digest".to_owned()))
}

/// How a rollout is to end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Finished,
    /// It trips, for somebody sees to that, and its hotfix is removed.
    Removed,
}

struct Watch<'a> {
    teller: &'a Teller,
    system: &'a System,
    follower: &'a mut Follower,
    /// What was told last of each subject.
    shown: &'a mut BTreeMap<String, String>,
    counted: Instant,
    waived: bool,
    name: &'a str,
    end: End,
}

impl Watch<'_> {
    fn until_the_end(mut self) -> Result<(), SystemError> {
        let begin = Instant::now();
        loop {
            let last = match self.look()? {
                None => return Ok(()),
                Some(last) => last,
            };
            if begin.elapsed() > LIMIT {
                return Err(SystemError::Late { what: "the end of the rollout".to_owned(), limit: LIMIT, last });
            }
            std::thread::sleep(EVERY);
        }
    }

    /// One look at everything; what is still missing, or nothing at the end.
    fn look(&mut self) -> Result<Option<String>, SystemError> {
        self.follower.tell(self.teller, self.system)?;
        let status: StatusView = self.system.view(&["status"])?;
        for goodlink in &status.paused {
            let text = match &goodlink.users {
                Err(why) => format!("pauses of {} are not known: {why}", goodlink.goodlink),
                Ok(users) if users.is_empty() => format!("{}: nobody is paused", goodlink.goodlink),
                Ok(users) if users.len() <= 3 => {
                    let users: Vec<_> = users.keys().map(ToString::to_string).collect();
                    format!("{}: paused are {}", goodlink.goodlink, users.join(", "))
                }
                Ok(users) => format!("{}: {} users are paused", goodlink.goodlink, users.len()),
            };
            self.changed(&format!("paused {}", goodlink.goodlink), text);
        }
        let due = self.counted.elapsed() >= COUNTDOWN;
        if due {
            self.counted = Instant::now();
        }
        for name in domains(self.system)? {
            self.gate(&name, due)?;
        }
        if due {
            self.remedies()?;
        }
        let rollout: RolloutView = self.system.view(&["rollout", "show", self.name])?;
        for host in &rollout.hosts {
            let phase = host.phase.split(',').next().unwrap_or_default();
            let reason = host.reasons.iter().find(|reason| reason.contains("window") || reason.contains("cutoff"));
            let why = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
            self.changed(&format!("host {}", host.progress.host), format!("{}: {phase}{why}", host.progress.host));
            let watched = host.phase.starts_with("soaking") && host.progress.host.as_str() == "exa1";
            if watched && self.end == End::Removed && !self.shown.contains_key("trip") {
                trip::cause(self.teller, self.system)?;
                self.shown.insert("trip".to_owned(), String::new());
            }
        }
        match (&rollout.lifecycle, self.end) {
            (RolloutState::Finished, End::Finished) => Ok(self.left()),
            (RolloutState::Removed, End::Removed) => Ok(None),
            // On its way to the removal.
            (RolloutState::Tripped { .. }, End::Removed) => Ok(Some(rollout.state)),
            (RolloutState::Tripped { .. } | RolloutState::Aborted { .. } | RolloutState::Removed, _)
            | (RolloutState::Finished, End::Removed) => Err(SystemError::Unexpected {
                command: format!("rollout {}", self.name),
                problem: "it is not to stop".to_owned(),
                text: rollout.state,
            }),
            _ => Ok(Some(format!("the rollout is {}", rollout.state))),
        }
    }

    /// A gate: told when its reasons change in kind, and every few seconds while time passes.
    fn gate(&mut self, name: &str, due: bool) -> Result<(), SystemError> {
        let gate: GateView = self.system.view(&["gate", "check", name])?;
        let kinds: BTreeSet<_> =
            gate.reasons.iter().map(|line| std::mem::discriminant(&line.reason)).map(|d| format!("{d:?}")).collect();
        let kind = format!("{:?} {kinds:?}", gate.state);
        let waiting = gate.reasons.iter().any(|line| line.text.contains("from now"));
        if self.shown.get(name) != Some(&kind) || (due && waiting) {
            self.teller.say(&gates::lines(&gate));
            self.shown.insert(name.to_owned(), kind);
        }
        let wanted: Vec<String> = WAIVED.iter().map(|(user, _)| format!("{user}@{name}")).collect();
        if !self.waived && gates::only_users(&gate) == Some(wanted) {
            self.waive()?;
        }
        Ok(())
    }

    /// Why a GoodLink server with paused users is not restarted yet, while that is a matter of time.
    fn remedies(&self) -> Result<(), SystemError> {
        let plan: PlanView = self.system.view(&["plan"])?;
        for (goodlink, reasons) in &plan.remedies {
            for reason in reasons.iter().filter(|reason| reason.ends_with(" to go")) {
                self.teller.say(&format!("{goodlink} is not restarted yet, {reason}"));
            }
        }
        Ok(())
    }

    fn waive(&mut self) -> Result<(), SystemError> {
        self.teller
            .chapter("Two users are left, for reasons that no grant of ours may touch: the operator waives them");
        for (user, reason) in WAIVED {
            self.system.cli(&["waive", user, "--reason", reason, "--expires", "72h"])?.good()?;
            self.teller.say(&format!("sendgate waive {user} --reason \"{reason}\" --expires 72h"));
        }
        self.waived = true;
        Ok(())
    }

    fn changed(&mut self, subject: &str, text: String) {
        if self.shown.get(subject) != Some(&text) {
            self.teller.say(&text);
            self.shown.insert(subject.to_owned(), text);
        }
    }

    /// After the rollout: what GoodLink's pauses must come to.
    fn left(&self) -> Option<String> {
        let waived: BTreeSet<String> = WAIVED.iter().map(|(user, _)| (*user).to_owned()).collect();
        let wanted = [("gla", BTreeSet::new()), ("glb", waived)];
        let wrong = wanted.into_iter().find_map(|(host, wanted)| match paused(self.system, host) {
            Ok(paused) if paused == wanted => None,
            Ok(paused) => Some(format!("on {host} are paused {paused:?}, to be paused are {wanted:?}")),
            Err(error) => Some(error),
        });
        if wrong.is_none() && self.follower.restarts() == 0 {
            return Some("GoodLink was not restarted".to_owned());
        }
        wrong
    }
}
