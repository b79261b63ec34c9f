//! From a state and an action to the next state.

use super::Model;
use super::action::{Action, Event, Operator};
use super::coordinator::{Died, Run};
use super::scene::{DOMAINS, HOSTS, MINUTE, ROLLOUT, USERS, olga};
use super::sharing::Folded;
use super::state::{History, State, Write};
use super::truth::{self, Guard, Watch};
use super::{agent, oracle};
use jiff::SignedDuration;
use sendgate_core::ledger::{Effect, Sequence};
use sendgate_core::request::{self, WantedHeld};
use sendgate_core::secdesc::edit;

/// What each action takes, in milliseconds: no two things happen at one moment.
const TICK: u64 = 1_000;
/// Deadlines that may pass in one step without anything happening.
const DEADLINES: usize = 12;
/// The longest time in one of them, in milliseconds.
const LONGEST: u64 = 30 * MINUTE;

impl Run<'_> {
    /// Does the action; false: it cannot happen here.
    pub fn act(&mut self, action: Action) -> bool {
        if action.is_fault() {
            if self.state.budget.faults == 0 {
                return false;
            }
            self.state.budget.faults -= 1;
        }
        self.state.now += TICK;
        match action {
            Action::Event(event) => {
                if self.event(event).is_ok_and(|possible| !possible) {
                    return false;
                }
            }
            Action::Torn(event, entries) => {
                self.dies_after = Some(entries);
                let before = (self.state.history.clone(), self.state.ledger.clone());
                if self.event(event).is_ok() {
                    return false;
                }
                self.forget(&before.0, &before.1);
                self.die();
            }
            _ => self.outside(action),
        }
        self.state.ledger.seal();
        true
    }

    /// What was seen of a user and did not come into the journal has been seen by nobody.
    fn forget(&mut self, before: &History, ledger: &Folded) {
        for user in 0..USERS.len() {
            let pair = truth::pair(&self.model.scene, user);
            if ledger.pairs.get(&pair) == self.state.ledger.pairs.get(&pair) {
                let history = &mut self.state.history;
                history.since[user] = before.since[user];
                history.lacked[user] = before.lacked[user];
                history.proved[user] = before.proved[user];
            }
        }
    }

    fn event(&mut self, event: Event) -> Result<bool, Died> {
        match event {
            Event::Starts(rebooted) => self.start(rebooted)?,
            Event::Connects(host) => {
                let Some(generation) = self.state.coordinator.as_ref().map(|running| running.generation) else {
                    return Ok(false);
                };
                self.open_session(host, generation);
                self.connected(host)?;
            }
            Event::Notices(host) => self.disconnected(host)?,
            Event::Report(host) => {
                self.report(host);
                self.settle()?;
            }
            Event::Look(domain) => {
                self.look(domain);
                let plan = self.settle()?;
                let again = |step: &sendgate_core::plan::Step| matches!(step, sendgate_core::plan::Step::Survey(of) if of.as_str() == DOMAINS[domain]);
                // After a reboot the steady clock goes back to its last mark, and moments come again.
                let again = plan.is_some_and(|plan| plan.steps.iter().any(again)) && self.is_full(domain);
                if again && self.state.lost == 0 {
                    self.state.breaks(8, "a domain that was just read in full is to be read again");
                }
            }
            Event::Deliver(host) => {
                let message = self.state.agents[host].outbox.remove(0);
                self.take(host, message)?;
            }
            Event::Written(act) => self.written(act)?,
            Event::Advance => self.advance()?,
            Event::Operator(operator) => {
                let frees = !self.state.ledger.holds.in_force().is_empty()
                    && matches!(operator, Operator::Resume | Operator::Release);
                self.state.budget.operators = self.state.budget.operators.saturating_sub(u8::from(!frees));
                return self.operator(operator);
            }
        }
        Ok(true)
    }

    fn is_full(&self, domain: usize) -> bool {
        let looked = self.state.coordinator.as_ref().and_then(|running| running.looked[domain].as_ref());
        looked.is_some_and(|looked| looked.full == self.state.now)
    }

    fn operator(&mut self, operator: Operator) -> Result<bool, Died> {
        match operator {
            Operator::Abort => self.request(|world| request::rollout_abort(world, ROLLOUT, "enough")),
            Operator::Remove => self.request(|world| request::rollout_remove(world, ROLLOUT, "stores are slow")),
            Operator::Pause => {
                let held = WantedHeld::Rollout(ROLLOUT.to_owned());
                self.request(|world| request::hold(world, &held, "not now"))
            }
            Operator::Hold => self.request(|world| request::hold(world, &WantedHeld::Estate, "not now")),
            Operator::Resume => self.request(|world| request::resume(world, &olga(), ROLLOUT, "go on")),
            Operator::Release => self.request(|world| request::release(world, &olga(), &WantedHeld::Estate, "go on")),
            Operator::Undo(act) => self.request(|world| request::grant_undo(world, act, "not wanted")),
            Operator::Waive(user) => self.request(|world| {
                let expires = world.now.wall + SignedDuration::from_hours(24);
                request::waive(world, USERS[user].name, "left", expires)
            }),
        }
    }

    /// Time passes from one deadline to the next until something is written down or sent. Hosts whose agents are there
    /// report in time, and directories that are watched are heard.
    fn advance(&mut self) -> Result<(), Died> {
        let mut plan = self.settle()?;
        for _ in 0..DEADLINES {
            let written = self.state.ledger.head;
            let clock = self.state.ledger.clock.clone();
            let now = self.state.now;
            let wake = plan.as_ref().and_then(|plan| plan.wake);
            let wake = wake.map(|wake| wake.since(sendgate_core::time::Steady::START).as_millis());
            let wake = wake.and_then(|wake| u64::try_from(wake).ok()).map_or(now + LONGEST, |at| at + self.state.lost);
            self.state.now = wake.clamp(now + 1, now + LONGEST);
            if self.state.coordinator.is_none() {
                return Ok(());
            }
            for host in 0..HOSTS.len() {
                let generation = self.state.coordinator.as_ref().map(|running| running.generation);
                if self.state.agents[host].session == generation {
                    self.report(host);
                }
            }
            for domain in 0..DOMAINS.len() {
                self.look(domain);
            }
            plan = self.settle()?;
            let marks = u64::from(self.state.ledger.clock != clock);
            let grown = self.state.ledger.next().get() - written.map_or(1, |head| head.next().get());
            let sent = self.state.agents.iter().any(|agent| !agent.inbox.is_empty());
            if grown > marks || sent {
                break;
            }
        }
        Ok(())
    }

    fn outside(&mut self, action: Action) {
        let truth = &mut self.state.truth;
        match action {
            Action::Event(_) | Action::Torn(..) => {}
            Action::Hear(host) | Action::HearAndDie(host) => {
                let message = self.state.agents[host].inbox.remove(0);
                self.say(|| format!("  {message:?}"));
                self.hear(host, message, matches!(action, Action::HearAndDie(_)));
            }
            Action::HalfMinute => self.state.now += super::scene::PERMIT,
            Action::Ask(host) => self.ask(host),
            Action::Ends(host) => self.ends(host, true),
            Action::EndsBadly(host) => self.ends(host, false),
            Action::Write(act) => self.write(act),
            Action::Replicate(domain) => {
                let directory = &mut truth.directories[domain];
                directory.granted[1] = directory.granted[0];
            }
            Action::Pause(user) => truth.paused[user] = true,
            Action::Propagate => truth.directories[0].guard = Guard::Reset,
            Action::Protect => truth.directories[0].guard = Guard::Member,
            Action::Unprotect => truth.directories[0].guard = Guard::No,
            Action::Strip(domain) => truth.directories[domain].granted[0] = false,
            Action::Restore(domain) => truth.directories[domain].granted[0] = true,
            Action::Foreign(domain) => truth.directories[domain].foreign = true,
            Action::Fails(domain) => truth.directories[domain].watch = Watch::Failing,
            Action::Silence(domain) => truth.directories[domain].watch = Watch::Silent,
            Action::Heals(domain) => truth.directories[domain].watch = Watch::Well,
            Action::Drift(host) => truth.enforcing[host] = true,
            Action::LoseTo(host) => drop(self.state.agents[host].inbox.remove(0)),
            Action::LoseFrom(host) => drop(self.state.agents[host].outbox.remove(0)),
            Action::TwiceTo(host) => {
                let first = self.state.agents[host].inbox[0];
                self.state.agents[host].inbox.push(first);
            }
            Action::TwiceFrom(host) => {
                let first = self.state.agents[host].outbox[0];
                self.state.agents[host].outbox.push(first);
            }
            Action::AgentDies(host) => self.agent_dies(host),
            Action::MachineDies(host) => self.machine_dies(host),
            Action::AgentStarts(host) => self.agent_starts(host),
            Action::OldCoordinator(host) => {
                let remembered = self.state.agents[host].remembered;
                if agent::obeys(remembered, remembered - 1) {
                    self.state.breaks(9, "an agent obeys a coordinator of a lower generation");
                }
            }
            Action::Dies => self.die(),
        }
    }

    /// The directory carries a write out, or tells what became of an earlier one.
    fn write(&mut self, act: u64) {
        let Some(coordinator) = &self.state.coordinator else { return };
        let Some(write) = coordinator.writes.get(&act).copied() else { return };
        let Some(intent) = self.state.ledger.intents.get(&Sequence(act)) else {
            return self.state.breaks(5, "a write to the directory without an intent in the journal");
        };
        let effect = intent.effect.clone();
        let Some(entry) = effect.entry() else { return };
        let domain = usize::from(entry.domain.as_str() == DOMAINS[1]);
        let before = truth::unit_descriptor(domain, &self.state.truth.directories[domain], 0);
        let there = edit::find_entry(&before, &entry.sid, entry.form).is_some();
        let adds = matches!(effect, Effect::Grant(_));
        let end = match write {
            Write::Establishing if there == adds => Write::Found,
            Write::Establishing => Write::NotFound,
            _ if there == adds => Write::Already,
            _ => {
                let after = match &effect {
                    Effect::Grant(grant) => {
                        let now = edit::explicit_entries(&before);
                        if !grant.expected.iter().map(|entry| &entry.0).eq(now.iter()) {
                            None
                        } else {
                            edit::add_grant(&before, &entry.sid, entry.form).ok()
                        }
                    }
                    _ => edit::remove_grant(&before, &entry.sid, entry.form).ok(),
                };
                match after {
                    None => Write::Changed,
                    Some(after) => {
                        oracle::wrote(&mut self.state, act, adds, &before, &after);
                        self.state.truth.directories[domain].granted[0] = adds;
                        Write::Done
                    }
                }
            }
        };
        self.say(|| format!("  {effect}: {end:?}"));
        if let Some(coordinator) = &mut self.state.coordinator {
            coordinator.writes.insert(act, end);
        }
    }

    /// The rollout is created and started by a person.
    pub fn roll_out(&mut self) -> Result<(), Died> {
        let file = self.model.scene.file();
        self.request(|world| request::rollout_apply(world, &file))?;
        self.request(|world| request::rollout_start(world, ROLLOUT, ""))?;
        Ok(())
    }
}

/// Does an action on a state, with words if they are wanted; none: it cannot happen there.
#[must_use]
pub fn step(model: &Model, state: &State, action: Action, words: bool) -> Option<(State, Vec<String>)> {
    let event = matches!(action, Action::Event(_) | Action::Torn(..));
    let mut run = Run::new(model, state.clone(), event);
    run.words = words.then(Vec::new);
    run.act(action).then(|| (run.state, run.words.unwrap_or_default()))
}
