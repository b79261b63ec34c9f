//! Hold and release, resume, retry, skip, a forced restart and its taking back, the end of a waiver, a takeover.

use super::{accepted, invalid, refused, stopped};
use crate::driver::{Handle, RequestError};
use sendgate_core::ledger::Sequence;
use sendgate_core::names::{OperatorName, RolloutName};
use sendgate_core::request::{self, WantedHeld};
use sendgate_core::view;
use sendgate_proto::v1::intervention::Act;
use sendgate_proto::v1::{Accepted, Hold, Intervention, hold::What};
use tonic::{Response, Status};

fn wanted(hold: Hold) -> Result<WantedHeld, Status> {
    match hold.what {
        Some(What::Estate(_)) => Ok(WantedHeld::Estate),
        Some(What::Domain(name)) => Ok(WantedHeld::Domain(name)),
        Some(What::Host(name)) => Ok(WantedHeld::Host(name)),
        Some(What::Rollout(name)) => Ok(WantedHeld::Rollout(name)),
        None => Err(invalid("the request does not say what is to be held")),
    }
}

pub(super) async fn intervene(
    driver: &Handle,
    by: OperatorName,
    request: Intervention,
) -> Result<Response<Accepted>, Status> {
    let Intervention { reason, act } = request;
    let filed = match act.ok_or_else(|| invalid("the request does not say what is to be done"))? {
        Act::Hold(held) => {
            let held = wanted(held)?;
            let filed = driver.request(by, move |world| request::hold(world, &held, &reason)).await;
            return with_permits(driver, filed).await;
        }
        Act::Release(held) => {
            let held = wanted(held)?;
            driver.request(by, move |world| request::release(world, &held, &reason)).await
        }
        Act::Resume(rollout) => return resume(driver, by, rollout, reason).await,
        Act::Retry(host) => {
            driver.request(by, move |world| request::retry(world, &host.rollout, &host.host, &reason)).await
        }
        Act::Skip(host) => {
            driver.request(by, move |world| request::skip(world, &host.rollout, &host.host, &reason)).await
        }
        Act::RestartGoodlink(goodlink) => {
            driver.request(by, move |world| request::restart_force(world, &goodlink, &reason)).await
        }
        Act::CancelRestart(goodlink) => {
            driver.request(by, move |world| request::restart_cancel(world, &goodlink, &reason)).await
        }
        Act::Unwaive(user) => driver.request(by, move |world| request::unwaive(world, &user, &reason)).await,
        Act::TakeOver(_) => return take_over(driver, by, reason).await,
    };
    filed.map(accepted).map_err(refused)
}

/// The answer says what still stops the rollout: a hold and a trip are two stops, and one request ends one.
async fn resume(
    driver: &Handle,
    by: OperatorName,
    rollout: String,
    reason: String,
) -> Result<Response<Accepted>, Status> {
    let called = rollout.clone();
    let filed = driver.request(by, move |world| request::resume(world, &rollout, &reason)).await.map_err(refused)?;
    let name: RolloutName = called.parse().map_err(invalid)?;
    let note = driver.look(move |world, _| view::still_stopped(world, &name, filed)).await.map_err(stopped)?;
    let mut answer = accepted(filed);
    answer.get_mut().note = note;
    Ok(answer)
}

/// The answer names the agents that were led by somebody else.
async fn take_over(driver: &Handle, by: OperatorName, reason: String) -> Result<Response<Accepted>, Status> {
    let epoch = rand::random();
    let note = driver.look(|world, _| request::followers(world)).await.map_err(stopped)?;
    let filed = driver.request(by, move |world| request::takeover(world, epoch, &reason)).await;
    let mut answer = accepted(filed.map_err(refused)?);
    answer.get_mut().note = note;
    Ok(answer)
}

/// The answer to a stop names what it cannot stop any more.
pub(super) async fn with_permits(
    driver: &Handle,
    filed: Result<Sequence, RequestError>,
) -> Result<Response<Accepted>, Status> {
    let mut answer = accepted(filed.map_err(refused)?);
    let under_way = driver.look(|world, _| request::under_way(world)).await.map_err(stopped)?;
    answer.get_mut().note = under_way.unwrap_or_default();
    Ok(answer)
}
