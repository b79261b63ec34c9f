//! Entries that need somebody's yes of their own: on a user whom an inherited entry denies, and on AdminSDHolder. Administrators
//! deny the right on an organizational unit or block what flows into it, and people approve and take that back. Drawn apart
//! from everything else.

use super::chance::Chance;
use super::directory::{Change, Place, is_in_unit};
use super::estate::{DOMAINS, GOODLINK};
use super::faults::{FAULTS_FOR, Fault};
use super::judge::PERMIT;
use super::people::Act;
use super::world::{User, World, shown};
use sendgate_core::ledger::{Entry, Request, Subject};
use sendgate_core::names::{Dn, DomainName};
use sendgate_core::request::WantedSubject;
use sendgate_core::sid::Sid;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// What somebody may say yes to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Special {
    /// An entry on a user in the unit of a domain, who may be denied there.
    Override(&'static str, usize),
    /// One on AdminSDHolder of a domain, for the account of a GoodLink server.
    Holder(&'static str, &'static str),
}

/// Yeses that stand, and those that were taken back, with when.
#[derive(Debug, Default)]
pub(super) struct Specials {
    given: BTreeSet<Subject>,
    taken_back: BTreeMap<Subject, Duration>,
}

/// The pairs of a GoodLink server and a domain that its users are in.
const SERVED: [(&str, &str); 3] = [("gla", DOMAINS[0]), ("glb", DOMAINS[0]), ("glb", DOMAINS[1])];

/// What happens at its time.
type At<T> = Vec<(Duration, T)>;

/// Draws a seed's denials and yeses, each in one of four.
pub(super) fn draw(seed: u64) -> (At<Fault>, At<Act>) {
    let mut chance = Chance::new(seed ^ 0x05be_c1a1_5000_u64);
    let (mut faults, mut acts) = (Vec::new(), Vec::new());
    let time = |chance: &mut Chance| chance.between(MINUTE, FAULTS_FOR * 3 / 5);
    if chance.percent(25) {
        let domain = chance.pick(&DOMAINS).copied().unwrap_or(DOMAINS[0]);
        faults.push((time(&mut chance), Fault::BlockUnit(domain)));
    }
    if chance.percent(25) {
        let (goodlink, domain) = chance.pick(&SERVED).copied().unwrap_or(SERVED[0]);
        let (at, long) = (time(&mut chance), chance.between(20 * MINUTE, 180 * MINUTE));
        faults.push((at, Fault::DenyUnit(goodlink, domain, long)));
        for _ in 0..=chance.below(3) {
            let user = usize::try_from(chance.below(8)).unwrap_or(0);
            let yes = at + chance.between(Duration::ZERO, 30 * MINUTE);
            acts.push((yes, Act::Permit(Special::Override(domain, user))));
            if chance.percent(30) {
                acts.push((
                    yes + chance.between(Duration::ZERO, 60 * MINUTE),
                    Act::Forbid(Special::Override(domain, user)),
                ));
            }
        }
    }
    if chance.percent(25) {
        let special = chance
            .pick(&SERVED)
            .map_or(Special::Holder("gla", DOMAINS[0]), |(goodlink, domain)| Special::Holder(goodlink, domain));
        let at = time(&mut chance);
        acts.push((at, Act::Permit(special)));
        if chance.percent(30) {
            acts.push((at + chance.between(Duration::ZERO, 90 * MINUTE), Act::Forbid(special)));
        }
        for _ in 0..2 {
            let user = usize::try_from(chance.below(8)).unwrap_or(0);
            faults.push((time(&mut chance), Fault::Protect(user, chance.between(60 * MINUTE, 240 * MINUTE))));
        }
    }
    (faults, acts)
}

impl World {
    /// What somebody says yes to, as he asks for it; none: there is no such user.
    pub(super) fn wanted(&self, special: Special) -> Option<WantedSubject> {
        let account = |goodlink: &str| {
            let of = GOODLINK.iter().find(|(known, _)| *known == goodlink).map_or(DOMAINS[0], |(_, domain)| *domain);
            format!("goodadmin@{of}")
        };
        Some(match special {
            Special::Holder(goodlink, domain) => {
                WantedSubject::AdminSdHolder { domain: domain.to_owned(), account: account(goodlink) }
            }
            Special::Override(domain, user) => {
                let there = |(called, user): &(&String, &User)| user.domain == domain && is_in_unit(called);
                let users: Vec<&String> = self.users.iter().filter(there).map(|(called, _)| called).collect();
                let user = (*users.get(user.checked_rem(users.len())?)?).clone();
                let account = account(self.users[&user].goodlink);
                WantedSubject::Override { user, account }
            }
        })
    }

