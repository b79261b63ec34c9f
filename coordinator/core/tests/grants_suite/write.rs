//! The question that is asked right before an entry is written, and how many entries are on their way at once.

use super::example::{Example, minutes, name, succeeded};
use super::{ACCOUNT, HEAD, file, grant, proposing, texts, written};
use sendgate_core::coverage::{Cause, VerdictKind};
use sendgate_core::estate::Observation;
use sendgate_core::ledger::{Effect, Entry, Outcome, Sequence};
use sendgate_core::plan::{self, grants};
use sendgate_core::policy::GrantMode;
use sendgate_core::request::{self, WantedHeld, WantedSubject};
use sendgate_core::secdesc::edit::GrantForm;
use sendgate_core::view;

const HOLDER: &str = "CN=AdminSDHolder,CN=System,DC=a,DC=example,DC=test";

fn no(example: &Example, intent: Sequence) -> String {
    plan::may_write(example.world(), intent).unwrap_err().to_string()
}

/// A grant that is on its way.
fn on_its_way(place: &str, form: GrantForm) -> (Example, Sequence) {
    let mut example = proposing(&[grant(place, form)]);
    let (effects, _) = example.settle();
    let [(intent, Effect::Grant(_))] = effects.as_slice() else { panic!("{effects:?}") };
    let intent = *intent;
    (example, intent)
}

/// Invariant 7: whatever stops the planner stops what it has planned, up to the write.
#[test]
fn what_stops_a_grant_from_being_planned_stops_its_write() {
    let (mut example, intent) = on_its_way(HEAD, GrantForm::ContainerUsers);
    assert_eq!(plan::may_write(example.world(), intent), Ok(()));
    for (held, text) in [
        (WantedHeld::Estate, "the estate is held by olga: bad night"),
        (WantedHeld::Domain("a.example.test".into()), "domain a.example.test is held by olga: bad night"),
    ] {
        let request = request::hold(example.world(), &held, "bad night");
        file(&mut example, request);
        assert_eq!(no(&example, intent), text);
        let request = request::release(example.world(), &name("olga"), &held, "over");
        file(&mut example, request);
        assert_eq!(plan::may_write(example.world(), intent), Ok(()));
    }
    example.policy.domains.values_mut().for_each(|domain| domain.grants = GrantMode::Advise);
    assert!(no(&example, intent).starts_with("grants.mode is advise"));
    example.policy.domains.values_mut().for_each(|domain| domain.grants = GrantMode::Apply);
    let gone = "the last survey does not propose it any more";
    let proposed = std::mem::take(&mut example.proposed);
    example.survey();
    assert_eq!(no(&example, intent), gone);
    example.proposed = proposed;
    example.survey();
    assert_eq!(plan::may_write(example.world(), intent), Ok(()));
    example.silence(minutes(31));
    assert_eq!(no(&example, intent), gone, "what is too old proposes nothing");
    example.end(intent, succeeded());
    assert_eq!(no(&example, intent), format!("no open intent {intent} is in the journal"));
}

#[test]
fn an_approval_that_is_taken_back_stops_the_write_and_its_answer_names_it() {
    let wanted = WantedSubject::AdminSdHolder { domain: "a.example.test".into(), account: ACCOUNT.into() };
    let mut example = proposing(&[grant(HOLDER, GrantForm::Object)]);
    let request = request::approve(example.world(), &name("olga"), &wanted, "the board wants it");
    file(&mut example, request);
    let (effects, _) = example.settle();
    let intent = effects[0].0;
    assert_eq!(plan::may_write(example.world(), intent), Ok(()));
    assert_eq!(
        request::on_their_way(example.world()).unwrap(),
        format!(
            "entries that may have been sent to their directory already, and are within 30 s or never: grant Send As to \
             {ACCOUNT} on {HOLDER} (intent {intent}, filed 0.0s ago)"
        )
    );
    let request = request::revoke(example.world(), &wanted, "the board changed its mind");
    file(&mut example, request);
    let text = "nobody has approved an entry for goodadmin@a.example.test on AdminSDHolder of a.example.test";
    assert_eq!(no(&example, intent), text);
    example.end(intent, Outcome::NotStarted { detail: text.into() });
    assert_eq!(request::on_their_way(example.world()), None);
}

#[test]
fn an_undo_may_be_written_until_it_is_held() {
    let mut example = proposing(&[grant(HEAD, GrantForm::ContainerUsers)]);
    let intent = written(&mut example);
    let request = request::grant_undo(example.world(), intent.get(), "the tenant left");
    file(&mut example, request);
    let (effects, _) = example.settle();
    let [(away, Effect::Withdraw(_))] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(plan::may_write(example.world(), *away), Ok(()));
    let request = request::hold(example.world(), &WantedHeld::Estate, "bad night");
    file(&mut example, request);
    assert_eq!(no(&example, *away), "the estate is held by olga: bad night");
}

