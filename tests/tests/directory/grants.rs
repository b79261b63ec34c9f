//! One entry onto a descriptor, and away again.

use crate::support::{Always, PEOPLE_OF_A, lab, server};
use sendgate_coordinator::directory::grant::{self, Alone, Established, GrantDone, GrantError};
use sendgate_coordinator::directory::{DirectoryError, DirectoryServer};
use sendgate_core::coverage::advice::advice;
use sendgate_core::coverage::placement::{EntryBytes, PlannedGrant};
use sendgate_core::guid::Guid;
use sendgate_core::names::Dn;
use sendgate_core::secdesc::SecurityDescriptor;
use sendgate_core::secdesc::access::{self, Outcome, Token};
use sendgate_core::secdesc::edit::{self, GrantForm};
use sendgate_core::sid::Sid;
use sendgate_tests::lab::{Account, Domain, Lab, User};

/// A grant to GoodAdmin on `place`, planned from what the place shows.
async fn planned(domain: &Domain, controller: &DirectoryServer, place: &str, form: GrantForm) -> PlannedGrant {
    let place = Dn::from(place);
    let shown = grant::shown(controller, &place).await.unwrap();
    PlannedGrant {
        domain: domain.name.parse().unwrap(),
        account: format!("{}@{}", domain.goodadmin.name, domain.name).parse().unwrap(),
        sid: domain.goodadmin.sid.parse().unwrap(),
        form,
        expected: explicit(&shown),
        place,
    }
}

fn explicit(shown: &SecurityDescriptor) -> Vec<EntryBytes> {
    edit::explicit_entries(shown).into_iter().map(EntryBytes).collect()
}

async fn entries(controller: &DirectoryServer, place: &str) -> Vec<EntryBytes> {
    explicit(&grant::shown(controller, &Dn::from(place)).await.unwrap())
}

/// Whether the account of this SID may send as the user, by the user's own descriptor.
async fn may_send(controller: &DirectoryServer, user: &User, sid: &Sid) -> bool {
    let shown = grant::shown(controller, &Dn::from(user.dn.as_str())).await.unwrap();
    let token = Token { certain: [sid.clone()].into(), ..Token::default() };
    access::decide(&shown, &token, &Guid::SEND_AS, &user.sid.parse().unwrap()).outcome == Outcome::Granted
}

/// A new, empty unit with these explicit entries and nothing inherited.
fn unit(lab: &Lab, domain: &Domain, name: &str, list: Option<&SecurityDescriptor>) -> String {
    let dn = format!("OU={name},{}", domain.dn);
    lab.ldapmodify(&domain.letter, &format!("dn: {dn}\nchangetype: add\nobjectClass: organizationalUnit\n")).unwrap();
    if let Some(list) = list {
        // As it is advised: the lines of `control:` and of the value are what an LDIF of ours has.
        let ldif = format!(
            "dn: {dn}\ncontrol: 1.2.840.113556.1.4.801 true:: MAMCAQQ=\nchangetype: modify\nreplace: \
             nTSecurityDescriptor\nnTSecurityDescriptor:: {}\n-\n",
            base64(list.as_bytes())
        );
        lab.ldapmodify(&domain.letter, &ldif).unwrap();
    }
    dn
}

fn remove(lab: &Lab, domain: &Domain, dn: &str) {
    lab.ldapmodify(&domain.letter, &format!("dn: {dn}\nchangetype: delete\n")).unwrap();
}

/// Base64 (RFC 4648 section 4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let quads = bytes.chunks(3).map(|chunk| {
        let word = [16, 8, 0].iter().zip(chunk).fold(0_u32, |word, (shift, byte)| word | u32::from(*byte) << shift);
        let digit = |at: usize| char::from(DIGITS[(word >> (18 - 6 * at)) as usize & 63]);
        (0..4).map(|at| if at <= chunk.len() { digit(at) } else { '=' }).collect::<String>()
    });
    quads.collect()
}

