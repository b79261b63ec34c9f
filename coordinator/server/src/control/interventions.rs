//! Hold and release, resume, retry, skip, a forced restart and its taking back, the end of a waiver, a takeover.

use super::{accepted, afterwards, invalid, refused, stopped};
use crate::driver::{Handle, RequestError};
use sendgate_core::gate::World;
use sendgate_core::ledger::Sequence;
use sendgate_core::names::{OperatorName, RolloutName};
use sendgate_core::request::{self, WantedHeld};
use sendgate_core::view;
use sendgate_proto::v1::intervention::Act;
use sendgate_proto::v1::{Accepted, Hold, Intervention, Release, hold::What};
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
            return hold(driver, by, wanted(held)?, reason).await;
        }
        Act::Release(wire) => return release(driver, by, wire, reason).await,
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

/// The answer names whoever holds it as well, and what this cannot stop any more.
async fn hold(
    driver: &Handle,
    by: OperatorName,
    held: WantedHeld,
    reason: String,
) -> Result<Response<Accepted>, Status> {
    let (wanted, holder) = (held.clone(), by.clone());
    let filed = driver.request(by, move |world| request::hold(world, &held, &reason)).await;
    let mut answer = accepted(filed.map_err(refused)?);
    let look = driver.look(move |world, _| (request::also_held(world, &holder, &wanted), request::under_way(world)));
    let note = look.await.map(|(others, under_way)| others.into_iter().chain(under_way).collect::<Vec<_>>().join(". "));
    answer.get_mut().note = afterwards(note);
    Ok(answer)
}

/// One hold ends; the answer names whoever still holds it.
async fn release(
    driver: &Handle,
    by: OperatorName,
    wire: Release,
    reason: String,
) -> Result<Response<Accepted>, Status> {
    let nothing = || invalid("the request does not say what is to be released");
    let held = wanted(wire.held.ok_or_else(nothing)?)?;
    let (released, of, asker) = (held.clone(), wire.of, by.clone());
    let check = move |world: World<'_>| match of.trim() {
        "" => request::release(world, &asker, &released, &reason),
        of => request::release_of(world, of, &released, &reason),
    };
    let mut answer = accepted(driver.request(by, check).await.map_err(refused)?);
    let note = driver.look(move |world, _| request::still_held(world, &held)).await;
    answer.get_mut().note = afterwards(note.map(Option::unwrap_or_default));
    Ok(answer)
}

/// The answer says what still stops the rollout: a hold and a trip are two stops, and one request ends one.
async fn resume(
    driver: &Handle,
    by: OperatorName,
    rollout: String,
    reason: String,
) -> Result<Response<Accepted>, Status> {
    let (called, asker) = (rollout.clone(), by.clone());
    let filed = driver.request(by, move |world| request::resume(world, &asker, &rollout, &reason)).await;
    let filed = filed.map_err(refused)?;
    let name: RolloutName = called.parse().map_err(invalid)?;
    let note = driver.look(move |world, _| view::still_stopped(world, &name, filed)).await;
    let mut answer = accepted(filed);
    answer.get_mut().note = afterwards(note);
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
    let under_way = driver.look(|world, _| request::under_way(world)).await;
    answer.get_mut().note = afterwards(under_way.map(Option::unwrap_or_default));
    Ok(answer)
}
