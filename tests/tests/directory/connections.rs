//! Every way to a directory server, against real ones: what each brings is compared with what LDAPS with a password
//! brings, entry by entry.

use crate::support::{PEOPLE_OF_A, first, found, lab, server, survey};
use sendgate_coordinator::directory::kerberos::{Kerberos, PROGRAM, Secret};
use sendgate_coordinator::directory::{
    Bind, DirectoryError, DirectoryServer, Password, Readers, Refusals, Role, Security, check,
};
use sendgate_core::coverage::reading::{DescriptorReading, ServerReading};
use sendgate_tests::lab::{Account, Domain, Lab};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A folder of the test's own, with keytabs and the laboratory's krb5.conf; removed at the end.
struct Keys {
    folder: PathBuf,
}

impl Keys {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("sendgate-keys-{:016x}", rand::random::<u64>()));
        std::fs::create_dir(&folder).unwrap();
        Self { folder }
    }

    /// A keytab with the account's present keys.
    fn of(&self, lab: &Lab, domain: &Domain, account: &Account) -> PathBuf {
        let file = self.folder.join(format!("{}-{}.keytab", account.name, domain.letter));
        let program = Lab::programs().join("keytab");
        let mut command = Command::new(program);
        command.arg(&lab.description.dir).arg(&domain.servers[0].node).arg(principal(domain, account)).arg(&file);
        let made = command.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        file
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join("krb5.conf")
    }

    /// Another krb5.conf: the laboratory's, changed.
    fn changed(&self, name: &str, old: &str, new: &str) -> PathBuf {
        let text = std::fs::read_to_string(self.configuration()).unwrap();
        assert!(text.contains(old), "{text}");
        let file = self.folder.join(name);
        std::fs::write(&file, text.replace(old, new)).unwrap();
        file
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn principal(domain: &Domain, account: &Account) -> String {
    format!("{}@{}", account.name, domain.name.to_uppercase())
}

fn kerberos(keys: &Keys, secret: Secret) -> Kerberos {
    // Beside the programs, of which this test is one in the directory `deps`.
    let this = std::env::current_exe().unwrap();
    let program = this.ancestors().nth(2).unwrap().join(PROGRAM);
    assert!(program.is_file(), "{} is missing: build it with --features kerberos", program.display());
    Kerberos { secret, configuration: Some(keys.configuration()), program }
}

/// One of a domain's servers on the port without TLS of its own, as `account` speaks to it with a keytab.
fn sealed(lab: &Lab, keys: &Keys, domain: &Domain, position: usize, account: &Account) -> DirectoryServer {
    let keytab = keys.of(lab, domain, account);
    let mut server = server(domain, position, account);
    server.address = format!("{}:389", domain.servers[position].address);
    server.security = Security::Kerberos;
    server.bind = Bind::kerberos(principal(domain, account), kerberos(keys, Secret::Keytab(keytab)));
    server
}

async fn whole(domain: &Domain, server: DirectoryServer) -> ServerReading {
    let asked: Vec<&str> = domain.users.iter().map(|user| user.mail.as_str()).collect();
    let reading = survey(domain, vec![server], &asked).await;
    first(&reading, domain).clone()
}

/// The error that a server's settings end in.
async fn refused(server: &DirectoryServer) -> DirectoryError {
    match check(server).await {
        Ok(checked) => panic!("it worked: {checked:?}"),
        Err(error) => error,
    }
}

fn changed(mut server: DirectoryServer, change: impl FnOnce(&mut Kerberos)) -> DirectoryServer {
    let sendgate_coordinator::directory::Method::Kerberos(kerberos) = &mut server.bind.method else {
        panic!("not Kerberos")
    };
    change(kerberos);
    // It is not to be left alone for what another one was refused for.
    server.refusals = Refusals::default();
    server
}

/// Reads the whole domain in each way, and compares what comes with what LDAPS with a password brings.
async fn each_reads_the_same(domain: &Domain, ways: Vec<(&str, DirectoryServer)>) {
    let expected = whole(domain, server(domain, 0, &domain.surveyor)).await;
    assert_eq!(expected.users.len(), domain.users.len());
    for (way, server) in ways {
        let begin = Instant::now();
        let reading = whole(domain, server).await;
        println!("{way}: {} users in {:?}", reading.users.len(), begin.elapsed());
        for (name, user) in &expected.users {
            assert_eq!(format!("{:?}", reading.users[name]), format!("{user:?}"), "{way}: {name}");
        }
        assert_eq!(reading.users.len(), expected.users.len(), "{way}");
        assert_eq!(format!("{:?}", reading.containers), format!("{:?}", expected.containers), "{way}");
    }
}

#[tokio::test]
async fn without_ldaps_the_same_is_read() {
    let _still = PEOPLE_OF_A.read().await;
    let (lab, keys) = (lab(), Keys::new());
    let domain = lab.domain("a").unwrap();
    let mut start_tls = server(domain, 0, &domain.surveyor);
    start_tls.security = Security::StartTls;
    start_tls.address = format!("{}:389", domain.servers[0].address);
    let sealed = sealed(&lab, &keys, domain, 0, &domain.surveyor);
    let password = Secret::Password(Password::new(domain.surveyor.password.clone()).unwrap());
    let with_password = changed(sealed.clone(), |kerberos| kerberos.secret = password);
    let ways = vec![("StartTLS", start_tls), ("sealed", sealed), ("sealed, with a password", with_password)];
    each_reads_the_same(domain, ways).await;
}

/// Each connection has a program and a relay of its own.
#[tokio::test]
async fn two_sealed_connections_bring_what_one_brings() {
    let _still = PEOPLE_OF_A.read().await;
    let (lab, keys) = (lab(), Keys::new());
    let domain = lab.domain("a").unwrap();
    // So many names that everybody is read at once.
    let strangers: Vec<String> = (0..1500).map(|number| format!("stranger{number}@{}", domain.name)).collect();
    let asked: Vec<&str> = domain.users.iter().map(|user| &user.mail).chain(&strangers).map(String::as_str).collect();
    let mut read = Vec::new();
    for readers in [1, 2] {
        let mut server = sealed(&lab, &keys, domain, 0, &domain.surveyor);
        server.readers = Readers::new(readers).unwrap();
        let reading = survey(domain, vec![server], &asked).await;
        read.push(format!("{:?}", first(&reading, domain).users));
    }
    assert_eq!(read[0], read[1]);
    assert_eq!(read[0].matches("Found(").count(), domain.users.len());
}

/// Servers differ: those of domain a take no Kerberos bind inside TLS (`ldap server require strong auth = yes`), that
/// of domain b does, as Windows does.
#[tokio::test]
async fn inside_tls_kerberos_is_bound_to_it() {
    let (lab, keys) = (lab(), Keys::new());
    let domain = lab.domain("b").unwrap();
    let mut start_tls = sealed(&lab, &keys, domain, 0, &domain.surveyor);
    start_tls.security = Security::StartTls;
    let mut ldaps = start_tls.clone();
    ldaps.security = Security::Ldaps;
    ldaps.address = format!("{}:{}", domain.servers[0].address, domain.servers[0].ldaps_port);
    let ways = vec![("Kerberos inside LDAPS", ldaps), ("Kerberos inside StartTLS", start_tls)];
    each_reads_the_same(domain, ways).await;

    let domain = lab.domain("a").unwrap();
    let mut strict = sealed(&lab, &keys, domain, 0, &domain.surveyor);
    strict.security = Security::StartTls;
    let text = refused(&strict).await.to_string();
    assert!(text.contains("the server takes no Kerberos bind inside TLS (rc=8 (strongerAuthRequired)"), "{text}");
    assert!(text.ends_with("on Samba, set `ldap server require strong auth = allow_sasl_over_tls`"), "{text}");
}

/// Accounts with large descriptors, removed at the end.
struct Bulk<'l> {
    lab: &'l Lab,
    names: Vec<String>,
}

