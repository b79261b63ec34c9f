//! Service accounts and what is in their tokens, as one server sees it.
//!
//! Certain is what holds wherever the account logs on in this domain. Uncertain is what may be missing there: groups of
//! `S-1-5-32` that are entered by way of a well-known SID (a member server has local ones of its own), and on a global
//! catalog, which may belong to another domain, every group that is not universal or global.

use super::super::entry::Entry;
use super::super::session::Session;
use super::super::{DirectoryError, Role, filter, root};
use super::SurveyRequest;
use super::user::sid;
use sendgate_core::coverage::reading::AccountReading;
use sendgate_core::names::{AccountName, Dn};
use sendgate_core::sid::Sid;
use std::collections::{BTreeMap, BTreeSet};

/// Reads every account of the request.
///
/// # Errors
/// An incomplete search. What is wrong with one account is that account's own result.
pub(super) async fn read(
    session: &Session,
    head: &Dn,
    request: &SurveyRequest,
) -> Result<BTreeMap<AccountName, Result<AccountReading, String>>, DirectoryError> {
    let everybodys = everybodys_groups(session, head).await?;
    let mut accounts = BTreeMap::new();
    for account in &request.accounts {
        accounts.insert(account.clone(), one(session, head, account, &everybodys).await?);
    }
    Ok(accounts)
}

/// SIDs that every account has that logged on over the network (MS-DTYP 2.4.2.4).
fn well_known() -> [Sid; 4] {
    [Sid::everyone(), Sid::authenticated_users(), Sid::network(), Sid::this_organization()]
}

/// The groups that contain a well-known SID and so everybody: directly, or over other groups.
async fn everybodys_groups(session: &Session, head: &Dn) -> Result<BTreeSet<Sid>, DirectoryError> {
    let attempt = "reading the groups that contain everybody";
    let members =
        well_known().map(|sid| filter::leads_to("member", &format!("CN={sid},CN=ForeignSecurityPrincipals,{head}")));
    let filter = format!("(&(objectClass=group){})", filter::any(members));
    let mut groups = BTreeSet::new();
    session
        .each(attempt, head.as_str(), &filter, &["objectSid"], |entry| {
            groups.insert(sid(&entry).map_err(|why| session.not_understood(attempt, format!("{}: {why}", entry.dn)))?);
            Ok(())
        })
        .await?;
    Ok(groups)
}

async fn one(
    session: &Session,
    head: &Dn,
    account: &AccountName,
    everybodys: &BTreeSet<Sid>,
) -> Result<Result<AccountReading, String>, DirectoryError> {
    let base = root::head_of(&account.domain);
    let here = base == *head;
    if !here && session.server().role == Role::DomainController {
        return Ok(Err(format!(
            "the account {account} is of another domain than {head}: what is in its token there cannot be read on {}",
            session.server().shown()
        )));
    }
    let filter = format!("(&(objectClass=user){})", filter::equals("sAMAccountName", account.sam.as_str()));
    let mut found: Vec<Dn> = Vec::new();
    let attempt = format!("looking the account {account} up");
    let searched = session
        .each(&attempt, base.as_str(), &filter, &["objectSid"], |entry| {
            let dn = Dn::from(entry.dn);
            if super::people::domain_part(&dn) == base {
                found.push(dn);
            }
            Ok(())
        })
        .await;
    match searched {
        // A catalog that does not hold the account's domain says so; that is about the account, not about the users.
        Err(error @ DirectoryError::Refused { .. }) if !here => return Ok(Err(error.to_string())),
        other => other?,
    }
    let dn = match found.as_slice() {
        [] => {
            return Ok(Err(format!("there is no account {account} on {}: check the name", session.server().shown())));
        }
        [dn] => dn.clone(),
        several => return Ok(Err(format!("the account {account} is there {} times", several.len()))),
    };
    let attributes = ["objectSid", "sIDHistory", "tokenGroups", "tokenGroupsGlobalAndUniversal"];
    let Some(entry) = session.object(dn.as_str(), &attributes).await? else {
        return Ok(Err(format!("the account {dn} vanished while it was read")));
    };
    Ok(token(&entry, session.server().role, everybodys).map_err(|why| format!("{dn}: {why}")))
}

