//! The grant that would help a pair, or why none of ours can.

use super::Judge;
use crate::coverage::cause::Cause;
use crate::coverage::placement::{self, NoPlacement, Reach};
use crate::coverage::reading::{DescriptorReading, FoundUser, ServerReading, UserReading};
use crate::coverage::verdict::{Placement, Verdict, VerdictKind};
use crate::guid::Guid;
use crate::names::{AccountName, DirectoryName};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Judge<'_> {
    /// For each account that lacks the right: the grant that would give it.
    pub(super) fn placements(
        &mut self,
        user: &DirectoryName,
        guid: Guid,
        verdicts: &[(AccountName, Arc<Verdict>)],
    ) -> BTreeMap<AccountName, Placement> {
        let mut placements = BTreeMap::new();
        let Some(Ok(server)) = self.reading.servers.get(&self.setting.grant_server) else { return placements };
        let Some(UserReading::Found(found)) = server.users.get(user) else { return placements };
        for (account, verdict) in verdicts {
            if let Some(placement) = self.placement(server, (user, found), guid, account, verdict) {
                placements.insert(account.clone(), placement);
            }
        }
        placements
    }

    fn placement(
        &mut self,
        server: &ServerReading,
        (called, user): (&DirectoryName, &FoundUser),
        guid: Guid,
        account: &AccountName,
        verdict: &Verdict,
    ) -> Option<Placement> {
        let Some(Ok(reading)) = server.accounts.get(account) else { return None };
        let (domain, reach) = (&self.reading.domain, self.setting.reach);
        match (&verdict.kind, &verdict.cause) {
            // A protected user is never granted, whichever server shows the protection: within the hour it would be gone.
            (VerdictKind::Missing | VerdictKind::Perishable, Cause::Protected { .. }) => {
                self.setting.holder_approved.contains(account).then(|| {
                    let place = server.holder();
                    made(placement::on_object(domain, account, &reading.sid, place, &server.admin_sd_holder))
                })
            }
            (VerdictKind::Missing, _) => {
                // Where inheritance is not blocked at the user himself, his neighbours have the same place; but whoever is
                // directly below a head that nothing may be put on is his own place.
                let alone = reach == Reach::Ous && user.dn.parent().as_ref() == Some(&server.head);
                let own =
                    !alone && matches!(&user.descriptor, DescriptorReading::Shown(shown) if !shown.dacl_protected());
                let make = || made(placement::place(domain, account, &reading.sid, user, server, reach));
                Some(if own {
                    self.shared.placement((account.clone(), user.dn.parent(), user.class.clone()), make)
                } else {
                    make()
                })
            }
            // An explicit allow on the user beats an inherited deny; nothing that keeps canonical order beats his own.
            (VerdictKind::Denied, Cause::DeniedByEntry)
                if self.setting.override_approved.contains(&(guid, account.clone())) =>
            {
                // As above: what the other servers show of him may be what this one has not heard yet.
                let mut found =
                    self.reading.servers.values().flatten().filter_map(|server| match server.users.get(called) {
                        Some(UserReading::Found(found)) => found.protected_by.as_deref(),
                        _ => None,
                    });
                if let Some(path) = found.next() {
                    return Some(Placement::None(NoPlacement::Protected { path: path.clone() }));
                }
                // A server that shows our override already is covered by it.
                let denied = verdict.servers.values().filter(|seen| seen.kind == VerdictKind::Denied);
                let mut explicit = denied.filter_map(|seen| seen.deciding.as_ref()).filter(|entry| !entry.inherited);
                Some(match explicit.next() {
                    Some(entry) => Placement::None(NoPlacement::Refused {
                        place: user.dn.clone(),
                        reason: format!("its own entry {} denies: only its removal helps", entry.sddl),
                    }),
                    None => made(placement::on_user(domain, account, &reading.sid, user)),
                })
            }
            _ => None,
        }
    }
}

fn made(placement: Result<placement::PlannedGrant, NoPlacement>) -> Placement {
    match placement {
        Ok(grant) => Placement::Grant(Arc::new(grant)),
        Err(why) => Placement::None(why),
    }
}
