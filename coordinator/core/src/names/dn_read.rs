//! The reader of distinguished names (RFC 4514 section 3), lenient where RFC 2253 was: quoted values, spaces around
//! separators and the prefix `OID.` are understood.

use std::fmt::Write as _;

/// The text is no distinguished name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a distinguished name: at byte {position} {problem}; write it like CN=Doe\\, Jo,OU=Sales,DC=example, \
     with a backslash before a comma, plus, quote, backslash, semicolon or angle bracket of a value"
)]
pub struct DnError {
    /// The text as given.
    pub text: String,
    /// Where, in bytes from the start.
    pub position: usize,
    /// What is wrong there.
    pub problem: &'static str,
}

/// Characters that stand for something in a name, unless they are escaped (RFC 4514 section 2.4).
const SPECIAL: [char; 8] = [',', '+', '"', '\\', '<', '>', ';', '='];

/// What is wrong, and where.
type Problem = (usize, &'static str);

/// The one form of all texts that name the same object.
pub(super) fn canonical(text: &str) -> Result<String, DnError> {
    let mut reader = Reader { text, at: 0 };
    reader.name().map_err(|(position, problem)| DnError { text: text.to_owned(), position, problem })
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn spaces(&mut self) {
        while self.peek() == Some(' ') {
            self.at += 1;
        }
    }

    /// All components.
    fn name(&mut self) -> Result<String, Problem> {
        let mut out = String::with_capacity(self.text.len());
        self.spaces();
        while self.at < self.text.len() {
            let mut parts = Vec::new();
            loop {
                parts.push(self.part()?);
                if self.peek() != Some('+') {
                    break;
                }
                self.at += 1;
            }
            // A component is a set (X.501): the order of its parts says nothing.
            parts.sort_unstable();
            out.push_str(&parts.join("+"));
            match self.peek() {
                None => break,
                Some(',') => self.at += 1,
                Some(_) => return Err((self.at, "a comma, a plus or the end is missing")),
            }
            if self.peek().is_none() {
                return Err((self.at, "a component is missing behind the last comma"));
            }
            out.push(',');
        }
        Ok(out)
    }

    /// One type and value.
    fn part(&mut self) -> Result<String, Problem> {
        self.spaces();
        let mut out = self.kind()?;
        out.push('=');
        self.spaces();
        match self.peek() {
            Some('#') => self.hexadecimal(&mut out)?,
            Some('"') => write_value(&mut out, &self.quoted()?),
            _ => write_value(&mut out, &self.plain()?),
        }
        self.spaces();
        Ok(out)
    }

    /// The type, in lower case, up to and with the equals sign.
    fn kind(&mut self) -> Result<String, Problem> {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')) {
            self.at += 1;
        }
        let kind = self.text.get(start..self.at).unwrap_or_default().to_ascii_lowercase();
        let kind = kind.strip_prefix("oid.").unwrap_or(&kind);
        let numbers = || kind.split('.').all(|arc| !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit()));
        let word = || kind.starts_with(|c: char| c.is_ascii_alphabetic()) && !kind.contains('.');
        if !word() && !numbers() {
            return Err((start, "an attribute type such as CN is missing"));
        }
        self.spaces();
        if self.peek() != Some('=') {
            return Err((self.at, "the equals sign behind the attribute type is missing"));
        }
        self.at += 1;
        Ok(kind.to_owned())
    }

    /// `#` and pairs of digits, kept as they are.
    fn hexadecimal(&mut self, out: &mut String) -> Result<(), Problem> {
        let start = self.at;
        self.at += 1;
        while self.peek().is_some_and(|c| c.is_ascii_hexdigit()) {
            self.at += 1;
        }
        let value = self.text.get(start..self.at).unwrap_or_default();
        if value.len() < 3 || value.len() % 2 == 0 {
            return Err((start, "a value that starts with # is not made of pairs of hexadecimal digits"));
        }
        out.push_str(&value.to_ascii_lowercase());
        Ok(())
    }

    fn quoted(&mut self) -> Result<Vec<u8>, Problem> {
        let start = self.at;
        self.at += 1;
        let mut value = Vec::new();
        loop {
            match self.next() {
                None => return Err((start, "a quoted value is not closed")),
                Some('"') => return Ok(value),
                Some('\\') => value.push_escaped(self)?,
                Some(c) => value.push_char(c),
            }
        }
    }

    /// A value up to what ends it; spaces at its end count only where they are escaped.
    fn plain(&mut self) -> Result<Vec<u8>, Problem> {
        let (mut value, mut needed) = (Vec::new(), 0);
        while let Some(c) = self.peek() {
            match c {
                ',' | '+' => break,
                '"' | ';' | '<' | '>' => return Err((self.at, "a character stands in a value without a backslash")),
                '\0' => return Err((self.at, "a value holds a zero byte that is not escaped")),
                _ => {}
            }
            self.at += c.len_utf8();
            if c == '\\' {
                value.push_escaped(self)?;
            } else {
                value.push_char(c);
            }
            if c != ' ' {
                needed = value.len();
            }
        }
        value.truncate(needed);
        Ok(value)
    }
}

/// The bytes of a value while it is read.
trait Value {
    fn push_char(&mut self, c: char);
    fn push_escaped(&mut self, reader: &mut Reader<'_>) -> Result<(), Problem>;
}

impl Value for Vec<u8> {
    fn push_char(&mut self, c: char) {
        self.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// What stands behind a backslash: a special character, or two digits for a byte.
    fn push_escaped(&mut self, reader: &mut Reader<'_>) -> Result<(), Problem> {
        let wrong = (reader.at, "a backslash stands before neither a special character nor two hexadecimal digits");
        let first = reader.next().ok_or(wrong)?;
        if SPECIAL.contains(&first) || matches!(first, ' ' | '#') {
            self.push_char(first);
            return Ok(());
        }
        let high = first.to_digit(16).ok_or(wrong)?;
        let low = reader.next().and_then(|second| second.to_digit(16)).ok_or(wrong)?;
        self.push((high << 4 | low) as u8);
        Ok(())
    }
}

/// Appends a value in lower case, with every character that could stand for something as `\<hex>`.
fn write_value(out: &mut String, value: &[u8]) {
    let last = value.len().saturating_sub(1);
    let escape = |out: &mut String, byte: u8| {
        // Writing into a String does not fail.
        let _ = write!(out, "\\{byte:02x}");
    };
    let mut at = 0;
    for chunk in value.utf8_chunks() {
        for c in chunk.valid().chars() {
            let at_edge = (c == ' ' && (at == 0 || at == last)) || (c == '#' && at == 0);
            if SPECIAL.contains(&c) || c.is_ascii_control() || at_edge {
                escape(out, c as u8);
            } else {
                out.extend(c.to_lowercase());
            }
            at += c.len_utf8();
        }
        // Bytes that are no UTF-8 cannot stand in text by themselves.
        for byte in chunk.invalid() {
            escape(out, *byte);
            at += 1;
        }
    }
}
