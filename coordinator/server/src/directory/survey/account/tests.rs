//! Whose token it is, and what is in it.

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
    let groups = ["S-1-5-32-554", "S-1-5-21-1-2-3-2001"].map(sid_of).into();
    let everybodys = Everybodys { groups, uncertain: [sid_of("S-1-5-64-10"), sid_of(GROUPS[0])].into() };
    token(&Entry::of("CN=GoodAdmin,DC=a", &values), role, &everybodys)
}

const GROUPS: [&str; 3] = ["S-1-5-21-1-2-3-513", "S-1-5-21-1-2-3-2002", "S-1-5-32-554"];

#[test]
fn on_a_controller_its_groups_are_certain() {
    let token = read(Role::DomainController, &GROUPS[..2]).unwrap();
    for sid in ["S-1-5-21-1-2-3-1104", "S-1-5-21-9-9-9-7", "S-1-5-21-1-2-3-513", "S-1-5-11"] {
        assert!(token.everywhere.contains(&sid_of(sid)), "{sid}");
    }
    // Its local group, and one that contains everybody.
    assert_eq!(token.local, BTreeSet::from(["S-1-5-21-1-2-3-2001", "S-1-5-21-1-2-3-2002"].map(sid_of)));
    // What may be in everybody's, unless it is there for certain.
    assert_eq!(token.uncertain, BTreeSet::from(["S-1-5-32-554", "S-1-5-64-10"].map(sid_of)));
    // A built-in group that everybody is in is another one on a member server, whatever the controllers' one holds;
    // one that the account was put into by name counts.
    let groups = [&GROUPS[..], &["S-1-5-32-548"]].concat();
    let member = read(Role::DomainController, &groups).unwrap();
    assert_eq!(member.uncertain, token.uncertain);
    assert!(member.local.contains(&sid_of("S-1-5-32-548")), "{member:?}");
}

#[test]
fn on_a_global_catalog_local_groups_are_uncertain() {
    let token = read(Role::GlobalCatalog, &GROUPS).unwrap();
    assert!(token.everywhere.contains(&sid_of("S-1-5-21-1-2-3-513")));
    let uncertain = ["S-1-5-21-1-2-3-2001", "S-1-5-21-1-2-3-2002", "S-1-5-32-554", "S-1-5-64-10"].map(sid_of);
    assert_eq!(token.uncertain, BTreeSet::from(uncertain));
    assert!(token.local.is_empty());
}

#[test]
fn a_token_that_is_not_shown_is_no_empty_token() {
    let error = read(Role::DomainController, &[]).unwrap_err();
    assert_eq!(error, "tokenGroups was not shown: the reader lacks the right to read it");
}

const HERE: &str = "CN=GoodAdmin,DC=a,DC=test";
const OTHER: &str = "CN=Other,OU=Staff,DC=a,DC=test";
const BELOW: &str = "CN=GoodAdmin,DC=b,DC=a,DC=test";

/// What a name means where these were found: a DN, a sAMAccountName and a userPrincipalName each, empty for none.
fn meant(found: &[[&str; 3]]) -> Result<Option<Dn>, String> {
    let entry = |[dn, sam, upn]: &[&str; 3]| match *upn {
        "" => Entry::of(dn, &[("sAMAccountName", &[sam.as_bytes()])]),
        _ => Entry::of(dn, &[("sAMAccountName", &[sam.as_bytes()]), ("userPrincipalName", &[upn.as_bytes()])]),
    };
    let found: Vec<Entry> = found.iter().map(entry).collect();
    the_one(&"goodadmin@a.test".parse().unwrap(), &Dn::from("DC=a,DC=test"), &found)
}

#[test]
fn an_account_is_looked_for_by_both_its_names() {
    let filter = of_name(&"good*(admin)@a.test".parse().unwrap());
    assert_eq!(
        filter,
        r"(&(objectClass=user)(|(sAMAccountName=good\2a\28admin\29)(userPrincipalName=good\2a\28admin\29@a.test)))"
    );
    assert!(ldap3::parse_filter(filter).is_ok());
}

