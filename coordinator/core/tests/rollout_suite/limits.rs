//! Limits over the estate, for a role, for a domain, and for GoodLink servers that stand in for one another.

use super::{against, installs};
use crate::example::{Example, file_of, name, running, wave};
use sendgate_core::estate::{GoodLinkState, HostState, Observation, Roster, RosterDigest, ServiceState};
use sendgate_core::plan::disruption;
use sendgate_core::policy::GoodLinkPolicy;

/// Room for three over the estate, and both servers in one wave.
fn wide() -> Example {
    let mut example = Example::covered();
    example.policy.disruption.estate = 3.try_into().unwrap();
    example
}

fn rollout(example: &mut Example) {
    example.rollout_of(&file_of("dst", &format!("[limits]\nat_once = 2\n{}", wave("all", &["exa1", "exa2"]))));
}

#[test]
fn the_limit_of_a_role_holds_by_itself() {
    let mut example = wide();
    rollout(&mut example);
    assert_eq!(installs(&example.settle().0).len(), 2);
    let mut example = wide();
    example.policy.disruption.exchange = Some(1.try_into().unwrap());
    rollout(&mut example);
    assert_eq!(installs(&example.settle().0).len(), 1);
    let why = against(&example, "exa2");
    assert!(why[0].starts_with("1 of at most 1 Exchange hosts are disrupted: exa1 ("), "{why:?}");
}

/// GLA serves the same domain as both Exchange servers.
#[test]
fn the_limit_of_a_domain_counts_all_its_roles() {
    let mut example = wide();
    example.policy.disruption.domain = Some(1.try_into().unwrap());
    let gla = example.estate.hosts.get_mut(&name("gla")).unwrap();
    gla.goodlink.as_mut().unwrap().service.as_mut().unwrap().state = ServiceState::Stopped;
    rollout(&mut example);
    assert_eq!(installs(&example.settle().0), []);
    let text = "1 of at most 1 hosts of a.example.test are disrupted: gla (the GoodLink service is stopped)";
    assert_eq!(against(&example, "exa1"), [text]);
}

fn second_goodlink(example: &mut Example) {
    let other = GoodLinkPolicy { host: name("glb"), ..example.policy.goodlink[&name("gla")].clone() };
    example.policy.goodlink.insert(name("glb"), other);
    example.policy.hosts.insert(name("glb"), name("glb"));
    let goodlink = GoodLinkState {
        service: Ok(running("adom\\goodadmin")),
        roster: Ok(RosterDigest([2; 32])),
        paused: Ok([].into()),
    };
    example.report("glb", HostState { reported: example.now.steady, exchange: None, goodlink: Some(goodlink) });
    let users = [(name("anna"), name("anna@a.example.test"))].into();
    example.estate.observe(Observation::Roster(
        name("glb"),
        Roster { digest: RosterDigest([2; 32]), users },
        example.now.steady,
    ));
}

/// It is enough that one of the two names the other.
#[test]
fn those_that_stand_in_for_one_another_are_never_disrupted_together() {
    let mut example = wide();
    second_goodlink(&mut example);
    let stopped = |example: &mut Example| {
        let gla = example.estate.hosts.get_mut(&name("gla")).unwrap();
        gla.goodlink.as_mut().unwrap().service.as_mut().unwrap().state = ServiceState::Stopped;
    };
    stopped(&mut example);
    assert_eq!(disruption::no_room(example.world(), &name("glb"), None), [].into());
    for (names, named) in [("gla", "glb"), ("glb", "gla")] {
        let mut example = wide();
        second_goodlink(&mut example);
        stopped(&mut example);
        example.policy.goodlink.get_mut(&name(names)).unwrap().stands_in = [name(named)].into();
        let blocked = disruption::no_room(example.world(), &name("glb"), None);
        let texts: Vec<_> = blocked.iter().map(ToString::to_string).collect();
        let text = "1 of at most 1 GoodLink hosts that stand in for one another are disrupted: gla (the GoodLink service \
                    is stopped)";
        assert_eq!(texts, [text]);
        assert_eq!(disruption::no_room(example.world(), &name("exa1"), None), [].into());
    }
}
