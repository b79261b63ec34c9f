//! An agent: the rules of the real one for generations, permits and its journal, with its disk, its programs and its
//! clock left out. Which generation is obeyed and until when a permit counts is asked of the agent's own functions.

use super::coordinator::Run;
use super::oracle;
use super::scene::{EXCHANGE, HOSTS, PERMIT, USERS};
use super::state::{Act, End, FromAgent, Kind, Millis, Pending, State, ToAgent};
use sendgate_agent::apply::permit;
use sendgate_agent::clock::Steady;
use sendgate_agent::journal::{Generation, Progress};
use sendgate_core::mutation::{self, Mutation};
use std::sync::LazyLock;
use std::time::Duration;

const EPOCH: u64 = 7;

/// Where the agents' steady clocks begin.
static START: LazyLock<Steady> = LazyLock::new(Steady::now);

fn at(moment: Millis) -> Steady {
    START.plus(Duration::from_millis(moment))
}

/// Whether an agent that remembers `remembered` obeys a coordinator of `offered`.
#[must_use]
pub fn obeys(remembered: u64, offered: u64) -> bool {
    let generation = |counter| Generation { epoch: EPOCH, counter, mark: 0 };
    let remembered = (remembered > 0).then(|| generation(remembered));
    permit::accept(remembered, generation(offered), None).is_ok()
}

fn end(progress: Progress) -> Option<End> {
    match progress {
        Progress::Starting | Progress::Started => None,
        Progress::Finished { exit_code: 0 } => Some(End::Well),
        Progress::Finished { .. } => Some(End::Badly),
        Progress::Refused => Some(End::Refused),
        Progress::Unknown => Some(End::Unknown),
    }
}

