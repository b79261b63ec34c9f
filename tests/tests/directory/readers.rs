//! Reading over several connections at once, against reading over one.

use crate::relay::Relay;
use crate::support::{PEOPLE_OF_A, first, lab, server, survey, user};
use sendgate_coordinator::directory::{DirectoryServer, Readers, Role};
use sendgate_core::coverage::reading::{ServerReading, UserReading};
use sendgate_tests::lab::{Domain, Lab};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// objectGUID in access control entries: its schemaIDGUID (MS-ADA3 section 2.41).
const OBJECT_GUID: &str = "bf9679e7-0de6-11d0-a285-00aa003049e2";

/// Everybody, and so many who are not there that all users are read at once.
fn names(domain: &Domain) -> Vec<String> {
    let strangers = (0..1500).map(|number| format!("stranger{number}@{}", domain.name));
    domain.users.iter().map(|user| user.mail.clone()).chain(strangers).collect()
}

async fn read(domain: &Domain, mut server: DirectoryServer, readers: i64, names: &[String]) -> ServerReading {
    server.readers = Readers::new(readers).unwrap();
    let asked: Vec<&str> = names.iter().map(String::as_str).collect();
    first(&survey(domain, vec![server], &asked).await, domain).clone()
}

/// All that is known of each name, entry by entry.
fn shown(reading: &ServerReading) -> BTreeMap<String, String> {
    reading.users.iter().map(|(name, user)| (name.to_string(), format!("{user:?}"))).collect()
}

fn assert_same(one: &ServerReading, other: &ServerReading, how: &str) {
    let (one_users, other_users) = (shown(one), shown(other));
    assert_eq!(one_users.len(), other_users.len(), "{how}");
    for (name, user) in &one_users {
        assert_eq!(user, &other_users[name], "{name} {how}");
    }
    assert_eq!(format!("{:?}", one.containers), format!("{:?}", other.containers), "{how}");
    assert_eq!(one.accounts, other.accounts, "{how}");
}

#[tokio::test]
async fn several_connections_bring_what_one_brings() {
    let _still = PEOPLE_OF_A.read().await;
    let lab = lab();
    for letter in ["a", "b"] {
        let domain = lab.domain(letter).unwrap();
        let names = names(domain);
        let mut catalog = server(domain, 0, &domain.surveyor);
        catalog.role = Role::GlobalCatalog;
        catalog.address = format!("{}:{}", domain.servers[0].address, domain.servers[0].gc_ldaps_port);
        for (kind, server) in [("controller", server(domain, 0, &domain.surveyor)), ("catalog", catalog)] {
            let one = read(domain, server.clone(), 1, &names).await;
            let found = one.users.values().filter(|user| matches!(user, UserReading::Found(_))).count();
            assert_eq!(found, domain.users.len());
            for readers in 2..=4 {
                let several = read(domain, server.clone(), readers, &names).await;
                assert_same(&one, &several, &format!("of {letter}'s {kind} over {readers} connections"));
            }
        }
    }
}

/// Changes every user, and with that his update sequence number, to and fro: whoever divided users by anything that
/// changes would find some of them in neither part.
fn change(lab: &Lab, domain: &Domain, count: u32) {
    let (mut ldif, value) = (String::new(), if count.is_multiple_of(2) { 0 } else { 9 });
    for user in &domain.users {
        let _ = write!(ldif, "dn: {}\nchangetype: modify\nreplace: description\ndescription: {value}\n\n", user.dn);
    }
    lab.ldapmodify(&domain.letter, &ldif).unwrap();
}

/// Says that it is over, also when a test fails: what it waits for would never end.
struct Over(Arc<AtomicBool>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_lost_while_everybody_is_being_changed() {
    let lab = lab();
    let domain = lab.domain("b").unwrap();
    let names = names(domain);
    let server = server(domain, 0, &domain.surveyor);
    let before = read(domain, server.clone(), 1, &names).await;
    let ended = Arc::new(AtomicBool::new(false));
    let over = Over(Arc::clone(&ended));
    let changes = {
        let (lab, domain, ended) = (lab.clone(), domain.clone(), Arc::clone(&ended));
        tokio::task::spawn_blocking(move || {
            let mut rounds = 0;
            while !ended.load(Ordering::Relaxed) {
                rounds += 1;
                change(&lab, &domain, rounds);
            }
            rounds
        })
    };
    for round in 1..=12 {
        let during = read(domain, server.clone(), 2, &names).await;
        // What is changed is nothing that a survey reads.
        assert_same(&before, &during, &format!("in reading {round}"));
    }
    drop(over);
    let rounds = changes.await.unwrap();
    assert!(rounds >= 2, "users were changed {rounds} times: too seldom for anything to be seen");
}

/// Without its objectGUID a user is in no order: he is read all the same, and said not to be understood.
#[tokio::test]
async fn a_user_whose_guid_is_hidden_is_not_lost() {
    let _still = PEOPLE_OF_A.read().await;
    let lab = lab();
    let domain = lab.domain("a").unwrap();
    // Nobody whom another test asks for.
    let hidden = &domain.store;
    let entry = format!("(OD;;RP;{OBJECT_GUID};;{})", domain.surveyor.sid);
    let mut names = names(domain);
    names.push(hidden.mail.clone());
    lab.add_entry("a", &hidden.dn, &entry).unwrap();
    let one = read(domain, server(domain, 0, &domain.surveyor), 1, &names).await;
    let two = read(domain, server(domain, 0, &domain.surveyor), 2, &names).await;
    lab.remove_entry("a", &hidden.dn, &entry).unwrap();
    assert_same(&one, &two, "with a hidden objectGUID");
    assert!(!matches!(user(&two, &hidden.mail), UserReading::NotFound), "{:?}", user(&two, &hidden.mail));
}

/// A second connection that breaks while users arrive on it takes the reading of its server with it.
#[tokio::test]
async fn a_connection_that_breaks_fails_the_whole_reading() {
    let lab = lab();
    let domain = lab.domain("a").unwrap();
    let names = names(domain);
    let asked: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut server = server(domain, 0, &domain.surveyor);
    let relay = Relay::start(&server.address).await;
    server.address = relay.address();
    let name = server.name.clone();
    // Some answers on the way: the handshake, a bind and the beginning of the users.
    relay.cut_second_after(20_000);
    let reading = survey(domain, vec![server.clone()], &asked).await;
    let text = &reading.servers[&name].as_ref().unwrap_err().0;
    assert!(text.contains("was lost during reading all users"), "{text}");
    relay.cut_second_after(1);
    let reading = survey(domain, vec![server], &asked).await;
    let text = &reading.servers[&name].as_ref().unwrap_err().0;
    assert!(text.ends_with("`readers = 1` for this server makes do with one"), "{text}");
    assert!(text.contains("this was connection 2"), "{text}");
}
