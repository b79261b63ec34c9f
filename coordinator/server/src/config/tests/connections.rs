//! How a domain's servers are spoken to: security, bind, secrets, deadlines; and the text of every mistake.

use super::super::keytab::tests::of as keytab_of;
use super::*;
use crate::directory::kerberos::{PROGRAM, Secret};
use crate::directory::{Method, Readers, Role, Security, Timeouts};

const A_BIND: &str = "name = \"sendgate@a.example.test\"\n";
const A_SECRET: &str = "password_file = \"a.password\"\n";
const A1: &str = "name = \"a1.a.example.test\"\n";
const PRINCIPAL: &str = "sendgate@A.EXAMPLE.TEST";

impl Bench {
    /// A file beside the configuration, with mode 0600.
    fn holding(self, name: &str, bytes: &[u8]) -> Self {
        let file = self.directory.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, bytes).unwrap();
        chmod(&file, 0o600);
        self
    }

    /// Domain a binds with Kerberos and the keytab `a.keytab`, and the program is there.
    fn kerberos() -> Self {
        let mut bench = Self::new()
            .holding("a.keytab", &keytab_of(&[PRINCIPAL]))
            .with(A_BIND, "auth = \"kerberos\"\nprincipal = \"sendgate@A.EXAMPLE.TEST\"\n")
            .with(A_SECRET, "keytab = \"a.keytab\"\n");
        bench.surroundings.kerberos = Some(PathBuf::from("/usr/bin").join(PROGRAM));
        bench
    }

    /// systemd's credentials are in the folder `credentials`.
    fn with_credentials(mut self) -> Self {
        self.surroundings.credentials = Some(self.directory.path().join("credentials"));
        self
    }
}

/// The bind section's own comments stand between its keys.
fn bare(mut bench: Bench) -> Bench {
    let lines: Vec<&str> = bench.text.lines().filter(|line| !line.starts_with('#')).collect();
    bench.text = lines.join("\n");
    bench
}

#[test]
fn each_security_has_its_ports() {
    let servers = |security: &str| {
        let bench = bare(Bench::kerberos());
        let line = format!("security = \"{security}\"\n");
        let bench = bench
            .with("name = \"a1.a.example.test\"\n", &format!("name = \"a1.a.example.test\"\n{line}"))
            .with("kind = \"global-catalog\"\n", &format!("kind = \"global-catalog\"\n{line}"));
        let configuration = bench.parse(false).unwrap_or_else(|error| panic!("{error}"));
        let servers = configuration.directory[&"a.example.test".parse().unwrap()].clone();
        let [controller, _, catalog] = servers.try_into().unwrap();
        assert_eq!((controller.role, catalog.role), (Role::DomainController, Role::GlobalCatalog));
        assert_eq!(controller.security, catalog.security);
        (controller.security, controller.address, catalog.address)
    };
    let at = |security, controller: &str, catalog: &str| {
        (security, format!("a1.a.example.test:{controller}"), format!("gc.example.test:{catalog}"))
    };
    assert_eq!(servers("ldaps"), at(Security::Ldaps, "636", "3269"));
    assert_eq!(servers("starttls"), at(Security::StartTls, "389", "3268"));
    assert_eq!(servers("kerberos"), at(Security::Kerberos, "389", "3268"));
}

#[test]
fn a_port_must_fit_its_security() {
    change(
        A1,
        &format!("{A1}address = \"192.0.2.12:389\"\n"),
        "domains[0].servers[0].address: \"192.0.2.12:389\" names a port without TLS; name the port with TLS: 636, or \
         3269 on a global catalog; or write security = \"starttls\" or \"kerberos\"",
    );
    change(
        A1,
        &format!("{A1}security = \"starttls\"\naddress = \"192.0.2.12:636\"\n"),
        "domains[0].servers[0].address: \"192.0.2.12:636\" names a port where TLS begins at once; name 389, or 3268 on \
         a global catalog; or write security = \"ldaps\"",
    );
    change(
        A1,
        &format!("{A1}security = \"starttls\"\naddress = \"192.0.2.12\"\n"),
        "domains[0].servers[0].address: \"192.0.2.12\" is not host:port; write it as \"dc1.a.example.test:389\" or \
         \"192.0.2.11:389\"",
    );
    change(
        A1,
        &format!("{A1}security = \"none\"\n"),
        "domains[0].servers[0].security: \"none\" is not known here; write \"ldaps\" or \"starttls\" or \"kerberos\"",
    );
    change(
        "kind = \"global-catalog\"",
        "kind = \"ldap\"",
        "domains[0].servers[2].kind: \"ldap\" is not known here; write \"domain-controller\" or \"global-catalog\"",
    );
}

