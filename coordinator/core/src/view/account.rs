//! Services that log on with another account than the one for which their users are judged.

use crate::gate::{self, Reason, World};
use crate::names::{DomainName, GoodLinkName};
use crate::policy::GoodLinkPolicy;

/// What the service was last reported to log on with, where that is not the declared account.
pub(super) fn other_account<'a>(world: World<'a>, goodlink: &GoodLinkPolicy) -> Option<&'a str> {
    let state = world.estate.hosts.get(&goodlink.host)?.goodlink.as_ref()?;
    gate::other_account(world, goodlink, state).ok().flatten()
}

/// The same of every GoodLink server that may have users in a domain, as the gate says it.
pub(super) fn other_accounts(world: World<'_>, domain: &DomainName) -> Vec<Reason> {
    let differs = |(name, goodlink): (&GoodLinkName, &GoodLinkPolicy)| {
        Some(Reason::AccountDiffers {
            goodlink: name.clone(),
            declared: goodlink.service_account.clone(),
            reported: other_account(world, goodlink)?.to_owned(),
        })
    };
    world.policy.goodlink_in(domain).filter_map(differs).collect()
}
