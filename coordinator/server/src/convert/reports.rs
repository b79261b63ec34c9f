//! Reports and rosters, as they are kept.

use super::{WireError, said};
use jiff::Timestamp;
use sendgate_core::enforcement::StoreVersion;
use sendgate_core::estate::{
    Answer, ExchangeState, GoodLinkState, HostState, LaterPause, Pause, Roster, RosterDigest, Service, ServiceState,
};
use sendgate_core::names::{BadName, RosterName};
use sendgate_core::time::Steady;
use sendgate_proto::v1::{self as wire, paused_user, service, store_mounted, store_version};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// A host's report, as it is kept.
#[must_use]
pub fn host_state(report: wire::HostReport, reported: Steady) -> HostState {
    HostState { reported, exchange: report.exchange.map(exchange), goodlink: report.goodlink.map(goodlink) }
}

fn missing<T>(what: &str) -> Answer<T> {
    Err(format!("the agent's report does not say {what}"))
}

fn exchange(report: wire::ExchangeReport) -> ExchangeState {
    ExchangeState {
        store: match report.store_version.and_then(|version| version.result) {
            Some(store_version::Result::Version(version)) => version_of(version),
            Some(store_version::Result::Error(why)) => Err(said(&why)),
            None => missing("the version of store.exe"),
        },
        patches: match report.patches {
            Some(wire::Patches { names, error: None }) => Ok(names.into_iter().collect()),
            Some(wire::Patches { error: Some(why), .. }) => Err(said(&why)),
            None => missing("the installed patches"),
        },
        service: service_of(report.store_service),
        mounted: match report.store_mounted.and_then(|mounted| mounted.result) {
            Some(store_mounted::Result::Mounted(mounted)) => Ok(mounted),
            Some(store_mounted::Result::Error(why)) => Err(said(&why)),
            None => missing("whether the store is mounted"),
        },
    }
}

fn version_of(version: wire::Version) -> Answer<StoreVersion> {
    let part = |part: u32| u16::try_from(part).map_err(|_| format!("{part} is no part of a file version"));
    Ok(StoreVersion {
        major: part(version.major)?,
        minor: part(version.minor)?,
        build: part(version.build)?,
        revision: part(version.revision)?,
    })
}

fn service_of(service: Option<wire::Service>) -> Answer<Service> {
    let Some(service) = service else { return missing("how the service is") };
    if let Some(why) = service.error {
        return Err(said(&why));
    }
    let state = match service.state() {
        service::State::Running => ServiceState::Running,
        service::State::Stopped => ServiceState::Stopped,
        service::State::Starting => ServiceState::Starting,
        service::State::Stopping => ServiceState::Stopping,
        service::State::Unspecified => return missing("what the service does"),
    };
    let started = service.started_at_ms.map(time_of).transpose()?;
    Ok(Service { state, logon_account: service.logon_account, started })
}

fn time_of(milliseconds: i64) -> Answer<Timestamp> {
    Timestamp::from_millisecond(milliseconds).map_err(|error| format!("{milliseconds} ms is no time: {error}"))
}

fn goodlink(report: wire::GoodLinkReport) -> GoodLinkState {
    GoodLinkState {
        service: service_of(report.service),
        roster: match report.roster {
            Some(wire::RosterReference { error: Some(why), .. }) => Err(said(&why)),
            Some(wire::RosterReference { sha256, .. }) => {
                digest(&sha256).ok_or_else(|| "its digest is no SHA-256".to_owned())
            }
            None => missing("which roster there is"),
        },
        paused: match report.paused {
            Some(wire::Paused { error: Some(why), .. }) => Err(said(&why)),
            Some(wire::Paused { users, error: None }) => paused(users),
            None => missing("which users are paused"),
        },
    }
}

/// A user may be paused by several errors at once, each an entry of its own: the Send As one must not be hidden by
/// another, nor one that came later be hidden by it.
fn paused(users: Vec<wire::PausedUser>) -> Answer<BTreeMap<RosterName, Pause>> {
    let mut paused: BTreeMap<RosterName, Pause> = BTreeMap::new();
    for user in users {
        let (name, pause) = pause(user)?;
        let pause = match paused.remove(&name) {
            None => pause,
            Some(known) if known.send_as => beside(known, &pause),
            Some(known) if pause.send_as => beside(pause, &known),
            // Of several others, the one of the last line.
            Some(known) if known.last > pause.last => known,
            Some(_) => pause,
        };
        paused.insert(name, pause);
    }
    Ok(paused)
}