#[test]
fn an_account_is_the_object_of_its_name_whether_or_not_it_holds_its_logon_name_itself() {
    for upn in ["", "GoodAdmin@A.test", "someone@elsewhere.test"] {
        assert_eq!(meant(&[[HERE, "GoodAdmin", upn]]), Ok(Some(Dn::from(HERE))), "{upn}");
    }
    // A catalog shows also who is called so in a domain below.
    assert_eq!(meant(&[[BELOW, "GoodAdmin", ""], [HERE, "GoodAdmin", ""]]), Ok(Some(Dn::from(HERE))));
    assert_eq!(meant(&[[BELOW, "GoodAdmin", ""]]), Ok(None));
    assert_eq!(meant(&[[OTHER, "other", "goodadmin@a.test"]]), Ok(None), "the name is no account's");
    let twice = meant(&[[HERE, "goodadmin", ""], ["CN=Twin,DC=a,DC=test", "goodadmin", ""]]);
    assert_eq!(twice, Err("the account goodadmin@a.test is there 2 times".to_owned()));
}

/// The service would be logged on as that one, whose rights nobody has looked at.
#[test]
fn an_account_whose_logon_name_another_object_holds_is_not_known() {
    let others = [[OTHER, "other", "GoodAdmin@a.TEST"], [BELOW, "goodadmin", "goodadmin@a.test"]];
    for (other, own) in others.into_iter().flat_map(|other| [(other, ""), (other, "goodadmin@a.test")]) {
        let own = [HERE, "GoodAdmin", own];
        let why = format!(
            "the account goodadmin@a.test is {HERE}, and {} has that as its userPrincipalName: a service that logs on by \
             it is the second one; give that object another userPrincipalName",
            other[0]
        );
        assert_eq!(meant(&[own, other]), Err(why.clone()));
        assert_eq!(meant(&[other, own]), Err(why));
    }
}

/// What only some servers of its own domain show of an account, and the groups here that this leads to.
#[tokio::test]
async fn an_account_of_another_domain_may_be_in_what_only_some_of_its_servers_show() {
    use super::super::super::connect;
    use super::super::super::fake::{Answer, bound, entry_of, hasty};
    let group = |name: &str, sid: &str| entry_of(&format!("CN={name},DC=a"), &[("objectSid", sid_of(sid).to_bytes())]);
    let (certain, perhaps) = ("S-1-5-21-9-9-9-1", "S-1-5-21-9-9-9-2");
    let (here, over, both) = ("S-1-5-21-1-2-3-11", "S-1-5-21-1-2-3-12", "S-1-5-21-1-2-3-13");
    let answers = vec![
        bound(),
        Answer::Page(vec![group("Here", here), group("Both", both)]),
        Answer::Page(vec![]),
        Answer::Page(vec![group("Over", over), group("Both", both)]),
        Answer::Page(vec![]),
    ];
    let known = AccountPicture {
        dn: "CN=GoodAdmin,DC=b".into(),
        sid: sid_of(certain),
        everywhere: [sid_of(certain)].into(),
        anywhere: [sid_of(certain)].into(),
        local: BTreeSet::new(),
        uncertain: [sid_of(perhaps)].into(),
    };
    let session = connect::open(&hasty(answers)).await.ok().unwrap();
    let reading = abroad(&session, &Dn::from("DC=a"), &known, &Everybodys::default()).await.unwrap();
    assert_eq!(reading.local, [here, both].map(sid_of).into());
    assert_eq!(reading.uncertain, [perhaps, over].map(sid_of).into());
}

