//! The form of a rollout, by the digest that people compare: what was read is what is approved.

use super::{json, stopped};
use crate::driver::Handle;
use sendgate_core::gate::World;
use sendgate_core::ledger::{Rollout, Sha256};
use sendgate_core::names::RolloutName;
use sendgate_core::spec::RolloutSpec;
use sendgate_proto::v1::Accepted;
use serde::Serialize;
use sha2::{Digest, Sha256 as Hasher};
use tonic::{Response, Status};

/// SHA-256 of what the file came to, in the JSON form in which the journal keeps it: where neither order nor blanks of the
/// file matter, nor a default that was written out.
#[must_use]
pub fn digest(spec: &RolloutSpec) -> Sha256 {
    let mut hasher = Hasher::new();
    let written = serde_json::to_writer(&mut hasher, spec);
    written.expect("a form of names, numbers and times is written as JSON, and a hasher takes all of it");
    Sha256(hasher.finalize().into())
}

/// A view of a rollout with the digest of the form that it shows.
#[derive(Serialize)]
struct Shown<V> {
    digest: Sha256,
    #[serde(flatten)]
    view: V,
}

pub(super) fn shown(spec: &RolloutSpec, view: impl Serialize) -> Result<Vec<u8>, Status> {
    json(&Shown { digest: digest(spec), view })
}

/// An answer with the rollout's form, and what there is to say of it.
pub(super) async fn with_form(
    driver: &Handle,
    mut answer: Response<Accepted>,
    name: RolloutName,
    note: impl FnOnce(World<'_>, &Rollout, Sha256) -> String + Send + 'static,
) -> Result<Response<Accepted>, Status> {
    let look = driver.look(move |world, _| {
        let rollout = world.ledger.rollouts.get(&name)?;
        let digest = digest(&rollout.spec);
        Some((digest.to_string(), note(world, rollout, digest)))
    });
    if let Some((digest, note)) = look.await.map_err(stopped)? {
        (answer.get_mut().digest, answer.get_mut().note) = (digest, note);
    }
    Ok(answer)
}
