//! Servers that cannot be asked: each says why, and a survey carries on without them.

use crate::support::{first, lab, server, survey};
use sendgate_coordinator::directory::trust::TrustedAuthorities;
use sendgate_coordinator::directory::{Bind, DirectoryError, Password, check};
use sendgate_core::coverage::reading::ServerFailure;
use sendgate_core::names::Dn;
use std::process::Command;
use std::time::Duration;

#[tokio::test]
async fn a_server_that_answers_says_who_it_is() {
    let lab = lab();
    let domain = lab.domain("a").unwrap();
    let checked = check(&server(domain, 1, &domain.coordinator)).await.unwrap();
    assert_eq!(checked.head, Dn::from(domain.dn.as_str()));
    assert_eq!(checked.host.as_deref(), Some(domain.servers[1].name.as_str()));
    assert!(checked.catalog_ready);
}

#[tokio::test]
async fn a_certificate_of_a_foreign_authority_is_refused() {
    let lab = lab();
    let domain = lab.domain("a").unwrap();
    let mut server = server(domain, 0, &domain.coordinator);
    let command = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout /dev/null -subj /CN=Other";
    let made = Command::new("openssl").args(command.split(' ')).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    server.authorities = TrustedAuthorities::from_pem("other-ca.pem", &made.stdout).unwrap();
    let error = check(&server).await.unwrap_err();
    assert!(matches!(error, DirectoryError::WrongAuthority { .. }), "{error}");
    assert!(error.to_string().contains("is not signed by an authority in other-ca.pem: put the CA"), "{error}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let lab = lab();
    let domain = lab.domain("a").unwrap();
    let mut server = server(domain, 0, &domain.coordinator);
    server.name = "a9.a.example.test".parse().unwrap();
    let error = check(&server).await.unwrap_err();
    assert!(matches!(error, DirectoryError::WrongName { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("does not carry the name a9.a.example.test") && text.contains(&domain.servers[0].name),
        "{text}"
    );
}

#[tokio::test]
async fn a_refused_bind_says_whose() {
    let lab = lab();
    let domain = lab.domain("a").unwrap();
    let mut server = server(domain, 0, &domain.coordinator);
    server.bind = Bind::simple(server.bind.name, Password::new("not the password".to_owned()).unwrap());
    let error = check(&server).await.unwrap_err();
    assert!(matches!(error, DirectoryError::BindRefused { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(&format!("refused the bind as {}", domain.coordinator.upn)), "{text}");
    assert!(text.contains("invalidCredentials") && !text.contains("not the password"), "{text}");
}

#[tokio::test]
async fn a_server_that_is_not_there_fails_alone() {
    let lab = lab();
    let domain = lab.domain("a").unwrap();
    let mut refusing = server(domain, 1, &domain.coordinator);
    refusing.address = format!("{}:1", domain.servers[1].address);
    let mut silent = server(domain, 1, &domain.coordinator);
    silent.name = "a9.a.example.test".parse().unwrap();
    silent.address = "10.77.0.99:636".to_owned();
    silent.timeouts.connect = Duration::from_millis(300);
    let (refused, missing) = (refusing.name.clone(), silent.name.clone());
    let mail = domain.users[0].mail.as_str();
    let servers = vec![server(domain, 0, &domain.surveyor), refusing, silent];
    let reading = survey(domain, servers, &[mail]).await;
    assert_eq!(first(&reading, domain).users.len(), 1);
    let Err(ServerFailure(text)) = &reading.servers[&refused] else { panic!("it answered") };
    assert!(text.contains("cannot be reached: Connection refused") && text.contains("check that it runs"), "{text}");
    let Err(ServerFailure(text)) = &reading.servers[&missing] else { panic!("it answered") };
    assert!(text.contains("a9.a.example.test (10.77.0.99:636) cannot be reached: no connection within 0.3s"), "{text}");
}

#[tokio::test]
async fn a_controller_of_another_domain_is_no_evidence() {
    let lab = lab();
    let (a, b) = (lab.domain("a").unwrap(), lab.domain("b").unwrap());
    let foreign = server(b, 0, &b.surveyor);
    let name = foreign.name.clone();
    let reading = survey(a, vec![foreign], &[]).await;
    let Err(ServerFailure(text)) = &reading.servers[&name] else { panic!("it answered") };
    assert!(text.contains(&format!("it is a domain controller of {}, not of {}", b.dn, a.dn)), "{text}");
}

#[tokio::test]
async fn the_port_without_tls_is_no_ldaps_port() {
    let lab = lab();
    let domain = lab.domain("a").unwrap();
    let mut server = server(domain, 0, &domain.coordinator);
    server.address = format!("{}:389", domain.servers[0].address);
    server.timeouts.connect = Duration::from_secs(2);
    let error = check(&server).await.unwrap_err();
    assert!(matches!(error, DirectoryError::Tls { .. }), "{error}");
    assert!(error.to_string().contains("check that the port is its LDAPS port"), "{error}");
}
