//! One server, read once.

use super::super::super::{DirectoryServer, connect};
use super::super::full;
use super::super::progress::Report;
use super::super::state::Asked;
use sendgate_core::coverage::reading::ServerReading;
use sendgate_core::names::DomainName;
use sendgate_core::time::{Readable, Steady};
use tokio::time::timeout;

/// Reads one server once, and is done with it.
///
/// # Errors
/// Whatever keeps the reading from being complete.
pub(in super::super) async fn once(
    server: DirectoryServer,
    domain: DomainName,
    asked: Asked,
    started: Steady,
) -> Result<ServerReading, String> {
    let limit = server.timeouts.survey;
    let read = async {
        let session = connect::open(&server).await?;
        full::read(&session, &domain, asked, started, &Report::nobody(server.name.clone())).await
    };
    match timeout(limit, read).await {
        Ok(Ok(mut state)) => Ok(state.reading()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!(
            "reading the users on {} was not through after {}: the server is too slow, or the deadline too short",
            server.shown(),
            Readable(limit)
        )),
    }
}
