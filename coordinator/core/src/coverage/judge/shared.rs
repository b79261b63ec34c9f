//! Equal evidence is judged once: 20,000 users of a domain hold a handful of distinct descriptors, and so a handful of
//! verdicts.
//!
//! Descriptors are compared by where they are in memory. The survey interns them, and the reading outlives the judge, so
//! one place is one descriptor for as long as this is kept. Where a place lies decides nothing but what is found here.

use crate::coverage::reading::{FoundUser, GroupPath, Home, UserClass};
use crate::coverage::verdict::{Placement, ServerVerdict, Verdict};
use crate::names::{AccountName, DirectoryServerName, Dn, DomainName};
use crate::secdesc::SecurityDescriptor;
use crate::secdesc::access::Token;
use std::collections::BTreeMap;
use std::sync::Arc;

type Place<T> = *const T;

/// What a verdict on one server depends on, of users who are not named in it themselves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Evidence {
    server: DirectoryServerName,
    account: AccountName,
    home: Home,
    descriptor: Place<SecurityDescriptor>,
    above: Option<Dn>,
    class: UserClass,
    protected_by: Option<Place<GroupPath>>,
    admin_count: bool,
}

impl Evidence {
    fn of(
        server: &DirectoryServerName,
        account: &AccountName,
        home: &Home,
        user: &FoundUser,
        descriptor: &Arc<SecurityDescriptor>,
    ) -> Self {
        Self {
            server: server.clone(),
            account: account.clone(),
            home: home.clone(),
            descriptor: Arc::as_ptr(descriptor),
            above: user.dn.parent(),
            class: user.class.clone(),
            protected_by: user.protected_by.as_ref().map(Arc::as_ptr),
            admin_count: user.admin_count,
        }
    }
}

/// A token as one server shows it for an account, to a store of this domain.
type TokenKey = (DirectoryServerName, AccountName, Option<DomainName>);

/// A grant's target: the account, the user's container, his class.
type PlacementKey = (AccountName, Option<Dn>, UserClass);

type Verdicts = Arc<BTreeMap<AccountName, Arc<Verdict>>>;
type Placements = Arc<BTreeMap<AccountName, Placement>>;

/// A verdict over all servers, with what it was made of.
#[derive(Debug)]
struct Whole {
    _parts: Vec<Arc<ServerVerdict>>,
    verdict: Arc<Verdict>,
}

/// What was judged already.
#[derive(Debug, Default)]
pub(super) struct Shared {
    tokens: BTreeMap<TokenKey, Arc<Token>>,
    failures: BTreeMap<DirectoryServerName, Arc<ServerVerdict>>,
    servers: BTreeMap<Evidence, Arc<ServerVerdict>>,
    verdicts: BTreeMap<Vec<Place<ServerVerdict>>, Whole>,
    maps: BTreeMap<Vec<Place<Verdict>>, Verdicts>,
    placement: BTreeMap<PlacementKey, Placement>,
    placements: BTreeMap<Vec<Placement>, Placements>,
}

/// Verdicts of distinct evidence that are kept: beyond that many, sharing them would cost more than it saves.
const KEPT: usize = 10_000;

impl Shared {
    pub(super) fn token(
        &mut self,
        server: &DirectoryServerName,
        account: &AccountName,
        exchange: Option<&DomainName>,
        make: impl FnOnce() -> Token,
    ) -> Arc<Token> {
        let key = (server.clone(), account.clone(), exchange.cloned());
        Arc::clone(self.tokens.entry(key).or_insert_with(|| Arc::new(make())))
    }

    pub(super) fn failure(
        &mut self,
        server: &DirectoryServerName,
        make: impl FnOnce() -> ServerVerdict,
    ) -> Arc<ServerVerdict> {
        Arc::clone(self.failures.entry(server.clone()).or_insert_with(|| Arc::new(make())))
    }

    pub(super) fn server(
        &self,
        server: &DirectoryServerName,
        account: &AccountName,
        home: &Home,
        user: &FoundUser,
        descriptor: &Arc<SecurityDescriptor>,
    ) -> Option<Arc<ServerVerdict>> {
        self.servers.get(&Evidence::of(server, account, home, user, descriptor)).cloned()
    }

    pub(super) fn keep_server(
        &mut self,
        server: &DirectoryServerName,
        account: &AccountName,
        home: &Home,
        user: &FoundUser,
        descriptor: &Arc<SecurityDescriptor>,
        verdict: Arc<ServerVerdict>,
    ) {
        if self.servers.len() < KEPT {
            self.servers.insert(Evidence::of(server, account, home, user, descriptor), verdict);
        }
    }

    pub(super) fn verdict(
        &mut self,
        servers: &[(&DirectoryServerName, Arc<ServerVerdict>)],
        make: impl FnOnce(&[(&DirectoryServerName, Arc<ServerVerdict>)]) -> Verdict,
    ) -> Arc<Verdict> {
        let key: Vec<_> = servers.iter().map(|(_, verdict)| Arc::as_ptr(verdict)).collect();
        if let Some(known) = self.verdicts.get(&key) {
            return Arc::clone(&known.verdict);
        }
        let verdict = Arc::new(make(servers));
        if self.verdicts.len() < KEPT {
            // The parts are kept with the whole, so that no other one is ever found in their place.
            let parts = servers.iter().map(|(_, verdict)| Arc::clone(verdict)).collect();
            self.verdicts.insert(key, Whole { _parts: parts, verdict: Arc::clone(&verdict) });
        }
        verdict
    }

    pub(super) fn verdicts(&mut self, verdicts: Vec<(AccountName, Arc<Verdict>)>) -> Verdicts {
        let key: Vec<_> = verdicts.iter().map(|(_, verdict)| Arc::as_ptr(verdict)).collect();
        if let Some(known) = self.maps.get(&key) {
            return Arc::clone(known);
        }
        let map: Verdicts = Arc::new(verdicts.into_iter().collect());
        if self.maps.len() < KEPT {
            self.maps.insert(key, Arc::clone(&map));
        }
        map
    }

    pub(super) fn placement(&mut self, key: PlacementKey, make: impl FnOnce() -> Placement) -> Placement {
        self.placement.entry(key).or_insert_with(make).clone()
    }

    pub(super) fn placements(&mut self, placements: BTreeMap<AccountName, Placement>) -> Placements {
        let key: Vec<_> = placements.values().cloned().collect();
        if let Some(known) = self.placements.get(&key).filter(|known| known.keys().eq(placements.keys())) {
            return Arc::clone(known);
        }
        let map: Placements = Arc::new(placements);
        if self.placements.len() < KEPT {
            self.placements.insert(key, Arc::clone(&map));
        }
        map
    }
}
