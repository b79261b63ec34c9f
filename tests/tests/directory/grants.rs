//! One entry onto a descriptor, and away again.

use crate::support::{first, found, lab, server, survey};
use sendgate_coordinator::directory::DirectoryError;
use sendgate_coordinator::directory::grant::{self, Established, GrantDone, GrantError};
use sendgate_core::coverage::placement::{EntryBytes, PlannedGrant};
use sendgate_core::coverage::reading::{DescriptorReading, ServerReading};
use sendgate_core::guid::Guid;
use sendgate_core::names::Dn;
use sendgate_core::secdesc::access::{self, Outcome, Token};
use sendgate_core::secdesc::edit::{self, GrantForm};
use sendgate_tests::lab::Domain;

/// A grant to GoodAdmin on `place`, planned from what a survey read.
fn planned(domain: &Domain, server: &ServerReading, place: &str, form: GrantForm) -> PlannedGrant {
    let place = Dn::from(place);
    PlannedGrant {
        domain: domain.name.parse().unwrap(),
        account: format!("{}@{}", domain.goodadmin.name, domain.name).parse().unwrap(),
        sid: domain.goodadmin.sid.parse().unwrap(),
        form,
        expected: explicit(server, &place).into_iter().map(EntryBytes).collect(),
        place,
    }
}

fn explicit(server: &ServerReading, place: &Dn) -> Vec<Vec<u8>> {
    match &server.containers[place] {
        DescriptorReading::Shown(descriptor) => edit::explicit_entries(descriptor),
        other => panic!("{place}: {other:?}"),
    }
}

#[tokio::test]
async fn a_grant_is_written_once_reaches_the_users_below_and_is_taken_away_again() {
    let lab = lab();
    let domain = lab.domain("a").unwrap();
    let controller = server(domain, 0, &domain.coordinator);
    let user = domain.users.iter().find(|user| user.is("blocked")).unwrap();
    let read = async || survey(domain, vec![server(domain, 0, &domain.surveyor)], &[&user.mail]).await;
    let before = read().await;
    let grant = planned(domain, first(&before, domain), &domain.blocked_units[0], GrantForm::ContainerUsers);
    assert!(matches!(grant::establish(&controller, &grant).await, Ok(Established::Absent(_))));

    let written = grant::apply(&controller, &grant).await.unwrap();
    let GrantDone::Written { before: was, after } = written else { panic!("{written:?}") };
    assert_eq!(grant::establish(&controller, &grant).await, Ok(Established::Present(after)));
    assert_eq!(grant::apply(&controller, &grant).await, Ok(GrantDone::AlreadyThere { now: after }));
    let during = read().await;
    let entries = explicit(first(&during, domain), &grant.place);
    let ours = grant.form.entry(&grant.sid).unwrap().raw().to_vec();
    assert_eq!(entries.iter().filter(|entry| **entry == ours).count(), 1);
    let others: Vec<_> = entries.into_iter().filter(|entry| *entry != ours).map(EntryBytes).collect();
    assert_eq!(others, grant.expected);
    let covered = found(first(&during, domain), &user.mail);
    let DescriptorReading::Shown(descriptor) = &covered.descriptor else { panic!("not shown") };
    let token = Token { certain: [grant.sid.clone()].into(), ..Token::default() };
    assert_eq!(access::decide(descriptor, &token, &Guid::SEND_AS, &covered.sid).outcome, Outcome::Granted);

    let withdrawn = grant::withdraw(&controller, &grant).await.unwrap();
    assert_eq!(withdrawn, GrantDone::Written { before: after, after: was });
    assert_eq!(explicit(first(&read().await, domain), &grant.place), explicit(first(&before, domain), &grant.place));
    assert_eq!(grant::withdraw(&controller, &grant).await, Ok(GrantDone::AlreadyThere { now: was }));
}

#[tokio::test]
async fn where_entries_have_changed_nothing_is_written() {
    let lab = lab();
    let domain = lab.domain("b").unwrap();
    let controller = server(domain, 0, &domain.coordinator);
    let user = domain.users.iter().find(|user| user.is("blocked")).unwrap();
    let reading = survey(domain, vec![server(domain, 0, &domain.surveyor)], &[&user.mail]).await;
    let mut grant = planned(domain, first(&reading, domain), &domain.blocked_units[0], GrantForm::ContainerUsers);
    let Ok(Established::Absent(before)) = grant::establish(&controller, &grant).await else { panic!("there") };
    let gone = GrantForm::Object.entry(&domain.store.sid.parse().unwrap()).unwrap();
    grant.expected.push(EntryBytes(gone.raw().to_vec()));
    let error = grant::apply(&controller, &grant).await.unwrap_err();
    assert!(matches!(error, GrantError::Changed { .. }) && !error.may_have_written(), "{error}");
    let text = format!("have changed since it was planned: missing: {}; it will be planned again", gone.to_sddl());
    assert!(error.to_string().contains(&text), "{error}");
    assert_eq!(grant::establish(&controller, &grant).await, Ok(Established::Absent(before)));
}

#[tokio::test]
async fn who_may_not_write_is_told_so() {
    let lab = lab();
    let domain = lab.domain("b").unwrap();
    let reading = survey(domain, vec![server(domain, 0, &domain.surveyor)], &[]).await;
    let grant = planned(domain, first(&reading, domain), &domain.dn, GrantForm::ContainerUsers);
    let error = grant::apply(&server(domain, 0, &domain.surveyor), &grant).await.unwrap_err();
    assert!(
        matches!(&error, GrantError::Directory { error: DirectoryError::InsufficientRights { .. }, .. }),
        "{error}"
    );
    assert!(error.to_string().contains(&format!("{} lacks the right", domain.surveyor.upn)), "{error}");
    let nowhere = PlannedGrant { place: Dn::from(format!("OU=Nowhere,{}", domain.dn)), ..grant };
    let error = grant::apply(&server(domain, 0, &domain.coordinator), &nowhere).await.unwrap_err();
    assert!(error.to_string().starts_with("the entry was not written: OU=Nowhere,"), "{error}");
}
