//! Whether it goes as the rollout's file and people have it: windows, approvals, test sends. Nothing is asked of the planner:
//! windows are counted here, who said yes is read off the journal, and which programs ran is known.

use super::estate::{EXCHANGE, name};
use super::judge::PERMIT;
use super::known::served_by;
use super::lives::{ROLLOUT, olive};
use super::terms::{INSTALL, REMOVAL, RESTART, Terms};
use super::world::{World, shown};
use sendgate_core::ledger::{
    Effect, Entry, Milestone, Outcome, Request, RolloutEvent, RolloutState, Sequence, Subject,
};
use sendgate_core::names::{ExchangeServerName, GoodLinkName, HostName, OperatorName};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A test's two servers.
pub(super) type Between = (GoodLinkName, ExchangeServerName);

/// After so many refusals of one test it counts as failed.
const REFUSALS: u32 = 3;

/// What was agreed on, and what became of it.
#[derive(Debug)]
pub(super) struct Agreed {
    pub(super) terms: Terms,
    /// Who has said yes, whoever that is.
    approved: BTreeSet<OperatorName>,
    /// Hosts on which an install has begun.
    changed: BTreeSet<&'static str>,
    /// Hosts that a person left out: nobody sends through a server for their sake.
    left_out: BTreeSet<HostName>,
    /// Tests that were refused since they went well or a person let the rollout go on, and how often.
    refused: BTreeMap<Between, u32>,
    /// Tests that failed since then.
    failed: BTreeMap<Sequence, (Between, String)>,
    /// Since when tests count.
    since: Sequence,
}

impl Agreed {
    pub(super) fn new(terms: Terms) -> Self {
        Self {
            terms,
            approved: BTreeSet::new(),
            changed: BTreeSet::new(),
            left_out: BTreeSet::new(),
            refused: BTreeMap::new(),
            failed: BTreeMap::new(),
            since: Sequence::FIRST,
        }
    }

    /// Whether this person's yes stands.
    pub(super) fn has(&self, by: &str) -> bool {
        self.approved.iter().any(|other| other.as_str() == by)
    }

    /// Whether an install has begun on a host, by a journal that is not lost.
    pub(super) fn has_changed(&self, host: &str) -> bool {
        self.changed.iter().any(|changed| *changed == host)
    }

    /// The same of a host of this server that nobody has left out since.
    pub(super) fn stays_changed(&self, server: &str) -> bool {
        let hosts = EXCHANGE.iter().filter(|(other, _)| *other == server).flat_map(|(_, hosts)| *hosts);
        let left_out = |host: &str| self.left_out.iter().any(|other| other.as_str() == host);
        hosts.into_iter().any(|host| self.has_changed(host) && !left_out(host))
    }

    /// Only the file is still known.
    pub(super) fn forget(&mut self) {
        let terms = self.terms.clone();
        *self = Self::new(terms);
    }

    /// These hosts have been changed.
    pub(super) fn are_changed(&mut self, hosts: impl IntoIterator<Item = &'static str>) {
        self.changed = hosts.into_iter().collect();
    }

    /// Tests that failed, with how.
    pub(super) fn failed_tests(&self) -> impl Iterator<Item = (Between, String)> {
        self.failed.iter().map(|(id, (between, how))| (between.clone(), format!("test {id} failed: {how}")))
    }

    fn anew(&mut self, since: Sequence) {
        self.since = since;
        self.refused.clear();
        self.failed.clear();
    }
}

impl World {
    /// An entry is durable, and the ledger has it.
    pub(super) fn agrees(&mut self, now: Duration, sequence: Sequence, entry: &Entry) {
        match entry {
            Entry::Intent { effect } => self.as_agreed(now, effect, "is intended"),
            Entry::Permitted { intent, .. } if self.was_permitted(*intent) => {}
            Entry::Permitted { intent, .. } => {
                if let Some(effect) = self.ledger.intents.get(intent).map(|intent| intent.effect.clone()) {
                    self.as_agreed(now, &effect, "gets a permit");
                }
            }
            Entry::Outcome { intent, outcome } => self.tested(*intent, outcome),
            Entry::Request { by, request: Request::Approve { subject: Subject::Rollout { .. }, .. } } => {
                self.agreed.approved.insert(by.clone());
            }
            Entry::Request { request: Request::Revoke { subject: Subject::Rollout { .. }, .. }, .. } => {
                self.agreed.approved.clear();
            }
            Entry::Request { request: Request::HostSkip { host, .. }, .. } => {
                self.agreed.left_out.insert(host.clone());
            }
            Entry::Request { request: Request::HostRetry { host, .. }, .. } => {
                self.agreed.left_out.remove(host);
            }
            Entry::Request { request: Request::RolloutResume { .. }, .. } => self.agreed.anew(sequence),
            Entry::Milestone(Milestone::Rollout { event: RolloutEvent::Finished, .. }) => {
                self.untested(now, "the rollout has finished");
            }
            Entry::Milestone(Milestone::Rollout { .. }) => self.agreed.failed.clear(),
            Entry::Milestone(Milestone::WaveDone { wave, .. }) => {
                self.untested(now, &format!("wave {wave} is over"));
                self.proved(now, *wave);
            }
            _ => {}
        }
    }

