//! Security identifiers (MS-DTYP 2.4.2): who an entry speaks of.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The most subauthorities that a SID may have (MS-DTYP 2.4.2.2).
pub const MAX_SUB_AUTHORITIES: usize = 15;

/// The largest identifier authority: it is a 48-bit number.
const MAX_AUTHORITY: u64 = 0xFFFF_FFFF_FFFF;

/// Length in bytes of what stands before the subauthorities.
const HEADER_LEN: usize = 8;

/// A security identifier: authority and subauthorities, revision 1.
///
/// Ordered by authority, then by subauthorities; written `S-1-5-21-…` in text, in logs and in JSON.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sid {
    authority: u64,
    subs: Subs,
}

/// Subauthorities that need no memory of their own: accounts and groups of a domain have five.
const INLINE_SUBS: usize = 5;

/// The subauthorities. There is one form for each value, so that the derived comparison is right: `Few` where they fit,
/// with zeros behind the last one.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Subs {
    Few { count: u8, subs: [u32; INLINE_SUBS] },
    Many(Box<[u32]>),
}

impl Subs {
    fn of(subs: &[u32]) -> Self {
        let mut few = [0; INLINE_SUBS];
        match few.get_mut(..subs.len()) {
            Some(room) => {
                room.copy_from_slice(subs);
                Self::Few { count: subs.len() as u8, subs: few }
            }
            None => Self::Many(subs.into()),
        }
    }

    fn as_slice(&self) -> &[u32] {
        match self {
            Self::Few { count, subs } => subs.get(..usize::from(*count)).unwrap_or_default(),
            Self::Many(subs) => subs,
        }
    }
}