#[test]
fn a_password_is_not_bound_with_where_only_kerberos_seals() {
    change(
        A1,
        &format!("{A1}security = \"kerberos\"\n"),
        "domains[0].servers[0].security: Kerberos seals for whoever binds with Kerberos, and this domain's bind is a \
         simple one; write auth = \"kerberos\" in [domains.bind], or use \"ldaps\" or \"starttls\" here",
    );
}

#[test]
fn each_server_has_its_number_of_readers() {
    let bench = Bench::new().with(A1, &format!("{A1}readers = 4\n"));
    let servers = bench.parse(false).unwrap().directory[&"a.example.test".parse().unwrap()].clone();
    let default = Readers::new(2).unwrap();
    assert_eq!((servers[0].readers, servers[1].readers), (Readers::new(4).unwrap(), default));
    for number in ["0", "5", "-1", "4294967298"] {
        change(
            A1,
            &format!("{A1}readers = {number}\n"),
            &format!(
                "domains[0].servers[0].readers: one directory server is read over 1 to 4 connections, not over {number}; \
                 write a number from 1 to 4, or leave it out"
            ),
        );
    }
}

#[test]
fn each_server_has_its_deadlines() {
    let bench = Bench::new()
        .with(A1, &format!("{A1}connect_timeout = \"2s\"\noperation_timeout = \"90s\"\nsurvey_timeout = \"20m\"\n"));
    let servers = bench.parse(false).unwrap().directory[&"a.example.test".parse().unwrap()].clone();
    let seconds = Duration::from_secs;
    let expected = Timeouts { connect: seconds(2), operation: seconds(90), survey: seconds(1200) };
    assert_eq!((servers[0].timeouts, servers[1].timeouts), (expected, Timeouts::default()));
    change(
        A1,
        &format!("{A1}connect_timeout = \"2\"\n"),
        "domains[0].servers[0].connect_timeout: \"2\" is not a duration above zero; write it with units, such as \
         \"65m\", \"1h30m\" or \"90s\"",
    );
    change(
        A1,
        &format!("{A1}survey_timeout = \"30s\"\n"),
        "domains[0].servers[0].survey_timeout: 30.0s for a whole survey is shorter than operation_timeout with 1m 0s for a \
         part of it; make it longer, or shorten operation_timeout",
    );
}

#[test]
fn a_keytab_binds_with_kerberos() {
    let bench = bare(Bench::kerberos())
        .holding("krb5.conf", b"")
        .with("keytab = \"a.keytab\"\n", "keytab = \"a.keytab\"\nkrb5_conf = \"krb5.conf\"\n");
    let configuration = bench.parse(false).unwrap_or_else(|error| panic!("{error}"));
    let server = &configuration.directory[&"a.example.test".parse().unwrap()][0];
    assert_eq!(server.bind.name, PRINCIPAL);
    let Method::Kerberos(kerberos) = &server.bind.method else { panic!("{:?}", server.bind) };
    let Secret::Keytab(file) = &kerberos.secret else { panic!("{kerberos:?}") };
    assert_eq!(*file, bench.directory.path().join("a.keytab"));
    assert_eq!(kerberos.configuration, Some(bench.directory.path().join("krb5.conf")));
    assert_eq!(kerberos.program, Path::new("/usr/bin/sendgate-kerberos"));
}

#[test]
fn a_domain_where_kerberos_seals_needs_no_authority() {
    let without = |security: &str| {
        let ca = "ca = [\"directory-ca.pem\"]\n";
        let mut bench = bare(Bench::kerberos()).with(ca, "").with("security = \"ldaps\"\n", "");
        for server in ["a1.a.example.test", "a2.a.example.test", "gc.example.test"] {
            let name = format!("[[domains.servers]]\nname = \"{server}\"\n");
            bench = bench.with(&name, &format!("{name}security = \"{security}\"\n"));
        }
        bench.with("address = \"192.0.2.12:636\"", "")
    };
    without("kerberos").parse(false).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        without("starttls").only(),
        "domains[0].ca: no certificate authority is named; name the PEM file of the one that signed the servers' \
         certificates"
    );
}