/// Accounts, and entries of each one's descriptor: 36 bytes each, together some 58 KB of the 64 that are possible.
const BULK: [&str; 2] = ["120", "1600"];
/// What the descriptors of all of them amount to, in bytes.
const BULK_BYTES: usize = 120 * 1600 * 36;

impl<'l> Bulk<'l> {
    fn make(lab: &'l Lab, domain: &Domain) -> Self {
        let mut bulk = Self { lab, names: Vec::new() };
        bulk.run(&["remove"]);
        let text = bulk.run(&["make", BULK[0], BULK[1]]);
        bulk.names = text.lines().map(|name| format!("{name}@{}", domain.name)).collect();
        bulk
    }

    fn run(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(Lab::programs().join("bulk"));
        let done = command.arg(self.lab.description.dir.join("lab.json")).arg("a").args(arguments).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }
}

impl Drop for Bulk<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.run(&["remove"]);
        }
    }
}

/// So many names are asked for that everybody is read, in pages of 500: one answer holds all descriptors.
#[tokio::test]
async fn many_megabytes_come_whole_through_a_sealed_connection() {
    let (lab, keys) = (lab(), Keys::new());
    let domain = lab.domain("a").unwrap();
    let bulk = Bulk::make(&lab, domain);
    let mut asked = bulk.names.clone();
    asked.extend((asked.len()..1_000).map(|number| format!("nobody{number}@{}", domain.name)));
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    let read = async |server: DirectoryServer| {
        let begin = Instant::now();
        let reading = survey(domain, vec![server], &asked).await;
        (first(&reading, domain).clone(), begin.elapsed())
    };
    let (expected, took) = read(server(domain, 0, &domain.surveyor)).await;
    let size: usize = bulk.names.iter().map(|name| descriptor_size(&expected, name)).sum();
    assert!(size >= BULK_BYTES, "{size}");
    println!("LDAPS: {size} bytes of descriptors in {took:?}");
    let shown = |reading: &ServerReading| -> Vec<String> {
        reading.users.iter().map(|(name, user)| format!("{name}: {user:?}")).collect()
    };
    let expected = shown(&expected);
    for _ in 0..3 {
        let (reading, took) = read(sealed(&lab, &keys, domain, 0, &domain.surveyor)).await;
        println!("sealed: {} users in {took:?}", reading.users.len());
        assert_eq!(reading.users.len(), 1_000);
        // Not compared by an assertion that would show both.
        assert!(shown(&reading) == expected, "not the same users with the same descriptors");
    }
}

