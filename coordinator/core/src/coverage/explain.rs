//! One user, followed from his name to the verdict of each service account: what every directory server shows, which
//! entry did what, and the smallest change that would cover him.
//!
//! Nothing is judged here: the verdicts are [`Judge`]'s own, the entries are walked by `secdesc::access`, the containers
//! above by the judge's chain.
//!
//! 1. [`object`]: what each server says when it is asked for the name;
//! 2. [`trail`]: the token, the entries in stored order, the protection, for one account on one server;
//! 3. [`remedy`]: what would help, for each cause.
//!
//! Servers that show the same share one part, so that what differs is seen.

mod names;
pub mod object;
pub mod remedy;
pub mod trail;

pub use object::ObjectShown;
pub use remedy::Remedy;
pub use trail::{Did, EntryShown, Holding, ListShown, ProtectionShown, TokenShown, Trail, Where};

use super::judge::{Judge, Setting};
use super::reading::{DomainReading, Home};
use super::verdict::{Presence, UserPicture, Verdict};
use crate::names::{AccountName, DirectoryName, DirectoryServerName, Dn, DomainName};
use remedy::Case;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Everything that one domain's reading says of one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The domain.
    pub domain: DomainName,
    /// The name that was asked for.
    pub name: DirectoryName,
    /// Whether he is here.
    pub found: Found,
    /// What the servers show of his object.
    pub objects: Vec<Shown<ObjectShown>>,
    /// For each service account that serves this domain; none where no single object was found.
    pub accounts: Vec<AccountExplained>,
    /// What would help where no single object was found; the first is the smallest change, the others instead of it.
    pub remedies: Vec<Remedy>,
}

/// Whether a name is one object of the domain, over all servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "found")]
pub enum Found {
    /// One object.
    Here {
        /// Where his mailbox is, as all servers agree.
        home: Home,
    },
    /// Every server searched completely and has nobody.
    Absent,
    /// Several objects.
    Ambiguous {
        /// Them.
        dns: BTreeSet<Dn>,
    },
    /// A server did not answer, and no server has him.
    Unknown {
        /// Why.
        why: String,
    },
}

/// Something that these servers show alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown<T> {
    /// The servers.
    pub servers: BTreeSet<DirectoryServerName>,
    /// What they show.
    #[serde(flatten)]
    pub shows: T,
}

/// One service account, followed to its verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountExplained {
    /// The account.
    pub account: AccountName,
    /// How each server came to its verdict.
    pub trails: Vec<Shown<Trail>>,
    /// The verdict over all of them, with what each one shows.
    pub verdict: Arc<Verdict>,
    /// What would cover him: the first is the smallest change, the others may be chosen instead of it.
    pub remedies: Vec<Remedy>,
}

/// Follows one name through a reading.
#[must_use]
pub fn explain(reading: &DomainReading, setting: &Setting, name: &DirectoryName) -> Explanation {
    let mut judge = Judge::new(reading, setting);
    let objects = alike(reading.servers.iter().map(|(server, shown)| (server, object::of(shown, name))));
    let (found, accounts, remedies) = match judge.presence(name) {
        Presence::Here(here) => {
            let accounts = accounts(&mut judge, reading, setting, name, &here);
            (Found::Here { home: here.home }, accounts, Vec::new())
        }
        Presence::Absent => (Found::Absent, Vec::new(), remedy::absent(name)),
        Presence::Ambiguous(dns) => {
            let remedies = remedy::ambiguous(name, &dns);
            (Found::Ambiguous { dns }, Vec::new(), remedies)
        }
        Presence::Unknown(why) => {
            let remedies = remedy::unknown(reading, &why);
            (Found::Unknown { why }, Vec::new(), remedies)
        }
    };
    Explanation { domain: reading.domain.clone(), name: name.clone(), found, objects, accounts, remedies }
}

fn accounts(
    judge: &mut Judge<'_>,
    reading: &DomainReading,
    setting: &Setting,
    name: &DirectoryName,
    here: &UserPicture,
) -> Vec<AccountExplained> {
    let mut explained = Vec::new();
    for (account, verdict) in here.verdicts.iter() {
        let trails: Vec<_> = reading
            .servers
            .iter()
            .filter_map(|(server, shown)| {
                let verdict = verdict.servers.get(server)?.as_ref().clone();
                let (place, at) = ((&reading.domain, setting), (server, shown.as_ref().ok()));
                Some((server, trail::follow(judge, place, at, name, &here.home, account, verdict)))
            })
            .collect();
        let case = Case::of(reading, setting, (name, here), (account, verdict));
        explained.push(AccountExplained {
            account: account.clone(),
            trails: alike(trails.into_iter()),
            verdict: Arc::clone(verdict),
            remedies: remedy::of(&case),
        });
    }
    explained
}

/// Equal values share one part, in the order of their first server.
fn alike<'a, T: PartialEq>(all: impl Iterator<Item = (&'a DirectoryServerName, T)>) -> Vec<Shown<T>> {
    let mut parts: Vec<Shown<T>> = Vec::new();
    for (server, shows) in all {
        match parts.iter_mut().find(|part| part.shows == shows) {
            Some(part) => drop(part.servers.insert(server.clone())),
            None => parts.push(Shown { servers: [server.clone()].into(), shows }),
        }
    }
    parts
}
