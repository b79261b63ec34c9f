//! What is never done without a person's yes, and what is never done.

use super::example::{Example, guid, name};
use super::{ACCOUNT, file, grant, proposing, protected, refused, texts};
use sendgate_core::coverage::verdict::{DecidingEntry, Presence};
use sendgate_core::coverage::{Cause, ServerVerdict, Verdict, VerdictKind};
use sendgate_core::ledger::Effect;
use sendgate_core::plan::survey;
use sendgate_core::request::{self, WantedSubject};
use sendgate_core::secdesc::edit::GrantForm;
use sendgate_core::view;
use std::sync::Arc;

const HOLDER: &str = "CN=AdminSDHolder,CN=System,DC=a,DC=example,DC=test";

const ANNA: &str = "CN=anna@a.example.test,OU=Hosted,DC=a,DC=example,DC=test";

fn holder() -> WantedSubject {
    WantedSubject::AdminSdHolder { domain: "A.example.test".into(), account: "ADOM\\GoodAdmin".into() }
}

fn over(user: &str) -> WantedSubject {
    WantedSubject::Override { user: user.into(), account: ACCOUNT.into() }
}

#[test]
fn admin_sd_holder_is_written_only_while_it_is_approved() {
    let mut example = proposing(&[grant(HOLDER, GrantForm::Object)]);
    let setting = |example: &Example| survey::setting(example.world(), &name("a.example.test")).unwrap();
    assert!(setting(&example).holder_approved.is_empty());
    let no = "nobody has approved an entry for goodadmin@a.example.test on AdminSDHolder of a.example.test";
    assert_eq!(texts(&mut example), [no]);
    let wanted = request::approve(example.world(), &name("olga"), &holder(), "the board wants it");
    file(&mut example, wanted);
    assert_eq!(setting(&example).holder_approved, [name(ACCOUNT)].into());
    assert_eq!(
        refused(request::approve(example.world(), &name("olga"), &holder(), "me too")),
        "an entry for goodadmin@a.example.test on AdminSDHolder of a.example.test is approved already, by olga: the board wants it"
    );
    // Taken back before the next look: what the picture still proposes is not written.
    let wanted = request::revoke(example.world(), &holder(), "the board changed its mind");
    file(&mut example, wanted);
    assert!(setting(&example).holder_approved.is_empty());
    assert_eq!(texts(&mut example), [no]);
    assert_eq!(
        refused(request::revoke(example.world(), &holder(), "again")),
        "nobody has approved an entry for goodadmin@a.example.test on AdminSDHolder of a.example.test"
    );
    let wanted = request::approve(example.world(), &name("olga"), &holder(), "after all");
    file(&mut example, wanted);
    assert!(matches!(example.settle().0.as_slice(), [(_, Effect::Grant(_))]));
}

#[test]
fn an_inherited_deny_is_overridden_only_with_an_approval_for_that_user() {
    let mut example = proposing(&[grant(ANNA, GrantForm::Object)]);
    let deny = |inherited| DecidingEntry {
        index: 0,
        sddl: "(OD;…;GA)".into(),
        inherited,
        trustee: name("S-1-5-21-1-2-3-1105"),
        from: None,
    };
    example.deciding.insert(name("anna@a.example.test"), deny(true));
    example.set("anna", VerdictKind::Denied, Cause::DeniedByEntry);
    example.survey();
    let no = "nobody has approved overriding the inherited deny for anna@a.example.test and goodadmin@a.example.test \
              with an entry on the user";
    assert_eq!(texts(&mut example), [no]);
    let waiting = view::grants(example.world()).waiting;
    assert_eq!(waiting.len(), 1);
    assert_eq!(
        (waiting[0].choice.as_str(), waiting[0].command.as_str()),
        (
            "ask whoever denied it to take the deny away, or waive the user, or override that decision for him:",
            "sendgate approve override anna@a.example.test goodadmin@a.example.test --reason WHY"
        )
    );
    let wanted = request::approve(example.world(), &name("olga"), &over("anna"), "the deny was a mistake of 2003");
    file(&mut example, wanted);
    let pair = (guid(&name("anna@a.example.test")), name(ACCOUNT));
    let setting = |example: &Example| survey::setting(example.world(), &name("a.example.test")).unwrap();
    assert_eq!(setting(&example).override_approved, [pair].into());
    let grants = view::grants(example.world());
    assert!(grants.waiting.is_empty());
    assert_eq!(grants.approved[0].by[0].reason, "the deny was a mistake of 2003");
    assert!(matches!(example.settle().0.as_slice(), [(_, Effect::Grant(_))]));
    // He has left since: what was approved under his name can still be taken back.
    example.estate.rosters.clear();
    let wanted = request::revoke(example.world(), &over("anna@a.example.test"), "he left");
    file(&mut example, wanted);
    assert!(setting(&example).override_approved.is_empty());
}

