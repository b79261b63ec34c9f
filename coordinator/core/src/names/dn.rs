//! Distinguished names (RFC 4514), as directory servers and configurations write them.
//!
//! 1. [`Dn::parse`] reads a name strictly; `From` takes any text, because a server's answer is what it is. Text that is
//!    no name equals only itself, has no parent and lies within nothing.
//! 2. Names compare by their canonical form, so that letter case, escapes, quotes and optional spaces do not count.
//! 3. In the canonical form a comma always ends a component and a plus always ends a part of one: those inside values
//!    are written `\2c` and `\2b`. So whether one name lies within another is a question of how it ends.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use super::dn_read::DnError;
use super::dn_read::canonical;

/// A distinguished name (RFC 4514) as a directory server wrote it; compared without regard to letter case, to the way
/// in which characters are escaped, and to the order inside a component of several parts.
///
/// Values in the form `#<hex>` are compared as they are written: what they encode is not decoded.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Dn {
    shown: Arc<str>,
    key: Key,
}

/// What a name is compared by.
#[derive(Clone)]
enum Key {
    /// What is shown, but for ASCII letter case: nearly every name.
    AsShown,
    /// The canonical form.
    Canonical(Arc<str>),
    /// It is no name; the text in lower case.
    Malformed(Arc<str>),
}

impl Dn {
    /// Reads a distinguished name.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, DnError> {
        Self::read(text.into()).map_err(|(_, error)| error)
    }

    /// As the server wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// Whether the text is a distinguished name at all.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        !matches!(self.key, Key::Malformed(_))
    }

    /// The form that is compared: lower case, no optional spaces, one way of escaping. Of text that is no name, the text
    /// in lower case.
    #[must_use]
    pub fn canonical(&self) -> String {
        match &self.key {
            Key::AsShown => self.shown.to_ascii_lowercase(),
            Key::Canonical(key) | Key::Malformed(key) => key.as_ref().to_owned(),
        }
    }

    /// The DN of the object above, none for the last component. Commas that are escaped or quoted (RFC 4514 section 2.4)
    /// do not separate.
    #[must_use]
    pub fn parent(&self) -> Option<Dn> {
        if !self.is_well_formed() {
            return None;
        }
        let (mut escaped, mut quoted) = (false, false);
        let at = self.shown.bytes().position(|byte| {
            let separates = byte == b',' && !escaped && !quoted;
            quoted ^= byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            separates
        })?;
        let above = self.shown.get(at + 1..)?;
        // What is left of a name that is canonical but for letter case is one as well.
        Some(match self.key {
            Key::AsShown => Self { shown: above.into(), key: Key::AsShown },
            Key::Canonical(_) | Key::Malformed(_) => Dn::from(above.trim_start_matches(' ')),
        })
    }

    /// Whether this object is `above` itself or lies below it. Nothing lies below the empty name, which is the root of a
    /// server and of no domain.
    #[must_use]
    pub fn is_within(&self, above: &Dn) -> bool {
        if self == above {
            return true;
        }
        let (own, end) = (self.key_text().as_bytes(), above.key_text().as_bytes());
        if !self.is_well_formed() || !above.is_well_formed() || end.is_empty() {
            return false;
        }
        let Some(start) = own.len().checked_sub(end.len() + 1) else { return false };
        own.get(start) == Some(&b',') && own.get(start + 1..).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    }

    fn read(shown: Arc<str>) -> Result<Self, (Arc<str>, DnError)> {
        match canonical(&shown) {
            Ok(key) if key.eq_ignore_ascii_case(&shown) => Ok(Self { shown, key: Key::AsShown }),
            Ok(key) => Ok(Self { shown, key: Key::Canonical(key.into()) }),
            Err(error) => Err((shown, error)),
        }
    }

    /// What is compared, but for ASCII letter case.
    fn key_text(&self) -> &str {
        match &self.key {
            Key::AsShown => &self.shown,
            Key::Canonical(key) | Key::Malformed(key) => key,
        }
    }

    fn key_bytes(&self) -> impl Iterator<Item = u8> + '_ {
        self.key_text().bytes().map(|byte| byte.to_ascii_lowercase())
    }
}

impl From<Arc<str>> for Dn {
    fn from(shown: Arc<str>) -> Self {
        Self::read(shown).unwrap_or_else(|(shown, _)| {
            let key = Key::Malformed(shown.to_lowercase().into());
            Self { shown, key }
        })
    }
}

impl From<String> for Dn {
    fn from(shown: String) -> Self {
        Self::from(Arc::<str>::from(shown))
    }
}

impl From<&str> for Dn {
    fn from(shown: &str) -> Self {
        Self::from(Arc::<str>::from(shown))
    }
}

impl From<Dn> for String {
    fn from(dn: Dn) -> String {
        dn.shown.as_ref().to_owned()
    }
}

impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dn({:?})", self.shown)
    }
}

impl PartialEq for Dn {
    fn eq(&self, other: &Self) -> bool {
        self.is_well_formed() == other.is_well_formed() && self.key_text().eq_ignore_ascii_case(other.key_text())
    }
}

impl Eq for Dn {}

impl Hash for Dn {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.is_well_formed().hash(state);
        self.key_bytes().for_each(|byte| state.write_u8(byte));
        state.write_u8(0xFF);
    }
}

impl Ord for Dn {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_form = other.is_well_formed().cmp(&self.is_well_formed());
        by_form.then_with(|| self.key_bytes().cmp(other.key_bytes()))
    }
}

impl PartialOrd for Dn {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
