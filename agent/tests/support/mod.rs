//! A coordinator that does as it is told, on a real connection with mutual TLS, and an agent's world around it.
#![allow(dead_code, reason = "each test program uses a part of this")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use sendgate_proto::v1;
use sendgate_proto::v1::agents_server::{Agents, AgentsServer};
use sendgate_proto::v1::from_agent::Kind as FromAgent;
use sendgate_proto::v1::to_agent::Kind as ToAgent;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status, Streaming};

/// How long anything may take before a test fails; never waited for when all is well.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

pub(crate) const EPOCH: u64 = 0xe0;
pub(crate) const MARK: u64 = 0x3a;

/// One agent's files, removed at the end of the test.
pub(crate) struct World {
    pub(crate) directory: PathBuf,
    pub(crate) package: PathBuf,
}

impl World {
    pub(crate) fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("sendgate-agent-{:016x}", rand::random::<u64>()));
        fs::create_dir(&directory).unwrap();
        let package = directory.join("package.exe");
        fs::write(&package, "hotfix").unwrap();
        let world = Self { directory, package };
        world.certificates("one");
        fs::write(world.path("account"), "A\\good").unwrap();
        world.script("status", "printf 'state: running\\naccount: A\\\\good\\nstarted: 2026-11-24T08:00:00Z\\n'");
        // GoodLink's account is read first, and one of the name is told as late as the test wants.
        world.script(
            "gl-status",
            "account=$(cat account); printf %s \"$account\" > looking\n\
             while [ \"$account\" = 'A\\slow' ] && [ -e hold-probe ]; do sleep 0.05; done\n\
             printf 'state: running\\naccount: %s\\nstarted: 2026-11-24T08:00:00Z\\n' \"$account\"",
        );
        world.script("mounted", "echo mounted: yes");
        world.script("patches", "echo KB926666");
        // Each run leaves a line, and lasts until the test lets it go.
        world.script("install", "echo \"$1\" >> runs; echo installing; while [ -e hold ]; do sleep 0.05; done; exit 3");
        world.script("remove", "echo \"remove $1\" >> runs; while [ -e hold ]; do sleep 0.05; done");
        world.script("stop", "echo stop >> runs");
        world.script("start", "echo start >> runs");
        fs::write(world.path("roster.csv"), "name,directory_name,server\nann,A\\ann,\n").unwrap();
        fs::write(world.path("good.log"), "").unwrap();
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    pub(crate) fn script(&self, name: &str, body: &str) {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\ncd {}\n{body}\n", self.directory.display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    }

    /// A certification authority, a coordinator and an agent of that name.
    pub(crate) fn certificates(&self, agent: &str) {
        self.certificates_until(agent, 4000);
    }

    /// The same, good until the beginning of that year.
    pub(crate) fn certificates_until(&self, agent: &str, year: i32) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        fs::write(self.path("ca.pem"), ca.pem()).unwrap();
        let names = [
            ("server", SanType::DnsName("coordinator.test".try_into().unwrap())),
            ("agent", SanType::URI(format!("sendgate:agent:{agent}").as_str().try_into().unwrap())),
        ];
        for (file, name) in names {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.subject_alt_names = vec![name];
            params.not_after = rcgen::date_time_ymd(year, 1, 1);
            let key = KeyPair::generate().unwrap();
            let certificate = params.signed_by(&key, &ca).unwrap();
            fs::write(self.path(&format!("{file}.pem")), certificate.pem()).unwrap();
            fs::write(self.path(&format!("{file}.key")), key.serialize_pem()).unwrap();
        }
    }

    pub(crate) fn config(&self, port: u16) -> PathBuf {
        let at = self.directory.display();
        let programs = ["status", "gl-status", "mounted", "patches", "stop", "start"];
        let programs: String =
            programs.iter().map(|name| format!("[programs.{name}]\nprogram = \"{at}/{name}\"\n")).collect();
        let text = format!(
            "agent = \"one\"\nstate = \"{at}/state\"\nreport_interval = \"200ms\"\n\
             [coordinator]\naddress = \"127.0.0.1:{port}\"\ntls_name = \"coordinator.test\"\n\
             ca = \"{at}/ca.pem\"\ncertificate = \"{at}/agent.pem\"\nkey = \"{at}/agent.key\"\n\
             {programs}[programs.install]\nprogram = \"{at}/install\"\narguments = [\"{{package_file}}\"]\n\
             [programs.remove]\nprogram = \"{at}/remove\"\narguments = [\"{{package}}\"]\n\
             [[packages]]\nname = \"KB1\"\nfile = \"{at}/package.exe\"\n\
             [[hosts]]\nname = \"ex1\"\n[hosts.exchange]\nstore_exe = \"{at}/store.exe\"\nservice = \"IS\"\n\
             programs = {{ status = \"status\", mounted = \"mounted\", patches = \"patches\", install = \"install\", remove = \"remove\" }}\n\
             [[hosts]]\nname = \"GL1\"\n[hosts.goodlink]\nservice = \"GL\"\nroster = \"{at}/roster.csv\"\n\
             programs = {{ status = \"gl-status\", stop = \"stop\", start = \"start\" }}\n\
             [hosts.goodlink.log]\nfile = \"{at}/good.log\"\n"
        );
        let path = self.path("agent.toml");
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn hold(&self) {
        fs::write(self.path("hold"), "").unwrap();
    }

    pub(crate) fn release(&self) {
        fs::remove_file(self.path("hold")).unwrap();
    }

    /// What the programs wrote that act.
    pub(crate) fn runs(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("runs")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Polls until it is so.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

type Opened = (Streaming<v1::FromAgent>, mpsc::Sender<Result<v1::ToAgent, Status>>);

struct Service(mpsc::Sender<Opened>);

#[tonic::async_trait]
impl Agents for Service {
    type SessionStream = ReceiverStream<Result<v1::ToAgent, Status>>;

    async fn session(
        &self,
        request: Request<Streaming<v1::FromAgent>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let (to, queue) = mpsc::channel(64);
        let opened = self.0.send((request.into_inner(), to)).await;
        opened.map_err(|_| Status::unavailable("the test is over"))?;
        Ok(Response::new(ReceiverStream::new(queue)))
    }
}

/// The coordinator: sessions arrive here, one after the other.
pub(crate) struct Coordinator {
    pub(crate) port: u16,
    sessions: mpsc::Receiver<Opened>,
}

impl Coordinator {
    pub(crate) async fn start(world: &World) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let read = |name: &str| fs::read(world.path(name)).unwrap();
        let tls = ServerTlsConfig::new()
            .identity(Identity::from_pem(read("server.pem"), read("server.key")))
            .client_ca_root(Certificate::from_pem(read("ca.pem")));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (open, sessions) = mpsc::channel(4);
        let server = Server::builder().tls_config(tls).unwrap().add_service(AgentsServer::new(Service(open)));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        Self { port, sessions }
    }

    /// The next session, before the welcome.
    pub(crate) async fn hello(&mut self) -> (Session, v1::Hello) {
        let opened = tokio::time::timeout(DEADLINE, self.sessions.recv()).await.expect("no session came");
        let (from, to) = opened.unwrap();
        let mut session = Session { from, to, reports: Vec::new() };
        let FromAgent::Hello(hello) = session.next().await else { panic!("no Hello first") };
        (session, hello)
    }

    /// The next session, welcomed.
    pub(crate) async fn session(&mut self, counter: u64) -> Session {
        let (session, _) = self.hello().await;
        session.welcome(EPOCH, counter, None).await;
        session
    }
}

pub(crate) struct Session {
    from: Streaming<v1::FromAgent>,
    to: mpsc::Sender<Result<v1::ToAgent, Status>>,
    /// Those that came while something else was waited for.
    pub(crate) reports: Vec<v1::HostReport>,
}

impl Session {
    pub(crate) async fn send(&self, kind: ToAgent) {
        self.to.send(Ok(v1::ToAgent { kind: Some(kind) })).await.unwrap();
    }

    pub(crate) async fn welcome(&self, epoch: u64, counter: u64, takeover: Option<v1::Takeover>) {
        let generation = Some(v1::Generation { epoch, counter, mark: MARK });
        self.send(ToAgent::Welcome(v1::Welcome { generation, takeover, heartbeat_ms: 60_000, head: 0 })).await;
    }

    /// The next update of an act; `None` once the agent has gone away.
    pub(crate) async fn update_if_it_lives(&mut self) -> Option<v1::ActUpdate> {
        let start = Instant::now();
        loop {
            assert!(start.elapsed() < DEADLINE, "not within {DEADLINE:?}: an update");
            let message = tokio::time::timeout(DEADLINE, self.from.message()).await.expect("the agent is silent");
            if let FromAgent::Act(update) = message.ok()??.kind? {
                return Some(update);
            }
        }
    }

    async fn next(&mut self) -> FromAgent {
        let message = tokio::time::timeout(DEADLINE, self.from.message()).await.expect("the agent is silent");
        message.unwrap().expect("the agent ended the session").kind.unwrap()
    }

    /// The next message that is no report.
    pub(crate) async fn other(&mut self) -> FromAgent {
        let start = Instant::now();
        loop {
            // Reports come for ever.
            assert!(start.elapsed() < DEADLINE, "not within {DEADLINE:?}: a message that is no report");
            match self.next().await {
                FromAgent::Report(report) => self.reports.push(report),
                other => return other,
            }
        }
    }

    /// The next report of a host.
    pub(crate) async fn report(&mut self, host: &str) -> v1::HostReport {
        let start = Instant::now();
        loop {
            assert!(start.elapsed() < DEADLINE, "not within {DEADLINE:?}: a report of {host}");
            if let Some(at) = self.reports.iter().position(|report| report.host == host) {
                return self.reports.remove(at);
            }
            if let FromAgent::Report(report) = self.next().await {
                self.reports.push(report);
            }
        }
    }

    /// A report of GoodLink whose roster is taken for whole.
    pub(crate) async fn whole_report(&mut self) -> v1::GoodLinkReport {
        let start = Instant::now();
        loop {
            assert!(start.elapsed() < DEADLINE, "not within {DEADLINE:?}: a whole roster");
            let goodlink = self.report("gl1").await.goodlink.unwrap();
            if goodlink.roster.as_ref().is_some_and(|roster| roster.error.is_none()) {
                return goodlink;
            }
        }
    }

    pub(crate) async fn offer(&self, act_id: &str, counter: u64, sha256: &[u8]) {
        let install = v1::InstallHotfix { package: "KB1".into(), sha256: sha256.to_vec() };
        self.offer_act(act_id, counter, "ex1", v1::act_offer::Act::Install(install)).await;
    }

    pub(crate) async fn offer_removal(&self, act_id: &str, counter: u64, sha256: &[u8]) {
        let remove = v1::RemoveHotfix { package: "KB1".into(), sha256: sha256.to_vec() };
        self.offer_act(act_id, counter, "ex1", v1::act_offer::Act::Remove(remove)).await;
    }

    pub(crate) async fn offer_act(&self, act_id: &str, counter: u64, host: &str, act: v1::act_offer::Act) {
        let generation = Some(v1::Generation { epoch: EPOCH, counter, mark: MARK });
        self.send(ToAgent::Offer(v1::ActOffer {
            act_id: act_id.into(),
            generation,
            host: host.into(),
            act: Some(act),
        }))
        .await;
    }

    pub(crate) async fn request(&mut self, act_id: &str) -> u64 {
        let FromAgent::PermitRequest(request) = self.other().await else { panic!("no request") };
        assert_eq!(request.act_id, act_id);
        // Whoever has the offer has heard of the record that announced it.
        let number = act_id.rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap();
        assert!(request.head >= Some(number), "{request:?}");
        request.nonce
    }

    pub(crate) async fn permit(&self, act_id: &str, nonce: u64, counter: u64, valid_ms: u32) {
        let generation = Some(v1::Generation { epoch: EPOCH, counter, mark: MARK });
        self.send(ToAgent::Permit(v1::Permit { act_id: act_id.into(), nonce, generation, valid_ms })).await;
    }

    pub(crate) async fn update(&mut self) -> v1::ActUpdate {
        match self.other().await {
            FromAgent::Act(update) => update,
            other => panic!("no update of an act, but {other:?}"),
        }
    }

    pub(crate) async fn refused(&mut self, act_id: &str) -> String {
        let update = self.update().await;
        assert_eq!((update.act_id.as_str(), update.state()), (act_id, v1::act_update::State::Refused), "{update:?}");
        update.detail
    }
}

pub(crate) fn digest(path: &Path) -> Vec<u8> {
    Sha256::digest(fs::read(path).unwrap()).to_vec()
}
