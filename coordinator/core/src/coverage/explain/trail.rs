//! How one server came to its verdict for one service account: the token, each entry in stored order, the protection.

use super::names::Known;
use crate::coverage::cause::Holder;
use crate::coverage::judge::{Judge, Setting, chain, server};
use crate::coverage::reading::{
    AccountReading, DescriptorReading, FoundUser, GroupPath, Home, ServerReading, UserReading,
};
use crate::coverage::verdict::ServerVerdict;
use crate::guid::Guid;
use crate::names::{AccountName, DirectoryName, DirectoryServerName, Dn, DomainName, ExchangeServerName};
use crate::secdesc::access::{self, Effect, Held, Membership, Step, Token};
use crate::secdesc::{AccessMask, Ace, Acl, AclState, SecurityDescriptor, Stance};
use crate::sid::Sid;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How one server came to its verdict for one service account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trail {
    /// The account's token; none where the server or the user was not read, the reason where the account was not.
    pub token: Option<Result<TokenShown, String>>,
    /// The user's access control list.
    pub list: ListShown,
    /// Where inheritance from above stops; none where it does not, or where that cannot be told.
    pub blocked_at: Option<Dn>,
    /// The user's protection; none where he is in no protected group.
    pub protection: Option<ProtectionShown>,
    /// What follows, by this server alone.
    pub verdict: ServerVerdict,
}

/// The SIDs that the service account acts under where the store asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenShown {
    /// The account's object.
    pub dn: Dn,
    /// The account's own SID.
    pub sid: Sid,
    /// The Exchange server whose store asks; none where the mailbox cannot be placed.
    pub store: Option<ExchangeServerName>,
    /// The domain that it is a member of; none where that is not declared.
    pub store_domain: Option<DomainName>,
    /// Each SID that an entry names, and the account's own.
    pub named: Vec<Holding>,
    /// SIDs that the token holds for certain and no entry names.
    pub others: usize,
    /// SIDs that it holds perhaps and no entry names.
    pub others_perhaps: usize,
}

/// A SID, and how the token holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// The SID.
    pub sid: Sid,
    /// Its usual name, where it has one.
    pub name: Option<String>,
    /// How the token holds it.
    pub held: Where,
}

/// How a token holds a SID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Where {
    /// Wherever the account logs on.
    Everywhere,
    /// On machines of the user's domain, and the store that asks is on one.
    Local,
    /// On machines of the Exchange server's domain, which is another one than the user's.
    Elsewhere,
    /// On machines of the user's domain only, and the store is not known to be on one: denies, allows nothing.
    LocalOnly,
    /// Membership could not be told: denies, allows nothing.
    Uncertain,
    /// Not.
    Not,
}

/// An access control list, as far as it was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "list")]
pub enum ListShown {
    /// The user was not read, so there is none.
    NotRead,
    /// The server did not show it.
    NotShown,
    /// What it showed is no descriptor.
    Malformed {
        /// Why.
        why: String,
    },
    /// Present and null: everything is allowed to everybody.
    Null,
    /// Shown, and the token it would be walked with is not known.
    NoToken {
        /// How many entries it has.
        entries: usize,
    },
    /// Walked.
    Entries {
        /// In stored order.
        entries: Vec<EntryShown>,
    },
}

/// An entry and what it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryShown {
    /// Its place in the stored order, from 0.
    pub index: usize,
    /// In SDDL (MS-DTYP 2.5.1).
    pub entry: String,
    /// Whom it speaks of; none for a type whose layout is not known.
    pub trustee: Option<Sid>,
    /// The trustee's usual name, where it has one.
    pub name: Option<String>,
    /// Whether it came from above.
    pub inherited: bool,
    /// The container whose own entry it is, where one can be told.
    pub from: Option<Dn>,
    /// What it did.
    pub did: Did,
    /// The same in words.
    pub effect: String,
    /// Whether it could speak of Send As at all; false: it is for other rights, or of a type that decides nothing.
    pub concerns: bool,
}

/// What an entry did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Did {
    /// It does not apply.
    Skipped,
    /// It decided, and allowed.
    Allowed,
    /// It decided, and denied.
    Denied,
    /// An entry before it had decided.
    NotReached,
}

/// What protects a user, and what the propagator leaves on him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtectionShown {
    /// From the user's group up to the protected one; the user alone where he is protected as such.
    pub path: GroupPath,
    /// Whether AdminSDHolder carries the right.
    pub holder: Holder,
    /// The entry of AdminSDHolder that decided; none where none applies.
    pub holder_entry: Option<String>,
}

/// The trail of one account on one server. The verdict is the judge's; the rest shows how it came about.
pub(super) fn follow(
    judge: &mut Judge<'_>,
    (domain, setting): (&DomainName, &Setting),
    (name, shown): (&DirectoryServerName, Option<&ServerReading>),
    user: &DirectoryName,
    home: &Home,
    account: &AccountName,
    verdict: ServerVerdict,
) -> Trail {
    let nothing = Trail { token: None, list: ListShown::NotRead, blocked_at: None, protection: None, verdict };
    let Some(reading) = shown else { return nothing };
    let Some(UserReading::Found(found)) = reading.users.get(user) else { return nothing };
    let blocked_at = chain::blocked_at(reading, found);
    let known_account = match reading.accounts.get(account) {
        Some(Ok(known)) => known,
        Some(Err(why)) => return Trail { token: Some(Err(why.clone())), list: unwalked(found), blocked_at, ..nothing },
        None => {
            let why = format!("{account} was not asked for");
            return Trail { token: Some(Err(why)), list: unwalked(found), blocked_at, ..nothing };
        }
    };
    let token = judge.token(name, known_account, account, home);
    let known = Known { account: known_account, former: setting.former.get(account), user: found };
    let list = match &found.descriptor {
        DescriptorReading::Shown(descriptor) if descriptor.dacl().acl().is_some() => {
            ListShown::Entries { entries: entries(reading, found, descriptor, &token, &known) }
        }
        _ => unwalked(found),
    };
    let protection = found.protected_by.as_ref().map(|path| protection(reading, found, path, &token));
    let token = token_shown((domain, setting), reading, known_account, &token, home, found, &known);
    Trail { token: Some(Ok(token)), list, blocked_at, protection, ..nothing }
}

