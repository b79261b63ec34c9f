//! On whom and where entries are written: what a look shows of the entries that are there, and so whether a further one is
//! for anybody. The planner's proposals are not asked.

use super::directory::{Object, Place, Server};
use super::estate::{GOODLINK, name};
use super::known::CLOCKS_DIFFER;
use super::world::{User, World, shown};
use sendgate_core::coverage::placement::{GrantEntry, PlannedGrant};
use sendgate_core::ledger::{Effect, Intent, IntentState, Outcome, Sequence, Subject};
use sendgate_core::names::{AccountName, Dn};
use sendgate_core::secdesc::edit::GrantForm;
use sendgate_core::sid::Sid;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What the server that is written on shows.
#[derive(Debug, Clone, Default)]
pub(super) struct Entries {
    /// Accounts with an entry on the domain's head.
    head: BTreeSet<Sid>,
    /// The roster users that were asked for.
    users: BTreeMap<String, Object>,
    /// Accounts that some server shows to be denied on a user.
    denied: BTreeSet<(String, Sid)>,
}

impl Entries {
    pub(super) fn of(now: Duration, servers: &[Server], users: &[(&String, &User)]) -> Self {
        let shows =
            |server: &Server, called: &str| server.down <= now && server.shows(now, &Place::User(called.to_owned()));
        let mut denied = BTreeSet::new();
        for (called, _) in users {
            let objects = servers.iter().filter(|server| shows(server, called));
            let denies = objects.filter_map(|server| server.objects.get(*called)).flat_map(|object| &object.deny);
            denied.extend(denies.map(|account| ((*called).clone(), account.clone())));
        }
        let Some(server) = servers.first().filter(|server| server.down <= now) else {
            return Self { denied, ..Self::default() };
        };
        let seen = users.iter().filter(|(called, _)| shows(server, called));
        let seen = seen.filter_map(|(called, _)| Some(((*called).clone(), server.objects.get(*called)?.clone())));
        let head = if server.shows(now, &Place::Head) { server.head.clone() } else { BTreeSet::new() };
        Self { head, users: seen.collect(), denied }
    }

    /// Whether a user is shown, and to be without the right.
    pub(super) fn is_missing(&self, called: &str, account: &Sid) -> bool {
        self.users.get(called).is_some_and(|object| !object.allows(account, &self.head))
    }

    /// Whether an entry for this account at this place gives a user the right who is shown without it.
    pub(super) fn helps(&self, called: &str, place: &Place, account: &Sid) -> bool {
        let Some(object) = self.users.get(called) else { return false };
        let (mut object, mut head) = (object.clone(), self.head.clone());
        let before = object.allows(account, &head);
        match place {
            Place::Head => drop(head.insert(account.clone())),
            Place::User(on) if on == called => drop(object.allow.insert(account.clone())),
            Place::User(_) | Place::Holder => {}
        }
        !before && object.allows(account, &head)
    }

    fn carries(&self, place: &Place, account: &Sid) -> bool {
        match place {
            Place::Head => self.head.contains(account),
            Place::User(called) => self.users.get(called).is_some_and(|object| object.allow.contains(account)),
            Place::Holder => false,
        }
    }
}

impl World {
    /// Why an entry is known to be there, or may be there by what we did and nobody has looked since.
    pub(super) fn granted_already(&self, now: Duration, id: Sequence, grant: &PlannedGrant) -> Vec<String> {
        let Some(look) = self.shown.get(grant.domain.as_str()) else { return Vec::new() };
        if look.handed >= now {
            return Vec::new();
        }
        let mut wrong = Vec::new();
        if look.entries.carries(&self.at(&grant.domain, &grant.place), &grant.sid) {
            wrong.push(format!("the entry was shown there at {}", shown(look.began)));
        }
        let entry = Some(grant.entry());
        let written = |intent: &Intent| {
            let may = |outcome: &Outcome| matches!(outcome, Outcome::Succeeded { .. } | Outcome::Unknown { .. });
            matches!(&intent.state, IntentState::Ended { outcome, .. } if may(outcome))
        };
        let mut same = self.ledger.intents.range(..id).filter(|(_, intent)| intent.effect.entry() == entry);
        let last = same.next_back().filter(|(_, intent)| matches!(intent.effect, Effect::Grant(_)) && written(intent));
        let last = last.and_then(|(last, _)| Some((last, self.outcomes.get(last)?)));
        if let Some((last, ended)) = last.filter(|(_, ended)| **ended > look.began + CLOCKS_DIFFER) {
            let (ended, began) = (shown(*ended), shown(look.began));
            wrong.push(format!("grant {last} of it ended at {ended}, and the last look began at {began}"));
        }
        wrong
    }