#[test]
fn no_more_than_a_few_entries_of_a_domain_are_on_their_way_at_once() {
    // Each proposal stands with a user whom it would cover.
    let mut example = Example::covered();
    let places: Vec<_> = (0..20).map(|at| format!("OU=Tenant {at:02},{HEAD}")).collect();
    let users: Vec<_> = (0..20).map(|at| format!("user{at:02}")).collect();
    for user in &users {
        let user = name(&format!("{user}@a.example.test"));
        example.truth.insert(user, (VerdictKind::Missing, Cause::NoEntry, "exa1"));
    }
    let others = users.iter().map(String::as_str);
    example.roster(&["anna", "bert", "carl"].into_iter().chain(others).collect::<Vec<_>>());
    example.proposed = places.iter().map(|place| grant(place, GrantForm::ContainerUsers)).collect();
    example.survey();
    let mut filed = Vec::new();
    while filed.len() < places.len() {
        let (effects, plan) = example.settle();
        assert_eq!(effects.len(), grants::AT_ONCE.min(places.len() - filed.len()));
        let others = format!("{} entries of a.example.test are on their way: the others follow", grants::AT_ONCE);
        let waits = plan.grants.values().flatten().any(|why| why.to_string() == others);
        assert_eq!(waits, filed.len() + effects.len() < places.len());
        for (intent, effect) in effects {
            example.end(intent, Outcome::NotStarted { detail: "it was there already".into() });
            filed.push(effect);
        }
    }
    assert!(texts(&mut example).iter().all(|text| text.starts_with("the next survey will show")));
}

/// A write that had no answer may be carried out after its place was read: what is there then is ours, and ours to undo.
#[test]
fn a_grant_that_was_not_there_after_an_interruption_may_be_there_later() {
    let (mut example, first) = on_its_way(HEAD, GrantForm::ContainerUsers);
    let entry = grant(HEAD, GrantForm::ContainerUsers).entry();
    let unanswered = |example: &Example| example.ledger.unanswered(&entry, example.ledger.next());
    assert_eq!(unanswered(&example), None);
    example.end(first, Outcome::not_there("DACL 07"));
    assert_eq!(example.ledger.intents[&first].state, {
        let detail = "not there after an interruption; DACL 07".to_owned();
        sendgate_core::ledger::IntentState::Ended { outcome: Outcome::NotStarted { detail }, at: example.now.steady }
    });
    assert_eq!(unanswered(&example), Some(first));
    let request = request::grant_undo(example.world(), first.get(), "it is there after all");
    assert!(request.is_ok(), "{request:?}");
    // What came to nothing since changes nothing; what was written or found ours since is the one to undo.
    let again = |example: &mut Example, outcome: Outcome| {
        let effect = Effect::Grant(grant(HEAD, GrantForm::ContainerUsers));
        let intent = example.append(Entry::Intent { effect });
        example.end(intent, outcome);
    };
    again(&mut example, Outcome::Failed { detail: "its entries have changed".into() });
    assert_eq!(unanswered(&example), Some(first));
    again(&mut example, succeeded());
    assert_eq!(unanswered(&example), None);
}

/// Both accounts serve the domain; what would cover the other's users is nothing that anybody needs.
#[test]
fn an_account_is_granted_on_users_of_its_own_rosters_only() {
    let mut example = Example::covered();
    let head = grant(HEAD, GrantForm::ContainerUsers);
    example.proposed = [head.clone()].into();
    example.beside_glb();
    let other: sendgate_core::names::AccountName = name("other@a.example.test");
    example.policy.goodlink.get_mut(&name("gla")).unwrap().service_account = other.clone();
    example.survey();
    assert_eq!(view::proposed(example.world(), &name("a.example.test")).count(), 0);
    assert!(example.settle().0.is_empty());
    // glb, whose account it is, has one of them on its roster as well.
    let roster = example.only("anna");
    example.estate.observe(Observation::Roster(name("glb"), roster, example.now.steady));
    assert_eq!(view::proposed(example.world(), &name("a.example.test")).collect::<Vec<_>>(), [&head]);
    let (effects, _) = example.settle();
    let [(id, Effect::Grant(_))] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(plan::may_write(example.world(), *id).map_err(|why| why.to_string()), Ok(()));
    example.estate.rosters.remove(&name("glb"));
    let no = no(&example, *id);
    assert_eq!(no, "the last survey does not propose it any more");
}
