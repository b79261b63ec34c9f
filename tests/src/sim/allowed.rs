//! How much may go wrong before the rollout stops by itself: drawn apart from everything else, and counted here from what
//! programs did and hosts reported, with an arithmetic of its own. What is counted is the least that has gone wrong; what a
//! trip names is held against the most.

use super::chance::Chance;
use super::estate::{EXCHANGE, GOODLINK, name};
use super::heard::HEEDED_WITHIN;
use super::judge::REPORT_KNOWN_AFTER;
use super::lives::ROLLOUT;
use super::world::{User, World, shown};
use sendgate_core::ledger::{Class, Effect, Held, IntentState, Outcome};
use sendgate_core::names::HostName;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

/// How much of each; one more is too much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Allowed {
    new_pauses: usize,
    new_pauses_percent: Option<usize>,
    pub(super) failed_installs: usize,
    pub(super) stores_down: usize,
    pub(super) unreachable: usize,
    pub(super) test_sends: usize,
}

impl Allowed {
    fn draw(chance: &mut Chance) -> Self {
        let mut number = |most: u64| usize::try_from(chance.below(most)).unwrap_or(0);
        let (new_pauses, failed_installs, stores_down) = (number(4), number(3), number(3));
        let (unreachable, test_sends) = (number(2), number(3));
        let percent = chance.percent(50).then(|| chance.pick(&[10, 25, 34, 50]).copied().unwrap_or(10));
        // Where the number is small, it is the one that counts.
        let new_pauses = if percent.is_some() { new_pauses + 2 } else { new_pauses };
        Self { new_pauses, new_pauses_percent: percent, failed_installs, stores_down, unreachable, test_sends }
    }

    fn text(&self, table: &str) -> String {
        let Self { new_pauses, new_pauses_percent, failed_installs, stores_down, unreachable, test_sends } = self;
        let mut text = format!(
            "[{table}]\nnew_pauses = {new_pauses}\nfailed_installs = {failed_installs}\nstores_down = {stores_down}\n\
             unreachable = {unreachable}\ntest_send_failures = {test_sends}\n"
        );
        if let Some(percent) = new_pauses_percent {
            let _ = writeln!(text, "new_pauses_percent = {percent}");
        }
        text
    }

    /// Hosts that may be passed over.
    fn hosts(&self) -> usize {
        self.failed_installs + self.stores_down + self.unreachable
    }
}

/// What the file says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Thresholds {
    of_rollout: Allowed,
    of_wave: Option<Allowed>,
}

impl Thresholds {
    /// One seed in three has some.
    pub(super) fn draw(seed: u64) -> Self {
        let mut chance = Chance::new(seed ^ 0x7412_e540_1d00_u64);
        if !chance.percent(33) {
            return Self::default();
        }
        let of_rollout = Allowed::draw(&mut chance);
        Self { of_rollout, of_wave: chance.percent(50).then(|| Allowed::draw(&mut chance)) }
    }

    /// Whether anything may go wrong.
    pub(super) fn any(&self) -> bool {
        *self != Self::default()
    }

    pub(super) fn text(&self) -> String {
        let wave = self.of_wave.map(|allowed| allowed.text("wave_thresholds"));
        if self.any() { self.of_rollout.text("thresholds") + &wave.unwrap_or_default() } else { String::new() }
    }

    /// Of a wave, or of the whole rollout.
    fn of(&self, wave: Option<u32>) -> Allowed {
        self.of_wave.filter(|_| wave.is_some()).unwrap_or(self.of_rollout)
    }

    /// Hosts of a wave that may be away.
    pub(super) fn away(&self) -> usize {
        self.of(Some(0)).unreachable.min(self.of_rollout.unreachable)
    }

    /// Hosts of a wave that may be passed over.
    pub(super) fn passed_over(&self) -> usize {
        self.of(Some(0)).hosts().min(self.of_rollout.hosts())
    }
}

/// After a start everybody has told everything he knows by then.
const ARRIVED: Duration = Duration::from_secs(5 * 60);

fn server_of(host: &str) -> &'static str {
    EXCHANGE.iter().find(|(_, hosts)| hosts.contains(&host)).map_or("", |(server, _)| *server)
}

impl World {
    /// The wave whose turn it is.
    fn wave_now(&self) -> u32 {
        (0..).find(|wave| !self.waves.is_done(*wave)).unwrap_or(0)
    }