fn descriptor_size(server: &ServerReading, name: &str) -> usize {
    match &found(server, name).descriptor {
        DescriptorReading::Shown(descriptor) => descriptor.to_bytes().len(),
        other => panic!("{name}: {other:?}"),
    }
}

#[tokio::test]
async fn a_global_catalog_is_read_on_its_own_ports() {
    let _still = PEOPLE_OF_A.read().await;
    let (lab, keys) = (lab(), Keys::new());
    let domain = lab.domain("a").unwrap();
    let mut tls = server(domain, 0, &domain.surveyor);
    tls.role = Role::GlobalCatalog;
    tls.address = format!("{}:3269", domain.servers[0].address);
    let expected = whole(domain, tls.clone()).await;
    let mut start_tls = tls.clone();
    start_tls.security = Security::StartTls;
    start_tls.address = format!("{}:3268", domain.servers[0].address);
    let mut sealed = sealed(&lab, &keys, domain, 0, &domain.surveyor);
    sealed.role = Role::GlobalCatalog;
    sealed.address.clone_from(&start_tls.address);
    for server in [start_tls, sealed] {
        let shown = format!("{:?}", server.security);
        assert_eq!(format!("{:?}", whole(domain, server).await.users), format!("{:?}", expected.users), "{shown}");
    }
}

#[tokio::test]
async fn a_password_is_never_sent_in_the_clear() {
    let lab = lab();
    let domain = lab.domain("a").unwrap();
    let mut server = server(domain, 0, &domain.surveyor);
    server.security = Security::Kerberos;
    // Nobody listens there: it is refused before anything is sent.
    server.address = format!("{}:1", domain.servers[0].address);
    let error = refused(&server).await;
    assert_eq!(
        error.to_string(),
        format!(
            "no simple bind as {} to directory server {} ({}): without TLS the password would be read on the way; use \
             security = \"ldaps\" or \"starttls\", or auth = \"kerberos\"",
            domain.surveyor.upn, server.name, server.address
        )
    );
}

#[tokio::test]
async fn start_tls_verifies_the_name() {
    let lab = lab();
    let domain = lab.domain("a").unwrap();
    let mut server = server(domain, 0, &domain.surveyor);
    server.security = Security::StartTls;
    server.address = format!("{}:389", domain.servers[0].address);
    server.name = "a9.a.example.test".parse().unwrap();
    let error = refused(&server).await;
    assert!(matches!(error, DirectoryError::WrongName { .. }), "{error}");
    // On the port of TLS from the first byte there is no LDAP to ask.
    server.address = format!("{}:636", domain.servers[0].address);
    server.timeouts.connect = Duration::from_secs(2);
    let error = refused(&server).await;
    assert!(matches!(error, DirectoryError::Tls { .. }), "{error}");
    assert!(error.to_string().contains("check that the port is its LDAP port"), "{error}");
}

