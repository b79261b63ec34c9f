//! One reading of a domain's users on every directory server that counts.
//!
//! On each server, all servers at once:
//! 1. `root`: does it hold the domain?
//! 2. [`account`]: the service accounts and their tokens;
//! 3. [`protection`]: the groups whose members AdminSDHolder protects, with their nested groups;
//! 4. [`lookup`] and [`people`]: every asked name is found, not found, ambiguous or failed;
//! 5. [`containers`]: the descriptors above the found users.
//!
//! A server whose answer was cut at any step gives no evidence at all: its result is a failure, never half a reading.

mod account;
mod containers;
mod descriptors;
mod home;
mod lookup;
mod people;
mod protection;
mod user;

use super::session::Session;
use super::{DirectoryError, DirectoryServer, connect, root};
use descriptors::Descriptors;
use sendgate_core::coverage::reading::{DomainReading, ServerFailure, ServerReading};
use sendgate_core::names::{AccountName, DirectoryName, DirectoryServerName, DomainName};
use sendgate_core::time::{Readable, Steady};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Servers that are read at the same time: each reading holds a connection and up to a few pages of entries.
const SERVERS_AT_ONCE: usize = 8;

/// What a survey is to read.
#[derive(Debug, Clone)]
pub struct SurveyRequest {
    /// The domain.
    pub domain: DomainName,
    /// The users, as rosters name them.
    pub asked: BTreeSet<DirectoryName>,
    /// The service accounts whose tokens are wanted.
    pub accounts: BTreeSet<AccountName>,
    /// Every server that counts.
    pub servers: Vec<DirectoryServer>,
    /// When the survey begins.
    pub started: Steady,
}

/// Reads the domain on every server of the request. It takes as long as the slowest server, at most that server's
/// survey deadline for each [`SERVERS_AT_ONCE`] servers; what went wrong with a server is that server's result.
pub async fn read(request: SurveyRequest) -> DomainReading {
    let request = Arc::new(request);
    let turns = Arc::new(Semaphore::new(SERVERS_AT_ONCE));
    // Silence is the default: a task that ends without a word leaves its server's failure in place.
    let silent =
        |server: &DirectoryServer| ServerFailure(format!("reading {} broke off inside Sendgate", server.shown()));
    let mut servers: BTreeMap<DirectoryServerName, Result<ServerReading, ServerFailure>> =
        request.servers.iter().map(|server| (server.name.clone(), Err(silent(server)))).collect();
    let mut tasks = JoinSet::new();
    for server in request.servers.iter().cloned() {
        // One of two readings under one name would be lost, and with it what it says.
        if request.servers.iter().filter(|other| other.name == server.name).count() > 1 {
            let why = format!("directory server {} is listed several times: list each name once", server.name);
            servers.insert(server.name, Err(ServerFailure(why)));
            continue;
        }
        let (request, turns) = (Arc::clone(&request), Arc::clone(&turns));
        tasks.spawn(async move {
            let turn = turns.acquire().await;
            let reading = if turn.is_ok() { Some(on_server(&server, &request).await) } else { None };
            (server.name, reading)
        });
    }
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok((name, Some(reading))) => drop(servers.insert(name, reading)),
            Ok((name, None)) => tracing::error!(server = %name, "survey got no turn"),
            Err(error) => tracing::error!(%error, "survey of a server broke off"),
        }
    }
    DomainReading { domain: request.domain.clone(), started: request.started, asked: request.asked.clone(), servers }
}

async fn on_server(server: &DirectoryServer, request: &SurveyRequest) -> Result<ServerReading, ServerFailure> {
    let limit = server.timeouts.survey;
    match timeout(limit, reading(server, request)).await {
        Ok(reading) => reading.map_err(|error| ServerFailure(error.to_string())),
        Err(_) => Err(ServerFailure(format!(
            "reading {} users on {} was not through after {}: the server is too slow, or the deadline too short",
            request.asked.len(),
            server.shown(),
            Readable(limit)
        ))),
    }
}

async fn reading(server: &DirectoryServer, request: &SurveyRequest) -> Result<ServerReading, DirectoryError> {
    let session: Session = connect::open(server).await?;
    let root = root::read(&session).await?;
    let head = root::serving(&session, &root, &request.domain).await?;
    let mut descriptors = Descriptors::default();
    let accounts = account::read(&session, &head, request).await?;
    let protection = protection::read(&session, &head).await?;
    let short_name = root::short_name(&session, &root, &head).await?;
    let users = people::read(&session, &head, request, short_name.as_deref(), &protection, &mut descriptors).await?;
    let containers = containers::read(&session, &head, &users, &mut descriptors).await?;
    let admin_sd_holder = containers::admin_sd_holder(&session, &head, &mut descriptors).await?;
    Ok(ServerReading { accounts, users, containers, head, admin_sd_holder })
}
