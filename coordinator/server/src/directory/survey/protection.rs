//! Whom AdminSDHolder protects (MS-ADTS 3.1.1.6.1): members, over any number of groups, of the protected groups, and
//! two users.
//!
//! Read downwards, by `member`: the groups' own descriptors let every user read it, while `memberOf` of a user may be
//! hidden, and then nobody would seem protected. Distribution groups count as well. A global catalog of another domain
//! knows only universal groups' members; the domain's own controllers, read beside it, know the rest.

use super::super::session::Session;
use super::super::{DirectoryError, filter};
use super::user::sid;
use sendgate_core::coverage::reading::GroupPath;
use sendgate_core::names::Dn;
use sendgate_core::sid::Sid;
use std::collections::{HashMap, HashSet, VecDeque};

/// Protected groups of the domain: Domain Admins, Domain Controllers, Cert Publishers, Schema Admins, Enterprise Admins.
const OF_DOMAIN: [u32; 5] = [512, 516, 517, 518, 519];

/// Protected groups of S-1-5-32: Administrators, Account, Server, Print and Backup Operators, Replicator.
const OF_BUILTIN: [u32; 6] = [544, 548, 549, 550, 551, 552];

/// Protected users: Administrator and krbtgt.
const USERS: [u32; 2] = [500, 502];

/// Members that one search asks about.
const MEMBERS_PER_SEARCH: usize = 100;

/// Parts of one group's member list: at some 1,500 members each, 15 million.
const RANGES: usize = 10_000;

/// The groups that matter and who is in them.
#[derive(Debug, Default)]
pub(super) struct Protection {
    domain: Option<Sid>,
    protected: HashSet<Dn>,
    /// The groups that something is a direct member of.
    above: HashMap<Dn, Vec<Dn>>,
    /// Groups by SID, for primary groups, which do not list their members.
    groups: HashMap<Sid, Dn>,
}

impl Protection {
    /// The shortest way from a user up to a protected group. Users who are protected as such get a path of themselves.
    pub(super) fn path(&self, user: &Dn, sid: &Sid, primary_group: u32) -> Option<GroupPath> {
        let domain = sid.domain();
        let primary = domain.as_ref().and_then(|domain| domain.child(primary_group).ok());
        let primary = primary.and_then(|sid| self.groups.get(&sid));
        let mut from: HashMap<&Dn, Option<&Dn>> = HashMap::new();
        let mut next: VecDeque<&Dn> = VecDeque::new();
        for group in self.above.get(user).into_iter().flatten().chain(primary) {
            if from.insert(group, None).is_none() {
                next.push_back(group);
            }
        }
        while let Some(group) = next.pop_front() {
            if self.protected.contains(group) {
                let mut path = vec![group.clone()];
                let mut here = group;
                while let Some(Some(below)) = from.get(here) {
                    path.push((*below).clone());
                    here = below;
                }
                path.reverse();
                return Some(GroupPath(path));
            }
            for above in self.above.get(group).into_iter().flatten() {
                if !from.contains_key(above) {
                    from.insert(above, Some(group));
                    next.push_back(above);
                }
            }
        }
        let own = domain.is_some() && domain == self.domain && sid.rid().is_some_and(|rid| USERS.contains(&rid));
        own.then(|| GroupPath(vec![user.clone()]))
    }

    fn group(&mut self, group: &Dn, sid: Sid, members: &[Dn]) {
        self.groups.insert(sid, group.clone());
        for member in members {
            self.above.entry(member.clone()).or_default().push(group.clone());
        }
    }
}

/// Reads the protected groups and every group in them.
///
/// # Errors
/// An incomplete search, or a group that is not understood: then nobody's protection can be told.
pub(super) async fn read(session: &Session, head: &Dn) -> Result<Protection, DirectoryError> {
    let attempt = "reading the domain's head";
    let found = session.object(head.as_str(), &["objectSid"]).await?;
    let found = found.ok_or_else(|| session.not_understood(attempt, format!("{head} was not shown")))?;
    let domain = sid(&found).map_err(|why| session.not_understood(attempt, why))?;
    let well_known = OF_DOMAIN.iter().filter_map(|rid| domain.child(*rid).ok());
    let builtin = OF_BUILTIN.iter().filter_map(|rid| Sid::new(5, &[32, *rid]).ok());
    let by_sid = well_known.chain(builtin).map(|sid| filter::equals_bytes("objectSid", &sid.to_bytes()));
    let mut protection = Protection { domain: Some(domain.clone()), ..Protection::default() };
    let mut frontier = groups(session, head, filter::any(by_sid), &mut protection).await?;
    protection.protected = protection.groups.values().cloned().collect();
    if protection.protected.is_empty() {
        return Err(session.not_understood("reading the protected groups", "none of them was shown"));
    }
    let mut seen: HashSet<Dn> = protection.protected.clone();
    while !frontier.is_empty() {
        let fresh: Vec<Dn> = frontier.drain(..).filter(|member| seen.insert(member.clone())).collect();
        for some in fresh.chunks(MEMBERS_PER_SEARCH) {
            let by_name = some.iter().map(|dn| filter::equals("distinguishedName", dn.as_str()));
            frontier.extend(groups(session, head, filter::any(by_name), &mut protection).await?);
        }
    }
    Ok(protection)
}

