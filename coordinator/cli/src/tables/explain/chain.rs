//! What directory servers show, told once for all servers that show the same.

use super::Steps;
use sendgate_core::coverage::Holder;
use sendgate_core::coverage::explain::{
    Did, EntryShown, Holding, ListShown, ObjectShown, ProtectionShown, Shown, TokenShown, Trail, Where,
};
use sendgate_core::names::{AccountName, DirectoryServerName, Dn};
use std::collections::BTreeSet;

fn names(servers: &BTreeSet<DirectoryServerName>) -> String {
    servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The object as these servers show it.
pub(super) fn object(steps: &mut Steps, shown: &Shown<ObjectShown>) {
    let mut text = format!("{}: {}", names(&shown.servers), shown.shows);
    if let ObjectShown::Found { guid, sid, class, home, owner, admin_count, inheritance_blocked, .. } = &shown.shows {
        let inherits = match inheritance_blocked {
            Some(false) => "inherits permissions from above",
            Some(true) => "does not inherit permissions from above",
            None => "descriptor not read",
        };
        let count = if *admin_count { "adminCount 1" } else { "adminCount not set" };
        text.push_str(&format!("\nclass {class}, {sid}, objectGUID {guid}\n{home}; {owner}; {count}; {inherits}"));
    }
    steps.item("-", &text);
}

/// Token, entries and protection of one account as these servers show them; the token of the trail `before` is not told
/// again.
pub(super) fn trail(
    steps: &mut Steps,
    account: &AccountName,
    before: Option<&Shown<Trail>>,
    shown: &Shown<Trail>,
    all: bool,
) {
    let servers = names(&shown.servers);
    let trail = &shown.shows;
    match &trail.token {
        Some(Ok(_)) if before.is_some_and(|before| before.shows.token == trail.token) => {
            steps.step(&format!("Token of {account} on {servers}: the same"));
        }
        // Nobody to be judged there: the object's step has said why.
        None => return,
        Some(Err(why)) => steps.step(&format!("Token of {account} on {servers}: not known: {why}")),
        Some(Ok(known)) => token(steps, account, &servers, known),
    }
    list(steps, &servers, &trail.list, all);
    if let Some(at) = &trail.blocked_at {
        steps.more(&format!("inheritance is blocked at {at}: nothing from further up reaches the user"));
    }
    if let Some(known) = &trail.protection {
        protection(steps, &servers, known);
    }
}

fn token(steps: &mut Steps, account: &AccountName, servers: &str, token: &TokenShown) {
    let TokenShown { dn, sid, store, store_domain, named, others, others_perhaps } = token;
    let store = match (store, store_domain) {
        (Some(store), Some(domain)) => format!("as the store on {store}, a member of {domain}, sees it"),
        (Some(store), None) => format!("as the store on {store} sees it, whose domain is not declared"),
        (None, _) => "on a store that is not known".to_owned(),
    };
    steps.step(&format!("Token of {account} ({dn}, {sid}) on {servers}, {store}"));
    let held = named.iter().filter(|holding| holding.held != Where::Not);
    held.for_each(|holding| steps.item("-", &self::holding(holding)));
    let not = named.iter().filter(|holding| holding.held == Where::Not).count();
    steps.more(&format!(
        "{others} more SIDs for certain and {others_perhaps} perhaps, which no entry names; {not} that entries name are not in it"
    ));
}

fn holding(holding: &Holding) -> String {
    let held = match holding.held {
        Where::Everywhere => "held everywhere",
        Where::Local => "held on machines of this domain, and the store is on one",
        Where::Elsewhere => "held on machines of the store's domain",
        Where::LocalOnly => {
            "held on machines of this domain only, and the store is not known to be on one: may deny, never allow"
        }
        Where::Uncertain => "held perhaps: may deny, never allow",
        Where::Not => "not held",
    };
    match &holding.name {
        Some(name) => format!("{} ({name}): {held}", holding.sid),
        None => format!("{}: {held}", holding.sid),
    }
}

fn list(steps: &mut Steps, servers: &str, list: &ListShown, all: bool) {
    match list {
        ListShown::NotRead => {}
        ListShown::NotShown => {
            steps.step(&format!("Entries on {servers}: the list was not shown to the reading account"))
        }
        ListShown::Malformed { why } => {
            steps.step(&format!("Entries on {servers}: what was shown is no descriptor: {why}"))
        }
        ListShown::Null => {
            steps.step(&format!("Entries on {servers}: the list is null, which allows everything to everybody"))
        }
        ListShown::NoToken { entries } => {
            steps.step(&format!("Entries on {servers}: {entries}, which decide nothing while the token is not known"));
        }
        ListShown::Entries { entries } => {
            steps.step(&format!(
                "Entries on {servers}, {} in stored order; the first that applies decides",
                entries.len()
            ));
            walk(steps, entries, all);
            if !entries.iter().any(|entry| matches!(entry.did, Did::Allowed | Did::Denied)) {
                steps.more("no entry applies, so the right is not there");
            }
        }
    }
}

/// Entries that cannot speak of Send As share a line, unless every entry is wanted.
fn walk(steps: &mut Steps, entries: &[EntryShown], all: bool) {
    let together = |one: &EntryShown, other: &EntryShown| {
        !all && !one.concerns && !other.concerns && (one.did == Did::NotReached) == (other.did == Did::NotReached)
    };
    for group in entries.chunk_by(together) {
        match group {
            [first, .., last] => {
                steps.item(&first.index.to_string(), &format!("to {}: for other rights{}", last.index, unseen(first)));
            }
            [one] if !one.concerns && !all => {
                steps.item(&one.index.to_string(), &format!("for other rights{}", unseen(one)));
            }
            [one] => entry(steps, one),
            [] => {}
        }
    }
}

/// Said of entries that are not shown.
fn unseen(entry: &EntryShown) -> &'static str {
    if entry.did == Did::NotReached { ", and not reached (--all shows them)" } else { " (--all shows them)" }
}

