//! Hosts on which something goes on, or may, and that the configuration does not name any more.

use super::in_doubt::{has_looked, in_doubt, unknown, why};
use super::{file_it, install_next, installs, offered, waves};
use crate::example::{AFTER, Example, file_of, minutes, name};
use sendgate_core::ledger::{Effect, Entry, Outcome, Sequence};
use sendgate_core::names::HostName;
use sendgate_core::plan::disruption::{self, disrupted};
use sendgate_core::policy::Limits;
use sendgate_core::{plan, request, view};

/// The node was given to another Exchange server since, or that one has another name: the doubt has its end all the same.
#[test]
fn a_doubt_has_its_end_also_where_the_exchange_server_has_another_name_by_now() {
    let (mut example, intent) = in_doubt(1);
    example.pass(minutes(61));
    example.settle();
    let renamed = example.policy.exchange.remove(&name("exa2")).unwrap();
    example.policy.exchange.insert(name("exa9"), renamed);
    assert_eq!(why(&example), Some(unknown(intent)));
    let request = request::skip(example.world(), "dst", "EXA2", "the installer has ended");
    file_it(&mut example, "olga", request);
    assert_eq!(why(&example), None);
    let no_more = request::skip(example.world(), "dst", "exa2", "the same").unwrap_err().to_string();
    assert_eq!(no_more, "host \"exa2\" is not known: hosts of rollout dst are exa1");
}

/// The coordinator is started with a configuration that lacks the host, which nothing is heard of from there on.
fn leaves(example: &mut Example, host: &str) {
    example.policy.hosts.remove(&name(host));
    example.policy.exchange.remove(&name(host));
    example.policy.goodlink.get_mut(&name("gla")).unwrap().exchange.remove(&name(host));
    unheard(example, host);
}

/// It showed how the act ended long before it was taken out of service.
#[test]
fn what_was_shown_before_the_host_left_is_in_doubt_no_more() {
    for shown in [true, false] {
        let (mut example, intent) = in_doubt(1);
        if shown {
            example.pass(minutes(1));
            example.exchange("exa2", AFTER);
            example.settle();
            assert_eq!(why(&example), None);
        }
        leaves(&mut example, "exa2");
        let doubt = why(&example);
        assert_eq!(doubt.is_some(), !shown, "intent {intent}: {doubt:?}");
    }
}

fn unheard(example: &mut Example, host: &str) {
    example.estate.hosts.remove(&name(host));
    example.estate.sessions.remove(&name(host));
}

/// Why a restart of GoodLink that a person wants does not begin.
fn against_restart(example: &Example) -> Vec<String> {
    let blocked = plan::remedy::may_restart(example.world(), &name("gla"), None);
    blocked.iter().map(ToString::to_string).collect()
}

/// It runs there all the same, or may: the doubt is not forgotten with the name, and the person who has looked ends it.
#[test]
fn a_doubt_outlasts_that_its_host_leaves_the_configuration() {
    let (mut example, intent) = in_doubt(1);
    example.pass(minutes(61));
    example.settle();
    let request = request::restart_force(example.world(), "gla", "the console hangs");
    file_it(&mut example, "olga", request);
    leaves(&mut example, "exa2");
    let doubt = format!(
        "how intent {intent} ended is unknown, and the host is not configured any more: look whether it still runs; if it does \
         not, `sendgate rollout skip dst exa2 --reason WHY`"
    );
    assert_eq!(view::status(example.world()).disrupted, [(name("exa2"), doubt.clone())].into());
    assert_eq!(against_restart(&example), [format!("1 of at most 1 hosts are disrupted: exa2 ({doubt})")]);
    assert_eq!(example.settle().0, []);
    let request = request::skip(example.world(), "dst", "EXA2", "the installer has ended");
    file_it(&mut example, "olga", request);
    assert_eq!(view::status(example.world()).disrupted, [].into());
    assert!(matches!(example.settle().0.as_slice(), [(_, Effect::RestartGoodlink { .. })]));
}

