//! Hand-made values for the layouts' tests.

mod one_user;
mod rollouts;

pub(super) use one_user::explain;
use rollouts::host_lines;
pub(super) use rollouts::{digest, forecast, rollout, spec};

use sendgate_core::coverage::advice::Advice;
use sendgate_core::coverage::report::Scope;
use sendgate_core::enforcement::{Change, Enforcement, Judgement, Means};
use sendgate_core::estate::CertificateHolder;
use sendgate_core::gate::Reason;
use sendgate_core::ledger::{Drift, Entry, Generation, Held, Hold, Outcome, Sequence, Stamped, Takeover, Waiver};
use sendgate_core::plan::diagnosis::{Check, Conclusion, Diagnosis, Finding, Suspect};
use sendgate_core::policy::GrantMode;
use sendgate_core::time::{Now, Steady};
use sendgate_core::view::*;
use std::collections::BTreeMap;
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
        holds: vec![held(Held::Domain(name("a.example.test")), hold())],
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

pub(super) fn held(held: Held, hold: Hold) -> HoldLine {
    HoldLine { held, hold, not_configured: None }
}

pub(super) fn hold() -> Hold {
    let at = Now { wall: name("2026-11-24T22:00:00Z"), steady: Steady::START };
    Hold { by: Some(name("anna")), reason: "move of mailboxes".to_owned(), at }
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
