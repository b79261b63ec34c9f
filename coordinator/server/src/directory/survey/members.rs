//! Who is in what: groups of a domain that contain something, directly or over groups of the same domain.
//!
//! Only groups that stand in tokens count, at every level: what is in a distribution group is not in the security group
//! that the distribution group is in. A circle ends at what has been seen.

use super::super::session::Session;
use super::super::{DirectoryError, filter};
use super::user::{sid, sids};
use sendgate_core::names::Dn;
use sendgate_core::sid::Sid;
use std::collections::{BTreeMap, BTreeSet};

/// Members that one search asks about.
const MEMBERS_PER_SEARCH: usize = 50;

/// Groups that one search asks about.
const GROUPS_PER_SEARCH: usize = 50;

/// Groups of a domain.
#[derive(Debug, Default)]
pub(super) struct Groups {
    pub(super) sids: BTreeSet<Sid>,
    /// Their `sIDHistory`: what they were in domains that they were brought here from. In the tokens of their members too,
    /// unless it is filtered out on the way.
    pub(super) former: BTreeSet<Sid>,
}

/// The object that stands for a principal of elsewhere in the domain of this head (MS-ADTS 6.1.1.4.10).
pub(super) fn foreign(sid: &Sid, head: &Dn) -> Dn {
    Dn::from(format!("CN={sid},CN=ForeignSecurityPrincipals,{head}"))
}

/// Whatever object has this SID, also one of another domain of the forest (MS-ADTS 3.1.1.3.1.2.4). A value that a server cannot
/// make out matches nothing and is no error (RFC 4511 section 4.5.1.7).
pub(super) fn by_sid(sid: &Sid) -> Dn {
    Dn::from(format!("<SID={sid}>"))
}

/// The security groups that contain one of `members`, over any number of levels.
///
/// # Errors
/// An incomplete search, or a group without a SID: then nobody's groups can be told.
pub(super) async fn groups_with(session: &Session, head: &Dn, members: BTreeSet<Dn>) -> Result<Groups, DirectoryError> {
    let attempt = "reading the groups that contain a service account";
    let mut groups: BTreeMap<Dn, Sid> = BTreeMap::new();
    let mut former = BTreeSet::new();
    let mut next: Vec<Dn> = members.into_iter().collect();
    while !next.is_empty() {
        let mut found: Vec<(Dn, Sid)> = Vec::new();
        for some in next.chunks(MEMBERS_PER_SEARCH) {
            let any = filter::any(some.iter().map(|dn| filter::equals("member", dn.as_str())));
            let filter = format!("(&{}{any})", filter::SECURITY_GROUPS);
            session
                .each(attempt, head.as_str(), &filter, &["objectSid", "sIDHistory"], |entry| {
                    let shown = sid(&entry).and_then(|sid| Ok((sid, sids(&entry, "sIDHistory")?)));
                    let (sid, before) =
                        shown.map_err(|why| session.not_understood(attempt, format!("{}: {why}", entry.dn)))?;
                    former.extend(before);
                    found.push((Dn::from(entry.dn), sid));
                    Ok(())
                })
                .await?;
        }
        next = Vec::new();
        for (dn, sid) in found {
            if groups.insert(dn.clone(), sid).is_none() {
                next.push(dn);
            }
        }
    }
    Ok(Groups { sids: groups.into_values().collect(), former })
}

/// The `sIDHistory` of those of these groups that are of this domain: only global catalogs know it of those of others.
///
/// # Errors
/// An incomplete search, or one of them that cannot be understood.
pub(super) async fn former(
    session: &Session,
    head: &Dn,
    groups: impl Iterator<Item = &Sid>,
) -> Result<BTreeSet<Sid>, DirectoryError> {
    let attempt = "reading what the groups of a service account were before";
    let mut former = BTreeSet::new();
    // Nothing else was ever brought from elsewhere.
    let groups: Vec<&Sid> = groups.filter(|sid| sid.domain().is_some()).collect();
    for some in groups.chunks(GROUPS_PER_SEARCH) {
        let any = filter::any(some.iter().map(|sid| filter::equals_bytes("objectSid", &sid.to_bytes())));
        let filter = format!("(&(sIDHistory=*){any})");
        session
            .each(attempt, head.as_str(), &filter, &["sIDHistory"], |entry| {
                let before = sids(&entry, "sIDHistory");
                let before = before.map_err(|why| session.not_understood(attempt, format!("{}: {why}", entry.dn)))?;
                former.extend(before);
                Ok(())
            })
            .await?;
    }
    Ok(former)
}
