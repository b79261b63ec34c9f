//! The descriptors above the found users: where inheritance stops, and where a grant could be placed.

use super::super::DirectoryError;
use super::super::session::{DESCRIPTOR, Session};
use super::descriptors::Descriptors;
use sendgate_core::coverage::reading::{DescriptorReading, UserReading};
use sendgate_core::names::{DirectoryName, Dn};
use std::collections::{BTreeMap, BTreeSet};

/// The domain head and every container between it and a found user.
pub(super) async fn read(
    session: &Session,
    head: &Dn,
    users: &BTreeMap<DirectoryName, UserReading>,
    descriptors: &mut Descriptors,
) -> Result<BTreeMap<Dn, DescriptorReading>, DirectoryError> {
    let found = users.values().filter_map(|reading| match reading {
        UserReading::Found(user) => Some(&user.dn),
        _ => None,
    });
    let mut containers = BTreeMap::new();
    for dn in above(head, found) {
        let reading = shown(session, &dn, descriptors).await?;
        containers.insert(dn, reading);
    }
    Ok(containers)
}

/// Whom AdminSDHolder protects gets this one's descriptor.
pub(super) async fn admin_sd_holder(
    session: &Session,
    head: &Dn,
    descriptors: &mut Descriptors,
) -> Result<DescriptorReading, DirectoryError> {
    shown(session, &Dn::from(format!("CN=AdminSDHolder,CN=System,{head}")), descriptors).await
}

/// An object that may not be seen shows no descriptor either.
async fn shown(session: &Session, dn: &Dn, descriptors: &mut Descriptors) -> Result<DescriptorReading, DirectoryError> {
    let entry = session.object(dn.as_str(), &[DESCRIPTOR]).await?;
    Ok(entry.map_or(DescriptorReading::NotShown, |entry| descriptors.of(&entry)))
}

fn above<'a>(head: &Dn, users: impl Iterator<Item = &'a Dn>) -> BTreeSet<Dn> {
    let mut all = BTreeSet::from([head.clone()]);
    for user in users {
        let mut here = user.parent();
        // What is in the set already has everything above it there.
        while let Some(dn) = here.filter(|dn| dn.is_within(head)) {
            here = if all.contains(&dn) { None } else { dn.parent() };
            all.insert(dn);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_container_up_to_the_head_is_read_once() {
        let users = ["CN=x,OU=Deep,OU=Top,DC=a,DC=test", "CN=y,OU=Top,DC=a,DC=test", "CN=z,DC=a,DC=test"].map(Dn::from);
        let read: Vec<String> = above(&Dn::from("DC=a,DC=test"), users.iter()).into_iter().map(String::from).collect();
        assert_eq!(read, ["DC=a,DC=test", "OU=Deep,OU=Top,DC=a,DC=test", "OU=Top,DC=a,DC=test"]);
    }
}