/// From the plan to the entry's removal, as `account`.
async fn there_and_back(domain: &Domain, account: &Account, unit: &str, user: &User) {
    let controller = server(domain, 0, account);
    let grant = planned(domain, &controller, unit, GrantForm::ContainerUsers).await;
    assert!(!may_send(&controller, user, &grant.sid).await);
    assert!(matches!(grant::establish(&controller, &grant.entry()).await, Ok(Established::Absent(_))));

    let written = grant::apply(&controller, &grant, &Always).await.unwrap();
    let GrantDone::Written { before: was, after, alone } = written else { panic!("{written:?}") };
    let Alone::Yes { before: first, after: second } = alone else { panic!("{alone}") };
    assert_eq!(second.version, first.version + 1, "one write raises the version by one");
    assert_eq!(grant::establish(&controller, &grant.entry()).await, Ok(Established::Present(after)));
    assert_eq!(grant::apply(&controller, &grant, &Always).await, Ok(GrantDone::AlreadyThere { now: after }));
    let ours = EntryBytes(grant.form.entry(&grant.sid).unwrap().to_bytes());
    let (own, others): (Vec<_>, Vec<_>) =
        entries(&controller, unit).await.into_iter().partition(|entry| *entry == ours);
    assert_eq!((own.len(), &others), (1, &grant.expected), "one entry, and every other one as it was");
    assert!(may_send(&controller, user, &grant.sid).await);

    let gone = grant::withdraw(&controller, &grant.entry(), &Always).await.unwrap();
    let GrantDone::Written { before, after: now, alone } = gone else { panic!("{gone:?}") };
    assert_eq!((before, now), (after, was), "what was there before is there again, to the byte");
    let Alone::Yes { after: third, .. } = alone else { panic!("{alone}") };
    assert_eq!((third.version, third.origin), (second.version + 1, second.origin));
    assert_eq!(entries(&controller, unit).await, grant.expected);
    assert_eq!(grant::withdraw(&controller, &grant.entry(), &Always).await, Ok(GrantDone::AlreadyThere { now: was }));
    assert!(!may_send(&controller, user, &grant.sid).await);
}

#[tokio::test]
async fn a_grant_is_written_once_reaches_the_users_below_and_is_taken_away_again() {
    let _still = PEOPLE_OF_A.write().await;
    let lab = lab();
    let domain = lab.domain("a").unwrap();
    let user = domain.users.iter().find(|user| user.is("blocked")).unwrap();
    there_and_back(domain, &domain.coordinator, &domain.blocked_units[0], user).await;
}

/// Between the grant and its undoing others have changed the list: theirs stays, in its order and bytes.
#[tokio::test]
async fn undoing_leaves_what_others_have_changed_meanwhile() {
    let lab = lab();
    let domain = lab.domain("b").unwrap();
    let controller = server(domain, 0, &domain.administrator);
    let place = unit(&lab, domain, "Changed meanwhile", None);
    let grant = planned(domain, &controller, &place, GrantForm::ContainerInetOrgPersons).await;
    grant::apply(&controller, &grant, &Always).await.unwrap();
    for entry in [format!("(D;;WP;;;{})", domain.store.sid), format!("(A;CI;RP;;;{})", domain.store.sid)] {
        lab.add_entry("b", &place, &entry).unwrap();
    }
    let ours = EntryBytes(grant.form.entry(&grant.sid).unwrap().to_bytes());
    let mut wanted = entries(&controller, &place).await;
    assert_eq!(wanted.len(), grant.expected.len() + 3);
    wanted.retain(|entry| *entry != ours);
    assert!(matches!(grant::withdraw(&controller, &grant.entry(), &Always).await, Ok(GrantDone::Written { .. })));
    assert_eq!(entries(&controller, &place).await, wanted);
    remove(&lab, domain, &place);
}

#[tokio::test]
async fn where_entries_have_changed_nothing_is_written() {
    let lab = lab();
    let domain = lab.domain("b").unwrap();
    let controller = server(domain, 0, &domain.coordinator);
    let mut grant = planned(domain, &controller, &domain.blocked_units[0], GrantForm::ContainerUsers).await;
    let Ok(Established::Absent(before)) = grant::establish(&controller, &grant.entry()).await else { panic!("there") };
    let gone = GrantForm::Object.entry(&domain.store.sid.parse().unwrap()).unwrap();
    grant.expected.push(EntryBytes(gone.to_bytes()));
    let error = grant::apply(&controller, &grant, &Always).await.unwrap_err();
    assert!(matches!(error, GrantError::Changed { .. }) && !error.may_have_written(), "{error}");
    let text = format!("have changed since it was planned: missing: {}; it will be planned again", gone.to_sddl());
    assert!(error.to_string().contains(&text), "{error}");
    assert_eq!(grant::establish(&controller, &grant.entry()).await, Ok(Established::Absent(before)));
}

