//! Users that no server returned, taken, judged and pictured as those of a server are: for measurements of what that
//! costs.

use super::super::entry::Entry;
use super::answers::Answers;
use super::roster::Roster;
use super::user::Lens;
use super::wanted::Wanted;
use sendgate_core::coverage::reading::{AccountReading, DescriptorReading, DomainReading, ServerReading};
use sendgate_core::coverage::{DomainPicture, Touched, look};
use sendgate_core::names::{AccountName, DirectoryServerName, Dn, DomainName};
use sendgate_core::time::Steady;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What surrounds the generated users.
pub struct Surroundings {
    /// The domain.
    pub domain: DomainName,
    /// The server that is said to have returned them.
    pub server: DirectoryServerName,
    /// The domain's head.
    pub head: Dn,
    /// The service account.
    pub account: (AccountName, AccountReading),
    /// The containers above the users.
    pub containers: BTreeMap<Dn, DescriptorReading>,
}

/// An attribute and its values.
pub type Attribute = (&'static str, Vec<Vec<u8>>);

/// The picture of a domain with these users, each a DN with its attributes. At its peak everything is there that a survey
/// of one server holds: what it knows of the users, the reading that is judged, and the picture.
#[must_use]
pub fn picture(
    around: Surroundings,
    wanted: &Arc<Wanted>,
    users: impl Iterator<Item = (String, Vec<Attribute>)>,
) -> DomainPicture {
    let roster = Arc::new(Roster::new(&wanted.asked, around.domain.clone()));
    let (mut answers, mut lens) = (Answers::new(roster, None), Lens::default());
    for (dn, attributes) in users {
        answers.take(&Entry::made(dn, attributes), &mut lens);
    }
    let (account, reading) = around.account;
    let server = ServerReading {
        seen: Steady::START,
        accounts: [(account, Ok(reading))].into(),
        accounts_awaited: [].into(),
        users: answers.all(),
        containers: around.containers,
        head: around.head,
        admin_sd_holder: DescriptorReading::NotShown,
        in_part: Touched::nobody(),
    };
    let reading = DomainReading {
        domain: around.domain.clone(),
        started: Steady::START,
        asked: wanted.asked.as_ref().clone(),
        servers: [(around.server, Ok(server))].into(),
    };
    let look = look(&reading, &wanted.setting, &Touched::All);
    let mut picture = DomainPicture::new(around.domain);
    picture.take(look);
    picture
}
