//! What is wanted: the coordinator's configuration after validation. Nothing here is a raw string, and nothing is
//! optional that a decision needs.

use crate::coverage::placement::Reach;
use crate::enforcement::EnforcementTable;
use crate::names::{
    AccountName, AgentName, DirectoryServerName, DomainName, ExchangeServerName, GoodLinkName, HostName, Tag,
};
use crate::spec::Windows;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

/// Everything that decisions depend on and observations do not change.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Policy {
    /// Watched domains.
    pub domains: BTreeMap<DomainName, DomainPolicy>,
    /// Declared Exchange servers with their hosts.
    pub exchange: BTreeMap<ExchangeServerName, ExchangePolicy>,
    /// Declared GoodLink servers: a roster that is missing is seen as missing.
    pub goodlink: BTreeMap<GoodLinkName, GoodLinkPolicy>,
    /// Which agent speaks for which host.
    pub hosts: BTreeMap<HostName, AgentName>,
    /// Which store versions enforce Send As.
    pub enforcement: EnforcementTable,
    /// Waits after a right has landed.
    pub waits: Waits,
    /// How old evidence may be.
    pub freshness: Freshness,
    /// Which roster users close a cell.
    pub scope: GateScope,
    /// How many hosts may be disrupted at once, over all rollouts and remedies together (invariant 3).
    pub disruption: Limits,
    /// Whether GoodLink is restarted where that un-pauses users sooner.
    pub goodlink_restart: Switch,
    /// When GoodLink may be restarted unattended; nothing here applies to a restart that a person forces.
    pub restart_windows: Windows,
    /// How long an act may be under way before it counts as failed and its outcome as unknown.
    pub act_deadline: Duration,
    /// How long a change of a host is watched for new pauses before the next one begins.
    pub soak: Duration,
    /// A laboratory may shorten the waits; it is shown in every status and in the journal.
    pub laboratory: bool,
}

/// A domain.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainPolicy {
    /// The NetBIOS name, as it stands in `DOMAIN\account`, in lower case.
    pub netbios: String,
    /// Every directory server that counts; at least one.
    pub servers: BTreeSet<DirectoryServerName>,
    /// The one server that grants are written to.
    pub grant_server: DirectoryServerName,
    /// Whether grants are written or only advised.
    pub grants: GrantMode,
    /// How high up grants may be placed.
    pub reach: Reach,
    /// Whom AdminSDHolder protects there, and how often.
    pub protection: ProtectionPolicy,
}

/// What AdminSDHolder protects in a forest (MS-ADTS 3.1.1.6.1): settings of the forest that no server tells.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProtectionPolicy {
    /// Protected groups of each domain, by RID.
    pub domain_groups: BTreeSet<u32>,
    /// Protected groups of `S-1-5-32`, by RID.
    pub builtin_groups: BTreeSet<u32>,
    /// Protected users, by RID.
    pub users: BTreeSet<u32>,
    /// The longest time between two propagations (`AdminSDProtectFrequency`, 60 to 7200 seconds).
    pub interval: Duration,
}

impl Default for ProtectionPolicy {
    /// Domain Admins, Domain Controllers, Cert Publishers, Schema Admins, Enterprise Admins; Administrators, Account,
    /// Server, Print and Backup Operators, Replicator; Administrator and krbtgt; every hour.
    fn default() -> Self {
        Self {
            domain_groups: [512, 516, 517, 518, 519].into(),
            builtin_groups: [544, 548, 549, 550, 551, 552].into(),
            users: [500, 502].into(),
            interval: Duration::from_secs(60 * 60),
        }
    }
}

/// Whether grants are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrantMode {
    /// Nothing is written; what a directory team would run is printed.
    Advise,
    /// Missing entries are written.
    Apply,
}

/// An Exchange server: one host, or the nodes of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExchangePolicy {
    /// In the order in which they are changed; at least one.
    pub hosts: Vec<HostName>,
    /// The domain that its machines are members of: groups local to that domain count where its store asks. Where it is
    /// not declared, no such group allows anything.
    pub domain: Option<DomainName>,
    /// By which rollouts' files pick it.
    pub tags: BTreeSet<Tag>,
}

/// How many hosts may be disrupted at once; each limit holds by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Limits {
    /// Over the estate.
    pub estate: NonZeroU32,
    /// Of those that hold an Exchange server; none: the estate's limit alone.
    pub exchange: Option<NonZeroU32>,
    /// Of those that hold a GoodLink server.
    pub goodlink: Option<NonZeroU32>,
    /// Of those that serve users of one domain, by declaration.
    pub domain: Option<NonZeroU32>,
}

impl From<NonZeroU32> for Limits {
    /// A limit over the estate alone.
    fn from(estate: NonZeroU32) -> Self {
        Self { estate, exchange: None, goodlink: None, domain: None }
    }
}

