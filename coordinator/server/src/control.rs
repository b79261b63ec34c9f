//! The gRPC edge to operators: looks are computed by the driver from the world as it is, requests go into the journal.
//!
//! 1. Here: views and requests;
//! 2. [`explain`]: one user, from the reading that his domain's survey holds;
//! 3. [`report`]: coverage, some lines at a time;
//! 4. [`progress`]: a full survey while somebody watches;
//! 5. [`grants`]: approvals, undo and redo, and what a directory team would run;
//! 6. [`interventions`]: hold and release, resume, retry, skip, a forced restart, a takeover;
//! 7. [`rollouts`]: files of rollouts, applied or only foreseen;
//! 8. [`form`]: the digest by which people tell forms of a rollout apart;
//! 9. [`journal`]: the records as they are, some at a time;
//! 10. [`may`]: which role may do what; [`streams`]: how much of what comes in parts one person may have at a time.

mod explain;
pub mod form;
mod grants;
mod interventions;
mod journal;
mod may;
mod progress;
mod report;
mod rollouts;
#[cfg(test)]
mod stopping;
mod streams;
#[cfg(test)]
mod unsaid;

use crate::directory::DirectoryServer;
use crate::driver::{Handle, RequestError, Stopped};
use crate::journal::{Journal, Sequence};
use crate::serve::peer;
use jiff::{SignedDuration, Timestamp};
use sendgate_core::gate::World;
use sendgate_core::names::{DomainName, HostName, OperatorName, RolloutName};
use sendgate_core::plan::Plan;
use sendgate_core::request::{self, Refused};
use sendgate_core::{ledger, view};
use sendgate_proto::v1::control_server::Control;
use sendgate_proto::v1::{
    Accepted, ApprovalRequest, CoveragePart, CoverageRequest, GrantAdviceRequest, GrantRequest, Intervention,
    JournalRecord, JournalRequest, RolloutFile, RolloutRequest, SurveyProgress, SurveyRunRequest, ViewReply,
    ViewRequest, WaiveRequest, view_request,
};
use serde::Serialize;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use tokio_stream::Stream;
use tonic::{Request, Response, Status};

/// The service.
pub struct ControlService {
    driver: Handle,
    journal: Arc<dyn Journal>,
    readings: Arc<progress::Readings>,
    streams: streams::Streams,
    grant_servers: BTreeMap<DomainName, DirectoryServer>,
}

impl ControlService {
    /// Over a driver and its journal.
    #[must_use]
    pub fn new(driver: Handle, journal: Arc<dyn Journal>) -> Self {
        Self {
            driver,
            journal,
            readings: Arc::default(),
            streams: streams::Streams::default(),
            grant_servers: BTreeMap::new(),
        }
    }

    /// With the server of each domain that grants are written to: it is asked what a place shows when LDIF is wanted.
    #[must_use]
    pub fn with_grant_servers(self, grant_servers: BTreeMap<DomainName, DirectoryServer>) -> Self {
        Self { grant_servers, ..self }
    }
}

/// A stream of answers.
type Parts<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

fn viewer<T>(request: &Request<T>) -> Result<OperatorName, Status> {
    may::look(peer(request)?)
}

fn operator<T>(request: &Request<T>) -> Result<OperatorName, Status> {
    may::act(peer(request)?)
}

fn approver<T>(request: &Request<T>) -> Result<OperatorName, Status> {
    may::approve(peer(request)?)
}

fn stopped(stopped: Stopped) -> Status {
    Status::unavailable(stopped.to_string())
}

fn refused(error: RequestError) -> Status {
    match error {
        RequestError::Stopped(error) => stopped(error),
        RequestError::Refused(refused @ (Refused::Invalid { .. } | Refused::File(_) | Refused::TooLarge { .. })) => {
            Status::invalid_argument(refused.to_string())
        }
        RequestError::Refused(refused @ Refused::Unknown { .. }) => Status::not_found(refused.to_string()),
        RequestError::Refused(refused @ (Refused::Conflict(_) | Refused::Unchanged(_))) => {
            Status::failed_precondition(refused.to_string())
        }
    }
}

fn json(view: &impl Serialize) -> Result<Vec<u8>, Status> {
    serde_json::to_vec(view).map_err(|error| Status::internal(format!("the answer could not be written: {error}")))
}