fn is_in_doubt_until_somebody_looks(example: &mut Example, intent: Sequence) {
    let said = why(example).unwrap();
    assert!(
        said.starts_with(&format!("how intent {intent} ended is unknown, and the host is not configured")),
        "{said}"
    );
    has_looked(example);
    assert_eq!(why(example), None);
}

/// Whoever stops everything has not said of this host that nothing runs there, and it never answers itself.
#[test]
fn an_abort_ends_no_doubt_about_a_host_that_the_configuration_lacks() {
    let (mut example, intent) = in_doubt(1);
    let request = request::rollout_abort(example.world(), "dst", "enough");
    file_it(&mut example, "olga", request);
    leaves(&mut example, "exa2");
    is_in_doubt_until_somebody_looks(&mut example, intent);
}

/// What has its permit runs whatever the configuration says, and when nothing is heard of it any more its end is unknown.
#[test]
fn an_act_that_runs_outlasts_that_its_host_leaves_the_configuration() {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", &waves()));
    install_next(&mut example, "exa1");
    example.pass(minutes(15));
    let intent = installs(&offered(&mut example))[0].1;
    example.append(Entry::Permitted { intent, holder: None });
    leaves(&mut example, "exa2");
    let request = request::restart_force(example.world(), "gla", "the console hangs");
    file_it(&mut example, "olga", request);
    let runs = format!(
        "install kb926666 on exa2 (rollout dst) (intent {intent}) is under way, and the host is not configured any more: \
         configure it again under this name, so that its end is heard"
    );
    assert_eq!(why(&example), Some(runs.clone()));
    assert_eq!(against_restart(&example), [format!("1 of at most 1 hosts are disrupted: exa2 ({runs})")]);
    assert_eq!(example.settle().0, []);
    assert!(request::skip(example.world(), "dst", "exa2", "enough").is_err());
    example.pass(minutes(61));
    unheard(&mut example, "exa2");
    example.settle();
    is_in_doubt_until_somebody_looks(&mut example, intent);
}

/// Nobody could ever end that: how a restart ended only its host shows.
#[test]
fn a_restart_of_unknown_end_on_a_host_that_the_configuration_lacks_is_in_no_doubt() {
    let mut example = Example::covered();
    let request = request::restart_force(example.world(), "gla", "the console hangs");
    file_it(&mut example, "olga", request);
    let (effects, _) = example.settle();
    let [(intent, Effect::RestartGoodlink { .. })] = effects.as_slice() else { panic!("{effects:?}") };
    example.append(Entry::Permitted { intent: *intent, holder: None });
    example.policy.hosts.remove(&name("gla"));
    example.policy.goodlink.clear();
    let down = |example: &Example| disrupted(example.world(), None).contains_key(&name::<HostName>("gla"));
    assert!(down(&example));
    example.end(*intent, Outcome::Unknown { detail: "nothing was heard".into() });
    assert!(!down(&example));
}

/// What the act was for says which limits it counts for; of domains and of who stands in for whom, nobody can say that.
#[test]
fn a_host_that_the_configuration_lacks_counts_as_what_its_act_was_for() {
    let (mut example, _) = in_doubt(1);
    leaves(&mut example, "exa2");
    let limits = |limits: &mut Limits, exchange, goodlink, domain| {
        limits.estate = 9.try_into().unwrap();
        (limits.exchange, limits.goodlink, limits.domain) = (exchange, goodlink, domain);
    };
    let one = Some(1.try_into().unwrap());
    let against = |example: &Example, host: &str| {
        let blocked = disruption::no_room(example.world(), &name(host), None);
        blocked.iter().map(|why| why.to_string().split(':').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    limits(&mut example.policy.disruption, one, one, None);
    assert_eq!(against(&example, "exa1"), ["1 of at most 1 Exchange hosts are disrupted"]);
    assert_eq!(against(&example, "gla"), Vec::<String>::new());
    limits(&mut example.policy.disruption, None, None, one);
    assert_eq!(against(&example, "exa1"), ["1 of at most 1 hosts of a.example.test are disrupted"]);
    assert_eq!(against(&example, "gla"), ["1 of at most 1 hosts of a.example.test are disrupted"]);
}
