//! Who a service account is, by all servers of a domain.

use super::Touched;
use crate::coverage::picture::AccountPicture;
use crate::coverage::reading::DomainReading;
use crate::names::{AccountName, DirectoryServerName};
use crate::sid::Sid;
use std::collections::{BTreeMap, BTreeSet};

/// The account, if the servers that know it agree on who it is; of its groups, those that all of them show, and apart
/// from them those that only some do. In its own domain each server that answers has to show it: what one of them keeps to
/// itself may be that it is gone, or has left a group. In others those have to that will: a catalog need not know it.
pub(super) fn agreed(reading: &DomainReading, account: &AccountName) -> Option<AccountPicture> {
    let mut agreed: Option<AccountPicture> = None;
    let mut shown: BTreeSet<Sid> = BTreeSet::new();
    for server in reading.servers.values().flatten().filter(|server| server.in_part != Touched::All) {
        let seen = match server.accounts.get(account) {
            Some(Ok(seen)) => seen,
            Some(Err(_)) if account.domain == reading.domain || server.accounts_awaited.contains(account) => {
                return None;
            }
            Some(Err(_)) | None => continue,
        };
        shown.extend(seen.everywhere.iter().chain(&seen.local).chain(&seen.uncertain).cloned());
        match &mut agreed {
            None => {
                agreed = Some(AccountPicture {
                    dn: seen.dn.clone(),
                    sid: seen.sid.clone(),
                    everywhere: seen.everywhere.clone(),
                    anywhere: seen.everywhere.clone(),
                    local: seen.local.clone(),
                    uncertain: BTreeSet::new(),
                });
            }
            Some(agreed) if agreed.sid == seen.sid => {
                agreed.everywhere.retain(|sid| seen.everywhere.contains(sid));
                agreed.anywhere.extend(seen.everywhere.iter().cloned());
                agreed.local.retain(|sid| seen.local.contains(sid));
            }
            Some(_) => return None,
        }
    }
    let mut agreed = agreed?;
    shown.retain(|sid| !agreed.everywhere.contains(sid) && !agreed.local.contains(sid));
    agreed.uncertain = shown;
    Some(agreed)
}

/// What each server shows under the account's name, if that is not one and the same object: each of them has judged the users
/// for another one.
pub(super) fn disputed(reading: &DomainReading, account: &AccountName) -> Option<BTreeMap<DirectoryServerName, Sid>> {
    let servers = reading.servers.iter().filter_map(|(name, server)| Some((name, server.as_ref().ok()?)));
    let shown = servers.filter_map(|(name, server)| match server.accounts.get(account)? {
        Ok(seen) => Some((name.clone(), seen.sid.clone())),
        Err(_) => None,
    });
    let shown: BTreeMap<_, _> = shown.collect();
    let one = shown.values().collect::<BTreeSet<_>>().len() <= 1;
    (!one).then_some(shown)
}
