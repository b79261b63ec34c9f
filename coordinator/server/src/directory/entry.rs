//! An entry of a search result (RFC 4511 section 4.5.2), decoded by hand: the library's own decoder panics on malformed
//! ones and sorts values by whether they happen to be UTF-8.

use ldap3::ResultEntry;

/// An object as a server returned it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its distinguished name.
    pub(super) dn: String,
    /// Values by attribute name, options (`;range=0-1499`) included: a dozen or two, so that no map is faster.
    values: Vec<(String, Vec<Vec<u8>>)>,
}

/// Tag of SearchResultEntry.
const SEARCH_RESULT_ENTRY: u64 = 4;

impl Entry {
    /// Decodes an entry; nothing if it is malformed.
    pub(super) fn parse(entry: ResultEntry) -> Option<Self> {
        let mut parts = entry.0.match_id(SEARCH_RESULT_ENTRY)?.expect_constructed()?.into_iter();
        let dn = String::from_utf8(parts.next()?.expect_primitive()?).ok()?;
        let attributes = parts.next()?.expect_constructed()?;
        let mut values = Vec::with_capacity(attributes.len());
        for attribute in attributes {
            let mut parts = attribute.expect_constructed()?.into_iter();
            let name = String::from_utf8(parts.next()?.expect_primitive()?).ok()?;
            let set = parts.next()?.expect_constructed()?;
            let set: Option<Vec<Vec<u8>>> = set.into_iter().map(|value| value.expect_primitive()).collect();
            values.push((name, set?));
        }
        Some(Self { dn, values })
    }

    /// An entry that no server returned.
    pub(super) fn made(dn: String, values: Vec<(&str, Vec<Vec<u8>>)>) -> Self {
        Self { dn, values: values.into_iter().map(|(name, set)| (name.to_owned(), set)).collect() }
    }

    #[cfg(test)]
    pub(super) fn of(dn: &str, values: &[(&str, &[&[u8]])]) -> Self {
        let values =
            values.iter().map(|(name, set)| ((*name).to_owned(), set.iter().map(|value| value.to_vec()).collect()));
        Self { dn: dn.to_owned(), values: values.collect() }
    }

    /// Every value of an attribute; none if it was not returned.
    pub(super) fn all(&self, attribute: &str) -> &[Vec<u8>] {
        let found = self.values.iter().find(|(name, _)| name.eq_ignore_ascii_case(attribute));
        found.map_or(&[], |(_, values)| values.as_slice())
    }

    /// The value of an attribute that has one.
    ///
    /// # Errors
    /// Several values, in words.
    pub(super) fn one(&self, attribute: &str) -> Result<Option<&[u8]>, String> {
        match self.all(attribute) {
            [] => Ok(None),
            [value] => Ok(Some(value)),
            several => Err(format!("{attribute} has {} values where one belongs", several.len())),
        }
    }

    /// The value of an attribute that has one, as text.
    ///
    /// # Errors
    /// Several values, or not UTF-8, in words.
    pub(super) fn text(&self, attribute: &str) -> Result<Option<&str>, String> {
        let Some(value) = self.one(attribute)? else { return Ok(None) };
        std::str::from_utf8(value).map(Some).map_err(|_| format!("{attribute} is not text"))
    }

    /// Every value of an attribute that is text. What is not UTF-8 is left out, as it equals no text that is asked for.
    pub(super) fn texts(&self, attribute: &str) -> impl Iterator<Item = &str> {
        self.all(attribute).iter().filter_map(|value| std::str::from_utf8(value).ok())
    }

    /// The values of `attribute` that the server returned in part (`attribute;range=FIRST-LAST`, MS-ADTS 3.1.1.3.1.3.3)
    /// and where the next part begins; nothing if it was not returned that way.
    pub(super) fn range(&self, attribute: &str) -> Option<(&[Vec<u8>], Option<u64>)> {
        self.values.iter().find_map(|(name, values)| {
            let (named, options) = name.split_once(';')?;
            let (option, range) = options.split_once('=')?;
            if !named.eq_ignore_ascii_case(attribute) || !option.eq_ignore_ascii_case("range") {
                return None;
            }
            let (_, last) = range.split_once('-')?;
            match last {
                "*" => Some((values.as_slice(), None)),
                last => Some((values.as_slice(), Some(last.parse::<u64>().ok()?.checked_add(1)?))),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_without_letter_case() {
        let entry = Entry::of("CN=x", &[("objectSid", &[&[1, 255]]), ("mail", &[b"x@a"])]);
        assert_eq!(entry.one("OBJECTSID"), Ok(Some(&[1, 255][..])));
        assert_eq!(entry.text("mail"), Ok(Some("x@a")));
        assert_eq!(entry.text("objectSid"), Err("objectSid is not text".to_owned()));
        assert_eq!(entry.text("homeMDB"), Ok(None));
    }

    #[test]
    fn several_values_where_one_belongs_are_an_error() {
        let entry = Entry::of("CN=x", &[("mail", &[b"x@a", b"y@a"])]);
        assert_eq!(entry.text("mail"), Err("mail has 2 values where one belongs".to_owned()));
    }

    #[test]
    fn a_range_says_where_the_next_one_begins() {
        let first = Entry::of("CN=g", &[("member;range=0-1499", &[b"CN=x"])]);
        assert_eq!(first.range("member"), Some((&[b"CN=x".to_vec()][..], Some(1500))));
        let last = Entry::of("CN=g", &[("member;Range=1500-*", &[b"CN=y"])]);
        assert_eq!(last.range("member"), Some((&[b"CN=y".to_vec()][..], None)));
        assert_eq!(Entry::of("CN=g", &[("member", &[b"CN=x"])]).range("member"), None);
    }
}
