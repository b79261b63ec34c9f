//! Service accounts and what is in their tokens, as one server sees it.
//!
//! The account's own domain shows what is in the token wherever it logs on, and what only on machines of that domain.
//! Another domain shows which of its own groups the account is in there: those that contain one of the SIDs that the
//! account has everywhere, which its own domain has shown before.
//!
//! Uncertain is what may be missing where the store asks: groups of `S-1-5-32` that are entered by way of a well-known SID
//! (a member server has local ones of its own), and on a global catalog, which may belong to another domain, every group
//! that is not universal or global. So is what may be in the token besides: the well-known SIDs that not every logon brings,
//! with the groups that contain them, and the SID history of groups, which a trust may filter out.

use super::super::entry::Entry;
use super::super::session::Session;
use super::super::{DirectoryError, Role, filter, root};
use super::members::{Groups, by_sid, foreign, former, groups_with};
use super::place::in_domain;
use super::user::{sid, sids};
use sendgate_core::coverage::AccountPicture;
use sendgate_core::coverage::reading::AccountReading;
use sendgate_core::names::{AccountName, Dn};
use sendgate_core::sid::Sid;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of each account that was asked for, or why it is not.
pub(super) type Accounts = BTreeMap<AccountName, Result<AccountReading, Unknown>>;

/// Why an account is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unknown {
    /// In words.
    pub(super) why: String,
    /// There is none of that name in the domain that is looked at: whatever else changes, there is none until an object of
    /// that name is made, which is shown. In another domain, of which a global catalog tells, nothing of that kind is.
    pub(super) absent: bool,
    /// It is of another domain, which has not shown it yet.
    pub(super) awaited: bool,
}

impl From<String> for Unknown {
    fn from(why: String) -> Self {
        Self { why, absent: false, awaited: false }
    }
}

/// The accounts for judging.
pub(super) fn shown(accounts: &Accounts) -> BTreeMap<AccountName, Result<AccountReading, String>> {
    let shown = accounts.iter().map(|(name, known)| (name.clone(), known.clone().map_err(|unknown| unknown.why)));
    shown.collect()
}

/// Those that are shown once their own domain has shown them.
pub(super) fn awaited(accounts: &Accounts) -> BTreeSet<AccountName> {
    let awaited = |known: &Result<_, Unknown>| known.as_ref().is_err_and(|unknown| unknown.awaited);
    accounts.iter().filter(|(_, known)| awaited(known)).map(|(name, _)| name.clone()).collect()
}

/// Reads every account. `known` are those of other domains, as their own domains show them; those that are absent in
/// `before` are not asked for again.
///
/// # Errors
/// An incomplete search. What is wrong with one account is that account's own result.
pub(super) async fn read(
    session: &Session,
    head: &Dn,
    accounts: &BTreeSet<AccountName>,
    known: &BTreeMap<AccountName, AccountPicture>,
    before: Option<&Accounts>,
) -> Result<Accounts, DirectoryError> {
    let mut readings = BTreeMap::new();
    if accounts.is_empty() {
        return Ok(readings);
    }
    let everybodys = everybodys(session, head).await?;
    for account in accounts {
        let absent = before.and_then(|before| before.get(account));
        if let Some(Err(absent)) = absent.filter(|known| known.as_ref().is_err_and(|unknown| unknown.absent)) {
            readings.insert(account.clone(), Err(absent.clone()));
            continue;
        }
        let base = root::head_of(&account.domain);
        let here = base == *head;
        let reading = match (here, session.server().role, known.get(account)) {
            (false, Role::DomainController, Some(known)) => Ok(abroad(session, head, known, &everybodys).await?),
            (false, Role::DomainController, None) => {
                let why = format!(
                    "what is in the token of {account} is not known yet: none of the directory servers of {} has shown it",
                    account.domain
                );
                Err(Unknown { why, absent: false, awaited: true })
            }
            _ => at_home(session, &base, here, account, &everybodys).await?,
        };
        readings.insert(account.clone(), reading);
    }
    Ok(readings)
}

/// SIDs that every account has that logged on over the network (MS-DTYP 2.4.2.4).
fn well_known() -> [Sid; 4] {
    [Sid::everyone(), Sid::authenticated_users(), Sid::network(), Sid::this_organization()]
}

/// SIDs that an account has by some logons only: NTLM Authentication where Kerberos is not used, Other Organization where a
/// trust that authenticates selectively lies between (MS-DTYP 2.4.2.4).
fn by_the_logon() -> BTreeSet<Sid> {
    [[64, 10].as_slice(), &[1000]].into_iter().filter_map(|subs| Sid::new(5, subs).ok()).collect()
}

