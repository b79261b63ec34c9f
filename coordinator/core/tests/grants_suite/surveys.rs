//! When a domain is looked at again.

use crate::example::{Example, minutes, name};
use sendgate_core::plan::{self, Step};
use sendgate_core::time::Steady;

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
