//! Programs that are not the one that was meant, or never answer.

use super::*;
use crate::directory::Password;
use crate::directory::kerberos::protocol::Begin;
use crate::scratch::Scratch;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

fn kerberos(program: PathBuf) -> Kerberos {
    Kerberos { secret: Secret::Password(Password::new("s3cret".to_owned()).unwrap()), configuration: None, program }
}

fn begin() -> Order {
    let (principal, service) = ("sendgate@EXAMPLE.TEST".to_owned(), "ldap/dc.example.test".to_owned());
    Order::Begin(Begin { principal, service, password: None, seal: true, channel_binding: None })
}

async fn asked(program: PathBuf, limit: Duration) -> Result<Reply, Failure> {
    Program::start(&kerberos(program), limit)?.ask(begin()).await
}

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn what_is_not_the_program_is_told() {
    let missing = asked("/nonexistent/sendgate-kerberos".into(), LONG).await.unwrap_err();
    assert_eq!(
        missing.to_string(),
        "/nonexistent/sendgate-kerberos could not be started: No such file or directory (os error 2)"
    );
    let ends = asked("/bin/true".into(), LONG).await.unwrap_err();
    assert_eq!(ends.to_string(), "the program sendgate-kerberos ended or was not understood");
    // It gives back the order, which is no reply.
    assert_eq!(asked("/bin/cat".into(), LONG).await, Err(Failure::Ended));
}

#[tokio::test]
async fn a_program_that_does_not_answer_is_ended() {
    let folder = Scratch::new();
    let (script, pid) = (folder.path().join("silent"), folder.path().join("pid"));
    std::fs::write(&script, format!("#!/bin/sh\necho $$ > {}\nexec /bin/sleep 600\n", pid.display())).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let program = Program::start(&kerberos(script), Duration::from_millis(500)).unwrap();
    let begun = async {
        while !std::fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n')) {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, begun).await.expect("it does not begin");
    let late = program.ask(begin()).await.unwrap_err();
    assert_eq!(late.to_string(), "no answer within 0.5s");
    assert_eq!(program.ask(begin()).await, Err(Failure::Ended));
    let pid = std::fs::read_to_string(&pid).unwrap();
    let process = PathBuf::from(format!("/proc/{}", pid.trim()));
    let gone = async {
        // A dead process stays until its end has been asked for.
        while std::fs::read_to_string(process.join("stat")).is_ok_and(|stat| !stat.contains(") Z")) {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, gone).await.expect("it still runs");
}

#[test]
fn the_environment_holds_what_kerberos_needs_and_no_password() {
    let mut kerberos = kerberos("/usr/bin/sendgate-kerberos".into());
    kerberos.secret = Secret::Keytab("/etc/sendgate/a.keytab".into());
    kerberos.configuration = Some("/etc/sendgate/krb5.conf".into());
    let variables = environment(&kerberos);
    for expected in [
        ("KRB5CCNAME", "MEMORY:sendgate"),
        ("KRB5_CLIENT_KTNAME", "FILE:/etc/sendgate/a.keytab"),
        ("KRB5_CONFIG", "/etc/sendgate/krb5.conf"),
    ] {
        assert!(variables.iter().any(|(name, value)| (*name, value.as_os_str()) == (expected.0, expected.1.as_ref())));
    }
    kerberos.secret = Secret::Password(Password::new("s3cret".to_owned()).unwrap());
    assert!(!format!("{kerberos:?} {:?}", environment(&kerberos)).contains("s3cret"));
}
