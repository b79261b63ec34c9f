//! A domain as it was last seen, judged. A look at everything replaces it; a look at what has changed replaces the users
//! that it names.

use super::past::Past;
use super::placement::{EntryBytes, GrantEntry, NoPlacement, PlannedGrant};
use super::reading::Home;
use super::verdict::{Placement, Presence};
use crate::guid::Guid;
use crate::names::{AccountName, DirectoryName, DirectoryServerName, Dn, DomainName, ExchangeServerName};
use crate::sid::Sid;
use crate::time::Steady;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A domain, judged.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainPicture {
    /// The domain.
    pub domain: DomainName,
    /// When the last full reading began: no descriptor was read before this.
    pub started: Steady,
    /// Servers that count and give no evidence, with the reason.
    pub failed: BTreeMap<DirectoryServerName, String>,
    /// Servers that give evidence, and as of when each one's is true.
    pub seen: BTreeMap<DirectoryServerName, Steady>,
    /// Each name that was asked for.
    pub users: BTreeMap<DirectoryName, Presence>,
    /// Who was shown without the right and is not any more.
    pub past: Past,
    /// Where the mailbox was of users whom the directory shows no longer, or more than once, or whose mailbox it places nowhere
    /// for certain: they may be there still.
    pub homes: BTreeMap<DirectoryName, ExchangeServerName>,
    /// The service accounts, where the servers agree on who they are.
    pub accounts: BTreeMap<AccountName, AccountPicture>,
    /// Service accounts of which the servers show several objects under one name: what each of them shows.
    pub disputed: BTreeMap<AccountName, BTreeMap<DirectoryServerName, Sid>>,
    /// Entries of ours that are not on their places, as the server for grants shows them: with the explicit entries that
    /// are there.
    pub gone: BTreeMap<GrantEntry, Vec<EntryBytes>>,
    /// The fewest grants that would cover the missing ones.
    pub grants: BTreeSet<PlannedGrant>,
    /// Missing pairs that no grant of ours can cover, with the reason.
    pub not_grantable: BTreeMap<(DirectoryName, AccountName), NoPlacement>,
}

/// A service account, as all servers that give evidence agree, and what they do not: what other domains need to know of
/// it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountPicture {
    /// Where it is.
    pub dn: Dn,
    /// Its SID.
    pub sid: Sid,
    /// In its token wherever it logs on.
    pub everywhere: BTreeSet<Sid>,
    /// The same by at least one of the servers.
    pub anywhere: BTreeSet<Sid>,
    /// In its token on machines of this domain.
    pub local: BTreeSet<Sid>,
    /// What one of the servers shows in its token and not all of them: this may deny, never allow.
    pub uncertain: BTreeSet<Sid>,
}

/// What a look taught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The domain.
    pub domain: DomainName,
    /// When it reached whoever keeps the picture: nothing in it was read later. Until it has: when its newest evidence was
    /// looked for.
    pub arrived: Steady,
    /// When the last full reading began.
    pub started: Steady,
    /// Servers that count and give no evidence, with the reason.
    pub failed: BTreeMap<DirectoryServerName, String>,
    /// Servers that give evidence, and as of when each one's is true.
    pub seen: BTreeMap<DirectoryServerName, Steady>,
    /// The service accounts, where the servers agree on who they are.
    pub accounts: BTreeMap<AccountName, AccountPicture>,
    /// Service accounts of which the servers show several objects under one name: what each of them shows.
    pub disputed: BTreeMap<AccountName, BTreeMap<DirectoryServerName, Sid>>,
    /// Entries of ours that are not on their places, with what is there.
    pub gone: BTreeMap<GrantEntry, Vec<EntryBytes>>,
    /// Objects that are shown without the right for an account, of which several go by the name that was asked for.
    pub lacking: BTreeSet<(Guid, AccountName)>,
    /// The users that were judged.
    pub users: Judged,
}

/// Whom a look judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// Every name that was asked for.
    All(BTreeMap<DirectoryName, Presence>),
    /// Those that a change could touch; the others are as they were.
    Some(BTreeMap<DirectoryName, Presence>),
}

