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
use sendgate_core::policy::ProtectionPolicy;
use sendgate_core::sid::Sid;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// Where dSHeuristics is.
const SERVICE: &str = "CN=Directory Service,CN=Windows NT,CN=Services";

/// Which character of dSHeuristics says what is exempt, from 0 (MS-ADTS 6.1.1.2.4.1.2, dwAdminSDExMask).
const EXEMPTION: usize = 15;

/// What its bits exempt, by RID: Account, Server, Print and Backup Operators.
const EXEMPTIONS: [(u32, u32); 4] = [(1, 548), (2, 549), (4, 550), (8, 551)];

/// Members that one search asks about.
const MEMBERS_PER_SEARCH: usize = 100;

/// Parts of one group's member list: at some 1,500 members each, 15 million.
const RANGES: usize = 10_000;

/// What settles who is protected, besides who is in which group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rules {
    /// The forest's.
    policy: ProtectionPolicy,
    /// Groups of `S-1-5-32` that dSHeuristics exempts, by RID.
    exempt: BTreeSet<u32>,
}

/// The groups that matter and who is in them.
#[derive(Debug, Default)]
pub(super) struct Protection {
    rules: Rules,
    domain: Option<Sid>,
    protected: HashSet<Dn>,
    /// The groups that something is a direct member of.
    above: HashMap<Dn, Vec<Dn>>,
    /// Groups by SID, for primary groups, which do not list their members.
    groups: HashMap<Sid, Dn>,
    /// Ways that were told already, by the groups that they begin with.
    told: HashMap<Vec<Dn>, Option<Arc<GroupPath>>>,
}

/// Sets of groups whose way up is kept.
const TOLD: usize = 10_000;

impl Protection {
    /// What it was told by.
    pub(super) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Whether a group is one of those that lead to protection.
    pub(super) fn has(&self, group: &Sid) -> bool {
        self.groups.contains_key(group)
    }

    /// Whether everybody is protected as he was before.
    pub(super) fn same(&self, other: &Self) -> bool {
        (&self.rules, &self.domain, &self.protected) == (&other.rules, &other.domain, &other.protected)
            && (&self.above, &self.groups) == (&other.above, &other.groups)
    }

    /// The shortest way from a user up to a protected group. Users who are protected as such get a path of themselves.
    /// Users in the same groups share it.
    pub(super) fn path(&mut self, user: &Dn, sid: &Sid, primary_group: u32) -> Option<Arc<GroupPath>> {
        let domain = sid.domain();
        let primary = domain.as_ref().and_then(|domain| domain.child(primary_group).ok());
        let primary = primary.and_then(|sid| self.groups.get(&sid));
        let begin: Vec<Dn> = self.above.get(user).into_iter().flatten().chain(primary).cloned().collect();
        let path = if begin.is_empty() {
            None
        } else if let Some(told) = self.told.get(&begin) {
            told.clone()
        } else {
            let path = self.way_up(&begin).map(Arc::new);
            if self.told.len() < TOLD {
                self.told.insert(begin, path.clone());
            }
            path
        };
        let users = &self.rules.policy.users;
        let own = domain.is_some() && domain == self.domain && sid.rid().is_some_and(|rid| users.contains(&rid));
        path.or_else(|| own.then(|| Arc::new(GroupPath(vec![user.clone()]))))
    }

    fn way_up(&self, begin: &[Dn]) -> Option<GroupPath> {
        let mut from: HashMap<&Dn, Option<&Dn>> = HashMap::new();
        let mut next: VecDeque<&Dn> = VecDeque::new();
        for group in begin {
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
        None
    }

    fn group(&mut self, group: &Dn, sid: Sid, members: &[Dn]) {
        self.groups.insert(sid, group.clone());
        for member in members {
            self.above.entry(member.clone()).or_default().push(group.clone());
        }
    }
}

/// Reads which groups of `S-1-5-32` dSHeuristics exempts. If it is not shown, none: nobody is taken for unprotected who
/// may be protected.
///
/// # Errors
/// The search was not complete.
pub(super) async fn rules(
    session: &Session,
    configuration: &Dn,
    policy: &ProtectionPolicy,
) -> Result<Rules, DirectoryError> {
    let service = session.object(&format!("{SERVICE},{configuration}"), &["dSHeuristics"]).await?;
    let heuristics = service.as_ref().and_then(|service| service.text("dSHeuristics").ok().flatten());
    Ok(Rules { policy: policy.clone(), exempt: exempt(heuristics) })
}

fn exempt(heuristics: Option<&str>) -> BTreeSet<u32> {
    let mask = heuristics.and_then(|text| text.chars().nth(EXEMPTION)?.to_digit(16)).unwrap_or(0);
    EXEMPTIONS.iter().filter(|(bit, _)| mask & bit != 0).map(|(_, group)| *group).collect()
}

/// Reads the protected groups and every group in them.
///
/// # Errors
/// An incomplete search, or a group that is not understood: then nobody's protection can be told.
pub(super) async fn read(session: &Session, head: &Dn, rules: Rules) -> Result<Protection, DirectoryError> {
    let attempt = "reading the domain's head";
    let found = session.object(head.as_str(), &["objectSid"]).await?;
    let found = found.ok_or_else(|| session.not_understood(attempt, format!("{head} was not shown")))?;
    let domain = sid(&found).map_err(|why| session.not_understood(attempt, why))?;
    let of_domain = rules.policy.domain_groups.iter().filter_map(|rid| domain.child(*rid).ok());
    let of_builtin = rules.policy.builtin_groups.difference(&rules.exempt);
    let of_builtin = of_builtin.filter_map(|rid| Sid::new(5, &[32, *rid]).ok());
    let by_sid: Vec<String> =
        of_domain.chain(of_builtin).map(|sid| filter::equals_bytes("objectSid", &sid.to_bytes())).collect();
    let mut protection = Protection { domain: Some(domain.clone()), rules, ..Protection::default() };
    // A policy that protects no group leaves nothing to read.
    if by_sid.is_empty() {
        return Ok(protection);
    }
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
    // In an order of their own, so that a second reading of the same groups is the same.
    protection.above.values_mut().for_each(|groups| groups.sort());
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
        example().path(&dn(user), &rid(own), primary).map(|path| path.0.clone())
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

    #[test]
    fn users_in_the_same_groups_share_their_way() {
        let mut example = example();
        example.group(&dn("Night"), rid(2002), &[dn("Bill")]);
        let (ann, bill) = (example.path(&dn("Ann"), &rid(1104), 513), example.path(&dn("Bill"), &rid(1108), 513));
        assert!(Arc::ptr_eq(&ann.unwrap(), &bill.unwrap()));
    }

    #[test]
    fn the_sixteenth_character_of_the_heuristics_exempts_operators() {
        assert_eq!(exempt(Some("000000000100000f")), BTreeSet::from([548, 549, 550, 551]));
        assert_eq!(exempt(Some("0000000001000005000")), BTreeSet::from([548, 550]));
        for nothing in [None, Some(""), Some("fffffffffffffff"), Some("000000000100000x"), Some("0000000001000000f")] {
            assert_eq!(exempt(nothing), BTreeSet::new(), "{nothing:?}");
        }
    }
}
