//! The verdict of a pair on one server.

use super::{Judge, chain, missing, powerful};
use crate::coverage::cause::{Cause, Holder, Warning};
use crate::coverage::reading::{
    AccountReading, DescriptorReading, FoundUser, Home, MailboxOwner, ServerReading, UserReading,
};
use crate::coverage::verdict::{DecidingEntry, ServerVerdict, VerdictKind};
use crate::guid::Guid;
use crate::names::{AccountName, DirectoryName, DirectoryServerName};
use crate::secdesc::SecurityDescriptor;
use crate::secdesc::access::{self, Decision, Outcome, Token};
use crate::sid::Sid;
use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) fn unread(cause: Cause) -> ServerVerdict {
    plain(VerdictKind::Unreadable, cause)
}

fn plain(kind: VerdictKind, cause: Cause) -> ServerVerdict {
    ServerVerdict { kind, cause, lacks: None, deciding: None, warning: None }
}

impl Judge<'_> {
    /// What one server shows of a pair. `home` is where all servers say that the mailbox is: the store that will ask.
    pub(super) fn on_server(
        &mut self,
        name: &DirectoryServerName,
        server: &ServerReading,
        user: &DirectoryName,
        home: &Home,
        account: &AccountName,
    ) -> Arc<ServerVerdict> {
        let found = match server.users.get(user) {
            Some(UserReading::Found(found)) => found,
            // Found on another server, or this would not be asked: created and not replicated, or being deleted.
            Some(UserReading::NotFound) => return Arc::new(plain(VerdictKind::Unresolved, Cause::NotFound)),
            Some(UserReading::Ambiguous(dns)) => {
                let dns = dns.iter().cloned().collect();
                return Arc::new(plain(VerdictKind::Unresolved, Cause::Ambiguous { dns }));
            }
            Some(UserReading::Failed(why)) => return Arc::new(unread(Cause::NotUnderstood { why: why.clone() })),
            None => {
                let why = "the server did not account for him".to_owned();
                return Arc::new(unread(Cause::NotUnderstood { why }));
            }
        };
        let shown = self.by_descriptor(name, server, found, home, account);
        let standing = match (&found.owner, home) {
            (MailboxOwner::External(owner), _) => Cause::Linked { owner: owner.clone() },
            (MailboxOwner::Nobody, _) => Cause::Disabled,
            (MailboxOwner::Itself, Home::None) => Cause::NoMailbox,
            (MailboxOwner::Itself, Home::Server(_) | Home::Unclear(_)) => return shown,
        };
        // That he lacks the right is true all the same, and its landing is to be waited for once he can be judged.
        let lacks = shown.lacking().cloned();
        Arc::new(ServerVerdict { lacks, ..plain(VerdictKind::CannotTell, standing) })
    }

    /// What the descriptor says, whoever the mailbox belongs to.
    fn by_descriptor(
        &mut self,
        name: &DirectoryServerName,
        server: &ServerReading,
        found: &FoundUser,
        home: &Home,
        account: &AccountName,
    ) -> Arc<ServerVerdict> {
        let reading = match server.accounts.get(account) {
            Some(Ok(reading)) => reading,
            Some(Err(why)) => return Arc::new(unknown_token(why.clone())),
            None => return Arc::new(unknown_token(format!("{account} was not asked for"))),
        };
        let descriptor = match &found.descriptor {
            DescriptorReading::Shown(descriptor) => descriptor,
            DescriptorReading::NotShown => return Arc::new(unread(Cause::NotShown)),
            DescriptorReading::Malformed(why) => return Arc::new(unread(Cause::NotUnderstood { why: why.clone() })),
        };
        let token = self.token(name, reading, account, home);
        let own = token.certain.contains(&found.sid) || token.uncertain.contains(&found.sid);
        // What names the user himself is nobody else's evidence.
        let alone = own || descriptor.dacl_protected();
        if alone {
            return Arc::new(judged(server, found, descriptor, &token, self.former(account)));
        }
        if let Some(known) = self.shared.server(name, account, home, found, descriptor) {
            return known;
        }
        let verdict = Arc::new(judged(server, found, descriptor, &token, self.former(account)));
        self.shared.keep_server(name, account, home, found, descriptor, Arc::clone(&verdict));
        verdict
    }

    fn former(&self, account: &AccountName) -> Option<&BTreeSet<Sid>> {
        self.setting.former.get(account)
    }

    /// The account's token as the store on `home` sees it. What is local to the user's domain allows nothing where the
    /// Exchange server is of another domain, or of one that is not known; it denies everywhere.
    pub(in crate::coverage) fn token(
        &mut self,
        name: &DirectoryServerName,
        reading: &AccountReading,
        account: &AccountName,
        home: &Home,
    ) -> Arc<Token> {
        let exchange = match home {
            Home::Server(server) => self.setting.exchange_domain.get(server),
            Home::None | Home::Unclear(_) => None,
        };
        let elsewhere = exchange.and_then(|domain| self.setting.elsewhere.get(&(domain.clone(), account.clone())));
        let here = exchange == Some(&self.reading.domain);
        self.shared.token(name, account, exchange, || {
            let mut certain = reading.everywhere.clone();
            let mut uncertain = reading.uncertain.clone();
            if here {
                certain.extend(reading.local.iter().cloned());
            } else {
                uncertain.extend(reading.local.iter().cloned());
                if let Some(elsewhere) = elsewhere {
                    certain.extend(elsewhere.local.iter().cloned());
                    uncertain.extend(elsewhere.uncertain.iter().cloned());
                }
            }
            uncertain.retain(|sid| !certain.contains(sid));
            Token { certain, uncertain }
        })
    }
}