#[tokio::test]
async fn each_mistake_with_kerberos_says_what_to_do() {
    let (lab, keys) = (lab(), Keys::new());
    let domain = lab.domain("a").unwrap();
    let good = sealed(&lab, &keys, domain, 0, &domain.surveyor);
    let other = keys.of(&lab, domain, &domain.coordinator);
    let start =
        format!("Kerberos as {} with directory server {} failed: ", principal(domain, &domain.surveyor), good.shown());
    let case = async |server: DirectoryServer, part: &str, remedy: &str| {
        let text = refused(&server).await.to_string();
        println!("{text}");
        assert!(text.starts_with(&start), "{text}");
        assert!(text.contains(part) && text.contains(remedy), "{text}\nlacks {part:?} or {remedy:?}");
    };
    let keytab = |file: PathBuf| move |kerberos: &mut Kerberos| kerberos.secret = Secret::Keytab(file);
    let (no_key, klist) = ("Can't find client principal", "holds a key of exactly this principal; `klist -ket FILE`");
    case(changed(good.clone(), keytab(other)), no_key, klist).await;
    case(changed(good.clone(), keytab(keys.folder.join("none"))), no_key, klist).await;
    let wrong = Secret::Password(Password::new("not the password".to_owned()).unwrap());
    case(
        changed(good.clone(), |kerberos| kerberos.secret = wrong),
        "Preauthentication failed",
        "its password was changed",
    )
    .await;
    let down = keys.changed("down.conf", ".a.example.test\n", ".a.example.test:1\n");
    case(
        changed(good.clone(), |kerberos| kerberos.configuration = Some(down)),
        "Cannot contact any KDC for realm 'A.EXAMPLE.TEST'",
        "answers on port 88",
    )
    .await;
    let unknown = keys.changed("unknown.conf", "  A.EXAMPLE.TEST = {", "  C.EXAMPLE.TEST = {");
    case(
        changed(good.clone(), |kerberos| kerberos.configuration = Some(unknown)),
        "Cannot find KDC for realm",
        "under [realms]",
    )
    .await;
    let missing = keys.folder.join("missing");
    case(
        changed(good.clone(), |kerberos| kerberos.program = missing),
        "could not be started: No such file",
        "install sendgate-kerberos beside the coordinator",
    )
    .await;
    // A clock of the program's own that is an hour off, where the library is told not to make up for it.
    let stern = keys.changed("stern.conf", "[libdefaults]\n", "[libdefaults]\n  kdc_timesync = 0\n");
    let late = late(&keys.folder, &good);
    let skewed = changed(good.clone(), |kerberos| {
        kerberos.configuration = Some(stern);
        kerberos.program = late;
    });
    case(skewed, "Clock skew too great", "Kerberos allows five minutes").await;

    let mut misnamed = good.clone();
    misnamed.name = "a9.a.example.test".parse().unwrap();
    let text = refused(&misnamed).await.to_string();
    assert!(text.contains("Server not found in Kerberos database"), "{text}");
    assert!(text.contains("write the server's own full DNS name"), "{text}");
    let mut nobody = good.clone();
    nobody.bind.name = "nobody@A.EXAMPLE.TEST".to_owned();
    let password = Secret::Password(Password::new("any".to_owned()).unwrap());
    let text = refused(&changed(nobody, |kerberos| kerberos.secret = password)).await.to_string();
    assert!(text.contains("not found in Kerberos database"), "{text}");
    assert!(text.contains("the account of this principal does not exist"), "{text}");
    // The good one is good.
    check(&good).await.unwrap();
}

/// The program under a clock that is an hour late.
fn late(folder: &Path, server: &DirectoryServer) -> PathBuf {
    let sendgate_coordinator::directory::Method::Kerberos(kerberos) = &server.bind.method else {
        panic!("not Kerberos")
    };
    let file = folder.join("late");
    let text = format!("#!/bin/sh\nexec /usr/bin/faketime -f -1h {}\n", kerberos.program.display());
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o700)).unwrap();
    file
}