/// Notes the groups that `filter` describes, and returns their members.
async fn groups(
    session: &Session,
    head: &Dn,
    filter: String,
    protection: &mut Protection,
) -> Result<Vec<Dn>, DirectoryError> {
    let attempt = "reading protected groups";
    let filter = format!("(&(objectClass=group){filter})");
    let mut found = Vec::new();
    session
        .each(attempt, head.as_str(), &filter, &["objectSid", "member"], |entry| {
            found.push(entry);
            Ok(())
        })
        .await?;
    let mut all = Vec::new();
    for group in found {
        let sid = sid(&group).map_err(|why| session.not_understood(attempt, format!("{}: {why}", group.dn)))?;
        let mut members: Vec<Dn> = group.texts("member").map(Dn::from).collect();
        let mut part = group;
        // Large groups come in parts (MS-ADTS 3.1.1.3.1.3.3).
        for _ in 0..RANGES {
            let Some((values, next)) = part.range("member") else { break };
            members.extend(values.iter().filter_map(|value| std::str::from_utf8(value).ok()).map(Dn::from));
            let Some(next) = next else { break };
            let attribute = format!("member;range={next}-*");
            let more = session.object(&part.dn, &[&attribute]).await?;
            part = more.ok_or_else(|| session.not_understood(attempt, format!("{} vanished meanwhile", part.dn)))?;
        }
        protection.group(&Dn::from(part.dn), sid, &members);
        all.extend(members);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dn(name: &str) -> Dn {
        Dn::from(format!("CN={name},DC=a"))
    }

    fn rid(rid: u32) -> Sid {
        Sid::new(5, &[21, 1, 2, 3, rid]).unwrap()
    }

    /// Admins (protected) holds Helpers, which holds Night, which holds Ann and, in a circle, Helpers; Staff is not protected.
    fn example() -> Protection {
        let mut example = Protection { domain: rid(1).domain(), ..Protection::default() };
        example.group(&dn("Admins"), rid(512), &[dn("Helpers"), dn("Boss")]);
        example.group(&dn("Helpers"), rid(2001), &[dn("Night")]);
        example.group(&dn("Night"), rid(2002), &[dn("Ann"), dn("Helpers")]);
        example.group(&dn("Staff"), rid(2003), &[dn("Bob")]);
        example.protected = HashSet::from([dn("Admins")]);
        example
    }

    fn path(user: &str, own: u32, primary: u32) -> Option<Vec<Dn>> {
        example().path(&dn(user), &rid(own), primary).map(|path| path.0)
    }

    #[test]
    fn the_way_up_is_told_group_by_group() {
        assert_eq!(path("Ann", 1104, 513), Some(vec![dn("Night"), dn("Helpers"), dn("Admins")]));
        assert_eq!(path("Boss", 1105, 513), Some(vec![dn("Admins")]));
        assert_eq!(path("Bob", 1106, 513), None);
    }

    #[test]
    fn a_primary_group_protects_too() {
        assert_eq!(path("Eve", 1107, 512), Some(vec![dn("Admins")]));
        assert_eq!(path("Eve", 1107, 2001), Some(vec![dn("Helpers"), dn("Admins")]));
    }

    #[test]
    fn administrator_and_krbtgt_are_protected_as_such_in_their_own_domain_only() {
        assert_eq!(path("krbtgt", 502, 513), Some(vec![dn("krbtgt")]));
        let foreign = Sid::new(5, &[21, 9, 9, 9, 500]).unwrap();
        assert_eq!(example().path(&dn("x"), &foreign, 513), None);
    }
}
