//! `explain`: the names come from the rosters, the chain from the reading that each domain's survey holds, and what
//! waits and exceptions there are from the world.

use super::{json, stopped};
use crate::driver::Handle;
use sendgate_core::view::{self, Explanations};
use tonic::Status;

pub(super) async fn explain(driver: &Handle, user: String) -> Result<Vec<u8>, Status> {
    let asked = user.clone();
    let names = driver.look(move |world, _| view::to_explain(world, &asked)).await.map_err(stopped)?;
    if names.is_empty() {
        return Err(Status::not_found(format!(
            "no roster that has arrived names {user:?}: give the roster name or the directory name"
        )));
    }
    let mut explanations = Explanations::new();
    for (domain, names) in names {
        let explained = match driver.survey(&domain) {
            None => Err(format!("{domain} is not surveyed")),
            Some(survey) => survey.explain(names.iter().cloned().collect()).await.map_err(|error| error.to_string()),
        };
        match explained {
            Err(why) => {
                explanations.extend(names.into_iter().map(|name| ((domain.clone(), name), Err(why.clone()))));
            }
            Ok(explained) => explanations.extend(
                explained.into_iter().map(|explained| ((domain.clone(), explained.name.clone()), Ok(explained))),
            ),
        }
    }
    let explained = driver.look(move |world, _| view::explain(world, &user, &explanations)).await.map_err(stopped)?;
    json(&explained)
}
