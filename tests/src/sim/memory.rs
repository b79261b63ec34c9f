//! How far the journal had gone, as far as each agent was told. Where a copy that lacks such a record takes its place, the
//! agent must not be led by it, and from the moment it has come nothing may begin before a takeover is declared. Counted
//! here from the messages that agents took in, not from what they say that they remember.

use super::Sim;
use super::judge::PERMIT;
use super::network::Line;
use super::world::{World, shown};
use sendgate_core::ledger::Effect;
use sendgate_proto::v1::{ToAgent, to_agent::Kind};
use std::time::Duration;

/// What an agent was told last.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Told {
    at: Duration,
    head: u64,
    /// What it had been told before that moment.
    before: u64,
}

impl World {
    /// An agent takes in how far the present journal has gone.
    fn is_told(&mut self, now: Duration, host: &'static str, head: u64) {
        let known = self.lost.told.entry(host).or_default();
        let before = if known.at == now { known.before } else { known.head };
        *known = Told { at: now, head: head.max(known.head), before };
    }

    /// An agent dies at a write: what it was just told may not be written.
    pub(super) fn forgets(&mut self, now: Duration, host: &'static str) {
        if let Some(known) = self.lost.told.get_mut(host).filter(|known| known.at == now) {
            known.head = known.before;
        }
    }

    /// Whether an agent was told of a record of the journal that was lost, and the copy does not have it.
    fn knows_more(&self, host: &str) -> bool {
        let kept = self.lost.kept.map_or(0, |kept| kept.get());
        self.lost.waits && self.lost.knew.get(host).is_some_and(|known| known.head > kept)
    }

    /// An agent's hello has reached the coordinator that lives.
    pub(super) fn says_hello(&mut self, now: Duration, host: &'static str) {
        if self.lost.found.is_none() && self.knows_more(host) {
            self.lost.found = Some((now, host));
            self.tell(now, || format!("{host} has come, which knows of records that the copy lacks"));
        }
    }

    /// Nothing begins on a copy that is known to be one.
    pub(super) fn may_go_on(&mut self, now: Duration, effect: &Effect, grace: Duration, what: &str) {
        if let Some((since, host)) = self.lost.found.filter(|(since, _)| self.lost.waits && *since + grace < now) {
            let since = shown(since);
            let why = format!("{effect} {what} on a copy that lacks what {host} was told, and it came at {since}");
            self.violated(now, why);
        }
    }

    /// The same where a permit may be out.
    pub(super) fn may_still_go_on(&mut self, now: Duration, effect: &Effect, what: &str) {
        self.may_go_on(now, effect, PERMIT, what);
    }
}

/// An agent takes a message from its session.
pub(super) fn taken(sim: &Sim, host: &'static str, line: &Line, message: &ToAgent) {
    let (head, welcomed) = match &message.kind {
        Some(Kind::Welcome(welcome)) => (welcome.head, true),
        Some(Kind::Head(head)) => (head.sequence, false),
        _ => return,
    };
    let now = sim.now();
    sim.world(|world| {
        // What a coordinator said whose journal is lost by now.
        if line.journal != world.lost.count {
            return;
        }
        if welcomed && world.knows_more(host) {
            world.violated(now, format!("{host} is led by a copy that lacks what it was told"));
        }
        world.is_told(now, host, head);
    });
}
