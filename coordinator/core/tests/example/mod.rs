//! An example estate for scenarios: domain `a` with two directory servers, Exchange servers EXA1 and EXA2, GoodLink
//! server GLA with three users. Everything is known, fresh and covered until a test changes one thing.
#![allow(dead_code, unused_imports, reason = "each test file uses a part of the example")]

mod files;
mod policy;

pub(crate) use files::{file, file_of, wave};
pub(crate) use policy::policy;

use sendgate_core::coverage::placement::{EntryBytes, GrantEntry, PlannedGrant};
use sendgate_core::coverage::reading::Home;
use sendgate_core::coverage::verdict::{DecidingEntry, Presence};
use sendgate_core::coverage::{
    AccountPicture, Cause, Judged, Look, Placement, ServerVerdict, UserPicture, Verdict, VerdictKind,
};
use sendgate_core::estate::{
    Estate, ExchangeState, GoodLinkState, HostState, Observation, Pause, Roster, RosterDigest, Service, ServiceState,
};
use sendgate_core::gate::{self, Reason, World};
use sendgate_core::guid::Guid;
use sendgate_core::ledger::{Effect, Entry, Ledger, Outcome, Sequence, Stamped};
use sendgate_core::names::{AccountName, DirectoryName, DirectoryServerName, HostName};
use sendgate_core::plan::{self, Plan, Step};
use sendgate_core::policy::{GateScope, Policy};
use sendgate_core::request;
use sendgate_core::secdesc::edit::GrantForm;
use sendgate_core::time::{Now, Steady};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub(crate) const BEFORE: &str = "6.5.7638.1";
pub(crate) const AFTER: &str = "6.5.7653.33";
pub(crate) const NO_ACCESS: i64 = -2_147_024_891;

pub(crate) fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(crate) fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

#[derive(Clone)]
pub(crate) struct Example {
    pub(crate) policy: Policy,
    pub(crate) estate: Estate,
    pub(crate) ledger: Ledger,
    /// What the ledger was folded from.
    pub(crate) journal: Vec<Stamped>,
    pub(crate) now: Now,
    /// What each user of domain a is; the next survey shows it.
    pub(crate) truth: BTreeMap<DirectoryName, (VerdictKind, Cause, &'static str)>,
    /// Directory servers that are down.
    pub(crate) down: BTreeMap<&'static str, &'static str>,
    pub(crate) paused: BTreeSet<&'static str>,
    /// What the next survey proposes.
    pub(crate) proposed: BTreeSet<PlannedGrant>,
    /// Entries of ours that the server for grants shows its places without.
    pub(crate) gone: BTreeMap<GrantEntry, Vec<EntryBytes>>,
    /// The entry that both servers show as the one that decides for a user.
    pub(crate) deciding: BTreeMap<DirectoryName, DecidingEntry>,
    /// What single servers show of a user, where they differ.
    pub(crate) apart: BTreeMap<DirectoryName, BTreeMap<DirectoryServerName, ServerVerdict>>,
    /// The service account's SID, where the servers agree on it.
    pub(crate) sid: Option<&'static str>,
    /// The service account for which users are judged.
    pub(crate) account: &'static str,
}

impl Example {
    /// Everybody covered from the start.
    pub(crate) fn covered() -> Self {
        let truth = [("anna", "exa1"), ("bert", "exa2"), ("carl", "exa1")].map(|(user, home)| {
            (name(&format!("{user}@a.example.test")), (VerdictKind::Covered, Cause::Granted, home))
        });
        let mut example = Self {
            policy: policy(),
            estate: Estate::default(),
            ledger: Ledger::default(),
            journal: Vec::new(),
            now: Now { wall: name("2006-06-13T02:00:00Z"), steady: Steady::START + minutes(1000) },
            truth: truth.into(),
            down: BTreeMap::new(),
            paused: BTreeSet::new(),
            proposed: BTreeSet::new(),
            gone: BTreeMap::new(),
            deciding: BTreeMap::new(),
            apart: BTreeMap::new(),
            sid: None,
            account: "goodadmin@a.example.test",
        };
        example.observe_all();
        example
    }

    pub(crate) fn world(&self) -> World<'_> {
        World { policy: &self.policy, estate: &self.estate, ledger: &self.ledger, now: self.now }
    }

    pub(crate) fn set(&mut self, user: &str, kind: VerdictKind, cause: Cause) {
        let known = self.truth.get_mut(&name::<DirectoryName>(&format!("{user}@a.example.test"))).unwrap();
        (known.0, known.1) = (kind, cause);
    }

