//! What an operator does to what is going on.

use super::requests::accepted;
use crate::args::Held;
use crate::connection::Client;
use crate::errors::{Exit, Failure};
use crate::output::Form;
use sendgate_core::names::{GoodLinkName, HostName, OperatorName, RolloutName};
use sendgate_proto::v1::intervention::Act;
use sendgate_proto::v1::{Estate, Hold, Release, RolloutHost, TakeoverDeclared, hold::What};

/// What is meant, its name for people, and why.
fn held(held: Held) -> (Hold, String, String) {
    let (what, called, reason) = match held {
        Held::Estate { reason } => (What::Estate(Estate {}), "the estate".to_owned(), reason),
        Held::Domain { domain, reason } => (What::Domain(domain.to_string()), format!("domain {domain}"), reason),
        Held::Host { host, reason } => (What::Host(host.to_string()), format!("host {host}"), reason),
        Held::Rollout { rollout, reason } => (What::Rollout(rollout.to_string()), format!("rollout {rollout}"), reason),
    };
    (Hold { what: Some(what) }, called, reason)
}

pub(crate) async fn hold(client: &Client, form: Form, wanted: Held) -> Result<Exit, Failure> {
    let (hold, called, reason) = held(wanted);
    let what = format!("{called} is held: nothing new begins there until it is released");
    accepted(form, client.intervene(reason, Act::Hold(hold)).await?, &what)
}

/// It is released only once nobody holds it any more: whoever does, the answer's note says.
pub(crate) async fn release(
    client: &Client,
    form: Form,
    wanted: Held,
    of: Option<OperatorName>,
) -> Result<Exit, Failure> {
    let (hold, called, reason) = held(wanted);
    let of = of.map(String::from).unwrap_or_default();
    let answer = client.intervene(reason, Act::Release(Release { held: Some(hold), of })).await?;
    let what = match answer.note.is_empty() {
        true => format!("{called} is released"),
        false => format!("one hold on {called} is ended"),
    };
    accepted(form, answer, &what)
}

pub(crate) async fn resume(client: &Client, form: Form, name: RolloutName, reason: String) -> Result<Exit, Failure> {
    let what = format!("one stop of rollout {name} is ended");
    accepted(form, client.intervene(reason, Act::Resume(name.into())).await?, &what)
}

fn member(rollout: RolloutName, host: HostName) -> RolloutHost {
    RolloutHost { rollout: rollout.into(), host: host.into() }
}

pub(crate) async fn retry(
    client: &Client,
    form: Form,
    name: RolloutName,
    host: HostName,
    reason: String,
) -> Result<Exit, Failure> {
    let what = format!("{host} is tried again in rollout {name}; a rollout that has stopped goes on with `resume`");
    accepted(form, client.intervene(reason, Act::Retry(member(name, host))).await?, &what)
}

pub(crate) async fn skip(
    client: &Client,
    form: Form,
    name: RolloutName,
    host: HostName,
    reason: String,
) -> Result<Exit, Failure> {
    let what = format!("{host} is left out of rollout {name}; a rollout that has stopped goes on with `resume`");
    accepted(form, client.intervene(reason, Act::Skip(member(name, host))).await?, &what)
}

pub(crate) async fn takeover(client: &Client, form: Form, reason: String) -> Result<Exit, Failure> {
    let what = "this coordinator takes over: agents follow it from here on, and refuse whoever led them before";
    accepted(form, client.intervene(reason, Act::TakeOver(TakeoverDeclared {})).await?, what)
}

pub(crate) async fn unwaive(client: &Client, form: Form, user: String, reason: String) -> Result<Exit, Failure> {
    let what = format!("{user} is excepted no longer: the gate counts him again");
    accepted(form, client.intervene(reason, Act::Unwaive(user)).await?, &what)
}

pub(crate) async fn cancel(
    client: &Client,
    form: Form,
    goodlink: GoodLinkName,
    reason: String,
) -> Result<Exit, Failure> {
    let what = format!("GoodLink {goodlink} is not restarted after all, unless its users' wait is over");
    accepted(form, client.intervene(reason, Act::CancelRestart(goodlink.into())).await?, &what)
}

pub(crate) async fn restart(
    client: &Client,
    form: Form,
    goodlink: GoodLinkName,
    reason: String,
) -> Result<Exit, Failure> {
    let what = format!("GoodLink {goodlink} is restarted once its host and the limits allow");
    accepted(form, client.intervene(reason, Act::RestartGoodlink(goodlink.into())).await?, &what)
}
