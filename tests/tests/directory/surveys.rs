//! What a survey reads of the laboratory's people.

use crate::support::{first, found, lab, server, survey, user};
use sendgate_coordinator::directory::Role;
use sendgate_core::coverage::reading::{DescriptorReading, Home, MailboxOwner, ServerReading, UserClass, UserReading};
use sendgate_core::names::Dn;
use sendgate_core::secdesc::SecurityDescriptor;
use sendgate_core::sid::Sid;
use sendgate_tests::lab::Domain;
use std::time::Instant;

fn shown<'a>(reading: &'a DescriptorReading, of: &str) -> &'a SecurityDescriptor {
    match reading {
        DescriptorReading::Shown(descriptor) => descriptor,
        other => panic!("{of}: {other:?}"),
    }
}

/// Whether every user of the laboratory is described as `lab.json` says.
fn as_described(server: &ServerReading, domain: &Domain) {
    let blocked: Vec<Dn> = domain.blocked_units.iter().map(|unit| Dn::from(unit.as_str())).collect();
    for expected in &domain.users {
        let user = found(server, &expected.mail);
        assert_eq!(user.dn, Dn::from(expected.dn.as_str()));
        assert_eq!(user.sid.to_string(), expected.sid);
        assert_eq!(user.home, Home::Server(expected.server.parse().unwrap()), "{}", expected.name);
        let external = matches!(user.owner, MailboxOwner::External(_));
        assert_eq!(external, expected.is("linked"), "{}: {:?}", expected.name, user.owner);
        let class = if expected.is("inetorgperson") { UserClass::InetOrgPerson } else { UserClass::User };
        assert_eq!(user.class, class, "{}", expected.name);
        assert_eq!(user.protected_by.is_some(), expected.is("protected"), "{}", expected.name);
        assert_eq!(expected.is("blocked"), blocked.iter().any(|unit| user.dn.is_within(unit)), "{}", expected.name);
        shown(&user.descriptor, &expected.name);
        let mut above = user.dn.parent();
        while let Some(dn) = above.filter(|dn| dn.is_within(&server.head)) {
            let reading = server.containers.get(&dn).unwrap_or_else(|| panic!("{dn} was not read"));
            assert_eq!(shown(reading, dn.as_str()).dacl_protected(), blocked.contains(&dn), "{dn}");
            above = dn.parent();
        }
    }
    shown(&server.admin_sd_holder, "AdminSDHolder");
}

#[tokio::test]
async fn every_user_is_accounted_for_on_every_server() {
    let lab = lab();
    for letter in ["a", "b"] {
        let domain = lab.domain(letter).unwrap();
        let asked: Vec<&str> = domain.users.iter().map(|user| user.mail.as_str()).collect();
        let servers: Vec<_> = (0..domain.servers.len()).map(|at| server(domain, at, &domain.surveyor)).collect();
        let begun = Instant::now();
        let reading = survey(domain, servers, &asked).await;
        println!("{} users on {} servers of {letter} in {:?}", asked.len(), reading.servers.len(), begun.elapsed());
        assert_eq!(reading.servers.len(), domain.servers.len());
        for (name, server) in &reading.servers {
            let server = server.as_ref().unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
            assert_eq!(server.users.len(), asked.len());
            as_described(server, domain);
        }
    }
}

#[tokio::test]
async fn a_service_account_has_its_nested_groups_for_certain() {
    let lab = lab();
    let domain = lab.domain("a").unwrap();
    let reading = survey(domain, vec![server(domain, 0, &domain.surveyor)], &[]).await;
    let account = first(&reading, domain).accounts.values().next().unwrap().as_ref().unwrap();
    assert_eq!(account.sid.to_string(), domain.goodadmin.sid);
    let own: Sid = domain.sid.parse().unwrap();
    // Itself, Domain Users, and two groups, one in the other.
    let of_domain = account.everywhere.iter().filter(|sid| sid.domain().as_ref() == Some(&own)).count();
    assert_eq!(of_domain, 4, "{:?}", account.everywhere);
    assert!(account.everywhere.contains(&Sid::authenticated_users()));
    // Users, by way of Authenticated Users.
    let users: Sid = "S-1-5-32-545".parse().unwrap();
    assert!(account.local.contains(&users) || account.uncertain.contains(&users), "{account:?}");
}

#[tokio::test]
async fn a_protected_administrator_is_told_by_the_groups_that_lead_there() {
    let lab = lab();
    let domain = lab.domain("b").unwrap();
    let mail = format!("admin1@{}", domain.name);
    let logon = format!("{}\\krbtgt", domain.netbios);
    let reading = survey(domain, vec![server(domain, 0, &domain.surveyor)], &[&mail, &logon]).await;
    let server = first(&reading, domain);
    let path = found(server, &mail).protected_by.clone().unwrap();
    let nested = format!("CN=Ops Nested,OU=Services,{}", domain.dn);
    let admins = format!("CN=Domain Admins,CN=Users,{}", domain.dn);
    assert_eq!(path.0, [Dn::from(nested), Dn::from(admins)]);
    assert_eq!(found(server, &logon).protected_by.clone().unwrap().0.len(), 1);
}