/// What is in everybody's token here, whoever he is.
#[derive(Debug, Default)]
struct Everybodys {
    /// Groups that contain everybody.
    groups: BTreeSet<Sid>,
    /// Whatever may be in it besides.
    uncertain: BTreeSet<Sid>,
}

impl Everybodys {
    /// All of it.
    fn all(&self) -> impl Iterator<Item = Sid> {
        self.groups.iter().chain(&self.uncertain).cloned()
    }
}

async fn everybodys(session: &Session, head: &Dn) -> Result<Everybodys, DirectoryError> {
    let with = |sids: BTreeSet<Sid>| groups_with(session, head, sids.iter().map(|sid| foreign(sid, head)).collect());
    let Groups { sids: groups, former } = with(well_known().into()).await?;
    let perhaps = with(by_the_logon()).await?;
    let uncertain = former.into_iter().chain(by_the_logon()).chain(perhaps.sids).chain(perhaps.former).collect();
    Ok(Everybodys { groups, uncertain })
}

/// Whether a SID is one of `S-1-5-32`, of which every machine that is no domain controller has its own.
fn builtin(sid: &Sid) -> bool {
    sid.authority() == 5 && sid.sub_authorities().first() == Some(&32)
}

/// An account of another domain, on a controller of this one.
async fn abroad(
    session: &Session,
    head: &Dn,
    known: &AccountPicture,
    everybodys: &Everybodys,
) -> Result<AccountReading, DirectoryError> {
    let mut certain = members(&known.everywhere, head);
    certain.extend([foreign(&known.sid, head), by_sid(&known.sid), known.dn.clone()]);
    let local = groups_with(session, head, certain).await?;
    let perhaps = groups_with(session, head, members(&known.uncertain, head)).await?;
    let mut reading = reading(known.dn.clone(), known.sid.clone(), known.everywhere.clone(), local.sids, everybodys);
    let perhaps = [perhaps.sids, perhaps.former, local.former].into_iter().flatten();
    perhaps_too(&mut reading, known.uncertain.iter().cloned().chain(perhaps));
    Ok(reading)
}

/// Adds what may be in the token, where it is not in it for certain.
fn perhaps_too(reading: &mut AccountReading, perhaps: impl IntoIterator<Item = Sid>) {
    reading.uncertain.extend(perhaps);
    reading.uncertain.retain(|sid| !reading.everywhere.contains(sid) && !reading.local.contains(sid));
}

/// What stands for these SIDs in the groups of this head: other forests' principals are members by an object that stands
/// for them, those of this forest by themselves, under a name that may be days old here. Who is in a group with everybody is
/// told apart.
fn members(sids: &BTreeSet<Sid>, head: &Dn) -> BTreeSet<Dn> {
    let (everybody, perhaps) = (well_known(), by_the_logon());
    let others = sids.iter().filter(|sid| !everybody.contains(sid) && !perhaps.contains(sid));
    others.flat_map(|sid| [foreign(sid, head), by_sid(sid)]).collect()
}

/// The groups that contain everybody are added: in the token for certain, unless a member server has its own. That it
/// is one of those everybody is in makes no membership of the controllers' own group, which `tokenGroups` shows, count.
fn reading(
    dn: Dn,
    sid: Sid,
    everywhere: BTreeSet<Sid>,
    mut local: BTreeSet<Sid>,
    everybodys: &Everybodys,
) -> AccountReading {
    local.extend(everybodys.groups.iter().filter(|sid| !builtin(sid)).cloned());
    let another = |sid: &Sid| builtin(sid) && everybodys.groups.contains(sid);
    local.retain(|sid| !everywhere.contains(sid) && !another(sid));
    let mut reading = AccountReading { dn, sid, everywhere, local, uncertain: BTreeSet::new() };
    perhaps_too(&mut reading, everybodys.all());
    reading
}