#[test]
fn a_build_without_kerberos_says_so() {
    let mut bench = Bench::kerberos();
    bench.surroundings.kerberos = None;
    assert_eq!(
        bench.only(),
        "domains[0].bind.auth: the program sendgate-kerberos, which binds with Kerberos, is not beside the \
         coordinator; install it there; it is built with `cargo build -p sendgate-coordinator --features kerberos` and \
         needs MIT Kerberos; or write auth = \"simple\" and use LDAPS or StartTLS"
    );
}

#[test]
fn a_principal_has_its_realm_in_capitals() {
    let with = |principal: &str| Bench::kerberos().with("principal = \"sendgate@A.EXAMPLE.TEST\"\n", principal).only();
    let key = "domains[0].bind.principal";
    assert_eq!(
        with("principal = \"sendgate@a.example.test\"\n"),
        format!(
            "{key}: the realm of \"sendgate@a.example.test\" is not in capitals, as those of Active Directory are; \
             write \"sendgate@A.EXAMPLE.TEST\""
        )
    );
    assert_eq!(
        with("principal = \"sendgate\"\n"),
        format!("{key}: \"sendgate\" is not a principal with its realm; write it as \"sendgate@A.EXAMPLE.TEST\"")
    );
    assert_eq!(
        with(""),
        format!(
            "{key}: Kerberos needs a principal; write the reading account as name@REALM, the realm being the domain's \
             DNS name in capitals"
        )
    );
}

