//! Breaches: stores that enforce, or may, and serve roster users who are not covered. Nothing gates them any more; they
//! are remedied by what the planner does anyway, ahead of rollouts: grants, waits, a restart of GoodLink where policy
//! lets it, and the look that confirms it. When each began and ended is written down.

use crate::coverage::reading::Home;
use crate::coverage::{UserPicture, VerdictKind};
use crate::enforcement::Enforcement;
use crate::gate::{self, Resolution, World, resolve};
use crate::ledger::{BreachEvent, Milestone};
use crate::names::{DirectoryName, ExchangeServerName};
use crate::policy::GoodLinkPolicy;
use std::collections::{BTreeMap, BTreeSet};

/// A store that serves users who are not covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach<'a> {
    /// Users shown without the right.
    pub lacking: BTreeSet<&'a DirectoryName>,
    /// Users of whom nothing is known: they may lack it.
    pub unknown: BTreeSet<&'a DirectoryName>,
    /// Those of both whom a person has excepted.
    pub waived: BTreeSet<&'a DirectoryName>,
    /// Whether it enforces for certain.
    pub certain: bool,
}

impl Breach<'_> {
    /// Everybody who is not covered.
    #[must_use]
    pub fn users(&self) -> usize {
        self.lacking.len() + self.unknown.len()
    }
}

/// Every breach as it shows now. What one domain shows of a user counts, whatever others that he may be in leave unsaid.
#[must_use]
pub fn breaches<'a>(world: World<'a>) -> BTreeMap<&'a ExchangeServerName, Breach<'a>> {
    let servers = world.policy.exchange.keys().filter_map(|server| Some((server, enforces(world, server)?)));
    let certain: BTreeMap<&ExchangeServerName, bool> = servers.collect();
    let mut found: BTreeMap<&ExchangeServerName, Breach<'a>> = BTreeMap::new();
    for domain in world.policy.domains.keys().filter(|_| !certain.is_empty()) {
        for (goodlink, user, here) in gate::shown(world, domain) {
            let Home::Server(home) = &here.home else { continue };
            let Some((server, certain)) = certain.get_key_value(home) else { continue };
            let account = world.policy.goodlink.get(goodlink).map(|goodlink| &goodlink.service_account);
            let kind = account.and_then(|account| here.verdicts.get(account)).map(|verdict| verdict.kind);
            if kind == Some(VerdictKind::Covered) {
                continue;
            }
            let breach = found.entry(*server).or_insert_with(|| Breach {
                lacking: BTreeSet::new(),
                unknown: BTreeSet::new(),
                waived: BTreeSet::new(),
                certain: *certain,
            });
            match kind {
                Some(kind) if !kind.is_unknown() => breach.lacking.insert(user),
                _ => breach.unknown.insert(user),
            };
            if world.ledger.waiver(user, world.now).is_some() {
                breach.waived.insert(user);
            }
        }
    }
    found
}

/// Whether a store of the server enforces for certain, or may; none: by no version that is known does it.
fn enforces(world: World<'_>, server: &ExchangeServerName) -> Option<bool> {
    let hosts = world.policy.exchange.get(server)?.hosts.iter();
    let versions = hosts.filter_map(|host| world.estate.hosts.get(host)?.exchange.as_ref()?.store.as_ref().ok());
    let judged = versions.map(|version| world.policy.enforcement.judge(version).enforces);
    judged.filter(|enforces| *enforces != Enforcement::No).map(|enforces| enforces == Enforcement::Yes).max()
}

