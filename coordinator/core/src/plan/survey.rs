//! When a domain is to be looked at again.

use super::{Plan, Step};
use crate::coverage::placement::GrantEntry;
use crate::coverage::{Elsewhere, Setting};
use crate::gate::{World, fresh, shown};
use crate::ledger::{Effect, IntentState, Outcome, Pair, PairState, Subject};
use crate::names::{AccountName, DirectoryName, DomainName};
use crate::time::Steady;
use std::collections::{BTreeMap, BTreeSet};

/// The names to ask a domain for: every user of every GoodLink server that serves it.
#[must_use]
pub fn names(world: World<'_>, domain: &DomainName) -> BTreeSet<DirectoryName> {
    let rosters = world.policy.goodlink_in(domain).filter_map(|(name, _)| world.estate.rosters.get(name));
    rosters.flat_map(|roster| roster.users.values().cloned()).collect()
}

/// The service accounts to ask a domain for: those of the GoodLink servers that serve it, and those that another domain
/// cannot judge without it, because the account or the Exchange servers that ask are of this one.
#[must_use]
pub fn accounts(world: World<'_>, domain: &DomainName) -> BTreeSet<AccountName> {
    let concerned = world.policy.goodlink.values().filter(|goodlink| {
        let exchange = goodlink.exchange.iter().filter_map(|server| world.policy.exchange.get(server)?.domain.as_ref());
        goodlink.domains.contains(domain)
            || goodlink.service_account.domain == *domain
            || exchange.into_iter().any(|exchange| exchange == domain)
    });
    concerned.map(|goodlink| goodlink.service_account.clone()).collect()
}

/// What judging a domain depends on besides what is read there; none for a domain that is not watched.
#[must_use]
pub fn setting(world: World<'_>, domain: &DomainName) -> Option<Setting> {
    let policy = world.policy.domains.get(domain)?;
    let accounts = world.policy.goodlink_in(domain).map(|(_, goodlink)| goodlink.service_account.clone());
    let mut setting = Setting::new(accounts.collect(), policy.grant_server.clone(), policy.reach);
    let machines = world.policy.exchange.iter();
    setting.exchange_domain =
        machines.filter_map(|(name, server)| Some((name.clone(), server.domain.clone()?))).collect();
    for (other, picture) in world.estate.domains.iter().filter(|(other, _)| *other != domain) {
        for (account, seen) in &picture.accounts {
            let known = Elsewhere { local: seen.local.clone(), uncertain: seen.uncertain.clone() };
            setting.elsewhere.insert((other.clone(), account.clone()), known);
        }
    }
    // The present SID is among them: an entry for that one grants, and is never looked at as one for a former account.
    // Leaving it out would take a picture that knows already which one is the present.
    let sids = |account: &AccountName| world.ledger.accounts.get(account).into_iter().flatten().cloned().collect();
    setting.former = setting.accounts.iter().map(|account| (account.clone(), sids(account))).collect();
    for (subject, _) in world.ledger.approvals.iter().filter(|(_, approval)| approval.holds()) {
        match subject {
            Subject::AdminSdHolder { domain: of, account } if of == domain => {
                setting.holder_approved.insert(account.clone());
            }
            Subject::AdminSdHolder { .. } | Subject::Rollout { .. } => {}
            Subject::Override { user, account } => {
                setting.override_approved.insert((*user, account.clone()));
            }
        }
    }
    setting.ours = ours(world, domain);
    Some(setting)
}

/// Entries that are to be there: the last write of each added it and ended well, nobody wants it undone, and that it was
/// lost is not written down yet.
fn ours(world: World<'_>, domain: &DomainName) -> BTreeSet<GrantEntry> {
    let mut last: BTreeMap<GrantEntry, bool> = BTreeMap::new();
    for (id, intent) in &world.ledger.intents {
        let Some(entry) = intent.effect.entry().filter(|entry| entry.domain == *domain) else { continue };
        let succeeded = matches!(
            (&intent.effect, &intent.state),
            (Effect::Grant(_), IntentState::Ended { outcome: Outcome::Succeeded { .. }, .. })
        );
        let stays = succeeded && !world.ledger.lost.contains_key(id) && !world.ledger.undone.contains_key(&entry);
        last.insert(entry, stays);
    }
    last.into_iter().filter(|(_, stays)| *stays).map(|(entry, _)| entry).collect()
}

/// When the next survey of the domain is due; none while there is nobody to ask for, neither a user nor a service account.
#[must_use]
pub fn due(world: World<'_>, domain: &DomainName) -> Option<Steady> {
    // As [`names`], without a copy of everybody: this is asked each time that something is planned.
    let rosters = world.policy.goodlink_in(domain).filter_map(|(name, _)| world.estate.rosters.get(name));
    let mut names = rosters.flat_map(|roster| roster.users.values()).peekable();
    if names.peek().is_none() && accounts(world, domain).is_empty() {
        return None;
    }
    let Some(picture) = world.estate.domains.get(domain) else { return Some(Steady::START) };
    let seen = picture.started;
    if names.any(|name| !picture.users.contains_key(name)) {
        return Some(seen);
    }
    full(world, domain)
}

/// When everybody is to be read again, whether or not some names are new; at once while nothing has been read.
#[must_use]
pub fn full(world: World<'_>, domain: &DomainName) -> Option<Steady> {
    let Some(picture) = world.estate.domains.get(domain) else { return Some(Steady::START) };
    let seen = picture.started;
    let regular = seen + world.policy.freshness.survey_interval;
    let written = world.ledger.intents.values().filter_map(|intent| match (intent.effect.place(), &intent.state) {
        (Some((of, _)), IntentState::Ended { at, .. }) if of == domain && *at >= seen => Some(*at),
        _ => None,
    });
    let next = written.chain([regular]).min()?;
    Some(second_look(world, domain, seen, next).unwrap_or(next))
}

/// When a user of the domain is to be seen a second time, where that is after what is seen and before whatever comes next.
fn second_look(world: World<'_>, domain: &DomainName, seen: Steady, next: Steady) -> Option<Steady> {
    let look = |state: &PairState| match state {
        PairState::Landed { at } => {
            Some(*at + world.policy.waits.second_look).filter(|look| *look > seen && *look < next)
        }
        _ => None,
    };
    // Everybody is gone through only where it matters: whose domain a pair is of, only the picture says.
    world.ledger.pairs.values().find_map(look)?;
    fresh(world, domain)?;
    let pairs = shown(world, domain).filter_map(|(goodlink, _, here)| {
        let account = world.policy.goodlink.get(goodlink)?.service_account.clone();
        world.ledger.pairs.get(&Pair { user: here.guid, account })
    });
    pairs.filter_map(look).min()
}

/// Plans the surveys that are due; answers when that is of each domain.
pub(super) fn plan(world: World<'_>, plan: &mut Plan) -> Vec<Steady> {
    let due: Vec<_> = world.policy.domains.keys().filter_map(|domain| Some((domain, due(world, domain)?))).collect();
    let now = due.iter().filter(|(_, at)| *at <= world.now.steady);
    plan.steps.extend(now.map(|(domain, _)| Step::Survey((*domain).clone())));
    due.into_iter().map(|(_, at)| at).collect()
}
