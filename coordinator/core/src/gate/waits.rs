//! What users who have the right wait for, all the same.

use super::taken_back::TakenBack;
use super::{Reason, World};
use crate::coverage::{UserPicture, Verdict};
use crate::ledger::{Anew, Pair, PairState};
use crate::names::{AccountName, DirectoryName, DomainName, GoodLinkName};
use crate::time::Steady;
use std::collections::BTreeSet;
use std::time::Duration;

/// Users waiting for the same thing, and how long the last of them has to.
#[derive(Default)]
struct Waiting {
    users: BTreeSet<DirectoryName>,
    longest: Duration,
}

impl Waiting {
    fn add(&mut self, user: &DirectoryName, remaining: Duration) {
        self.users.insert(user.clone());
        self.longest = self.longest.max(remaining);
    }

    fn reason(self, reason: impl FnOnce(BTreeSet<DirectoryName>, Duration) -> Reason) -> Option<Reason> {
        (!self.users.is_empty()).then(|| reason(self.users, self.longest))
    }
}

/// What covered users of a GoodLink server wait for.
pub(super) struct Waits<'w> {
    world: World<'w>,
    since: Option<Anew>,
    look: Waiting,
    settle: Waiting,
    anew: Waiting,
    taken_back: TakenBack<'w>,
}

impl<'w> Waits<'w> {
    pub(super) fn of(world: World<'w>, domain: &DomainName, goodlink: &GoodLinkName) -> Self {
        let (look, settle, anew) = (Waiting::default(), Waiting::default(), Waiting::default());
        let since = world.ledger.lineage.anew(goodlink);
        Self { world, since, look, settle, anew, taken_back: TakenBack::of(world, domain) }
    }

    /// Somebody who is covered.
    pub(super) fn add(
        &mut self,
        account: &AccountName,
        user: &DirectoryName,
        picture: &UserPicture,
        verdict: &Verdict,
    ) {
        self.taken_back.add(user, picture, verdict);
        let (waits, now) = (&self.world.policy.waits, self.world.now.steady);
        let remaining = |from: Steady, wait: Duration| (from + wait).since(now);
        let pair = Pair { user: picture.guid, account: account.clone() };
        match self.world.ledger.pairs.get(&pair) {
            None => {}
            // Seen, but not written down yet: the planner does that before anything else.
            Some(PairState::Lacking { .. }) => self.look.add(user, waits.second_look),
            Some(PairState::Landed { at }) => self.look.add(user, remaining(*at, waits.second_look)),
            Some(PairState::Proved { landed, .. }) => {
                let rest = remaining(*landed, waits.settled);
                if !rest.is_zero() {
                    self.settle.add(user, rest);
                }
            }
        }
        // Whatever the journal has of him, or has not: he may have been granted the right in the part that is lost.
        let rest = self.since.map(|since| since.remaining(now, waits.settled));
        if let Some(rest) = rest.filter(|rest| !rest.is_zero()) {
            self.anew.add(user, rest);
        }
    }

    pub(super) fn reasons(self) -> impl Iterator<Item = Reason> {
        let look = self.look.reason(|users, remaining| Reason::AwaitingSecondLook { users, remaining });
        let settle = self.settle.reason(|users, remaining| Reason::Settling { users, remaining });
        let anew = self.anew.reason(|users, remaining| Reason::TakenOver { users, remaining });
        self.taken_back.reasons().chain(look).chain(settle).chain(anew)
    }
}
