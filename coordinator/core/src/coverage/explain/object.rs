//! What a directory server says when it is asked for a name.

use crate::coverage::reading::{
    DescriptorReading, FoundUser, Home, MailboxOwner, ServerFailure, ServerReading, UserClass, UserReading,
};
use crate::guid::Guid;
use crate::names::{DirectoryName, Dn};
use crate::sid::Sid;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// What a directory server says when it is asked for a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "object")]
pub enum ObjectShown {
    /// The server gave no evidence at all.
    ServerFailed {
        /// Why.
        why: String,
    },
    /// A complete search found nobody.
    NotFound,
    /// A complete search found several.
    Ambiguous {
        /// Them.
        dns: BTreeSet<Dn>,
    },
    /// The search failed, or its answer could not be understood.
    NotUnderstood {
        /// Why.
        why: String,
    },
    /// One object.
    Found {
        /// Where it is.
        dn: Dn,
        /// `objectGUID`.
        guid: Guid,
        /// `objectSid`.
        sid: Sid,
        /// Its structural class.
        class: UserClass,
        /// Where the mailbox is.
        home: Home,
        /// Whose mailbox it is.
        owner: OwnerShown,
        /// `adminCount` is 1.
        admin_count: bool,
        /// Whether the DACL takes nothing from the container above; none where it was not shown.
        inheritance_blocked: Option<bool>,
    },
}

/// Whose mailbox an object stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "owner")]
pub enum OwnerShown {
    /// The object itself.
    Itself,
    /// A disabled account that names no owner.
    Nobody,
    /// An account of another forest.
    External {
        /// Which.
        sid: Sid,
    },
}

/// What a server says of a name.
pub(super) fn of(server: &Result<ServerReading, ServerFailure>, name: &DirectoryName) -> ObjectShown {
    match server {
        Err(ServerFailure(why)) => ObjectShown::ServerFailed { why: why.clone() },
        Ok(server) => match server.users.get(name) {
            Some(UserReading::Found(found)) => shown(found),
            Some(UserReading::NotFound) => ObjectShown::NotFound,
            Some(UserReading::Ambiguous(dns)) => ObjectShown::Ambiguous { dns: dns.iter().cloned().collect() },
            Some(UserReading::Failed(why)) => ObjectShown::NotUnderstood { why: why.clone() },
            None => ObjectShown::NotUnderstood { why: "the server did not account for him".to_owned() },
        },
    }
}

fn shown(found: &FoundUser) -> ObjectShown {
    ObjectShown::Found {
        dn: found.dn.clone(),
        guid: found.guid,
        sid: found.sid.clone(),
        class: found.class.clone(),
        home: found.home.clone(),
        owner: match &found.owner {
            MailboxOwner::Itself => OwnerShown::Itself,
            MailboxOwner::Nobody => OwnerShown::Nobody,
            MailboxOwner::External(sid) => OwnerShown::External { sid: sid.clone() },
        },
        admin_count: found.admin_count,
        inheritance_blocked: match &found.descriptor {
            DescriptorReading::Shown(descriptor) => Some(descriptor.dacl_protected()),
            DescriptorReading::NotShown | DescriptorReading::Malformed(_) => None,
        },
    }
}

impl fmt::Display for OwnerShown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Itself => f.write_str("his own mailbox"),
            Self::Nobody => f.write_str("disabled, and msExchMasterAccountSid names no other owner"),
            Self::External { sid } => write!(f, "linked: the mailbox of {sid}, an account of another forest"),
        }
    }
}

impl fmt::Display for ObjectShown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServerFailed { why } => write!(f, "no evidence: {why}"),
            Self::NotFound => f.write_str("nobody of that name"),
            Self::Ambiguous { dns } => {
                let dns: Vec<_> = dns.iter().map(Dn::as_str).collect();
                write!(f, "several objects: {}", dns.join("; "))
            }
            Self::NotUnderstood { why } => write!(f, "could not be read: {why}"),
            Self::Found { dn, .. } => write!(f, "{dn}"),
        }
    }
}

impl fmt::Display for UserClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::InetOrgPerson => "inetOrgPerson",
            Self::Other(class) => class,
        })
    }
}
