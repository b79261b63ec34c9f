//! So many people other than the author must say yes before anything begins.

use super::{against, as_read, digest, file_it, installs};
use crate::example::{Example, file_of, name, wave};
use sendgate_core::ledger::{Entry, Sha256};
use sendgate_core::request::{self, FormRead, Refused, WantedSubject};
use sendgate_core::view;

fn approve(example: &Example, by: &str) -> Result<sendgate_core::ledger::Request, Refused> {
    request::approve(example.world(), &name(by), &as_read(example), "seen in the board")
}

#[test]
fn nothing_begins_before_enough_others_have_said_yes() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &format!("approvals = 2\n{}", wave("all", &["exa1"]))));
    assert_eq!(example.settle().0, []);
    let text = "2 people other than its author olga must approve it; approved by nobody yet";
    assert_eq!(against(&example, "exa1"), [text]);
    let own = approve(&example, "olga").unwrap_err().to_string();
    assert_eq!(own, "olga wrote rollout dst: somebody else must approve it");
    let yes = approve(&example, "piet");
    file_it(&mut example, "piet", yes);
    let again = approve(&example, "piet").unwrap_err().to_string();
    assert_eq!(again, "piet has approved rollout dst already: seen in the board");
    assert_eq!(example.settle().0, []);
    let yes = approve(&example, "rosa");
    file_it(&mut example, "rosa", yes);
    assert_eq!(installs(&example.settle().0).len(), 1);
}

/// What they said yes to is not what is there now.
#[test]
fn another_form_of_the_rollout_needs_another_yes() {
    let mut example = Example::covered();
    let file = |server: &str| file_of("dst", &format!("approvals = 1\n{}", wave("all", &[server])));
    let request = request::rollout_apply(example.world(), &file("exa1"));
    file_it(&mut example, "olga", request);
    let yes = approve(&example, "piet");
    file_it(&mut example, "piet", yes);
    let request = request::rollout_apply(example.world(), &file("exa2"));
    file_it(&mut example, "olga", request);
    let request = request::rollout_start(example.world(), "dst", "");
    file_it(&mut example, "olga", request);
    assert_eq!(example.settle().0, []);
    assert!(against(&example, "exa2")[0].contains("approved by nobody yet"), "{:?}", against(&example, "exa2"));
}

/// A yes that is taken back closes it again, up to the permit.
#[test]
fn a_yes_can_be_taken_back() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &format!("approvals = 1\n{}", wave("all", &["exa1"]))));
    let yes = approve(&example, "piet");
    file_it(&mut example, "piet", yes);
    let (effects, _) = example.settle();
    let intent = installs(&effects)[0].1;
    let wanted = WantedSubject::Rollout { rollout: "dst".into(), form: None };
    let request = request::revoke(example.world(), &wanted, "second thoughts").unwrap();
    example.append(Entry::Request { by: name("piet"), request });
    let refusal = sendgate_core::plan::permit(example.world(), intent).unwrap_err();
    assert!(refusal.blocked.iter().any(|why| why.to_string().contains("approved by nobody yet")), "{refusal:?}");
}

#[test]
fn what_needs_no_yes_or_is_over_is_not_approved() {
    let mut example = Example::covered();
    example.rollout();
    assert_eq!(approve(&example, "piet").unwrap_err().to_string(), "rollout dst asks for no approval");
    let request = request::rollout_abort(example.world(), "dst", "enough");
    file_it(&mut example, "olga", request);
    let text = "rollout dst is aborted: enough: there is nothing to approve";
    assert_eq!(approve(&example, "piet").unwrap_err().to_string(), text);
}

fn apply(example: &mut Example, by: &str, rest: &str) {
    let request = request::rollout_apply(example.world(), &file_of("dst", rest));
    file_it(example, by, request);
}

fn form(example: &Example) -> Sha256 {
    digest(&example.ledger.rollouts[&name("dst")].spec)
}

/// While somebody reads one form, another is applied: what he says then is not said to that one.
#[test]
fn a_yes_is_to_the_form_that_was_read() {
    let mut example = Example::covered();
    apply(&mut example, "olga", &format!("approvals = 1\n{}", wave("canary", &["exa1"])));
    let (read, before) = (as_read(&example), form(&example).short());
    apply(&mut example, "olga", &format!("approvals = 1\n{}", wave("all", &["exa1", "exa2"])));
    let refused = request::approve(example.world(), &name("ada"), &read, "seen").unwrap_err().to_string();
    let now = form(&example).short();
    assert_ne!(before, now);
    assert_eq!(
        refused,
        format!(
            "rollout dst is not in the form {before}: it is in the form {now}, which olga applied; read it with `sendgate \
             rollout show dst`, then approve that one"
        )
    );
    let yes = approve(&example, "ada").unwrap();
    assert_eq!(yes.to_string(), format!("approve rollout dst in the form {now}: seen in the board"));
    file_it(&mut example, "ada", Ok(yes));
}

