//! Taking an entry of ours away again.

use super::example::{Example, minutes, name, succeeded};
use super::{ACCOUNT, HEAD, file, grant, proposing, refused, texts, written};
use sendgate_core::coverage::verdict::DecidingEntry;
use sendgate_core::coverage::{Cause, VerdictKind};
use sendgate_core::gate::Reason;
use sendgate_core::ledger::{Effect, Entry, Outcome, Request};
use sendgate_core::plan::{self, survey};
use sendgate_core::policy::GrantMode;
use sendgate_core::request;
use sendgate_core::secdesc::edit::GrantForm;
use sendgate_core::view;

#[test]
fn undo_takes_the_entry_away_and_it_stays_away_until_a_redo() {
    let mut example = proposing(&[grant(HEAD, GrantForm::ContainerUsers)]);
    let intent = written(&mut example);
    let request = request::grant_undo(example.world(), intent.get(), " the tenants object ");
    assert_eq!(request, Ok(Request::GrantUndo { grant: intent, reason: "the tenants object".into() }));
    let asked = file(&mut example, request);
    let (effects, _) = example.settle();
    let [(away, effect @ Effect::Withdraw(withdrawal))] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(effect.to_string(), format!("take Send As of {ACCOUNT} off {HEAD} again (grant {intent})"));
    assert_eq!((withdrawal.grant, &withdrawal.entry), (intent, &grant(HEAD, GrantForm::ContainerUsers).entry()));
    assert_eq!(
        refused(request::grant_undo(example.world(), intent.get(), "again")),
        format!(
            "grant Send As to {ACCOUNT} on {HEAD} (record {intent}) is not undone: it is being undone on behalf of olga (record {asked}: the tenants object)"
        )
    );
    assert_eq!(
        refused(request::grant_redo(example.world(), intent.get(), "no")),
        format!(
            "take Send As of {ACCOUNT} off {HEAD} again (grant {intent}) (record {away}) is under way: ask again then"
        )
    );
    example.end(*away, succeeded());
    assert_eq!(
        survey::due(example.world(), &name("a.example.test")).unwrap(),
        example.now.steady,
        "looked at again at once"
    );
    example.pass(minutes(1));
    let blocked = format!(
        "olga undid grant Send As to {ACCOUNT} on {HEAD} (the tenants object): it is planned again after `sendgate grants redo {intent}`"
    );
    assert_eq!(texts(&mut example), [blocked]);
    assert!(example.ledger.lost.is_empty(), "what we took away ourselves is not lost");
    let text = refused(request::grant_undo(example.world(), intent.get(), "again"));
    assert!(text.contains("is not undone: it was undone on behalf of olga"), "{text}");
    let request = request::grant_redo(example.world(), intent.get(), "they agreed");
    file(&mut example, request);
    assert_eq!(
        refused(request::grant_redo(example.world(), intent.get(), "twice")),
        format!("grant Send As to {ACCOUNT} on {HEAD} (record {intent}) is not undone: there is nothing to redo")
    );
    let (effects, _) = example.settle();
    assert!(matches!(effects.as_slice(), [(_, Effect::Grant(_))]), "{effects:?}");
}

/// Its place is being read: a write of the same entry beside that would be taken for it.
#[test]
fn while_it_is_found_out_what_became_of_a_write_no_other_one_begins_there() {
    let unknown = || Outcome::Unknown { detail: "nobody could look".into() };
    let mut example = proposing(&[grant(HEAD, GrantForm::ContainerUsers)]);
    let (effects, _) = example.settle();
    example.end(effects[0].0, unknown());
    example.pass(minutes(600));
    assert_eq!(texts(&mut example), [format!("grant Send As to {ACCOUNT} on {HEAD} is under way")]);
    example.end(effects[0].0, Outcome::NotStarted { detail: "not there after an interruption".into() });
    example.pass(minutes(1));
    let intent = written(&mut example);
    let request = request::grant_undo(example.world(), intent.get(), "why not");
    file(&mut example, request);
    let (effects, _) = example.settle();
    let [(away, Effect::Withdraw(_))] = effects.as_slice() else { panic!("{effects:?}") };
    example.end(*away, unknown());
    assert!(example.settle().0.is_empty());
    let redo = |example: &Example| request::grant_redo(example.world(), intent.get(), "after all");
    assert!(refused(redo(&example)).ends_with("is under way: ask again then"), "{:?}", redo(&example));
    // Of a domain that is not configured nobody finds it out.
    example.policy.domains.clear();
    assert!(redo(&example).is_ok());
}