/// Within a forest nothing stands for the principals of another domain, and the name that a server has of them may be old.
#[tokio::test]
async fn an_account_of_another_domain_of_the_forest_is_found_in_groups_by_its_sids() {
    use super::super::super::connect;
    use super::super::super::fake::{Answer, bound, entry_of, hasty};
    const OWN: &str = "S-1-5-21-9-9-9-1";
    let (its, perhaps) = ("S-1-5-21-9-9-9-2", "S-1-5-21-9-9-9-3");
    let here = "S-1-5-21-1-2-3-11";
    let group = || vec![entry_of("CN=Here,DC=a", &[("objectSid", sid_of(here).to_bytes())])];
    let known = AccountPicture {
        dn: "CN=GoodAdmin,OU=Moved,DC=b".into(),
        sid: sid_of(OWN),
        everywhere: [OWN, its, "S-1-5-11"].map(sid_of).into(),
        anywhere: [OWN, its, "S-1-5-11"].map(sid_of).into(),
        local: BTreeSet::new(),
        uncertain: [sid_of(perhaps)].into(),
    };
    let none = || Answer::Page(vec![]);
    for (text, first, found) in [
        ("<SID=S-1-5-21-9-9-9-1>", true, true),
        ("<SID=S-1-5-21-9-9-9-2>", true, true),
        ("CN=S-1-5-21-9-9-9-2,CN=ForeignSecurityPrincipals,DC=a", true, true),
        ("CN=GoodAdmin,OU=Moved,DC=b", true, true),
        ("<SID=S-1-5-21-9-9-9-3>", false, true),
        // Whoever everybody is in a group with is told apart.
        ("S-1-5-11>", true, false),
    ] {
        let asked = Answer::PageFor(text, group());
        let mut answers = if first { vec![bound(), asked] } else { vec![bound(), none(), asked] };
        answers.extend([none(), none()]);
        let session = connect::open(&hasty(answers)).await.ok().unwrap();
        let reading = abroad(&session, &Dn::from("DC=a"), &known, &Everybodys::default()).await.unwrap();
        assert_eq!(reading.local.contains(&sid_of(here)), first && found, "{text}");
        assert_eq!(reading.uncertain.contains(&sid_of(here)), !first && found, "{text}");
    }
}

#[test]
fn each_sid_is_asked_for_by_the_object_that_stands_for_it_and_by_itself() {
    let asked = members(&["S-1-5-21-9-9-9-2", "S-1-1-0"].map(sid_of).into(), &Dn::from("DC=a"));
    let shown: BTreeSet<&str> = asked.iter().map(Dn::as_str).collect();
    let expected = ["CN=S-1-5-21-9-9-9-2,CN=ForeignSecurityPrincipals,DC=a", "<SID=S-1-5-21-9-9-9-2>"];
    assert_eq!(shown, expected.into());
    let filter = filter::any(asked.iter().map(|dn| filter::equals("member", dn.as_str())));
    assert!(filter.contains("(member=<SID=S-1-5-21-9-9-9-2>)"), "{filter}");
    assert!(ldap3::parse_filter(filter).is_ok());
}

/// Whoever logs on by NTLM, or over a trust that authenticates selectively, is denied what these are denied, and the groups
/// that contain them.
#[tokio::test]
async fn what_some_logons_bring_may_be_in_every_token() {
    use super::super::super::connect;
    use super::super::super::fake::{Answer, bound, entry_of, hasty, object_of};
    const NTLM: &str = "CN=S-1-5-64-10,CN=ForeignSecurityPrincipals,DC=a";
    const OTHERS: &str = "CN=S-1-5-1000,CN=ForeignSecurityPrincipals,DC=a";
    let own = sid_of("S-1-5-21-1-2-3-1104");
    let named = entry_of("CN=GoodAdmin,DC=a", &[("sAMAccountName", b"goodadmin".to_vec())]);
    let users = sid_of("S-1-5-21-1-2-3-513").to_bytes();
    let shown = object_of(
        "CN=GoodAdmin,DC=a",
        &[("objectSid", own.to_bytes()), ("tokenGroups", users.clone()), ("tokenGroupsGlobalAndUniversal", users)],
    );
    let group = |sid: &str, was: &str| {
        let (sid, was) = (sid_of(sid).to_bytes(), sid_of(was).to_bytes());
        vec![entry_of("CN=Group,DC=a", &[("objectSid", sid), ("sIDHistory", was)])]
    };
    let none = || Answer::Page(vec![]);
    let home = || vec![Answer::Page(vec![named.clone()]), shown.clone(), none()];
    let known = AccountPicture {
        dn: "CN=GoodAdmin,DC=b".into(),
        sid: sid_of("S-1-5-21-9-9-9-1"),
        everywhere: [sid_of("S-1-5-21-9-9-9-1")].into(),
        anywhere: [sid_of("S-1-5-21-9-9-9-1")].into(),
        local: BTreeSet::new(),
        uncertain: by_the_logon(),
    };
    let everybodys = || Answer::PageFor("CN=S-1-5-11,", group("S-1-5-21-1-2-3-21", "S-1-5-21-8-8-8-21"));
    for (account, rest) in [("goodadmin@a", home()), ("goodadmin@b", vec![none()])] {
        let account: AccountName = account.parse().unwrap();
        for asked in [NTLM, OTHERS] {
            let by_logon = Answer::PageFor(asked, group("S-1-5-21-1-2-3-22", "S-1-5-21-8-8-8-22"));
            let answers = [vec![bound(), everybodys(), none(), by_logon, none()], rest.clone()].concat();
            let session = connect::open(&hasty(answers)).await.ok().unwrap();
            let (accounts, known) = ([account.clone()].into(), [(account.clone(), known.clone())].into());
            let read = super::read(&session, &Dn::from("DC=a"), &accounts, &known, None).await.unwrap();
            let reading = read[&account].as_ref().unwrap();
            assert_eq!(reading.local, [sid_of("S-1-5-21-1-2-3-21")].into());
            let perhaps = ["S-1-5-64-10", "S-1-5-1000", "S-1-5-21-1-2-3-22", "S-1-5-21-8-8-8-21", "S-1-5-21-8-8-8-22"];
            assert_eq!(reading.uncertain, perhaps.map(sid_of).into(), "{account}, {asked}");
        }
    }
}