/// An account on a server that holds its domain.
async fn at_home(
    session: &Session,
    base: &Dn,
    here: bool,
    account: &AccountName,
    everybodys: &Everybodys,
) -> Result<Result<AccountReading, Unknown>, DirectoryError> {
    let mut found = Vec::new();
    let attempt = format!("looking the account {account} up");
    let searched = session
        .each(&attempt, base.as_str(), &of_name(account), &["sAMAccountName", "userPrincipalName"], |entry| {
            found.push(entry);
            Ok(())
        })
        .await;
    match searched {
        // A catalog that does not hold the account's domain says so; that is about the account, not about the users.
        Err(error @ DirectoryError::Refused { .. }) if !here => return Ok(Err(error.to_string().into())),
        other => other?,
    }
    let dn = match the_one(account, base, &found) {
        Ok(Some(dn)) => dn,
        // Also where somebody else holds the name explicitly: until an object is called so, that changes nothing.
        Ok(None) => {
            let why = format!("there is no account {account} on {}: check the name", session.server().shown());
            return Ok(Err(Unknown { why, absent: here, awaited: false }));
        }
        Err(why) => return Ok(Err(why.into())),
    };
    let attributes = ["objectSid", "sIDHistory", "tokenGroups", "tokenGroupsGlobalAndUniversal"];
    let Some(entry) = session.object(dn.as_str(), &attributes).await? else {
        return Ok(Err(format!("the account {dn} vanished while it was read").into()));
    };
    let mut reading = match token(&entry, session.server().role, everybodys) {
        Ok(reading) => reading,
        Err(why) => return Ok(Err(format!("{dn}: {why}").into())),
    };
    let groups = reading.everywhere.iter().chain(&reading.local).chain(&reading.uncertain);
    let before = former(session, base, groups.filter(|sid| **sid != reading.sid)).await?;
    perhaps_too(&mut reading, before);
    Ok(Ok(reading))
}

/// Whoever may be logged on by the name of an account: it is everybody's `name@domain` by sAMAccountName, unless somebody
/// else holds that explicitly.
fn of_name(account: &AccountName) -> String {
    let implicit = filter::equals("sAMAccountName", account.sam.as_str());
    let explicit = filter::equals("userPrincipalName", &account.to_string());
    format!("(&(objectClass=user){})", filter::any([implicit, explicit]))
}

/// The account among those that were found, if it is there.
///
/// # Errors
/// That the name means several, in words.
fn the_one(account: &AccountName, base: &Dn, found: &[Entry]) -> Result<Option<Dn>, String> {
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for entry in found {
        let holds = |attribute: &str, name: &str| entry.texts(attribute).any(|value| value.to_lowercase() == name);
        let called = holds("sAMAccountName", account.sam.as_str());
        if called && in_domain(&entry.dn, base) {
            own.push(&entry.dn);
        } else if !called || holds("userPrincipalName", &account.to_string()) {
            // By the server's own way of comparing, whoever was found and is not called so holds it explicitly. In a domain
            // below this one, which a global catalog holds as well, somebody else may be called so.
            others.push(&entry.dn);
        }
    }
    match (own.as_slice(), others.first()) {
        ([], _) => Ok(None),
        ([dn], None) => Ok(Some(Dn::from(dn.as_str()))),
        ([dn], Some(other)) => Err(format!(
            "the account {account} is {dn}, and {other} has that as its userPrincipalName: a service that logs on by it \
             is the second one; give that object another userPrincipalName"
        )),
        (several, _) => Err(format!("the account {account} is there {} times", several.len())),
    }
}

/// The token of an account, or what of it was not shown.
fn token(entry: &Entry, role: Role, everybodys: &Everybodys) -> Result<AccountReading, String> {
    let sids = |attribute: &str| sids(entry, attribute);
    let (dn, own) = (Dn::from(entry.dn.as_str()), sid(entry)?);
    let (groups, everywhere) = (sids("tokenGroups")?, sids("tokenGroupsGlobalAndUniversal")?);
    // Everybody is at least in his primary group, which is a global one.
    for (shown, attribute) in [(&groups, "tokenGroups"), (&everywhere, "tokenGroupsGlobalAndUniversal")] {
        if shown.is_empty() {
            return Err(format!("{attribute} was not shown: the reader lacks the right to read it"));
        }
    }
    let mut everywhere: BTreeSet<Sid> = everywhere.into_iter().chain(well_known()).chain(sids("sIDHistory")?).collect();
    everywhere.insert(own.clone());
    Ok(match role {
        Role::DomainController => reading(dn, own, everywhere, groups, everybodys),
        Role::GlobalCatalog => {
            let empty = BTreeSet::new();
            let mut reading = AccountReading { dn, sid: own, everywhere, local: empty.clone(), uncertain: empty };
            perhaps_too(&mut reading, groups.into_iter().chain(everybodys.all()));
            reading
        }
    })
}

#[cfg(test)]
mod tests;
