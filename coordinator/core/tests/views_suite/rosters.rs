//! Whether the roster of a GoodLink server is there.

use crate::example::{Example, name};
use sendgate_core::estate::{GoodLinkState, HostState, Observation, RosterDigest};
use sendgate_core::view;
use std::collections::BTreeMap;

#[test]
fn hosts_say_how_long_a_roster_is_or_why_it_is_not_known() {
    let mut example = Example::covered();
    let shown = |example: &Example, host: &str| {
        let hosts = view::hosts(example.world()).hosts;
        hosts.into_iter().find(|line| line.host == name(host)).unwrap().roster
    };
    assert_eq!((shown(&example, "gla"), shown(&example, "exa1")), (Some(Ok(3)), None));
    let report = |example: &mut Example, roster: Result<RosterDigest, String>| {
        let service = Ok(crate::example::running("adom\\goodadmin"));
        let goodlink = GoodLinkState { service, roster, paused: Ok(BTreeMap::new()) };
        example.report("gla", HostState { reported: example.now.steady, exchange: None, goodlink: Some(goodlink) });
    };
    report(&mut example, Err("it is being written".to_owned()));
    assert_eq!(shown(&example, "gla"), Some(Err("it is being written".to_owned())));
    // What was there before is not what is there now.
    report(&mut example, Ok(RosterDigest([2; 32])));
    assert_eq!(shown(&example, "gla"), Some(Err("the present one has not arrived yet".to_owned())));
    example.estate.roster_faults.insert(name("gla"), "line 7 has no name".to_owned());
    assert_eq!(shown(&example, "gla"), Some(Err("it cannot be used: line 7 has no name".to_owned())));
    let roster = sendgate_core::estate::Roster { digest: RosterDigest([2; 32]), ..example.only("anna") };
    example.estate.observe(Observation::Roster(name("gla"), roster, example.now.steady));
    assert_eq!(shown(&example, "gla"), Some(Ok(1)));
}