    /// Time passes with everything reporting and being surveyed.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now.steady = self.now.steady + time;
        self.now.wall += jiff::SignedDuration::try_from(time).unwrap();
        self.observe_all();
    }

    /// A second GoodLink server, glb, which is declared to use EXA2 only; gates count by mailboxes.
    pub(crate) fn beside_glb(&mut self) {
        self.policy.scope = GateScope::Mailboxes;
        let mut other = self.policy.goodlink[&name("gla")].clone();
        (other.host, other.exchange) = (name("glb"), [name("exa2")].into());
        self.policy.hosts.insert(name("glb"), name("glb"));
        self.policy.goodlink.insert(name("glb"), other);
    }

    /// The roster of gla as it is, with this user alone.
    pub(crate) fn only(&self, user: &str) -> Roster {
        let mut roster = self.estate.rosters[&name("gla")].clone();
        roster.users.retain(|known, _| known.as_str() == user);
        roster
    }

    /// Time passes in silence.
    pub(crate) fn silence(&mut self, time: Duration) {
        self.now.steady = self.now.steady + time;
        self.now.wall += jiff::SignedDuration::try_from(time).unwrap();
    }

    /// The user was seen without the right, got it, and has landed just now.
    pub(crate) fn lands(&mut self, user: &str) {
        self.set(user, VerdictKind::Missing, Cause::NoEntry);
        self.observe_all();
        self.settle();
        self.set(user, VerdictKind::Covered, Cause::Granted);
        self.pass(minutes(5));
        self.settle();
    }

    pub(crate) fn observe_all(&mut self) {
        for (host, version) in [("exa1", None), ("exa2", None::<&str>)] {
            let known = self.version(host).unwrap_or_else(|| name(version.unwrap_or(BEFORE)));
            self.exchange(host, &known.to_string());
        }
        self.goodlink("adom\\goodadmin");
        self.roster(&["anna", "bert", "carl"]);
        self.survey();
    }

    fn version(&self, host: &str) -> Option<sendgate_core::enforcement::StoreVersion> {
        self.estate.hosts.get(&name::<HostName>(host))?.exchange.as_ref()?.store.as_ref().ok().copied()
    }

    pub(crate) fn exchange(&mut self, host: &str, version: &str) {
        let exchange = ExchangeState {
            store: Ok(name(version)),
            patches: Ok(BTreeSet::new()),
            service: Ok(running("LocalSystem")),
            mounted: Ok(true),
        };
        self.report(host, HostState { reported: self.now.steady, exchange: Some(exchange), goodlink: None });
    }

    pub(crate) fn goodlink(&mut self, account: &str) {
        let pause = Pause {
            hresult: NO_ACCESS,
            send_as: true,
            first: self.now.wall,
            last: self.now.wall,
            count: 1,
            later: None,
        };
        let goodlink = GoodLinkState {
            service: Ok(running(account)),
            roster: Ok(RosterDigest([1; 32])),
            paused: Ok(self.paused.iter().map(|user| (name(user), pause.clone())).collect()),
        };
        self.report("gla", HostState { reported: self.now.steady, exchange: None, goodlink: Some(goodlink) });
    }

    pub(crate) fn report(&mut self, host: &str, state: HostState) {
        self.estate.observe(Observation::Connected(name(host), state.reported));
        self.estate.observe(Observation::Report(name(host), state));
    }

    pub(crate) fn roster(&mut self, users: &[&str]) {
        let users = users.iter().map(|user| (name(user), name(&format!("{user}@a.example.test")))).collect();
        self.estate.observe(Observation::Roster(
            name("gla"),
            Roster { digest: RosterDigest([1; 32]), users },
            self.now.steady,
        ));
    }

    pub(crate) fn survey(&mut self) {
        let look = self.look();
        self.estate.observe(Observation::Look(look));
    }

    pub(crate) fn look(&self) -> Look {
        let account: AccountName = name(self.account);
        let mut users: BTreeMap<_, _> = self
            .truth
            .iter()
            .map(|(user, (kind, cause, home))| {
                let servers = self.deciding.get(user).map(|entry| {
                    let (cause, deciding) = (cause.clone(), Some(entry.clone()));
                    let shown = Arc::new(ServerVerdict { kind: *kind, cause, lacks: None, deciding, warning: None });
                    ["a1", "a2"].map(|server| (name(server), Arc::clone(&shown)))
                });
                let apart = self.apart.get(user).into_iter().flatten();
                let apart = apart.map(|(server, shown)| (server.clone(), Arc::new(shown.clone())));
                let servers = servers.into_iter().flatten().chain(apart).collect();
                let verdict = Verdict { kind: *kind, cause: cause.clone(), servers };
                let here = UserPicture {
                    dn: format!("CN={user},OU=Hosted,DC=a,DC=example,DC=test").into(),
                    guid: guid(user),
                    home: Home::Server(name(home)),
                    verdicts: Arc::new([(account.clone(), Arc::new(verdict))].into()),
                    placements: Arc::new(BTreeMap::new()),
                };
                (user.clone(), Presence::Here(Box::new(here)))
            })
            .collect();
        // Proposals stand with the users whom they would cover; which of them does not matter.
        for (presence, grant) in users.values_mut().zip(&self.proposed) {
            let Presence::Here(here) = presence else { continue };
            here.placements = Arc::new([(account.clone(), Placement::Grant(Arc::new(grant.clone())))].into());
        }
        Look {
            domain: name("a.example.test"),
            started: self.now.steady,
            failed: self.down.iter().map(|(server, why)| (name(server), (*why).to_owned())).collect(),
            seen: ["a1", "a2"]
                .iter()
                .filter(|server| !self.down.contains_key(*server))
                .map(|server| (name(server), self.now.steady))
                .collect(),
            arrived: self.now.steady,
            lacking: BTreeSet::new(),
            disputed: BTreeMap::new(),
            accounts: self.sid.iter().map(|sid| (account.clone(), account_of(sid))).collect(),
            gone: self.gone.clone(),
            users: Judged::All(users),
        }
    }

    pub(crate) fn append(&mut self, entry: Entry) -> Sequence {
        let sequence = self.ledger.next();
        let stamped = Stamped { at: self.now, entry };
        self.ledger.apply(sequence, &stamped).unwrap();
        self.journal.push(stamped);
        sequence
    }

    /// Plans like the driver: what is learned and intended is written down until nothing new is planned.
    pub(crate) fn settle(&mut self) -> (Vec<(Sequence, Effect)>, Plan) {
        let mut effects = Vec::new();
        for _ in 0..100 {
            let plan = plan::plan(self.world());
            let entries: Vec<_> = plan.steps.iter().filter_map(Step::entry).collect();
            if entries.is_empty() {
                return (effects, plan);
            }
            for entry in entries {
                let effect = match &entry {
                    Entry::Intent { effect } => Some(effect.clone()),
                    _ => None,
                };
                let sequence = self.append(entry);
                effects.extend(effect.map(|effect| (sequence, effect)));
            }
        }
        panic!("planning does not come to rest");
    }

    pub(crate) fn reasons(&self, server: &str) -> BTreeSet<Reason> {
        gate::of_server(self.world(), &name(server))
    }

    pub(crate) fn texts(&self, server: &str) -> Vec<String> {
        self.reasons(server).iter().map(ToString::to_string).collect()
    }

    /// A running rollout over EXA1 and EXA2, one host at a time.
    pub(crate) fn rollout(&mut self) {
        self.rollout_of(&file("dst", &["EXA1", "EXA2"]));
    }

    /// A running rollout from this file.
    pub(crate) fn rollout_of(&mut self, text: &str) {
        let request = request::rollout_apply(self.world(), text).unwrap_or_else(|refused| panic!("{refused}"));
        self.append(Entry::Request { by: name("olga"), request });
        let request = request::rollout_start(self.world(), "dst", "").unwrap();
        self.append(Entry::Request { by: name("olga"), request });
    }

    pub(crate) fn end(&mut self, intent: Sequence, outcome: Outcome) {
        self.append(Entry::Outcome { intent, outcome });
    }

    pub(crate) fn waive(&mut self, user: &str, reason: &str) {
        let expires = self.now.wall + jiff::SignedDuration::from_hours(72);
        let request = request::waive(self.world(), user, reason, expires).unwrap();
        self.append(Entry::Request { by: name("olga"), request });
    }

    /// The user is paused, and what follows from it is written down.
    pub(crate) fn pauses(&mut self, user: &'static str) {
        self.paused.insert(user);
        self.observe_all();
        self.settle();
    }

    /// A rollout that goes on after Anna's pause: she is its baseline, and Carl, who is paused later, is not.
    pub(crate) fn counts_pauses_from_here_on(&mut self) {
        self.settle();
        assert_eq!(self.rollout_state(), "running");
        self.pauses("carl");
        let state = self.rollout_state();
        assert!(state.contains("1 new Send As pauses") && state.contains("carl") && !state.contains("anna"), "{state}");
    }

    pub(crate) fn rollout_state(&self) -> String {
        self.ledger.rollouts[&name("dst")].state.to_string()
    }
}

