//! `grants`: what is proposed, as texts to be copied, what waits for an approval, what was approved, made and undone.

use super::{list, plan};
use sendgate_core::policy::GrantMode;
use sendgate_core::view::{AdviceView, ApprovalLine, GrantLine, GrantsView, UndoLine, WaitingLine};

/// A block for each proposed grant; commands are never wrapped, they are there to be copied.
pub(crate) fn table(view: &GrantsView) -> String {
    let mut text = String::new();
    if view.proposed.is_empty() {
        text.push_str(if view.not_known.is_empty() {
            "proposed: nothing\n"
        } else {
            "proposed: nothing that is known\n"
        });
    }
    for (number, grant) in view.proposed.iter().enumerate() {
        text.push_str(&proposed(number + 1, grant));
        text.push('\n');
    }
    let unknown = view.not_known.iter().flat_map(|(domain, why)| why.iter().map(move |why| format!("{domain}: {why}")));
    text.push_str(&list("NOT KNOWN, SO MORE MAY BE MISSING", unknown));
    if !view.waiting.is_empty() {
        text.push_str("WAITING FOR AN APPROVAL\n");
        text.extend(view.waiting.iter().map(waiting));
        if view.waiting_more > 0 {
            text.push_str(&format!("  - and {} more\n", view.waiting_more));
        }
    }
    text.push_str(&list("APPROVED", view.approved.iter().map(approved)));
    text.push_str(&list("UNDONE", view.undone.iter().map(undone)));
    let journaled = list("IN THE JOURNAL", view.journaled.iter().map(plan::intent));
    text.push_str(if journaled.is_empty() { "in the journal: none\n" } else { &journaled });
    text
}

/// Not wrapped either: its command is there to be copied.
fn waiting(line: &WaitingLine) -> String {
    let WaitingLine { subject, users, example, now, choice, command } = line;
    let who = match users {
        1 => example.to_string(),
        more => format!("{more} users, {example} among them"),
    };
    format!("  - {subject}: {who} ({now})\n    {choice}\n    {command}\n")
}

fn approved(line: &ApprovalLine) -> String {
    let by = line.by.iter().map(|yes| format!("{}, {:.0}: {}", yes.by, yes.at, yes.reason));
    format!("{} (by {})", line.subject, by.collect::<Vec<_>>().join("; "))
}

fn undone(line: &UndoLine) -> String {
    let state = if line.done { "gone" } else { "still to be taken away" };
    format!("{} (grant {}), by {}: {}; {state}", line.effect, line.grant, line.by, line.reason)
}

/// What a directory team would run: a block for each grant.
pub(crate) fn advice(view: &AdviceView) -> String {
    // Comments, as the blocks' heads are: what is printed is there to be copied.
    let unknown: String =
        view.not_known.iter().map(|why| format!("# not known, so more may be missing: {why}\n")).collect();
    if view.grants.is_empty() {
        return format!("{unknown}nothing is proposed for {}\n", view.domain);
    }
    let blocks = view.grants.iter().enumerate().map(|(number, line)| {
        let mut text = format!("# {}: {}\n{}", number + 1, line.grant, line.advice);
        if let Some(why) = &line.no_ldif {
            text.push_str(&format!("no LDIF: {why}\n"));
        }
        text
    });
    unknown + &blocks.collect::<Vec<_>>().join("\n")
}

