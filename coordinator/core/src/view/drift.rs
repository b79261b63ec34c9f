//! Store versions that changed with no command of ours, and what each means for the users there.

use crate::coverage::VerdictKind;
use crate::coverage::reading::Home;
use crate::enforcement::Change;
use crate::gate::{self, Reason, World, subjects};
use crate::ledger::{Drift, Held};
use crate::names::{DirectoryName, ExchangeServerName, RolloutName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// A store version that changed with no command of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftLine {
    /// Where, from what to what, and when it was noticed.
    #[serde(flatten)]
    pub drift: Drift,
    /// What it means.
    pub change: Change,
    /// Whom it concerns, as things are now.
    pub users: Concerned,
}

/// The roster users of an Exchange server, as they are now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concerned {
    /// Which; none: the host belongs to none that is declared, so nobody is known.
    pub server: Option<ExchangeServerName>,
    /// Those who are known to be there.
    pub users: usize,
    /// Those of them who are not covered.
    pub uncovered: usize,
    /// Those of the uncovered whom a person has excepted.
    pub waived: usize,
    /// Why there may be more; none: this is everybody.
    pub more: Option<String>,
}

/// Those that say something of what is there now and that nobody has looked at yet, the newest last; the journal keeps all of
/// them.
pub(super) fn drift(world: World<'_>) -> Vec<DriftLine> {
    let last = |(number, drift): &(usize, &Drift)| {
        let later = world.ledger.drift.iter().skip(number + 1).any(|later| later.host == drift.host);
        // Where we have changed it since, the same version may be there again, and is ours.
        let noted = world.ledger.versions_noted.get(&drift.host);
        let changed = noted.is_some_and(|noted| *noted > drift.at.steady);
        !later && !changed && world.ledger.versions.get(&drift.host) == Some(&drift.after)
    };
    let all = world.ledger.drift.iter().enumerate().filter(last).map(|(_, drift)| drift);
    let configured = all.filter(|drift| world.policy.hosts.contains_key(&drift.host));
    let line = |drift: &Drift| DriftLine {
        drift: drift.clone(),
        change: world.policy.enforcement.change(&drift.before, &drift.after),
        users: concerned(world, world.policy.exchange_of(&drift.host)),
    };
    configured.filter(|drift| !looked_at(world, drift)).map(line).collect()
}

/// Whether it held rollouts, and people have let all of them go since: they were shown it as the reason.
fn looked_at(world: World<'_>, drift: &Drift) -> bool {
    let still = |rollout: &RolloutName| {
        let mut holds = world.ledger.holds.all_on(&Held::Rollout(rollout.clone()));
        holds.any(|hold| hold.at.steady <= drift.at.steady)
    };
    !drift.holds.is_empty() && !drift.holds.iter().any(still)
}

fn concerned(world: World<'_>, server: Option<&ExchangeServerName>) -> Concerned {
    let (mut users, mut uncovered, mut waived): (BTreeSet<&DirectoryName>, BTreeSet<_>, BTreeSet<_>) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for domain in world.policy.domains.keys() {
        for (goodlink, _, user, here) in subjects(world, domain) {
            if !matches!((&here.home, server), (Home::Server(home), Some(server)) if home == server) {
                continue;
            }
            users.insert(user);
            let account = world.policy.goodlink.get(goodlink).map(|goodlink| &goodlink.service_account);
            let verdict = account.and_then(|account| here.verdicts.get(account));
            if verdict.is_none_or(|verdict| verdict.kind != VerdictKind::Covered) {
                uncovered.insert(user);
                waived.extend(world.ledger.waiver(user, world.now).map(|_| user));
            }
        }
    }
    // Users who were judged are counted, whatever the verdict; everything else that is not known may hide some.
    let unknown = |reason: &Reason| reason.is_unknown() && !matches!(reason, Reason::User { .. });
    let more = server.and_then(|server| gate::of_server(world, server).into_iter().find(unknown));
    Concerned {
        server: server.cloned(),
        users: users.len(),
        uncovered: uncovered.len(),
        waived: waived.len(),
        more: more.map(|reason| reason.to_string()),
    }
}

impl fmt::Display for DriftLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Drift { host, before, after, holds: _, at }, Change { from, to, means }) = (&self.drift, &self.change);
        write!(
            f,
            "{host}: store.exe went from {before} ({}) to {after} ({}) with no command of ours, noticed {:.0}: {means}; {}",
            from.branch, to.branch, at.wall, self.users
        )
    }
}

impl fmt::Display for Concerned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, users, uncovered, waived, more } = self;
        let Some(server) = server else {
            return f.write_str("the host belongs to no declared Exchange server, so whom that concerns is not known");
        };
        write!(f, "{uncovered} of the {users} roster users of {server} are not covered now")?;
        if *waived > 0 {
            write!(f, " ({waived} of them waived)")?;
        }
        more.iter().try_for_each(|why| write!(f, ", perhaps more: {why}"))
    }
}
