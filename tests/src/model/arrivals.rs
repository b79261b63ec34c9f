//! What arrives at the coordinator: sessions, reports, looks, what agents ask and tell, writes that end, requests.

use super::coordinator::{Died, Run, arrived};
use super::oracle;
use super::scene::{DOMAINS, USERS};
use super::state::{End, FromAgent, Looked, Millis, ToAgent, Write};
use super::truth::{self, Asked, Watch};
use sendgate_core::coverage::Judged;
use sendgate_core::estate::Observation;
use sendgate_core::gate::World;
use sendgate_core::ledger::{AgentJournal, Effect, Entry, Holder, IntentState, Outcome, Sequence};
use sendgate_core::plan;
use std::num::NonZeroU64;

/// The journal of a host's agent: it is never lost here.
fn journal(host: usize) -> Option<AgentJournal> {
    NonZeroU64::new(host as u64 + 1).map(AgentJournal)
}

impl Run<'_> {
    /// An agent's session opens: it reports, uploads its roster, is offered what is open, and tells how its acts ended.
    pub fn connected(&mut self, host: usize) -> Result<(), Died> {
        if let Some(coordinator) = &mut self.state.coordinator {
            coordinator.sessions[host] = true;
        }
        let agent = self.model.scene.agents[host].clone();
        self.observe(Observation::Connected(agent, self.moment().steady));
        let open: Vec<_> = self.state.ledger.open().map(|(id, _)| id).collect();
        for intent in open {
            if self.host_of(intent) == Some(host) {
                self.offer(intent);
            }
        }
        self.settle()?;
        self.report(host);
        if host >= 2 {
            let goodlink = self.model.scene.goodlink[host - 2].clone();
            self.observe(Observation::Roster(goodlink, self.model.scene.roster(host), self.moment().steady));
            if let Some(coordinator) = &mut self.state.coordinator {
                coordinator.rosters[host] = true;
            }
        }
        self.settle().map(drop)
    }

    /// A session's end is noticed.
    pub fn disconnected(&mut self, host: usize) -> Result<(), Died> {
        if let Some(coordinator) = &mut self.state.coordinator {
            coordinator.sessions[host] = false;
        }
        let agent = self.model.scene.agents[host].clone();
        self.observe(Observation::Disconnected(agent));
        self.settle().map(drop)
    }

    /// A host's report arrives.
    pub fn report(&mut self, host: usize) {
        let shown = self.state.truth.shown_by(host);
        let state = truth::report(&self.model.scene, host, shown, self.moment().steady);
        self.observe(Observation::Report(self.model.scene.hosts[host].clone(), state));
        let shown = (self.state.now, shown);
        if let Some(coordinator) = &mut self.state.coordinator {
            coordinator.reported[host] = Some(shown);
        }
    }

    /// What a look at the domain would be made of, and whether a full reading is due; none while nobody looks.
    pub fn to_look_at(&self, domain: usize) -> Option<(Asked, bool)> {
        self.state.coordinator.as_ref()?;
        let directory = self.state.truth.directories[domain];
        if directory.watch == Watch::Silent {
            return None;
        }
        let world = self.world();
        let name = &self.model.scene.domains[domain];
        let asked = plan::survey::names(world, name);
        if asked.is_empty() {
            return None;
        }
        let users = (0..USERS.len()).filter(|user| asked.contains(&self.model.scene.users[*user]));
        let users = users.fold(0, |bits, user| bits | 1 << user);
        let other = &self.model.scene.domains[1 - domain];
        let known = domain == 0
            || self
                .estate
                .domains
                .get(other)
                .is_some_and(|picture| picture.accounts.contains_key(&self.model.scene.accounts[1 - domain]));
        let due = plan::survey::due(world, name).is_some_and(|at| at <= world.now.steady);
        Some((Asked { domain, directory, users, known }, due))
    }

    /// A look at a domain arrives: at everything when that is due, otherwise at what has changed.
    pub fn look(&mut self, domain: usize) {
        let Some((asked, due)) = self.to_look_at(domain) else { return };
        let Some(coordinator) = &self.state.coordinator else { return };
        let Some(setting) = plan::survey::setting(self.world(), &self.model.scene.domains[domain]) else {
            return;
        };
        let (made, number) = truth::look(&self.model.scene, asked, &setting);
        let full = match &coordinator.looked[domain] {
            Some(before) if !due => before.full,
            _ => self.state.now,
        };
        let users = truth::everybody(&made);
        let picture = self.estate.domains.get(&self.model.scene.domains[domain]);
        let users = if full == self.state.now {
            Judged::All(users.clone())
        } else {
            let changed = users
                .iter()
                .filter(|(name, presence)| picture.is_none_or(|picture| picture.users.get(*name) != Some(*presence)));
            Judged::Some(changed.map(|(name, presence)| (name.clone(), presence.clone())).collect())
        };
        let Asked { directory, users: asked_for, known, .. } = asked;
        let looked = Looked { made, number, at: self.state.now, full, directory, users: asked_for, known };
        let look = arrived(&looked, self.state.lost, users);
        self.say(|| {
            format!("  a look at {}{}", DOMAINS[domain], if full == looked.at { ", at everybody" } else { "" })
        });
        oracle::looked(&mut self.state, domain, &looked);
        if let Some(coordinator) = &mut self.state.coordinator {
            coordinator.looked[domain] = Some(looked);
        }
        self.observe(Observation::Look(look));
    }

    /// A message of an agent arrives.
    pub fn take(&mut self, host: usize, message: FromAgent) -> Result<(), Died> {
        match message {
            FromAgent::Ask { act, nonce } => self.permit(host, act, nonce)?,
            FromAgent::Update { act, end } => self.update(host, act, end)?,
        }
        self.settle().map(drop)
    }

    fn permit(&mut self, host: usize, act: u64, nonce: Millis) -> Result<(), Died> {
        let Some(coordinator) = &self.state.coordinator else { return Ok(()) };
        let generation = coordinator.generation;
        let intent = Sequence(act);
        if self.host_of(intent) != Some(host) {
            self.tell(host, ToAgent::Refused { act, nonce, again: false });
            return Ok(());
        }
        match plan::permit(self.world(), intent) {
            Ok(()) => {
                self.append(Entry::Permitted {
                    intent,
                    holder: journal(host).map(|journal| Holder { journal, heard: None }),
                })?;
                oracle::permitted(&mut self.state, act);
                self.tell(host, ToAgent::Permit { act, nonce, generation });
            }
            Err(refusal) => {
                self.say(|| {
                    let why: Vec<_> = refusal.blocked.iter().map(ToString::to_string).collect();
                    format!("  no permit for {act}: {}", why.join("; "))
                });
                self.tell(host, ToAgent::Refused { act, nonce, again: !refusal.void });
            }
        }
        Ok(())
    }

    fn update(&mut self, host: usize, act: u64, end: End) -> Result<(), Died> {
        let intent = Sequence(act);
        if self.host_of(intent) != Some(host) {
            self.tell(host, ToAgent::Ack { act });
            return Ok(());
        }
        let detail = String::new();
        let outcome = match end {
            End::Well => Outcome::Succeeded { detail },
            End::Badly => Outcome::Failed { detail: "exit code 1".to_owned() },
            End::Refused => Outcome::NotStarted { detail },
            End::Unknown => Outcome::Unknown { detail },
        };
        let unknown =
            |state: &IntentState| matches!(state, IntentState::Ended { outcome: Outcome::Unknown { .. }, .. });
        let Some(known) = self.state.ledger.intents.get(&intent) else { return Ok(()) };
        let outcome = known.heard(outcome, journal(host));
        match &known.state {
            state if state.is_open() || (unknown(state) && !matches!(outcome, Outcome::Unknown { .. })) => {
                self.append(Entry::Outcome { intent, outcome })?;
            }
            _ => {}
        }
        self.tell(host, ToAgent::Ack { act });
        Ok(())
    }

    /// The end of a write to the directory arrives.
    pub fn written(&mut self, act: u64) -> Result<(), Died> {
        let Some(coordinator) = &self.state.coordinator else { return Ok(()) };
        let Some(write) = coordinator.writes.get(&act).copied() else { return Ok(()) };
        let grant = matches!(
            self.state.ledger.intents.get(&Sequence(act)).map(|intent| &intent.effect),
            Some(Effect::Grant(_))
        );
        let detail = String::new();
        let outcome = match write {
            Write::Pending | Write::Establishing => return Ok(()),
            Write::Done | Write::Found => Outcome::Succeeded { detail },
            Write::Already if grant => Outcome::NotStarted { detail },
            Write::Already => Outcome::Succeeded { detail },
            Write::Changed => Outcome::Failed { detail: "its entries have changed".to_owned() },
            Write::NotFound => Outcome::NotStarted { detail },
        };
        self.append(Entry::Outcome { intent: Sequence(act), outcome })?;
        if let Some(coordinator) = &mut self.state.coordinator {
            coordinator.writes.remove(&act);
        }
        self.settle().map(drop)
    }

    /// A person's request, as the control service checks and files it; false: it was refused.
    pub fn request(
        &mut self,
        check: impl FnOnce(World<'_>) -> Result<sendgate_core::ledger::Request, sendgate_core::request::Refused>,
    ) -> Result<bool, Died> {
        if self.state.coordinator.is_none() {
            return Ok(false);
        }
        let Ok(request) = check(self.world()) else { return Ok(false) };
        self.append(Entry::Request { by: super::scene::olga(), request })?;
        self.settle()?;
        Ok(true)
    }
}