/// Breaches that the journal does not know yet, and those of it that are over.
pub(super) fn milestones(world: World<'_>) -> Vec<Milestone> {
    let now = breaches(world);
    let known = &world.ledger.breaches;
    let worth = |breach: &&Breach<'_>| breach.lacking.iter().any(|user| !breach.waived.contains(*user));
    let began = now.iter().filter(|(server, breach)| worth(breach) && !known.contains_key(**server));
    let began = began.map(|(server, breach)| {
        let users = breach.lacking.len();
        Milestone::Breach { server: (*server).clone(), event: BreachEvent::Began { users, certain: breach.certain } }
    });
    // It is over when everybody is known to be covered or excepted, or the store is known to enforce no more: what is not
    // known ends nothing.
    let over = known.keys().filter(|server| match now.get(*server) {
        Some(breach) if !breach.lacking.union(&breach.unknown).all(|user| breach.waived.contains(*user)) => false,
        _ => evidence(world, server).is_ok(),
    });
    let over = over.map(|server| {
        let left = !world.policy.exchange.contains_key(server);
        Milestone::Breach { server: server.clone(), event: if left { BreachEvent::Left } else { BreachEvent::Ended } }
    });
    began.chain(over).collect()
}

/// Exchange servers that may be in a breach which nobody sees, each with what is not known.
#[must_use]
pub fn not_known(world: World<'_>) -> BTreeMap<&ExchangeServerName, String> {
    let servers = world.policy.exchange.keys();
    servers.filter_map(|server| Some((server, evidence(world, server).err()?))).collect()
}

/// Whether all is known that a breach of the server would show in; an error says what is not.
fn evidence(world: World<'_>, server: &ExchangeServerName) -> Result<(), String> {
    let Some(policy) = world.policy.exchange.get(server) else { return Ok(()) };
    let fresh = |host| super::disruption::unheard(world, host).map_or(Ok(()), |why| Err(format!("{host}: {why}")));
    for host in &policy.hosts {
        fresh(host)?;
        let exchange = world.estate.hosts.get(host).and_then(|state| state.exchange.as_ref());
        let exchange = exchange.ok_or_else(|| format!("{host}: it reports no Exchange role"))?;
        exchange.store.as_ref().map_err(|why| format!("{host}: the version of its store is not known: {why}"))?;
    }
    // A store that is known not to check harms nobody, whatever is known of its users.
    if enforces(world, server).is_none() {
        return Ok(());
    }
    let (asked, here) = (gate::asked(world, server), BTreeSet::from([server]));
    for (name, goodlink) in &world.policy.goodlink {
        let asked = asked(name, goodlink);
        if asked {
            gate::no_evidence(world, name, goodlink).map_or(Ok(()), |reason| Err(reason.to_string()))?;
            fresh(&goodlink.host)?;
        }
        let users = world.estate.rosters.get(name).into_iter().flat_map(|roster| roster.users.values());
        for user in users.filter(|user| world.ledger.waiver(user, world.now).is_none()) {
            let may_be_here = || asked || gate::may_be_on(world, goodlink, user, &here);
            match resolve(world, goodlink, user) {
                Resolution::Unknown(why) | Resolution::Several(why) if may_be_here() => {
                    return Err(format!("{user}: {why}"));
                }
                Resolution::Here(_, picture) => match elsewhere(server, goodlink, user, picture) {
                    Err(why) if may_be_here() => return Err(why),
                    Ok(()) | Err(_) => {}
                },
                Resolution::Not(_) | Resolution::Several(_) | Resolution::Unknown(_) => {}
            }
        }
    }
    Ok(())
}

/// Whether it is known where the mailbox of a user is who is in no breach of the server; an error says what is not.
fn elsewhere(
    server: &ExchangeServerName,
    goodlink: &GoodLinkPolicy,
    user: &DirectoryName,
    here: &UserPicture,
) -> Result<(), String> {
    let unknown = || here.verdicts.get(&goodlink.service_account).filter(|verdict| verdict.kind.is_unknown());
    match &here.home {
        Home::Unclear(why) => Err(format!("where the mailbox of {user} is: {why}")),
        // A directory server that did not show him may know of another mailbox.
        Home::Server(home) if home != server => unknown().map_or(Ok(()), |verdict| {
            let (how, cause) = (verdict.kind.predicate(false), &verdict.cause);
            Err(format!("whether the mailbox of {user} is on {home} only: the user {how}: {cause}"))
        }),
        Home::Server(_) | Home::None => Ok(()),
    }
}
