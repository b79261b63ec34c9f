//! What is to be there. [`Plan::estate`] is the estate of the demo: domain a without any hotfix, domain b with one
//! Exchange server that was hotfixed already, so that its users are paused.

use crate::lab::{Lab, LabError, User};
use std::time::Duration;

/// The four parts of a store.exe's file version.
pub type Version = (u16, u16, u16, u16);

/// Exchange 2003 SP2 as shipped: does not enforce Send As.
pub const UNPATCHED: Version = (6, 5, 7638, 1);
/// With the hotfix: enforces it.
pub const HOTFIX: Version = (6, 5, 7653, 33);
/// The same as text.
pub const HOTFIX_TEXT: &str = "6.5.7653.33";
/// The hotfix's name.
pub const HOTFIX_NAME: &str = "KB926666";

/// Long enough for every act here, on a busy machine too.
pub const ACT_DEADLINE: Duration = Duration::from_secs(60);

/// Whether grants are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantMode {
    /// They are only proposed.
    Advise,
    /// They are written.
    Apply,
}

/// A host with an Exchange store.
#[derive(Debug, Clone)]
pub struct StoreHost {
    /// The host, and its agent.
    pub host: String,
    /// The Exchange server.
    pub server: String,
    /// Its store.exe.
    pub version: Version,
}

/// A host with GoodLink.
#[derive(Debug, Clone)]
pub struct GoodLinkHost {
    /// The host, and its agent.
    pub host: String,
    /// The GoodLink server.
    pub name: String,
    /// Lines of its roster.
    pub roster: Vec<User>,
    /// Its programs for Test Send.
    pub tests: Vec<TestSend>,
}

/// A program that tests sending through an Exchange server.
#[derive(Debug, Clone)]
pub struct TestSend {
    /// The Exchange server.
    pub server: String,
    /// The mail address of the user as whom it sends.
    pub user: String,
    /// How long it may take.
    pub timeout: Duration,
}

/// A domain with its hosts.
#[derive(Debug, Clone)]
pub struct PlanDomain {
    /// `a`, `b`
    pub letter: String,
    /// The node of the one directory server that counts; all of the domain's where it is not said.
    pub server: Option<String>,
    /// Whether grants are written.
    pub grants: GrantMode,
    /// Its Exchange hosts.
    pub stores: Vec<StoreHost>,
    /// Its GoodLink host.
    pub goodlink: GoodLinkHost,
}

/// The waits, 300 times as short as in the field: a minute takes a fifth of a second.
#[derive(Debug, Clone, Copy)]
pub struct Waits {
    /// 65 minutes in the field.
    pub second_look: Duration,
    /// 70 minutes in the field.
    pub restart: Duration,
    /// 90 minutes in the field.
    pub settled: Duration,
    /// 130 minutes in the field.
    pub failed: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        let minutes = |count: u32| Duration::from_secs(60) * count / 300;
        Self { second_look: minutes(65), restart: minutes(70), settled: minutes(90), failed: minutes(130) }
    }
}

/// What is to be there.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Watched domains.
    pub domains: Vec<PlanDomain>,
    /// The waits.
    pub waits: Waits,
    /// How long the installer takes.
    pub install: Duration,
    /// How long pauses are watched after a change.
    pub soak: Duration,
    /// How long a store remembers what it knows of a mailbox: less than the wait before a restart may help.
    pub memory: Duration,
    /// How long GoodLink leaves a paused user alone: so long that a restart is what helps first.
    pub pause: Duration,
    /// How long the coordinator waits for the end of an act.
    pub act_deadline: Duration,
}

impl Plan {
    /// The demo's estate. The linked mailbox of domain a stands on no roster: its owner's token cannot be read, so that
    /// nothing could ever open the domain with it.
    ///
    /// # Errors
    /// [`LabError`] if the laboratory lacks a domain.
    pub fn estate(lab: &Lab) -> Result<Self, LabError> {
        let domain = |letter: &str, versions: [Version; 2]| {
            let known = lab.domain(letter)?;
            let stores = known.exchange_servers.iter().zip(versions).map(|(server, version)| StoreHost {
                host: server.to_lowercase(),
                server: server.clone(),
                version,
            });
            let roster = known.users.iter().filter(|user| !user.is("linked")).cloned().collect();
            // The last mailboxes: rosters that are cut short do not have them.
            let last = |server: &&String| {
                known.users.iter().rev().find(|user| user.server == **server && user.tags.is_empty())
            };
            let tests = known.exchange_servers.iter().filter_map(|server| {
                let user = last(&server)?.mail.clone();
                Some(TestSend { server: server.clone(), user, timeout: ACT_DEADLINE })
            });
            let goodlink = GoodLinkHost {
                host: format!("gl{letter}"),
                name: format!("GL{}", letter.to_uppercase()),
                roster,
                tests: tests.collect(),
            };
            Ok::<_, LabError>(PlanDomain {
                letter: letter.to_owned(),
                server: None,
                grants: GrantMode::Apply,
                stores: stores.collect(),
                goodlink,
            })
        };
        Ok(Self {
            domains: vec![domain("a", [UNPATCHED, UNPATCHED])?, domain("b", [UNPATCHED, HOTFIX])?],
            waits: Waits::default(),
            install: Duration::from_secs(2),
            soak: Duration::from_secs(3),
            memory: Duration::from_secs(12),
            pause: Duration::from_secs(40),
            act_deadline: ACT_DEADLINE,
        })
    }

    /// Domain a alone, with so many roster users: enough for most tests, and quicker.
    ///
    /// # Errors
    /// [`LabError`] if the laboratory lacks the domain.
    pub fn domain_a(lab: &Lab, users: usize) -> Result<Self, LabError> {
        let mut plan = Self::estate(lab)?;
        plan.domains.truncate(1);
        for domain in &mut plan.domains {
            domain.goodlink.roster.truncate(users);
        }
        Ok(plan)
    }

    /// Every agent: one for each host, under the host's name.
    #[must_use]
    pub fn agents(&self) -> Vec<String> {
        let stores = self.domains.iter().flat_map(|domain| domain.stores.iter().map(|store| store.host.clone()));
        stores.chain(self.domains.iter().map(|domain| domain.goodlink.host.clone())).collect()
    }
}
