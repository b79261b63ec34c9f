//! What is really so, whether or not anybody has seen it, and what is shown of it to those who look.
//!
//! Pictures are made by the real judge of readings that this file makes: [`look`] is a pure function of the truth, the
//! names asked for and the setting, so its results are remembered.

use super::scene::{AFTER, BEFORE, EXCHANGE, NO_ACCESS, SERVERS, Scene, USERS, digest};
use jiff::Timestamp;
use sendgate_core::coverage::reading::{
    AccountReading, DescriptorReading, DomainReading, FoundUser, GroupPath, Home, MailboxOwner, ServerFailure,
    ServerReading, UserClass, UserReading,
};
use sendgate_core::coverage::{self, Judged, Look, Setting, Touched};
use sendgate_core::estate::{ExchangeState, GoodLinkState, HostState, Pause, Service, ServiceState};
use sendgate_core::guid::Guid;
use sendgate_core::ledger::Pair;
use sendgate_core::names::{AccountName, DirectoryName, Dn};
use sendgate_core::secdesc::SecurityDescriptor;
use sendgate_core::secdesc::edit::GrantForm;
use sendgate_core::sid::Sid;
use sendgate_core::time::Steady;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Whether AdminSDHolder protects the first user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Guard {
    /// He is an ordinary user.
    No,
    /// He is a member of a protected group; the propagator has not come yet.
    Member,
    /// It has: his descriptor is that of AdminSDHolder.
    Reset,
}

/// The second directory server of a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Watch {
    /// It answers.
    Well,
    /// It answers with errors: looks come, and say so.
    Failing,
    /// Nothing is heard of the whole domain: no look comes.
    Silent,
}

/// A domain's directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Directory {
    /// Whether GLA's account has its entry on the users' unit, on each server.
    pub granted: [bool; 2],
    /// Somebody else has added an entry of his own to the unit.
    pub foreign: bool,
    /// Only of the first domain.
    pub guard: Guard,
    /// How the second server is.
    pub watch: Watch,
}

impl Directory {
    /// Whether a server's descriptor of the user has the entry. This is the oracle's own view of coverage, in which the
    /// judge of the core has no part.
    #[must_use]
    pub fn has(&self, user: usize, server: usize) -> bool {
        let reset = user == 0 && self.guard == Guard::Reset;
        // GLB's account has had its right all along.
        !reset && (USERS[user].goodlink == 3 || self.granted[server])
    }

    /// Whether the entry will stay.
    #[must_use]
    pub fn stays(&self, user: usize) -> bool {
        user != 0 || self.guard == Guard::No
    }
}

/// Everything that is really so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Truth {
    /// By number.
    pub directories: [Directory; 2],
    /// Exchange hosts whose store has the hotfix.
    pub enforcing: [bool; 2],
    /// Hosts whose service does not run.
    pub stopped: [bool; 4],
    /// Users whom GoodLink has paused.
    pub paused: [bool; 3],
}

impl Truth {
    /// What a report of the host would tell, as far as it can differ.
    #[must_use]
    pub fn shown_by(&self, host: usize) -> u8 {
        let bits = if host < EXCHANGE {
            vec![self.enforcing[host]]
        } else {
            (0..USERS.len()).map(|user| USERS[user].goodlink == host && self.paused[user]).collect()
        };
        bits.iter().fold(u8::from(self.stopped[host]), |bits, bit| bits << 1 | u8::from(*bit))
    }
}

/// Users of a GoodLink host whom a report with these bits shows paused; the last one has the lowest bit.
pub fn paused_in(host: usize, shown: u8) -> impl Iterator<Item = usize> {
    (0..USERS.len()).filter(move |user| USERS[*user].goodlink == host && shown >> (USERS.len() - 1 - user) & 1 == 1)
}

/// A report of the host that shows these bits.
#[must_use]
pub fn report(scene: &Scene, host: usize, shown: u8, at: Steady) -> HostState {
    let (stopped, enforcing) = (shown >> if host < EXCHANGE { 1 } else { USERS.len() } & 1 == 1, shown & 1 == 1);
    let state = if stopped { ServiceState::Stopped } else { ServiceState::Running };
    if host < EXCHANGE {
        let version = if enforcing { AFTER } else { BEFORE };
        let exchange = ExchangeState {
            store: version.parse().map_err(|_| "not a version".to_owned()),
            patches: Ok(BTreeSet::new()),
            service: Ok(Service { state, logon_account: "LocalSystem".to_owned(), started: None }),
            mounted: Ok(!stopped),
        };
        return HostState { reported: at, exchange: Some(exchange), goodlink: None };
    }
    // When a pause began does not enter any decision: the same text keeps equal states equal.
    let first = Timestamp::UNIX_EPOCH;
    let pause = Pause { hresult: NO_ACCESS, send_as: true, first, last: first, count: 1, later: None };
    let logon = if host == 2 { "adom\\goodadmin" } else { "bdom\\goodadmin" };
    let paused = paused_in(host, shown);
    let goodlink = GoodLinkState {
        service: Ok(Service { state, logon_account: logon.to_owned(), started: None }),
        roster: Ok(digest(host)),
        paused: Ok(paused.map(|user| (scene.roster_names[user].clone(), pause.clone())).collect()),
    };
    HostState { reported: at, exchange: None, goodlink: Some(goodlink) }
}