fn invalid(error: impl ToString) -> Status {
    Status::invalid_argument(error.to_string())
}

/// The one place where a view is chosen.
fn show(world: World<'_>, plan: &Plan, wanted: view_request::View) -> Result<Vec<u8>, Status> {
    use view_request::View;
    match wanted {
        View::Status(_) => json(&view::status(world)),
        View::Hosts(_) => json(&view::hosts(world)),
        View::Domains(_) => json(&view::domains(world)),
        // Needs what the surveys hold as well: answered by `explain`.
        View::Explain(_) => Err(Status::internal("explain is not a view of the world alone")),
        // Supposes another ledger: answered by `rollouts`.
        View::Forecast(_) => Err(Status::internal("a forecast is not a view of the world alone")),
        View::Plan(_) => json(&view::plan(world, plan)),
        View::GateCheck(wanted) => {
            json(&view::gate(world, &wanted.subject).map_err(|error| Status::not_found(error.to_string()))?)
        }
        View::Rollout(wanted) => {
            let name: RolloutName = wanted.name.parse().map_err(invalid)?;
            let view = view::rollout(world, &name);
            let view = view.ok_or_else(|| Status::not_found(format!("there is no rollout {name}")))?;
            form::shown(&view.spec, &view)
        }
        View::Grants(_) => json(&view::grants(world)),
        View::Why(wanted) => {
            let rollout: RolloutName = wanted.rollout.parse().map_err(invalid)?;
            let host: HostName = wanted.host.parse().map_err(invalid)?;
            json(&view::why(world, &rollout, &host).map_err(|error| Status::not_found(error.to_string()))?)
        }
    }
}

/// The domain, if it is configured.
fn configured(world: World<'_>, domain: &str) -> Result<DomainName, Status> {
    let domain: DomainName = domain.parse().map_err(invalid)?;
    if world.policy.domains.contains_key(&domain) {
        return Ok(domain);
    }
    let known: Vec<_> = world.policy.domains.keys().map(ToString::to_string).collect();
    Err(Status::not_found(format!("no domain {domain} is configured; configured are {}", known.join(", "))))
}

fn accepted(sequence: ledger::Sequence) -> Response<Accepted> {
    Response::new(Accepted { sequence: sequence.0, ..Accepted::default() })
}

/// What a look adds to the answer to a request that was filed. Where it fails, the request is in the journal all the same, and
/// an error would hide its number.
fn afterwards(look: Result<String, Stopped>) -> String {
    look.unwrap_or_else(|why| format!("what there is to add is not known: {why}"))
}

/// An expiry as people write it: a moment (RFC 3339) or a time from now.
fn expiry(text: &str) -> Result<Timestamp, Status> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    let length: SignedDuration = text.parse().map_err(|_| {
        invalid(format!("expiry {text:?}: give a moment such as 2007-03-11T02:00:00Z or a time such as 72h"))
    })?;
    Timestamp::now()
        .checked_add(length)
        .map_err(|error| invalid(format!("expiry {text:?}: {error}; write a shorter time")))
}

#[tonic::async_trait]
impl Control for ControlService {
    async fn view(&self, request: Request<ViewRequest>) -> Result<Response<ViewReply>, Status> {
        let by = viewer(&request)?;
        let wanted = request.into_inner().view.ok_or_else(|| invalid("the request names no view"))?;
        let json = match wanted {
            view_request::View::Explain(wanted) => explain::explain(&self.driver, wanted.user).await?,
            view_request::View::Forecast(wanted) => rollouts::forecast(&self.driver, by, wanted).await?,
            wanted => self.driver.look(move |world, plan| show(world, plan, wanted)).await.map_err(stopped)??,
        };
        Ok(Response::new(ViewReply { json }))
    }

    type CoverageStream = Parts<CoveragePart>;

    async fn coverage(&self, request: Request<CoverageRequest>) -> Result<Response<Self::CoverageStream>, Status> {
        let turn = self.streams.turn(viewer(&request)?)?;
        let CoverageRequest { domain, mailboxes } = request.into_inner();
        let domain = self.driver.look(move |world, _| configured(world, &domain)).await.map_err(stopped)??;
        Ok(Response::new(turn.of(report::stream(self.driver.clone(), domain, mailboxes)?)))
    }