/// A GoodLink server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GoodLinkPolicy {
    /// Its host.
    pub host: HostName,
    /// The logon account its service must have.
    pub service_account: AccountName,
    /// The domains its users may be in; at least one.
    pub domains: BTreeSet<DomainName>,
    /// The Exchange servers its users' mailboxes may be on; at least one.
    pub exchange: BTreeSet<ExchangeServerName>,
    /// GoodLink servers that stand in for it: never disrupted together with it, whatever the limits allow. It is enough
    /// that one of two names the other.
    pub stands_in: BTreeSet<GoodLinkName>,
}

/// Waits, counted on steady time from the moment a right has landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Waits {
    /// Until the second look may prove the right: longer than one AdminSDHolder cycle.
    pub second_look: Duration,
    /// Before a GoodLink restart may help.
    pub restart: Duration,
    /// Until a user counts as settled.
    pub settled: Duration,
    /// Before a user who is still paused is called failed.
    pub failed: Duration,
}

impl Waits {
    /// The waits of the field; a configuration may lengthen them, only a laboratory may shorten them.
    pub const FIELD: Waits = Waits {
        second_look: Duration::from_secs(65 * 60),
        restart: Duration::from_secs(70 * 60),
        settled: Duration::from_secs(90 * 60),
        failed: Duration::from_secs(130 * 60),
    };
}

/// How old evidence may be before it counts as missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Freshness {
    /// From one survey's start to the next one's.
    pub survey_interval: Duration,
    /// Evidence older than this, counted from the start of the last full survey, is no evidence.
    pub evidence_age: Duration,
    /// A directory server of whose changes nothing has been heard for longer than this gives no evidence.
    pub watch_age: Duration,
    /// The longest time between two reports of a host.
    pub heartbeat: Duration,
    /// A host that has been silent for longer than this is silent.
    pub silent_after: Duration,
}

/// Which roster users close a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateScope {
    /// Every roster user of the domain.
    Domain,
    /// Those whose mailbox is on the server, with the domain's evidence complete.
    Mailboxes,
}

/// Off or on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Switch {
    /// Nothing is done unattended; what would help is shown.
    Off,
    /// Done unattended.
    On,
}

impl Policy {
    /// The Exchange server that a host belongs to.
    #[must_use]
    pub fn exchange_of(&self, host: &HostName) -> Option<&ExchangeServerName> {
        self.exchange.iter().find(|(_, server)| server.hosts.contains(host)).map(|(name, _)| name)
    }

    /// The GoodLink server that runs on a host.
    #[must_use]
    pub fn goodlink_of(&self, host: &HostName) -> Option<&GoodLinkName> {
        self.goodlink.iter().find(|(_, server)| server.host == *host).map(|(name, _)| name)
    }

    /// GoodLink servers whose users may be in this domain.
    pub fn goodlink_in<'a>(
        &'a self,
        domain: &'a DomainName,
    ) -> impl Iterator<Item = (&'a GoodLinkName, &'a GoodLinkPolicy)> {
        self.goodlink.iter().filter(move |(_, server)| server.domains.contains(domain))
    }

    /// The service accounts that are declared.
    #[must_use]
    pub fn accounts(&self) -> BTreeSet<AccountName> {
        self.goodlink.values().map(|goodlink| goodlink.service_account.clone()).collect()
    }

    /// The domains whose users a host serves, by declaration.
    #[must_use]
    pub fn domains_of(&self, host: &HostName) -> BTreeSet<&DomainName> {
        let server = self.exchange_of(host);
        let concerned = self.goodlink.values().filter(|goodlink| {
            goodlink.host == *host || server.is_some_and(|server| goodlink.exchange.contains(server))
        });
        let own = server.and_then(|server| self.exchange.get(server)).and_then(|server| server.domain.as_ref());
        concerned.flat_map(|goodlink| &goodlink.domains).chain(own).collect()
    }

    /// Whether two hosts hold GoodLink servers that stand in for one another.
    #[must_use]
    pub fn stand_in(&self, one: &HostName, other: &HostName) -> bool {
        let (Some(first), Some(second)) = (self.goodlink_of(one), self.goodlink_of(other)) else { return false };
        let names = |a, b| self.goodlink.get(a).is_some_and(|goodlink: &GoodLinkPolicy| goodlink.stands_in.contains(b));
        first != second && (names(first, second) || names(second, first))
    }

    /// A logon account as a service reports it, `NETBIOS\name` or `name@domain`, as an account of a watched domain.
    #[must_use]
    pub fn account(&self, logon: &str) -> Option<AccountName> {
        if let Some((netbios, sam)) = logon.split_once('\\') {
            let netbios = netbios.to_lowercase();
            let mut domains =
                self.domains.iter().filter(|(name, domain)| domain.netbios == netbios || name.as_str() == netbios);
            let (domain, _) = domains.next()?;
            return Some(AccountName { domain: domain.clone(), sam: sam.parse().ok()? });
        }
        logon.parse().ok().filter(|account: &AccountName| self.domains.contains_key(&account.domain))
    }
}