    /// An administrator denies an account the right over the unit, or does not any more.
    pub(super) fn denies_unit(&mut self, now: Duration, domain: &str, account: &Sid, denies: bool) {
        let Some(known) = self.domains.get_mut(domain) else { return };
        let mut unit = known.servers[0].roots.unit.clone();
        let changed = if denies { unit.deny.insert(account.clone()) } else { unit.deny.remove(account) };
        if changed {
            known.change(now, &Change::Unit(unit));
            self.cover(now);
        }
    }

    /// Nobody is denied over any unit any more.
    pub(super) fn relent_units(&mut self, now: Duration) {
        for domain in self.domains.values_mut() {
            let mut unit = domain.servers[0].roots.unit.clone();
            if !unit.deny.is_empty() {
                unit.deny.clear();
                domain.change(now, &Change::Unit(unit));
            }
        }
        self.cover(now);
    }

    /// An administrator blocks what flows into the unit; with the right or without it.
    pub(super) fn blocks_unit(&mut self, now: Duration, domain: &str, with: bool) {
        let accounts = SERVED.iter().filter(|(_, of)| *of == domain).map(|(goodlink, _)| self.account(goodlink));
        let accounts: Vec<Sid> = accounts.filter(|_| with).collect();
        let Some(known) = self.domains.get_mut(domain) else { return };
        let mut unit = known.servers[0].roots.unit.clone();
        unit.blocked = true;
        unit.allow.extend(accounts);
        known.change(now, &Change::Unit(unit));
        self.cover(now);
    }

    /// The directory team grants on a unit that is blocked.
    pub(super) fn grant_on_units(&mut self, now: Duration) {
        for (goodlink, domain) in SERVED {
            let account = self.account(goodlink);
            let Some(known) = self.domains.get_mut(domain) else { continue };
            let mut unit = known.servers[0].roots.unit.clone();
            if unit.blocked && unit.allow.insert(account) {
                known.change(now, &Change::Unit(unit));
            }
        }
    }

    /// An entry is durable: somebody has said yes, or taken that back.
    pub(super) fn says(&mut self, now: Duration, entry: &Entry) {
        let special = |subject: &Subject| !matches!(subject, Subject::Rollout { .. });
        match entry {
            Entry::Request { request: Request::Approve { subject, .. }, .. } if special(subject) => {
                self.specials.given.insert(subject.clone());
            }
            Entry::Request { request: Request::Revoke { subject, .. }, .. } if special(subject) => {
                self.specials.given.remove(subject);
                self.specials.taken_back.insert(subject.clone(), now);
            }
            _ => {}
        }
    }

    /// A journal that is lost takes every yes with it that the copy does not have.
    pub(super) fn forgets_specials(&mut self) {
        self.specials = Specials::default();
    }

    /// Whether somebody's yes stands, or was taken back a moment ago.
    fn has_said(&self, now: Duration, subject: &Subject) -> bool {
        let lately = |at: &Duration| now.saturating_sub(*at) <= PERMIT;
        self.specials.given.contains(subject) || self.specials.taken_back.get(subject).is_some_and(lately)
    }

    /// An entry is about to be written on a place: some places need somebody's yes of their own.
    pub(super) fn was_approved(&mut self, now: Duration, domain: &DomainName, place: &Dn, sid: &Sid) {
        let accounts: Vec<_> = self
            .policy
            .goodlink
            .iter()
            .filter(|(goodlink, _)| self.account(goodlink.as_str()) == *sid)
            .map(|(_, policy)| policy.service_account.clone())
            .collect();
        // Of an account that was made again nobody can say yes to anything.
        let Some(account) = accounts.into_iter().next() else { return };
        let look = self.shown.get(domain.as_str()).filter(|look| look.handed < now);
        let why = match self.at(domain, place) {
            Some(Place::Holder) => {
                let subject = Subject::AdminSdHolder { domain: domain.clone(), account };
                (!self.has_said(now, &subject)).then(|| "nobody has approved that".to_owned())
            }
            Some(Place::User(called)) => look.and_then(|look| {
                let at = shown(look.began);
                let subject = Subject::Override { user: self.users[&called].guid, account };
                if look.is_denied(&called) && !self.has_said(now, &subject) {
                    return Some(format!("{called} was shown to be denied at {at}, and nobody has approved that"));
                }
                None
            }),
            _ => None,
        };
        if let Some(why) = why {
            self.violated(now, format!("an entry for {sid} is written on {place}, and {why}"));
        }
    }
}
