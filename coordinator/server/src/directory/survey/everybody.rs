//! Everybody who has a mailbox, whether or not a roster names him: read once, by the same steps as a roster's users, and
//! judged by the same judge.

use super::super::session::Session;
use super::super::{DirectoryError, DirectoryServer, connect};
use super::answers::nameless;
use super::containers::{self, Containers};
use super::full::{Ground, attributes, ground};
use super::parts;
use super::progress::{Report as Steps, Stage};
use super::{SurveyStopped, Wanted, account, place, user};
use crate::directory::entry::Entry;
use sendgate_core::coverage::reading::{DomainReading, FoundUser, ServerFailure, ServerReading, UserReading};
use sendgate_core::coverage::report::Report;
use sendgate_core::coverage::{Judge, Touched};
use sendgate_core::guid::Guid;
use sendgate_core::names::{DirectoryName, Dn, DomainName};
use sendgate_core::time::{Readable, Steady};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Users with a mailbox, by either of the attributes that say where it is.
const MAILBOXES: &str = "(&(objectClass=user)(!(objectClass=computer))(|(homeMDB=*)(msExchHomeServerName=*)))";

/// Attributes that name a user, the best one first.
const NAMES: [&str; 3] = ["mail", "userPrincipalName", "sAMAccountName"];

/// Why there is no report: an empty one would look like a domain without a fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EverybodyError {
    /// The survey has ended.
    #[error(transparent)]
    Stopped(#[from] SurveyStopped),
    /// Somebody else is at it.
    #[error(
        "everybody is being read there for somebody else, and was not through within {}: each such reading has every \
         directory server work, so one goes on at a time; ask again later",
        Readable(*waited)
    )]
    Busy {
        /// For so long it was waited for.
        waited: Duration,
    },
    /// No directory server was read.
    #[error("no directory server could be read ({0}): mend that, and ask again")]
    NoServer(String),
    /// It broke off.
    #[error("judging the users broke off inside Sendgate: its log says more; ask again, and report it")]
    BrokeOff,
}

/// Somebody with a mailbox on one server.
struct Person {
    guid: Guid,
    names: Vec<DirectoryName>,
    what: Result<Arc<FoundUser>, String>,
}

/// What one server shows, the users apart.
struct Shown {
    rest: ServerReading,
    people: Vec<Person>,
}

/// Reads and judges.
pub(super) async fn read(
    domain: DomainName,
    servers: Vec<DirectoryServer>,
    wanted: Arc<Wanted>,
    now: Steady,
) -> Result<Report, EverybodyError> {
    let mut tasks = JoinSet::new();
    let mut shown: BTreeMap<_, Result<Shown, ServerFailure>> = BTreeMap::new();
    for server in servers {
        let why = format!("reading {} broke off inside Sendgate", server.shown());
        shown.insert(server.name.clone(), Err(ServerFailure(why)));
        let (domain, wanted) = (domain.clone(), Arc::clone(&wanted));
        tasks.spawn(async move {
            let limit = server.timeouts.survey;
            let read = match timeout(limit, on_server(&server, &domain, &wanted, now)).await {
                Ok(read) => read.map_err(|error| ServerFailure(error.to_string())),
                Err(_) => Err(ServerFailure(format!(
                    "reading everybody on {} was not through after {}: the server is too slow, or the deadline too short",
                    server.shown(),
                    Readable(limit)
                ))),
            };
            (server.name, read)
        });
    }
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok((name, read)) => drop(shown.insert(name, read)),
            Err(error) => tracing::error!(%error, "reading a server broke off"),
        }
    }
    if shown.values().all(Result::is_err) {
        let why = shown.iter().filter_map(|(name, shown)| Some(format!("{name}: {}", shown.as_ref().err()?.0)));
        return Err(EverybodyError::NoServer(why.collect::<Vec<_>>().join("; ")));
    }
    let judged = tokio::task::spawn_blocking(move || {
        let reading = together(domain, shown, now);
        let (mut judge, mut report) = (Judge::new(&reading, &wanted.setting), Report::default());
        for name in &reading.asked {
            report.take(name.clone(), judge.presence(name));
        }
        report.sort();
        report
    });
    judged.await.map_err(|error| {
        tracing::error!(%error, "judging everybody broke off");
        EverybodyError::BrokeOff
    })
}

