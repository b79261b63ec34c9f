//! What a rollout's own safety rests on: waves one after the other, each watched as long as it has to be, and a stop as soon
//! as more goes wrong than the file allows. The planner's counts are not asked: which programs ended when
//! is known, and what hosts reported as well.

use super::estate::{EXCHANGE, GOODLINK, HOSTS, SILENT_AFTER, name};
use super::heard::HEEDED_WITHIN;
use super::known::served_by;
use super::world::{World, shown};
use sendgate_core::ledger::{Effect, Entry, IntentState, Milestone, Outcome, Request, RolloutEvent, Sequence};
use sendgate_core::names::{GoodLinkName, HostName, RosterName};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// After so many refusals of an install on a host it counts as failed.
const REFUSALS: u32 = 3;

/// Holds are measured to the moment at which they are durable, and the soak on another clock.
const SLACK: Duration = Duration::from_secs(1);

/// What came before what.
#[derive(Debug, Default)]
pub(super) struct Waves {
    /// Waves that are over.
    done: BTreeSet<u32>,
    /// Who was reported as paused when that was first taken down for a wave since a person let it go on last.
    before_wave: BTreeMap<(u32, GoodLinkName), BTreeSet<String>>,
    /// Of which waves and GoodLink servers that was done.
    taken: BTreeSet<(u32, GoodLinkName)>,
    /// When the last program of ours ended on a host.
    ended: BTreeMap<&'static str, Duration>,
    /// When a person wanted a host tried again: what was before does not count.
    retried: BTreeMap<HostName, Sequence>,
    left_out: BTreeSet<HostName>,
    refused: BTreeMap<HostName, u32>,
    /// Hosts whose install failed, and nobody has looked at that.
    failed: BTreeMap<HostName, String>,
    /// Something has ended in some other way than well.
    trouble: bool,
    /// The hotfix is to be removed again.
    removing: bool,
}

impl Waves {
    /// What has ended is still known, and whether something has gone wrong.
    pub(super) fn forget(&mut self) {
        *self = Self { ended: std::mem::take(&mut self.ended), trouble: self.trouble, ..Self::default() };
    }

    /// Whether a person wanted the host tried again after this install.
    pub(super) fn is_forgiven(&self, host: &HostName, id: Sequence) -> bool {
        self.retried.get(host).is_some_and(|asked| *asked > id)
    }

    pub(super) fn is_removing(&self) -> bool {
        self.removing
    }

    pub(super) fn is_done(&self, wave: u32) -> bool {
        self.done.contains(&wave)
    }

    /// Hosts whose install failed, with how.
    pub(super) fn failed(&self) -> impl Iterator<Item = (&str, &String)> {
        self.failed.iter().map(|(host, why)| (host.as_str(), why))
    }

    pub(super) fn is_left_out(&self, host: &HostName) -> bool {
        self.left_out.contains(host)
    }

    /// Something has gone wrong for which it may stop.
    pub(super) fn is_troubled(&mut self) {
        self.trouble = true;
    }

    /// When the last one ended there.
    pub(super) fn ended_at(&self, host: &str) -> Option<Duration> {
        self.ended.get(host).copied()
    }

    /// An install has ended on a host.
    pub(super) fn ended(&mut self, now: Duration, host: &'static str) {
        self.ended.insert(host, now);
    }
}

impl World {
    /// An entry is durable, and the ledger has it.
    pub(super) fn in_order(&mut self, now: Duration, sequence: Sequence, entry: &Entry) {
        match entry {
            Entry::Intent { effect: effect @ Effect::Install { .. } } => self.may_follow(now, effect, "is intended"),
            Entry::Permitted { intent, .. } => {
                let effect = self.ledger.intents.get(intent).map(|intent| intent.effect.clone());
                if let Some(effect @ Effect::Install { .. }) = effect {
                    self.may_follow(now, &effect, "gets a permit");
                }
            }
            Entry::Outcome { intent, outcome } => self.counts(*intent, outcome),
            Entry::Request { request: Request::HostRetry { host, .. }, .. } => {
                self.waves.retried.insert(host.clone(), sequence);
                self.waves.left_out.remove(host);
                self.waves.failed.remove(host);
                self.waves.refused.remove(host);
                self.watched.again(host);
            }
            Entry::Request { request: Request::HostSkip { host, .. }, .. } => {
                self.waves.left_out.insert(host.clone());
                self.waves.failed.remove(host);
            }
            Entry::Request { request: Request::RolloutRemove { .. }, .. } => {
                self.waves.removing = true;
                self.waves.left_out.clear();
            }
            Entry::Request { request: Request::RolloutResume { .. }, .. } => {
                self.waves.before_wave.clear();
                self.waves.taken.clear();
            }
            Entry::Milestone(Milestone::Baseline { wave, goodlink, paused, anew, .. }) => {
                if *anew {
                    self.takes_down_anew(now, *wave, goodlink);
                }
                self.takes_down(now, *wave, goodlink, paused);
            }
            Entry::Milestone(Milestone::WaveDone { wave, .. }) => self.may_be_over(now, *wave),
            Entry::Milestone(Milestone::Rollout { event, .. }) => match event {
                RolloutEvent::Tripped { reason } => self.has_cause(now, reason),
                RolloutEvent::Removing { .. } => self.waves.removing = true,
                RolloutEvent::Finished => self.nothing_wrong(now, "the rollout has finished"),
                _ => {}
            },
            _ => {}
        }
    }

