//! When a domain is looked at again.

use crate::example::{Example, guid, minutes, name};
use sendgate_core::coverage::Judged;
use sendgate_core::estate::Observation;
use sendgate_core::ledger::{Pair, PairState};
use sendgate_core::names::AccountName;
use sendgate_core::plan::{self, Step};
use sendgate_core::time::Steady;

/// The second look is at the domain of the user, whose descriptor has the right; the account may be of another.
#[test]
fn the_second_look_is_at_the_domain_of_the_user() {
    let mut example = Example::covered();
    let resources = name("r.example.test");
    example.policy.domains.insert(resources, example.policy.domains[&name("a.example.test")].clone());
    example.policy.freshness.survey_interval = minutes(90);
    example.policy.freshness.evidence_age = minutes(120);
    example.policy.freshness.watch_age = minutes(120);
    let account: AccountName = name("goodadmin@r.example.test");
    example.policy.goodlink.get_mut(&name("gla")).unwrap().service_account = account.clone();
    let mut resources = example.look();
    (resources.domain, resources.users) = (name("r.example.test"), Judged::All([].into()));
    example.estate.observe(Observation::Look(resources));
    let seen = example.now.steady;
    let pair = Pair { user: guid(&name("anna@a.example.test")), account };
    example.ledger.pairs.insert(pair, PairState::Landed { at: seen });
    let due = |example: &Example, domain: &str| plan::survey::due(example.world(), &name(domain));
    let second = seen + example.policy.waits.second_look;
    assert_eq!(due(&example, "a.example.test"), Some(second));
    assert_eq!(due(&example, "r.example.test"), Some(seen + minutes(90)));
    // It is not asked for where the next reading comes before it, nor of whoever has been seen late enough.
    example.policy.freshness.survey_interval = minutes(15);
    assert_eq!(due(&example, "a.example.test"), Some(seen + minutes(15)));
    example.policy.freshness.survey_interval = minutes(90);
    example.pass(example.policy.waits.second_look);
    assert_eq!(due(&example, "a.example.test"), Some(example.now.steady + minutes(90)));
}

/// A domain is looked at again at the interval, after a grant, and for the second look; never for nobody.
#[test]
fn surveys_are_due_when_something_can_have_changed() {
    let mut example = Example::covered();
    let due = |example: &Example| plan::survey::due(example.world(), &name("a.example.test"));
    assert_eq!(due(&example), Some(example.now.steady + minutes(15)));
    example.roster(&["anna", "dora"]);
    assert!(
        plan::plan(example.world()).steps.contains(&Step::Survey(name("a.example.test")))
            || due(&example) <= Some(example.now.steady)
    );
    // The service account is looked at also while no roster has come, be it in a domain that has nothing else.
    example.estate.rosters.clear();
    assert_eq!(due(&example), Some(example.now.steady + minutes(15)));
    let resources = name("r.example.test");
    example.policy.domains.insert(resources, example.policy.domains[&name("a.example.test")].clone());
    let due_there = |example: &Example| plan::survey::due(example.world(), &name("r.example.test"));
    assert_eq!(due_there(&example), None);
    example.policy.goodlink.get_mut(&name("gla")).unwrap().service_account = name("goodadmin@r.example.test");
    assert_eq!(due_there(&example), Some(Steady::START));
    example.policy.goodlink.clear();
    assert_eq!((due(&example), due_there(&example)), (None, None));
}
