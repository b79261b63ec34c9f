//! Wrong files, and handshakes with right and wrong clients.

use super::*;
use crate::scratch::Scratch;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use sendgate_proto::v1::FromAgent;
use sendgate_proto::v1::agents_client::AgentsClient;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;

struct Pair {
    certificate: String,
    key: String,
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        Self::of(CertificateParams::new(Vec::new()).unwrap())
    }

    fn until(last_year: i32) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.not_after = rcgen::date_time_ymd(last_year, 11, 14);
        Self::of(params)
    }

    fn of(mut params: CertificateParams) -> Self {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    fn issue(&self, last_year: i32) -> Pair {
        self.issue_until(last_year, 11, 14)
    }

    fn issue_until(&self, year: i32, month: u8, day: u8) -> Pair {
        let mut params = CertificateParams::new(vec!["coordinator.test".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(1970, 1, 1);
        params.not_after = rcgen::date_time_ymd(year, month, day);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Pair { certificate, key: key.serialize_pem() }
    }
}

/// The year in which certificates end that are not to end during the tests.
const LATE: i32 = 2100;
/// And those that are to be expired.
const PAST: i32 = 2023;

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

struct Files {
    directory: Scratch,
    paths: TlsPaths,
}

impl Files {
    fn new(ca: &str, certificate: &str, key: &str) -> Self {
        let directory = Scratch::new();
        let write = |name: &str, text: &str, mode| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let paths = TlsPaths {
            ca: write("ca.pem", ca, 0o644),
            certificate: write("c.pem", certificate, 0o644),
            key: write("c.key", key, 0o600),
        };
        Self { directory, paths }
    }

    fn refusal(&self) -> String {
        let text = server(&self.paths, now()).unwrap_err().to_string();
        text.replace(&self.directory.path().display().to_string(), "DIR")
    }
}

#[test]
fn each_wrong_file_is_named_with_what_is_wrong_and_the_remedy() {
    let authority = Authority::new();
    let good = authority.issue(LATE);
    let files = |ca: &str, certificate: &str, key: &str| Files::new(ca, certificate, key);

    let missing = files(&authority.pem, &good.certificate, &good.key);
    std::fs::remove_file(&missing.paths.ca).unwrap();
    assert_eq!(
        missing.refusal(),
        "tls.ca: DIR/ca.pem cannot be read: No such file or directory (os error 2); make it with `sendgate pki` and \
         let the coordinator's user read it"
    );
    assert_eq!(
        files(&"x".repeat(1024 * 1024 + 1), &good.certificate, &good.key).refusal(),
        "tls.ca: DIR/ca.pem cannot be read: it is larger than 1048576 bytes; make it with `sendgate pki` and let the \
         coordinator's user read it"
    );
    assert_eq!(
        files(&authority.pem, "hello", &good.key).refusal(),
        "tls.certificate: DIR/c.pem holds no certificate in PEM form; name the file that `sendgate pki` wrote"
    );
    assert_eq!(
        files(&authority.pem, &good.certificate, &good.certificate).refusal(),
        "tls.key: DIR/c.key holds no private key in PEM form; name the file that `sendgate pki` wrote"
    );
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let broken = files(broken, &good.certificate, &good.key).refusal();
    assert!(broken.starts_with("tls.ca: DIR/ca.pem holds no certificate in PEM form ("), "{broken}");
    assert_eq!(
        files(&authority.pem, &good.certificate, &authority.issue(LATE).key).refusal(),
        "the private key DIR/c.key does not belong to the certificate DIR/c.pem; name the two files that one \
         `sendgate pki issue` wrote"
    );
}

/// The certificate's bytes, and one to three more after them.
fn longer(pem: &str) -> String {
    if pem.contains('=') { pem.replace('=', "A") } else { pem.replace("-----END", "AAAA\n-----END") }
}

/// TLS would not take it either, and say nothing of which file it is.
#[test]
fn a_certificate_with_bytes_after_it_is_none() {
    let authority = Authority::new();
    let good = authority.issue(LATE);
    let none = "holds no certificate in PEM form (there are bytes after it); name the file that `sendgate pki` wrote";
    let ca = Files::new(&longer(&authority.pem), &good.certificate, &good.key);
    assert_eq!(ca.refusal(), format!("tls.ca: DIR/ca.pem {none}"));
    let own = Files::new(&authority.pem, &longer(&good.certificate), &good.key);
    assert_eq!(own.refusal(), format!("tls.certificate: DIR/c.pem {none}"));
}

/// RFC 5280 writes the last second of the year 9999 where there is no end, and no timestamp goes as far.
#[test]
fn a_certificate_without_an_end_is_good() {
    let authority = Authority::new();
    let pair = authority.issue_until(9999, 12, 31);
    let files = Files::new(&authority.pem, &pair.certificate, &pair.key);
    server(&files.paths, now()).unwrap();
    let ends = ends(&files.paths).unwrap();
    assert_eq!(ends[&CertificateHolder::Coordinator].as_ref().unwrap().to_string(), "9999-12-30T22:00:00Z");
}

#[test]
fn a_certificate_outside_its_time_is_refused_with_the_moment() {
    let authority = Authority::new();
    let expired = authority.issue(PAST);
    assert_eq!(
        Files::new(&authority.pem, &expired.certificate, &expired.key).refusal(),
        "tls.certificate: DIR/c.pem expired at 2023-11-14T00:00:00Z; issue a new one with \
         `sendgate pki issue --role coordinator`"
    );
    let good = authority.issue(LATE);
    let files = Files::new(&authority.pem, &good.certificate, &good.key);
    let early = server(&files.paths, Timestamp::from_second(-1).unwrap()).unwrap_err().to_string();
    assert!(early.contains("is not valid before 1970-01-01T00:00:00Z"), "{early}");
}

#[test]
fn a_private_key_that_everybody_may_read_is_refused() {
    let authority = Authority::new();
    let good = authority.issue(LATE);
    let files = Files::new(&authority.pem, &good.certificate, &good.key);
    std::fs::set_permissions(&files.paths.key, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(
        files.refusal(),
        "tls.key: DIR/c.key has mode 0644, so that everybody may read the private key; `chmod 600 DIR/c.key`, and \
         issue a new one if others use this machine"
    );
}

/// Serves nothing over TLS and says whether a client with this certificate gets an answer to HTTP/2's preface.
async fn is_let_in(authority: &Authority, client: Option<&Pair>) -> bool {
    let own = authority.issue(LATE);
    let files = Files::new(&authority.pem, &own.certificate, &own.key);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = server(&files.paths, now()).unwrap();
    let nothing = tonic::service::Routes::default();
    let serving = tonic::transport::Server::builder().tls_config(tls).unwrap().add_routes(nothing);
    let serving = tokio::spawn(serving.serve_with_incoming(TcpListenerStream::new(listener)));

    let mut tls = tonic::transport::ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(&authority.pem))
        .domain_name("coordinator.test");
    if let Some(client) = client {
        tls = tls.identity(Identity::from_pem(&client.certificate, &client.key));
    }
    let endpoint = tonic::transport::Endpoint::from_shared(format!("https://{address}")).unwrap();
    let answered = match endpoint.tls_config(tls).unwrap().connect().await {
        Err(_) => false,
        // TLS 1.3 lets a client finish before the server has looked at its certificate: only an answer counts.
        Ok(channel) => {
            let asked = AgentsClient::new(channel).session(tokio_stream::empty::<FromAgent>()).await;
            asked.is_err_and(|status| status.code() == tonic::Code::Unimplemented)
        }
    };
    serving.abort();
    answered
}

#[tokio::test]
async fn only_clients_with_a_certificate_of_our_authority_are_let_in() {
    let authority = Authority::new();
    assert!(is_let_in(&authority, Some(&authority.issue(LATE))).await);
    assert!(!is_let_in(&authority, None).await, "without a certificate");
    assert!(!is_let_in(&authority, Some(&Authority::new().issue(LATE))).await, "of a foreign authority");
    assert!(!is_let_in(&authority, Some(&authority.issue(PAST))).await, "expired");
}

/// Who looks after them is told when they end, and that nobody knows it where they cannot be read.
#[test]
fn the_ends_of_the_own_certificate_and_of_the_authority_are_known() {
    let authority = Authority::new();
    let pair = authority.issue(2030);
    let files = Files::new(&authority.pem, &pair.certificate, &pair.key);
    let ends = ends(&files.paths).unwrap();
    let text = |holder: &CertificateHolder| ends[holder].as_ref().unwrap().to_string();
    assert_eq!(text(&CertificateHolder::Coordinator), "2030-11-14T00:00:00Z");
    let authority = CertificateHolder::Authority("CN=rcgen self signed cert".to_owned());
    assert_eq!((ends.len(), text(&authority).as_str()), (2, "4096-01-01T00:00:00Z"));
    assert!(identity::ends(b"no certificate").unwrap_err().starts_with("it cannot be read: "));
}

/// `pki init` gives every authority the same name: while one follows another, that which ends first is told of.
#[test]
fn of_authorities_of_one_name_the_end_of_the_first_is_known() {
    let (old, new) = (Authority::until(2031), Authority::until(2040));
    let pair = new.issue(2030);
    for both in [format!("{}{}", old.pem, new.pem), format!("{}{}", new.pem, old.pem)] {
        let files = Files::new(&both, &pair.certificate, &pair.key);
        let ends = ends(&files.paths).unwrap();
        let authority = CertificateHolder::Authority("CN=rcgen self signed cert".to_owned());
        assert_eq!(ends[&authority].as_ref().unwrap().to_string(), "2031-11-14T00:00:00Z");
    }
}