    /// An install, after everything that has to come before it.
    fn may_follow(&mut self, now: Duration, effect: &Effect, what: &str) {
        let Effect::Install { server, host, .. } = effect else { return };
        let wave = self.agreed.terms.wave_of(server.as_str());
        let earlier = (0..wave).filter(|earlier| !self.waves.done.contains(earlier));
        let mut why: Vec<_> = earlier.map(|earlier| format!("wave {earlier} is not over")).collect();
        // Of whoever has no user there nothing need be known.
        let concerned = EXCHANGE.iter().find(|(known, _)| server.as_str() == *known);
        let concerned = concerned.map(|(server, _)| served_by(self, server)).unwrap_or_default();
        let untaken = concerned.iter().filter(|goodlink| !self.waves.taken.contains(&(wave, name(goodlink))));
        why.extend(untaken.map(|goodlink| format!("whom {goodlink} had paused before was not taken down")));
        if self.waves.removing {
            why.push("the hotfix is to be removed again".to_owned());
        }
        // What the lost part began is told apart nowhere.
        if what == "gets a permit" && self.begun(wave) <= 1 && self.lost.count == 0 {
            why.extend(concerned.iter().filter_map(|goodlink| self.is_excused_for_good(now, wave, goodlink)));
        }
        let what = format!("the install on {host} {what}");
        for why in why {
            self.violated(now, format!("{what}, and {why}"));
        }
        self.nothing_wrong(now, &what);
    }

    /// How many installs of the wave have begun by the journal.
    fn begun(&self, wave: u32) -> usize {
        let of_wave = |effect: &Effect| match effect {
            Effect::Install { server, .. } => self.agreed.terms.wave_of(server.as_str()) == wave,
            _ => false,
        };
        let installs = self.ledger.intents.values().filter(|intent| of_wave(&intent.effect));
        installs.filter(|intent| intent.state.began()).count()
    }

    /// Whoever was paused when that was taken down, and has not been for a while when the first of the wave begins.
    fn is_excused_for_good(&self, now: Duration, wave: u32, goodlink: &str) -> Option<String> {
        let heard = self.heard.get(goodlink)?;
        let before = self.waves.before_wave.get(&(wave, name(goodlink)))?;
        let recovered: Vec<_> = before.iter().filter(|called| !heard.paused.contains_key(*called)).cloned().collect();
        let known = now.saturating_sub(heard.at) > HEEDED_WITHIN;
        (known && !recovered.is_empty()).then(|| {
            format!("{} of {goodlink}, excused as paused before, are not paused any more", recovered.join(", "))
        })
    }

    /// No more goes wrong than the file allows: what follows is a trip.
    fn nothing_wrong(&mut self, now: Duration, what: &str) {
        if self.waves.removing {
            return;
        }
        for why in self.too_much(now) {
            self.violated(now, format!("{what}, and {why}"));
        }
    }

