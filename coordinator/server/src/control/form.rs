//! The form of a rollout, by the digest that people compare: what was read is what is approved.

use super::{afterwards, json};
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
    let written = serde_json::to_vec(spec).expect("a form of names, numbers and times can be written as JSON");
    Sha256(Hasher::digest(written).into())
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
    match look.await {
        Ok(None) => {}
        Ok(Some((digest, note))) => (answer.get_mut().digest, answer.get_mut().note) = (digest, note),
        Err(why) => answer.get_mut().note = afterwards(Err(why)),
    }
    Ok(answer)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use sendgate_core::spec::{Expected, OnTrip, PackageSpec, Thresholds, WaveSpec, Windows};
    use std::num::NonZeroU32;
    use std::time::Duration;

    pub(in crate::control) fn spec(soak: Duration) -> RolloutSpec {
        let hour = Duration::from_secs(3600);
        RolloutSpec {
            name: "dst".parse().unwrap(),
            package: PackageSpec {
                name: "kb926666".parse().unwrap(),
                sha256: Sha256([7; 32]),
                kb: 926_666,
                target: "6.5.7653.33".parse().unwrap(),
            },
            waves: vec![WaveSpec {
                name: "canary".parse().unwrap(),
                servers: vec!["exa1".parse().unwrap()],
                soak,
                at_once: NonZeroU32::MIN,
            }],
            thresholds: Thresholds::default(),
            wave_thresholds: Thresholds::default(),
            windows: Windows::AnyTime,
            approvals: 2,
            test_send: false,
            on_trip: OnTrip::Stop,
            expected: Expected { install: hour, restart: hour, removal: hour },
            patience: hour,
        }
    }

    /// What the file came to, read back from the journal, is the same form; a shorter soak is another one.
    #[test]
    fn a_form_has_one_digest_and_another_form_has_another() {
        let (long, short) = (spec(Duration::from_secs(7200)), spec(Duration::from_secs(600)));
        let again: RolloutSpec = serde_json::from_slice(&serde_json::to_vec(&long).unwrap()).unwrap();
        assert_eq!(digest(&again), digest(&long));
        assert_ne!(digest(&short), digest(&long));
    }

    /// Whoever reads the view alone reads it as before.
    #[test]
    fn the_digest_stands_beside_what_a_view_shows() {
        let spec = spec(Duration::from_secs(600));
        let text = shown(&spec, &spec).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(value["digest"], digest(&spec).to_string());
        assert_eq!(serde_json::from_value::<RolloutSpec>(value).unwrap(), spec);
    }
}