    fn is_of(&self, wave: Option<u32>, server: &str) -> bool {
        wave.is_none_or(|wave| self.agreed.terms.wave_of(server) == wave)
    }

    /// More has gone wrong than the file allows, in the wave whose turn it is or altogether.
    pub(super) fn too_much(&self, now: Duration) -> Vec<String> {
        let mut wrong = Vec::new();
        for wave in [Some(self.wave_now()), None] {
            let allowed = self.agreed.terms.thresholds.of(wave);
            let failed: Vec<_> = self.waves.failed().filter(|(host, _)| self.is_of(wave, server_of(host))).collect();
            if failed.len() > allowed.failed_installs {
                wrong.extend(failed.into_iter().map(|(host, why)| format!("the install on {host} {why}")));
            }
            let down: Vec<_> =
                self.down(now).into_iter().filter(|(host, _)| self.is_of(wave, server_of(host))).collect();
            if down.len() > allowed.stores_down {
                wrong.extend(down.into_iter().map(|(_, why)| why));
            }
            let away: Vec<_> =
                self.away(now).into_iter().filter(|(host, _)| self.is_of(wave, server_of(host))).collect();
            if away.len() > allowed.unreachable {
                wrong.extend(away.into_iter().map(|(_, why)| why));
            }
            let paused = self.new_pauses(now, wave);
            let users = self.users_there(now, wave).count();
            let share = allowed.new_pauses_percent.is_some_and(|percent| paused.len() * 100 > percent * users);
            if paused.len() > allowed.new_pauses || share {
                wrong.extend(paused.into_iter().map(|why| format!("{why} ({users} users are there at most)")));
            }
        }
        wrong
    }

    /// Test sends that failed, by more than the file allows.
    pub(super) fn too_many_tests(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for wave in [Some(self.wave_now()), None] {
            let failed = self.agreed.failed_tests().filter(|((_, server), _)| self.is_of(wave, server.as_str()));
            // Whoever left the hosts of a server out has taken it out of the proof.
            let failed = failed.filter(|((_, server), _)| self.agreed.stays_changed(server.as_str()));
            let failed: Vec<_> = failed.collect();
            let pairs: BTreeSet<_> = failed.iter().map(|(between, _)| between).collect();
            if pairs.len() > self.agreed.terms.thresholds.of(wave).test_sends {
                wrong.extend(failed.into_iter().map(|(_, why)| why));
            }
        }
        wrong
    }

    /// Hosts that were changed, showed the hotfix, and serve nobody while their wave is watched.
    fn down(&self, now: Duration) -> Vec<(String, String)> {
        // What a host serves of which nothing is heard nobody knows, and it may be passed over for that.
        let passed_over = |host: &str| self.agreed.terms.thresholds.away() > 0 && self.silent(now, host).is_some();
        let hosts = self.watched().filter(|host| !passed_over(host));
        let hosts = hosts.filter_map(|host| Some((host.to_string(), self.stands_still(now, host)?)));
        let has = |host: &str| self.told_version(host).is_none_or(|version| version == Self::target().to_string());
        // The nodes of a cluster have one store.
        let mut servers = BTreeSet::new();
        hosts.filter(|(host, _)| has(host) && servers.insert(server_of(host))).collect()
    }

    /// Hosts of the wave whose turn it is, of which nothing was heard for longer than an act may take, holds not counted.
    fn away(&self, now: Duration) -> Vec<(String, String)> {
        let limit = self.policy.act_deadline + HEEDED_WITHIN;
        let over = |host: &str, held: &Held| !matches!(held, Held::Host(other) if other.as_str() != host);
        let late = |host: &str| self.heard_at(host).filter(|at| self.free(*at, now, |held| over(host, held)) > limit);
        let hosts = self.watched().filter_map(|host| Some((host.to_string(), late(host)?)));
        hosts.map(|(host, at)| (host.clone(), format!("nothing was heard of {host} since {}", shown(at)))).collect()
    }

