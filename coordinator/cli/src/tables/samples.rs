//! Hand-made values for the layouts' tests.

use sendgate_core::coverage::advice::Advice;
use sendgate_core::coverage::verdict::{DecidingEntry, ServerVerdict};
use sendgate_core::coverage::{Cause, Verdict, VerdictKind};
use sendgate_core::gate::Reason;
use sendgate_core::ledger::{Entry, Generation, Outcome, RolloutSpec, RolloutState, Sequence, Sha256, Stamped, Waiver};
use sendgate_core::plan::rollout::{HostProgress, Phase};
use sendgate_core::policy::GrantMode;
use sendgate_core::time::{Now, Steady};
use sendgate_core::view::*;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn reason(reason: Reason) -> ReasonLine {
    ReasonLine { text: reason.to_string(), reason }
}

fn waiver() -> Waiver {
    Waiver {
        user: name("boss@a.example.test"),
        by: name("anna"),
        reason: "leaves in December".to_owned(),
        expires: name("2026-12-01T00:00:00Z"),
    }
}

pub(super) fn gate_closed() -> GateView {
    let users = ["x@a.example.test", "y@a.example.test"].map(name).into();
    let settling = reason(Reason::Settling { users, remaining: Duration::from_secs(750) });
    let cell =
        |server, state, reasons| CellView { domain: name("a.example.test"), server: name(server), state, reasons };
    GateView {
        subject: "a.example.test".to_owned(),
        state: GateState::Closed,
        reasons: vec![settling.clone()],
        cells: vec![cell("exa1", GateState::Closed, vec![settling]), cell("exa2", GateState::Open, vec![])],
        laboratory: true,
    }
}

pub(super) fn domain() -> DomainLine {
    DomainLine {
        domain: name("a.example.test"),
        gate: GateState::CannotTell,
        reasons: vec![reason(Reason::NotSurveyed { domain: name("a.example.test") })],
        servers: [("a1.a.example.test", "read"), ("a2.a.example.test", "connection refused")]
            .map(|(server, what)| (server.to_owned(), what.to_owned()))
            .into(),
        age: None,
        users: [("covered".to_owned(), 200), ("missing".to_owned(), 1)].into(),
        grants: GrantMode::Advise,
    }
}

pub(super) fn status() -> StatusView {
    StatusView {
        generation: Some(Generation { epoch: 0xab, counter: 3 }),
        journal: 42,
        laboratory: true,
        domains: vec![domain()],
        rollouts: vec![RolloutLine { rollout: name("march"), state: "running".to_owned() }],
        breaches: vec![BreachLine { server: name("exa2"), users: 3, waived: 1, certain: false }],
        paused: vec![
            PausedLine {
                goodlink: name("gla"),
                users: Ok([(name("jdoe"), "a restart may help in 12m 0s".to_owned())].into()),
            },
            PausedLine { goodlink: name("glb"), users: Err("its host has not reported".to_owned()) },
        ],
        disrupted: [(name("exa1"), "it has been silent for 3m 0s".to_owned())].into(),
        waivers: vec![WaiverLine { waiver: waiver() }],
        drift: vec![],
    }
}

pub(super) fn hosts() -> HostsView {
    let exchange = HostLine {
        host: name("exa1"),
        agent: name("exa1"),
        connected: true,
        silent: Some(minutes(3)),
        exchange: Some("exa1".to_owned()),
        goodlink: None,
        store: Some(Err("no such file".to_owned())),
        enforces: Some("unknown".to_owned()),
        service: Some(Ok("running".to_owned())),
        paused: None,
        unready: Some("it has been silent for 3m 0s".to_owned()),
    };
    let goodlink = HostLine {
        host: name("gla"),
        agent: name("gla"),
        connected: true,
        silent: Some(Duration::from_secs(1)),
        exchange: None,
        goodlink: Some("gla".to_owned()),
        store: None,
        enforces: None,
        service: Some(Ok("running".to_owned())),
        paused: Some(Ok((2, 1))),
        unready: None,
    };
    HostsView { hosts: vec![exchange, goodlink] }
}

pub(super) fn coverage() -> CoverageView {
    let line = |user: &str, verdict: &str, cause: &str, pair, waived| UserLine {
        user: name(user),
        directory_name: name(&format!("{user}@a.example.test")),
        goodlink: name("gla"),
        account: name("goodadmin@a.example.test"),
        verdict: verdict.to_owned(),
        cause: cause.to_owned(),
        pair,
        waived,
    };
    CoverageView {
        domain: name("a.example.test"),
        age: Some(Duration::from_secs(750)),
        groups: [("covered".to_owned(), 2), ("denied: an entry denies it".to_owned(), 1)].into(),
        triage: "some are not covered".to_owned(),
        users: vec![
            line("old", "covered", "an entry grants it", PairLine::Nothing, false),
            line("new", "covered", "an entry grants it", PairLine::Landed { second_look: minutes(65) }, false),
            line("boss", "denied", "an entry denies it", PairLine::Lacking, true),
        ],
    }
}