async fn on_server(
    server: &DirectoryServer,
    domain: &DomainName,
    wanted: &Wanted,
    now: Steady,
) -> Result<Shown, DirectoryError> {
    let session: Session = connect::open(server).await?;
    let steps = Steps::nobody(server.name.clone());
    let (ground, more) = tokio::try_join!(ground(&session, domain, wanted, &steps), parts::more(&session))?;
    let Ground { head, accounts, short, mut lens, .. } = ground;
    steps.stage(Stage::Users);
    let mut people = Vec::new();
    let take = |entry: Entry| {
        if place::in_domain(&entry.dn, &head) {
            let guid = user::guid(&entry).unwrap_or_else(|_| nameless(&entry.dn));
            let what = user::user(&entry, &mut lens).map(|read| Arc::new(read.user));
            let what = what.map_err(|why| format!("{}: {why}", entry.dn));
            people.push(Person { guid, names: names(&entry, short.as_deref(), domain, guid), what });
        }
        Ok(())
    };
    more.each(&session, "reading everybody with a mailbox", head.as_str(), MAILBOXES, &attributes(), take).await?;
    drop(more);
    // Whoever comes first gets a name that several have: not a matter of which connection was faster.
    people.sort_by_key(|person| person.guid);
    let mut containers = Containers::default();
    let places = people.iter().filter_map(|person| person.what.as_ref().ok()).map(|user| &user.dn);
    let missing: BTreeSet<Dn> = containers.missing(&head, places);
    containers.read(&session, &head, missing, &lens.descriptors).await?;
    let rest = ServerReading {
        seen: now,
        accounts: account::shown(&accounts),
        accounts_awaited: account::awaited(&accounts),
        users: BTreeMap::new(),
        containers: containers.shown().clone(),
        admin_sd_holder: containers::read_holder(&session, &head, &lens.descriptors).await?,
        in_part: Touched::nobody(),
        head,
    };
    Ok(Shown { rest, people })
}

/// What a user may be called in the report, the best name first and one last that nobody shares.
fn names(entry: &Entry, short: Option<&str>, domain: &DomainName, guid: Guid) -> Vec<DirectoryName> {
    let given = NAMES.iter().filter_map(|attribute| {
        let value = entry.texts(attribute).next()?;
        let prefix = short.unwrap_or(domain.as_str());
        if *attribute == "sAMAccountName" { format!("{prefix}\\{value}").parse().ok() } else { value.parse().ok() }
    });
    given.chain(guid.to_string().parse()).collect()
}

/// One name for each object, whichever server shows it, and what each server says of it.
fn together(
    domain: DomainName,
    shown: BTreeMap<sendgate_core::names::DirectoryServerName, Result<Shown, ServerFailure>>,
    now: Steady,
) -> DomainReading {
    let (mut called, mut taken): (BTreeMap<Guid, DirectoryName>, BTreeSet<DirectoryName>) = Default::default();
    for person in shown.values().flatten().flat_map(|shown| &shown.people) {
        if !called.contains_key(&person.guid)
            && let Some(name) = person.names.iter().find(|name| !taken.contains(*name))
        {
            taken.insert(name.clone());
            called.insert(person.guid, name.clone());
        }
    }
    let servers = shown.into_iter().map(|(server, shown)| {
        let reading = shown.map(|Shown { mut rest, people }| {
            // Each search was complete: whom it did not return is not there.
            rest.users = taken.iter().map(|name| (name.clone(), UserReading::NotFound)).collect();
            for Person { guid, what, .. } in people {
                if let Some(name) = called.get(&guid) {
                    let reading = what.map_or_else(UserReading::Failed, UserReading::Found);
                    rest.users.insert(name.clone(), reading);
                }
            }
            rest
        });
        (server, reading)
    });
    let servers = servers.collect();
    DomainReading { domain, started: now, asked: taken, servers }
}
