//! Hand-made values for the layouts' tests.

mod one_user;

pub(super) use one_user::explain;

use sendgate_core::coverage::advice::Advice;
use sendgate_core::coverage::report::Scope;
use sendgate_core::enforcement::{Change, Enforcement, Judgement, Means};
use sendgate_core::estate::CertificateHolder;
use sendgate_core::gate::Reason;
use sendgate_core::ledger::{
    Drift, Entry, Generation, Held, Hold, Outcome, RolloutState, Sequence, Sha256, Stamped, Takeover, Waiver,
};
use sendgate_core::plan::diagnosis::{Check, Conclusion, Diagnosis, Finding, Suspect};
use sendgate_core::plan::rollout::{Class, HostProgress, Phase, Tally};
use sendgate_core::policy::GrantMode;
use sendgate_core::spec::{Expected, OnTrip, PackageSpec, RolloutSpec, Thresholds, WaveSpec, Windows};
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
        seen: [("a1.a.example.test".to_owned(), Duration::from_millis(1500))].into(),
        full_survey: Some(minutes(12)),
        age: None,
        warnings: 2,
        users: [("covered".to_owned(), 200), ("missing".to_owned(), 1)].into(),
        grants: GrantMode::Advise,
    }
}

pub(super) fn status() -> StatusView {
    StatusView {
        generation: Some(Generation { epoch: 0xab, counter: 3, mark: 1 }),
        journal: 42,
        laboratory: true,
        strangers: [(name("exa2"), "it has obeyed another".to_owned())].into(),
        takeover: Some(Takeover {
            generation: Generation { epoch: 0xab, counter: 2, mark: 1 },
            supersedes: [0xaa].into(),
            by: name("anna"),
            reason: "the disk was lost".to_owned(),
        }),
        certificates: vec![CertificateLine {
            holder: CertificateHolder::Agent(name("exa1")),
            ends: Ok(name("2026-12-06T22:00:00Z")),
            ended: false,
            left: Some("12 days".to_owned()),
        }],
        domains: vec![domain()],
        rollouts: vec![RolloutLine { rollout: name("march"), state: "running".to_owned() }],
        breaches: vec![BreachLine { server: name("exa2"), users: 3, waived: 1, certain: false, since: None }],
        breaches_not_known: [(name("exa3"), "its host is silent".to_owned())].into(),
        forced: [(name("glb"), "restart wanted by anna: now; not begun yet, and void in 12m 0s".to_owned())].into(),
        paused: vec![
            PausedLine {
                goodlink: name("gla"),
                users: Ok([
                    (name("boss"), "still paused long after his right landed".to_owned()),
                    (name("jdoe"), "a restart may help in 12m 0s".to_owned()),
                ]
                .into()),
                diagnoses: [(name("boss"), diagnosis().conclusion)].into(),
            },
            PausedLine {
                goodlink: name("glb"),
                users: Err("its host has not reported".to_owned()),
                diagnoses: BTreeMap::new(),
            },
        ],
        disrupted: [(name("exa1"), "it has been silent for 3m 0s".to_owned())].into(),
        holds: vec![HoldLine { held: Held::Domain(name("a.example.test")), hold: hold() }],
        waivers: vec![WaiverLine { waiver: waiver() }],
        drift: vec![DriftLine {
            drift: Drift {
                host: name("exa2"),
                before: name("6.5.7233.54"),
                after: name("6.5.7638.1"),
                holds: [].into(),
                at: Now { wall: name("2026-11-24T22:00:00Z"), steady: Steady::START },
            },
            change: Change {
                from: Judgement { enforces: Enforcement::Yes, branch: "SP1 with the hotfix".to_owned() },
                to: Judgement { enforces: Enforcement::No, branch: "SP2".to_owned() },
                means: Means::Stops,
            },
            users: Concerned { server: Some(name("exa2")), users: 7, uncovered: 3, waived: 1, more: None },
        }],
    }
}

pub(super) fn diagnosis() -> Diagnosis {
    let timer = Check {
        suspect: Suspect::PauseTimer,
        finding: Finding::ItIs { evidence: "no restart of GoodLink is known".to_owned() },
        next: Some("sendgate goodlink restart gla --reason WHY".to_owned()),
    };
    let replication = Check {
        suspect: Suspect::Replication,
        finding: Finding::RuledOut { evidence: "every server shows the right".to_owned() },
        next: None,
    };
    Diagnosis {
        user: name("boss"),
        directory_name: Some(name("boss@a.example.test")),
        goodlink: name("gla"),
        remaining: Duration::ZERO,
        conclusion: Conclusion {
            suspect: Some(Suspect::PauseTimer),
            certain: true,
            cause: "no restart of GoodLink is known".to_owned(),
            next: "sendgate goodlink restart gla --reason WHY".to_owned(),
            beside: vec![Suspect::UnwatchedServer],
        },
        checks: vec![replication, timer],
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
        roster: None,
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
        roster: Some(Ok(203)),
        unready: None,
    };
    HostsView { hosts: vec![exchange, goodlink] }
}

