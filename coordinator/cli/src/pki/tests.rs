//! Certificates as another program sees them, and the text of every refusal.

use super::*;
use clap::Parser;
use rcgen::KeyPair;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

#[derive(Debug, Parser)]
struct Line {
    #[command(subcommand)]
    pki: PkiCommand,
}

struct Bench(PathBuf);

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Bench {
    /// A directory with an authority in it.
    fn new() -> Self {
        let name = format!("sendgate-pki-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let bench = Self(std::env::temp_dir().join(name));
        bench.pki("init").unwrap();
        bench
    }

    /// Runs a command line, to which the directory is added.
    fn pki(&self, line: &str) -> Result<String, String> {
        let directory = self.0.to_str().unwrap();
        let line = ["pki"].into_iter().chain(line.split(' ')).chain(["--directory", directory]);
        let line = Line::try_parse_from(line).map_err(|error| error.to_string())?;
        let said = run(&line.pki).map_err(|error| error.to_string());
        said.map(|text| self.hidden(&text)).map_err(|text| self.hidden(&text))
    }

    fn hidden(&self, text: &str) -> String {
        text.replace(self.0.to_str().unwrap(), "DIR")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// What OpenSSL shows of a certificate.
    fn text(&self, name: &str) -> String {
        self.openssl(&["x509", "-noout", "-text", "-in", name])
    }

    fn openssl(&self, arguments: &[&str]) -> String {
        let output = Command::new("openssl").args(arguments).current_dir(&self.0).output().unwrap();
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn mode(file: &Path) -> u32 {
    file.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn an_authority_is_made_once() {
    let bench = Bench::new();
    assert_eq!((mode(&bench.file("ca.key")), mode(&bench.0)), (0o600, 0o700));
    let text = bench.text("ca.pem");
    assert!(text.contains("CA:TRUE, pathlen:0") && text.contains("Certificate Sign, CRL Sign"), "{text}");
    let key = std::fs::read(bench.file("ca.key")).unwrap();
    assert_eq!(
        bench.pki("init").unwrap_err(),
        "DIR/ca.key exists already and is not overwritten: name another directory, or move it away if nobody needs it \
         any more"
    );
    assert_eq!(std::fs::read(bench.file("ca.key")).unwrap(), key);
    std::fs::remove_file(bench.file("ca.key")).unwrap();
    assert!(bench.pki("init").unwrap_err().starts_with("DIR/ca.pem exists already"));
    assert!(!bench.file("ca.key").exists(), "no key is left beside a foreign certificate");
}

#[test]
fn a_coordinator_serves_under_its_hosts() {
    let bench = Bench::new();
    let said = bench.pki("issue --role coordinator --name c1 --dns gate.example.test --ip 192.0.2.1 --ip 2001:db8::1");
    assert_eq!(said.unwrap(), "DIR/c1.pem\nDIR/c1.key\n");
    assert_eq!(mode(&bench.file("c1.key")), 0o600);
    let text = bench.text("c1.pem");
    let names =
        "URI:sendgate:coordinator:c1, DNS:gate.example.test, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1";
    assert!(text.contains(names), "{text}");
    assert!(text.contains("TLS Web Server Authentication\n") && text.contains("CA:FALSE"), "{text}");
    assert!(!text.contains("Client Authentication"), "{text}");
    let verified = bench.openssl(&["verify", "-purpose", "sslserver", "-CAfile", "ca.pem", "c1.pem"]);
    assert_eq!(verified, "c1.pem: OK\n");
}

#[test]
fn agents_and_operators_are_clients_with_one_name() {
    let bench = Bench::new();
    for role in ["agent", "viewer", "operator", "approver"] {
        bench.pki(&format!("issue --role {role} --name {role}.One")).unwrap();
        let file = format!("{role}.one.pem");
        let text = bench.text(&file);
        assert!(text.contains(&format!("  URI:sendgate:{role}:{role}.one\n")), "{text}");
        assert!(text.contains("TLS Web Client Authentication\n") && !text.contains("Server Authentication"), "{text}");
        let verified = bench.openssl(&["verify", "-purpose", "sslclient", "-CAfile", "ca.pem", &file]);
        assert_eq!(verified, format!("{file}: OK\n"));
    }
    let again = bench.pki("issue --role viewer --name agent.one").unwrap_err();
    assert!(again.starts_with("DIR/agent.one.key exists already and is not overwritten"), "{again}");
}

#[test]
fn certificates_begin_five_minutes_ago_and_end_when_told() {
    let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    let day = span::Span::lasting(now, "1d".parse().unwrap()).unwrap();
    assert_eq!(
        (day.from.unix_timestamp(), day.until.unix_timestamp()),
        (now.as_second() - 300, now.as_second() + 86400)
    );
    let bench = Bench::new();
    bench.pki("issue --role agent --name old --not-after 2020-02-03T04:05:06Z").unwrap();
    let dates = bench.openssl(&["x509", "-noout", "-dates", "-in", "old.pem"]);
    assert_eq!(dates, "notBefore=Feb  3 04:00:06 2020 GMT\nnotAfter=Feb  3 04:05:06 2020 GMT\n");
    let both = bench.pki("issue --role agent --name x --not-after 2020-02-03T04:05:06Z --valid 3d").unwrap_err();
    assert!(both.contains("cannot be used with"), "{both}");
    let early = bench.pki("issue --role agent --name x --not-after 1960-01-01T00:00:00Z").unwrap_err();
    assert_eq!(early, "a certificate cannot end at 1960-01-01T00:00:00Z: write a moment from the year 1970 to 9999");
    for wrong in ["0d", "12", "1y", "36501d", "-1d"] {
        let refusal = wrong.parse::<Validity>().unwrap_err().to_string();
        let expected = format!(
            "{wrong:?} is not a time that a certificate may be valid: write days or hours, such as 365d or 12h, up to \
             36500d"
        );
        assert_eq!(refusal, expected);
    }
}

#[test]
fn a_certificate_outside_its_time_is_named_with_the_remedy() {
    let bench = Bench::new();
    bench.pki("issue --role agent --name old --not-after 2020-02-03T04:05:06Z").unwrap();
    let pem = std::fs::read(bench.file("old.pem")).unwrap();
    let at = |moment: &str| certificate_problem(&pem, moment.parse().unwrap());
    assert_eq!(at("2020-02-03T04:05:06Z"), None);
    assert_eq!(at("2020-02-03T04:00:06Z"), None);
    assert_eq!(
        at("2020-02-03T04:05:07Z").unwrap(),
        "expired at 2020-02-03T04:05:06Z; issue a new one with `sendgate pki issue`"
    );
    assert_eq!(
        at("2020-02-03T04:00:05Z").unwrap(),
        "is not valid before 2020-02-03T04:00:06Z, and this machine's clock shows 2020-02-03T04:00:05Z; set the clock \
         right, or issue a new one with `sendgate pki issue`"
    );
    // One without an end, as RFC 5280 writes it.
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.not_after = rcgen::date_time_ymd(9999, 12, 31);
    let endless = params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
    assert_eq!(certificate_problem(endless.as_bytes(), Timestamp::now()), None);
    let none = certificate_problem(b"hello", Timestamp::UNIX_EPOCH).unwrap();
    assert!(none.starts_with("cannot be read as a certificate in PEM form ("), "{none}");
}

#[test]
fn names_and_hosts_that_do_not_fit_are_refused() {
    let bench = Bench::new();
    for name in ["../ca", "a:b", "-x", ".hidden", &"n".repeat(65)] {
        let refusal = name.parse::<CertificateName>().unwrap_err().to_string();
        let expected = format!(
            "{name:?} is not a name for a certificate: write 1 to 64 letters, digits, '-', '_', '.' or '@', beginning \
             with a letter or digit"
        );
        assert_eq!(refusal, expected);
    }
    assert_eq!(
        bench.pki("issue --role coordinator --name c1").unwrap_err(),
        "a coordinator's certificate must name what it is reached at: give --dns or --ip, or both, as agents and \
         operators connect to it"
    );
    assert_eq!(
        bench.pki("issue --role agent --name a1 --dns a1.example.test").unwrap_err(),
        "--dns and --ip are for the coordinator: a certificate of the role agent names its holder alone; leave them out"
    );
    assert_eq!(
        bench.pki("issue --role coordinator --name c1 --dns gate/x").unwrap_err(),
        "\"gate/x\" is not a DNS name that a certificate can carry: write letters, digits, '-' and '.' only"
    );
    assert!(!bench.file("c1.key").exists());
}

#[test]
fn an_authority_that_is_missing_or_mixed_up_is_named() {
    let bench = Bench::new();
    let other = KeyPair::generate().unwrap();
    std::fs::write(bench.file("ca.key"), other.serialize_pem()).unwrap();
    let request = "issue --role agent --name a1";
    let remedy = "restore ca.pem and ca.key from their backup, or make a new authority in another directory";
    assert_eq!(
        bench.pki(request).unwrap_err(),
        format!("the authority in DIR cannot be used: ca.key is not the key of ca.pem; {remedy}")
    );
    std::fs::write(bench.file("ca.key"), "hello").unwrap();
    let text = bench.pki(request).unwrap_err();
    assert!(text.starts_with("the authority in DIR cannot be used: ca.key: ") && text.ends_with(remedy), "{text}");
    let bench = Bench::new();
    let line = Line::try_parse_from(
        ["pki", "issue", "--role", "agent", "--name", "a1", "--directory"].into_iter().chain(bench.0.to_str()),
    );
    let PkiCommand::Issue(args) = line.unwrap().pki else { panic!("another command was read") };
    let late = super::issue(&args, "2999-01-01T00:00:00Z".parse().unwrap()).unwrap_err().to_string();
    assert!(late.contains("cannot be used: ca.pem expired at 203"), "{late}");
    std::fs::remove_file(bench.file("ca.pem")).unwrap();
    assert_eq!(
        bench.pki(request).unwrap_err(),
        "the authority's DIR/ca.pem cannot be read: No such file or directory (os error 2); make one with \
         `sendgate pki init --directory DIR`"
    );
}