pub(super) fn explain() -> ExplainView {
    let entry = DecidingEntry { index: 4, sddl: "(OD;;CR;;;S-1-5-9)".to_owned(), inherited: false };
    let denied = ServerVerdict { kind: VerdictKind::Denied, cause: Cause::DeniedByEntry, deciding: Some(entry) };
    let missing = ServerVerdict { kind: VerdictKind::Missing, cause: Cause::NoEntry, deciding: None };
    let servers = [(name("a1.a.example.test"), denied), (name("a2.a.example.test"), missing)].into();
    let user = ExplainedUser {
        user: name("boss"),
        directory_name: name("boss@a.example.test"),
        goodlink: name("gla"),
        account: name("goodadmin@a.example.test"),
        resolution: "CN=boss,DC=a".to_owned(),
        domain: Some(name("a.example.test")),
        home: Some("exa1".to_owned()),
        verdict: Some(Verdict { kind: VerdictKind::Denied, cause: Cause::DeniedByEntry, servers }),
        sentence: "boss is denied".to_owned(),
        pair: PairLine::Lacking,
        waiver: Some(waiver()),
        paused: "not paused by the Send As error".to_owned(),
    };
    ExplainView { asked: "boss".to_owned(), users: vec![user] }
}

fn host_lines() -> Vec<RolloutHostLine> {
    let line = |host: &str, phase: Phase, reasons: &[&str]| RolloutHostLine {
        phase: phase.to_string(),
        reasons: reasons.iter().map(ToString::to_string).collect(),
        progress: HostProgress { server: name(host), host: name(host), phase, blocked: BTreeSet::new() },
    };
    vec![
        line("exa1", Phase::Failed { why: "exit code 3".to_owned() }, &[]),
        line("exa2", Phase::Waiting, &["exa1 comes first"]),
    ]
}

pub(super) fn rollout() -> RolloutView {
    RolloutView {
        spec: RolloutSpec {
            name: name("march"),
            package: name("KB"),
            sha256: Sha256([0xab; 32]),
            target: name("6.5.7653.33"),
            servers: vec![name("exa1"), name("exa2")],
            at_once: NonZeroU32::MIN,
        },
        state: "running".to_owned(),
        lifecycle: RolloutState::Running { since: Steady::START },
        hosts: host_lines(),
    }
}

pub(super) fn plan() -> PlanView {
    let texts = |text: &str| vec![text.to_owned()];
    PlanView {
        steps: texts("survey a.example.test"),
        under_way: vec![IntentLine {
            intent: Sequence(17),
            effect: "install KB on exa1 (rollout march)".to_owned(),
            state: "permitted".to_owned(),
        }],
        rollouts: [(name("march"), host_lines())].into(),
        remedies: [(name("gla"), texts("remedy.goodlink_restart is off"))].into(),
        grants: BTreeMap::from([(name("a.example.test"), texts("grants.mode is advise"))]),
    }
}

pub(super) fn grants() -> GrantsView {
    let long = "x".repeat(200);
    let advice = Advice {
        dsacls: Some(format!("dsacls \"{long} {long}\"")),
        powershell: "Add-ADPermission".to_owned(),
        ldif: None,
    };
    GrantsView {
        proposed: vec![GrantLine {
            grant: "grant Send As to goodadmin on DC=a".to_owned(),
            mode: GrantMode::Advise,
            advice,
        }],
        journaled: vec![IntentLine {
            intent: Sequence(9),
            effect: "grant Send As to goodadmin on OU=b".to_owned(),
            state: "succeeded".to_owned(),
        }],
    }
}

pub(super) fn record() -> Vec<u8> {
    let entry = Entry::Outcome {
        intent: Sequence(5),
        outcome: Outcome::Failed { detail: "exit code 3\nlast line\n".to_owned() },
    };
    let at = Now { wall: name("2026-11-24T22:00:00Z"), steady: Steady::START };
    serde_json::to_vec(&Stamped { at, entry }).unwrap()
}

#[test]
fn every_view_comes_back_from_its_json() {
    fn there_and_back<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(view: &T) {
        let json = serde_json::to_vec(view).unwrap();
        assert_eq!(&serde_json::from_slice::<T>(&json).unwrap(), view);
    }
    there_and_back(&status());
    there_and_back(&hosts());
    there_and_back(&coverage());
    there_and_back(&explain());
    there_and_back(&gate_closed());
    there_and_back(&grants());
    there_and_back(&rollout());
    there_and_back(&plan());
}