fn unknown_token(why: String) -> ServerVerdict {
    plain(VerdictKind::CannotTell, Cause::TokenUnknown { why })
}

/// The verdict from a descriptor that was shown and a token that is known.
fn judged(
    server: &ServerReading,
    user: &FoundUser,
    descriptor: &SecurityDescriptor,
    token: &Token,
    former: Option<&BTreeSet<Sid>>,
) -> ServerVerdict {
    let decision = access::decide(descriptor, token, &Guid::SEND_AS, &user.sid);
    let (kind, cause) = match decision.outcome {
        Outcome::Granted => match &user.protected_by {
            None => (VerdictKind::Covered, Cause::Granted),
            Some(path) => match holder(server, token, &user.sid) {
                Holder::Grants => (VerdictKind::Covered, Cause::Granted),
                holder => (VerdictKind::Perishable, Cause::Protected { path: path.as_ref().clone(), holder }),
            },
        },
        Outcome::Denied => (VerdictKind::Denied, Cause::DeniedByEntry),
        Outcome::NoEntry => (VerdictKind::Missing, missing::why(server, user, descriptor, token, former)),
        Outcome::NullDacl => (VerdictKind::CannotTell, Cause::NullDacl),
        Outcome::Unreadable => (VerdictKind::Unreadable, Cause::NotShown),
    };
    let deciding = deciding(server, user, descriptor, decision);
    let warning = match (kind, &deciding) {
        (VerdictKind::Covered | VerdictKind::Perishable, Some(entry)) => warning(&entry.trustee),
        _ => None,
    };
    ServerVerdict { kind, cause, lacks: None, deciding, warning }
}

fn deciding(
    server: &ServerReading,
    user: &FoundUser,
    descriptor: &SecurityDescriptor,
    decision: Decision,
) -> Option<DecidingEntry> {
    let entry = decision.deciding?;
    let ace = descriptor.dacl().acl().and_then(|acl| acl.aces().get(entry.index));
    let from = ace.filter(|_| entry.inherited).and_then(|ace| chain::source(server, user, ace));
    Some(DecidingEntry {
        index: entry.index,
        sddl: entry.ace,
        inherited: entry.inherited,
        trustee: entry.via_sid,
        from,
    })
}

/// What the propagator will leave on a protected user.
pub(in crate::coverage) fn holder(server: &ServerReading, token: &Token, user: &Sid) -> Holder {
    match &server.admin_sd_holder {
        DescriptorReading::Shown(holder) => match access::decide(holder, token, &Guid::SEND_AS, user).outcome {
            Outcome::Granted => Holder::Grants,
            Outcome::Denied | Outcome::NoEntry | Outcome::NullDacl => Holder::Lacks,
            Outcome::Unreadable => Holder::NotShown,
        },
        DescriptorReading::NotShown | DescriptorReading::Malformed(_) => Holder::NotShown,
    }
}

fn warning(trustee: &Sid) -> Option<Warning> {
    let everybody = [Sid::everyone(), Sid::authenticated_users(), Sid::network(), Sid::this_organization()];
    if everybody.contains(trustee) {
        return Some(Warning::Everybody { sid: trustee.clone() });
    }
    powerful(trustee).map(|name| Warning::PowerfulGroup { group: trustee.clone(), name: name.to_owned() })
}