#[test]
fn a_form_is_named_by_as_many_digits_as_are_printed_or_more() {
    let mut example = Example::covered();
    apply(&mut example, "olga", &format!("approvals = 1\n{}", wave("all", &["exa1"])));
    let said = |digest_read: &str| {
        let form = Some(FormRead { digest: digest_read.to_owned(), of: digest });
        let wanted = WantedSubject::Rollout { rollout: "dst".into(), form };
        request::approve(example.world(), &name("ada"), &wanted, "seen").map_err(|refused| refused.to_string())
    };
    let whole = form(&example).to_string();
    assert!(said(&whole).is_ok() && said(&format!(" {} ", whole[..12].to_uppercase())).is_ok());
    let text = |given: &str| {
        format!("digest {given:?}: give the 12 hexadecimal digits that `sendgate rollout show` prints, or more")
    };
    for bad in ["", &whole[..11], "the one I saw"] {
        assert_eq!(said(bad).unwrap_err(), text(bad));
    }
    let none = WantedSubject::Rollout { rollout: "dst".into(), form: None };
    let refused = request::approve(example.world(), &name("ada"), &none, "seen").unwrap_err().to_string();
    assert_eq!(refused, "a yes is to a form that was read: `sendgate rollout show dst` shows it with its digest");
}

/// One word changed by somebody else makes nobody's own work another's.
#[test]
fn whoever_wrote_an_earlier_form_does_not_approve_the_one_that_came_of_it() {
    let mut example = Example::covered();
    apply(&mut example, "olive", &format!("approvals = 1\n{}", wave("all", &["exa1"])));
    apply(&mut example, "bob", &format!("approvals = 1\n{}", wave("all", &["exa2"])));
    let earlier = "olive cannot approve rollout dst: he wrote an earlier form of it, which this one may still be in part; \
                   somebody else must approve it";
    assert_eq!(approve(&example, "olive").unwrap_err().to_string(), earlier);
    let start = request::rollout_start(example.world(), "dst", "");
    file_it(&mut example, "carl", start);
    assert_eq!(approve(&example, "olive").unwrap_err().to_string(), earlier);
    assert_eq!(
        approve(&example, "bob").unwrap_err().to_string(),
        "bob wrote rollout dst: somebody else must approve it"
    );
    assert!(approve(&example, "carl").is_ok());
}

/// The first of two approvals is not told as if it were all of them.
#[test]
fn how_many_approvals_are_still_to_come_is_told() {
    let mut example = Example::covered();
    apply(&mut example, "olga", &format!("approvals = 2\n{}", wave("all", &["exa1"])));
    let told = |example: &Example| {
        let rollout = &example.ledger.rollouts[&name("dst")];
        let (all, missing) = (
            view::approvals(example.world(), rollout, form(example)),
            view::missing(example.world(), rollout, form(example)),
        );
        assert_eq!(missing.as_ref(), missing.is_some().then_some(&all));
        all
    };
    let form = form(&example).short();
    let missing = |given: u32, missing: u32| {
        format!(
            "the form {form} has {given} of 2 approvals; still to come: {missing}, and nothing is installed before: \
             `sendgate approve rollout dst {form} --reason WHY`"
        )
    };
    assert_eq!(told(&example), missing(0, 2));
    assert_eq!(request::void_approvals(example.world(), &name("dst")), None);
    for (by, said) in
        [("piet", missing(1, 1)), ("rosa", format!("the form {form} has 2 of 2 approvals: none is still to come"))]
    {
        let yes = approve(&example, by);
        file_it(&mut example, by, yes);
        assert_eq!(told(&example), said);
    }
    let void = request::void_approvals(example.world(), &name("dst")).unwrap();
    assert_eq!(void, "approvals were given to the form before, and count no more: by piet, rosa");
}

/// A yes in a journal of the last release names no form, and counts as it did.
#[test]
fn an_older_yes_counts_as_it_did() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &format!("approvals = 1\n{}", wave("all", &["exa1"]))));
    let yes = Entry::Request { by: name("piet"), request: approve(&example, "piet").unwrap() };
    let mut old = serde_json::to_value(yes).unwrap();
    let named = take(&mut old, "form").expect("a new one names its form");
    assert_eq!(named, form(&example).to_string());
    example.append(serde_json::from_value(old).unwrap());
    assert_eq!(installs(&example.settle().0).len(), 1);
}

/// Takes a field out of a record, however deep it is.
fn take(record: &mut serde_json::Value, field: &str) -> Option<serde_json::Value> {
    let fields = record.as_object_mut()?;
    fields.remove(field).or_else(|| fields.values_mut().find_map(|inner| take(inner, field)))
}
