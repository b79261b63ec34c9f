//! A coordinator with canned answers behind real mutual TLS, and the built command in front of it.

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use sendgate_proto::v1::control_server::{Control, ControlServer};
use sendgate_proto::v1::{
    Accepted, ApprovalRequest, CoveragePart, CoverageRequest, GrantAdviceRequest, GrantRequest, Intervention,
    JournalRecord, JournalRequest, RolloutFile, RolloutRequest, SurveyProgress, SurveyRunRequest, ViewReply,
    ViewRequest, WaiveRequest, coverage_part,
};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use time::{Duration, OffsetDateTime};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};

/// The name in the coordinator's certificate.
pub(crate) const NAME: &str = "coordinator.example.test";

/// A directory that goes away with the test.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("sendgate-cli-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A CA.
pub(crate) struct Ca {
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Ca {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// A certificate that is valid from and until so many hours from now.
    pub(crate) fn issue(&self, name: &str, hours: (i64, i64)) -> Pair {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        let now = OffsetDateTime::now_utc();
        (params.not_before, params.not_after) = (now + Duration::hours(hours.0), now + Duration::hours(hours.1));
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Pair { certificate, key: key.serialize_pem() }
    }
}

/// What the canned coordinator answers, and what it was asked for.
#[derive(Default)]
pub(crate) struct Canned {
    pub(crate) view: Option<Result<String, Status>>,
    pub(crate) request: Option<Status>,
    /// What an accepted request is answered beside its number.
    pub(crate) note: String,
    pub(crate) digest: String,
    pub(crate) records: Vec<JournalRecord>,
    /// Parts of a coverage report: the head, and lists of lines.
    pub(crate) coverage: Vec<coverage_part::Part>,
    pub(crate) progress: Vec<SurveyProgress>,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Canned {
    /// Keeps which call was made, and with what.
    fn keep(&self, call: &str, request: &dyn std::fmt::Debug) {
        self.asked.lock().unwrap().push(format!("{call} {request:?}"));
    }

    fn accept(&self, call: &str, request: &dyn std::fmt::Debug) -> Result<Response<Accepted>, Status> {
        self.keep(call, request);
        match &self.request {
            Some(status) => Err(status.clone()),
            None => {
                let (note, digest) = (self.note.clone(), self.digest.clone());
                Ok(Response::new(Accepted { sequence: 12, note, digest }))
            }
        }
    }
}

#[tonic::async_trait]
impl Control for Canned {
    async fn view(&self, request: Request<ViewRequest>) -> Result<Response<ViewReply>, Status> {
        self.keep("view", &request.into_inner());
        let answer = self.view.clone().unwrap_or_else(|| Err(Status::unimplemented("no canned view")));
        answer.map(|json| Response::new(ViewReply { json: json.into_bytes() }))
    }
    async fn rollout_apply(&self, request: Request<RolloutFile>) -> Result<Response<Accepted>, Status> {
        self.accept("rollout_apply", &request.into_inner())
    }
    async fn rollout_remove(&self, request: Request<RolloutRequest>) -> Result<Response<Accepted>, Status> {
        self.accept("rollout_remove", &request.into_inner())
    }
    async fn rollout_start(&self, request: Request<RolloutRequest>) -> Result<Response<Accepted>, Status> {
        self.accept("rollout_start", &request.into_inner())
    }
    async fn rollout_abort(&self, request: Request<RolloutRequest>) -> Result<Response<Accepted>, Status> {
        self.accept("rollout_abort", &request.into_inner())
    }
    async fn intervene(&self, request: Request<Intervention>) -> Result<Response<Accepted>, Status> {
        self.accept("intervene", &request.into_inner())
    }
    async fn waive(&self, request: Request<WaiveRequest>) -> Result<Response<Accepted>, Status> {
        self.accept("waive", &request.into_inner())
    }
    async fn approve(&self, request: Request<ApprovalRequest>) -> Result<Response<Accepted>, Status> {
        self.accept("approve", &request.into_inner())
    }
    async fn revoke(&self, request: Request<ApprovalRequest>) -> Result<Response<Accepted>, Status> {
        self.accept("revoke", &request.into_inner())
    }
    async fn grant_undo(&self, request: Request<GrantRequest>) -> Result<Response<Accepted>, Status> {
        let mut accepted = self.accept("grant_undo", &request.into_inner())?;
        accepted.get_mut().note = "up to 3 roster users may lose the right".to_owned();
        Ok(accepted)
    }
    async fn grant_redo(&self, request: Request<GrantRequest>) -> Result<Response<Accepted>, Status> {
        self.accept("grant_redo", &request.into_inner())
    }
    async fn grant_advice(&self, request: Request<GrantAdviceRequest>) -> Result<Response<ViewReply>, Status> {
        self.keep("grant_advice", &request.into_inner());
        let answer = self.view.clone().unwrap_or_else(|| Err(Status::unimplemented("no canned view")));
        answer.map(|json| Response::new(ViewReply { json: json.into_bytes() }))
    }
    type CoverageStream = tokio_stream::Iter<std::vec::IntoIter<Result<CoveragePart, Status>>>;
    async fn coverage(&self, request: Request<CoverageRequest>) -> Result<Response<Self::CoverageStream>, Status> {
        self.keep("coverage", &request.into_inner());
        let parts = self.coverage.iter().cloned().map(|part| Ok(CoveragePart { part: Some(part) }));
        Ok(Response::new(tokio_stream::iter(parts.collect::<Vec<_>>())))
    }
    type SurveyRunStream = tokio_stream::Iter<std::vec::IntoIter<Result<SurveyProgress, Status>>>;
    async fn survey_run(&self, request: Request<SurveyRunRequest>) -> Result<Response<Self::SurveyRunStream>, Status> {
        self.keep("survey_run", &request.into_inner());
        Ok(Response::new(tokio_stream::iter(self.progress.iter().cloned().map(Ok).collect::<Vec<_>>())))
    }
    type JournalStream = tokio_stream::Iter<std::vec::IntoIter<Result<JournalRecord, Status>>>;
    async fn journal(&self, request: Request<JournalRequest>) -> Result<Response<Self::JournalStream>, Status> {
        let from = request.into_inner().from;
        let records: Vec<_> = self.records.iter().filter(|record| record.sequence >= from).cloned().map(Ok).collect();
        Ok(Response::new(tokio_stream::iter(records)))
    }
}

/// A running coordinator, its CA and a connection file for it.
pub(crate) struct Coordinator {
    pub(crate) ca: Ca,
    pub(crate) address: SocketAddr,
    pub(crate) scratch: Scratch,
    _runtime: Runtime,
}

impl Coordinator {
    pub(crate) fn start(canned: Canned) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let ca = Ca::new("Estate CA");
        let pair = ca.issue(NAME, (-1, 1));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let tls = ServerTlsConfig::new()
            .identity(Identity::from_pem(&pair.certificate, &pair.key))
            .client_ca_root(Certificate::from_pem(&ca.pem));
        let mut server = Server::builder().tls_config(tls).unwrap();
        runtime.spawn(
            server.add_service(ControlServer::new(canned)).serve_with_incoming(TcpListenerStream::new(listener)),
        );
        Self { ca, address, scratch: Scratch::new(), _runtime: runtime }
    }

