//! A million users, generated, through the code that takes, judges and pictures those of a server; half a million for
//! comparison, each in a process of its own.
//!
//! `cargo bench -p sendgate-tests --bench million`
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot go on has failed")]

use sendgate_coordinator::directory::survey::Wanted;
use sendgate_coordinator::directory::survey::generated::{Attribute, Surroundings, picture};
use sendgate_core::coverage::placement::Reach;
use sendgate_core::coverage::reading::{AccountReading, DescriptorReading};
use sendgate_core::coverage::{Presence, Setting, VerdictKind};
use sendgate_core::names::{AccountName, Dn};
use sendgate_core::policy::ProtectionPolicy;
use sendgate_core::secdesc::SecurityDescriptor;
use sendgate_core::sid::Sid;
use sendgate_tests::bench::{part, peak_megabytes};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

const HEAD: &str = "DC=a,DC=example,DC=test";
const ACCOUNT: &str = "S-1-5-21-1-2-3-1105";
const UNITS: u32 = 400;
/// What users of a domain have: a default descriptor with the entries that they inherit.
const ENTRIES: usize = 30;

fn main() {
    match part() {
        Some(users) => measure(users.parse().unwrap()),
        None => {
            for users in [500_000, 1_000_000] {
                let status =
                    Command::new(std::env::current_exe().unwrap()).args(["--part", &users.to_string()]).status();
                assert!(status.unwrap().success());
            }
        }
    }
}

fn measure(users: u32) {
    let begin = Instant::now();
    let account: AccountName = "goodadmin@a.example.test".parse().unwrap();
    let domain: sendgate_core::names::DomainName = "a.example.test".parse().unwrap();
    let mut setting = Setting::new([account.clone()].into(), "a1".parse().unwrap(), Reach::Domain);
    setting.exchange_domain = [("exa1".parse().unwrap(), domain.clone())].into();
    let wanted = Arc::new(Wanted {
        asked: Arc::new((1..=users).map(|number| address(number).parse().unwrap()).collect()),
        accounts: [account.clone()].into(),
        known: BTreeMap::new(),
        setting,
        protection: ProtectionPolicy::default(),
    });
    let around = Surroundings {
        domain,
        server: "a1".parse().unwrap(),
        head: HEAD.into(),
        account: (account.clone(), token()),
        containers: containers(),
    };
    // A hundred tenants' worth of distinct descriptors, every tenth of which lacks the entry.
    let descriptors: Vec<Vec<u8>> = (0..100).map(descriptor).collect();
    let picture = picture(around, &wanted, (1..=users).map(|number| user(number, &descriptors)));
    let is = |kind: VerdictKind| {
        let users = picture.users.values();
        users.filter(|user| matches!(user, Presence::Here(here) if here.verdicts[&account].kind == kind)).count()
    };
    let (covered, missing) = (is(VerdictKind::Covered), is(VerdictKind::Missing));
    assert_eq!((covered, missing), (users as usize / 10 * 9, users as usize / 10));
    let (seconds, peak) = (begin.elapsed().as_secs_f64(), peak_megabytes().unwrap());
    println!(
        "million: {users} users, {covered} covered, {missing} missing, {seconds:.1} s, {:.2} us and {:.0} bytes a user",
        seconds * 1e6 / f64::from(users),
        peak * 1024.0 * 1024.0 / f64::from(users)
    );
    println!("million: RSS {peak:.0} MB");
}

fn address(number: u32) -> String {
    format!("user{number:07}@a.example.test")
}

fn unit(number: u32) -> String {
    format!("OU=Tenant {:03},OU=Hosted,{HEAD}", number % UNITS)
}

fn user(number: u32, descriptors: &[Vec<u8>]) -> (String, Vec<Attribute>) {
    let text = |text: String| vec![text.into_bytes()];
    let sid: Sid = format!("S-1-5-21-1-2-3-{}", 10_000 + number).parse().unwrap();
    let mut guid = [0x5e; 16];
    guid[..4].copy_from_slice(&number.to_be_bytes());
    let attributes = vec![
        ("objectGUID", vec![guid.to_vec()]),
        ("objectSid", vec![sid.to_bytes()]),
        ("objectClass", ["top", "person", "organizationalPerson", "user"].map(|class| class.into()).into()),
        ("nTSecurityDescriptor", vec![descriptors[number as usize % descriptors.len()].clone()]),
        (
            "homeMDB",
            text(format!(
                "CN=Mailbox Store (EXA1),CN=First Storage Group,CN=InformationStore,CN=EXA1,CN=Servers,{HEAD}"
            )),
        ),
        ("msExchHomeServerName", text("/o=Example/ou=First/cn=Configuration/cn=Servers/cn=EXA1".into())),
        ("userAccountControl", text("512".into())),
        ("primaryGroupID", text("513".into())),
        ("uSNChanged", text("4711".into())),
        ("mail", text(address(number))),
        (
            "proxyAddresses",
            vec![
                format!("SMTP:{}", address(number)).into_bytes(),
                format!("smtp:{number}@mail.example.test").into_bytes(),
            ],
        ),
        ("legacyExchangeDN", text(format!("/o=Example/ou=First/cn=Recipients/cn=user{number:07}"))),
        ("userPrincipalName", text(address(number))),
        ("sAMAccountName", text(format!("user{number:07}"))),
    ];
    (format!("CN=User {number:07},{}", unit(number)), attributes)
}

fn descriptor(number: usize) -> Vec<u8> {
    let mut sddl = "D:AI".to_owned();
    for entry in 0..ENTRIES {
        sddl += &format!(
            "(OA;CIIOID;RP;bc0ac240-79a9-11d0-9020-00c04fc2d4cf;bf967aba-0de6-11d0-a285-00aa003049e2;S-1-5-21-1-2-3-{})",
            3000 + number * ENTRIES + entry
        );
    }
    if !number.is_multiple_of(10) {
        sddl += &format!(
            "(OA;CIID;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;bf967aba-0de6-11d0-a285-00aa003049e2;{ACCOUNT})"
        );
    }
    SecurityDescriptor::from_sddl(&sddl, None).unwrap().to_bytes()
}

fn token() -> AccountReading {
    let groups = (0..60).map(|group| format!("S-1-5-21-1-2-3-{}", 900_000_000 + group).parse().unwrap());
    let everywhere: BTreeSet<Sid> =
        [ACCOUNT, "S-1-1-0", "S-1-5-11"].map(|sid| sid.parse().unwrap()).into_iter().chain(groups).collect();
    AccountReading {
        dn: "CN=GoodAdmin,CN=Users,DC=a,DC=example,DC=test".into(),
        sid: ACCOUNT.parse().unwrap(),
        everywhere,
        local: BTreeSet::new(),
        uncertain: BTreeSet::new(),
    }
}

fn containers() -> BTreeMap<Dn, DescriptorReading> {
    let shown = DescriptorReading::Shown(Arc::new(SecurityDescriptor::from_sddl("D:AI", None).unwrap()));
    let above = [HEAD.to_owned(), format!("OU=Hosted,{HEAD}")].into_iter().chain((0..UNITS).map(unit));
    above.map(|dn| (Dn::from(dn.as_str()), shown.clone())).collect()
}