/// What an interrupted or failed undo leaves is tried again, and rests after a while like a grant.
#[test]
fn an_undo_that_fails_is_tried_again_and_then_left_to_a_person() {
    let mut example = proposing(&[grant(HEAD, GrantForm::ContainerUsers)]);
    let intent = written(&mut example);
    let request = request::grant_undo(example.world(), intent.get(), "why not");
    file(&mut example, request);
    let outcomes = [
        Outcome::NotStarted { detail: "still there after an interruption".into() },
        Outcome::Failed { detail: "insufficient rights".into() },
        Outcome::Failed { detail: "insufficient rights".into() },
        Outcome::Failed { detail: "insufficient rights".into() },
    ];
    for outcome in outcomes {
        let (effects, _) = example.settle();
        let [(away, Effect::Withdraw(_))] = effects.as_slice() else { panic!("{effects:?}") };
        example.end(*away, outcome);
        assert!(!example.ledger.undone.values().any(|undo| undo.is_done()));
    }
    let texts = texts(&mut example);
    let text = format!(
        "a person must look at it: take Send As of {ACCOUNT} off {HEAD} again (grant {intent}) failed 3 times: insufficient rights"
    );
    assert!(texts.contains(&text), "{texts:?}");
}

#[test]
fn only_what_we_wrote_is_undone() {
    let mut example = proposing(&[grant(HEAD, GrantForm::ContainerUsers)]);
    let undo = |example: &Example, number| refused(request::grant_undo(example.world(), number, "because"));
    assert_eq!(undo(&example, 0), "grant \"0\" is not known: records of the journal are counted from 1");
    assert_eq!(
        undo(&example, 99),
        "grant \"99\" is not known: `sendgate grants` lists those that were made, with their numbers"
    );
    let mut other = Example::covered();
    other.rollout();
    let install = other.settle().0[0].0;
    assert_eq!(
        undo(&other, install.get()),
        format!(
            "record {install} is no grant: install kb926666 on exa1 (rollout dst); `sendgate grants` lists grants, with their numbers"
        )
    );
    let (effects, _) = example.settle();
    let id = effects[0].0;
    let what = format!("grant Send As to {ACCOUNT} on {HEAD} (record {id}) is not undone: ");
    assert_eq!(undo(&example, id.get()), format!("{what}it is still under way; ask again when it has ended"));
    example.end(id, Outcome::NotStarted { detail: "it was there already".into() });
    assert_eq!(
        undo(&example, id.get()),
        format!("{what}no entry of ours is there, for it ended so: not started: it was there already")
    );
    let mut lost = proposing(&[grant(HEAD, GrantForm::ContainerUsers)]);
    lost.settle();
    lost.end(id, Outcome::Unknown { detail: "nobody can look".into() });
    assert_eq!(undo(&lost, id.get()), format!("{what}whether its entry is there is not known: nobody can look"));
    example.pass(minutes(1));
    let id = written(&mut example);
    let what = format!("grant Send As to {ACCOUNT} on {HEAD} (record {id}) is not undone: ");
    assert!(
        refused(request::grant_undo(example.world(), id.get(), " ")).contains("say why: it is kept in the journal")
    );
    assert_eq!(
        refused(request::grant_redo(example.world(), id.get(), "x")),
        format!("grant Send As to {ACCOUNT} on {HEAD} (record {id}) is not undone: there is nothing to redo")
    );
    example.policy.domains.values_mut().for_each(|domain| domain.grants = GrantMode::Advise);
    assert_eq!(
        undo(&example, id.get()),
        format!(
            "{what}grants.mode of a.example.test is advise, so nothing is written there; have the directory team remove the entry"
        )
    );
    example.policy.domains.clear();
    assert_eq!(undo(&example, id.get()), format!("{what}a.example.test is not configured any more"));
}

