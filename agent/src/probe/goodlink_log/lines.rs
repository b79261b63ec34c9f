//! Cuts bytes into lines: a line that is not complete yet is kept, one that is too long is bounded.

/// The longest part of a line that is read: a pause line has a few hundred bytes, and a log must not fill the memory.
pub const MAX_LINE_BYTES: usize = 16 * 1024;

/// The bytes of a file that are not a whole line yet.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    /// Takes the next bytes and hands out each line that they complete, without its line break; of an over-long line the
    /// first [`MAX_LINE_BYTES`].
    pub fn push<E>(&mut self, bytes: &[u8], mut line: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
            self.keep(&rest[..at]);
            rest = &rest[at + 1..];
            let whole = std::mem::take(&mut self.partial);
            line(whole.strip_suffix(b"\r").unwrap_or(&whole))?;
        }
        self.keep(rest);
        Ok(())
    }

    /// Hands out what is left when a file has come to its end for good.
    pub fn finish<E>(&mut self, mut line: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let whole = std::mem::take(&mut self.partial);
        if whole.is_empty() { Ok(()) } else { line(&whole) }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = MAX_LINE_BYTES.saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(parts: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        for part in parts {
            lines
                .push(part, |line| {
                    seen.push(String::from_utf8_lossy(line).into_owned());
                    Ok::<(), ()>(())
                })
                .unwrap();
        }
        seen
    }

    #[test]
    fn a_partial_line_waits_for_its_end() {
        assert_eq!(cut(&[b"one\r\ntw"]), ["one"]);
        assert_eq!(cut(&[b"one\r\ntw", b"o\n\nthree"]), ["one", "two", ""]);
    }

    #[test]
    fn an_endless_line_is_bounded() {
        let long = vec![b'x'; 3 * MAX_LINE_BYTES];
        let seen = cut(&[&long, &long, b"\nnext\n"]);
        assert_eq!((seen[0].len(), seen[1].as_str()), (MAX_LINE_BYTES, "next"));
    }
}