fn account_of(sid: &str) -> AccountPicture {
    let dn = "CN=GoodAdmin,OU=Services,DC=a,DC=example,DC=test".into();
    AccountPicture {
        dn,
        sid: name(sid),
        everywhere: [name(sid)].into(),
        anywhere: [name(sid)].into(),
        local: BTreeSet::new(),
        uncertain: BTreeSet::new(),
    }
}

/// An object of its own for each name.
pub(crate) fn guid(user: &DirectoryName) -> Guid {
    let mut bytes = [0; 16];
    for (byte, letter) in bytes.iter_mut().zip(user.as_str().bytes()) {
        *byte = letter;
    }
    Guid::from_bytes(bytes)
}

pub(crate) fn succeeded() -> Outcome {
    Outcome::Succeeded { detail: "exit code 0".into() }
}

pub(crate) fn running(account: &str) -> Service {
    Service { state: ServiceState::Running, logon_account: account.into(), started: None }
}

/// A grant to the example's service account.
pub(crate) fn grant(place: &str, form: GrantForm) -> PlannedGrant {
    PlannedGrant {
        domain: name("a.example.test"),
        account: name("goodadmin@a.example.test"),
        sid: name("S-1-5-21-1-2-3-1105"),
        place: place.into(),
        form,
        expected: Vec::new(),
    }
}
