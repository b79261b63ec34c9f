//! What people want besides: the hotfix away again at any time, somebody off his roster for good, an account made again. Drawn apart from everything
//! else, so that a seed without any goes as it always did.

use super::chance::Chance;
use super::estate::GOODLINK;
use super::faults::{FAULTS_FOR, Fault};
use super::heard::HEEDED_WITHIN;
use super::people::Act;
use super::world::{World, shown};
use sendgate_core::ledger::Effect;
use std::collections::BTreeMap;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// Who left a roster, and whose account was made again.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    /// Accounts that were deleted and made again, by their GoodLink servers, and when.
    remade: Vec<(&'static str, Duration)>,
    /// Users whom the roster that the coordinator has does not list any more, and since when it has it.
    off: BTreeMap<String, Duration>,
}

impl Wishes {
    pub(super) fn times_made(&self, goodlink: &str) -> usize {
        self.remade.iter().filter(|(known, _)| *known == goodlink).count()
    }

    /// A coordinator that begins has no roster.
    pub(super) fn anew(&mut self) {
        self.off.clear();
    }
}

/// What somebody asks for: in one seed of eight that the hotfix is removed.
pub(super) fn acts(seed: u64) -> Vec<(Duration, Act)> {
    let mut chance = Chance::new(seed ^ 0x0077_15be_5000_u64);
    let removes = chance.percent(12);
    let at = chance.between(90 * MINUTE, FAULTS_FOR + 60 * MINUTE);
    removes.then_some((at, Act::Remove)).into_iter().collect()
}

/// What somebody does to a roster or an account, in one seed of five.
pub(super) fn draw(seed: u64) -> Vec<(Duration, Fault)> {
    let mut chance = Chance::new(seed ^ 0x0d15_2155_0000_u64);
    let count = if chance.percent(20) { 1 + chance.below(2) } else { 0 };
    let one = |_| {
        let user = usize::try_from(chance.below(8)).unwrap_or(0);
        let goodlink = chance.pick(&GOODLINK).map_or("gla", |(goodlink, _)| *goodlink);
        let fault = if chance.percent(60) { Fault::Dismiss(user) } else { Fault::Remake(goodlink) };
        (chance.between(MINUTE, FAULTS_FOR), fault)
    };
    (0..count).map(one).collect()
}

impl World {
    /// A user leaves his roster for good. He stays in the directory.
    pub(super) fn dismiss(&mut self, now: Duration, user: usize) {
        let Some(called) = self.called(user) else { return };
        let Some(user) = self.users.get_mut(&called) else { return };
        user.left.get_or_insert(now);
        let goodlink = user.goodlink;
        self.tell(now, || format!("{called} leaves the roster of {goodlink}"));
        if let Some(host) = self.hosts.get_mut(goodlink)
            && host.paused.remove(&called).is_some()
        {
            host.relieved.insert(called, now);
        }
    }

    /// The account of a GoodLink server is made again.
    pub(super) fn remake(&mut self, now: Duration, goodlink: &'static str) {
        self.wishes.remade.push((goodlink, now));
        let account = self.account(goodlink);
        self.tell(now, || format!("the account of {goodlink} is {account} from now on"));
        self.domains.values_mut().for_each(|domain| domain.touched(now));
        self.cover(now);
    }

    /// A roster was uploaded to the coordinator that lives: whoever has left is not on it.
    pub(super) fn is_off_roster(&mut self, now: Duration, host: &str, digest: &[u8]) {
        let Some(listed) = self.rosters.get(digest) else { return };
        let gone = self
            .users
            .iter()
            .filter(|(called, user)| user.goodlink == host && user.left.is_some() && !listed.contains(*called));
        let gone: Vec<String> = gone.map(|(called, _)| called.clone()).collect();
        for called in gone {
            self.wishes.off.entry(called).or_insert(now);
        }
    }

    /// A directory is asked of these users: who is on no roster is nobody's concern.
    pub(super) fn asks<'a>(&mut self, now: Duration, asked: impl Iterator<Item = &'a str>) {
        if self.wishes.off.is_empty() {
            return;
        }
        let off = |called: &str| self.wishes.off.get(called).filter(|at| now.saturating_sub(**at) > HEEDED_WITHIN);
        let wrong: Vec<_> = asked.filter_map(|called| Some((called.to_owned(), *off(called)?))).collect();
        for (called, at) in wrong {
            self.violated(now, format!("{called} is looked for, and is on no roster since {}", shown(at)));
        }
    }

    /// An entry that is intended names the account that is there, once that has been shown: in its own domain first.
    pub(super) fn names_who_is_there(&mut self, now: Duration, effect: &Effect) {
        let Effect::Grant(grant) = effect else { return };
        let of = |(_, policy): &(_, &sendgate_core::policy::GoodLinkPolicy)| policy.service_account == grant.account;
        let Some((goodlink, _)) = self.policy.goodlink.iter().find(of) else { return };
        let Some((_, made)) = self.wishes.remade.iter().rev().find(|(known, _)| *known == goodlink.as_str()) else {
            return;
        };
        let after = |domain: &str, at: Duration| {
            self.shown
                .get(domain)
                .filter(|look| look.began > at && look.full > at && look.handed < now)
                .map(|look| look.handed)
        };
        // The other domain's SID is handed on with the next question.
        let own = after(grant.account.domain.as_str(), *made);
        let known = own.and_then(|own| {
            after(grant.domain.as_str(), if grant.domain == grant.account.domain { *made } else { own })
        });
        let there = self.account(goodlink.as_str());
        if known.is_some() && grant.sid != there {
            let made = shown(*made);
            self.violated(
                now,
                format!("{effect} is intended for {}, and the account is {there} since {made}", grant.sid),
            );
        }
    }
}