/// Why bytes or text are no SID.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SidError {
    /// The bytes end before the SID does.
    #[error("a SID needs {needed} bytes here and only {available} are left: the value is cut off or not a SID")]
    Truncated {
        /// Bytes that the SID needs.
        needed: usize,
        /// Bytes that are there.
        available: usize,
    },
    /// Bytes follow where the SID should be the whole value.
    #[error("{extra} bytes follow the SID: the value is longer than its own subauthority count says")]
    TrailingBytes {
        /// How many bytes follow.
        extra: usize,
    },
    /// Only revision 1 exists.
    #[error("a SID of revision {0} was met, but only revision 1 exists: the bytes are not a SID")]
    Revision(u8),
    /// More subauthorities than the format allows.
    #[error("a SID with {0} subauthorities was met, but at most {MAX_SUB_AUTHORITIES} are allowed")]
    TooManySubAuthorities(usize),
    /// The text is not in the form `S-1-…`.
    #[error(
        "{text:?} is not a SID: {problem}; write it as S-1-<authority>-<number>-…, for example S-1-5-21-1-2-3-1104"
    )]
    Text {
        /// The text as given.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl Sid {
    /// A SID from its parts.
    ///
    /// # Errors
    /// More than [`MAX_SUB_AUTHORITIES`] subauthorities, or an authority of more than 48 bits.
    pub fn new(authority: u64, subs: &[u32]) -> Result<Self, SidError> {
        if subs.len() > MAX_SUB_AUTHORITIES {
            return Err(SidError::TooManySubAuthorities(subs.len()));
        }
        if authority > MAX_AUTHORITY {
            return Err(SidError::Text {
                text: format!("S-1-0x{authority:x}"),
                problem: "the authority is larger than 48 bits",
            });
        }
        Ok(Self { authority, subs: Subs::of(subs) })
    }

    /// Reads a SID that is the whole of `bytes`, such as an `objectSid` value.
    ///
    /// # Errors
    /// Cut off, too long, a foreign revision, or too many subauthorities.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SidError> {
        let (sid, used) = Self::parse_prefix(bytes)?;
        match bytes.len() - used {
            0 => Ok(sid),
            extra => Err(SidError::TrailingBytes { extra }),
        }
    }

    /// Reads the SID at the start of `bytes`; returns it with the number of bytes that it takes.
    ///
    /// # Errors
    /// Cut off, a foreign revision, or too many subauthorities.
    pub fn parse_prefix(bytes: &[u8]) -> Result<(Self, usize), SidError> {
        let truncated = |needed| SidError::Truncated { needed, available: bytes.len() };
        let (head, rest) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(truncated(HEADER_LEN))?;
        let [revision, count, a0, a1, a2, a3, a4, a5] = *head;
        if revision != 1 {
            return Err(SidError::Revision(revision));
        }
        let count = usize::from(count);
        if count > MAX_SUB_AUTHORITIES {
            return Err(SidError::TooManySubAuthorities(count));
        }
        let needed = HEADER_LEN + 4 * count;
        let body = rest.get(..4 * count).ok_or(truncated(needed))?;
        let (words, _) = body.as_chunks::<4>();
        let authority = u64::from_be_bytes([0, 0, a0, a1, a2, a3, a4, a5]);
        let words = words.iter().map(|word| u32::from_le_bytes(*word));
        let subs = if count <= INLINE_SUBS {
            let mut few = [0; INLINE_SUBS];
            few.iter_mut().zip(words).for_each(|(sub, word)| *sub = word);
            Subs::Few { count: count as u8, subs: few }
        } else {
            Subs::Many(words.collect())
        };
        Ok((Self { authority, subs }, needed))
    }

    /// The binary form, [`Sid::encoded_len`] bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.encoded_len());
        self.write(&mut out);
        out
    }

    /// Appends the binary form.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let subs = self.sub_authorities();
        // `new` and `parse_prefix` keep the count within 15.
        out.extend_from_slice(&[1, subs.len() as u8]);
        out.extend_from_slice(&self.authority.to_be_bytes()[2..]);
        subs.iter().for_each(|sub| out.extend_from_slice(&sub.to_le_bytes()));
    }

    /// Length in bytes of the binary form.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        HEADER_LEN + 4 * self.sub_authorities().len()
    }

    /// The identifier authority; 5 is the NT authority.
    #[must_use]
    pub fn authority(&self) -> u64 {
        self.authority
    }

    /// The subauthorities in order.
    #[must_use]
    pub fn sub_authorities(&self) -> &[u32] {
        self.subs.as_slice()
    }

    /// The relative identifier: the last subauthority, if there is one.
    #[must_use]
    pub fn rid(&self) -> Option<u32> {
        self.sub_authorities().last().copied()
    }

    /// The SID of the account with relative identifier `rid` in this domain.
    ///
    /// # Errors
    /// The SID has [`MAX_SUB_AUTHORITIES`] subauthorities already.
    pub fn child(&self, rid: u32) -> Result<Self, SidError> {
        let mut subs = self.sub_authorities().to_vec();
        subs.push(rid);
        Self::new(self.authority, &subs)
    }

    /// The domain of an account: `S-1-5-21-a-b-c` for `S-1-5-21-a-b-c-rid`; nothing for a SID of any other shape.
    #[must_use]
    pub fn domain(&self) -> Option<Self> {
        match (self.authority, self.sub_authorities()) {
            (5, [21, a, b, c, _]) => Some(Self { authority: 5, subs: Subs::of(&[21, *a, *b, *c]) }),
            _ => None,
        }
    }

    fn well_known(authority: u64, subs: &[u32]) -> Self {
        Self { authority, subs: Subs::of(subs) }
    }

    /// Everyone, S-1-1-0.
    #[must_use]
    pub fn everyone() -> Self {
        Self::well_known(1, &[0])
    }

    /// Authenticated Users, S-1-5-11.
    #[must_use]
    pub fn authenticated_users() -> Self {
        Self::well_known(5, &[11])
    }

    /// NETWORK, S-1-5-2: whoever logged on over the network.
    #[must_use]
    pub fn network() -> Self {
        Self::well_known(5, &[2])
    }

    /// This Organization, S-1-5-15.
    #[must_use]
    pub fn this_organization() -> Self {
        Self::well_known(5, &[15])
    }

    /// SELF, S-1-5-10: stands for the SID of the object that carries the entry.
    #[must_use]
    pub fn principal_self() -> Self {
        Self::well_known(5, &[10])
    }

    /// Whether this is SELF.
    #[must_use]
    #[inline]
    pub fn is_principal_self(&self) -> bool {
        self.authority == 5 && matches!(self.subs, Subs::Few { count: 1, subs: [10, ..] })
    }

    /// A number to look the SID up by. Different SIDs may share it, so equality is still to be asked.
    #[must_use]
    #[inline]
    pub(crate) fn fingerprint(&self) -> u64 {
        /// Odd and without a pattern, so that neighbouring relative identifiers come out far apart.
        const FACTORS: [u64; INLINE_SUBS] = [
            0x9E37_79B9_7F4A_7C15,
            0xC2B2_AE3D_27D4_EB4F,
            0x1656_67B1_9E37_79F9,
            0xD6E8_FEB8_6659_FD93,
            0xA076_1D64_78BD_642F,
        ];
        let fold = |sum: u64, (sub, factor): (&u32, &u64)| sum.wrapping_add(u64::from(*sub).wrapping_mul(*factor));
        match &self.subs {
            Subs::Few { subs, .. } => subs.iter().zip(&FACTORS).fold(self.authority, fold),
            Subs::Many(subs) => subs.iter().zip(FACTORS.iter().cycle()).fold(self.authority, fold),
        }
    }
}

