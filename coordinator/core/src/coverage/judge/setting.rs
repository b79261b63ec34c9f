//! What judging depends on besides what was read.

use crate::coverage::placement::Reach;
use crate::guid::Guid;
use crate::names::{AccountName, DirectoryServerName, DomainName, ExchangeServerName};
use crate::sid::Sid;
use std::collections::{BTreeMap, BTreeSet};

/// What judging one domain depends on besides what was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The service accounts that serve the domain.
    pub accounts: BTreeSet<AccountName>,
    /// The server whose containers grants are placed on.
    pub grant_server: DirectoryServerName,
    /// How high up grants may be placed.
    pub reach: Reach,
    /// The domain that each Exchange server's machine is a member of. Of a server that is not here it is not known, and
    /// no group that is local to a domain allows anything there.
    pub exchange_domain: BTreeMap<ExchangeServerName, DomainName>,
    /// Groups local to other domains that an account is in, as that domain's servers all agree.
    pub elsewhere: BTreeMap<(DomainName, AccountName), BTreeSet<Sid>>,
    /// SIDs that accounts of the same name had before they were made again.
    pub former: BTreeMap<AccountName, BTreeSet<Sid>>,
    /// Accounts that somebody has approved to be granted on AdminSDHolder.
    pub holder_approved: BTreeSet<AccountName>,
    /// Pairs whose inherited deny somebody has approved to be overridden by an entry on the user.
    pub override_approved: BTreeSet<(Guid, AccountName)>,
}

impl Setting {
    /// For `accounts`, with grants placed by `grant_server` within `reach`; nothing else is known or approved.
    #[must_use]
    pub fn new(accounts: BTreeSet<AccountName>, grant_server: DirectoryServerName, reach: Reach) -> Self {
        Self {
            accounts,
            grant_server,
            reach,
            exchange_domain: BTreeMap::new(),
            elsewhere: BTreeMap::new(),
            former: BTreeMap::new(),
            holder_approved: BTreeSet::new(),
            override_approved: BTreeSet::new(),
        }
    }
}

/// The usual name of a group whose members have far more than Send As: such a membership covers, and is not meant to.
#[must_use]
pub fn powerful(group: &Sid) -> Option<&'static str> {
    match (group.authority(), group.sub_authorities()) {
        (5, [32, 544]) => Some("Administrators"),
        (5, [32, 548]) => Some("Account Operators"),
        (5, [21, _, _, _, 512]) => Some("Domain Admins"),
        (5, [21, _, _, _, 518]) => Some("Schema Admins"),
        (5, [21, _, _, _, 519]) => Some("Enterprise Admins"),
        _ => None,
    }
}
