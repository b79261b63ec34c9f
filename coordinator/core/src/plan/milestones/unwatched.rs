//! Whom nobody has looked at since a takeover, though all of his GoodLink server's users are said to be seen: who came onto a
//! roster later, and who was waived. What was known of him may be lost.
//!
//! Without a takeover the journal knows of everybody on a roster who lacked the right, and the pictures of those who left it.
//! What is lost of the journal may have known of users who are on no roster when everybody is seen anew.

use crate::coverage::past::KEPT_UNSEEN;
use crate::estate::RosterDigest;
use crate::gate::World;
use crate::ledger::{Anew, Milestone, Sha256, entry};
use crate::names::{DirectoryName, GoodLinkName};
use crate::time::Steady;

/// From when on users of the GoodLink server count as newcomers: once it is known how all of them stand, and for as long as
/// it is remembered of anybody who went out of sight that he lacked the right.
fn counted_from(world: World<'_>, goodlink: &GoodLinkName) -> Option<Steady> {
    let Some(Anew::Since(seen)) = world.ledger.lineage.anew(goodlink) else { return None };
    let declared = world.ledger.lineage.taken_over_at()?;
    (world.now.steady < declared + KEPT_UNSEEN).then_some(seen)
}

/// Users who came onto rosters, of whom that is not written down yet.
pub(super) fn newcomers(world: World<'_>) -> impl Iterator<Item = Milestone> {
    let (lineage, newcomers) = (&world.ledger.lineage, &world.estate.newcomers);
    world.policy.goodlink.keys().flat_map(move |goodlink| {
        let from = counted_from(world, goodlink);
        let new = newcomers.of(goodlink).filter(move |(user, at)| {
            let written = lineage.unwatched_until(goodlink, user).is_some_and(|written| written >= *at);
            // One who came in the same moment may not have been among them.
            from.is_some_and(|from| *at >= from) && !written
        });
        written(goodlink, new.map(|(user, _)| user))
    })
}

/// The records of them.
pub(super) fn written<'a>(
    goodlink: &'a GoodLinkName,
    users: impl Iterator<Item = &'a DirectoryName>,
) -> impl Iterator<Item = Milestone> + 'a {
    entry::parts(users.cloned(), |user: &DirectoryName| user.as_str().len())
        .into_iter()
        .map(|users| Milestone::Unwatched { goodlink: goodlink.clone(), users: users.into_iter().collect() })
}

/// Whether nobody can say who is new on a roster that is another one than the last that was written down: an earlier start of
/// the coordinator had seen that one.
pub(super) fn is_unknown(world: World<'_>, goodlink: &GoodLinkName) -> bool {
    let before = world.ledger.rosters.get(goodlink);
    let is_before = |digest: RosterDigest| before == Some(&Sha256(digest.0));
    let seen =
        world.ledger.rosters_told.contains(goodlink) || world.estate.newcomers.first(goodlink).is_some_and(is_before);
    !seen && counted_from(world, goodlink).is_some()
}