impl DomainPicture {
    /// A domain of which nothing has been seen yet.
    #[must_use]
    pub fn new(domain: DomainName) -> Self {
        Self {
            domain,
            started: Steady::START,
            failed: BTreeMap::new(),
            seen: BTreeMap::new(),
            users: BTreeMap::new(),
            past: Past::default(),
            homes: BTreeMap::new(),
            accounts: BTreeMap::new(),
            disputed: BTreeMap::new(),
            gone: BTreeMap::new(),
            grants: BTreeSet::new(),
            not_grantable: BTreeMap::new(),
        }
    }

    /// Takes in a look.
    pub fn take(&mut self, look: Look) {
        let Look { domain: _, arrived, started, failed, seen, accounts, disputed, gone, lacking, users } = look;
        (self.started, self.failed, self.seen, self.gone) = (started, failed, seen, gone);
        (self.accounts, self.disputed) = (accounts, disputed);
        self.keep_homes(&users);
        self.past.take(&self.users, &users, &lacking, arrived);
        let changed = match users {
            Judged::All(users) => {
                self.users = users;
                true
            }
            Judged::Some(users) => {
                let changed = !users.is_empty();
                self.users.extend(users);
                changed
            }
        };
        if changed {
            self.propose();
        }
    }

    /// Remembers where users were whom these answers show nowhere for certain, and forgets those of whom they tell where they are, that
    /// they are nowhere, or that nobody asks for them any more.
    fn keep_homes(&mut self, users: &Judged) {
        let (Judged::All(told) | Judged::Some(told)) = users;
        let unclear = |presence: &Presence| match presence {
            Presence::Unknown(_) | Presence::Ambiguous(_) => true,
            // It is being moved, and may not have begun to.
            Presence::Here(here) => matches!(here.home, Home::Unclear(_)),
            Presence::Absent => false,
        };
        let lost = told.iter().filter(|(_, presence)| unclear(presence));
        let homes = lost.filter_map(|(user, _)| Some((user.clone(), self.last_home(user)?.clone()))).collect();
        match users {
            Judged::All(_) => self.homes = homes,
            Judged::Some(told) => {
                self.homes.retain(|user, _| !told.contains_key(user));
                self.homes.extend(homes);
            }
        }
    }

    /// On which Exchange server the user's mailbox is, or was when the directory placed it last.
    #[must_use]
    pub fn last_home(&self, user: &DirectoryName) -> Option<&ExchangeServerName> {
        match self.users.get(user) {
            Some(Presence::Here(here)) => match &here.home {
                Home::Server(server) => Some(server),
                Home::None => None,
                Home::Unclear(_) => self.homes.get(user),
            },
            Some(Presence::Absent) => None,
            Some(Presence::Unknown(_) | Presence::Ambiguous(_)) | None => self.homes.get(user),
        }
    }

    /// As of when everything here is true: the oldest evidence of a server that gives any; the start of the last full
    /// reading where none does.
    #[must_use]
    pub fn as_of(&self) -> Steady {
        self.seen.values().min().copied().unwrap_or(self.started)
    }

    /// Collects the users' placements.
    fn propose(&mut self) {
        (self.grants, self.not_grantable) = (BTreeSet::new(), BTreeMap::new());
        // Users who share their placements share the pointer.
        let mut last: Option<*const PlannedGrant> = None;
        for (user, presence) in &self.users {
            let Presence::Here(here) = presence else { continue };
            for (account, placement) in here.placements.iter() {
                match placement {
                    Placement::Grant(grant) => {
                        let this: *const PlannedGrant = Arc::as_ptr(grant);
                        if last != Some(this) {
                            self.grants.insert(grant.as_ref().clone());
                            last = Some(this);
                        }
                    }
                    Placement::None(why) => {
                        drop(self.not_grantable.insert((user.clone(), account.clone()), why.clone()))
                    }
                }
            }
        }
    }
}