    /// Hosts that were changed by us and have shown the hotfix, of the wave that is not over.
    fn watched(&self) -> impl Iterator<Item = &'static str> {
        self.watched.hosts().filter(|host| {
            let ours = self.is_changed(host) && !self.waves.is_left_out(&name(host));
            ours && self.agreed.terms.wave_of(server_of(host)) == self.wave_now()
        })
    }

    /// Users whose mailbox is, or may be, on a server of the wave (or at all) that was changed.
    fn users_there(&self, now: Duration, wave: Option<u32>) -> impl Iterator<Item = (&String, &User)> {
        self.users.iter().filter(move |(called, user)| {
            let settled = self.has_settled(now, user);
            let homes = self.domains[user.domain].servers.iter().map(|server| server.objects.get(*called));
            let there = |home: &str| self.is_of(wave, home) && self.may_be_changed(home);
            !settled || homes.into_iter().any(|object| object.is_none_or(|object| there(&object.home)))
        })
    }

    /// Whether an install may have begun on a host of this server: it counts from its permit on.
    fn may_be_changed(&self, server: &str) -> bool {
        let permitted = self.ledger.intents.values().any(|intent| {
            let here = matches!(&intent.effect, Effect::Install { server: on, .. } if on.as_str() == server);
            here && intent.state.began()
        });
        let hosts = EXCHANGE.iter().filter(|(other, _)| *other == server).flat_map(|(_, hosts)| *hosts);
        // What appears after a takeover may have come from an act of the lost part, whoever brought it, and whatever became
        // of it since: an install of ours counts from its permit on as well.
        let told = |host: &str| self.told_version(host) == Some(Self::target().to_string().as_str());
        let has = |host: &str| self.hosts[host].version == Some(Self::target()) || told(host) || self.watched.had(host);
        let appeared = |host: &str| self.lost.count > 0 && has(host);
        let may = |host: &str| self.is_changed(host) || self.watched.may_be_changed(host) || appeared(host);
        permitted || hosts.into_iter().any(|host| may(host))
    }

    /// Hosts of a wave that is over without them, by more than the file allows.
    pub(super) fn without(&self, now: Duration, hosts: &[&'static str]) -> Vec<String> {
        let known = hosts.iter().map(|host| (*host, &self.hosts[host])).filter(|(_, known)| {
            known.version != Some(Self::target()) && now.saturating_sub(known.versioned) > REPORT_KNOWN_AFTER
        });
        let without: Vec<_> = known.collect();
        if without.len() <= self.agreed.terms.thresholds.passed_over() {
            return Vec::new();
        }
        let has = |(host, known): (&str, &super::hosts::Host)| {
            format!("{host} has had {:?} since {}", known.version, shown(known.versioned))
        };
        without.into_iter().map(has).collect()
    }

    /// A trip says what passed which threshold: that is what the file allows, and so much has gone wrong at most.
    pub(super) fn is_due(&self, now: Duration, reason: &str) -> Vec<String> {
        let Some((of, said)) = reason.split_once(": ") else { return Vec::new() };
        let wave = match of.strip_prefix("wave ") {
            Some("all") => Some(0),
            Some(server) => Some(self.agreed.terms.wave_of(server)),
            None if of == "the rollout" => None,
            None => return Vec::new(),
        };
        let allowed = self.agreed.terms.thresholds.of(wave);
        let Some((count, what)) = said.split_once(' ') else { return Vec::new() };
        let Ok(count) = count.parse::<usize>() else { return Vec::new() };
        let hosts: Vec<&str> = EXCHANGE
            .iter()
            .filter(|(server, _)| self.is_of(wave, server))
            .flat_map(|(_, hosts)| hosts.iter().copied())
            .collect();
        let most = |may: &dyn Fn(&str) -> bool| hosts.iter().filter(|host| may(host)).count();
        let servers = EXCHANGE.iter().filter(|(server, _)| self.is_of(wave, server));
        let stayed = |hosts: &[&str]| hosts.iter().any(|host| self.went_on_without(host, Class::Store));
        let down =
            servers.map(|(server, hosts)| if stayed(hosts) { 1 } else { self.may_be_called_down(now, server) }).sum();
        let kinds = [
            (
                "failed installs",
                allowed.failed_installs,
                most(&|host| self.may_have_failed(now, host) || self.went_on_without(host, Class::Install)),
            ),
            ("stores down", allowed.stores_down, down),
            ("unreachable hosts", allowed.unreachable, hosts.len()),
            ("test sends failed", allowed.test_sends, GOODLINK.len() * EXCHANGE.len()),
        ];
        let mut wrong = Vec::new();
        for (kind, allowed, most) in kinds {
            if !what.starts_with(kind) {
                continue;
            }
            if !what.starts_with(&format!("{kind}, {allowed} allowed")) || count <= allowed {
                wrong.push(format!("the file allows {allowed} {kind}"));
            }
            if count > most {
                wrong.push(format!("there were {most} {kind} at most"));
            }
        }
        wrong.extend(self.pauses_are_due(now, wave, count, what));
        wrong
    }

    fn pauses_are_due(&self, now: Duration, wave: Option<u32>, count: usize, what: &str) -> Vec<String> {
        let Some(what) = what.strip_prefix("new Send As pauses of ") else { return Vec::new() };
        let allowed = self.agreed.terms.thresholds.of(wave);
        let users: usize = what.split(' ').next().and_then(|users| users.parse().ok()).unwrap_or(0);
        let number = format!("{users} roster users, {} allowed", allowed.new_pauses);
        let percent = allowed.new_pauses_percent.map(|percent| format!("{users} roster users, {percent} % allowed"));
        let passed = if what.starts_with(&number) {
            count > allowed.new_pauses
        } else if percent.is_some_and(|percent| what.starts_with(&percent)) {
            count * 100 > allowed.new_pauses_percent.unwrap_or(0) * users
        } else {
            false
        };
        let mut wrong = Vec::new();
        if !passed {
            wrong.push(format!("the file allows {allowed:?}"));
        }
        let (most, paused) = (self.users_there(now, wave).count(), self.paused_now());
        if users > most || count > paused {
            wrong.push(format!("{most} users are there at most, and {paused} are reported as paused"));
        }
        let certain = self.users_there(now, wave).filter(|(called, user)| self.is_certain(now, called, user));
        // What has not arrived since the last start cannot be counted.
        let certain = certain.filter(|(_, user)| self.uploaded.contains_key(user.goodlink));
        let certain = certain.filter(|_| now.saturating_sub(self.alive) > ARRIVED);
        let least = certain.filter(|(_, user)| self.has_settled(now, user)).count();
        if users < least && self.lost.count == 0 {
            wrong.push(format!("{least} users are there at least"));
        }
        wrong
    }

    /// Whether everybody who looks finds this user, and where his mailbox is.
    fn is_certain(&self, now: Duration, called: &str, user: &User) -> bool {
        let served = &self.policy.goodlink[&name(user.goodlink)].domains;
        let looked = |domain: &str| self.shown.get(domain).is_some_and(|look| look.tells_of(called, now));
        let listed = self.is_listed(called, user.goodlink) && now.saturating_sub(user.since) > REPORT_KNOWN_AFTER;
        listed && served.iter().all(|domain| looked(domain.as_str())) && self.domains[user.domain].is_through()
    }

    /// Whether the journal says that a wave is over without the host, which had failed so by then: it stays counted.
    fn went_on_without(&self, host: &str, class: Class) -> bool {
        let rollout = self.ledger.rollouts.get(&name(ROLLOUT));
        rollout.is_some_and(|rollout| rollout.failed.get(&name::<HostName>(host)) == Some(&class))
    }

    /// Whether an install of ours on the host has, or may have, failed; what it had shown and has no more counts as well.
    fn may_have_failed(&self, now: Duration, host: &str) -> bool {
        let known = &self.hosts[host];
        let lacks = known.version != Some(Self::target()) || now.saturating_sub(known.versioned) < REPORT_KNOWN_AFTER;
        let installs = self
            .ledger
            .intents
            .values()
            .filter(|intent| matches!(&intent.effect, Effect::Install { host: on, .. } if on.as_str() == host));
        let badly = installs.clone().any(|intent| {
            matches!(&intent.state, IntentState::Ended { outcome, .. } if !matches!(outcome, Outcome::Succeeded { .. } | Outcome::Withdrawn { .. }))
        });
        let begun = installs.into_iter().any(|intent| intent.state.began());
        let was = begun || self.watched.had(host) || self.watched.may_be_changed(host);
        badly || was && (lacks || self.may_be_unread(now, host))
    }

    /// Whether a pause there counts: where the mailbox is has been known for long enough.
    pub(super) fn has_settled(&self, now: Duration, user: &User) -> bool {
        let evidence = self.policy.freshness.evidence_age + Duration::from_secs(60);
        now.saturating_sub(user.moved) > evidence
    }

    /// Whether a server of the wave, or any, was changed.
    pub(super) fn changed_in(&self, wave: Option<u32>, server: &str) -> bool {
        self.is_of(wave, server) && self.is_server_changed(server)
    }
}
