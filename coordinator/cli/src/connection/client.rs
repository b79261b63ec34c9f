//! One request at a time, each with its deadline.

use super::call::Call;
use super::cause::{self, Cause};
use super::file::{Connection, Pemfile};
use super::probe;
use crate::pki::certificate_problem;
use jiff::Timestamp;
use sendgate_core::time::Readable;
use sendgate_proto::v1::control_client::ControlClient;
use sendgate_proto::v1::{
    Accepted, ApprovalRequest, CoveragePart, CoverageRequest, GrantAdviceRequest, GrantRequest, Intervention,
    JournalRecord, JournalRequest, RolloutFile, RolloutRequest, SurveyProgress, SurveyRunRequest, ViewRequest,
    WaiveRequest, intervention, view_request,
};
use std::time::Duration;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Response, Status, Streaming};

/// TCP and TLS: a coordinator in reach takes milliseconds.
const CONNECT: Duration = Duration::from_secs(10);
/// An answer: the coordinator plans from memory; a request waits for one fsync of the journal.
const ANSWER: Duration = Duration::from_secs(30);
/// The largest view, in bytes: 50,000 users of a coverage report at 1 KB each, and room.
const LARGEST_VIEW: usize = 64 * 1024 * 1024;

/// A connected coordinator.
pub(crate) struct Client {
    control: ControlClient<Channel>,
    address: String,
    connection: Connection,
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The own certificate cannot be used now.
    #[error("your certificate {certificate} {problem}")]
    OwnCertificate {
        /// Its file.
        certificate: String,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// The files are no TLS material.
    #[error(
        "certificate {certificate}, key {key} and CA file {ca} cannot be used: {why}; is it the key of this certificate, and is each a \
         PEM file?"
    )]
    Material {
        /// The certificate's file.
        certificate: String,
        /// The key's file.
        key: String,
        /// The CA's file.
        ca: String,
        /// What is wrong.
        why: String,
    },
    /// Nobody answered.
    #[error("the coordinator at {address} cannot be reached: {why}; is it running, and is `address` right?")]
    Unreachable {
        /// Where.
        address: String,
        /// Why.
        why: String,
    },
    /// Another CA.
    #[error(
        "the certificate of the coordinator at {address} was not issued by the CA in {ca}: \
         name the right CA file in `ca`, and if it is right, somebody else is answering"
    )]
    WrongCa {
        /// Where.
        address: String,
        /// The CA's file.
        ca: String,
    },
    /// Another name.
    #[error(
        "the certificate of the coordinator at {address} does not carry the name {name}: correct `server_name`, or `address`"
    )]
    WrongName {
        /// Where.
        address: String,
        /// As configured.
        name: String,
    },
    /// Its certificate is out of date.
    #[error(
        "the certificate of the coordinator at {address} has expired or is not valid yet: have a new one issued, or correct this machine's clock"
    )]
    ServerExpired {
        /// Where.
        address: String,
    },
    /// Not TLS.
    #[error("what answers at {address} does not speak TLS: is `address` the coordinator's?")]
    NotTls {
        /// Where.
        address: String,
    },
    /// The own certificate was refused.
    #[error(transparent)]
    Refused(#[from] ClientRefused),
    /// Any other reason.
    #[error("the connection to the coordinator at {address} failed: {why}")]
    Other {
        /// Where.
        address: String,
        /// Why.
        why: String,
    },
}

/// The coordinator does not accept the own certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the coordinator at {address} refused this client certificate ({alert}): it was not issued by its CA or has expired; \
     name one that its CA issued in `certificate` (now {certificate})"
)]
pub(crate) struct ClientRefused {
    address: String,
    certificate: String,
    alert: String,
}

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestError {
    /// The own certificate was refused.
    #[error(transparent)]
    Refused(#[from] ClientRefused),
    /// The certificate's role does not allow it.
    #[error(
        "permission denied: {text}; your certificate {certificate} must carry a role that allows this: a viewer may look, an operator may also act, \
         an approver may look, approve and revoke"
    )]
    Denied {
        /// The coordinator's words.
        text: String,
        /// The certificate's file.
        certificate: String,
    },
    /// No answer in time.
    #[error("the coordinator at {address} did not answer within {within}; {call}")]
    Deadline {
        /// Where.
        address: String,
        /// How long was waited.
        within: Readable,
        /// What that means.
        call: Call,
    },
    /// Nothing of that name.
    #[error("not found: {0}")]
    NotFound(String),
    /// It cannot be done as things stand, or as it was asked for.
    #[error("the coordinator refused: {0}")]
    Refusal(String),
    /// The connection broke.
    #[error("the connection to the coordinator at {address} broke: {why}; {call}")]
    Broken {
        /// Where.
        address: String,
        /// Why.
        why: String,
        /// What that means.
        call: Call,
    },
    /// The coordinator failed.
    #[error("the coordinator failed: {text} ({code:?}); {call}")]
    Failed {
        /// As it said.
        code: Code,
        /// Its words.
        text: String,
        /// What that means.
        call: Call,
    },
}

