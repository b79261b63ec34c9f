//! Files of rollouts: applied, or only foreseen.

use super::{accepted, form, invalid, json, refused, stopped};
use crate::driver::{Handle, RequestError, has_room};
use sendgate_core::gate::World;
use sendgate_core::ledger::{Entry, Request as Wanted, Sha256, Stamped};
use sendgate_core::names::{OperatorName, RolloutName};
use sendgate_core::request::{self, Refused};
use sendgate_core::spec::RolloutSpec;
use sendgate_core::view;
use sendgate_proto::v1::{Accepted, Forecast, RolloutRequest, forecast::What};
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
    // Only whoever read the file knows how the rollout is called, and what people had said of it until then.
    let found = Arc::new(OnceLock::new());
    let find = Arc::clone(&found);
    let check = move |world: World<'_>| {
        let spec = request::rollout_read(world, &text)?;
        let void = [request::void_approvals(world, &spec.name), request::left_out(world, &spec)];
        find.get_or_init(|| (spec, void));
        request::rollout_apply(world, &text)
    };
    let mut answer = match driver.request(by, check).await {
        Err(RequestError::Refused(Refused::Unchanged(note))) => Accepted { note, ..Accepted::default() },
        filed => filed.map(accepted).map_err(refused)?.into_inner(),
    };
    if let Some((spec, void)) = found.get() {
        let digest = form::digest(spec);
        if answer.sequence == 0 {
            answer.note = format!("{}; its form is {}", answer.note, digest.short());
        } else {
            answer.note = applied(spec, digest, void);
        }
        answer.digest = digest.to_string();
    }
    Ok(Response::new(answer))
}

/// What whoever applied it does next, and what has become of the approvals that were there and of hosts that were left out.
fn applied(spec: &RolloutSpec, digest: Sha256, before: &[Option<String>; 2]) -> String {
    let (name, form) = (&spec.name, digest.short());
    let begins = format!("it begins with `sendgate rollout start {name}`");
    let needs = (spec.approvals > 0).then(|| {
        let people = if spec.approvals == 1 { "other" } else { "others" };
        format!(
            "{} {people} must approve this form: `sendgate approve rollout {name} {form} --reason WHY`",
            spec.approvals
        )
    });
    let form = format!("its form is {form}");
    let [void, left_out] = before.clone();
    [Some(begins), Some(form), void, left_out, needs].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// Lets it begin; the answer names the approvals that are still missing.
pub(super) async fn start(
    driver: &Handle,
    by: OperatorName,
    wanted: RolloutRequest,
) -> Result<Response<Accepted>, Status> {
    let RolloutRequest { name, reason } = wanted;
    let called = name.clone();
    let filed = driver.request(by, move |world| request::rollout_start(world, &called, &reason)).await;
    let answer = filed.map(accepted).map_err(refused)?;
    let name: RolloutName = name.parse().map_err(invalid)?;
    form::with_form(driver, answer, name, |world, rollout, form| {
        view::missing(world, rollout, form).unwrap_or_default()
    })
    .await
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
    form::shown(&view.spec.clone(), view)
}

#[cfg(test)]
mod tests {
    use super::form::tests::spec;
    use super::*;
    use std::time::Duration;

    #[test]
    fn whoever_applies_is_told_the_form_and_what_becomes_of_what_people_had_said() {
        let mut spec = spec(Duration::from_secs(600));
        let digest = form::digest(&spec);
        let short = digest.short();
        let void = "approvals were given to the form before, and count no more: by ada";
        let left_out = "left out as before: exa1 (olive: its disk is failing)";
        assert_eq!(
            applied(&spec, digest, &[Some(void.to_owned()), Some(left_out.to_owned())]),
            format!(
                "it begins with `sendgate rollout start dst`; its form is {short}; {void}; {left_out}; 2 others must approve \
                 this form: `sendgate approve rollout dst {short} --reason WHY`"
            )
        );
        spec.approvals = 0;
        let text = format!("it begins with `sendgate rollout start dst`; its form is {short}");
        assert_eq!(applied(&spec, digest, &[None, None]), text);
    }
}