impl Run<'_> {
    /// A session opens on the agent's side: what was under way in an older one is forgotten, ends are told again.
    pub fn open_session(&mut self, host: usize, generation: u64) {
        let agent = &mut self.state.agents[host];
        (agent.session, agent.remembered, agent.pending) = (Some(generation), generation, None);
        agent.inbox.clear();
        agent.outbox.clear();
        let told: Vec<_> = agent
            .acts
            .iter()
            .filter(|(_, act)| !act.acknowledged)
            .filter_map(|(act, known)| Some(FromAgent::Update { act: *act, end: end(known.progress)? }))
            .collect();
        agent.outbox.extend(told);
    }

    fn tells(&mut self, host: usize, act: u64) {
        let agent = &mut self.state.agents[host];
        if let (Some(end), Some(_)) = (agent.acts.get(&act).and_then(|known| end(known.progress)), agent.session) {
            agent.outbox.push(FromAgent::Update { act, end });
        }
    }

    fn refuse(&mut self, host: usize, act: u64) {
        let refused = Act { progress: Progress::Refused, acknowledged: false };
        self.state.agents[host].acts.entry(act).or_insert(refused);
        self.tells(host, act);
    }

    /// Asks for the permit of the offer that is pending.
    pub fn ask(&mut self, host: usize) {
        let now = self.state.now;
        let agent = &mut self.state.agents[host];
        if let Some(pending) = agent.pending {
            agent.pending = Some(Pending { asked: Some(now), ..pending });
            agent.outbox.push(FromAgent::Ask { act: pending.act, nonce: now });
        }
    }

    /// A message reaches the agent; `dies`: it dies between its journal and the start of a program.
    pub fn hear(&mut self, host: usize, message: ToAgent, dies: bool) {
        match message {
            ToAgent::Offer { act } => self.offered(host, act),
            ToAgent::Permit { act, nonce, generation } => self.permitted(host, act, nonce, generation, dies),
            ToAgent::Refused { act, nonce, again } => {
                let Some(pending) = self.asked(host, act, nonce) else { return };
                if again {
                    self.state.agents[host].pending = Some(Pending { asked: None, ..pending });
                } else {
                    self.state.agents[host].pending = None;
                    self.refuse(host, act);
                }
            }
            ToAgent::Ack { act } => {
                if let Some(known) = self.state.agents[host].acts.get_mut(&act) {
                    known.acknowledged = known.progress.is_final();
                }
            }
            ToAgent::Withdrawn { act } => {
                let agent = &mut self.state.agents[host];
                agent.pending = agent.pending.filter(|pending| pending.act != act);
                self.refuse(host, act);
            }
        }
    }

    fn asked(&self, host: usize, act: u64, nonce: Millis) -> Option<Pending> {
        self.state.agents[host].pending.filter(|pending| pending.act == act && pending.asked == Some(nonce))
    }

    fn offered(&mut self, host: usize, act: u64) {
        let agent = &self.state.agents[host];
        let Some(generation) = agent.session else { return };
        if agent.acts.contains_key(&act) {
            return self.tells(host, act);
        }
        let busy = agent.acts.iter().find(|(_, known)| !known.progress.is_final()).map(|(act, _)| *act);
        match busy.or(agent.pending.map(|pending| pending.act)) {
            Some(same) if same == act => {}
            Some(_) => self.refuse(host, act),
            None => {
                self.state.agents[host].pending = Some(Pending { act, generation, asked: None });
                self.ask(host);
            }
        }
    }

    fn permitted(&mut self, host: usize, act: u64, nonce: Millis, generation: u64, dies: bool) {
        let Some(pending) = self.asked(host, act, nonce) else { return };
        self.state.agents[host].pending = None;
        let valid = Duration::from_millis(PERMIT);
        let good = permit::good_until(at(nonce), valid, at(self.state.now)).is_some();
        let good = good || mutation::is(Mutation::ExpiredPermit);
        if generation != pending.generation || !good {
            self.say(|| format!("  {} refuses the permit for {act}", HOSTS[host]));
            return self.refuse(host, act);
        }
        let agent = &self.state.agents[host];
        if agent.acts.contains_key(&act) {
            return;
        }
        if agent.acts.values().any(|known| !known.progress.is_final()) {
            return self.refuse(host, act);
        }
        let starting = Act { progress: Progress::Starting, acknowledged: false };
        self.state.agents[host].acts.insert(act, starting);
        if dies {
            return self.agent_dies(host);
        }
        oracle::started(&mut self.state, host, act, nonce, generation);
        self.say(|| format!("  {} starts the program of {act}", HOSTS[host]));
        let agent = &mut self.state.agents[host];
        agent.program = Some(act);
        if let Some(known) = agent.acts.get_mut(&act) {
            known.progress = Progress::Started;
        }
        self.state.truth.stopped[host] = true;
    }

    /// The program that runs on a host ends.
    pub fn ends(&mut self, host: usize, well: bool) {
        let Some(act) = self.state.agents[host].program.take() else { return };
        self.state.truth.stopped[host] = false;
        if well && host < EXCHANGE {
            let removal = self.state.history.acts.get(&act).is_some_and(|deed| deed.kind == Kind::Remove);
            self.state.truth.enforcing[host] = !removal;
            if removal {
                // A store that enforces no more lets everybody send.
                for user in (0..USERS.len()).filter(|user| USERS[*user].home == host) {
                    self.state.truth.paused[user] = false;
                }
            }
        } else if well {
            // GoodLink forgets its pauses, and pauses whoever still cannot send anew.
            unpaused(&mut self.state, host);
        }
        self.state.agents[host].left = Some((act, well));
        if self.state.agents[host].up {
            self.collects(host);
        }
    }

    /// The agent reads how a program ended, journals it and tells it.
    fn collects(&mut self, host: usize) {
        let agent = &mut self.state.agents[host];
        let Some((act, well)) = agent.left.take() else { return };
        if let Some(known) = agent.acts.get_mut(&act) {
            let to = Progress::Finished { exit_code: i32::from(!well) };
            known.progress = known.progress.change(to).unwrap_or(known.progress);
        }
        self.tells(host, act);
    }

    /// The agent dies; a program that it started goes on.
    pub fn agent_dies(&mut self, host: usize) {
        let agent = &mut self.state.agents[host];
        (agent.up, agent.session, agent.pending) = (false, None, None);
        agent.inbox.clear();
        agent.outbox.clear();
    }

    /// Its machine is switched off and on: the program is gone, and what it had done by then is not known to the agent.
    pub fn machine_dies(&mut self, host: usize) {
        self.agent_dies(host);
        let agent = &mut self.state.agents[host];
        if let Some(act) = agent.program.take()
            && let Some(known) = agent.acts.get_mut(&act)
        {
            known.progress = known.progress.change(Progress::Unknown).unwrap_or(known.progress);
        }
        self.state.truth.stopped[host] = false;
    }

    /// The agent starts: an act without a program and without an end never began.
    pub fn agent_starts(&mut self, host: usize) {
        let agent = &mut self.state.agents[host];
        agent.up = true;
        let (program, left) = (agent.program, agent.left.map(|(act, _)| act));
        for (act, known) in &mut agent.acts {
            if !known.progress.is_final() && program != Some(*act) && left != Some(*act) {
                known.progress = known.progress.change(Progress::Refused).unwrap_or(known.progress);
            }
        }
        self.collects(host);
    }
}

fn unpaused(state: &mut State, host: usize) {
    for (user, known) in super::scene::USERS.iter().enumerate().filter(|(_, known)| known.goodlink == host) {
        let directory = &state.truth.directories[known.domain];
        state.truth.paused[user] &= !(directory.has(user, 0) && directory.has(user, 1));
    }
}
