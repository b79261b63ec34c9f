//! What must be true at the end of a story, read from the journal, the hosts' own files and the directory.

use super::laboratory::DOMAIN;
use super::scene::{CHANGED, GOODLINK, HOTFIXED};
use crate::lab::Lab;
use crate::system::{Layout, System, SystemError};
use sendgate_core::ledger::{Effect, Entry, Milestone, Outcome, PairEvent, Sequence, Stamped};
use sendgate_core::time::Steady;
use std::collections::BTreeMap;

type Journal = [(Sequence, Stamped)];

/// Everything that must not be. Where the story has not ended, only what must hold at any moment is looked at. `unseen`:
/// a supervisor died, and nobody saw how its program ended. Then the host itself shows what came of the act, and the story
/// does not end before it has.
pub(super) fn wrong(system: &System, journal: &Journal, ended: bool, unseen: bool) -> Result<Vec<String>, SystemError> {
    let mut wrong = Vec::new();
    let intents = intents(journal);
    begun_once(system, &intents, &mut wrong);
    settled_first(system, journal, &mut wrong);
    if !ended {
        return Ok(wrong);
    }
    let verified = system.cli(&["journal", "verify"])?;
    if verified.code != Some(0) {
        wrong.push(format!("journal verify: {}{}", verified.stdout.trim(), verified.stderr.trim()));
    }
    for (sequence, (effect, outcomes)) in &intents {
        // An outcome that was unknown may become known, once; every other one is the last.
        match outcomes.as_slice() {
            [Outcome::Unknown { .. }] if unseen && effect.host().is_some() => {}
            [known] | [Outcome::Unknown { .. }, known] if !matches!(known, Outcome::Unknown { .. }) => {}
            other => wrong.push(format!("intent {sequence} ({effect}) has the outcomes {other:?}")),
        }
    }
    entries(system, &intents, &mut wrong)?;
    Ok(wrong)
}

type Intents<'a> = BTreeMap<Sequence, (&'a Effect, Vec<&'a Outcome>)>;

fn intents(journal: &Journal) -> Intents<'_> {
    let mut intents = Intents::new();
    for (sequence, stamped) in journal {
        match &stamped.entry {
            Entry::Intent { effect } => drop(intents.insert(*sequence, (effect, Vec::new()))),
            Entry::Outcome { intent, outcome } => {
                if let Some((_, outcomes)) = intents.get_mut(intent) {
                    outcomes.push(outcome);
                }
            }
            _ => {}
        }
    }
    intents
}

/// Each program was started once for each act that may have started it, and never for another.
fn begun_once(system: &System, intents: &Intents<'_>, wrong: &mut Vec<String>) {
    for (host, log) in [(CHANGED, "installs.log"), (HOTFIXED, "installs.log"), (GOODLINK, "restarts.log")] {
        let lines = std::fs::read_to_string(system.layout.host(host).join(log)).unwrap_or_default();
        let begun = lines.lines().filter(|line| line.contains(" start ")).count();
        let here = intents.values().filter(|(effect, _)| effect.host().is_some_and(|on| on.to_string() == host));
        let (mut surely, mut perhaps) = (0, 0);
        for (_, outcomes) in here {
            match outcomes.last() {
                Some(Outcome::NotStarted { .. } | Outcome::Withdrawn { .. }) => {}
                Some(Outcome::Unknown { .. }) | None => perhaps += 1,
                Some(_) => surely += 1,
            }
        }
        if begun < surely || begun > surely + perhaps {
            wrong.push(format!(
                "on {host} a program was started {begun} times, by the journal {surely} to {} times: {}",
                surely + perhaps,
                lines.trim().replace('\n', "; ")
            ));
        }
        if log == "installs.log" && begun > 1 {
            wrong.push(format!("the hotfix was installed {begun} times on {host}"));
        }
    }
}

/// No wait was skipped: what the rollout changes it changes after the last user has settled, and GoodLink is restarted
/// after the first one may be helped by it.
fn settled_first(system: &System, journal: &Journal, wrong: &mut Vec<String>) {
    let landed: Vec<Steady> = journal
        .iter()
        .filter(|(_, stamped)| {
            matches!(&stamped.entry, Entry::Milestone(Milestone::Pairs { event: PairEvent::Landed, .. }))
        })
        .map(|(_, stamped)| stamped.at.steady)
        .collect();
    let waits = &system.plan.waits;
    for (sequence, stamped) in journal {
        let Entry::Intent { effect } = &stamped.entry else { continue };
        let earliest = match effect {
            Effect::Install { .. } => landed.iter().max().map(|at| *at + waits.settled),
            Effect::RestartGoodlink { .. } => landed.iter().min().map(|at| *at + waits.restart),
            _ => continue,
        };
        if earliest.is_none_or(|earliest| stamped.at.steady < earliest) {
            let at = stamped.at.steady;
            wrong.push(format!("intent {sequence} ({effect}) came too early: at {at:?}, not before {earliest:?}"));
        }
    }
}

/// The directory shows one entry for each grant that succeeded, and no other of GoodAdmin's.
fn entries(system: &System, intents: &Intents<'_>, wrong: &mut Vec<String>) -> Result<(), SystemError> {
    let mut granted: BTreeMap<String, usize> = BTreeMap::new();
    for (effect, outcomes) in intents.values() {
        if let (Effect::Grant(grant), Some(Outcome::Succeeded { .. })) = (effect, outcomes.last()) {
            *granted.entry(grant.place.to_string().to_lowercase()).or_default() += 1;
        }
    }
    let lab = Layout::text(&system.lab.description.dir.join("lab.json"));
    let program = Lab::programs().join("final_state");
    let shown: BTreeMap<String, usize> = system.run(&program, &["entries", &lab, DOMAIN])?.good()?.read()?;
    if shown != granted {
        wrong.push(format!("the directory shows the entries {shown:?}, the journal {granted:?}"));
    }
    Ok(())
}