impl Client {
    /// Connects; the coordinator's certificate is checked here, the own one by the coordinator at the first request.
    pub(crate) async fn connect(connection: &Connection) -> Result<Self, ConnectError> {
        let path = |pem: &Pemfile| pem.path.display().to_string();
        if let Some(problem) = certificate_problem(connection.certificate.text.as_bytes(), Timestamp::now()) {
            return Err(ConnectError::OwnCertificate { certificate: path(&connection.certificate), problem });
        }
        let address = connection.address.authority().map(ToString::to_string).unwrap_or_default();
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(&connection.ca.text))
            .identity(Identity::from_pem(&connection.certificate.text, &connection.key.text))
            .domain_name(&connection.server_name)
            .timeout(CONNECT);
        let endpoint = Endpoint::from(connection.address.clone()).connect_timeout(CONNECT);
        let endpoint = endpoint.tls_config(tls).map_err(|error| ConnectError::Material {
            certificate: path(&connection.certificate),
            key: path(&connection.key),
            ca: path(&connection.ca),
            why: match cause::find(&error) {
                Cause::Other(why) => why,
                other => format!("{other:?}"),
            },
        })?;
        let channel = match tokio::time::timeout(CONNECT, endpoint.connect()).await {
            Ok(Ok(channel)) => channel,
            Ok(Err(error)) => return Err(failed(cause::find(&error), address, connection)),
            Err(_) => {
                let why = format!("no answer within {}", Readable(CONNECT));
                return Err(ConnectError::Unreachable { address, why });
            }
        };
        let control = ControlClient::new(channel).max_decoding_message_size(LARGEST_VIEW);
        Ok(Self { control, address, connection: connection.clone() })
    }

    /// A view, as JSON.
    pub(crate) async fn view(&self, view: view_request::View) -> Result<Vec<u8>, RequestError> {
        let mut control = self.control.clone();
        Ok(self.looked(control.view(ViewRequest { view: Some(view) })).await?.json)
    }

    /// Files a rollout.
    pub(crate) async fn rollout_apply(&self, request: RolloutFile) -> Result<Accepted, RequestError> {
        let mut control = self.control.clone();
        self.within(control.rollout_apply(request)).await
    }

    /// Has a rollout's hotfix removed again.
    pub(crate) async fn rollout_remove(&self, request: RolloutRequest) -> Result<Accepted, RequestError> {
        let mut control = self.control.clone();
        self.within(control.rollout_remove(request)).await
    }

    /// Lets a rollout begin.
    pub(crate) async fn rollout_start(&self, request: RolloutRequest) -> Result<Accepted, RequestError> {
        let mut control = self.control.clone();
        self.within(control.rollout_start(request)).await
    }

    /// Stops a rollout.
    pub(crate) async fn rollout_abort(&self, request: RolloutRequest) -> Result<Accepted, RequestError> {
        let mut control = self.control.clone();
        self.within(control.rollout_abort(request)).await
    }

    /// Steps in.
    pub(crate) async fn intervene(&self, reason: String, act: intervention::Act) -> Result<Accepted, RequestError> {
        let mut control = self.control.clone();
        self.within(control.intervene(Intervention { reason, act: Some(act) })).await
    }

    /// Excepts a user.
    pub(crate) async fn waive(&self, request: WaiveRequest) -> Result<Accepted, RequestError> {
        let mut control = self.control.clone();
        self.within(control.waive(request)).await
    }

    /// Says yes.
    pub(crate) async fn approve(&self, request: ApprovalRequest) -> Result<Accepted, RequestError> {
        let mut control = self.control.clone();
        self.within(control.approve(request)).await
    }

    /// Takes a yes back.
    pub(crate) async fn revoke(&self, request: ApprovalRequest) -> Result<Accepted, RequestError> {
        let mut control = self.control.clone();
        self.within(control.revoke(request)).await
    }

    /// Has an entry taken away.
    pub(crate) async fn grant_undo(&self, request: GrantRequest) -> Result<Accepted, RequestError> {
        let mut control = self.control.clone();
        self.within(control.grant_undo(request)).await
    }

    /// Lets an entry be written again.
    pub(crate) async fn grant_redo(&self, request: GrantRequest) -> Result<Accepted, RequestError> {
        let mut control = self.control.clone();
        self.within(control.grant_redo(request)).await
    }

    /// What a directory team would run, as JSON.
    pub(crate) async fn grant_advice(&self, request: GrantAdviceRequest) -> Result<Vec<u8>, RequestError> {
        let mut control = self.control.clone();
        Ok(self.looked(control.grant_advice(request)).await?.json)
    }

    /// The records of the journal from this number on.
    pub(crate) async fn journal(&self, from: u64) -> Result<Streaming<JournalRecord>, RequestError> {
        let mut control = self.control.clone();
        self.looked(control.journal(JournalRequest { from })).await
    }

    /// A coverage report, part by part.
    pub(crate) async fn coverage(&self, request: CoverageRequest) -> Result<Streaming<CoveragePart>, RequestError> {
        let mut control = self.control.clone();
        self.looked(control.coverage(request)).await
    }

    /// A full survey, as it goes on.
    pub(crate) async fn survey_run(
        &self,
        request: SurveyRunRequest,
    ) -> Result<Streaming<SurveyProgress>, RequestError> {
        let mut control = self.control.clone();
        self.looked(control.survey_run(request)).await
    }

    /// The next part of a stream, with the same deadline as any answer; none at the end.
    pub(crate) async fn next<T>(&self, parts: &mut Streaming<T>) -> Result<Option<T>, RequestError> {
        match tokio::time::timeout(ANSWER, parts.message()).await {
            Ok(next) => next.map_err(|status| self.wrong(&status, Call::Looks)),
            Err(_) => Err(self.late(Call::Looks)),
        }
    }

    /// The answer to a request that is to be filed.
    async fn within<T>(&self, answer: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, RequestError> {
        self.answer(answer, Call::Files).await
    }

    /// The answer to a call that files nothing.
    async fn looked<T>(&self, answer: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, RequestError> {
        self.answer(answer, Call::Looks).await
    }

    async fn answer<T>(
        &self,
        answer: impl Future<Output = Result<Response<T>, Status>>,
        call: Call,
    ) -> Result<T, RequestError> {
        match tokio::time::timeout(ANSWER, answer).await {
            Ok(Ok(answer)) => Ok(answer.into_inner()),
            Ok(Err(status)) => Err(self.wrong(&status, call)),
            Err(_) => Err(self.late(call)),
        }
    }

    fn late(&self, call: Call) -> RequestError {
        RequestError::Deadline { address: self.address.clone(), within: Readable(ANSWER), call }
    }

    fn wrong(&self, status: &Status, call: Call) -> RequestError {
        let (text, address) = (status.message().to_owned(), self.address.clone());
        let certificate = self.connection.certificate.path.display().to_string();
        match status.code() {
            // A certificate of the right CA that says nothing of its holder is answered as unauthenticated.
            Code::PermissionDenied | Code::Unauthenticated => RequestError::Denied { text, certificate },
            Code::DeadlineExceeded => self.late(call),
            Code::NotFound => RequestError::NotFound(text),
            Code::AlreadyExists | Code::FailedPrecondition | Code::InvalidArgument => RequestError::Refusal(text),
            // What the transport says of itself comes as one of these, with its error below.
            code @ (Code::Unknown | Code::Unavailable | Code::Internal | Code::Cancelled) => {
                match (cause::find(status), std::error::Error::source(status).is_some()) {
                    (Cause::Refused(alert), _) => refused(&self.connection, address, alert).into(),
                    (Cause::Other(why) | Cause::Unreachable(why), true) => match probe::refusal(&self.connection) {
                        Some(alert) => refused(&self.connection, address, alert).into(),
                        None => RequestError::Broken { address, why, call },
                    },
                    _ => RequestError::Failed { code, text, call },
                }
            }
            code => RequestError::Failed { code, text, call },
        }
    }
}

fn refused(connection: &Connection, address: String, alert: String) -> ClientRefused {
    ClientRefused { address, certificate: connection.certificate.path.display().to_string(), alert }
}

fn failed(cause: Cause, address: String, connection: &Connection) -> ConnectError {
    match cause {
        Cause::Unreachable(why) => ConnectError::Unreachable { address, why },
        Cause::WrongCa => ConnectError::WrongCa { address, ca: connection.ca.path.display().to_string() },
        Cause::WrongName => ConnectError::WrongName { address, name: connection.server_name.clone() },
        Cause::ServerExpired => ConnectError::ServerExpired { address },
        Cause::NotTls => ConnectError::NotTls { address },
        Cause::Refused(alert) => refused(connection, address, alert).into(),
        Cause::Other(why) => match probe::refusal(connection) {
            Some(alert) => refused(connection, address, alert).into(),
            None => ConnectError::Other { address, why },
        },
    }
}
