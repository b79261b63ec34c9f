//! Parts: verdicts, the journal's lines and what cannot follow in it, and what holds something up.

mod journal;
mod reasons;
mod refused;
mod verdicts;

/// Each value, and what is read of it.
#[track_caller]
fn reads<T: ToString>(cases: impl IntoIterator<Item = (T, &'static str)>) {
    for (value, text) in cases {
        assert_eq!(value.to_string(), text);
    }
}
