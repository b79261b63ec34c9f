//! `replPropertyMetaData`: for each attribute of an object, how often it was written and where last. The layout is that
//! of Windows, which Samba shares; each element is an AttributeStamp (MS-DRSR 5.11). A descriptor that was written once,
//! by us, has a version that is higher by one.

use sendgate_core::guid::Guid;
use std::fmt;

/// The attribute.
pub(super) const METADATA: &str = "replPropertyMetaData";

/// The only version of the structure.
const VERSION: u32 = 1;

/// nTSecurityDescriptor (1.2.840.113556.1.2.281) as an ATTRTYP (MS-DRSR 5.14): the same in every forest, as the prefix
/// table maps index 2 to 1.2.840.113556.1.2.
const DESCRIPTOR_ATTRIBUTE: u32 = 0x0002_0119;

/// Length in bytes of the header: version, reserved, count, reserved.
const HEADER: usize = 16;

/// Length in bytes of an entry: attribute 4, version 4, time 8, originating server 16, originating USN 8, local USN 8.
const ENTRY: usize = 48;

/// Which write of an object's descriptor a server holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DescriptorVersion {
    /// Counts the writes.
    pub version: u32,
    /// `invocationId` of the server on which the last one was made.
    pub origin: Guid,
}

impl fmt::Display for DescriptorVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (of {})", self.version, self.origin)
    }
}

/// The descriptor's version from an object's metadata.
///
/// # Errors
/// What is wrong with the bytes, in words. Total: no bytes make it panic.
pub(super) fn descriptor_version(bytes: &[u8]) -> Result<DescriptorVersion, String> {
    let word = |at: usize| bytes.get(at..).and_then(|rest| rest.first_chunk().copied()).map(u32::from_le_bytes);
    let (Some(version), Some(count)) = (word(0), word(8)) else {
        return Err(format!("{METADATA} is cut short after {} bytes", bytes.len()));
    };
    if version != VERSION {
        return Err(format!("{METADATA} is of version {version}, only {VERSION} is known"));
    }
    let entries = bytes.get(HEADER..).unwrap_or_default().as_chunks::<ENTRY>();
    if u32::try_from(entries.0.len()) != Ok(count) || !entries.1.is_empty() {
        return Err(format!("{METADATA} has {} bytes where {count} attributes are announced", bytes.len()));
    }
    let own = entries.0.iter().find_map(|entry| {
        let (attribute, rest) = entry.split_first_chunk::<4>()?;
        let (version, rest) = rest.split_first_chunk::<4>()?;
        let (_time, rest) = rest.split_first_chunk::<8>()?;
        let origin = Guid::from_bytes(*rest.first_chunk()?);
        (u32::from_le_bytes(*attribute) == DESCRIPTOR_ATTRIBUTE)
            .then_some(DescriptorVersion { version: u32::from_le_bytes(*version), origin })
    });
    own.ok_or_else(|| format!("{METADATA} does not mention nTSecurityDescriptor"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) const HERE: Guid = Guid::SEND_AS;
    pub(crate) const ELSEWHERE: Guid = Guid::SEND_TO;

    /// Metadata of an object whose descriptor was written so often.
    pub(crate) fn made(version: u32, origin: Guid) -> Vec<u8> {
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
        let entry = |attribute: u32, version: u32| {
            [words(&[attribute, version, 7, 0]), origin.to_bytes().to_vec(), words(&[1, 0, 1, 0])].concat()
        };
        [words(&[1, 0, 2, 0]), entry(0, 9), entry(DESCRIPTOR_ATTRIBUTE, version)].concat()
    }

    #[test]
    fn the_descriptor_is_found_among_the_attributes() {
        let read = descriptor_version(&made(3, HERE)).unwrap();
        assert_eq!(read, DescriptorVersion { version: 3, origin: HERE });
        assert_eq!(read.to_string(), "3 (of ab721a54-1e2f-11d0-9819-00aa0040529b)");
    }

    /// What a Samba server returned for an organizational unit.
    #[test]
    fn metadata_of_a_real_server_is_read() {
        let bytes = include_bytes!("metadata/samba.bin");
        let read = descriptor_version(bytes).unwrap();
        assert_eq!(read.to_string(), include_str!("metadata/samba.txt").trim());
    }

    #[test]
    fn every_cut_and_every_lie_is_an_error() {
        let good = made(3, HERE);
        for length in 0..good.len() {
            let error = descriptor_version(&good[..length]).unwrap_err();
            assert!(error.starts_with("replPropertyMetaData "), "{length}: {error}");
        }
        let with = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            descriptor_version(&bytes).unwrap_err()
        };
        assert_eq!(with(0, 2), "replPropertyMetaData is of version 2, only 1 is known");
        assert_eq!(with(8, 3), "replPropertyMetaData has 112 bytes where 3 attributes are announced");
        assert_eq!(with(11, 255), "replPropertyMetaData has 112 bytes where 4278190082 attributes are announced");
        assert_eq!(with(HEADER + ENTRY, 0), "replPropertyMetaData does not mention nTSecurityDescriptor");
        assert_eq!(descriptor_version(&[]).unwrap_err(), "replPropertyMetaData is cut short after 0 bytes");
        let longer = [good, vec![0]].concat();
        assert!(descriptor_version(&longer).is_err());
    }
}
