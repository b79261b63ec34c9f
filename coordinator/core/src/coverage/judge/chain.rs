//! The containers above a user: where inheritance stops, and whose entry an inherited one was.

use crate::coverage::reading::{DescriptorReading, FoundUser, ServerReading};
use crate::names::Dn;
use crate::secdesc::{Ace, AceFlags, Acl, SecurityDescriptor};

/// The objects from the user's container up to the domain head, as far as their descriptors were shown.
pub(super) fn above<'a>(
    server: &'a ServerReading,
    user: &FoundUser,
) -> impl Iterator<Item = (Dn, &'a SecurityDescriptor)> {
    let mut next = if user.dn == server.head { None } else { user.dn.parent() };
    std::iter::from_fn(move || {
        let here = next.take()?;
        let DescriptorReading::Shown(shown) = server.containers.get(&here)? else { return None };
        if here != server.head {
            next = here.parent();
        }
        Some((here, shown.as_ref()))
    })
}

/// The lowest object, from the user up, whose DACL is protected; the domain head blocks nothing below it.
pub(in crate::coverage) fn blocked_at(server: &ServerReading, user: &FoundUser) -> Option<Dn> {
    let DescriptorReading::Shown(own) = &user.descriptor else { return None };
    if own.dacl_protected() {
        return Some(user.dn.clone());
    }
    above(server, user).find(|(dn, shown)| *dn != server.head && shown.dacl_protected()).map(|(dn, _)| dn)
}

/// The nearest container whose own entry this inherited one is: the same but for the flags of inheritance. Nothing if
/// none above shows such an entry, as when it was removed there and the removal has not arrived yet.
pub(in crate::coverage) fn source(server: &ServerReading, user: &FoundUser, inherited: &Ace) -> Option<Dn> {
    let own = |ace: &&Ace| {
        !ace.is_inherited()
            && ace.flags().has(AceFlags::CONTAINER_INHERIT)
            && (ace.kind(), ace.mask(), ace.sid()) == (inherited.kind(), inherited.mask(), inherited.sid())
            && ace.object_type() == inherited.object_type()
            && inherited.inherited_object_type().is_none_or(|class| ace.inherited_object_type() == Some(class))
    };
    let mut holders = above(server, user);
    holders
        .find(|(_, shown)| shown.dacl().acl().map_or(&[][..], Acl::aces).iter().any(|ace| own(&ace)))
        .map(|(dn, _)| dn)
}
