//! Security descriptors as servers show them. A domain of 20,000 users holds a handful of distinct ones: each is parsed
//! once and shared.

use super::super::entry::Entry;
use super::super::session::DESCRIPTOR;
use sendgate_core::coverage::reading::DescriptorReading;
use sendgate_core::secdesc::SecurityDescriptor;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Distinct descriptors that are kept: 10,000 of some 10 KB are 100 MB. Beyond that each is parsed on its own.
const DISTINCT: usize = 10_000;

/// The descriptors met so far on one server. Clones share them: what is read at the same time meets the same ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Descriptors(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    parsed: HashMap<Arc<[u8]>, Arc<SecurityDescriptor>>,
    /// Neighbours mostly have the same one, and comparing is faster than hashing.
    last: Option<(Arc<[u8]>, Arc<SecurityDescriptor>)>,
}

impl Descriptors {
    /// What the server showed of an object's descriptor.
    pub(super) fn of(&self, entry: &Entry) -> DescriptorReading {
        match entry.one(DESCRIPTOR) {
            Ok(None) => DescriptorReading::NotShown,
            Ok(Some(bytes)) => self.parse(bytes),
            Err(why) => DescriptorReading::Malformed(why),
        }
    }

    fn parse(&self, bytes: &[u8]) -> DescriptorReading {
        // Nothing in here leaves the map half written.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, shared)) = known.last.as_ref().filter(|(last, _)| last.as_ref() == bytes) {
            return DescriptorReading::Shown(Arc::clone(shared));
        }
        if let Some((key, shared)) = known.parsed.get_key_value(bytes) {
            let (key, shared) = (Arc::clone(key), Arc::clone(shared));
            known.last = Some((key, Arc::clone(&shared)));
            return DescriptorReading::Shown(shared);
        }
        match SecurityDescriptor::parse(bytes) {
            Ok(descriptor) => {
                let (key, shared): (Arc<[u8]>, _) = (bytes.into(), Arc::new(descriptor));
                if known.parsed.len() < DISTINCT {
                    known.parsed.insert(Arc::clone(&key), Arc::clone(&shared));
                    known.last = Some((key, Arc::clone(&shared)));
                }
                DescriptorReading::Shown(shared)
            }
            Err(error) => DescriptorReading::Malformed(error.to_string()),
        }
    }
}

/// Whether two readings show the same. Descriptors of one server that are equal are mostly one.
pub(super) fn same(one: &DescriptorReading, other: &DescriptorReading) -> bool {
    match (one, other) {
        (DescriptorReading::Shown(one), DescriptorReading::Shown(other)) => Arc::ptr_eq(one, other) || one == other,
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A self-relative descriptor whose DACL is present and empty (MS-DTYP 2.4.6).
    const EMPTY_DACL: [u8; 28] =
        [1, 0, 4, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 4, 0, 8, 0, 0, 0, 0, 0];

    /// The same without a DACL.
    const NO_DACL: [u8; 20] = [1, 0, 4, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    #[test]
    fn equal_descriptors_are_one_whoever_comes_between() {
        let descriptors = Descriptors::default();
        let entry = Entry::of("CN=x", &[(DESCRIPTOR, &[&EMPTY_DACL])]);
        let other = Entry::of("CN=x", &[(DESCRIPTOR, &[&NO_DACL])]);
        let (first, between, second) = (descriptors.of(&entry), descriptors.of(&other), descriptors.clone().of(&entry));
        let (DescriptorReading::Shown(first), DescriptorReading::Shown(second)) = (first, second) else {
            panic!("not parsed");
        };
        assert!(Arc::ptr_eq(&first, &second));
        assert!(!same(&between, &DescriptorReading::Shown(first)));
    }

    #[test]
    fn what_is_missing_or_broken_is_said() {
        let descriptors = Descriptors::default();
        assert_eq!(descriptors.of(&Entry::of("CN=x", &[])), DescriptorReading::NotShown);
        let broken = Entry::of("CN=x", &[(DESCRIPTOR, &[&[1, 2, 3]])]);
        assert!(matches!(descriptors.of(&broken), DescriptorReading::Malformed(_)));
    }
}