    /// Writes a connection file.
    pub(crate) fn connection(&self, ca: &str, name: &str, pair: &Pair) -> PathBuf {
        connection(&self.scratch, self.address, ca, name, pair)
    }

    /// Runs the command as an operator whom the coordinator knows.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let file = self.connection(&self.ca.pem, NAME, &self.ca.issue("operator.example.test", (-1, 1)));
        sendgate(&file, arguments)
    }
}

pub(crate) fn connection(scratch: &Scratch, address: SocketAddr, ca: &str, name: &str, pair: &Pair) -> PathBuf {
    scratch.write("ca.pem", ca);
    scratch.write("me.pem", &pair.certificate);
    scratch.write("me.key", &pair.key);
    let text = format!(
        "address = \"https://{address}\"\nserver_name = \"{name}\"\nca = \"ca.pem\"\ncertificate = \"me.pem\"\nkey = \"me.key\"\n"
    );
    scratch.write("connection.toml", &text)
}

/// How the command ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// The built command, without this machine's own connection.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sendgate"));
    command.env_remove("SENDGATE_CONNECTION").env_remove("HOME");
    command
}

/// Runs the command with a connection file.
pub(crate) fn sendgate(connection: &Path, arguments: &[&str]) -> Ran {
    command().arg("--connection").arg(connection).args(arguments).output().unwrap().into()
}
