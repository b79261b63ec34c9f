//! GUIDs of extended rights and schema classes (MS-DTYP 2.3.4): mixed-endian on the wire, lower case in text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A GUID, held in its 16 wire bytes (the first three fields little-endian).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Guid([u8; 16]);

/// The text is no GUID.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is not a GUID: write 32 hexadecimal digits as ab721a54-1e2f-11d0-9819-00aa0040529b")]
pub struct GuidError {
    /// The text as given.
    pub text: String,
}

impl Guid {
    /// Extended right Send-As.
    pub const SEND_AS: Self = Self::from_fields(0xab721a54, 0x1e2f, 0x11d0, 0x9819_00aa_0040_529b);
    /// Extended right Send-To: a neighbour of Send-As, and not it.
    pub const SEND_TO: Self = Self::from_fields(0xab721a55, 0x1e2f, 0x11d0, 0x9819_00aa_0040_529b);
    /// Extended right Receive-As: a neighbour of Send-As, and not it.
    pub const RECEIVE_AS: Self = Self::from_fields(0xab721a56, 0x1e2f, 0x11d0, 0x9819_00aa_0040_529b);
    /// Extended right User-Change-Password: a neighbour of Send-As, and not it.
    pub const USER_CHANGE_PASSWORD: Self = Self::from_fields(0xab721a53, 0x1e2f, 0x11d0, 0x9819_00aa_0040_529b);
    /// Extended right User-Force-Change-Password (reset password).
    pub const USER_FORCE_CHANGE_PASSWORD: Self = Self::from_fields(0x00299570, 0x246d, 0x11d0, 0xa768_00aa_006e_0529);
    /// Schema class user.
    pub const CLASS_USER: Self = Self::from_fields(0xbf967aba, 0x0de6, 0x11d0, 0xa285_00aa_0030_49e2);
    /// Schema class inetOrgPerson.
    pub const CLASS_INETORGPERSON: Self = Self::from_fields(0x4828cc14, 0x1437, 0x45bc, 0x9b07_ad6f_015e_5f28);
    /// Schema class group.
    pub const CLASS_GROUP: Self = Self::from_fields(0xbf967a9c, 0x0de6, 0x11d0, 0xa285_00aa_0030_49e2);
    /// Schema class computer.
    pub const CLASS_COMPUTER: Self = Self::from_fields(0xbf967a86, 0x0de6, 0x11d0, 0xa285_00aa_0030_49e2);
    /// Schema class organizationalUnit.
    pub const CLASS_OU: Self = Self::from_fields(0xbf967aa5, 0x0de6, 0x11d0, 0xa285_00aa_0030_49e2);

    /// A GUID from its fields as they are written: `data1-data2-data3-` and the last two groups as one number.
    #[must_use]
    pub const fn from_fields(data1: u32, data2: u16, data3: u16, data4: u64) -> Self {
        let [a0, a1, a2, a3] = data1.to_le_bytes();
        let [b0, b1] = data2.to_le_bytes();
        let [c0, c1] = data3.to_le_bytes();
        let [d0, d1, d2, d3, d4, d5, d6, d7] = data4.to_be_bytes();
        Self([a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, d2, d3, d4, d5, d6, d7])
    }

    /// A GUID from its wire bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The wire bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a0, a1, a2, a3, b0, b1, c0, c1, d @ ..] = self.0;
        let (data1, data2) = (u32::from_le_bytes([a0, a1, a2, a3]), u16::from_le_bytes([b0, b1]));
        let data4 = u64::from_be_bytes(d);
        let (clock, node) = (data4 >> 48, data4 & 0xFFFF_FFFF_FFFF);
        write!(f, "{data1:08x}-{data2:04x}-{:04x}-{clock:04x}-{node:012x}", u16::from_le_bytes([c0, c1]))
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Guid {
    type Err = GuidError;

    fn from_str(text: &str) -> Result<Self, GuidError> {
        fields(text).ok_or_else(|| GuidError { text: text.to_owned() })
    }
}

/// Reads the five groups; `None` for anything but exactly 8-4-4-4-12 hexadecimal digits, with or without braces.
fn fields(text: &str) -> Option<Guid> {
    let bare = match text.strip_prefix('{') {
        Some(inner) => inner.strip_suffix('}')?,
        None => text,
    };
    let mut groups = bare.split('-');
    let mut group = |digits: usize| {
        let part = groups.next().filter(|p| p.len() == digits && p.bytes().all(|b| b.is_ascii_hexdigit()))?;
        u64::from_str_radix(part, 16).ok()
    };
    let (data1, data2, data3, clock, node) = (group(8)?, group(4)?, group(4)?, group(4)?, group(12)?);
    if groups.next().is_some() {
        return None;
    }
    let (data1, data2) = (u32::try_from(data1).ok()?, u16::try_from(data2).ok()?);
    Some(Guid::from_fields(data1, data2, u16::try_from(data3).ok()?, (clock << 48) | node))
}

impl TryFrom<String> for Guid {
    type Error = GuidError;

    fn try_from(text: String) -> Result<Self, GuidError> {
        text.parse()
    }
}

impl From<Guid> for String {
    fn from(guid: Guid) -> Self {
        guid.to_string()
    }
}