    /// Users who were paused since, whose mailbox is on a server of the wave, or of all, that was changed.
    pub(super) fn new_pauses(&self, now: Duration, wave: Option<u32>) -> Vec<String> {
        let long = |since: Duration| now.saturating_sub(since) > HEEDED_WITHIN;
        let mut new = Vec::new();
        for (goodlink, _) in GOODLINK {
            let before = match wave {
                Some(wave) => self.waves.before_wave.get(&(wave, name(goodlink))),
                None => self.before_all(&name(goodlink)),
            };
            let (Some(heard), Some(before)) = (self.heard.get(goodlink), before) else { continue };
            for (called, since) in
                heard.paused.iter().filter(|(called, since)| long(**since) && !before.contains(*called))
            {
                let Some(user) = self.users.get(called) else { continue };
                let excepted = self.waived(called, now) || self.waived(called, now.saturating_sub(HEEDED_WITHIN));
                let settled = self.has_settled(now, user);
                let home = self.home(called, user);
                if settled && !excepted && home.is_some_and(|home| self.changed_in(wave, &home)) {
                    new.push(format!("{called} has been reported as paused since {}", shown(*since)));
                }
            }
        }
        new
    }

    /// Whoever was paused before the first wave that has changed anything.
    fn before_all(&self, goodlink: &GoodLinkName) -> Option<&BTreeSet<String>> {
        let is_changed = |wave: u32| EXCHANGE.iter().any(|(server, _)| self.changed_in(Some(wave), server));
        let mut taken = self.waves.before_wave.iter().filter(|((_, of), _)| of == goodlink);
        taken.find(|((wave, _), _)| (0..=*wave).any(is_changed)).map(|(_, before)| before)
    }

    /// What is excused is what was reported then, and no more.
    fn takes_down(&mut self, now: Duration, wave: u32, goodlink: &GoodLinkName, paused: &BTreeSet<RosterName>) {
        let short = |called: &String| called.split('@').next().unwrap_or_default().to_owned();
        if self.lost.replays {
            // What is reported at the moment of the loss is not what was then.
            let was = |called: &&String| paused.iter().any(|user| user.as_str() == short(called));
            let was = self.users.keys().filter(was).cloned().collect();
            return self.were_paused(wave, goodlink, was);
        }
        // Of whoever has no user on a server of the rollout nothing need be known; here everybody has.
        if let Some(why) = self.pauses_unread(now, goodlink.as_str()) {
            self.violated(now, format!("whom {goodlink} has paused is taken down, and {why}"));
        }
        let heard = self.heard.get(goodlink.as_str());
        let reported: BTreeSet<String> = heard.map(|heard| heard.paused.keys().cloned().collect()).unwrap_or_default();
        let fresh = heard.is_some_and(|heard| now.saturating_sub(heard.at) <= HEEDED_WITHIN);
        let known: BTreeSet<String> = reported.iter().map(short).collect();
        let excused: Vec<_> = paused.iter().map(RosterName::as_str).filter(|user| !known.contains(*user)).collect();
        if !excused.is_empty() && !fresh {
            let excused = excused.join(", ");
            self.violated(
                now,
                format!("{excused} of {goodlink} is excused as paused before, and no report shows that"),
            );
        }
        self.were_paused(wave, goodlink, reported);
    }

    /// What was taken down for an attempt that came to nothing holds no more; where one began, it must.
    fn takes_down_anew(&mut self, now: Duration, wave: u32, goodlink: &GoodLinkName) {
        if self.begun(wave) > 0 {
            self.violated(now, format!("whom {goodlink} has paused is taken down anew, and wave {wave} has begun"));
        }
        self.waves.before_wave.remove(&(wave, goodlink.clone()));
    }

    fn were_paused(&mut self, wave: u32, goodlink: &GoodLinkName, reported: BTreeSet<String>) {
        self.waves.taken.insert((wave, goodlink.clone()));
        self.waves.before_wave.entry((wave, goodlink.clone())).or_insert(reported);
    }

    /// How an install ended, by what the journal says: what a program's end was is compared elsewhere.
    fn counts(&mut self, id: Sequence, outcome: &Outcome) {
        let Some(intent) = self.ledger.intents.get(&id) else { return };
        let well = matches!(outcome, Outcome::Succeeded { .. } | Outcome::Withdrawn { .. });
        self.waves.trouble |= !well && intent.effect.rollout().is_some();
        let Effect::Install { host, .. } = &intent.effect else { return };
        let waves = &mut self.waves;
        if waves.left_out.contains(host) || waves.is_forgiven(host, id) {
            return;
        }
        match outcome {
            Outcome::Failed { .. } => drop(waves.failed.insert(host.clone(), format!("has {outcome}"))),
            Outcome::NotStarted { .. } => {
                let count = waves.refused.entry(host.clone()).or_default();
                *count += 1;
                if *count >= REFUSALS {
                    waves.failed.insert(host.clone(), format!("was refused {count} times"));
                }
            }
            Outcome::Succeeded { .. } | Outcome::Withdrawn { .. } | Outcome::Unknown { .. } => {}
        }
    }