#[test]
fn an_undo_warns_of_those_whom_it_may_uncover() {
    let mut example = proposing(&[grant(HEAD, GrantForm::ContainerUsers)]);
    let intent = written(&mut example);
    let none = "by the last survey no roster user has the right through this entry";
    assert_eq!(view::undo_warning(example.world(), intent.get()).as_deref(), Some(none));
    let mut through = |user: &str, from: Option<&str>, inherited: bool, sid: &str| {
        let deciding = DecidingEntry {
            index: 0,
            sddl: "(OA;…)".into(),
            inherited,
            trustee: name(sid),
            from: from.map(Into::into),
        };
        example.deciding.insert(name(&format!("{user}@a.example.test")), deciding);
    };
    through("anna", Some(HEAD), true, "S-1-5-21-1-2-3-1105");
    through("bert", None, true, "S-1-5-21-1-2-3-1105");
    through("carl", Some(HEAD), true, "S-1-5-32-548");
    example.pass(minutes(1));
    let text = view::undo_warning(example.world(), intent.get()).unwrap();
    assert_eq!(
        text,
        "up to 2 roster users may lose the right with this entry (anna@a.example.test and 1 more): they close the gates of \
         their mailboxes, and where the hotfix is installed GoodLink will pause them"
    );
    assert_eq!(view::undo_warning(example.world(), 999), None);
}

/// From the moment that somebody wants it away, and not when a look shows what that has done.
#[test]
fn an_entry_that_is_wanted_away_closes_the_gates_of_those_who_have_the_right_by_it() {
    let mut example = Example::covered();
    let effect = Effect::Grant(grant(HEAD, GrantForm::ContainerUsers));
    let intent = example.append(Entry::Intent { effect });
    example.append(Entry::Permitted { intent, holder: None });
    example.end(intent, succeeded());
    let by = DecidingEntry {
        index: 0,
        sddl: "(OA;…)".into(),
        inherited: true,
        trustee: name("S-1-5-21-1-2-3-1105"),
        from: Some(HEAD.into()),
    };
    example.deciding.insert(name("anna@a.example.test"), by);
    example.pass(minutes(1));
    example.rollout();
    let (effects, _) = example.settle();
    let [(install, Effect::Install { .. })] = effects.as_slice() else { panic!("{effects:?}") };
    let request = request::grant_undo(example.world(), intent.get(), "the tenants object");
    file(&mut example, request);
    let why = format!(
        "1 users have the right by the entry of grant {intent}, which olga has taken back: the look after it is gone decides; \
         `sendgate grants redo {intent}` keeps it"
    );
    assert_eq!(example.texts("exa1"), [why.as_str()]);
    assert!(!example.reasons("exa1").iter().any(Reason::is_unknown), "it is wrong, and nothing is missing");
    let refusal = plan::permit(example.world(), *install).unwrap_err();
    assert!(refusal.blocked.iter().any(|blocked| blocked.to_string() == why), "{refusal:?}");
    let (effects, _) = example.settle();
    let [(away, Effect::Withdraw(_))] = effects.as_slice() else { panic!("{effects:?}") };
    example.silence(minutes(1));
    example.end(*away, succeeded());
    // No look has shown yet how she is without it.
    assert_eq!(example.texts("exa1"), [why.as_str()]);
    example.deciding.clear();
    example.set("anna", VerdictKind::Missing, Cause::NoEntry);
    example.pass(minutes(1));
    let texts = example.texts("exa1");
    assert!(texts.iter().any(|text| text.starts_with("user anna@a.example.test is missing")), "{texts:?}");
    assert!(!texts.contains(&why), "{texts:?}");
}
