//! Test Send: once every host of a wave shows the hotfix, each GoodLink server that may use a changed server sends through
//! it, which proves the right end to end. Nothing is changed by it; since it occupies the agent it counts as a disruption.

use super::after_failure::{self, AfterFailure};
use super::{About, HostProgress, Phase, REFUSALS, ours, wave};
use crate::gate::World;
use crate::ledger::{Effect, Intent, IntentState, Outcome, Rollout, Sequence};
use crate::names::{ExchangeServerName, GoodLinkName, HostName};
use crate::plan::{Blocked, Step, disruption, hold};
use std::collections::BTreeSet;

/// One test.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Test {
    pub(super) goodlink: GoodLinkName,
    pub(super) host: HostName,
    pub(super) server: ExchangeServerName,
}

/// How a test stands.
pub(super) enum Standing {
    /// It is to be made.
    Wanted,
    /// It is on offer or runs.
    Pending(Sequence),
    /// The message was sent.
    Passed,
    /// It was not, or nobody knows.
    Failed(String),
}

/// The tests that the wave needs by now.
pub(super) fn of_wave(world: World<'_>, rollout: &Rollout, wave: u32, hosts: &[HostProgress]) -> BTreeSet<Test> {
    let through = rollout.spec.test_send && not_through(world, rollout, wave, hosts).is_none();
    if through { whenever(world, rollout, wave, hosts) } else { BTreeSet::new() }
}

/// Why the wave is not tested yet: a host of it is not through, or a store is waited for.
fn not_through(world: World<'_>, rollout: &Rollout, wave: u32, hosts: &[HostProgress]) -> Option<Blocked> {
    hosts.iter().filter(|host| host.wave == wave).find_map(|HostProgress { server, host, phase, .. }| {
        let about = About { world, rollout, wave, server, host, except: None };
        match phase {
            Phase::Soaking { .. } => wave::inconclusive(&about).or_else(|| wave::awaited(&about)),
            // What its installer left behind may serve in a while.
            Phase::Failed { .. } => match after_failure::after(&about) {
                AfterFailure::NotHeard(why) => Some(why),
                AfterFailure::There(_) => after_failure::awaited(&about),
                AfterFailure::Nothing => None,
            },
            phase if *phase == Phase::Waiting || phase.in_flight() => {
                Some(Blocked::Host { host: host.clone(), why: format!("it is {phase}") })
            }
            _ => None,
        }
    })
}

/// Why a test that is on offer is not to be made as things are: it would not be planned now.
pub(in crate::plan) fn not_needed(
    world: World<'_>,
    rollout: &Rollout,
    effect: &Effect,
    hosts: &[HostProgress],
) -> Option<Blocked> {
    let Effect::TestSend { wave, goodlink, host, server, .. } = effect else { return None };
    let no_help = |why: String| Some(Blocked::NoHelp { why });
    if wave::current(rollout, hosts) != Some(*wave) {
        return no_help(format!("wave {} is not watched any more", wave.saturating_add(1)));
    }
    if let Some(why) = not_through(world, rollout, *wave, hosts) {
        return Some(why);
    }
    let test = Test { goodlink: goodlink.clone(), host: host.clone(), server: server.clone() };
    let needed = whenever(world, rollout, *wave, hosts).contains(&test);
    if needed { None } else { no_help(format!("{goodlink} need not test sending through {server} any more")) }
}

/// The same whether or not its hosts are through: one that was left out and is wanted after all may come later.
fn whenever(world: World<'_>, rollout: &Rollout, wave: u32, hosts: &[HostProgress]) -> BTreeSet<Test> {
    if !rollout.spec.test_send || rollout.removal.is_some() {
        return BTreeSet::new();
    }
    let of_wave = || hosts.iter().filter(|host| host.wave == wave);
    // Whoever left a host out has taken it out of the proof as well: its store may never serve again.
    let stays = of_wave().filter(|host| !matches!(host.phase, Phase::Skipped { .. }));
    let changed: BTreeSet<&ExchangeServerName> =
        stays.filter(|host| ours(world, rollout, &host.host)).map(|host| &host.server).collect();
    let tests = world.policy.goodlink.iter().flat_map(|(name, goodlink)| {
        let servers = changed.iter().filter(|server| goodlink.exchange.contains(**server));
        servers.map(|server| Test { goodlink: name.clone(), host: goodlink.host.clone(), server: (*server).clone() })
    });
    tests.collect()
}

/// Whether one of the rollout's tests has its permit.
pub(super) fn is_under_way(world: World<'_>, rollout: &Rollout) -> bool {
    world.ledger.open().any(|(_, intent)| {
        let test = matches!(&intent.effect, Effect::TestSend { rollout: name, .. } if *name == rollout.spec.name);
        test && matches!(intent.state, IntentState::Permitted { .. })
    })
}

