//! Who was shown without the right and is not any more.
//!
//! Pairs that a roster names are written down by the planner as soon as they are shown. Of a user whom no roster names for an
//! account, or whose name is that of another object on another server, nobody does that; but a roster may name him later, with a
//! right that has just come. So it is remembered here of whoever stops being shown without it, for a while.

use super::picture::Judged;
use super::verdict::{Presence, UserPicture, Verdict, VerdictKind};
use crate::guid::Guid;
use crate::names::{AccountName, DirectoryName};
use crate::time::Steady;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long it is remembered when a right came: nobody waits for one longer than that.
pub const KEPT: Duration = Duration::from_secs(24 * 3600);

/// How long it is remembered of whom nothing was seen since: he may be deleted.
pub const KEPT_UNSEEN: Duration = Duration::from_secs(92 * 24 * 3600);

/// Pairs that were shown without the right and are not any more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Past(BTreeMap<AccountName, BTreeMap<Guid, Lacked>>);

/// That a pair was shown without the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lacked {
    /// Until when at the latest.
    pub until: Steady,
    /// Whether the right was seen then; otherwise nothing was seen of it since, and it may come at any time.
    pub came: bool,
}

impl Past {
    /// What is remembered of a pair.
    #[must_use]
    pub fn of(&self, user: Guid, account: &AccountName) -> Option<Lacked> {
        self.0.get(account)?.get(&user).copied()
    }

    /// Takes in what was judged over what was known, and who was shown without the right though it is not certain who he is.
    pub(super) fn take(
        &mut self,
        known: &BTreeMap<DirectoryName, Presence>,
        judged: &Judged,
        lacking: &BTreeSet<(Guid, AccountName)>,
        at: Steady,
    ) {
        match judged {
            Judged::All(told) => {
                let is_kept = |pair: &Lacked| at.since(pair.until) <= if pair.came { KEPT } else { KEPT_UNSEEN };
                self.0.values_mut().for_each(|pairs| pairs.retain(|_, pair| is_kept(pair)));
                self.0.retain(|_, pairs| !pairs.is_empty());
                // Both are in order: everybody is gone through once, and nobody looked up.
                let mut known = known.iter().peekable();
                for (name, now) in told {
                    // Nobody asks for them any more.
                    while let Some((_, before)) = known.next_if(|(other, _)| *other < name) {
                        self.lost(here(before), None, at);
                    }
                    let before = known.next_if(|(other, _)| *other == name);
                    self.told(before.map(|(_, before)| before), now, at);
                }
                known.for_each(|(_, before)| self.lost(here(before), None, at));
            }
            Judged::Some(told) => told.iter().for_each(|(name, now)| self.told(known.get(name), now, at)),
        }
        for (user, account) in lacking {
            self.insert(*user, account, Lacked { until: at, came: false });
        }
    }

    fn told(&mut self, before: Option<&Presence>, now: &Presence, at: Steady) {
        let now = here(now);
        self.lost(before.and_then(here), now, at);
        let Some(now) = now else { return };
        for (account, verdict) in now.verdicts.iter() {
            self.shown(account, now.guid, verdict, at);
        }
    }

    /// Whoever was shown without the right and is not now.
    fn lost(&mut self, before: Option<&UserPicture>, now: Option<&UserPicture>, at: Steady) {
        let Some(before) = before else { return };
        // A name may be that of another object by now.
        let now = now.filter(|now| now.guid == before.guid);
        for (account, _) in before.verdicts.iter().filter(|(_, verdict)| verdict.lacking().is_some()) {
            let still = now.and_then(|now| now.verdicts.get(account)).is_some_and(|now| now.lacking().is_some());
            if !still {
                self.insert(before.guid, account, Lacked { until: at, came: false });
            }
        }
    }

    /// What is shown now of a pair that is remembered.
    fn shown(&mut self, account: &AccountName, user: Guid, verdict: &Verdict, at: Steady) {
        let Some(pairs) = self.0.get_mut(account) else { return };
        if let VerdictKind::Covered | VerdictKind::Perishable = verdict.kind {
            if let Some(pair) = pairs.get_mut(&user).filter(|pair| !pair.came) {
                *pair = Lacked { until: at, came: true };
            }
        } else if verdict.lacking().is_some() {
            // The picture itself tells it from here on.
            pairs.remove(&user);
        }
    }

    fn insert(&mut self, user: Guid, account: &AccountName, lacked: Lacked) {
        self.0.entry(account.clone()).or_default().insert(user, lacked);
    }
}

fn here(presence: &Presence) -> Option<&UserPicture> {
    match presence {
        Presence::Here(here) => Some(here),
        Presence::Absent | Presence::Ambiguous(_) | Presence::Unknown(_) => None,
    }
}