/// The token of an account, or what of it was not shown.
fn token(entry: &Entry, role: Role, everybodys: &BTreeSet<Sid>) -> Result<AccountReading, String> {
    let sids = |attribute: &str| -> Result<BTreeSet<Sid>, String> {
        let all = entry.all(attribute).iter();
        all.map(|bytes| Sid::from_bytes(bytes).map_err(|error| format!("{attribute}: {error}"))).collect()
    };
    let own = sid(entry)?;
    let groups = sids("tokenGroups")?;
    if groups.is_empty() {
        // Everybody is at least in his primary group.
        return Err("tokenGroups was not shown: the reader lacks the right to read it".to_owned());
    }
    let mut certain: BTreeSet<Sid> = well_known().into_iter().chain(sids("sIDHistory")?).collect();
    certain.insert(own.clone());
    let mut uncertain = BTreeSet::new();
    let builtin = |sid: &Sid| sid.authority() == 5 && sid.sub_authorities().first() == Some(&32);
    match role {
        Role::DomainController => {
            certain.extend(groups);
            uncertain.extend(everybodys.iter().filter(|sid| builtin(sid)).cloned());
            certain.extend(everybodys.iter().filter(|sid| !builtin(sid)).cloned());
        }
        Role::GlobalCatalog => {
            certain.extend(sids("tokenGroupsGlobalAndUniversal")?);
            uncertain.extend(groups);
            uncertain.extend(everybodys.iter().cloned());
        }
    }
    uncertain.retain(|sid| !certain.contains(sid));
    Ok(AccountReading { dn: Dn::from(entry.dn.as_str()), sid: own, certain, uncertain })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sid_of(text: &str) -> Sid {
        text.parse().unwrap()
    }

    fn read(role: Role, groups: &[&str]) -> Result<AccountReading, String> {
        let bytes = |text: &&str| sid_of(text).to_bytes();
        let groups: Vec<Vec<u8>> = groups.iter().map(bytes).collect();
        let groups: Vec<&[u8]> = groups.iter().map(Vec::as_slice).collect();
        let (own, old) = (bytes(&"S-1-5-21-1-2-3-1104"), bytes(&"S-1-5-21-9-9-9-7"));
        let universal = bytes(&"S-1-5-21-1-2-3-513");
        let values: [(&str, &[&[u8]]); 4] = [
            ("objectSid", &[&own]),
            ("sIDHistory", &[&old]),
            ("tokenGroups", &groups),
            ("tokenGroupsGlobalAndUniversal", &[&universal]),
        ];
        let everybodys = BTreeSet::from([sid_of("S-1-5-32-554"), sid_of("S-1-5-21-1-2-3-2001")]);
        token(&Entry::of("CN=GoodAdmin,DC=a", &values), role, &everybodys)
    }

    const GROUPS: [&str; 3] = ["S-1-5-21-1-2-3-513", "S-1-5-21-1-2-3-2002", "S-1-5-32-554"];

    #[test]
    fn on_a_controller_its_groups_are_certain() {
        let token = read(Role::DomainController, &GROUPS[..2]).unwrap();
        for sid in ["S-1-5-21-1-2-3-1104", "S-1-5-21-9-9-9-7", "S-1-5-21-1-2-3-2002", "S-1-5-21-1-2-3-2001", "S-1-5-11"]
        {
            assert!(token.certain.contains(&sid_of(sid)), "{sid}");
        }
        assert_eq!(token.uncertain, BTreeSet::from([sid_of("S-1-5-32-554")]));
        assert!(read(Role::DomainController, &GROUPS).unwrap().uncertain.is_empty());
    }

    #[test]
    fn on_a_global_catalog_local_groups_are_uncertain() {
        let token = read(Role::GlobalCatalog, &GROUPS).unwrap();
        assert!(token.certain.contains(&sid_of("S-1-5-21-1-2-3-513")));
        let uncertain = ["S-1-5-21-1-2-3-2001", "S-1-5-21-1-2-3-2002", "S-1-5-32-554"].map(sid_of);
        assert_eq!(token.uncertain, BTreeSet::from(uncertain));
    }

    #[test]
    fn a_token_that_is_not_shown_is_no_empty_token() {
        let error = read(Role::DomainController, &[]).unwrap_err();
        assert_eq!(error, "tokenGroups was not shown: the reader lacks the right to read it");
    }
}
