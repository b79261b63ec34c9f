//! The descriptors above the found users: where inheritance stops, and where a grant could be placed.

use super::super::entry::Entry;
use super::super::session::{DESCRIPTOR, Session};
use super::super::{DirectoryError, filter};
use super::descriptors::Descriptors;
use super::user;
use sendgate_core::coverage::reading::DescriptorReading;
use sendgate_core::guid::Guid;
use sendgate_core::names::Dn;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Containers in one search.
const CONTAINERS_PER_SEARCH: usize = 50;

/// Attributes that are read of a container.
const ATTRIBUTES: [&str; 2] = ["objectGUID", DESCRIPTOR];

/// The domain head and every container between it and a found user.
#[derive(Debug, Default)]
pub(super) struct Containers {
    shown: BTreeMap<Dn, DescriptorReading>,
    by_guid: HashMap<Guid, Dn>,
    /// Those whose descriptor is not what it was.
    touched: BTreeSet<Dn>,
}

impl Containers {
    /// Each with its descriptor.
    pub(super) fn shown(&self) -> &BTreeMap<Dn, DescriptorReading> {
        &self.shown
    }

    /// Where a container was when it was read; nothing for what is none of them.
    pub(super) fn place(&self, guid: Guid) -> Option<&Dn> {
        self.by_guid.get(&guid)
    }

    /// A container with this identity was read.
    #[cfg(test)]
    pub(super) fn known(&mut self, dn: &Dn, guid: Guid) {
        self.by_guid.insert(guid, dn.clone());
    }

    /// The head and what lies between it and these users, as far as it has not been read yet.
    pub(super) fn missing<'a>(&self, head: &Dn, users: impl Iterator<Item = &'a Dn>) -> BTreeSet<Dn> {
        let mut missing = BTreeSet::new();
        if !self.shown.contains_key(head) {
            missing.insert(head.clone());
        }
        // Neighbours come one after the other, and have the same unit.
        let mut last: Option<Dn> = None;
        for user in users {
            let mut here = user.parent();
            if here == last {
                continue;
            }
            last.clone_from(&here);
            // What is known already has everything above it there.
            while let Some(dn) = here.filter(|dn| !self.shown.contains_key(dn) && dn.is_within(head)) {
                here = if missing.contains(&dn) { None } else { dn.parent() };
                missing.insert(dn);
            }
        }
        missing
    }

    /// Reads these. One that may not be seen shows no descriptor either.
    ///
    /// # Errors
    /// An incomplete search.
    pub(super) async fn read(
        &mut self,
        session: &Session,
        head: &Dn,
        wanted: BTreeSet<Dn>,
        descriptors: &Descriptors,
    ) -> Result<(), DirectoryError> {
        let wanted: Vec<Dn> = wanted.into_iter().collect();
        for some in wanted.chunks(CONTAINERS_PER_SEARCH) {
            let mut found = Vec::with_capacity(some.len());
            let filter = filter::any(some.iter().map(|dn| filter::equals("distinguishedName", dn.as_str())));
            session
                .each("reading the units above users", head.as_str(), &filter, &ATTRIBUTES, |entry| {
                    found.push((Dn::from(entry.dn.as_str()), user::guid(&entry).ok(), descriptors.of(&entry)));
                    Ok(())
                })
                .await?;
            for dn in some {
                self.put(dn, DescriptorReading::NotShown);
            }
            for (dn, guid, reading) in found {
                self.put(&dn, reading);
                self.by_guid.extend(guid.map(|guid| (guid, dn)));
            }
        }
        Ok(())
    }

    /// A container's descriptor as it is now.
    pub(super) fn put(&mut self, dn: &Dn, reading: DescriptorReading) {
        if !self.is(dn, &reading) {
            self.shown.insert(dn.clone(), reading);
            self.touched.insert(dn.clone());
        }
    }

    /// What others have read later.
    pub(super) fn take_over(&mut self, later: Self) {
        later.shown.into_iter().for_each(|(dn, reading)| self.put(&dn, reading));
        self.by_guid.extend(later.by_guid);
    }

    /// Those that were touched since the last time.
    pub(super) fn touched(&mut self) -> BTreeMap<Dn, DescriptorReading> {
        let touched = std::mem::take(&mut self.touched).into_iter();
        touched.filter_map(|dn| Some((self.shown.get(&dn)?.clone(), dn))).map(|(shown, dn)| (dn, shown)).collect()
    }

    /// Whether a container's descriptor is what it was.
    pub(super) fn is(&self, dn: &Dn, reading: &DescriptorReading) -> bool {
        self.shown.get(dn).is_some_and(|known| super::descriptors::same(known, reading))
    }

    /// Those at or below `top`.
    pub(super) fn within(&self, top: &Dn) -> BTreeSet<Dn> {
        self.shown.keys().filter(|dn| super::place::within(dn.as_str(), top)).cloned().collect()
    }
}

/// `CN=AdminSDHolder,CN=System,<domain>`: whom it protects gets its descriptor.
pub(super) fn holder(head: &Dn) -> Dn {
    Dn::from(format!("CN=AdminSDHolder,CN=System,{head}"))
}

/// Reads AdminSDHolder. If it may not be seen, it shows no descriptor either.
///
/// # Errors
/// An incomplete search.
pub(super) async fn read_holder(
    session: &Session,
    head: &Dn,
    descriptors: &Descriptors,
) -> Result<DescriptorReading, DirectoryError> {
    let entry: Option<Entry> = session.object(holder(head).as_str(), &ATTRIBUTES).await?;
    Ok(entry.map_or(DescriptorReading::NotShown, |entry| descriptors.of(&entry)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_container_up_to_the_head_is_read_once() {
        let users = ["CN=x,OU=Deep,OU=Top,DC=a,DC=test", "CN=y,OU=Top,DC=a,DC=test", "CN=z,DC=a,DC=test"].map(Dn::from);
        let head = Dn::from("DC=a,DC=test");
        let mut containers = Containers::default();
        let read = |containers: &Containers, users: &[Dn]| -> Vec<String> {
            containers.missing(&head, users.iter()).into_iter().map(String::from).collect()
        };
        let all = ["DC=a,DC=test", "OU=Deep,OU=Top,DC=a,DC=test", "OU=Top,DC=a,DC=test"];
        let mut missing = read(&containers, &users);
        missing.sort();
        assert_eq!(missing, all);
        for dn in ["DC=a,DC=test", "OU=Top,DC=a,DC=test"] {
            containers.shown.insert(Dn::from(dn), DescriptorReading::NotShown);
        }
        assert_eq!(read(&containers, &users), ["OU=Deep,OU=Top,DC=a,DC=test"]);
        assert_eq!(read(&containers, &users[1..]), [""; 0]);
    }
}