/// How the test stands; what was before a person let the rollout go on does not count any more.
pub(super) fn standing(
    world: World<'_>,
    rollout: &Rollout,
    wave: u32,
    test: &Test,
    except: Option<Sequence>,
) -> Standing {
    let since = rollout.resumed.map_or(Sequence::FIRST, Sequence::next);
    let ours: Vec<(Sequence, &Intent)> = world
        .ledger
        .intents
        .range(since..)
        .filter(|(id, intent)| Some(**id) != except && is(&intent.effect, rollout, wave, test))
        .map(|(id, intent)| (*id, intent))
        .collect();
    let Some((id, last)) = ours.last() else { return Standing::Wanted };
    match &last.state {
        IntentState::Filed | IntentState::Permitted { .. } => Standing::Pending(*id),
        // What a store has become since it has not proved.
        IntentState::Ended { outcome: Outcome::Succeeded { .. }, .. } if changed_since(world, rollout, test, last) => {
            Standing::Wanted
        }
        IntentState::Ended { outcome: Outcome::Succeeded { .. }, .. } => Standing::Passed,
        IntentState::Ended { outcome: Outcome::Withdrawn { .. }, .. } => Standing::Wanted,
        IntentState::Ended { outcome: Outcome::NotStarted { detail }, .. } => {
            let refused = |intent: &Intent| {
                matches!(intent.state, IntentState::Ended { outcome: Outcome::NotStarted { .. }, .. })
            };
            // Those before it went well once are not of this attempt.
            let passed =
                |intent: &Intent| matches!(intent.state, IntentState::Ended { outcome: Outcome::Succeeded { .. }, .. });
            let since = ours.iter().rev().take_while(|(_, intent)| !passed(intent));
            let refusals = since.filter(|(_, intent)| refused(intent)).count();
            if refusals < REFUSALS {
                return Standing::Wanted;
            }
            Standing::Failed(format!("the agent refused {refusals} times: {detail}"))
        }
        IntentState::Ended { outcome: outcome @ (Outcome::Failed { .. } | Outcome::Unknown { .. }), .. } => {
            Standing::Failed(outcome.to_string())
        }
    }
}

/// Whether a host of the server was changed, or was shown to be, after the test was filed: tried again, or late.
fn changed_since(world: World<'_>, rollout: &Rollout, test: &Test, sent: &Intent) -> bool {
    let hosts = world.policy.exchange.get(&test.server).into_iter().flat_map(|server| &server.hosts);
    let changed = |host: &HostName| {
        let shown = rollout.verified.get(host).into_iter().chain(world.ledger.versions_noted.get(host)).max();
        shown.is_some_and(|shown| *shown > sent.filed)
    };
    hosts.filter(|host| ours(world, rollout, host)).any(changed)
}

fn is(effect: &Effect, rollout: &Rollout, wave: u32, test: &Test) -> bool {
    match effect {
        Effect::TestSend { rollout: name, wave: of, goodlink, server, .. } => {
            *name == rollout.spec.name && *of == wave && *goodlink == test.goodlink && *server == test.server
        }
        _ => false,
    }
}

/// Why the test cannot be made now.
pub(in crate::plan) fn may_test(
    world: World<'_>,
    rollout: &Rollout,
    goodlink: &GoodLinkName,
    host: &HostName,
    except: Option<Sequence>,
) -> BTreeSet<Blocked> {
    let mut blocked = BTreeSet::new();
    if !matches!(rollout.state, crate::ledger::RolloutState::Running { .. }) {
        blocked.insert(Blocked::NotRunning { state: rollout.state.to_string() });
    }
    blocked.extend(hold::blocking(world, || hold::over_test(world, &rollout.spec.name, goodlink, host)));
    let not_ready = |why: String| Blocked::Host { host: host.clone(), why };
    blocked.extend(disruption::unready(world, host).map(not_ready));
    if !world.policy.hosts.get(host).is_some_and(|agent| world.estate.sessions.contains(agent)) {
        blocked.insert(not_ready("its agent is not connected".to_owned()));
    }
    blocked.extend(disruption::no_room(world, host, except));
    blocked
}

/// What keeps the wave from being over.
pub(super) fn pending(world: World<'_>, rollout: &Rollout, wave: u32, hosts: &[HostProgress]) -> Vec<Blocked> {
    let tests = of_wave(world, rollout, wave, hosts).into_iter();
    let left = tests.filter_map(|test| match standing(world, rollout, wave, &test, None) {
        Standing::Passed | Standing::Failed(_) => None,
        Standing::Pending(id) => Some(format!("{} tests sending through {} (intent {id})", test.goodlink, test.server)),
        Standing::Wanted => {
            let why = may_test(world, rollout, &test.goodlink, &test.host, None);
            let why = why.first().map_or_else(String::new, |why| format!(": {why}"));
            Some(format!("{} is to test sending through {}{why}", test.goodlink, test.server))
        }
    });
    left.map(|why| Blocked::Inconclusive { why }).collect()
}

/// Tests that failed, with how.
pub(super) fn failed(world: World<'_>, rollout: &Rollout, wave: u32, hosts: &[HostProgress]) -> Vec<(Test, String)> {
    let tests = whenever(world, rollout, wave, hosts).into_iter();
    let failed = tests.filter_map(|test| match standing(world, rollout, wave, &test, None) {
        Standing::Failed(why) => Some((test, why)),
        _ => None,
    });
    failed.collect()
}

/// The tests to make now.
pub(super) fn steps(world: World<'_>, rollout: &Rollout, wave: u32, hosts: &[HostProgress]) -> Vec<Step> {
    let tests = of_wave(world, rollout, wave, hosts).into_iter();
    let wanted = tests.filter(|test| matches!(standing(world, rollout, wave, test, None), Standing::Wanted));
    let ready = wanted.filter(|test| may_test(world, rollout, &test.goodlink, &test.host, None).is_empty());
    let step = |Test { goodlink, host, server }| {
        Step::Act(Effect::TestSend { rollout: rollout.spec.name.clone(), wave, goodlink, host, server })
    };
    ready.map(step).collect()
}
