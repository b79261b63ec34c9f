//! Entries of ours that a person wants away: whoever has the right by one is about to lose it.

use super::{Reason, World};
use crate::coverage::placement::GrantEntry;
use crate::coverage::{DomainPicture, UserPicture, Verdict};
use crate::ledger::Undo;
use crate::names::{DirectoryName, DomainName};
use std::collections::BTreeSet;

/// Such entries of a domain of which no look has shown yet that they are gone, each with those who have the right by it.
pub(super) struct TakenBack<'w>(Vec<(&'w GrantEntry, &'w Undo, BTreeSet<DirectoryName>)>);

impl<'w> TakenBack<'w> {
    pub(super) fn of(world: World<'w>, domain: &DomainName) -> Self {
        let as_of = world.estate.domains.get(domain).map(DomainPicture::as_of);
        let unseen = |undo: &Undo| undo.done.is_none_or(|done| as_of.is_none_or(|as_of| as_of <= done));
        let here = world.ledger.undone.iter().filter(|(entry, undo)| entry.domain == *domain && unseen(undo));
        Self(here.map(|(entry, undo)| (entry, undo, BTreeSet::new())).collect())
    }

    /// Somebody who is covered.
    pub(super) fn add(&mut self, user: &DirectoryName, picture: &UserPicture, verdict: &Verdict) {
        for (.., users) in self.0.iter_mut().filter(|(entry, ..)| entry.decides(&picture.dn, verdict)) {
            users.insert(user.clone());
        }
    }

    pub(super) fn reasons(self) -> impl Iterator<Item = Reason> {
        self.0.into_iter().filter(|(.., users)| !users.is_empty()).map(|(_, undo, users)| {
            let (grant, by) = (undo.grant, undo.by.clone());
            Reason::TakenBack { grant, by, users }
        })
    }
}
