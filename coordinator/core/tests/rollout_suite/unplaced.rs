//! Pauses of users whose mailbox nobody can place now, and whom their domain showed on a changed server last.

use super::install_next;
use crate::example::{Example, file_of, name, wave};
use sendgate_core::coverage::Judged;
use sendgate_core::coverage::reading::Home;
use sendgate_core::coverage::verdict::Presence;
use sendgate_core::estate::Observation;

/// Anna is on the roster of glb, which ought to have nobody on EXA1, and her mailbox is there all the same. EXA1 was changed.
fn changed() -> Example {
    let mut example = Example::covered();
    example.beside_glb();
    let moves = |example: &mut Example, home| {
        example.truth.get_mut(&name("anna@a.example.test")).unwrap().2 = home;
        example.survey();
    };
    // Else the gate is closed for her.
    moves(&mut example, "exa2");
    let anna = example.only("anna");
    example.estate.rosters.insert(name("glb"), anna);
    glb(&mut example, false);
    example.rollout_of(&file_of("dst", &wave("canary", &["exa1"])));
    install_next(&mut example, "exa1");
    moves(&mut example, "exa1");
    example
}

fn glb(example: &mut Example, paused: bool) {
    if paused {
        example.paused.insert("anna");
        example.goodlink("adom\\goodadmin");
    }
    let state = example.estate.hosts[&name("gla")].clone();
    example.report("glb", state);
    example.paused.clear();
    example.goodlink("adom\\goodadmin");
}

#[test]
fn whom_nobody_can_place_any_more_counts_where_he_was() {
    let unclear = |anna: &mut Presence| {
        let Presence::Here(anna) = anna else { panic!() };
        anna.home = Home::Unclear("homeMDB says exa2, msExchHomeServerName exa1".into());
    };
    let twice = |anna: &mut Presence| *anna = Presence::Ambiguous(["CN=anna", "CN=anna2"].map(Into::into).into());
    let arrived = |anna: &mut Presence| {
        let Presence::Here(anna) = anna else { panic!() };
        anna.home = Home::Server(name("exa2"));
    };
    type Change<'a> = (&'a dyn Fn(&mut Presence), bool);
    let changes: [Change<'_>; 3] = [(&unclear, true), (&twice, true), (&arrived, false)];
    for (change, counts) in changes {
        let mut example = changed();
        let mut look = example.look();
        let Judged::All(users) = &mut look.users else { panic!() };
        change(users.get_mut(&name("anna@a.example.test")).unwrap());
        example.estate.observe(Observation::Look(look));
        example.settle();
        assert_eq!(example.rollout_state(), "running");
        glb(&mut example, true);
        example.settle();
        let state = example.rollout_state();
        assert_eq!(state.contains("1 new Send As pauses"), counts, "{state}");
    }
}