/// Samba takes lists that no Windows server takes, so the limit is ours.
#[tokio::test]
async fn a_list_that_would_pass_64_kb_is_refused() {
    let lab = lab();
    let domain = lab.domain("b").unwrap();
    let controller = server(domain, 0, &domain.administrator);
    // Entries of 36 bytes each with this SID: 1818 of them, a full control and the header have 65492; ours has 56 more.
    let entry = |number: u32| format!("(A;;RP;;;S-1-5-21-1-2-3-{number})");
    let many: String = (0..1818).map(|number| entry(10_000 + number)).collect();
    let list = SecurityDescriptor::from_sddl(&format!("D:P(A;;GA;;;BA){many}"), None).unwrap();
    let place = unit(&lab, domain, "Full", Some(&list));
    let before = grant::shown(&controller, &Dn::from(place.as_str())).await.unwrap();
    let grant = planned(domain, &controller, &place, GrantForm::ContainerUsers).await;
    assert!(grant.expected.len() > 1800, "the server took it: {}", grant.expected.len());
    let error = grant::apply(&controller, &grant, &Always).await.unwrap_err();
    assert!(!error.may_have_written());
    assert!(
        error.to_string().contains("bytes, the limit is 65535; remove entries that are no longer needed first"),
        "{error}"
    );
    assert_eq!(grant::shown(&controller, &grant.place).await.unwrap(), before);
    remove(&lab, domain, &place);
}

#[tokio::test]
async fn a_list_in_disorder_is_refused() {
    let lab = lab();
    let domain = lab.domain("b").unwrap();
    let controller = server(domain, 0, &domain.administrator);
    let list = SecurityDescriptor::from_sddl("D:P(A;;GA;;;BA)(A;;RP;;;WD)(D;;WP;;;WD)", None).unwrap();
    let place = unit(&lab, domain, "Disorder", Some(&list));
    let grant = planned(domain, &controller, &place, GrantForm::ContainerUsers).await;
    let error = grant::apply(&controller, &grant, &Always).await.unwrap_err();
    assert!(error.to_string().contains("the entry is not added: the DACL is not in canonical order"), "{error}");
    assert_eq!(entries(&controller, &place).await, grant.expected, "and nobody has sorted it");
    remove(&lab, domain, &place);
}

#[tokio::test]
async fn who_may_not_write_is_told_so() {
    let lab = lab();
    let domain = lab.domain("b").unwrap();
    let reader = server(domain, 0, &domain.surveyor);
    let grant = planned(domain, &reader, &domain.dn, GrantForm::ContainerUsers).await;
    let error = grant::apply(&reader, &grant, &Always).await.unwrap_err();
    assert!(
        matches!(&error, GrantError::Directory { error: DirectoryError::InsufficientRights { .. }, .. }),
        "{error}"
    );
    assert!(error.to_string().contains(&format!("{} lacks the right", domain.surveyor.upn)), "{error}");
    let nowhere = PlannedGrant { place: Dn::from(format!("OU=Nowhere,{}", domain.dn)), ..grant };
    let error = grant::apply(&server(domain, 0, &domain.coordinator), &nowhere, &Always).await.unwrap_err();
    assert!(error.to_string().starts_with("the entry was not written: OU=Nowhere,"), "{error}");
}

/// What is advised is what would have been written, and `ldapmodify` takes it as it is printed.
#[tokio::test]
async fn advised_ldif_does_what_the_grant_would_have_done() {
    let lab = lab();
    let domain = lab.domain("b").unwrap();
    let controller = server(domain, 0, &domain.administrator);
    // A name that does not fit into a line of LDIF as it is.
    let place = unit(&lab, domain, "Mandant", None);
    let moved =
        format!("dn: {place}\nchangetype: modrdn\nnewrdn:: {}\ndeleteoldrdn: 1\n", base64("OU=Köln".as_bytes()));
    lab.ldapmodify("b", &moved).unwrap();
    let place = format!("OU=Köln,{}", domain.dn);
    let grant = planned(domain, &controller, &place, GrantForm::ContainerUsers).await;
    let shown = grant::shown(&controller, &grant.place).await.unwrap();
    let ldif = advice(&grant, Some(&shown)).ldif.unwrap();
    lab.ldapmodify("b", &ldif).unwrap();
    assert!(matches!(grant::establish(&controller, &grant.entry()).await, Ok(Established::Present(_))));
    let wanted = edit::add_grant(&shown, &grant.sid, grant.form).unwrap();
    assert_eq!(entries(&controller, &place).await, explicit(&wanted));
    // What a directory team has done is there already: nothing is written, and so nothing is ours to undo.
    assert!(matches!(grant::apply(&controller, &grant, &Always).await, Ok(GrantDone::AlreadyThere { .. })));
    let gone = format!("dn:: {}\nchangetype: delete\n", base64(place.as_bytes()));
    lab.ldapmodify("b", &gone).unwrap();
}
