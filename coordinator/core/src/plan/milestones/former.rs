//! What a domain was judged with of an account of another domain, and that one does not show any more.
//!
//! A look takes its time. An account that leaves a group and comes back, or that is made again and put back from a backup,
//! while another domain is being looked at is the same there before and after; that it was without its rights for a while is
//! known from its own domain alone.

use crate::coverage::{AccountPicture, DomainPicture, Verdict, VerdictKind};
use crate::gate::World;
use crate::names::AccountName;
use crate::sid::Sid;

/// An account as a domain was judged for it, and as its own domain shows it now.
pub(super) struct Former<'a> {
    account: &'a AccountName,
    judged: &'a AccountPicture,
    present: &'a AccountPicture,
}

impl<'a> Former<'a> {
    /// None where nothing of it is gone, or its own domain does not show it.
    pub(super) fn of(world: World<'a>, picture: &'a DomainPicture, account: &'a AccountName) -> Option<Self> {
        let home = world.estate.domains.get(&account.domain).filter(|home| home.domain != picture.domain)?;
        let former = Self { account, judged: picture.accounts.get(account)?, present: home.accounts.get(account)? };
        (former.is_remade() || former.judged.anywhere.iter().any(|sid| former.is_gone(sid))).then_some(former)
    }

    fn is_remade(&self) -> bool {
        self.judged.sid != self.present.sid
    }

    /// Whether what the account had by this SID it has no more. Of groups that are local to the judged domain only another
    /// object is known not to be in them; what servers at home show differently for good has no effect, as in the gate.
    fn is_gone(&self, sid: &Sid) -> bool {
        let by_some = || self.judged.anywhere.contains(sid) && !self.present.uncertain.contains(sid);
        let judged = || self.judged.everywhere.contains(sid) || by_some();
        !self.present.everywhere.contains(sid) && (self.is_remade() || judged())
    }

    /// Why the right is not there, though a server shows it.
    pub(super) fn lost(&self, verdict: &Verdict) -> Option<String> {
        let has = |kind| matches!(kind, VerdictKind::Covered | VerdictKind::Perishable);
        let mut shown = verdict.servers.values().filter(|server| has(server.kind));
        let trustee = shown.find_map(|server| {
            let deciding = server.deciding.as_ref()?;
            self.is_gone(&deciding.trustee).then_some(&deciding.trustee)
        })?;
        let (account, home) = (self.account, &self.account.domain);
        Some(if self.is_remade() {
            let (before, now) = (&self.judged.sid, &self.present.sid);
            format!("{home} shows {account} as {now} by now, and the right is that of {before}")
        } else {
            format!("{home} does not show {account} in {trustee} any more, by which it had the right")
        })
    }
}
