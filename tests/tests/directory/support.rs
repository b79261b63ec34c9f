//! Settings and requests for the laboratory's servers.

use sendgate_coordinator::directory::reach::{Asked, Given, Leave};
use sendgate_coordinator::directory::survey::{self, SurveyRequest, Wanted};
use sendgate_coordinator::directory::trust::TrustedAuthorities;
use sendgate_coordinator::directory::{Bind, DirectoryServer, Password, Readers, Refusals, Role, Security, Timeouts};
use sendgate_core::coverage::Setting;
use sendgate_core::coverage::placement::Reach;
use sendgate_core::coverage::reading::{DomainReading, FoundUser, ServerReading, UserReading};
use sendgate_core::names::AccountName;
use sendgate_core::policy::ProtectionPolicy;
use sendgate_core::time::Steady;
use sendgate_tests::lab::{Account, Domain, Lab};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The laboratory that the environment names.
pub(crate) fn lab() -> Lab {
    Lab::from_env().unwrap_or_else(|error| panic!("{error}; then run this test on its client node"))
}

pub(crate) fn bind(account: &Account) -> Bind {
    Bind::simple(account.upn.clone(), Password::new(account.password.clone()).unwrap())
}

/// The descriptors of domain a's people: read by whoever compares all of them, written by whoever changes what they inherit.
pub(crate) static PEOPLE_OF_A: tokio::sync::RwLock<()> = tokio::sync::RwLock::const_new(());

/// Leave to write whenever it is asked for.
pub(crate) struct Always;

/// As the coordinator gives it.
const GIVEN_FOR: Duration = Duration::from_secs(30);

impl Leave for Always {
    fn ask(&self) -> Asked<'_> {
        Box::pin(async { Ok(Given::until(Steady::START + GIVEN_FOR, Arc::new(|| Steady::START))) })
    }
}

/// One of a domain's servers, by its position, as `account` speaks to it.
pub(crate) fn server(domain: &Domain, position: usize, account: &Account) -> DirectoryServer {
    let server = &domain.servers[position];
    DirectoryServer {
        name: server.name.parse().unwrap(),
        address: format!("{}:{}", server.address, server.ldaps_port),
        security: Security::Ldaps,
        authorities: TrustedAuthorities::read(&[&server.ca]).unwrap(),
        bind: bind(account),
        role: Role::DomainController,
        timeouts: Timeouts::default(),
        readers: Readers::default(),
        refusals: Refusals::default(),
    }
}

/// What a domain is asked for: these names, and its own service account.
pub(crate) fn wanted(domain: &Domain, asked: &[&str]) -> Wanted {
    let account: AccountName = format!("{}@{}", domain.goodadmin.name, domain.name).parse().unwrap();
    let grant_server = domain.servers[0].name.parse().unwrap();
    Wanted {
        asked: Arc::new(asked.iter().map(|name| name.parse().unwrap()).collect()),
        accounts: [account.clone()].into(),
        known: BTreeMap::new(),
        setting: Setting::new([account].into(), grant_server, Reach::Domain),
        protection: ProtectionPolicy::default(),
    }
}

pub(crate) async fn survey(domain: &Domain, servers: Vec<DirectoryServer>, asked: &[&str]) -> DomainReading {
    survey_for(domain, servers, wanted(domain, asked)).await
}

pub(crate) async fn survey_for(domain: &Domain, servers: Vec<DirectoryServer>, wanted: Wanted) -> DomainReading {
    let domain = domain.name.parse().unwrap();
    survey::read(SurveyRequest { domain, wanted: Arc::new(wanted), servers, started: Steady::START }).await
}

/// What the domain's first server says, or a panic with what it said instead.
pub(crate) fn first<'a>(reading: &'a DomainReading, domain: &Domain) -> &'a ServerReading {
    match &reading.servers[&domain.servers[0].name.parse().unwrap()] {
        Ok(server) => server,
        Err(failure) => panic!("{failure:?}"),
    }
}

pub(crate) fn user<'a>(server: &'a ServerReading, name: &str) -> &'a UserReading {
    &server.users[&name.parse().unwrap()]
}

pub(crate) fn found(server: &ServerReading, name: &str) -> Arc<FoundUser> {
    match user(server, name) {
        UserReading::Found(user) => Arc::clone(user),
        other => panic!("{name}: {other:?}"),
    }
}
