//! One user explained, with everything that decides about him.

use super::{minutes, name, waiver};
use sendgate_core::coverage::explain::{
    AccountExplained, Did, EntryShown, Explanation, Found, Holding, ListShown, ObjectShown, Remedy, Shown, TokenShown,
    Trail, Where, object::OwnerShown,
};
use sendgate_core::coverage::reading::{Home, UserClass};
use sendgate_core::coverage::verdict::{DecidingEntry, ServerVerdict};
use sendgate_core::coverage::{Cause, Verdict, VerdictKind};
use sendgate_core::names::AccountName;
use sendgate_core::view::*;
use std::sync::Arc;

/// One user whom a1 denies and a2 does not know to be denied yet.
pub(in crate::tables) fn explain() -> ExplainView {
    let account: AccountName = name("goodadmin@a.example.test");
    let entry = DecidingEntry {
        index: 4,
        sddl: "(OD;;CR;;;S-1-5-9)".to_owned(),
        inherited: false,
        trustee: name("S-1-5-9"),
        from: None,
    };
    let seen = |kind, cause, deciding| ServerVerdict { kind, cause, lacks: None, deciding, warning: None };
    let denied = seen(VerdictKind::Denied, Cause::DeniedByEntry, Some(entry));
    let missing = seen(VerdictKind::Missing, Cause::NoEntry, None);
    let servers =
        [(name("a1.a.example.test"), Arc::new(denied.clone())), (name("a2.a.example.test"), Arc::new(missing.clone()))];
    let verdict = Arc::new(Verdict { kind: VerdictKind::Denied, cause: Cause::DeniedByEntry, servers: servers.into() });
    let remedies = vec![
        Remedy::RemoveDeny { entry: "(OD;;CR;;;S-1-5-9)".to_owned(), at: Some("CN=boss,DC=a".into()) },
        Remedy::Waive { user: name("boss@a.example.test") },
    ];
    let trail = |verdict: &ServerVerdict, entries| Trail {
        token: Some(Ok(token())),
        list: ListShown::Entries { entries },
        blocked_at: None,
        protection: None,
        verdict: verdict.clone(),
    };
    let of = |server: &str, shows| Shown { servers: [name(server)].into(), shows };
    let explained = Explanation {
        domain: name("a.example.test"),
        name: name("boss@a.example.test"),
        found: Found::Here { home: Home::Server(name("exa1")) },
        objects: vec![Shown { servers: ["a1.a.example.test", "a2.a.example.test"].map(name).into(), shows: object() }],
        accounts: vec![AccountExplained {
            account: account.clone(),
            trails: vec![
                of("a1.a.example.test", trail(&denied, entries())),
                of("a2.a.example.test", trail(&missing, vec![])),
            ],
            verdict: Arc::clone(&verdict),
            remedies: remedies.clone(),
        }],
        remedies: Vec::new(),
    };
    let user = ExplainedUser {
        user: name("boss"),
        directory_name: name("boss@a.example.test"),
        goodlink: name("gla"),
        account,
        reported_account: None,
        resolution: "CN=boss,DC=a".to_owned(),
        domain: Some(name("a.example.test")),
        home: Some("exa1".to_owned()),
        kind: VerdictKind::Denied,
        cause: "an entry denies it".to_owned(),
        verdict: Some(verdict),
        sentence: "boss is denied".to_owned(),
        domains: [(name("a.example.test"), Ok(explained))].into(),
        propagation: Some(Propagation { at: name("2026-11-24T23:00:00Z"), within: minutes(43), interval: minutes(60) }),
        remedies,
        pair: PairLine::Lacking,
        waiver: Some(waiver()),
        paused: "not paused by the Send As error".to_owned(),
        diagnosis: None,
    };
    ExplainView { asked: "boss".to_owned(), users: vec![user] }
}

fn object() -> ObjectShown {
    ObjectShown::Found {
        dn: "CN=boss,DC=a".into(),
        guid: name("ab721a54-1e2f-11d0-9819-00aa0040529b"),
        sid: name("S-1-5-21-1-2-3-2001"),
        class: UserClass::User,
        home: Home::Server(name("exa1")),
        owner: OwnerShown::Itself,
        admin_count: false,
        inheritance_blocked: Some(false),
    }
}

fn token() -> TokenShown {
    let holding =
        |sid: &str, name_of: Option<&str>, held| Holding { sid: name(sid), name: name_of.map(ToOwned::to_owned), held };
    TokenShown {
        dn: "CN=GoodAdmin,DC=a".into(),
        sid: name("S-1-5-21-1-2-3-1105"),
        store: Some(name("exa1")),
        store_domain: Some(name("a.example.test")),
        named: vec![
            holding("S-1-5-9", None, Where::Everywhere),
            holding("S-1-5-21-1-2-3-1105", Some("the service account"), Where::Everywhere),
            holding("S-1-5-18", Some("SYSTEM"), Where::Not),
        ],
        others: 3,
        others_perhaps: 1,
    }
}

fn entries() -> Vec<EntryShown> {
    let entry = |index, text: &str, did, effect: &str, concerns| EntryShown {
        index,
        entry: text.to_owned(),
        trustee: None,
        name: None,
        inherited: false,
        from: None,
        did,
        effect: effect.to_owned(),
        concerns,
    };
    let other = |index| entry(index, "(A;;RP;;;S-1-5-11)", Did::Skipped, "does not apply: rights", false);
    vec![
        other(0),
        other(1),
        other(2),
        EntryShown {
            name: Some("SYSTEM".to_owned()),
            ..entry(3, "(A;;CR;;;S-1-5-18)", Did::Skipped, "does not apply: its SID is not in the token", true)
        },
        entry(4, "(OD;;CR;;;S-1-5-9)", Did::Denied, "denies, through S-1-5-9", true),
        EntryShown {
            inherited: true,
            from: Some("OU=Hosted,DC=a".into()),
            ..entry(5, "(A;CIID;CR;;;S-1-5-9)", Did::NotReached, "not reached: entry 4 decided", true)
        },
    ]
}
