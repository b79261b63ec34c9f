//! Hosts that are silent when their act's time is over, and that had said something since its end.

use super::{installs, offered, phases, progress_of, waves};
use crate::example::{AFTER, BEFORE, Example, file_of, minutes, name};
use sendgate_core::ledger::{Effect, Entry, Milestone};
use sendgate_core::plan::rollout::{Class, Phase};
use std::time::Duration;

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

/// A minute before the end of the soak all was well: what has become of it since, only a report of after the end says.
#[test]
fn a_wave_is_not_over_before_the_host_and_goodlink_have_reported_after_its_soak() {
    for host in ["exa1", "gla"] {
        let mut example = installed("stores_down");
        example.pass(minutes(1));
        example.exchange("exa1", AFTER);
        example.settle();
        example.pass(minutes(14));
        example.settle();
        example.silence(minutes(1));
        let reports = |example: &mut Example, host: &str| match host {
            "gla" => example.goodlink("adom\\goodadmin"),
            host => example.exchange(host, AFTER),
        };
        let other = if host == "gla" { "exa1" } else { "gla" };
        reports(&mut example, other);
        example.settle();
        let blocked: Vec<_> = progress_of(&example)[0].blocked.iter().map(ToString::to_string).collect();
        assert_eq!(blocked, [format!("host {host}: it has not reported since the soak of the wave ended")]);
        assert_eq!(phases(&example)[0], Phase::Soaking { remaining: Duration::ZERO });
        reports(&mut example, host);
        example.settle();
        assert_eq!(example.ledger.rollouts[&name("dst")].waves_done, 1);
    }
}

/// Whether the store still serves that a test is to go through, a silent host does not say.
#[test]
fn nobody_tests_sending_through_a_host_that_is_silent() {
    let mut example = Example::covered();
    example.policy.disruption.estate = 3.try_into().unwrap();
    example.rollout_of(&file_of("dst", &format!("test_send = true\n{}", waves())));
    let tests = |example: &mut Example| {
        let tests = offered(example).into_iter().filter(|(_, effect)| matches!(effect, Effect::TestSend { .. }));
        tests.count()
    };
    let intent = installs(&offered(&mut example))[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    example.end(intent, crate::example::succeeded());
    example.pass(minutes(1));
    example.exchange("exa1", AFTER);
    // It is verified, and nothing more was planned yet.
    let verified = Milestone::HostVerified { rollout: name("dst"), host: name("exa1") };
    example.append(Entry::Milestone(verified));
    without_exa1(&mut example, 4);
    assert_eq!(tests(&mut example), 0);
    example.exchange("exa1", AFTER);
    assert_eq!(tests(&mut example), 1);
}