/// A group that was brought from another domain has the SID that it had there, and what names that one is for its members.
#[tokio::test]
async fn what_groups_were_before_may_be_in_the_token() {
    use super::super::super::connect;
    use super::super::super::fake::{Answer, bound, entry_of, hasty, object_of};
    let was = |number: u32| sid_of(&format!("S-1-5-21-8-8-8-{number}"));
    let group = |name: &str, sid: &str, was: Sid| {
        entry_of(&format!("CN={name},DC=a"), &[("objectSid", sid_of(sid).to_bytes()), ("sIDHistory", was.to_bytes())])
    };
    let head = Dn::from("DC=a");
    // Over a group here that certainly contains it, over that one, and over one that may.
    let known = AccountPicture {
        dn: "CN=GoodAdmin,DC=b".into(),
        sid: sid_of("S-1-5-21-9-9-9-1"),
        everywhere: [sid_of("S-1-5-21-9-9-9-1")].into(),
        anywhere: [sid_of("S-1-5-21-9-9-9-1")].into(),
        local: BTreeSet::new(),
        uncertain: [was(9)].into(),
    };
    let page = |name: &str, sid: &str, was: Sid| Answer::Page(vec![group(name, sid, was)]);
    let answers = vec![
        bound(),
        page("Here", "S-1-5-21-1-2-3-11", was(1)),
        page("Over", "S-1-5-21-1-2-3-12", was(2)),
        Answer::Page(vec![]),
        page("Perhaps", "S-1-5-21-1-2-3-13", was(3)),
        Answer::Page(vec![]),
    ];
    let session = connect::open(&hasty(answers)).await.ok().unwrap();
    let reading = abroad(&session, &head, &known, &Everybodys::default()).await.unwrap();
    assert_eq!(reading.local, ["S-1-5-21-1-2-3-11", "S-1-5-21-1-2-3-12"].map(sid_of).into());
    assert_eq!(reading.uncertain, [was(9), sid_of("S-1-5-21-1-2-3-13"), was(1), was(2), was(3)].into());

    // At home its groups are in the token already, and only what they were is asked for.
    let named = entry_of("CN=GoodAdmin,DC=a", &[("sAMAccountName", b"goodadmin".to_vec())]);
    let users = sid_of("S-1-5-21-1-2-3-513").to_bytes();
    let own = sid_of("S-1-5-21-1-2-3-1104").to_bytes();
    let shown = [("objectSid", own), ("tokenGroups", users.clone()), ("tokenGroupsGlobalAndUniversal", users)];
    let answers = vec![
        bound(),
        Answer::Page(vec![named]),
        object_of("CN=GoodAdmin,DC=a", &shown),
        page("Domain Users", "S-1-5-21-1-2-3-513", was(4)),
    ];
    let session = connect::open(&hasty(answers)).await.ok().unwrap();
    let account = "goodadmin@a".parse().unwrap();
    let reading = at_home(&session, &head, true, &account, &Everybodys::default()).await.unwrap().unwrap();
    assert_eq!(reading.uncertain, [was(4)].into());
    assert!(!reading.everywhere.contains(&was(4)), "it allows nothing");
}
