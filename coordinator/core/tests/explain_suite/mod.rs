mod chain;
mod remedies;

use crate::directory::*;
use sendgate_core::coverage::explain::{AccountExplained, Explanation, Trail, explain};
use sendgate_core::coverage::{Cause, Setting};

pub(crate) const SEND_AS: &str = "ab721a54-1e2f-11d0-9819-00aa0040529b";
pub(crate) const CLASS_USER: &str = "bf967aba-0de6-11d0-a285-00aa003049e2";

pub(crate) fn explained_in(directory: &Directory, setting: &Setting) -> Explanation {
    let explanation = explain(&directory.0, setting, &anna());
    // It survives the wire, and says what the judge says.
    let text = serde_json::to_string(&explanation).unwrap();
    assert_eq!(serde_json::from_str::<Explanation>(&text).unwrap(), explanation, "{text}");
    if let Some(account) = explanation.accounts.first() {
        assert_eq!(*account.verdict, directory.verdict_in(setting));
        for part in &account.trails {
            for server in &part.servers {
                assert_eq!(part.shows.verdict, *account.verdict.servers[server]);
            }
        }
    }
    explanation
}

/// The chain of the only account.
pub(crate) fn account(directory: &Directory, setting: &Setting) -> AccountExplained {
    let mut explanation = explained_in(directory, setting);
    assert_eq!(explanation.accounts.len(), 1, "{explanation:?}");
    explanation.accounts.remove(0)
}

/// What every server shows alike.
pub(crate) fn trail(directory: &Directory) -> Trail {
    let mut account = account(directory, &setting());
    assert_eq!(account.trails.len(), 1, "{:?}", account.trails);
    account.trails.remove(0).shows
}

/// The cause, and what is said to help, smallest change first.
pub(crate) fn remedies_in(directory: &Directory, setting: &Setting) -> (Cause, Vec<String>) {
    let account = account(directory, setting);
    (account.verdict.cause.clone(), account.remedies.iter().map(ToString::to_string).collect())
}

pub(crate) fn remedies(directory: &Directory) -> (Cause, Vec<String>) {
    remedies_in(directory, &setting())
}

pub(crate) fn allow(trustee: &str) -> String {
    format!("(OA;;CR;{SEND_AS};;{trustee})")
}

pub(crate) fn deny(flags: &str, trustee: &str) -> String {
    format!("(OD;{flags};CR;{SEND_AS};;{trustee})")
}