pub(super) fn coverage() -> CoverageView {
    let line = |user: &str, pair| UserLine {
        user: Some(name(user)),
        directory_name: name(&format!("{user}@a.example.test")),
        dn: Some(format!("CN={user},DC=a")),
        goodlink: Some(name("gla")),
        account: Some(name("goodadmin@a.example.test")),
        verdict: "covered".to_owned(),
        cause: "an entry grants it".to_owned(),
        evidence: None,
        warning: None,
        pair,
        waived: false,
    };
    CoverageView {
        domain: name("a.example.test"),
        scope: Scope::Roster,
        age: Some(Duration::from_secs(750)),
        groups: [("covered".to_owned(), 3), ("denied: an entry denies it".to_owned(), 1)].into(),
        warnings: [("everybody has the right".to_owned(), 1)].into(),
        triage: "1 of 4 are not covered: denies (1)".to_owned(),
        not_known: Vec::new(),
        users: vec![
            line("old", PairLine::Nothing),
            line("new", PairLine::Landed { second_look: minutes(65) }),
            UserLine {
                verdict: "denied".to_owned(),
                cause: "an entry denies it".to_owned(),
                evidence: Some("entry 4 on a1, his own: (OD;;CR;;;S-1-5-9)".to_owned()),
                waived: true,
                ..line("boss", PairLine::Lacking)
            },
            UserLine { warning: Some("everybody has the right".to_owned()), ..line("loose", PairLine::Nothing) },
        ],
    }
}

fn host_lines() -> Vec<RolloutHostLine> {
    let line = |host: &str, phase: Phase, reasons: &[&str]| RolloutHostLine {
        phase: phase.to_string(),
        reasons: reasons.iter().map(ToString::to_string).collect(),
        progress: HostProgress {
            wave: if host == "exa1" { 0 } else { 1 },
            server: name(host),
            host: name(host),
            phase,
            blocked: BTreeSet::new(),
        },
    };
    vec![
        line("exa1", Phase::Failed { class: Class::Install, why: "exit code 3".to_owned() }, &[]),
        line("exa2", Phase::Waiting, &["exa1 comes first"]),
    ]
}

pub(super) fn spec() -> RolloutSpec {
    let wave = |wave: &str, server: &str| WaveSpec {
        name: name(wave),
        servers: vec![name(server)],
        soak: Duration::from_secs(3600),
        at_once: NonZeroU32::MIN,
    };
    let thresholds = Thresholds { new_pauses: 2, new_pauses_percent: Some(1), ..Thresholds::default() };
    let twenty = Duration::from_secs(1200);
    RolloutSpec {
        name: name("march"),
        package: PackageSpec {
            name: name("KB926666"),
            sha256: Sha256([0xab; 32]),
            kb: 926_666,
            target: name("6.5.7653.33"),
        },
        waves: vec![wave("canary", "exa1"), wave("rest", "exa2")],
        thresholds,
        wave_thresholds: thresholds,
        windows: Windows::AnyTime,
        test_send: false,
        approvals: 1,
        on_trip: OnTrip::Stop,
        expected: Expected { install: twenty, restart: twenty, removal: twenty },
        patience: Duration::from_secs(24 * 3600),
    }
}

/// Of the form that the rollout is in.
pub(super) fn digest() -> Sha256 {
    Sha256([0xcd; 32])
}

pub(super) fn rollout() -> RolloutView {
    RolloutView {
        spec: spec(),
        author: name("olga"),
        approved: BTreeMap::new(),
        waves_done: 0,
        removal: None,
        tallies: vec![Tally {
            of: "the rollout".to_owned(),
            changed: [name("exa1")].into(),
            new_pauses: BTreeSet::new(),
            not_known: BTreeMap::new(),
            roster_users: 0,
            tests: BTreeSet::new(),
            failed: [(name("exa1"), (Class::Install, "exit code 3".to_owned()))].into(),
            allowed: spec().thresholds,
        }],
        state: "running".to_owned(),
        lifecycle: RolloutState::Running { since: Steady::START },
        hosts: host_lines(),
    }
}

pub(super) fn hold() -> Hold {
    let at = Now { wall: name("2026-11-24T22:00:00Z"), steady: Steady::START };
    Hold { by: Some(name("anna")), reason: "move of mailboxes".to_owned(), at }
}

pub(super) fn forecast() -> ForecastView {
    let begins = Some(name("2026-12-01T01:00:00Z"));
    let waves = ["canary", "rest"].map(name).into_iter().zip(host_lines());
    // Of a file, nothing has begun yet.
    let waiting = |mut line: RolloutHostLine| {
        (line.phase, line.progress.phase) = (Phase::Waiting.to_string(), Phase::Waiting);
        line
    };
    let waves = waves.map(|(name, line)| WaveForecast {
        name,
        takes: minutes(60),
        needs: minutes(120),
        hosts: vec![HostForecast { begins, held: false, fits: true, line: waiting(line) }],
    });
    ForecastView {
        spec: spec(),
        applied: false,
        state: None,
        removal: false,
        waits: Duration::ZERO,
        waves: waves.collect(),
        ends: begins,
        held: Vec::new(),
        openings: Vec::new(),
        refused: None,
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
        not_known: BTreeMap::new(),
        waiting: Vec::new(),
        waiting_more: 0,
        approved: Vec::new(),
        undone: Vec::new(),
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
    there_and_back(&forecast());
}
