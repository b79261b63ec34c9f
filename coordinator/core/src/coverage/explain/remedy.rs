//! What would cover a user. Texts are whole sentences: somebody reads them at two in the morning.

mod choice;

pub(crate) use choice::{Case, of};
pub(super) use choice::{absent, ambiguous, unknown};

use crate::names::{AccountName, DirectoryName, DirectoryServerName, Dn, DomainName, ExchangeServerName};
use crate::sid::Sid;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// One change that would cover a user, or bring the evidence that is missing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "remedy")]
pub enum Remedy {
    /// He is covered.
    Nothing,
    /// One entry, on one object.
    Grant {
        /// The object.
        at: Dn,
        /// The service account.
        account: AccountName,
        /// The entry, as SDDL.
        entry: String,
        /// The command for it; none where the name of the object cannot be quoted safely.
        dsacls: Option<String>,
        /// The same for the Exchange Management Shell.
        powershell: String,
    },
    /// The entry is there, and has not come down to him.
    AwaitInheritance {
        /// Where it is.
        at: Dn,
    },
    /// AdminSDHolder carries the right: the propagator brings it.
    AwaitPropagator,
    /// Inheritance is let through again.
    RestoreInheritance {
        /// Where it is blocked.
        at: Dn,
    },
    /// The mark of a protection that has ended is taken off.
    ClearAdminCount {
        /// The user.
        at: Dn,
    },
    /// A deny entry goes.
    RemoveDeny {
        /// The entry, as SDDL.
        entry: String,
        /// Whose own entry it is; none where no object above shows it.
        at: Option<Dn>,
    },
    /// An entry on the user that stands before an inherited deny: an override of somebody's decision.
    OverrideDeny {
        /// The user's object.
        at: Dn,
        /// The user.
        user: DirectoryName,
        /// The service account.
        account: AccountName,
    },
    /// The user leaves a group.
    UserLeaves {
        /// From the user's group up to the protected one.
        path: Vec<Dn>,
    },
    /// A user who is protected by himself gives up his handheld.
    ProtectedUser {
        /// The user.
        at: Dn,
    },
    /// AdminSDHolder gets the right, with a person's approval.
    GrantOnHolder {
        /// The service account.
        account: AccountName,
        /// The domain.
        domain: DomainName,
    },
    /// The service account leaves a group.
    AccountLeaves {
        /// The service account.
        account: AccountName,
        /// The group.
        group: Sid,
    },
    /// The account gets an entry of its own instead of a membership.
    GrantItself {
        /// The service account.
        account: AccountName,
        /// What it has the right through now.
        through: String,
    },
    /// An entry for everybody is replaced by one for the account.
    NarrowEntry {
        /// The service account.
        account: AccountName,
        /// The entry, as SDDL.
        entry: String,
    },
    /// A person excepts the user.
    Waive {
        /// The user.
        user: DirectoryName,
    },
    /// Replication brings it.
    AwaitReplication {
        /// Servers that are behind.
        behind: BTreeSet<DirectoryServerName>,
        /// The domain.
        domain: DomainName,
    },
    /// The reading account gets Read Permissions.
    ReadPermissions {
        /// On which object.
        at: Dn,
        /// Servers that do not show it.
        servers: BTreeSet<DirectoryServerName>,
    },
    /// A directory server is brought back.
    BringBack {
        /// Which, with what it said.
        servers: BTreeSet<String>,
    },
    /// What could not be understood is read again, or looked at by hand.
    ReadAgain {
        /// The domain.
        domain: DomainName,
        /// What was wrong.
        why: String,
    },
    /// The roster names a user who is there.
    CorrectRoster {
        /// The name that it holds.
        name: DirectoryName,
        /// Objects that it fits, where there are several.
        dns: BTreeSet<Dn>,
    },
    /// The mailbox gets an owner.
    Owner {
        /// The user.
        at: Dn,
    },
    /// Whoever knows the owner's forest looks there.
    AskOwner {
        /// The owner.
        owner: Sid,
    },
    /// A user without a mailbox leaves the roster.
    Mailbox {
        /// The user.
        at: Dn,
    },
    /// The service account is corrected.
    CorrectAccount {
        /// As configured.
        account: AccountName,
        /// What is wrong.
        why: String,
    },
    /// The object's descriptor is replaced by one that says something.
    RepairDescriptor {
        /// The object.
        at: Dn,
    },
    /// The list is put in order, so that an entry can be added.
    RepairList {
        /// The object.
        at: Dn,
        /// Why nothing is added.
        why: String,
    },
    /// No form of the grant reaches the object.
    OtherClass {
        /// The user.
        at: Dn,
        /// Its class.
        class: String,
    },
    /// The configuration says which domain the Exchange server is a member of.
    DeclareExchange {
        /// Which.
        server: ExchangeServerName,
    },
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing: he is covered"),
            Self::Grant { at, account, entry, dsacls, powershell } => {
                write!(f, "add the entry {entry} for {account} on {at}: ")?;
                f.write_str(dsacls.as_ref().unwrap_or(powershell))
            }
            Self::AwaitInheritance { at } => write!(
                f,
                "wait: the entry is on {at} already, and comes down to him by inheritance in minutes to hours; if it does \
                 not, propagate the permissions of {at} again"
            ),
            Self::AwaitPropagator => f.write_str(
                "wait: AdminSDHolder carries the right, and the propagator brings it to him at its next pass",
            ),
            Self::RestoreInheritance { at } => write!(
                f,
                "let {at} inherit permissions from above again (its security settings, Advanced): an entry further up \
                 reaches him then; everything else from above does, too"
            ),
            Self::ClearAdminCount { at } => write!(
                f,
                "let {at} inherit permissions again and clear its adminCount: he is in no protected group any more, and \
                 nothing takes the mark off by itself"
            ),
            Self::RemoveDeny { entry, at: Some(at) } => {
                write!(f, "remove the entry {entry} from {at}, if whoever put it there agrees")
            }
            Self::RemoveDeny { entry, at: None } => write!(
                f,
                "find where {entry} comes from: no container above him shows it any more, so it may have been removed and \
                 not have gone from him yet; propagate the permissions of the containers above him again"
            ),
            Self::OverrideDeny { at, user, account } => write!(
                f,
                "approve an entry of his own for {account} on {at}, which stands before the inherited deny and overrides \
                 somebody's decision: sendgate approve override '{user}' {account} --reason WHY"
            ),
            Self::UserLeaves { path } => match path.as_slice() {
                [only] => write!(f, "take him out of {only}, then clear his adminCount and let him inherit again"),
                [first, .., last] => write!(
                    f,
                    "take him out of {first} (or that group out of {last}), then clear his adminCount and let him inherit again"
                ),
                [] => f.write_str("take him out of the protected group"),
            },
            Self::ProtectedUser { at } => {
                write!(f, "give the mailbox to another account: {at} is protected as such, whatever groups it is in")
            }
            Self::GrantOnHolder { account, domain } => write!(
                f,
                "approve the entry for {account} on AdminSDHolder, which lets that account send as every administrator of \
                 {domain}: sendgate approve adminsdholder {domain} {account} --reason WHY"
            ),
            Self::AccountLeaves { account, group } => {
                write!(f, "take {account} out of {group}, which the entry denies, if its membership is not needed")
            }
            Self::GrantItself { account, through } => write!(
                f,
                "grant Send As to {account} itself and take it out of {through}: the right then does not depend on the \
                 membership, and the account can do no more than it needs"
            ),
            Self::NarrowEntry { account, entry } => write!(
                f,
                "grant Send As to {account} itself and remove the entry {entry}, with which everybody can send as him"
            ),
            Self::Waive { user } => write!(
                f,
                "except him from the gate, knowing that the hotfix will pause him: \
                 sendgate waive '{user}' --reason WHY --expires 72h"
            ),
            Self::AwaitReplication { behind, domain } => write!(
                f,
                "wait until {} has caught up; if it does not, look at its replication (repadmin /showrepl), then: \
                 sendgate survey run {domain}",
                list(behind)
            ),
            Self::ReadPermissions { at, servers } => write!(
                f,
                "give the coordinator's own account Read Permissions on {at} (not shown by {}); a deny of that right \
                 stands before every allow",
                list(servers)
            ),
            Self::BringBack { servers } => write!(
                f,
                "bring back what gave no evidence, or take a server that is gone for good out of the configuration: {}",
                list(servers)
            ),
            Self::ReadAgain { domain, why } => write!(
                f,
                "read again (sendgate survey run {domain} --watch); if it stays, look at the object with the directory's \
                 own tools: {why}"
            ),
            Self::CorrectRoster { name, dns } if dns.is_empty() => write!(
                f,
                "correct \"{name}\" on the GoodLink server: nobody of that name is in the directory, or take him off its roster"
            ),
            Self::CorrectRoster { name, dns } => write!(
                f,
                "take the name \"{name}\" from all of these but one, or give the roster a name that only one has: {}",
                list(dns)
            ),
            Self::Owner { at } => write!(
                f,
                "enable {at}, or set its msExchMasterAccountSid (S-1-5-10, SELF, where nobody else owns the mailbox), or \
                 take him off the roster"
            ),
            Self::AskOwner { owner } => write!(
                f,
                "let those who run the forest of {owner} find out whether the mailbox's owner can be sent as: it cannot be \
                 read from here"
            ),
            Self::Mailbox { at } => write!(
                f,
                "take him off the roster, or give {at} a mailbox: neither homeMDB nor msExchHomeServerName is set"
            ),
            Self::CorrectAccount { account, why } => {
                write!(f, "correct the service account {account} in the configuration or in the directory: {why}")
            }
            Self::RepairDescriptor { at } => write!(
                f,
                "replace the security descriptor of {at}, which allows everything to everybody, with the default one"
            ),
            Self::RepairList { at, why } => write!(f, "have the permissions of {at} repaired first: {why}"),
            Self::OtherClass { at, class } => write!(
                f,
                "add an entry to {at} by hand: no entry on a container is known to reach objects of class {class}"
            ),
            Self::DeclareExchange { server } => write!(
                f,
                "say in the configuration which domain {server} is a member of: groups that are local to a domain count \
                 there only"
            ),
        }
    }
}

fn list<T: fmt::Display>(items: &BTreeSet<T>) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