const SIDS: [&str; 2] = ["S-1-5-21-1-2-3-1105", "S-1-5-21-4-5-6-1105"];
const SEND_AS_BELOW: &str = ";CR;ab721a54-1e2f-11d0-9819-00aa0040529b;bf967aba-0de6-11d0-a285-00aa003049e2;";

/// Descriptors and names that every reading is made of, parsed once.
struct Parts {
    sids: [Sid; 2],
    heads: [Dn; 2],
    units: [Dn; 2],
    plain: DescriptorReading,
    holder: DescriptorReading,
}

static PARTS: LazyLock<Parts> = LazyLock::new(|| Parts {
    sids: SIDS.map(|sid| sid.parse().expect("a SID of the scene is well-formed")),
    heads: ["DC=a,DC=example,DC=test".into(), "DC=b,DC=example,DC=test".into()],
    units: ["OU=Hosted,DC=a,DC=example,DC=test".into(), "OU=Hosted,DC=b,DC=example,DC=test".into()],
    plain: shown("D:AI(A;ID;RPLCRC;;;AU)"),
    holder: shown("D:P(A;;RPLCRC;;;AU)"),
});

fn descriptor(sddl: &str) -> SecurityDescriptor {
    SecurityDescriptor::from_sddl(sddl, None).expect("a descriptor of the scene is well-formed")
}

fn shown(sddl: &str) -> DescriptorReading {
    DescriptorReading::Shown(Arc::new(descriptor(sddl)))
}

/// The SID that a grant names.
#[must_use]
pub fn sid(account: usize) -> &'static Sid {
    &PARTS.sids[account]
}

/// The unit that holds a domain's users: where grants go.
#[must_use]
pub fn unit(domain: usize) -> &'static Dn {
    &PARTS.units[domain]
}

/// The form of a grant on a unit.
pub const FORM: GrantForm = GrantForm::ContainerUsers;

/// The unit's descriptor as a server of the domain has it: a deny, allows, then what it inherits, so that a wrong place
/// for a new entry shows.
#[must_use]
pub fn unit_descriptor(domain: usize, directory: &Directory, server: usize) -> SecurityDescriptor {
    let entry = |account: usize| format!("(OA;CIIO{SEND_AS_BELOW}{})", SIDS[account]);
    let foreign = if directory.foreign { "(A;;RPWP;;;BO)" } else { "" };
    let ours = if directory.granted[server] { entry(0) } else { String::new() };
    let theirs = if domain == 1 { entry(1) } else { String::new() };
    descriptor(&format!("D:AI(D;;SD;;;WD)(A;;RPLCRC;;;AU){foreign}{theirs}{ours}(A;CIID;RPLCRC;;;BA)"))
}

fn user_descriptor(user: usize, directory: &Directory, server: usize) -> DescriptorReading {
    let domain = USERS[user].domain;
    if user == 0 && directory.guard == Guard::Reset {
        return PARTS.holder.clone();
    }
    let entry = |account: usize| format!("(OA;CIID{SEND_AS_BELOW}{})", SIDS[account]);
    let ours = if directory.granted[server] { entry(0) } else { String::new() };
    let theirs = if domain == 1 { entry(1) } else { String::new() };
    shown(&format!("D:AI{theirs}{ours}(A;ID;RPLCRC;;;AU)"))
}

fn guid(user: usize) -> Guid {
    let mut guid = [0; 16];
    guid[0] = u8::try_from(user + 1).unwrap_or(u8::MAX);
    Guid::from_bytes(guid)
}

/// A user with the service account of his GoodLink server.
#[must_use]
pub fn pair(scene: &Scene, user: usize) -> Pair {
    Pair { user: guid(user), account: scene.accounts[USERS[user].goodlink - EXCHANGE].clone() }
}