/// A pause that another error of the same user may have followed; the latest of those counts.
fn beside(mut pause: Pause, other: &Pause) -> Pause {
    let others = other.later.into_iter().chain([LaterPause { hresult: other.hresult, last: other.last }]);
    let later = others.chain(pause.later).filter(|later| later.last > pause.last).max_by_key(|later| later.last);
    pause.later = later;
    pause
}

fn pause(user: wire::PausedUser) -> Answer<(RosterName, Pause)> {
    let name: RosterName = user.name.parse().map_err(|error: BadName| error.to_string())?;
    let send_as = match user.cause() {
        paused_user::Cause::SendAs => true,
        paused_user::Cause::Other => false,
        paused_user::Cause::Unspecified => return Err(format!("the report does not say why {name} is paused")),
    };
    let (first, last) = (time_of(user.first_ms)?, time_of(user.last_ms)?);
    Ok((name, Pause { hresult: user.hresult, send_as, first, last, count: user.count, later: None }))
}

fn digest(bytes: &[u8]) -> Option<RosterDigest> {
    <[u8; 32]>::try_from(bytes).ok().map(RosterDigest)
}

/// The digest of a report's roster, if it has one.
#[must_use]
pub fn roster_digest(report: &wire::HostReport) -> Option<RosterDigest> {
    report.goodlink.as_ref().and_then(|goodlink| goodlink.roster.as_ref()).and_then(|roster| digest(&roster.sha256))
}

/// A whole roster from its parts; the digest must be that of the users.
///
/// # Errors
/// [`WireError`] if it is not, or a user is named twice.
pub fn roster(claimed: &[u8], users: Vec<wire::RosterUser>) -> Result<Roster, WireError> {
    let mut hash = Sha256::new();
    for user in &users {
        for (text, end) in [(&user.name, b"\0"), (&user.directory_name, b"\0"), (&user.server, b"\n")] {
            hash.update(text.as_bytes());
            hash.update(end);
        }
    }
    let computed: [u8; 32] = hash.finalize().into();
    if claimed != computed {
        return Err(WireError::Contract("the roster's users do not have the digest that was announced".to_owned()));
    }
    let mut by_name = BTreeMap::new();
    for user in users {
        let name: RosterName =
            user.name.parse().map_err(|error| WireError::Name { what: "name of a roster user", error })?;
        let directory_name = user
            .directory_name
            .parse()
            .map_err(|error| WireError::Name { what: "directory name of a roster user", error })?;
        if by_name.insert(name.clone(), directory_name).is_some() {
            return Err(WireError::Contract(format!("the roster names {name} twice")));
        }
    }
    Ok(Roster { digest: RosterDigest(computed), users: by_name })
}

#[cfg(test)]
mod tests {
    use super::super::DETAIL_LIMIT;
    use super::*;

    fn paused_user(name: &str, hresult: i64, cause: paused_user::Cause) -> wire::PausedUser {
        wire::PausedUser { name: name.into(), hresult, cause: cause.into(), first_ms: 1, last_ms: 2, count: 1 }
    }

    #[test]
    fn a_send_as_pause_is_not_hidden_by_another_error_of_the_same_user() {
        let send_as = paused_user("anna", -2_147_024_891, paused_user::Cause::SendAs);
        let other = paused_user("anna", -2_147_221_233, paused_user::Cause::Other);
        for users in [vec![send_as.clone(), other.clone()], vec![other, send_as]] {
            assert!(paused(users).unwrap()[&"anna".parse().unwrap()].send_as);
        }
    }

    #[test]
    fn a_later_error_of_the_same_user_is_not_hidden_by_the_send_as_one() {
        let at = |last_ms, hresult, cause| wire::PausedUser { last_ms, ..paused_user("anna", hresult, cause) };
        let send_as = at(20, -2_147_024_891, paused_user::Cause::SendAs);
        let earlier = at(10, -1, paused_user::Cause::Other);
        let (later, latest) = (at(30, -2, paused_user::Cause::Other), at(40, -3, paused_user::Cause::Other));
        let mut users = vec![earlier, later, latest, send_as];
        for _ in 0..users.len() {
            users.rotate_left(1);
            let anna = paused(users.clone()).unwrap().remove(&"anna".parse().unwrap()).unwrap();
            assert!(anna.send_as && anna.last == time_of(20).unwrap());
            assert_eq!(anna.later, Some(LaterPause { hresult: -3, last: time_of(40).unwrap() }));
        }
    }

