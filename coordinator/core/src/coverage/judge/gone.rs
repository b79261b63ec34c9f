//! Entries of ours that are not on their places any more, whether or not anybody needs them just now.

use super::Setting;
use crate::coverage::placement::{EntryBytes, GrantEntry};
use crate::coverage::reading::{DescriptorReading, DomainReading, ServerReading, UserReading};
use crate::names::Dn;
use crate::secdesc::SecurityDescriptor;
use crate::secdesc::edit;
use std::collections::{BTreeMap, BTreeSet};

/// Those that the server for grants shows without their entry, with the explicit entries that are there. Of a place that
/// was not read, or is not shown, nothing is said.
pub(super) fn gone(reading: &DomainReading, setting: &Setting) -> BTreeMap<GrantEntry, Vec<EntryBytes>> {
    let Some(Ok(server)) = reading.servers.get(&setting.grant_server) else { return BTreeMap::new() };
    // Most looks are at a domain where nothing of ours is to be.
    if setting.ours.is_empty() {
        return BTreeMap::new();
    }
    let holder = server.holder();
    let users = users(server, setting, &holder);
    let lacks = |entry: &GrantEntry| {
        let descriptor = match server.containers.get(&entry.place) {
            Some(container) => container,
            None if entry.place == holder => &server.admin_sd_holder,
            None => users.get(&entry.place).copied()?,
        };
        let DescriptorReading::Shown(shown) = descriptor else { return None };
        edit::find_entry(shown, &entry.sid, entry.form).is_none().then(|| (entry.clone(), explicit(shown)))
    };
    setting.ours.iter().filter_map(lacks).collect()
}

/// The users who are places of ours.
fn users<'a>(server: &'a ServerReading, setting: &Setting, holder: &Dn) -> BTreeMap<Dn, &'a DescriptorReading> {
    let places = setting.ours.iter().map(|entry| &entry.place);
    let places: BTreeSet<&Dn> =
        places.filter(|place| !server.containers.contains_key(*place) && *place != holder).collect();
    // Mostly there are none, and a roster may be long.
    if places.is_empty() {
        return BTreeMap::new();
    }
    let found = server.users.values().filter_map(|user| match user {
        UserReading::Found(user) if places.contains(&user.dn) => Some((user.dn.clone(), &user.descriptor)),
        _ => None,
    });
    found.collect()
}

fn explicit(shown: &SecurityDescriptor) -> Vec<EntryBytes> {
    edit::explicit_entries(shown).into_iter().map(EntryBytes).collect()
}
