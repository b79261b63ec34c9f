//! Files of rollouts: applied, or only foreseen.

use super::{accepted, invalid, json, refused, stopped};
use crate::driver::{Handle, RequestError, has_room};
use sendgate_core::gate::World;
use sendgate_core::ledger::{Entry, Request as Wanted, Stamped};
use sendgate_core::names::{OperatorName, RolloutName};
use sendgate_core::request::{self, Refused};
use sendgate_core::view;
use sendgate_proto::v1::{Accepted, Forecast, forecast::What};
use std::sync::{Arc, OnceLock};
use tonic::{Response, Status};

/// The longest file, in bytes: a thousand servers and some windows are less.
const LONGEST_FILE: usize = 256 * 1024;

fn not_too_long(text: &str) -> Result<(), Status> {
    if text.len() <= LONGEST_FILE {
        return Ok(());
    }
    Err(invalid(format!("the rollout's file has {} bytes; at most {LONGEST_FILE} are read", text.len())))
}

/// Files it; one that is there in this form is accepted without a record.
pub(super) async fn apply(driver: &Handle, by: OperatorName, text: String) -> Result<Response<Accepted>, Status> {
    not_too_long(&text)?;
    // Only whoever read the file knows how the rollout is called.
    let called = Arc::new(OnceLock::new());
    let call = Arc::clone(&called);
    let check = move |world: World<'_>| {
        let request = request::rollout_apply(world, &text)?;
        if let Wanted::RolloutApply(spec) = &request {
            call.get_or_init(|| spec.name.clone());
        }
        Ok(request)
    };
    match driver.request(by, check).await {
        Err(RequestError::Refused(Refused::Unchanged(note))) => Ok(Response::new(Accepted { sequence: 0, note })),
        filed => {
            let mut answer = filed.map(accepted).map_err(refused)?;
            let begins = |name: &RolloutName| format!("it begins with `sendgate rollout start {name}`");
            answer.get_mut().note = called.get().map(begins).unwrap_or_default();
            Ok(answer)
        }
    }
}

/// What it would do, and what is in its way.
pub(super) async fn forecast(driver: &Handle, by: OperatorName, wanted: Forecast) -> Result<Vec<u8>, Status> {
    let wanted = wanted.what.ok_or_else(|| invalid("the request names no rollout"))?;
    if let What::Text(text) = &wanted {
        not_too_long(text)?;
    }
    driver.look(move |world, _| foresee(world, &by, &wanted)).await.map_err(stopped)?
}

fn foresee(world: World<'_>, by: &OperatorName, wanted: &What) -> Result<Vec<u8>, Status> {
    let view = match wanted {
        What::Text(text) => {
            let spec = request::rollout_read(world, text).map_err(invalid)?;
            // Whoever has it checked wants to hear now what `rollout apply` would say.
            let entry = Entry::Request { by: by.clone(), request: Wanted::RolloutApply(spec.clone()) };
            has_room(&json(&Stamped { at: world.now, entry })?).map_err(invalid)?;
            view::forecast_of_file(world, &spec, by)
        }
        What::Rollout(given) => {
            let name: RolloutName = given.parse().map_err(invalid)?;
            let known = world.ledger.rollouts.get(&name);
            let known = known.ok_or_else(|| Status::not_found(format!("there is no rollout {name}")))?;
            view::forecast(world, &known.spec, by)
        }
    };
    json(&view)
}
