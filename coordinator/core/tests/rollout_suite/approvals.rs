//! So many people other than the author must say yes before anything begins.

use super::{against, file_it, installs};
use crate::example::{Example, file_of, name, wave};
use sendgate_core::ledger::Entry;
use sendgate_core::request::{self, Refused, WantedSubject};

fn approve(example: &Example, by: &str) -> Result<sendgate_core::ledger::Request, Refused> {
    request::approve(example.world(), &name(by), &WantedSubject::Rollout { rollout: "dst".into() }, "seen in the board")
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
    let wanted = WantedSubject::Rollout { rollout: "dst".into() };
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