    /// Nothing of it is tolerated: who decides has the clock, the journal and all that was reported.
    fn as_agreed(&mut self, now: Duration, effect: &Effect, what: &str) {
        let mut wrong = Vec::new();
        if let Effect::Install { server, host, .. } | Effect::Remove { server, host, .. } = effect
            && let Some(hours) = &self.agreed.terms.hours
        {
            let needed = self.needed(effect, server.as_str(), host.as_str());
            match hours.left(now) {
                None => wrong.push("no window is open".to_owned()),
                Some(left) if left < needed => {
                    wrong.push(format!("{needed:?} are needed, and {left:?} are left until the cutoff"));
                }
                Some(_) => {}
            }
        }
        if let Effect::Install { .. } = effect {
            let author = olive();
            let yes = self.agreed.approved.iter().filter(|by| **by != author).count();
            if yes < self.agreed.terms.approvals {
                wrong.push(format!("{yes} people have approved it, {} must", self.agreed.terms.approvals));
            }
        }
        for why in wrong {
            self.violated(now, format!("{effect} {what}, and {why}"));
        }
        if matches!(effect, Effect::Install { .. } | Effect::TestSend { .. }) {
            self.untested(now, &format!("{effect} {what}"));
        }
    }

    /// What beginning there entails at least: programs that ran are counted, and no others.
    fn needed(&self, effect: &Effect, server: &str, host: &str) -> Duration {
        if matches!(effect, Effect::Remove { .. }) {
            return REMOVAL;
        }
        let wave = self.agreed.terms.with(server);
        let others = wave.into_iter().filter(|other| *other != host && self.agreed.changed.contains(other));
        let hosts: Vec<&str> = others.chain([host]).collect();
        // Nodes of one server go one after the other.
        let nodes = |(_, nodes): &(&str, &[&'static str])| hosts.iter().filter(|host| nodes.contains(*host)).count();
        let nodes = EXCHANGE.iter().map(nodes).max().unwrap_or(1);
        let removals = u32::try_from(hosts.len().div_ceil(self.at_once()).max(nodes)).unwrap_or(1);
        INSTALL + RESTART + self.policy.soak + REMOVAL * removals
    }

    /// A program begins within the life of its permit.
    pub(super) fn begins_as_agreed(&mut self, now: Duration, effect: &Effect, host: &'static str) {
        if matches!(effect, Effect::Install { .. }) {
            self.agreed.changed.insert(host);
        }
        if let (Effect::Install { .. } | Effect::Remove { .. }, Some(hours)) = (effect, &self.agreed.terms.hours)
            && !hours.open_within(now, PERMIT)
        {
            self.violated(
                now,
                format!("{effect} begins, and no window has been open since {}", shown(now.saturating_sub(PERMIT))),
            );
        }
    }

    /// A test has ended, by what the journal says: what a program's end was is compared elsewhere.
    fn tested(&mut self, id: Sequence, outcome: &Outcome) {
        let Some(Effect::TestSend { goodlink, server, .. }) = self.ledger.intents.get(&id).map(|known| &known.effect)
        else {
            return;
        };
        let rollout = self.ledger.rollouts.get(&name(ROLLOUT));
        let runs = rollout
            .is_some_and(|rollout| matches!(rollout.state, RolloutState::Running { .. }) && rollout.removal.is_none());
        if !runs || id < self.agreed.since {
            return;
        }
        let between = (goodlink.clone(), server.clone());
        let failed = match outcome {
            Outcome::Failed { .. } | Outcome::Unknown { .. } => true,
            Outcome::NotStarted { .. } => {
                let count = self.agreed.refused.entry(between.clone()).or_default();
                *count += 1;
                *count >= REFUSALS
            }
            Outcome::Succeeded { .. } => {
                // What comes after it is another attempt.
                self.agreed.refused.remove(&between);
                false
            }
            Outcome::Withdrawn { .. } => false,
        };
        if failed {
            let how = format!("{} through {}: {outcome}", between.0, between.1);
            self.agreed.failed.insert(id, (between, how));
        } else {
            self.agreed.failed.remove(&id);
        }
    }

    /// No more tests fail than the file allows: what follows is a trip.
    fn untested(&mut self, now: Duration, what: &str) {
        for why in self.too_many_tests() {
            self.violated(now, format!("{what}, and {why}"));
        }
    }

    /// Whoever may use a server that was changed has sent through it.
    fn proved(&mut self, now: Duration, wave: u32) {
        if !self.agreed.terms.test_send {
            return;
        }
        let mut wrong = Vec::new();
        for server in self.agreed.terms.wave(wave) {
            if !self.agreed.stays_changed(server) {
                continue;
            }
            for goodlink in served_by(self, server) {
                let sent = self.acts.iter().filter(|(key, _)| self.is_ours(key)).any(|(key, act)| {
                    let id = key.sequence;
                    let intent = self.ledger.intents.get(&id).map(|intent| &intent.effect);
                    let test = matches!(intent, Some(Effect::TestSend { goodlink: by, server: through, .. })
                        if by.as_str() == goodlink && through.as_str() == server);
                    test && act.ended() == Some(Some(0)) && id > self.agreed.since
                });
                // That so many fail is allowed, or has been judged already.
                let failed = self
                    .agreed
                    .failed
                    .values()
                    .any(|((by, through), _)| by.as_str() == goodlink && through.as_str() == server);
                if !sent && !failed {
                    wrong.push(format!("wave {wave} is over, and {goodlink} has not sent through {server}"));
                }
            }
        }
        for why in wrong {
            self.violated(now, why);
        }
    }

    /// Whether a message of a GoodLink server's first user there goes out.
    pub(super) fn sends(&self, now: Duration, goodlink: &str, server: &str) -> bool {
        let hosts = EXCHANGE.iter().find(|(other, _)| *other == server).map_or(&[][..], |(_, hosts)| *hosts);
        let serves = hosts.iter().any(|host| self.hosts[host].serves(now));
        let mut users = self.users.iter().filter(|(called, user)| {
            user.goodlink == goodlink
                && user.left.is_none()
                && self.home(called, user).is_some_and(|home| home == server)
        });
        let refused = users.next().is_some_and(|(_, user)| user.uncovered.is_some() && self.enforces(server));
        serves && !refused
    }
}
