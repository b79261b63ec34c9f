//! Why no entry applies: the most telling cause that the descriptors show.

use super::{chain, server};
use crate::coverage::cause::Cause;
use crate::coverage::reading::{FoundUser, ServerReading, UserClass};
use crate::guid::Guid;
use crate::secdesc::access::{self, Effect, Skip, Token};
use crate::secdesc::{AccessMask, Ace, AceFlags, Acl, SecurityDescriptor, Stance};
use crate::sid::Sid;
use std::collections::BTreeSet;

pub(super) fn why(
    server: &ServerReading,
    user: &FoundUser,
    descriptor: &SecurityDescriptor,
    token: &Token,
    former: Option<&BTreeSet<Sid>>,
) -> Cause {
    if let Some(path) = &user.protected_by {
        let holder = server::holder(server, token, &user.sid);
        return Cause::Protected { path: path.as_ref().clone(), holder };
    }
    let aces = descriptor.dacl().acl().map_or(&[][..], Acl::aces);
    if let Some(cause) = almost(descriptor, aces, user, token).or_else(|| former_account(aces, former)) {
        return cause;
    }
    match chain::blocked_at(server, user) {
        Some(at) if at == user.dn && user.admin_count => Cause::StaleAdminCount,
        Some(at) => Cause::InheritanceBlocked { at },
        None => for_another_class(server, user, token).unwrap_or(Cause::NoEntry),
    }
}

/// An entry that would allow, were it certain.
fn almost(descriptor: &SecurityDescriptor, aces: &[Ace], user: &FoundUser, token: &Token) -> Option<Cause> {
    access::walk(descriptor, token, &Guid::SEND_AS, &user.sid).into_iter().find_map(|step| {
        let ace = aces.get(step.index)?;
        match step.effect {
            Effect::Skipped(Skip::UncertainAllow) => {
                Some(Cause::UncertainGroup { group: ace.sid()?.clone(), entry: ace.to_sddl() })
            }
            Effect::Skipped(Skip::ConditionalAllow) => Some(Cause::Conditional { entry: ace.to_sddl() }),
            _ => None,
        }
    })
}

/// An entry in force for the account as it was before it was made again.
fn former_account(aces: &[Ace], former: Option<&BTreeSet<Sid>>) -> Option<Cause> {
    let former = former?;
    let entry = aces.iter().find(|ace| {
        allows_send_as(ace)
            && !ace.flags().has(AceFlags::INHERIT_ONLY)
            && ace.sid().is_some_and(|sid| former.contains(sid))
    })?;
    Some(Cause::FormerAccount { sid: entry.sid()?.clone(), entry: entry.to_sddl() })
}

/// An entry above the user that flows down, but to objects of another class.
fn for_another_class(server: &ServerReading, user: &FoundUser, token: &Token) -> Option<Cause> {
    let (class, own) = match &user.class {
        UserClass::User => ("user", Some(Guid::CLASS_USER)),
        UserClass::InetOrgPerson => ("inetOrgPerson", Some(Guid::CLASS_INETORGPERSON)),
        UserClass::Other(class) => (class.as_str(), None),
    };
    chain::above(server, user).find_map(|(at, shown)| {
        let ace = shown.dacl().acl().map_or(&[][..], Acl::aces).iter().find(|ace| {
            allows_send_as(ace)
                && ace.flags().has(AceFlags::CONTAINER_INHERIT)
                && ace.inherited_object_type().is_some_and(|class| Some(class) != own)
                && ace.sid().is_some_and(|sid| token.certain.contains(sid))
        })?;
        Some(Cause::NotForClass { class: class.to_owned(), at, entry: ace.to_sddl() })
    })
}

/// Whether the entry allows Send As, on whatever object it is in force.
fn allows_send_as(ace: &Ace) -> bool {
    ace.kind().stance() == Stance::Allows
        && !ace.kind().is_callback()
        && ace.mask().is_some_and(|mask| mask.has(AccessMask::CONTROL_ACCESS))
        && ace.object_type().is_none_or(|right| right == Guid::SEND_AS)
}
