//! On whom and where entries are written: what a look shows of the entries that are there, and so whether a further one is
//! for anybody. The planner's proposals are not asked.

use super::directory::{Object, Place, Roots, Server};
use super::estate::{GOODLINK, name};
use super::known::CLOCKS_DIFFER;
use super::world::{User, World, shown};
use sendgate_core::coverage::placement::{GrantEntry, PlannedGrant};
use sendgate_core::ledger::{Effect, Intent, IntentState, Outcome, Sequence};
use sendgate_core::names::Dn;
use sendgate_core::secdesc::edit::GrantForm;
use sendgate_core::sid::Sid;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What the servers of a domain that answer show, the one that is written on first.
#[derive(Debug, Clone, Default)]
pub(super) struct Entries {
    written: Option<Shows>,
    others: Vec<Shows>,
}

/// What one of them shows.
#[derive(Debug, Clone)]
struct Shows {
    /// What is above users.
    roots: Roots,
    /// Those of these places whose descriptor is shown.
    places: BTreeSet<Place>,
    /// The roster users that were asked for.
    users: BTreeMap<String, Object>,
}

impl Entries {
    pub(super) fn of(now: Duration, servers: &[Server], users: &[(&String, &User)]) -> Self {
        let of = |server: &Server| {
            let seen = users.iter().filter(|(called, _)| server.shows(now, &Place::User((*called).clone())));
            let seen = seen.filter_map(|(called, _)| Some(((*called).clone(), server.objects.get(*called)?.clone())));
            let places = [Place::Head, Place::Unit, Place::Holder].into_iter().filter(|place| server.shows(now, place));
            let (roots, places, users) = (server.roots.clone(), places.collect(), seen.collect());
            (server.down <= now).then_some(Shows { roots, places, users })
        };
        let others = servers.iter().skip(1).filter_map(of).collect();
        Self { written: servers.first().and_then(of), others }
    }

    /// Whether the server that is written on shows a user, and to be without the right.
    pub(super) fn is_missing(&self, called: &str, account: &Sid) -> bool {
        self.written.as_ref().is_some_and(|shows| shows.is_missing(called, account))
    }

    /// Whether any shows him so: what is written here comes there.
    fn is_missing_anywhere(&self, called: &str, account: &Sid) -> bool {
        self.all().any(|shows| shows.is_missing(called, account))
    }

    /// Whether an entry for this account at this place gives a user the right who is shown without it.
    pub(super) fn helps(&self, called: &str, place: &Place, account: &Sid) -> bool {
        self.all().any(|shows| shows.helps(called, place, account))
    }

    fn all(&self) -> impl Iterator<Item = &Shows> {
        self.written.iter().chain(&self.others)
    }

    fn carries(&self, place: &Place, account: &Sid) -> bool {
        self.written.as_ref().is_some_and(|shows| shows.carries(place, account))
    }
}

impl Shows {
    fn is_missing(&self, called: &str, account: &Sid) -> bool {
        self.users.get(called).is_some_and(|object| !object.allows(account, &self.roots))
    }

    fn helps(&self, called: &str, place: &Place, account: &Sid) -> bool {
        let Some(object) = self.users.get(called) else { return false };
        let (mut object, mut roots) = (object.clone(), self.roots.clone());
        let before = object.allows(account, &roots);
        match place {
            Place::Head => drop(roots.head.insert(account.clone())),
            Place::Unit => drop(roots.unit.allow.insert(account.clone())),
            Place::User(on) if on == called => drop(object.allow.insert(account.clone())),
            Place::User(_) | Place::Holder => {}
        }
        !before && object.allows(account, &roots)
    }

    fn carries(&self, place: &Place, account: &Sid) -> bool {
        let above = match place {
            Place::Head => &self.roots.head,
            Place::Unit => &self.roots.unit.allow,
            Place::Holder => &self.roots.holder,
            Place::User(called) => return self.users.get(called).is_some_and(|object| object.allow.contains(account)),
        };
        self.places.contains(place) && above.contains(account)
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
        let at = self.at(&grant.domain, &grant.place);
        if at.is_some_and(|at| look.entries.carries(&at, &grant.sid)) {
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
        // Whether it is the present one is judged with those that are made again.
        if GOODLINK.iter().all(|(goodlink, _)| !self.accounts(goodlink).any(|sid| sid == *account)) {
            return vec!["no service account that is declared has had this SID".to_owned()];
        }
        let Some(look) = self.shown.get(domain.as_str()) else {
            return vec![format!("nobody has looked at {domain} since the coordinator started")];
        };
        if look.handed + CLOCKS_DIFFER >= now {
            return Vec::new();
        }
        // Whether somebody has approved what needs that is judged with the yeses.
        if entry.is_on_holder() {
            return Vec::new();
        }
        let Some(at) = self.at(domain, place) else { return vec!["there is no such place".to_owned()] };
        let began = shown(look.began);
        // Whoever is on a roster of that account.
        let of = |user: &User| self.accounts(user.goodlink).any(|sid| sid == *account);
        let users = || {
            let here = self.users.iter().filter(|(_, user)| user.domain == domain.as_str() && of(user));
            here.map(|(called, _)| called)
        };
        let mut wrong = Vec::new();
        if let Place::User(on) = &at
            && look.protected.contains_key(on)
        {
            wrong.push(format!("{on} was shown to be protected at {began}"));
        }
        let helped =
            |called: &&String| look.entries.helps(called, &at, account) && !look.protected.contains_key(*called);
        if !users().any(|called| helped(&called)) {
            let lacking = users().filter(|called| look.entries.is_missing_anywhere(called, account)).count();
            let all = users().count();
            wrong.push(format!("it reaches nobody who lacked it at {began}: {lacking} of {all} users were without it"));
        }
        wrong
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
