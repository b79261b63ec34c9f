//! Requests that leave unsaid what they are about, over a real connection: the command always says it. Another client that
//! does not is told what is missing.

use super::ControlService;
use crate::clock::{Clock, Machine};
use crate::config::TlsPaths;
use crate::driver::Handle;
use crate::journal::memory::MemoryJournal;
use crate::scratch::Scratch;
use crate::tls;
use jiff::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use sendgate_proto::v1::control_client::ControlClient;
use sendgate_proto::v1::control_server::ControlServer;
use sendgate_proto::v1::intervention::Act;
use sendgate_proto::v1::{
    ApprovalRequest, Forecast, Hold, Intervention, Release, ViewRequest, WaiveRequest, view_request::View,
};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity, Server};
use tonic::{Code, Response, Status};

const REASON: &str = "the store is moved";

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate and its key.
    fn issue(&self, name: &str) -> (String, String) {
        let mut params = CertificateParams::new(vec!["coordinator.test".to_owned()]).unwrap();
        params.subject_alt_names.push(SanType::URI(name.try_into().unwrap()));
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    /// The service, before a loop that has ended: whatever is refused here is refused before the loop is asked.
    async fn serve(&self) -> SocketAddr {
        let (messages, _) = mpsc::channel(1);
        let driver = Handle::new(messages, Arc::default(), Arc::new(Clock::resume(None, Box::new(Machine))));
        let service = ControlService::new(driver, Arc::new(MemoryJournal::new()));
        let (certificate, key) = self.issue("sendgate:coordinator:coordinator");
        let directory = Scratch::new();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            path
        };
        let paths = TlsPaths {
            ca: write("ca.pem", &self.pem),
            certificate: write("c.pem", &certificate),
            key: write("c.key", &key),
        };
        let tls = tls::server(&paths, Timestamp::from_second(1_800_000_000).unwrap()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::builder().tls_config(tls).unwrap().add_service(ControlServer::new(service));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        address
    }

    async fn client(&self, address: SocketAddr, name: &str) -> ControlClient<Channel> {
        let (certificate, key) = self.issue(name);
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(&self.pem))
            .domain_name("coordinator.test")
            .identity(Identity::from_pem(certificate, key));
        let endpoint = Endpoint::from_shared(format!("https://{address}")).unwrap();
        ControlClient::new(endpoint.tls_config(tls).unwrap().connect().await.unwrap())
    }
}

fn told<T>(answer: Result<Response<T>, Status>) -> String {
    let Err(status) = answer else { panic!("it was taken") };
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    status.message().to_owned()
}

#[tokio::test]
async fn a_request_that_leaves_something_unsaid_is_told_what() {
    let authority = Authority::new();
    let address = authority.serve().await;
    let mut olga = authority.client(address, "sendgate:operator:olga").await;
    let mut ada = authority.client(address, "sendgate:approver:ada").await;

    let nothing = || Hold { what: None };
    let act = |act| Intervention { reason: REASON.to_owned(), act };
    let release = |held| act(Some(Act::Release(Release { held, of: String::new() })));
    let subject = || ApprovalRequest { subject: None, reason: REASON.to_owned() };
    let forecast = View::Forecast(Forecast { what: None });
    let texts = [
        told(olga.view(ViewRequest { view: None }).await),
        told(olga.view(ViewRequest { view: Some(forecast) }).await),
        told(ada.approve(subject()).await),
        told(olga.revoke(subject()).await),
        told(olga.intervene(act(None)).await),
        told(olga.intervene(act(Some(Act::Hold(nothing())))).await),
        told(olga.intervene(release(None)).await),
        told(olga.intervene(release(Some(nothing()))).await),
    ];
    assert_eq!(
        texts,
        [
            "the request names no view",
            "the request names no rollout",
            "the request does not say what it is about",
            "the request does not say what it is about",
            "the request does not say what is to be done",
            "the request does not say what is to be held",
            "the request does not say what is to be released",
            "the request does not say what is to be held",
        ]
    );
}

#[tokio::test]
async fn a_waiver_has_an_end_that_can_be() {
    let authority = Authority::new();
    let mut olga = authority.client(authority.serve().await, "sendgate:operator:olga").await;
    let mut until = async |expires: &str| {
        let (user, reason, expires) = ("anna".to_owned(), REASON.to_owned(), expires.to_owned());
        told(olga.waive(WaiveRequest { user, reason, expires }).await)
    };
    assert_eq!(
        until("soon").await,
        "expiry \"soon\": give a moment such as 2007-03-11T02:00:00Z or a time such as 72h"
    );
    let long = until("99999999h").await;
    assert!(long.starts_with("expiry \"99999999h\": ") && long.ends_with("; write a shorter time"), "{long}");
}