#[tokio::test]
async fn every_form_of_a_name_finds_its_user_and_an_unknown_one_nobody() {
    let lab = lab();
    let domain = lab.domain("a").unwrap();
    let expected = &domain.users[0];
    let forms = [
        expected.mail.to_uppercase(),
        format!("{}@mail.{}", expected.name, domain.name),
        format!("{}\\{}", domain.netbios, expected.name),
        format!("{}\\{}", domain.name, expected.name),
        expected.legacy_exchange_dn.clone(),
        expected.name.clone(),
    ];
    let nobody = [format!("nobody@{}", domain.name), "B\\user001".to_owned(), "*".to_owned(), "x)(cn=*@a".to_owned()];
    let asked: Vec<&str> = forms.iter().chain(&nobody).map(String::as_str).collect();
    let reading = survey(domain, vec![server(domain, 0, &domain.surveyor)], &asked).await;
    let server = first(&reading, domain);
    for form in &forms {
        assert_eq!(found(server, form).dn, Dn::from(expected.dn.as_str()), "{form}");
    }
    for name in &nobody {
        assert!(matches!(user(server, name), UserReading::NotFound), "{name}: {:?}", user(server, name));
    }
    // A computer and a group are no users.
    let others = [format!("{}\\A1$", domain.netbios), format!("{}\\Domain Admins", domain.netbios)];
    let asked: Vec<&str> = others.iter().map(String::as_str).collect();
    let reading = survey(domain, vec![crate::support::server(domain, 0, &domain.surveyor)], &asked).await;
    for name in &others {
        assert!(matches!(user(first(&reading, domain), name), UserReading::NotFound), "{name}");
    }
}

#[tokio::test]
async fn an_address_that_two_users_have_is_ambiguous() {
    let lab = lab();
    let domain = lab.domain("b").unwrap();
    let (one, other) = (&domain.users[0].dn, &domain.users[1].dn);
    let change = |verb: &str| {
        let lines = [one, other].map(|dn| {
            format!(
                "dn: {dn}\nchangetype: modify\n{verb}: proxyAddresses\nproxyAddresses: smtp:twice@{}\n\n",
                domain.name
            )
        });
        lab.ldapmodify("b", &lines.concat()).unwrap();
    };
    change("add");
    let name = format!("twice@{}", domain.name);
    let reading = survey(domain, vec![server(domain, 0, &domain.surveyor)], &[&name]).await;
    change("delete");
    let UserReading::Ambiguous(dns) = user(first(&reading, domain), &name) else { panic!("{reading:?}") };
    assert_eq!(dns, &[Dn::from(one.as_str()), Dn::from(other.as_str())]);
}

#[tokio::test]
async fn a_global_catalog_is_read_and_its_local_groups_are_uncertain() {
    let lab = lab();
    let domain = lab.domain("a").unwrap();
    let mut catalog = server(domain, 0, &domain.surveyor);
    catalog.role = Role::GlobalCatalog;
    catalog.address = format!("{}:{}", domain.servers[0].address, domain.servers[0].gc_ldaps_port);
    let user = &domain.users[0];
    let reading = survey(domain, vec![catalog], &[&user.mail]).await;
    let server = first(&reading, domain);
    assert_eq!(found(server, &user.mail).home, Home::Server(user.server.parse().unwrap()));
    shown(&found(server, &user.mail).descriptor, &user.name);
    let account = server.accounts.values().next().unwrap().as_ref().unwrap();
    assert!(account.uncertain.contains(&"S-1-5-32-545".parse().unwrap()), "{account:?}");
}

#[tokio::test]
async fn a_descriptor_that_is_not_shown_is_said_to_be_so() {
    let lab = lab();
    let domain = lab.domain("b").unwrap();
    // Nobody whom another test asks for.
    let user = &domain.store;
    let entry = format!("(D;;RC;;;{})", domain.surveyor.sid);
    lab.add_entry("b", &user.dn, &entry).unwrap();
    let reading = survey(domain, vec![server(domain, 0, &domain.surveyor)], &[&user.mail]).await;
    lab.remove_entry("b", &user.dn, &entry).unwrap();
    assert_eq!(found(first(&reading, domain), &user.mail).descriptor, DescriptorReading::NotShown);
}

#[tokio::test]
async fn a_server_that_is_listed_twice_is_no_evidence() {
    let lab = lab();
    let domain = lab.domain("a").unwrap();
    let one = server(domain, 0, &domain.surveyor);
    let name = one.name.clone();
    let reading = survey(domain, vec![one.clone(), one], &[]).await;
    let text = &reading.servers[&name].as_ref().unwrap_err().0;
    assert_eq!(*text, format!("directory server {name} is listed several times: list each name once"));
}

/// So many names that everybody is read once instead of looking each up.
#[tokio::test]
async fn a_large_roster_is_accounted_for_as_a_small_one_is() {
    let lab = lab();
    let domain = lab.domain("a").unwrap();
    let strangers: Vec<String> = (0..2000).map(|number| format!("stranger{number}@{}", domain.name)).collect();
    let asked: Vec<&str> = domain.users.iter().map(|user| &user.mail).chain(&strangers).map(String::as_str).collect();
    let reading = survey(domain, vec![server(domain, 0, &domain.surveyor)], &asked).await;
    let server = first(&reading, domain);
    as_described(server, domain);
    assert!(strangers.iter().all(|name| matches!(user(server, name), UserReading::NotFound)));
}