    type SurveyRunStream = Parts<SurveyProgress>;

    async fn survey_run(&self, request: Request<SurveyRunRequest>) -> Result<Response<Self::SurveyRunStream>, Status> {
        // It changes nothing, but every directory server has to work for it.
        let turn = self.streams.turn(operator(&request)?)?;
        let domain = request.into_inner().domain;
        let (domain, servers) = self
            .driver
            .look(move |world, _| {
                let domain = configured(world, &domain)?;
                let servers =
                    world.policy.domains.get(&domain).map(|policy| policy.servers.clone()).unwrap_or_default();
                Ok::<_, Status>((domain, servers))
            })
            .await
            .map_err(stopped)??;
        Ok(Response::new(turn.of(progress::stream(&self.driver, &self.readings, &domain, servers).await?)))
    }

    async fn rollout_apply(&self, request: Request<RolloutFile>) -> Result<Response<Accepted>, Status> {
        let by = operator(&request)?;
        rollouts::apply(&self.driver, by, request.into_inner().text).await
    }

    async fn rollout_start(&self, request: Request<RolloutRequest>) -> Result<Response<Accepted>, Status> {
        let by = operator(&request)?;
        rollouts::start(&self.driver, by, request.into_inner()).await
    }

    async fn rollout_abort(&self, request: Request<RolloutRequest>) -> Result<Response<Accepted>, Status> {
        let by = operator(&request)?;
        let RolloutRequest { name, reason } = request.into_inner();
        let filed = self.driver.request(by, move |world| request::rollout_abort(world, &name, &reason)).await;
        interventions::with_permits(&self.driver, filed).await
    }

    async fn rollout_remove(&self, request: Request<RolloutRequest>) -> Result<Response<Accepted>, Status> {
        let by = operator(&request)?;
        let RolloutRequest { name, reason } = request.into_inner();
        let filed = self.driver.request(by, move |world| request::rollout_remove(world, &name, &reason)).await;
        interventions::with_permits(&self.driver, filed).await
    }

    async fn intervene(&self, request: Request<Intervention>) -> Result<Response<Accepted>, Status> {
        let by = operator(&request)?;
        interventions::intervene(&self.driver, by, request.into_inner()).await
    }

    async fn waive(&self, request: Request<WaiveRequest>) -> Result<Response<Accepted>, Status> {
        let by = operator(&request)?;
        let WaiveRequest { user, reason, expires } = request.into_inner();
        let expires = expiry(&expires)?;
        let filed = self.driver.request(by, move |world| request::waive(world, &user, &reason, expires)).await;
        filed.map(accepted).map_err(refused)
    }

    async fn approve(&self, request: Request<ApprovalRequest>) -> Result<Response<Accepted>, Status> {
        let by = approver(&request)?;
        grants::approve(&self.driver, by, request.into_inner()).await
    }

    async fn revoke(&self, request: Request<ApprovalRequest>) -> Result<Response<Accepted>, Status> {
        let by = may::revoke(peer(&request)?)?;
        grants::revoke(&self.driver, by, request.into_inner()).await
    }

    async fn grant_undo(&self, request: Request<GrantRequest>) -> Result<Response<Accepted>, Status> {
        let by = operator(&request)?;
        grants::undo(&self.driver, by, request.into_inner()).await
    }

    async fn grant_redo(&self, request: Request<GrantRequest>) -> Result<Response<Accepted>, Status> {
        let by = operator(&request)?;
        grants::redo(&self.driver, by, request.into_inner()).await
    }

    async fn grant_advice(&self, request: Request<GrantAdviceRequest>) -> Result<Response<ViewReply>, Status> {
        viewer(&request)?;
        grants::advise(&self.driver, &self.grant_servers, request.into_inner().domain).await
    }

    type JournalStream = Parts<JournalRecord>;

    async fn journal(&self, request: Request<JournalRequest>) -> Result<Response<Self::JournalStream>, Status> {
        let turn = self.streams.turn(viewer(&request)?)?;
        let from = Sequence::new(request.into_inner().from).unwrap_or(Sequence::FIRST);
        Ok(Response::new(turn.of(journal::stream(Arc::clone(&self.journal), from))))
    }
}