/// What a look depends on besides the setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Asked {
    /// The domain, by number.
    pub domain: usize,
    /// Its truth.
    pub directory: Directory,
    /// Which users were asked for, a bit each.
    pub users: u8,
    /// Whether accounts of the other domain are known.
    pub known: bool,
}

/// Looks by what they depend on, each with the number that it was given.
type Looks = HashMap<Asked, Vec<(Setting, Arc<Look>)>>;

static LOOKS: LazyLock<Mutex<Looks>> = LazyLock::new(Mutex::default);

/// A full look at the domain with its number among all looks, and with moments that the caller fills in.
pub fn look(scene: &Scene, asked: Asked, setting: &Setting) -> (Arc<Look>, u64) {
    let mut looks = LOOKS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = looks.entry(asked).or_default();
    let at = known.iter().position(|(with, _)| with == setting).unwrap_or_else(|| {
        let look = Arc::new(coverage::look(&reading(scene, &asked), setting, &Touched::All));
        known.push((setting.clone(), look));
        known.len() - 1
    });
    (Arc::clone(&known[at].1), u64::try_from(at).unwrap_or(u64::MAX))
}

/// The users of a full look, whichever of them it names.
#[must_use]
pub fn everybody(look: &Look) -> &BTreeMap<DirectoryName, coverage::Presence> {
    match &look.users {
        Judged::All(users) | Judged::Some(users) => users,
    }
}

fn reading(scene: &Scene, asked: &Asked) -> DomainReading {
    let Asked { domain, directory, users, known } = asked;
    let names = (0..USERS.len()).filter(|user| users >> user & 1 == 1);
    let server = |server: usize| {
        if server == 1 && directory.watch == Watch::Failing {
            return Err(ServerFailure(format!("{}: connection refused", SERVERS[*domain][server])));
        }
        Ok(server_reading(scene, *domain, directory, server, *users, *known))
    };
    DomainReading {
        domain: scene.domains[*domain].clone(),
        started: Steady::START,
        asked: names.map(|user| scene.users[user].clone()).collect(),
        servers: [0, 1].map(|number| (scene.servers[*domain][number].clone(), server(number))).into(),
    }
}

fn server_reading(
    scene: &Scene,
    domain: usize,
    directory: &Directory,
    server: usize,
    users: u8,
    known: bool,
) -> ServerReading {
    let account = |account: usize| -> (AccountName, Result<AccountReading, String>) {
        let reading = AccountReading {
            dn: "CN=GoodAdmin".into(),
            sid: sid(account).clone(),
            everywhere: [sid(account).clone()].into(),
            local: BTreeSet::new(),
            uncertain: BTreeSet::new(),
        };
        let reading = if account == domain || known {
            Ok(reading)
        } else {
            Err("its own domain has not been surveyed yet".to_owned())
        };
        (scene.accounts[account].clone(), reading)
    };
    let found = |user: usize| {
        if USERS[user].domain != domain {
            return (scene.users[user].clone(), UserReading::NotFound);
        }
        let dn: Dn = format!("CN={},{}", USERS[user].name, unit(domain)).into();
        let guarded = user == 0 && directory.guard != Guard::No;
        let found = FoundUser {
            dn,
            guid: guid(user),
            sid: format!("S-1-5-21-{}-2-3-{}", domain + 1, 2001 + user).parse().expect("a user's SID is well-formed"),
            class: UserClass::User,
            descriptor: user_descriptor(user, directory, server),
            home: Home::Server(scene.exchange[USERS[user].home].clone()),
            protected_by: guarded
                .then(|| Arc::new(GroupPath(vec!["CN=Domain Admins,CN=Users,DC=a,DC=example,DC=test".into()]))),
            admin_count: directory.guard == Guard::Reset && user == 0,
            owner: MailboxOwner::Itself,
        };
        (scene.users[user].clone(), UserReading::Found(Arc::new(found)))
    };
    let accounts: &[usize] = if domain == 0 { &[0] } else { &[0, 1] };
    let unit_now = DescriptorReading::Shown(Arc::new(unit_descriptor(domain, directory, server)));
    ServerReading {
        seen: Steady::START,
        accounts: accounts.iter().map(|number| account(*number)).collect(),
        accounts_awaited: [].into(),
        users: (0..USERS.len()).filter(|user| users >> user & 1 == 1).map(found).collect(),
        containers: [(PARTS.heads[domain].clone(), PARTS.plain.clone()), (unit(domain).clone(), unit_now)].into(),
        head: PARTS.heads[domain].clone(),
        admin_sd_holder: PARTS.holder.clone(),
        in_part: Touched::nobody(),
    }
}
