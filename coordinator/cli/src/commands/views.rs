//! Commands that show one view: fetched as JSON, printed as it is or read back into its type and laid out.

use crate::connection::Client;
use crate::errors::{Exit, Failure};
use crate::output::{self, Form};
use crate::tables;
use sendgate_core::ledger::Sha256;
use sendgate_core::names::{HostName, RolloutName};
use sendgate_core::view::{
    DomainsView, ExplainView, GateState, GateView, GrantsView, HostsView, PlanView, StatusView, WhyView,
};
use sendgate_proto::v1::view_request::View;
use sendgate_proto::v1::{Domains, Explain, GateCheck, Grants, Hosts, Plan, RolloutHost, RolloutRequest, Status};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// What stands beside a view of a rollout: the digest of the form that it shows.
#[derive(Deserialize)]
pub(crate) struct Shown {
    pub(crate) digest: Sha256,
}

/// Reads an answer back into its type.
pub(crate) fn read<T: DeserializeOwned>(view: &'static str, json: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(json).map_err(|error| Failure::Answer { view, why: error.to_string() })
}

async fn show<T: DeserializeOwned>(
    client: &Client,
    form: Form,
    name: &'static str,
    view: View,
    table: impl FnOnce(&T) -> String,
) -> Result<Exit, Failure> {
    let json = client.view(view).await?;
    match form {
        Form::Json => output::json(&read(name, &json)?)?,
        Form::Table => output::text(&table(&read(name, &json)?))?,
    }
    Ok(Exit::Good)
}

pub(crate) async fn status(client: &Client, form: Form) -> Result<Exit, Failure> {
    show::<StatusView>(client, form, "status", View::Status(Status {}), tables::status::table).await
}

pub(crate) async fn hosts(client: &Client, form: Form) -> Result<Exit, Failure> {
    show::<HostsView>(client, form, "hosts", View::Hosts(Hosts {}), tables::hosts::table).await
}

pub(crate) async fn domains(client: &Client, form: Form) -> Result<Exit, Failure> {
    show::<DomainsView>(client, form, "domains", View::Domains(Domains {}), |view| {
        tables::domains::table(&view.domains)
    })
    .await
}

pub(crate) async fn explain(client: &Client, form: Form, user: String, all: bool) -> Result<Exit, Failure> {
    let table = |view: &ExplainView| tables::explain::table(view, all);
    show::<ExplainView>(client, form, "explain", View::Explain(Explain { user }), table).await
}

pub(crate) async fn plan(client: &Client, form: Form) -> Result<Exit, Failure> {
    show::<PlanView>(client, form, "plan", View::Plan(Plan {}), tables::plan::table).await
}

pub(crate) async fn grants(client: &Client, form: Form) -> Result<Exit, Failure> {
    show::<GrantsView>(client, form, "grants", View::Grants(Grants {}), tables::grants::table).await
}

pub(crate) async fn rollout(client: &Client, form: Form, name: RolloutName) -> Result<Exit, Failure> {
    let view = View::Rollout(RolloutRequest { name: name.into(), reason: String::new() });
    let json = client.view(view).await?;
    match form {
        Form::Json => output::json(&read("rollout", &json)?)?,
        Form::Table => {
            let Shown { digest } = read("rollout", &json)?;
            output::text(&tables::rollout::table(&read("rollout", &json)?, digest))?;
        }
    }
    Ok(Exit::Good)
}

pub(crate) async fn why(client: &Client, form: Form, name: RolloutName, host: HostName) -> Result<Exit, Failure> {
    let view = View::Why(RolloutHost { rollout: name.into(), host: host.into() });
    show::<WhyView>(client, form, "why", view, |view| format!("{}\n", view.why)).await
}

/// The only view whose answer is an exit code: it is read into its type whatever the form, and open only if it says so.
pub(crate) async fn gate(client: &Client, form: Form, subject: String) -> Result<Exit, Failure> {
    let json = client.view(View::GateCheck(GateCheck { subject })).await?;
    let view: GateView = read("gate check", &json)?;
    match form {
        Form::Json => output::json(&read("gate check", &json)?)?,
        Form::Table => output::text(&tables::gate::table(&view))?,
    }
    Ok(match view.state {
        GateState::Open => Exit::Good,
        GateState::Closed => Exit::GateClosed,
        GateState::CannotTell => Exit::CannotTell,
    })
}