    /// A wave is over: it was watched for as long as it had to be, and shows what it was to show.
    fn may_be_over(&mut self, now: Duration, wave: u32) {
        let servers = self.agreed.terms.wave(wave);
        let hosts = EXCHANGE.iter().filter(|(server, _)| servers.contains(server)).flat_map(|(_, hosts)| hosts.iter());
        let hosts: Vec<&'static str> =
            hosts.copied().filter(|host| !self.waves.left_out.contains(&name::<HostName>(host))).collect();
        let mut wrong = self.without(now, &hosts);
        // Whoever was passed over is not watched.
        let lenient = self.agreed.terms.thresholds.passed_over() > 0;
        let hosts: Vec<&'static str> = hosts.into_iter().filter(|host| !lenient || self.watched.shows(host)).collect();
        let ended = hosts.iter().filter_map(|host| self.waves.ended.get(host)).copied();
        // What a lost journal changed is watched since somebody can know of it.
        let last = ended.chain(hosts.iter().filter_map(|host| self.watched.learned(host))).max();
        if hosts.iter().any(|host| self.is_changed(host)) {
            let goodlinks = GOODLINK.iter().map(|(goodlink, _)| *goodlink);
            wrong.extend(goodlinks.filter_map(|goodlink| self.pauses_unread(now, goodlink)));
        }
        for host in hosts {
            // Whoever has been away for as long as an act may take is passed over, where the file allows that.
            let since = self.heard_at(host).map_or(self.alive, |at| at.max(self.alive));
            let away = now.saturating_sub(since) + SLACK >= self.policy.act_deadline;
            let counts = self.is_changed(host) && !(away && self.agreed.terms.thresholds.away() > 0);
            if counts {
                wrong.extend(self.silent(now, host).or_else(|| self.version_unread(now, host)));
            }
            let mut installs = self.ledger.intents.values().map(|intent| &intent.effect).filter(|effect| {
                matches!(effect, Effect::Install { .. }) && effect.host() == Some(&name::<HostName>(host))
            });
            let lost = self.watched.learned(host).and_then(|_| self.lost_install(host));
            let install = installs.next_back().filter(|_| self.waves.ended.contains_key(host)).or(lost);
            if let (Some(last), Some(effect)) = (last, install) {
                // Until whoever has a say in it has said how things are.
                let told = GOODLINK.iter().map(|(goodlink, _)| *goodlink).chain(counts.then_some(host));
                let until = told.map(|told| self.heard_at(told).unwrap_or_default()).min().unwrap_or_default();
                let watched = self.unheld(last, until.max(last), effect);
                if watched + SLACK < self.policy.soak {
                    wrong.push(format!("{host} was watched for {watched:?} since {}", shown(last)));
                }
            }
            let open = self.ledger.open().find(|(_, intent)| {
                let permitted = matches!(intent.state, IntentState::Permitted { .. });
                permitted && intent.effect.host() == Some(&name::<HostName>(host))
            });
            wrong.extend(open.map(|(id, intent)| format!("{} (intent {id}) is under way", intent.effect)));
        }
        for why in wrong {
            self.violated(now, format!("wave {wave} is over, and {why}"));
        }
        self.nothing_wrong(now, &format!("wave {wave} is over"));
        // Until here it is the wave whose turn it is.
        self.waves.done.insert(wave);
    }

    /// A rollout stops by itself for a reason only.
    fn has_cause(&mut self, now: Duration, reason: &str) {
        let away = |host: &&str| self.arrived.get(host).is_none_or(|at| now.saturating_sub(*at) > SILENT_AFTER);
        // What a lost journal removed again is missing to the copy.
        let gone = |host: &&str| self.watched.had(host) && self.hosts[*host].version != Some(Self::target());
        let undone = self.lost.count > 0 && HOSTS.iter().any(gone);
        let cause = self.waves.trouble || self.paused || self.drifted || undone || HOSTS.iter().any(away);
        if !cause && !Self::is_impatience(reason) {
            self.violated(now, format!("the rollout has stopped by itself, and nothing has gone wrong: {reason}"));
        }
        for why in self.is_due(now, reason) {
            self.violated(now, format!("the rollout has stopped by itself, and {why}: {reason}"));
        }
    }
}
