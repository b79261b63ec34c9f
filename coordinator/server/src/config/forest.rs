//! Forests: what AdminSDHolder protects there, which no server tells.

use super::domain::unique;
use super::estate::Declared;
use super::problem::Problems;
use super::value::duration;
use super::written;
use sendgate_core::names::DomainName;
use sendgate_core::policy::ProtectionPolicy;
use sendgate_core::sid::Sid;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// `AdminSDProtectFrequency` takes 60 to 7200 seconds (Microsoft KB 817433).
const INTERVALS: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(7200)];

/// What is protected in each domain that a forest names; domains of no forest keep the documented list.
pub(super) fn forests(
    problems: &mut Problems,
    written: &[written::Forest],
    domains: &Declared<DomainName>,
) -> BTreeMap<DomainName, ProtectionPolicy> {
    let (mut found, mut names) = (BTreeMap::new(), BTreeMap::new());
    for (index, forest) in written.iter().enumerate() {
        let at = format!("forests[{index}]");
        unique(problems, &mut names, &at, "name", "forest", &forest.name);
        let protection = protection(problems, &at, forest);
        for (place, text) in forest.domains.iter().enumerate() {
            let key = format!("{at}.domains[{place}]");
            let Some(domain) = domains.find(problems, &key, text) else { continue };
            if found.insert(domain, protection.clone()).is_some() {
                let wrong = format!("the domain {text:?} stands in a forest already");
                problems.add(key, wrong, "a domain belongs to one forest: name it once");
            }
        }
    }
    found
}

fn protection(problems: &mut Problems, at: &str, written: &written::Forest) -> ProtectionPolicy {
    let mut protection = ProtectionPolicy::default();
    if let Some(groups) = &written.protected_groups {
        (protection.domain_groups, protection.builtin_groups) = (BTreeSet::new(), BTreeSet::new());
        for (index, text) in groups.iter().enumerate() {
            match group(text) {
                Some(Group::Domain(rid)) => drop(protection.domain_groups.insert(rid)),
                Some(Group::Builtin(rid)) => drop(protection.builtin_groups.insert(rid)),
                None => problems.add(
                    format!("{at}.protected_groups[{index}]"),
                    format!("{text:?} is no protected group"),
                    "write the RID of a group of the domain, such as \"512\" for Domain Admins, or the SID of a built-in \
                     one, such as \"S-1-5-32-548\" for Account Operators",
                ),
            }
        }
        if groups.is_empty() {
            let remedy = "leave the key out for the documented list, or name what is protected";
            problems.add(format!("{at}.protected_groups"), "nothing would be protected", remedy);
        }
    }
    if let Some(text) = &written.propagation_interval {
        let key = format!("{at}.propagation_interval");
        let [least, most] = INTERVALS;
        match duration(problems, &key, text) {
            Some(interval) if (least..=most).contains(&interval) => protection.interval = interval,
            Some(_) => problems.add(
                key,
                format!("{text:?} is not between 60s and 2h, which AdminSDProtectFrequency allows"),
                "write what the registry of the PDC emulator says, or leave the key out for the default of 1h",
            ),
            None => {}
        }
    }
    protection
}

enum Group {
    Domain(u32),
    Builtin(u32),
}

fn group(text: &str) -> Option<Group> {
    let text = text.trim();
    if let Ok(rid) = text.parse() {
        return Some(Group::Domain(rid));
    }
    let sid: Sid = text.parse().ok()?;
    match (sid.authority(), sid.sub_authorities()) {
        (5, [32, rid]) => Some(Group::Builtin(*rid)),
        _ => None,
    }
}
