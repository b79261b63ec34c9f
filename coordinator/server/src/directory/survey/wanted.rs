//! What a survey is to find out.

use sendgate_core::coverage::{AccountPicture, Setting};
use sendgate_core::names::{AccountName, DirectoryName};
use sendgate_core::policy::ProtectionPolicy;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is asked of a domain, and what its judging depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The users, as rosters name them.
    pub asked: Arc<BTreeSet<DirectoryName>>,
    /// The service accounts whose tokens are wanted.
    pub accounts: BTreeSet<AccountName>,
    /// Accounts of other domains, as their own domain's picture shows them.
    pub known: BTreeMap<AccountName, AccountPicture>,
    /// What judging depends on besides what is read.
    pub setting: Setting,
    /// Whom AdminSDHolder protects.
    pub protection: ProtectionPolicy,
}

impl Wanted {
    /// Whether there is nobody to ask for: no user, and no service account that other domains cannot judge without this one.
    pub(super) fn is_idle(&self) -> bool {
        self.asked.is_empty() && self.accounts.is_empty()
    }
}

#[cfg(test)]
impl Wanted {
    /// Nothing is asked of a domain.
    pub(crate) fn nothing() -> Self {
        Self {
            asked: Arc::default(),
            accounts: BTreeSet::new(),
            known: BTreeMap::new(),
            setting: Setting::new(
                BTreeSet::new(),
                "dc.example.test".parse().unwrap(),
                sendgate_core::coverage::placement::Reach::Domain,
            ),
            protection: ProtectionPolicy::default(),
        }
    }
}
