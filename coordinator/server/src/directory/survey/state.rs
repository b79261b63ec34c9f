//! What is known of one server's domain, and what it takes to bring that up to date.

use super::account::{self, Accounts};
use super::answers::Answers;
use super::containers::Containers;
use super::roster::Roster;
use super::user::Lens;
use super::{Wanted, place};
use sendgate_core::coverage::Touched;
use sendgate_core::coverage::reading::{DescriptorReading, FoundUser, ServerReading, UserReading};
use sendgate_core::guid::Guid;
use sendgate_core::names::{DirectoryName, Dn};
use sendgate_core::time::Steady;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What is wanted, with the names numbered: once for all servers of a domain.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) wanted: Arc<Wanted>,
    pub(super) roster: Arc<Roster>,
}

/// One server's domain, as of the last look.
#[derive(Debug)]
pub(super) struct State {
    pub(super) asked: Asked,
    /// When the full reading began.
    pub(super) started: Steady,
    /// When the last look began.
    pub(super) seen: Steady,
    /// The identity of the server's database, where it was shown.
    pub(super) invocation: Option<Guid>,
    /// Which server it is, by its NTDS settings object.
    pub(super) service: Option<Dn>,
    /// Changes up to this update sequence number have been looked at.
    pub(super) usn: u64,
    pub(super) head: Dn,
    pub(super) configuration: Dn,
    pub(super) accounts: Accounts,
    /// When reading them began: what they are in changes on other servers too, which moves no number here.
    pub(super) accounts_read: Instant,
    /// Something has changed since that was not shown: it may have been one of their groups.
    pub(super) accounts_doubted: bool,
    pub(super) answers: Answers,
    pub(super) lens: Lens,
    /// Whom groups hold is to be read again: they name their members, and somebody may have another name than when they
    /// were read.
    pub(super) renamed: bool,
    pub(super) containers: Containers,
    /// Containers whose descriptors may be newer than those of the users below them: read after them, with no look since.
    pub(super) fresh: HashSet<Dn>,
    pub(super) holder: DescriptorReading,
    /// Containers whose changes may still be on their way to what is below them.
    pub(super) flowing: Flowing,
    /// Objects whose presence is to be asked about.
    pub(super) sweep: Sweep,
    pub(super) untold: Untold,
    /// Why only a full reading tells how things are, from when that was found on: what went away and came back may have
    /// changed meanwhile what no look is shown.
    pub(super) unclear: Option<&'static str>,
}

/// What has changed besides users and containers, and was not passed on yet.
#[derive(Debug, Default)]
pub(super) struct Untold {
    accounts: bool,
    holder: bool,
}

/// Objects of which it is to be asked whether they are still there. Most readers may not see what was deleted: they see a
/// change that belongs to nothing.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// Those that have not been asked about yet.
    pub(super) left: Vec<Guid>,
    /// Whether there was such a change since the sweep began.
    pub(super) again: bool,
}

impl Sweep {
    /// Whether it begins anew with this look.
    pub(super) fn begins(&self) -> bool {
        self.left.is_empty() && self.again
    }
}

/// Containers whose changes are on their way to what is below them.
pub(super) type Flowing = BTreeMap<Dn, Flow>;

/// When what lies below a changed container is read again. Servers propagate inheritance by themselves, and do not say
/// when it arrives: what it changes keeps its update sequence number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flow {
    /// When the container was seen to have changed.
    pub(super) since: Instant,
    pub(super) due: Instant,
    pub(super) pause: Duration,
}

/// What a look has changed on one server.
#[derive(Debug, Default)]
pub(super) struct Delta {
    /// Names whose answer is not what it was.
    pub(super) users: Vec<(DirectoryName, UserReading)>,
    /// Containers whose descriptor is not what it was, or that were not needed before.
    pub(super) containers: BTreeMap<Dn, DescriptorReading>,
    /// AdminSDHolder, if its descriptor is not what it was.
    pub(super) holder: Option<DescriptorReading>,
    /// The service accounts, if anything about them is not what it was.
    pub(super) accounts: Option<Accounts>,
}

impl Delta {
    /// Whether nothing is another than it was.
    pub(super) fn is_empty(&self) -> bool {
        let Self { users, containers, holder, accounts } = self;
        users.is_empty() && containers.is_empty() && holder.is_none() && accounts.is_none()
    }