impl Ord for Sid {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.authority, self.sub_authorities()).cmp(&(other.authority, other.sub_authorities()))
    }
}

impl PartialOrd for Sid {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // MS-DTYP 2.4.2.1: an authority of more than 32 bits is written in hexadecimal.
        match u32::try_from(self.authority) {
            Ok(small) => write!(f, "S-1-{small}")?,
            Err(_) => write!(f, "S-1-0x{:x}", self.authority)?,
        }
        self.sub_authorities().iter().try_for_each(|sub| write!(f, "-{sub}"))
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sid {
    type Err = SidError;

    fn from_str(text: &str) -> Result<Self, SidError> {
        let wrong = |problem| SidError::Text { text: text.to_owned(), problem };
        let rest = text.strip_prefix("S-").or_else(|| text.strip_prefix("s-"));
        let rest = rest.ok_or_else(|| wrong("it does not start with S-"))?;
        let mut parts = rest.split('-');
        if parts.next() != Some("1") {
            return Err(wrong("its revision is not 1"));
        }
        let authority = parts.next().ok_or_else(|| wrong("the authority is missing"))?;
        let authority = match authority.strip_prefix("0x").or_else(|| authority.strip_prefix("0X")) {
            Some(hex) if digits(hex, 16) => u64::from_str_radix(hex, 16).ok(),
            None if digits(authority, 10) => authority.parse().ok(),
            _ => None,
        };
        let authority = authority
            .filter(|a| *a <= MAX_AUTHORITY)
            .ok_or_else(|| wrong("the authority is not a number of at most 48 bits"))?;
        let mut subs = Vec::new();
        for part in parts {
            let number = Some(part).filter(|p| digits(p, 10)).and_then(|p| p.parse().ok());
            subs.push(number.ok_or_else(|| wrong("a subauthority is not a number of at most 32 bits"))?);
        }
        if subs.len() > MAX_SUB_AUTHORITIES {
            return Err(wrong("it has more than 15 subauthorities"));
        }
        Ok(Self { authority, subs: Subs::of(&subs) })
    }
}

/// Rust's own number parsing takes a leading plus sign, which no SID has.
fn digits(text: &str, radix: u32) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_digit(radix))
}

impl TryFrom<String> for Sid {
    type Error = SidError;

    fn try_from(text: String) -> Result<Self, SidError> {
        text.parse()
    }
}

impl From<Sid> for String {
    fn from(sid: Sid) -> Self {
        sid.to_string()
    }
}
