//! What several places show now, for somebody who waits: over one connection, within one deadline.

use super::{GrantError, read};
use crate::directory::{DirectoryError, DirectoryServer, connect};
use sendgate_core::names::Dn;
use sendgate_core::secdesc::SecurityDescriptor;
use sendgate_core::time::Readable;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The descriptor of each place as `server` shows it, or why it is not known. A server that cannot be reached, or does not
/// answer, is not asked again for the places that are left.
pub async fn places<'a>(
    server: &DirectoryServer,
    places: impl Iterator<Item = &'a Dn>,
    within: Duration,
) -> Vec<Result<SecurityDescriptor, String>> {
    let until = Instant::now() + within;
    let late = || format!("directory server {} did not show all places within {}", server.shown(), Readable(within));
    let mut session = match timeout_at(until, connect::open(server)).await {
        Ok(session) => session.map_err(|error| error.to_string()),
        Err(_) => Err(late()),
    };
    let mut shown = Vec::new();
    for place in places {
        let answer = match &session {
            Err(why) => Err(why.clone()),
            Ok(open) => match timeout_at(until, read(open, place)).await {
                Ok(Ok(now)) => Ok(now.descriptor),
                Ok(Err(GrantError::Directory { error, .. })) => {
                    let why = error.to_string();
                    if is_over(&error) {
                        session = Err(why.clone());
                    }
                    Err(why)
                }
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => {
                    session = Err(late());
                    Err(late())
                }
            },
        };
        shown.push(answer);
    }
    shown
}

/// Whether nothing more is to be expected on this connection.
fn is_over(error: &DirectoryError) -> bool {
    matches!(
        error,
        DirectoryError::Lost { .. } | DirectoryError::TimedOut { .. } | DirectoryError::NotUnderstood { .. }
    )
}
