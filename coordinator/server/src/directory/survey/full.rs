//! A full reading of the domain on one server, in one pass over each kind of thing, nothing of which is kept that is not
//! known afterwards.

use super::super::DirectoryError;
use super::super::entry::Entry;
use super::super::root::{self, Checked};
use super::super::session::Session;
use super::Wanted;
use super::account::Accounts;
use super::answers::Answers;
use super::containers::{self, Containers};
use super::lookup::{self, Assertion, EVERYBODY, Way};
use super::parts::{self, More};
use super::progress::{Report, Stage};
use super::roster::Number;
use super::state::{Asked, State, Sweep, Untold};
use super::user::{self, Lens};
use super::{account, place, protection};
use sendgate_core::guid::Guid;
use sendgate_core::names::{Dn, DomainName};
use sendgate_core::time::Steady;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use tokio::time::Instant;

/// Names in one search: some 200 assertions, which every server takes.
const NAMES_PER_SEARCH: usize = 50;

/// From this many names on, everybody is read once instead: one walk over the domain is cheaper than many searches, of
/// which each may be a walk where an attribute is not indexed.
pub(super) const READ_EVERYBODY_FROM: usize = 1_000;

/// Everything that is read of a user.
#[must_use]
pub fn attributes() -> Vec<&'static str> {
    user::ATTRIBUTES.iter().chain(&lookup::ATTRIBUTES).copied().collect()
}

/// What is read before the users.
pub(super) struct Ground {
    pub(super) root: Checked,
    pub(super) head: Dn,
    pub(super) usn: u64,
    pub(super) invocation: Option<Guid>,
    pub(super) accounts: Accounts,
    /// When reading them began.
    accounts_read: Instant,
    /// The domain's NetBIOS name, where it was shown.
    pub(super) short: Option<String>,
    pub(super) lens: Lens,
}

/// Reads whose domain it is, the service accounts and whom AdminSDHolder protects.
///
/// # Errors
/// Whatever keeps a part of it from being complete.
pub(super) async fn ground(
    session: &Session,
    domain: &DomainName,
    wanted: &Wanted,
    report: &Report,
) -> Result<Ground, DirectoryError> {
    report.stage(Stage::Accounts);
    // Before anything else: what changes from here on will be looked at.
    let root = root::read(session).await?;
    let head = root::serving(session, &root, domain).await?;
    let usn = match root.highest_usn {
        Some(usn) => usn,
        None => root::usn(session).await?,
    };
    let invocation = root::invocation(session, &root).await?;
    let accounts_read = Instant::now();
    let accounts = account::read(session, &head, &wanted.accounts, &wanted.known, None).await?;
    report.stage(Stage::Groups);
    let rules = protection::rules(session, &root.configuration, &wanted.protection).await?;
    let protection = protection::read(session, &head, rules).await?;
    let short = root::short_name(session, &root, &head).await?;
    let lens = Lens { protection, ..Lens::default() };
    Ok(Ground { root, head, usn, invocation, accounts, accounts_read, short, lens })
}

/// Reads everything that is wanted.
///
/// # Errors
/// Whatever keeps a part of it from being complete.
pub(super) async fn read(
    session: &Session,
    domain: &DomainName,
    asked: Asked,
    started: Steady,
    report: &Report,
) -> Result<State, DirectoryError> {
    let everybody = asked.roster.len() >= READ_EVERYBODY_FROM;
    let more = async { if everybody { parts::more(session).await } else { Ok(More::default()) } };
    let (ground, more) = tokio::try_join!(ground(session, domain, &asked.wanted, report), more)?;
    let Ground { root, head, usn, invocation, accounts, accounts_read, short, mut lens } = ground;
    report.stage(Stage::Users);
    let mut answers = Answers::new(asked.roster.clone(), short);
    if everybody {
        let take = |entry: Entry| {
            // A global catalog also holds the domains below this one.
            if place::in_domain(&entry.dn, &head) {
                answers.take(&entry, &mut lens);
            }
            report.entry();
            Ok(())
        };
        more.each(session, "reading all users", head.as_str(), EVERYBODY, &attributes(), take).await?;
        drop(more);
    } else {
        let all = 0..Number::try_from(asked.roster.len()).unwrap_or(Number::MAX);
        look_up(session, &head, &all.collect::<Vec<_>>(), &mut answers, &mut lens, report).await?;
    }
    report.stage(Stage::Containers);
    let mut containers = Containers::default();
    let missing = containers.missing(&head, answers.places());
    containers.read(session, &head, missing, &lens.descriptors).await?;
    let holder = containers::read_holder(session, &head, &lens.descriptors).await?;
    let fresh: HashSet<Dn> = containers.shown().keys().cloned().collect();
    Ok(State {
        started,
        seen: started,
        invocation,
        service: root.service,
        usn,
        configuration: root.configuration,
        accounts,
        accounts_read,
        accounts_doubted: false,
        answers,
        lens,
        // The groups were read before the users: whoever was renamed in between is found in none of them.
        renamed: true,
        containers,
        fresh,
        holder,
        flowing: BTreeMap::new(),
        sweep: Sweep::default(),
        untold: Untold::default(),
        unclear: None,
        head,
        asked,
    })
}

/// Looks for these names, and for nobody else.
///
/// # Errors
/// A search that was not complete.
pub(super) async fn look_up(
    session: &Session,
    head: &Dn,
    numbers: &[Number],
    answers: &mut Answers,
    lens: &mut Lens,
    report: &Report,
) -> Result<(), DirectoryError> {
    let mut ask: Vec<(Number, Vec<Assertion>)> = Vec::new();
    for number in numbers {
        if let Way::Ask(assertions) = answers.way(*number) {
            ask.push((*number, assertions.into_iter().map(|(_, assertion)| assertion).collect()));
        }
    }
    for some in ask.chunks(NAMES_PER_SEARCH) {
        let filter = lookup::somebody(some.iter().flat_map(|(_, assertions)| assertions));
        // Objects that the server takes for an answer, and we do not see to what.
        let mut stray: BTreeSet<Dn> = BTreeSet::new();
        session
            .each("looking users up", head.as_str(), &filter, &attributes(), |entry| {
                if place::in_domain(&entry.dn, head) && !answers.take(&entry, lens) {
                    stray.insert(Dn::from(entry.dn));
                }
                report.entry();
                Ok(())
            })
            .await?;
        answers.open(some.iter().map(|(number, _)| *number), stray.first());
    }
    Ok(())
}
