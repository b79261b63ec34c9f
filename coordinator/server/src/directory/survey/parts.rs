//! Everybody in parts, each read over a connection of its own: a server answers one connection after the other what it is
//! asked there, and several at the same time.
//!
//! What an object's part is follows from its objectGUID, which it keeps for as long as it exists (MS-ADTS 3.1.1.1.4), so
//! that none moves from one part to another while it is read, whatever is changed about it. The bounds stand in one filter
//! as they are and in the next one negated: an object for which a bound does not hold is in a part before it, one for which
//! it holds in that part or a later one. So every object is in a part whatever a server takes for the order of octets, and
//! in the first one if it does not show its objectGUID. One that were in two would be the same object twice.
//!
//! Only a server that cannot tell an order at all would return nobody (RFC 4511 section 4.5.1.7, `Undefined`): that is
//! asked first, with the domain's head, and such a server is read over one connection.

use super::super::entry::Entry;
use super::super::session::Session;
use super::super::{DirectoryError, connect, filter, root};
use sendgate_core::names::Dn;
use std::sync::{Mutex, PoisonError};

/// Connections beside the one that is there.
#[derive(Default)]
pub(super) struct More([Option<Session>; 3]);

/// Octets of an objectGUID.
const OCTETS: usize = 16;

/// Opens as many more connections as the server's settings want.
///
/// # Errors
/// One cannot be opened, or another server answers there.
pub(super) async fn more(session: &Session) -> Result<More, DirectoryError> {
    let readers = session.server().readers.count();
    if readers == 1 {
        return Ok(More::default());
    }
    let here = root::read(session).await?;
    if !orders(session, &here.head).await? {
        let server = session.server().shown();
        tracing::info!(server, "it tells no order of objectGUIDs: everybody is read over one connection");
        return Ok(More::default());
    }
    let one = async |number: usize| -> Result<Option<Session>, DirectoryError> {
        if number > readers {
            return Ok(None);
        }
        let beside = |error| DirectoryError::Beside { number, error: Box::new(error) };
        let other = connect::open(session.server()).await.map_err(beside)?;
        // Behind a name with several addresses there may be several servers, of which each has changes of its own.
        if root::read(&other).await.map_err(beside)?.service != here.service {
            let why = "another server answers on it than on the first one".to_owned();
            return Err(beside(DirectoryError::NotServing { server: session.server().shown(), why }));
        }
        Ok(Some(other))
    };
    let (second, third, fourth) = tokio::try_join!(one(2), one(3), one(4))?;
    Ok(More([second, third, fourth]))
}

/// Whether the server tells objectGUIDs apart by a bound, both as it is and negated.
async fn orders(session: &Session, head: &Dn) -> Result<bool, DirectoryError> {
    let (lowest, highest) = (bound([0; OCTETS]), bound([0xff; OCTETS]));
    session.holds(head.as_str(), &format!("(&{lowest}(!{highest}))")).await
}

fn bound(octets: [u8; OCTETS]) -> String {
    filter::at_least_bytes("objectGUID", &octets)
}

/// What is asked for in part `number` of `parts`, the first one being 1, besides what everybody is.
fn part(number: usize, parts: usize) -> String {
    // Of random GUIDs, which servers make, there are equally many below each bound.
    let below = |parts_below: usize| {
        let mut octets = [0; OCTETS];
        octets[0] = u8::try_from(256 * parts_below / parts).unwrap_or(u8::MAX);
        bound(octets)
    };
    match (number == 1, number == parts) {
        (true, true) => String::new(),
        (true, false) => format!("(!{})", below(1)),
        (false, true) => below(number - 1),
        (false, false) => format!("{}(!{})", below(number - 1), below(number)),
    }
}

impl More {
    fn count(&self) -> usize {
        self.0.iter().flatten().count()
    }

    /// As [`Session::each`], over `first` and all of these at the same time.
    ///
    /// # Errors
    /// As [`Session::each`], for any of them: the others are given up then.
    pub(super) async fn each(
        &self,
        first: &Session,
        attempt: &str,
        base: &str,
        filter: &str,
        attributes: &[&str],
        take: impl FnMut(Entry) -> Result<(), DirectoryError> + Send,
    ) -> Result<(), DirectoryError> {
        let (take, parts) = (Mutex::new(take), self.count() + 1);
        let read = async |number: usize, session: Option<&Session>| match session {
            None => Ok(()),
            Some(session) => {
                let filter = match part(number, parts).as_str() {
                    "" => filter.to_owned(),
                    part => format!("(&{filter}{part})"),
                };
                // What a panic would leave half taken is given up with the whole reading.
                let take = |entry| (take.lock().unwrap_or_else(PoisonError::into_inner))(entry);
                session.each(attempt, base, &filter, attributes, take).await
            }
        };
        let [second, third, fourth] = self.0.each_ref().map(Option::as_ref);
        let (first, second, third) = (read(1, Some(first)), read(2, second), read(3, third));
        tokio::try_join!(first, second, third, read(4, fourth))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