#[test]
fn a_keytab_must_be_private_and_hold_the_principals_key() {
    let bench = Bench::kerberos();
    let file = bench.directory.path().join("a.keytab");
    chmod(&file, 0o640);
    assert_eq!(
        bench.only(),
        "domains[0].bind.keytab: the keytab DIR/a.keytab has mode 0640, so that others than its owner may read it; \
         `chmod 600 DIR/a.keytab`"
    );
    std::fs::remove_file(&file).unwrap();
    assert_eq!(
        bench.only(),
        "domains[0].bind.keytab: the keytab DIR/a.keytab cannot be read: No such file or directory (os error 2); put \
         it there, owned by the coordinator's user, and `chmod 600 DIR/a.keytab`"
    );
    let holding = |bytes: &[u8]| Bench::kerberos().holding("a.keytab", bytes).only();
    assert_eq!(
        holding(&vec![0; 1024 * 1024 + 1]),
        "domains[0].bind.keytab: the keytab DIR/a.keytab cannot be read: it is larger than 1048576 bytes; put it there, \
         owned by the coordinator's user, and `chmod 600 DIR/a.keytab`"
    );
    assert_eq!(
        holding(b"s3cret"),
        "domains[0].bind.keytab: DIR/a.keytab is no keytab; make one with ktpass, ktutil or samba-tool, in the file \
         format 0x502"
    );
    let remedy = "make a keytab of this principal, or correct the principal, letter case included; `klist -ket FILE` \
                  shows what a keytab holds";
    assert_eq!(
        holding(&keytab_of(&["Sendgate@A.EXAMPLE.TEST", "other@A.EXAMPLE.TEST"])),
        format!(
            "domains[0].bind.keytab: the keytab DIR/a.keytab holds no key of sendgate@A.EXAMPLE.TEST, only of \
             Sendgate@A.EXAMPLE.TEST, other@A.EXAMPLE.TEST; {remedy}"
        )
    );
    assert!(holding(&keytab_of(&[])).contains("holds no key of sendgate@A.EXAMPLE.TEST, nor any other; "));
    let names: Vec<String> = (0..7).map(|number| format!("user{number}@A.EXAMPLE.TEST")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(holding(&keytab_of(&names)).contains("user4@A.EXAMPLE.TEST and 2 more; "));
}

#[test]
fn secrets_come_from_systemd_too() {
    let bench = bare(Bench::new().with_credentials())
        .holding("credentials/sendgate.password", b"from systemd\n")
        .with(A_SECRET, "password_credential = \"sendgate.password\"\n");
    // systemd lets the service's user in by an access control list, which shows as the group's mode.
    let file = bench.directory.path().join("credentials/sendgate.password");
    chmod(&file, 0o440);
    let configuration = bench.parse(false).unwrap_or_else(|error| panic!("{error}"));
    assert!(!format!("{configuration:?}").contains("from systemd"), "a secret is not shown");
    chmod(&file, 0o444);
    assert_eq!(
        bench.only(),
        "domains[0].bind.password_credential: the password file DIR/credentials/sendgate.password has mode 0444, so \
         that others than its owner may read it; `chmod 600 DIR/credentials/sendgate.password`"
    );
    let mut without = bench;
    without.surroundings.credentials = None;
    assert_eq!(
        without.only(),
        "domains[0].bind.password_credential: there are no systemd credentials: $CREDENTIALS_DIRECTORY is not set; \
         start the coordinator as a systemd service with LoadCredential=sendgate.password:FILE, or name a file here"
    );
    let elsewhere = bare(Bench::new().with_credentials()).with(A_SECRET, "password_credential = \"../a.password\"\n");
    assert_eq!(
        elsewhere.only(),
        "domains[0].bind.password_credential: \"../a.password\" is not a credential's name; write the name alone, as \
         it stands in the unit's LoadCredential="
    );
    let keytab = bare(Bench::kerberos().with_credentials())
        .holding("credentials/keytab", &keytab_of(&[PRINCIPAL]))
        .with("keytab = \"a.keytab\"", "keytab_credential = \"keytab\"");
    keytab.parse(false).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn one_secret_is_named_and_it_fits_the_bind() {
    let bind = |text: &str| bare(Bench::new()).with(A_SECRET, text).problems();
    assert_eq!(
        bind(""),
        ["domains[0].bind: no secret to bind with is named; write one of password_file, password_credential"]
    );
    assert_eq!(
        bind("password_file = \"a.password\"\npassword_credential = \"a\"\n"),
        ["domains[0].bind: password_file and password_credential are both written; keep one of them"]
    );
    assert_eq!(
        bind("password_file = \"a.password\"\nkeytab = \"a.keytab\"\n"),
        ["domains[0].bind.keytab: it is for Kerberos, and this is a simple bind; remove it, or write auth = \
          \"kerberos\""]
    );
    let anonymous = bare(Bench::new()).with(A_BIND, "name = \" \"\n").problems();
    let text = "domains[0].bind.name: the name is empty, which would be an anonymous bind; write the reading account as \
                name@domain or as a distinguished name";
    assert_eq!(anonymous, [text]);
    let kerberos = |text: &str| bare(Bench::kerberos()).with("keytab = \"a.keytab\"\n", text).problems();
    assert_eq!(
        kerberos(""),
        ["domains[0].bind: no secret to bind with is named; write one of keytab, keytab_credential, password_file, \
          password_credential"]
    );
    assert_eq!(
        kerberos("keytab = \"a.keytab\"\nname = \"sendgate@a.example.test\"\nkrb5_conf = \"none.conf\"\n"),
        [
            "domains[0].bind.name: it is for a simple bind, and this is Kerberos; write the account as principal = \
             \"name@REALM\" instead",
            "domains[0].bind.krb5_conf: DIR/none.conf cannot be read: No such file or directory (os error 2); name a \
             krb5.conf(5), or remove the key to use the system's",
        ]
    );
    let password = bare(Bench::kerberos()).with("keytab = \"a.keytab\"\n", A_SECRET).parse(false).unwrap();
    let Method::Kerberos(kerberos) = &password.directory[&"a.example.test".parse().unwrap()][0].bind.method else {
        panic!("not Kerberos")
    };
    assert!(matches!(kerberos.secret, Secret::Password(_)));
}

#[test]
fn an_unknown_way_to_bind_is_named() {
    change(
        "name = \"sendgate@a.example.test\"",
        "auth = \"ntlm\"\nname = \"sendgate@a.example.test\"",
        "domains[0].bind.auth: \"ntlm\" is not known here; write \"simple\" or \"kerberos\"",
    );
}