/// An entry denies Anna for one service account, and the other one lacks its own entry only: nothing of that is overridden,
/// and an approval of it would be refused.
#[test]
fn a_deny_for_another_account_keeps_no_grant_back() {
    let mut example = proposing(&[grant(ANNA, GrantForm::Object)]);
    let shows = |example: &mut Example, of_ours: Verdict| {
        let picture = example.estate.domains.get_mut(&name("a.example.test")).unwrap();
        let Some(Presence::Here(anna)) = picture.users.get_mut(&name("anna@a.example.test")) else { panic!("no Anna") };
        let denied = Verdict { kind: VerdictKind::Denied, cause: Cause::DeniedByEntry, servers: [].into() };
        let ours = (name(ACCOUNT), Arc::new(of_ours));
        anna.verdicts = Arc::new([(name("other@a.example.test"), Arc::new(denied)), ours].into());
    };
    let missing = Verdict { kind: VerdictKind::Missing, cause: Cause::NoEntry, servers: [].into() };
    // Where any server shows it for this account, it does.
    let shown = ServerVerdict {
        kind: VerdictKind::Denied,
        cause: Cause::DeniedByEntry,
        lacks: None,
        deciding: None,
        warning: None,
    };
    shows(&mut example, Verdict { servers: [(name("a1"), Arc::new(shown))].into(), ..missing.clone() });
    let no = "nobody has approved overriding the inherited deny for anna@a.example.test and goodadmin@a.example.test \
              with an entry on the user";
    assert_eq!(texts(&mut example), [no]);
    shows(&mut example, missing);
    assert_eq!(
        refused(request::approve(example.world(), &name("olga"), &over("anna"), "because")),
        "anna@a.example.test is missing for goodadmin@a.example.test (no entry reaches the user): there is no deny to \
         override"
    );
    assert!(matches!(example.settle().0.as_slice(), [(_, Effect::Grant(_))]));
}

#[test]
fn an_approval_that_means_nothing_is_refused() {
    let mut example = Example::covered();
    let approve = |example: &Example, wanted: &WantedSubject| {
        refused(request::approve(example.world(), &name("olga"), wanted, "because"))
    };
    let wanted =
        |domain: &str, account: &str| WantedSubject::AdminSdHolder { domain: domain.into(), account: account.into() };
    assert_eq!(
        approve(&example, &wanted("c.example.test", ACCOUNT)),
        "domain \"c.example.test\" is not known: configured are a.example.test"
    );
    assert_eq!(
        approve(&example, &wanted("a.example.test", "goodadmin")),
        "account \"goodadmin\": give name@domain or DOMAIN\\name, with the name of a configured domain"
    );
    assert_eq!(
        approve(&example, &wanted("a.example.test", "backup@a.example.test")),
        "service account \"backup@a.example.test\" is not known: service accounts of a.example.test are goodadmin@a.example.test"
    );
    assert_eq!(
        approve(&example, &over("dora")),
        "user \"dora\" is not known: no roster that has arrived names this user"
    );
    assert_eq!(
        approve(&example, &over("anna")),
        "anna@a.example.test is covered for goodadmin@a.example.test (an entry grants it): there is no deny to override"
    );
    let own = DecidingEntry {
        index: 0,
        sddl: "(OD;;CR;;;S-1-5-21-1-2-3-1105)".into(),
        inherited: false,
        trustee: name("S-1-5-21-1-2-3-1105"),
        from: None,
    };
    example.deciding.insert(name("anna@a.example.test"), own);
    example.set("anna", VerdictKind::Denied, Cause::DeniedByEntry);
    example.survey();
    assert_eq!(
        approve(&example, &over("anna")),
        "an entry of his own denies anna@a.example.test, (OD;;CR;;;S-1-5-21-1-2-3-1105): an entry of ours would stand \
         behind it and change nothing; only its removal helps"
    );
    assert!(view::grants(example.world()).waiting.is_empty(), "no approval would help him");
    assert!(
        request::approve(example.world(), &name("olga"), &holder(), " ").unwrap_err().to_string().contains("say why")
    );
    example.estate.domains.clear();
    assert_eq!(
        approve(&example, &over("anna")),
        "anna@a.example.test has not been found in any domain by the last survey: see `sendgate explain anna@a.example.test`"
    );
}

#[test]
fn nothing_is_ever_written_on_a_protected_user() {
    let mut example = proposing(&[grant(ANNA, GrantForm::Object)]);
    example.set("anna", VerdictKind::Missing, protected());
    example.survey();
    assert_eq!(
        texts(&mut example),
        [
            "anna@a.example.test: nothing is written on him: protected by CN=Helpdesk,DC=a in CN=Domain Admins,CN=Users,DC=a: \
          AdminSDHolder overwrites his descriptor at each pass"
        ]
    );
    let waiting = view::grants(example.world()).waiting;
    assert_eq!((waiting.len(), waiting[0].users), (1, 1));
    assert_eq!(
        (waiting[0].choice.as_str(), waiting[0].command.as_str()),
        (
            "take each user out of the protected group, or waive him, or let goodadmin@a.example.test send as every \
             administrator of a.example.test:",
            "sendgate approve adminsdholder a.example.test goodadmin@a.example.test --reason WHY"
        )
    );
}
