//! Entries of ours that a person wants away: whoever has the right by one is about to lose it.

use super::World;
use crate::coverage::DomainPicture;
use crate::coverage::placement::GrantEntry;
use crate::ledger::Undo;
use crate::names::DomainName;

/// Entries of ours in the domain that a person wants away, and of which no look has shown yet that they are gone.
pub(super) fn taken_back<'w>(
    world: World<'w>,
    domain: &DomainName,
) -> impl Iterator<Item = (&'w GrantEntry, &'w Undo)> {
    let as_of = world.estate.domains.get(domain).map(DomainPicture::as_of);
    let here = world.ledger.undone.iter().filter(move |(entry, _)| entry.domain == *domain);
    here.filter(move |(_, undo)| undo.done.is_none_or(|done| as_of.is_none_or(|as_of| as_of <= done)))
}
