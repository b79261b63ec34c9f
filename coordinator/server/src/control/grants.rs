//! Approvals, undo and redo, and what a directory team would run.

use super::{accepted, afterwards, configured, form, invalid, json, refused, stopped};
use crate::directory::DirectoryServer;
use crate::directory::grant;
use crate::driver::Handle;
use sendgate_core::coverage::advice;
use sendgate_core::ledger::Effect;
use sendgate_core::names::{DomainName, OperatorName, RolloutName};
use sendgate_core::request::{self, FormRead, WantedSubject};
use sendgate_core::view::{self, AdviceLine, AdviceView};
use sendgate_proto::v1::approval_request::Subject;
use sendgate_proto::v1::{Accepted, ApprovalRequest, GrantRequest, ViewReply};
use std::collections::BTreeMap;
use std::time::Duration;
use tonic::{Response, Status};

/// All places of an advice are read within this time: whoever asks waits 30 s, and most of the advice needs no reading.
const PLACES: Duration = Duration::from_secs(20);

fn wanted(subject: Option<Subject>) -> Result<WantedSubject, Status> {
    match subject {
        Some(Subject::AdminSdHolder(it)) => Ok(WantedSubject::AdminSdHolder { domain: it.domain, account: it.account }),
        Some(Subject::DenyOverride(it)) => Ok(WantedSubject::Override { user: it.user, account: it.account }),
        Some(Subject::Rollout(rollout)) => Ok(WantedSubject::Rollout { rollout, form: None }),
        Some(Subject::RolloutForm(it)) => {
            let form = Some(FormRead { digest: it.digest, of: form::digest });
            Ok(WantedSubject::Rollout { rollout: it.rollout, form })
        }
        None => Err(invalid("the request does not say what it is about")),
    }
}

pub(super) async fn approve(
    driver: &Handle,
    by: OperatorName,
    request: ApprovalRequest,
) -> Result<Response<Accepted>, Status> {
    let (wanted, reason) = (wanted(request.subject)?, request.reason);
    let approver = by.clone();
    let rollout = rollout_of(&wanted);
    let filed = driver.request(by, move |world| request::approve(world, &approver, &wanted, &reason)).await;
    let answer = filed.map(accepted).map_err(refused)?;
    match rollout {
        Some(rollout) => form::with_form(driver, answer, rollout.parse().map_err(invalid)?, view::approvals).await,
        None => Ok(answer),
    }
}

fn rollout_of(wanted: &WantedSubject) -> Option<String> {
    match wanted {
        WantedSubject::Rollout { rollout, .. } => Some(rollout.clone()),
        WantedSubject::AdminSdHolder { .. } | WantedSubject::Override { .. } => None,
    }
}

pub(super) async fn revoke(
    driver: &Handle,
    by: OperatorName,
    request: ApprovalRequest,
) -> Result<Response<Accepted>, Status> {
    let (wanted, reason) = (wanted(request.subject)?, request.reason);
    let rollout = rollout_of(&wanted);
    let filed = driver.request(by, move |world| request::revoke(world, &wanted, &reason)).await.map_err(refused)?;
    let note = match rollout {
        Some(rollout) => {
            let name: RolloutName = rollout.parse().map_err(invalid)?;
            driver.look(move |world, _| view::revoked(world, &name)).await
        }
        None => {
            let stays = "what was written under it stays: `sendgate grants` lists it, and `sendgate grants undo N` takes it away";
            let on_their_way = driver.look(|world, _| request::on_their_way(world)).await;
            let note =
                |on_their_way| std::iter::once(stays.to_owned()).chain(on_their_way).collect::<Vec<_>>().join(". ");
            on_their_way.map(note)
        }
    };
    Ok(noted(accepted(filed), afterwards(note)))
}

pub(super) async fn undo(
    driver: &Handle,
    by: OperatorName,
    request: GrantRequest,
) -> Result<Response<Accepted>, Status> {
    let GrantRequest { grant, reason } = request;
    // As the directory was seen before: afterwards the right may be gone already.
    let note = driver.look(move |world, _| view::undo_warning(world, grant)).await.map_err(stopped)?;
    let filed = driver.request(by, move |world| request::grant_undo(world, grant, &reason)).await;
    filed.map(|sequence| noted(accepted(sequence), note.unwrap_or_default())).map_err(refused)
}

pub(super) async fn redo(
    driver: &Handle,
    by: OperatorName,
    request: GrantRequest,
) -> Result<Response<Accepted>, Status> {
    let GrantRequest { grant, reason } = request;
    let filed = driver.request(by, move |world| request::grant_redo(world, grant, &reason)).await;
    filed.map(accepted).map_err(refused)
}

fn noted(mut accepted: Response<Accepted>, note: String) -> Response<Accepted> {
    accepted.get_mut().note = note;
    accepted
}

/// LDIF replaces the list as a whole, so each place is read now. Where one cannot be, the other texts are there all the same.
pub(super) async fn advise(
    driver: &Handle,
    grant_servers: &BTreeMap<DomainName, DirectoryServer>,
    domain: String,
) -> Result<Response<ViewReply>, Status> {
    let proposed = driver.look(move |world, _| {
        let domain = configured(world, &domain)?;
        let proposed =
            world.estate.domains.get(&domain).map(|_| view::proposed(world, &domain).cloned().collect::<Vec<_>>());
        proposed.map(|grants| (domain.clone(), grants, view::not_known(world, &domain))).ok_or_else(|| {
            Status::failed_precondition(format!(
                "{domain} has not been surveyed yet, so nothing is proposed for it: `sendgate domains` says why"
            ))
        })
    });
    let (domain, proposed, not_known) = proposed.await.map_err(stopped)??;
    let shown = match grant_servers.get(&domain) {
        Some(server) => grant::places(server, proposed.iter().map(|planned| &planned.place), PLACES).await,
        None => {
            proposed.iter().map(|_| Err("the coordinator knows no server of the domain to ask".to_owned())).collect()
        }
    };
    let mut grants = Vec::new();
    for (planned, shown) in proposed.into_iter().zip(shown) {
        let advice = advice::advice(&planned, shown.as_ref().ok());
        let no_ldif = match (&advice.ldif, shown) {
            (Some(_), _) => None,
            (None, Err(why)) => Some(why),
            (None, Ok(now)) => Some(advice::no_ldif(&planned, &now)),
        };
        grants.push(AdviceLine { grant: Effect::Grant(planned).to_string(), advice, no_ldif });
    }
    Ok(Response::new(ViewReply { json: json(&AdviceView { domain, not_known, grants })? }))
}