    /// Takes it over into what is judged; whom that can touch.
    pub(super) fn apply(self, reading: &mut ServerReading, seen: Steady) -> Touched {
        let touched = self.put(reading);
        if seen <= reading.seen {
            return touched;
        }
        // A later look was through: what had been read in part is known by it.
        reading.seen = seen;
        match std::mem::replace(&mut reading.in_part, Touched::nobody()) {
            Touched::All => Touched::All,
            Touched::Names(mut names) => {
                // Whoever is not asked for any more is nobody's.
                names.retain(|name| reading.users.contains_key(name));
                touched.and(Touched::Names(names))
            }
        }
    }

    /// Takes over what a look had read that was not through; whom that can touch.
    pub(super) fn apply_in_part(self, reading: &mut ServerReading) -> Touched {
        let touched = self.put(reading);
        let before = std::mem::replace(&mut reading.in_part, Touched::All);
        reading.in_part = before.and(touched.clone());
        touched
    }

    /// Takes over what looks have read while only a full reading tells how things are; whom that can touch.
    pub(super) fn apply_unclear(self, reading: &mut ServerReading) -> Touched {
        let touched = self.put(reading);
        match std::mem::replace(&mut reading.in_part, Touched::All) {
            Touched::All => touched,
            Touched::Names(_) => Touched::All,
        }
    }

    fn put(self, reading: &mut ServerReading) -> Touched {
        let Self { users, containers, holder, accounts } = self;
        let mut touched: BTreeSet<DirectoryName> = users.iter().map(|(name, _)| name.clone()).collect();
        reading.users.extend(users);
        if !containers.is_empty() || holder.is_some() {
            // What stands above explains verdicts below it, also those that it does not change.
            let above = |user: &FoundUser| {
                (holder.is_some() && user.protected_by.is_some())
                    || containers.keys().any(|top| place::within(user.dn.as_str(), top))
            };
            let found = reading.users.iter().filter_map(|(name, user)| match user {
                UserReading::Found(user) => Some((name, user)),
                _ => None,
            });
            touched.extend(found.filter(|(_, user)| above(user)).map(|(name, _)| name.clone()));
        }
        reading.containers.extend(containers);
        if let Some(holder) = holder {
            reading.admin_sd_holder = holder;
        }
        match accounts {
            None => Touched::Names(touched),
            Some(accounts) => {
                reading.accounts = account::shown(&accounts);
                Touched::All
            }
        }
    }
}

impl State {
    /// Whether this was read of the database that a server has now: its update sequence numbers go on from those here.
    /// One that does not tell which database it has may have another one.
    pub(super) fn is_of(&self, invocation: Option<Guid>, service: Option<&Dn>) -> bool {
        invocation.is_some() && (self.invocation, self.service.as_ref()) == (invocation, service)
    }

    /// Takes over what was on its way before this was read. Of another database it is read in vain at worst.
    pub(super) fn follow_on(&mut self, before: &Flowing) {
        let known = before.iter().filter(|(dn, _)| self.containers.shown().contains_key(dn));
        self.flowing.extend(known.map(|(dn, flow)| (dn.clone(), *flow)));
    }

    /// The service accounts, as they were read from `began` on.
    pub(super) fn put_accounts(&mut self, accounts: Accounts, began: Instant) {
        self.untold.accounts |= accounts != self.accounts;
        self.accounts = accounts;
        (self.accounts_read, self.accounts_doubted) = (began, false);
    }

    /// AdminSDHolder's descriptor as it is now.
    pub(super) fn put_holder(&mut self, holder: DescriptorReading) {
        self.untold.holder |= !super::descriptors::same(&holder, &self.holder);
        self.holder = holder;
    }

    /// What has changed since the last time.
    pub(super) fn delta(&mut self) -> Delta {
        let Untold { accounts, holder } = std::mem::take(&mut self.untold);
        Delta {
            users: self.answers.touched(),
            containers: self.containers.touched(),
            holder: holder.then(|| self.holder.clone()),
            accounts: accounts.then(|| self.accounts.clone()),
        }
    }

    /// All of it, for judging.
    pub(super) fn reading(&mut self) -> ServerReading {
        self.containers.touched();
        self.untold = Untold::default();
        ServerReading {
            seen: self.seen,
            accounts: account::shown(&self.accounts),
            accounts_awaited: account::awaited(&self.accounts),
            users: self.answers.all(),
            containers: self.containers.shown().clone(),
            head: self.head.clone(),
            admin_sd_holder: self.holder.clone(),
            in_part: Touched::nobody(),
        }
    }
}
