//! Rollouts' files: applied, checked, foreseen; and the removal of what a rollout has installed.

use super::requests::{self, accepted};
use super::views::{self, Shown};
use crate::connection::{Client, RequestError};
use crate::errors::{Exit, Failure};
use crate::output::{self, Form};
use crate::tables;
use sendgate_core::ledger::Sha256;
use sendgate_core::names::RolloutName;
use sendgate_core::view::ForecastView;
use sendgate_proto::v1::view_request::View;
use sendgate_proto::v1::{Forecast, RolloutFile, RolloutRequest, forecast::What};
use std::path::Path;

fn text(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| Failure::RolloutFile { path: file.to_owned(), error })
}

pub(crate) async fn apply(client: &Client, form: Form, file: &Path) -> Result<Exit, Failure> {
    let answer = client.rollout_apply(RolloutFile { text: text(file)? }).await?;
    // Nothing was filed: it was so already.
    if answer.sequence == 0 {
        match form {
            Form::Json => output::json(&requests::answer(None, answer.note, answer.digest))?,
            Form::Table => output::text(&format!("unchanged: {}\n", answer.note))?,
        }
        return Ok(Exit::Good);
    }
    let what = format!("the rollout of {} is applied", file.display());
    accepted(form, answer, &what)
}

async fn foreseen(client: &Client, what: What) -> Result<Vec<u8>, Failure> {
    Ok(client.view(View::Forecast(Forecast { what: Some(what) })).await?)
}

/// A file of which some part can never be done, or that would be refused, is no good file, whatever the form of the answer.
pub(crate) async fn lint(client: &Client, form: Form, file: &Path) -> Result<Exit, Failure> {
    let json = foreseen(client, What::Text(text(file)?)).await?;
    print(form, &json, tables::forecast::lint)?;
    let view: ForecastView = views::read("forecast", &json)?;
    let good = view.refused.is_none() && view.fits_nowhere().is_none();
    Ok(if good { Exit::Good } else { Exit::Failed })
}

/// A dry run: of a file where there is one of that name, else of the rollout that is called so.
pub(crate) async fn plan(client: &Client, form: Form, rollout: &str) -> Result<Exit, Failure> {
    let file = Path::new(rollout);
    let json = if file.is_file() {
        foreseen(client, What::Text(text(file)?)).await?
    } else {
        // Whoever mistyped a path asked for no rollout.
        let no_file = |text: String| format!("{text}, and there is no file of that name either");
        let known = foreseen(client, What::Rollout(rollout.to_owned())).await;
        known.map_err(|failure| match failure {
            Failure::Request(RequestError::NotFound(text)) => RequestError::NotFound(no_file(text)).into(),
            Failure::Request(RequestError::Refusal(text)) => RequestError::Refusal(no_file(text)).into(),
            other => other,
        })?
    };
    print(form, &json, tables::forecast::table)
}

fn print(form: Form, json: &[u8], table: impl FnOnce(&ForecastView, Sha256) -> String) -> Result<Exit, Failure> {
    match form {
        Form::Json => output::json(&views::read("forecast", json)?)?,
        Form::Table => {
            let Shown { digest } = views::read("forecast", json)?;
            output::text(&table(&views::read("forecast", json)?, digest))?;
        }
    }
    Ok(Exit::Good)
}

pub(crate) async fn remove(client: &Client, form: Form, name: RolloutName, reason: String) -> Result<Exit, Failure> {
    let what = format!("the hotfix of rollout {name} is removed again, the last wave first");
    accepted(form, client.rollout_remove(RolloutRequest { name: name.into(), reason }).await?, &what)
}