    #[test]
    fn what_a_report_leaves_unsaid_is_an_error_and_never_a_good_answer() {
        let report = wire::HostReport {
            host: "gla".into(),
            exchange: Some(wire::ExchangeReport::default()),
            goodlink: Some(wire::GoodLinkReport::default()),
        };
        let state = host_state(report, Steady::START);
        let (exchange, goodlink) = (state.exchange.unwrap(), state.goodlink.unwrap());
        assert_eq!(exchange.store.unwrap_err(), "the agent's report does not say the version of store.exe");
        assert_eq!(exchange.mounted.unwrap_err(), "the agent's report does not say whether the store is mounted");
        assert!(exchange.patches.is_err() && exchange.service.is_err());
        assert!(goodlink.service.is_err() && goodlink.roster.is_err());
        assert_eq!(goodlink.paused.unwrap_err(), "the agent's report does not say which users are paused");
    }

    #[test]
    fn a_version_and_a_time_that_cannot_be_are_errors() {
        let version = wire::Version { major: 6, minor: 5, build: 70_000, revision: 1 };
        let service = wire::Service {
            state: service::State::Running.into(),
            started_at_ms: Some(i64::MAX),
            ..wire::Service::default()
        };
        let report = wire::HostReport {
            host: "exa1".into(),
            exchange: Some(wire::ExchangeReport {
                store_version: Some(wire::StoreVersion { result: Some(store_version::Result::Version(version)) }),
                store_service: Some(service),
                ..wire::ExchangeReport::default()
            }),
            goodlink: None,
        };
        let exchange = host_state(report, Steady::START).exchange.unwrap();
        assert_eq!(exchange.store.unwrap_err(), "70000 is no part of a file version");
        let error = exchange.service.unwrap_err();
        assert!(error.starts_with("9223372036854775807 ms is no time: "), "{error}");
    }

    /// An agent's error reaches reasons and the journal: it is cut where it comes in.
    #[test]
    fn what_an_agent_says_of_an_error_is_cut() {
        let why = "x".repeat(50_000);
        let service = || Some(wire::Service { error: Some(why.clone()), ..wire::Service::default() });
        let report = wire::HostReport {
            host: "gla".into(),
            exchange: Some(wire::ExchangeReport {
                store_version: Some(wire::StoreVersion { result: Some(store_version::Result::Error(why.clone())) }),
                patches: Some(wire::Patches { error: Some(why.clone()), ..wire::Patches::default() }),
                store_service: service(),
                store_mounted: Some(wire::StoreMounted { result: Some(store_mounted::Result::Error(why.clone())) }),
            }),
            goodlink: Some(wire::GoodLinkReport {
                service: service(),
                roster: Some(wire::RosterReference { error: Some(why.clone()), ..wire::RosterReference::default() }),
                paused: Some(wire::Paused { error: Some(why.clone()), ..wire::Paused::default() }),
            }),
        };
        let state = host_state(report, Steady::START);
        let (exchange, goodlink) = (state.exchange.unwrap(), state.goodlink.unwrap());
        let texts = [
            exchange.store.unwrap_err(),
            exchange.patches.unwrap_err(),
            exchange.service.unwrap_err(),
            exchange.mounted.unwrap_err(),
            goodlink.service.unwrap_err(),
            goodlink.roster.unwrap_err(),
            goodlink.paused.unwrap_err(),
        ];
        assert_eq!(texts.map(|text| text.len()), [DETAIL_LIMIT; 7]);
    }

    #[test]
    fn a_roster_must_have_the_digest_that_was_announced_and_name_nobody_twice() {
        let user = |name: &str| wire::RosterUser {
            name: name.into(),
            directory_name: format!("{name}@a.example.test"),
            server: String::new(),
        };
        let error = roster(&[0; 32], vec![user("anna")]).unwrap_err().to_string();
        assert_eq!(error, "the roster's users do not have the digest that was announced");
        let digest = Sha256::digest(b"anna\0anna@a.example.test\0\nANNA\0ANNA@a.example.test\0\n");
        let error = roster(&digest, vec![user("anna"), user("ANNA")]).unwrap_err().to_string();
        assert_eq!(error, "the roster names anna twice");
    }

    #[test]
    fn a_roster_must_give_each_user_both_names() {
        let none = "is not a name: it is empty, longer than 4096 bytes, or holds control characters";
        for (name, directory_name, what) in [
            ("", "anna@a.example.test", "name of a roster user: roster user"),
            ("anna", "", "directory name of a roster user: directory name"),
        ] {
            let user =
                wire::RosterUser { name: name.into(), directory_name: directory_name.into(), server: String::new() };
            let digest = Sha256::digest(format!("{name}\0{directory_name}\0\n"));
            let error = roster(&digest, vec![user]).unwrap_err().to_string();
            assert_eq!(error, format!("{what} \"\" {none}"));
        }
    }
}
