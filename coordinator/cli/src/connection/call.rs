//! What a missing answer means.

/// What a call asks of the coordinator: it decides what a missing answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// Nothing is filed by it.
    Looks,
    /// It files a request.
    Files,
}

impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Looks => "nothing was filed, for it only asked: try again",
            Self::Files => "whether a request was filed is not known; see `sendgate journal show`",
        })
    }
}
