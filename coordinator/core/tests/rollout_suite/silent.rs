//! Hosts that are silent when their act's time is over, and that had said something since its end.

use super::{installs, offered, phases, waves};
use crate::example::{AFTER, BEFORE, Example, file_of, minutes, name};
use sendgate_core::ledger::Entry;
use sendgate_core::plan::rollout::{Class, Phase};

/// A host whose installer says that all went well, with what is allowed in the first wave and over all.
fn installed(allowed: &str) -> Example {
    let mut example = Example::covered();
    example.policy.disruption.estate = 2.try_into().unwrap();
    let allowed = format!("[thresholds]\n{allowed} = 1\n[wave_thresholds]\n{allowed} = 1\n");
    example.rollout_of(&file_of("dst", &(waves() + &allowed)));
    let intent = installs(&offered(&mut example))[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    example.end(intent, crate::example::succeeded());
    example
}

/// All but the first host report, minutes later.
fn without_exa1(example: &mut Example, after: u64) {
    example.silence(minutes(after));
    example.goodlink("adom\\goodadmin");
    example.exchange("exa2", BEFORE);
    example.survey();
}

/// It was heard of since its install, and has not the hotfix: that it is silent for a moment when its time is over does not
/// make it a host of which nothing is heard, which may be allowed.
#[test]
fn what_a_host_has_said_since_its_install_counts_also_where_it_is_silent_by_now() {
    for (has_role, missing) in
        [(true, "store.exe is 6.5.7638.1, 6.5.7653.33 is expected"), (false, "it reports no Exchange role")]
    {
        let mut example = installed("unreachable");
        example.pass(minutes(58));
        example.estate.hosts.get_mut(&name("exa1")).unwrap().exchange.take_if(|_| !has_role);
        example.settle();
        assert_eq!(phases(&example)[0], Phase::Verifying { missing: missing.into() });
        without_exa1(&mut example, 3);
        example.settle();
        let why = format!("succeeded: exit code 0; after 1h 0m: {missing}");
        assert_eq!(phases(&example)[0], Phase::Failed { class: Class::Install, why });
        assert!(example.rollout_state().contains("1 failed installs, 0 allowed"), "{}", example.rollout_state());
    }
}

/// It had the hotfix when it was heard of last: whether it is well only a fresh report says, and once it is lost that is what
/// is counted, whatever its store was then.
#[test]
fn a_host_that_falls_silent_with_the_hotfix_is_waited_for_until_it_is_lost() {
    for mounted in [true, false] {
        let mut example = installed("stores_down");
        without_exa1(&mut example, 1);
        example.exchange("exa1", AFTER);
        example.estate.hosts.get_mut(&name("exa1")).unwrap().exchange.as_mut().unwrap().mounted = Ok(mounted);
        without_exa1(&mut example, 60);
        let missing = "it has been silent for 1h 0m".to_owned();
        let not_mounted = "succeeded: exit code 0; after 1h 0m: the store is not mounted".to_owned();
        let silent = match mounted {
            true => Phase::Verifying { missing },
            false => Phase::Failed { class: Class::Store, why: not_mounted },
        };
        assert_eq!(phases(&example)[0], silent);
        example.settle();
        assert_eq!(example.rollout_state(), "running");
        without_exa1(&mut example, 1);
        example.settle();
        assert!(example.rollout_state().contains("1 unreachable hosts, 0 allowed"), "{}", example.rollout_state());
        // Heard of again, it is well.
        example.exchange("exa1", AFTER);
        assert!(matches!(phases(&example)[0], Phase::Soaking { .. }), "{:?}", phases(&example));
    }
}
