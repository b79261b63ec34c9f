//! `status`: everything that a person on call looks at first.

use super::certificates::{CertificateLine, certificates};
use super::drift::{DriftLine, drift};
use super::estate::{DomainLine, domains};
use super::rollout::rollout_state;
use crate::gate::World;
use crate::ledger::{Forced, Generation, Held, Hold, Takeover, Waiver};
use crate::names::{AgentName, ExchangeServerName, GoodLinkName, HostName, RolloutName, RosterName};
use crate::plan::diagnosis::{Conclusion, Examiner};
use crate::plan::{breach, disruption, hold, remedy};
use crate::time::Readable;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that a person on call looks at first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusView {
    /// Of the running coordinator.
    pub generation: Option<Generation>,
    /// Entries in the journal.
    pub journal: u64,
    /// Waits may have been shortened: this is no production system.
    pub laboratory: bool,
    /// Agents that are not led by this coordinator, each with why and what to do.
    pub strangers: BTreeMap<AgentName, String>,
    /// The takeover in force.
    pub takeover: Option<Takeover>,
    /// Certificates that end soon, have ended, or cannot be read.
    pub certificates: Vec<CertificateLine>,
    /// Watched domains.
    pub domains: Vec<DomainLine>,
    /// Rollouts.
    pub rollouts: Vec<RolloutLine>,
    /// Enforcing stores that serve users who are not covered.
    pub breaches: Vec<BreachLine>,
    /// Exchange servers of which it is not known whether they are in breach, each with what is missing.
    pub breaches_not_known: BTreeMap<ExchangeServerName, String>,
    /// GoodLink servers that somebody wants restarted whatever their users have waited, and that nobody has tried yet.
    pub forced: BTreeMap<GoodLinkName, String>,
    /// Paused users of each GoodLink server.
    pub paused: Vec<PausedLine>,
    /// Disrupted hosts with the reason.
    pub disrupted: BTreeMap<HostName, String>,
    /// What is held: nothing new begins there.
    pub holds: Vec<HoldLine>,
    /// Waivers in force.
    pub waivers: Vec<WaiverLine>,
    /// Store versions that changed with no command of ours, with what that means.
    pub drift: Vec<DriftLine>,
}

/// A rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutLine {
    /// Its name.
    pub rollout: RolloutName,
    /// How far it is, in words.
    pub state: String,
}

/// An enforcing store that serves users who are not covered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreachLine {
    /// Which Exchange server.
    pub server: ExchangeServerName,
    /// How many of its roster users are not covered.
    pub users: usize,
    /// How many of these a person has excepted.
    pub waived: usize,
    /// Whether it enforces for certain.
    pub certain: bool,
    /// When it was noticed; none: nobody is shown without the right, but of somebody it is not known.
    pub since: Option<Timestamp>,
}

/// Paused users of a GoodLink server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PausedLine {
    /// Which.
    pub goodlink: GoodLinkName,
    /// Each user with how far his recovery is, or why it is not known.
    pub users: Result<BTreeMap<RosterName, String>, String>,
    /// Whoever is paused for longer than that ought to last, by whatever error, and is not excepted: the cause and what
    /// to do.
    pub diagnoses: BTreeMap<RosterName, Conclusion>,
}

/// A hold in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldLine {
    /// What is held.
    pub held: Held,
    /// By whom, and why.
    pub hold: Hold,
    /// Where nothing of that name is configured: what that means, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_configured: Option<String>,
}

impl HoldLine {
    /// What is to be said of a hold.
    pub(super) fn new(world: World<'_>, held: &Held, hold: &Hold) -> Self {
        let not_configured = hold::not_configured(world, held).map(|_| hold::end_of_not_configured(held, hold));
        Self { held: held.clone(), hold: hold.clone(), not_configured }
    }
}

/// A waiver, and whether its user is paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaiverLine {
    /// The waiver.
    #[serde(flatten)]
    pub waiver: Waiver,
}

/// The state of everything.
#[must_use]
pub fn status(world: World<'_>) -> StatusView {
    StatusView {
        generation: world.ledger.generation,
        journal: world.ledger.head.map_or(0, |head| head.0),
        laboratory: world.policy.laboratory,
        strangers: world.estate.strangers.iter().map(|(agent, why)| (agent.clone(), why.to_string())).collect(),
        takeover: world.ledger.lineage.takeover().cloned(),
        certificates: certificates(world),
        domains: domains(world).domains,
        rollouts: world
            .ledger
            .rollouts
            .iter()
            .map(|(name, rollout)| RolloutLine { rollout: name.clone(), state: rollout_state(world, rollout) })
            .collect(),
        breaches: breaches(world),
        breaches_not_known: breaches_not_known(world),
        forced: world.ledger.forced.iter().map(|(name, wish)| (name.clone(), forced(world, name, wish))).collect(),
        paused: world
            .policy
            .goodlink
            .keys()
            .map(|name| PausedLine {
                goodlink: name.clone(),
                users: remedy::paused(world, name, None)
                    .map(|users| users.iter().map(|user| (user.user.clone(), user.recovery.to_string())).collect()),
                diagnoses: diagnoses(world, name),
            })
            .collect(),
        disrupted: disruption::disrupted(world, None),
        holds: world.ledger.holds.all().map(|(held, hold)| HoldLine::new(world, held, hold)).collect(),
        waivers: world
            .ledger
            .waivers
            .values()
            .filter(|waiver| world.now.wall < waiver.expires)
            .map(|waiver| WaiverLine { waiver: waiver.clone() })
            .collect(),
        drift: drift(world),
    }
}

fn forced(world: World<'_>, name: &GoodLinkName, Forced { by, reason, .. }: &Forced) -> String {
    let until = match remedy::wanted_for(world, name).filter(|remaining| !remaining.is_zero()) {
        Some(remaining) => format!("not begun yet, and void in {}", Readable(remaining)),
        None => "void: it could not begin in time; say it again if it is still wanted".to_owned(),
    };
    format!("restart wanted by {by}: {reason}; {until}")
}

/// Those of whom it is time to say why they are still paused. Where it is not known who is paused, nobody is named here.
fn diagnoses(world: World<'_>, name: &GoodLinkName) -> BTreeMap<RosterName, Conclusion> {
    let Ok(examiner) = Examiner::new(world, name) else { return BTreeMap::new() };
    examiner.due().map(|found| (found.user, found.conclusion)).collect()
}

/// Where a breach would not be seen. One that was seen before is not over for that.
fn breaches_not_known(world: World<'_>) -> BTreeMap<ExchangeServerName, String> {
    let line = |(server, why): (&ExchangeServerName, String)| {
        let noticed = world.ledger.breaches.get(server).map(|since| since.wall.strftime("%Y-%m-%d %H:%MZ"));
        let noticed = noticed.map(|since| format!("; a breach was noticed at {since}, and is not known to be over"));
        (server.clone(), why + &noticed.unwrap_or_default())
    };
    breach::not_known(world).into_iter().map(line).collect()
}

/// Stores that enforce, or may, with roster users who are not covered.
fn breaches(world: World<'_>) -> Vec<BreachLine> {
    let line = |(server, breach): (&ExchangeServerName, breach::Breach<'_>)| BreachLine {
        server: server.clone(),
        users: breach.users(),
        waived: breach.waived.len(),
        certain: breach.certain,
        since: world.ledger.breaches.get(server).map(|since| since.wall),
    };
    breach::breaches(world).into_iter().map(line).collect()
}