fn proposed(number: usize, line: &GrantLine) -> String {
    let who = match line.mode {
        GrantMode::Advise => "left to the directory team",
        GrantMode::Apply => "written by the coordinator",
    };
    let advice: String = line.advice.to_string().trim_end().lines().map(|line| format!("  {line}\n")).collect();
    format!("PROPOSED {number}, {who}: {}\n{advice}", line.grant)
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use sendgate_core::coverage::advice::Advice;
    use sendgate_core::ledger::Sequence;
    use sendgate_core::view::{AdviceLine, YesLine};
    use std::collections::BTreeMap;

    #[test]
    fn advice_is_a_block_for_each_grant_and_is_not_wrapped() {
        let text = table(&samples::grants());
        let long = "x".repeat(200);
        assert_eq!(
            text,
            format!(
                "PROPOSED 1, left to the directory team: grant Send As to goodadmin on DC=a\n\
                 \x20 with dsacls:\n\
                 \x20 dsacls \"{long} {long}\"\n\
                 \x20 in the Exchange Management Shell:\n\
                 \x20 Add-ADPermission\n\
                 \n\
                 IN THE JOURNAL\n\
                 \x20 - succeeded: grant Send As to goodadmin on OU=b (intent 9)\n"
            )
        );
    }

    #[test]
    fn who_writes_a_proposed_grant_is_said() {
        let mut view = samples::grants();
        view.proposed[0].mode = GrantMode::Apply;
        let text = table(&view);
        let expected = "PROPOSED 1, written by the coordinator: grant Send As to goodadmin on DC=a\n";
        assert!(text.starts_with(expected), "{text}");
    }

    #[test]
    fn what_waits_for_a_person_and_what_persons_said_is_listed() {
        let waiting = |users| WaitingLine {
            subject: "an entry on AdminSDHolder".to_owned(),
            users,
            example: "boss@a".parse().unwrap(),
            now: "missing: protected".to_owned(),
            choice: "waive him, or approve it:".to_owned(),
            command: "sendgate approve adminsdholder a goodadmin@a --reason WHY".to_owned(),
        };
        let yes = YesLine {
            by: "olga".parse().unwrap(),
            reason: "the board wants it".to_owned(),
            at: "2026-11-25T03:00:00.5Z".parse().unwrap(),
        };
        let undone = |done| UndoLine {
            grant: Sequence(9),
            effect: "grant Send As to goodadmin on OU=b".to_owned(),
            by: "olga".parse().unwrap(),
            reason: "the tenant left".to_owned(),
            done,
        };
        let view = GrantsView {
            proposed: Vec::new(),
            not_known: BTreeMap::new(),
            waiting: vec![waiting(1), waiting(3)],
            waiting_more: 0,
            approved: vec![ApprovalLine { subject: "an entry on AdminSDHolder".to_owned(), by: vec![yes] }],
            undone: vec![undone(true), undone(false)],
            journaled: Vec::new(),
        };
        assert_eq!(
            table(&view),
            "proposed: nothing\n\
             WAITING FOR AN APPROVAL\n\
             \x20 - an entry on AdminSDHolder: boss@a (missing: protected)\n\
             \x20   waive him, or approve it:\n\
             \x20   sendgate approve adminsdholder a goodadmin@a --reason WHY\n\
             \x20 - an entry on AdminSDHolder: 3 users, boss@a among them (missing: protected)\n\
             \x20   waive him, or approve it:\n\
             \x20   sendgate approve adminsdholder a goodadmin@a --reason WHY\n\
             APPROVED\n\
             \x20 - an entry on AdminSDHolder (by olga, 2026-11-25T03:00:00Z: the board wants it)\n\
             UNDONE\n\
             \x20 - grant Send As to goodadmin on OU=b (grant 9), by olga: the tenant left; gone\n\
             \x20 - grant Send As to goodadmin on OU=b (grant 9), by olga: the tenant left; still to be taken away\n\
             in the journal: none\n"
        );
    }

    #[test]
    fn what_is_not_known_and_what_is_not_listed_is_said() {
        let mut view = samples::grants();
        view.proposed.clear();
        view.not_known = [("a".parse().unwrap(), vec!["domain a has not been surveyed".to_owned()])].into();
        let text = table(&view);
        let start = "proposed: nothing that is known\nNOT KNOWN, SO MORE MAY BE MISSING\n  - a: domain a has not been surveyed\n";
        assert!(text.starts_with(start), "{text}");
        view.waiting = vec![WaitingLine {
            subject: "an entry".to_owned(),
            users: 1,
            example: "boss@a".parse().unwrap(),
            now: "denied".to_owned(),
            choice: "waive him:".to_owned(),
            command: "sendgate approve override".to_owned(),
        }];
        assert!(!table(&view).contains("more\n"));
        view.waiting_more = 3;
        assert!(table(&view).contains("    sendgate approve override\n  - and 3 more\n"), "{}", table(&view));
    }

    #[test]
    fn what_a_directory_team_would_run_says_where_there_is_no_ldif() {
        let advice = |ldif: Option<&str>| Advice {
            dsacls: Some("dsacls".to_owned()),
            powershell: "Add-ADPermission".to_owned(),
            ldif: ldif.map(ToOwned::to_owned),
        };
        let line = |ldif, no_ldif: Option<&str>| AdviceLine {
            grant: "grant Send As to goodadmin on DC=a".to_owned(),
            advice: advice(ldif),
            no_ldif: no_ldif.map(ToOwned::to_owned),
        };
        let mut view = AdviceView { domain: "a".parse().unwrap(), not_known: Vec::new(), grants: Vec::new() };
        assert_eq!(super::advice(&view), "nothing is proposed for a\n");
        view.not_known = vec!["glb has not reported".to_owned()];
        let unknown = "# not known, so more may be missing: glb has not reported\n";
        assert_eq!(super::advice(&view), format!("{unknown}nothing is proposed for a\n"));
        view.grants = vec![line(Some("dn: DC=a\n"), None), line(None, Some("not shown"))];
        let start = "grant Send As to goodadmin on DC=a\nwith dsacls:\ndsacls\nin the Exchange Management \
                     Shell:\nAdd-ADPermission\n";
        assert_eq!(
            super::advice(&view),
            format!("{unknown}# 1: {start}with ldapmodify:\ndn: DC=a\n\n# 2: {start}no LDIF: not shown\n")
        );
    }
}
