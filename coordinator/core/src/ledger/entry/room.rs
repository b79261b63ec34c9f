//! What an entry has room for: a record stays under 100 KB, whatever agents and directory servers say.

/// Users named by one entry at most.
pub(super) const USERS_PER_ENTRY: usize = 300;

/// Bytes of names in one entry at most. Written down they may take twice as much, and with whatever stands beside them stay
/// under the 100 KB of a record.
const NAMES_PER_ENTRY: usize = 30_000;

/// Users in parts of which each has room in one entry; `bytes` is the length of a user's name.
pub(crate) fn parts<T>(users: impl IntoIterator<Item = T>, bytes: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let (mut parts, mut room) = (Vec::<Vec<T>>::new(), 0);
    for user in users {
        let length = bytes(&user);
        match parts.last_mut() {
            Some(part) if part.len() < USERS_PER_ENTRY && length <= room => {
                room -= length;
                part.push(user);
            }
            _ => {
                room = NAMES_PER_ENTRY.saturating_sub(length);
                parts.push(vec![user]);
            }
        }
    }
    parts
}

/// Bytes that a text which others have a say in takes in an entry at most, and beside a list of users.
pub(super) const TEXT: usize = 40_000;
pub(super) const TEXT_BESIDE_USERS: usize = 5_000;

/// A text cut so that it takes at most so many bytes where it is written down.
#[must_use]
pub fn cut(text: &str, bytes: usize) -> String {
    let mut room = bytes;
    let mut kept = text.char_indices().take_while(|(_, letter)| {
        let length = match letter {
            '"' | '\\' | '\n' | '\r' | '\t' => 2,
            // As \u00XX.
            letter if letter.is_ascii_control() => 6,
            letter => letter.len_utf8(),
        };
        let fits = length <= room;
        room = room.saturating_sub(length);
        fits
    });
    match kept.by_ref().map(|(at, letter)| at + letter.len_utf8()).last().unwrap_or(0) {
        all if all == text.len() => text.to_owned(),
        end => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guid::Guid;
    use std::collections::BTreeMap;

    #[test]
    fn a_text_is_cut_by_what_it_takes_where_it_is_written_down() {
        assert_eq!(cut("as it is", 8), "as it is");
        assert_eq!(cut("as it is", 7), "as it i…");
        for text in ["x", "\u{1}", "\"", "\n", "ä", "😀"] {
            let long = cut(&text.repeat(50_000), TEXT);
            let bytes = serde_json::to_string(&long).unwrap().len();
            assert!(bytes <= TEXT + "\"…\"".len(), "{text:?}: {bytes}");
            assert!(bytes > TEXT - 6, "{text:?}: {bytes}");
        }
    }

    /// A record has room for 100 KB, and names may be as long as they are, and take twice as much where they are written.
    #[test]
    fn every_part_of_a_list_has_room_in_a_record() {
        for length in [1, 20, 350, crate::names::LONGEST_NAME] {
            let names: Vec<String> = (0..1000).map(|_| "\\".repeat(length)).collect();
            let parts = parts(names.iter().cloned().enumerate(), |(_, name)| name.len());
            for part in &parts {
                let users = part.iter().map(|(at, name)| (Guid::from_bytes((*at as u128).to_le_bytes()), name));
                let text = serde_json::to_string(&users.collect::<BTreeMap<_, _>>()).unwrap();
                assert!(text.len() < 90_000, "{} names of {length} bytes: {}", part.len(), text.len());
                assert!(part.len() > 1, "names of {length} bytes, each in a record of its own");
            }
            let there: Vec<_> = parts.into_iter().flatten().map(|(at, _)| at).collect();
            assert_eq!(there, (0..1000).collect::<Vec<_>>());
        }
    }
}