    /// An entry is about to be written, or taken away again.
    pub(super) fn may_place(&mut self, now: Duration, domain: &str, entry: (&Dn, &Sid, GrantForm), wanted: bool) {
        let (place, account, form) = entry;
        let entry = GrantEntry { domain: name(domain), sid: account.clone(), place: place.clone(), form };
        let wrong = if wanted { self.for_nobody(now, &entry) } else { self.not_ours(&entry) };
        for why in wrong {
            let how = if wanted { "written" } else { "taken away" };
            self.violated(now, format!("an entry for {account} on {place} is {how}, and {why}"));
        }
    }

    /// Why nobody is to have an entry there, by the last look.
    fn for_nobody(&self, now: Duration, entry: &GrantEntry) -> Vec<String> {
        let GrantEntry { domain, sid: account, place, .. } = entry;
        if GOODLINK.iter().all(|(goodlink, _)| Self::account(goodlink) != *account) {
            return vec!["no service account that is declared has this SID".to_owned()];
        }
        let Some(look) = self.shown.get(domain.as_str()) else {
            return vec![format!("nobody has looked at {domain} since the coordinator started")];
        };
        if look.handed + CLOCKS_DIFFER >= now {
            return Vec::new();
        }
        if entry.is_on_holder() {
            let subject =
                |account: &AccountName| Subject::AdminSdHolder { domain: domain.clone(), account: account.clone() };
            let approved = self.accounts(account).any(|account| self.ledger.approved(&subject(account)));
            let why = "nobody has approved an entry on AdminSDHolder".to_owned();
            return if approved { Vec::new() } else { vec![why] };
        }
        let (at, began) = (self.at(domain, place), shown(look.began));
        // Whoever is on a roster of the domain is granted to each account that serves it.
        let users = || self.users.iter().filter(|(_, user)| user.domain == domain.as_str()).map(|(called, _)| called);
        let mut wrong = Vec::new();
        if let Place::User(on) = &at {
            if look.protected.contains_key(on) {
                wrong.push(format!("{on} was shown to be protected at {began}"));
            }
            if look.entries.denied.contains(&(on.clone(), account.clone())) && !self.may_override(on, account) {
                wrong.push(format!("{on} was shown to be denied at {began}, and nobody has approved that"));
            }
        }
        let helped =
            |called: &&String| look.entries.helps(called, &at, account) && !look.protected.contains_key(*called);
        if !users().any(|called| helped(&called)) {
            let lacking = users().filter(|called| look.entries.is_missing(called, account)).count();
            let all = users().count();
            wrong.push(format!("it reaches nobody who lacked it at {began}: {lacking} of {all} users were without it"));
        }
        wrong
    }

    fn may_override(&self, called: &str, account: &Sid) -> bool {
        let Some(user) = self.users.get(called) else { return false };
        let subject = |account: &AccountName| Subject::Override { user: user.guid, account: account.clone() };
        self.accounts(account).any(|account| self.ledger.approved(&subject(account)))
    }

    /// The service accounts that have this SID.
    fn accounts<'a>(&'a self, sid: &'a Sid) -> impl Iterator<Item = &'a AccountName> {
        let goodlinks = GOODLINK.iter().filter(move |(goodlink, _)| Self::account(goodlink) == *sid);
        goodlinks.map(|(goodlink, _)| &self.policy.goodlink[&name(goodlink)].service_account)
    }

    /// Why an entry is not one that we wrote and somebody wants away.
    fn not_ours(&self, entry: &GrantEntry) -> Vec<String> {
        let mut open = self.ledger.open().filter_map(|(id, intent)| match &intent.effect {
            Effect::Withdraw(withdrawal) if withdrawal.entry == *entry => Some((id, withdrawal.grant)),
            _ => None,
        });
        let Some((id, grant)) = open.next() else {
            return vec!["no open intent takes just this entry away".to_owned()];
        };
        let written = |intent: &Intent| match &intent.state {
            IntentState::Ended { outcome, .. } => {
                !matches!(outcome, Outcome::NotStarted { .. } | Outcome::Withdrawn { .. })
            }
            _ => false,
        };
        let known = self.ledger.intents.get(&grant);
        let ours = known.is_some_and(|intent| {
            matches!(&intent.effect, Effect::Grant(grant) if grant.entry() == *entry) && written(intent)
        });
        let mut wrong = Vec::new();
        if !ours {
            let known = known.map(|intent| (&intent.effect, &intent.state));
            wrong.push(format!("intent {id} names {grant} as what wrote it, which is {known:?}"));
        }
        if !self.ledger.undone.contains_key(entry) {
            wrong.push(format!("nobody wants what {grant} wrote away (intent {id})"));
        }
        wrong
    }
}
