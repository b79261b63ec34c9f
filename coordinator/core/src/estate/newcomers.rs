//! Who came onto a roster, and when: between two rosters nobody has looked at him.

use super::{Roster, RosterDigest};
use crate::names::{DirectoryName, GoodLinkName};
use crate::time::Steady;
use std::collections::{BTreeMap, BTreeSet};

/// What each roster has that no roster before had. Who was on the first one since the coordinator started as well as on the
/// last one before that, only the journal can tell, by its digest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Newcomers {
    first: BTreeMap<GoodLinkName, RosterDigest>,
    since: BTreeMap<GoodLinkName, BTreeMap<DirectoryName, Steady>>,
}

impl Newcomers {
    /// Takes in a roster, before it takes its place among the others.
    pub(super) fn take(
        &mut self,
        rosters: &BTreeMap<GoodLinkName, Roster>,
        goodlink: &GoodLinkName,
        roster: &Roster,
        at: Steady,
    ) {
        let Some(before) = rosters.get(goodlink) else {
            self.first.insert(goodlink.clone(), roster.digest);
            return;
        };
        let here: BTreeSet<_> = roster.users.values().collect();
        let mut new = &here - &before.users.values().collect();
        // Mostly nobody is new, or a few: only then the other rosters are gone through, where each of them may be.
        if !new.is_empty() {
            let elsewhere = rosters.values().flat_map(|other| other.users.values());
            new = &new - &elsewhere.filter(|user| new.contains(user)).collect();
        }
        let mut since = self.since.remove(goodlink).unwrap_or_default();
        // Who is gone is new again when he comes back.
        since.retain(|user, _| here.contains(user));
        since.extend(new.into_iter().map(|user| (user.clone(), at)));
        if !since.is_empty() {
            self.since.insert(goodlink.clone(), since);
        }
    }

    /// The digest of the first roster of a GoodLink server; none: it has not come yet.
    #[must_use]
    pub fn first(&self, goodlink: &GoodLinkName) -> Option<RosterDigest> {
        self.first.get(goodlink).copied()
    }

    /// Who is on its roster and was on none before, and since when.
    pub fn of(&self, goodlink: &GoodLinkName) -> impl Iterator<Item = (&DirectoryName, Steady)> {
        self.since.get(goodlink).into_iter().flatten().map(|(user, since)| (user, *since))
    }
}