/// The list where there is nothing to walk, or nobody to walk it for.
fn unwalked(found: &FoundUser) -> ListShown {
    match &found.descriptor {
        DescriptorReading::NotShown => ListShown::NotShown,
        DescriptorReading::Malformed(why) => ListShown::Malformed { why: why.clone() },
        DescriptorReading::Shown(descriptor) => match descriptor.dacl() {
            AclState::Absent => ListShown::NotShown,
            AclState::Null => ListShown::Null,
            AclState::Present(acl) => ListShown::NoToken { entries: acl.aces().len() },
        },
    }
}

fn entries(
    reading: &ServerReading,
    found: &FoundUser,
    descriptor: &SecurityDescriptor,
    token: &Token,
    known: &Known<'_>,
) -> Vec<EntryShown> {
    let steps = access::walk(descriptor, token, &Guid::SEND_AS, &found.sid);
    let decided = steps.iter().find(|step| step.decides).map(|step| step.index);
    let shown = |step: &Step<'_>| {
        let line = step.to_line();
        let (did, effect) = match (&step.effect, decided) {
            (_, Some(decided)) if step.index > decided => {
                (Did::NotReached, format!("not reached: entry {decided} decided"))
            }
            (Effect::Skipped(_), _) => (Did::Skipped, line.effect),
            (Effect::Allowed(_), _) => (Did::Allowed, line.effect),
            (Effect::Denied(_), _) => (Did::Denied, line.effect),
        };
        EntryShown {
            index: line.index,
            entry: line.entry,
            name: line.trustee.as_ref().and_then(|sid| known.name(sid)),
            trustee: line.trustee,
            inherited: line.inherited,
            from: if line.inherited { chain::source(reading, found, step.ace) } else { None },
            did,
            effect,
            concerns: concerns(step.ace),
        }
    };
    steps.iter().map(shown).collect()
}

/// Whether an entry is about extended rights that Send As is one of, whomever it is for and wherever it is in force. For
/// showing only: the walk has asked the same and more.
fn concerns(ace: &Ace) -> bool {
    ace.kind().stance() != Stance::Neither
        && ace.mask().is_some_and(|mask| mask.has(AccessMask::CONTROL_ACCESS) || mask.has(AccessMask::GENERIC_ALL))
        && ace.object_type().is_none_or(|right| right == Guid::SEND_AS)
}

fn protection(reading: &ServerReading, found: &FoundUser, path: &GroupPath, token: &Token) -> ProtectionShown {
    let holder_entry = match &reading.admin_sd_holder {
        DescriptorReading::Shown(holder) => {
            access::decide(holder, token, &Guid::SEND_AS, &found.sid).deciding.map(|entry| entry.ace)
        }
        DescriptorReading::NotShown | DescriptorReading::Malformed(_) => None,
    };
    ProtectionShown { path: path.clone(), holder: server::holder(reading, token, &found.sid), holder_entry }
}

fn token_shown(
    (domain, setting): (&DomainName, &Setting),
    reading: &ServerReading,
    account: &AccountReading,
    token: &Token,
    home: &Home,
    found: &FoundUser,
    known: &Known<'_>,
) -> TokenShown {
    let store = match home {
        Home::Server(server) => Some(server.clone()),
        Home::None | Home::Unclear(_) => None,
    };
    let store_domain = store.as_ref().and_then(|store| setting.exchange_domain.get(store)).cloned();
    let held = |sid: &Sid| match token.holds(sid) {
        Held::Not => Where::Not,
        Held::Certainly if account.everywhere.contains(sid) => Where::Everywhere,
        // The token takes in what is local to the user's domain only where the store is of it.
        Held::Certainly if store_domain.as_ref() == Some(domain) => Where::Local,
        Held::Certainly => Where::Elsewhere,
        Held::Perhaps if account.local.contains(sid) => Where::LocalOnly,
        Held::Perhaps => Where::Uncertain,
    };
    let holder = found.protected_by.as_ref().map(|_| &reading.admin_sd_holder);
    let mut sids: BTreeSet<&Sid> = [Some(&found.descriptor), holder].into_iter().flatten().flat_map(trustees).collect();
    sids.insert(&account.sid);
    let named: Vec<_> =
        sids.into_iter().map(|sid| Holding { sid: sid.clone(), name: known.name(sid), held: held(sid) }).collect();
    let listed = |sid: &&Sid| named.iter().any(|holding| holding.sid == **sid);
    let others = token.certain.iter().filter(|sid| !listed(sid)).count();
    let others_perhaps = token.uncertain.iter().filter(|sid| !listed(sid)).count();
    TokenShown { dn: account.dn.clone(), sid: account.sid.clone(), store, store_domain, named, others, others_perhaps }
}

fn trustees(descriptor: &DescriptorReading) -> impl Iterator<Item = &Sid> {
    let acl = match descriptor {
        DescriptorReading::Shown(descriptor) => descriptor.dacl().acl(),
        DescriptorReading::NotShown | DescriptorReading::Malformed(_) => None,
    };
    acl.map_or(&[][..], Acl::aces).iter().filter_map(Ace::sid)
}
