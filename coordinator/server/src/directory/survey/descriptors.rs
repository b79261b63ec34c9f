//! Security descriptors as servers show them. A domain of 20,000 users holds a handful of distinct ones: each is parsed
//! once and shared.

use super::super::entry::Entry;
use super::super::session::DESCRIPTOR;
use sendgate_core::coverage::reading::DescriptorReading;
use sendgate_core::secdesc::SecurityDescriptor;
use std::collections::HashMap;
use std::sync::Arc;

/// Distinct descriptors that are kept: 10,000 of some 10 KB are 100 MB. Beyond that each is parsed on its own.
const DISTINCT: usize = 10_000;

/// The descriptors met so far on one server.
#[derive(Default)]
pub(in super::super) struct Descriptors {
    parsed: HashMap<Vec<u8>, Arc<SecurityDescriptor>>,
}

impl Descriptors {
    /// What the server showed of an object's descriptor.
    pub(in super::super) fn of(&mut self, entry: &Entry) -> DescriptorReading {
        match entry.one(DESCRIPTOR) {
            Ok(None) => DescriptorReading::NotShown,
            Ok(Some(bytes)) => self.parse(bytes),
            Err(why) => DescriptorReading::Malformed(why),
        }
    }

    fn parse(&mut self, bytes: &[u8]) -> DescriptorReading {
        if let Some(known) = self.parsed.get(bytes) {
            return DescriptorReading::Shown(Arc::clone(known));
        }
        match SecurityDescriptor::parse(bytes) {
            Ok(descriptor) => {
                let descriptor = Arc::new(descriptor);
                if self.parsed.len() < DISTINCT {
                    self.parsed.insert(bytes.to_vec(), Arc::clone(&descriptor));
                }
                DescriptorReading::Shown(descriptor)
            }
            Err(error) => DescriptorReading::Malformed(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A self-relative descriptor whose DACL is present and empty (MS-DTYP 2.4.6).
    const EMPTY_DACL: [u8; 28] =
        [1, 0, 4, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 4, 0, 8, 0, 0, 0, 0, 0];

    #[test]
    fn equal_descriptors_are_one() {
        let mut descriptors = Descriptors::default();
        let entry = Entry::of("CN=x", &[(DESCRIPTOR, &[&EMPTY_DACL])]);
        let (DescriptorReading::Shown(first), DescriptorReading::Shown(second)) =
            (descriptors.of(&entry), descriptors.of(&entry))
        else {
            panic!("not parsed");
        };
        assert!(Arc::ptr_eq(&first, &second));
    }

    #[test]
    fn what_is_missing_or_broken_is_said() {
        let mut descriptors = Descriptors::default();
        assert_eq!(descriptors.of(&Entry::of("CN=x", &[])), DescriptorReading::NotShown);
        let broken = Entry::of("CN=x", &[(DESCRIPTOR, &[&[1, 2, 3]])]);
        assert!(matches!(descriptors.of(&broken), DescriptorReading::Malformed(_)));
    }
}