fn entry(steps: &mut Steps, entry: &EntryShown) {
    let origin = match (entry.inherited, &entry.from) {
        (false, _) => "his own".to_owned(),
        (true, Some(from)) => format!("inherited from {from}"),
        (true, None) => "inherited, from where no container above shows any more".to_owned(),
    };
    let who = entry.name.as_ref().map(|name| format!(", for {name}")).unwrap_or_default();
    let decides = if matches!(entry.did, Did::Allowed | Did::Denied) { "DECIDES: " } else { "" };
    steps.item(&entry.index.to_string(), &format!("{}\n{decides}{} ({origin}{who})", entry.entry, entry.effect));
}

fn protection(steps: &mut Steps, servers: &str, known: &ProtectionShown) {
    let path = known.path.0.iter().map(Dn::as_str).collect::<Vec<_>>().join(", which is in ");
    steps.step(&format!("Protection on {servers}: by {path}"));
    let holder = match (known.holder, &known.holder_entry) {
        (Holder::Grants, Some(entry)) => format!("AdminSDHolder carries the right: {entry}"),
        (Holder::Grants, None) => "AdminSDHolder carries the right".to_owned(),
        (Holder::Lacks, Some(entry)) => format!("AdminSDHolder does not carry the right, it denies it: {entry}"),
        (Holder::Lacks, None) => "AdminSDHolder does not carry the right: no entry of it applies".to_owned(),
        (Holder::NotShown, _) => "AdminSDHolder was not shown: taken as not carrying the right".to_owned(),
    };
    steps.more(&holder);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::{explain::table, samples};
    use sendgate_core::coverage::explain::{Explanation, Found};
    use sendgate_core::coverage::reading::GroupPath;

    fn changed(change: impl FnOnce(&mut Explanation)) -> String {
        let mut view = samples::explain();
        let explained = view.users[0].domains.values_mut().next().unwrap();
        change(explained.as_mut().unwrap());
        table(&view, false)
    }

    fn of_trail(change: impl FnOnce(&mut Trail)) -> String {
        changed(|explained| change(&mut explained.accounts[0].trails[0].shows))
    }

    #[track_caller]
    fn holds(text: &str, expected: &str) {
        assert!(text.contains(expected), "{expected}\nis not in\n{text}");
    }

    #[test]
    fn the_object_stands_once_for_servers_that_show_the_same() {
        let text = changed(|_| ());
        holds(
            &text,
            "         -  a1.a.example.test, a2.a.example.test: CN=boss,DC=a\n            class user, S-1-5-21-1-2-3-2001, objectGUID \
             ab721a54-1e2f-11d0-9819-00aa0040529b\n            exa1; his own mailbox; adminCount not set; inherits permissions \
             from above\n",
        );
        let text = changed(|explained| {
            let ObjectShown::Found { admin_count, inheritance_blocked, .. } = &mut explained.objects[0].shows else {
                return;
            };
            (*admin_count, *inheritance_blocked) = (true, Some(true));
        });
        holds(&text, "; adminCount 1; does not inherit permissions from above\n");
        for (shows, expected) in [
            (ObjectShown::NotFound, "a2.a.example.test: nobody of that name\n"),
            (ObjectShown::ServerFailed { why: "refused".into() }, "a2.a.example.test: no evidence: refused\n"),
        ] {
            holds(&changed(|explained| explained.objects[0].shows = shows), expected);
        }
    }

    #[test]
    fn where_he_is_found_or_not_is_the_first_thing_said_of_a_domain() {
        for (found, expected) in [
            (Found::Absent, "Object: nobody of that name in a.example.test, on any directory server\n"),
            (
                Found::Ambiguous { dns: ["CN=a,DC=a".into(), "CN=b,DC=a".into()].into() },
                "Object: 2 objects of that name in a.example.test\n",
            ),
            (
                Found::Unknown { why: "a2: refused".into() },
                "Object: whether he is in a.example.test is not known: a2: refused\n",
            ),
        ] {
            holds(&changed(|explained| explained.found = found), expected);
        }
    }

    #[test]
    fn the_token_shows_what_entries_name_and_counts_the_rest() {
        let text = changed(|_| ());
        holds(
            &text,
            "Token of goodadmin@a.example.test (CN=GoodAdmin,DC=a, S-1-5-21-1-2-3-1105) on a1.a.example.test, as the\n     store on \
             exa1, a member of a.example.test, sees it\n         -  S-1-5-9: held everywhere\n         -  \
             S-1-5-21-1-2-3-1105 (the service account): held everywhere\n     3 more SIDs for certain and 1 perhaps, which no \
             entry names; 1 that entries name are not in it\n",
        );
        let held = |held| {
            of_trail(|trail| {
                if let Some(Ok(token)) = &mut trail.token {
                    token.named[0].held = held
                }
            })
        };
        for (where_held, expected) in [
            (Where::Local, "S-1-5-9: held on machines of this domain, and the store is on one\n"),
            (Where::Elsewhere, "S-1-5-9: held on machines of the store's domain\n"),
            (
                Where::LocalOnly,
                "S-1-5-9: held on machines of this domain only, and the store is not known to be on one: may deny,",
            ),
            (Where::Uncertain, "S-1-5-9: held perhaps: may deny, never allow\n"),
        ] {
            holds(&held(where_held), expected);
        }
        assert_eq!(held(Where::Not).matches("-  S-1-5-9").count(), 1, "a2 still holds it");
        let store = |store, domain| {
            of_trail(|trail| {
                if let Some(Ok(token)) = &mut trail.token {
                    (token.store, token.store_domain) = (store, domain)
                }
            })
        };
        holds(&store(None, None), " on a1.a.example.test, on a\n     store that is not known\n");
        holds(&store(Some("exa1".parse().unwrap()), None), "whose domain is not declared");
        let unknown = of_trail(|trail| trail.token = Some(Err("found twice".to_owned())));
        holds(&unknown, "Token of goodadmin@a.example.test on a1.a.example.test: not known: found twice\n");
    }

    #[test]
    fn a_token_that_is_the_same_is_not_told_again() {
        let text = changed(|_| ());
        holds(&text, "  5. Token of goodadmin@a.example.test on a2.a.example.test: the same\n");
        assert_eq!(text.matches("(the service account): held everywhere").count(), 1);
        let differs = of_trail(|trail| {
            if let Some(Ok(token)) = &mut trail.token {
                token.others = 4
            }
        });
        assert_eq!(differs.matches("(the service account): held everywhere").count(), 2);
    }

    #[test]
    fn each_entry_stands_in_order_and_those_for_other_rights_share_a_line() {
        let list = "         0  to 2: for other rights (--all shows them)\n         3  (A;;CR;;;S-1-5-18)\n            \
             does not apply: its SID is not in the token (his own, for SYSTEM)\n         4  (OD;;CR;;;S-1-5-9)\n            \
             DECIDES: denies, through S-1-5-9 (his own)\n         5  (A;CIID;CR;;;S-1-5-9)\n            not reached: entry 4 \
             decided (inherited from OU=Hosted,DC=a)\n";
        let text = changed(|_| ());
        holds(&text, "Entries on a1.a.example.test, 6 in stored order; the first that applies decides\n");
        holds(&text, list);
        let all = table(&samples::explain(), true);
        holds(
            &all,
            "         0  (A;;RP;;;S-1-5-11)\n            does not apply: rights (his own)\n         1  (A;;RP;;;S-1-5-11)\n",
        );
        let lost = of_trail(|trail| {
            if let ListShown::Entries { entries } = &mut trail.list {
                entries[5].from = None;
            }
        });
        holds(&lost, "(inherited, from where no container above shows any more)\n");
        let other = of_trail(|trail| {
            if let ListShown::Entries { entries } = &mut trail.list {
                entries[5].concerns = false;
            }
        });
        holds(&other, "\n         5  for other rights, and not reached (--all shows them)\n");
        // An empty list decides nothing.
        holds(
            &text,
            "Entries on a2.a.example.test, 0 in stored order; the first that applies decides\n     no entry applies, so the right \
             is not there\n",
        );
    }

    #[test]
    fn a_list_that_was_not_walked_says_why() {
        for (list, expected) in [
            (ListShown::NotShown, "Entries on a1.a.example.test: the list was not shown to the reading account\n"),
            (
                ListShown::Malformed { why: "too short".into() },
                "Entries on a1.a.example.test: what was shown is no descriptor: too short\n",
            ),
            (ListShown::Null, "Entries on a1.a.example.test: the list is null, which allows everything to everybody\n"),
            (
                ListShown::NoToken { entries: 7 },
                "Entries on a1.a.example.test: 7, which decide nothing while the token is not known\n",
            ),
        ] {
            holds(&of_trail(|trail| trail.list = list), expected);
        }
        let unread = of_trail(|trail| (trail.token, trail.list) = (None, ListShown::NotRead));
        assert!(!unread.contains("on a1.a.example.test, "), "{unread}");
    }

    #[test]
    fn protection_and_blocked_inheritance_are_said_with_their_place() {
        let text = of_trail(|trail| trail.blocked_at = Some("OU=Closed,DC=a".into()));
        holds(&text, "     inheritance is blocked at OU=Closed,DC=a: nothing from further up reaches the user\n");
        let protected = |holder, holder_entry: Option<&str>| {
            of_trail(|trail| {
                let path = GroupPath(vec!["CN=Crew,DC=a".into(), "CN=Domain Admins,DC=a".into()]);
                trail.protection =
                    Some(ProtectionShown { path, holder, holder_entry: holder_entry.map(ToOwned::to_owned) });
            })
        };
        holds(
            &protected(Holder::Lacks, None),
            "Protection on a1.a.example.test: by CN=Crew,DC=a, which is in CN=Domain Admins,DC=a\n     AdminSDHolder does not carry \
             the right: no entry of it applies\n",
        );
        for (holder, entry, expected) in [
            (Holder::Grants, Some("(OA)"), "     AdminSDHolder carries the right: (OA)\n"),
            (Holder::Grants, None, "     AdminSDHolder carries the right\n"),
            (Holder::Lacks, Some("(OD)"), "     AdminSDHolder does not carry the right, it denies it: (OD)\n"),
            (Holder::NotShown, None, "     AdminSDHolder was not shown: taken as not carrying the right\n"),
        ] {
            holds(&protected(holder, entry), expected);
        }
    }
}
