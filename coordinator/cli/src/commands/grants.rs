//! Approvals, undo and redo, and what a directory team would run.

use super::requests::accepted;
use super::views;
use crate::args::{Approvable, Entry, Revocable};
use crate::connection::Client;
use crate::errors::{Exit, Failure};
use crate::output::{self, Form};
use crate::tables;
use sendgate_core::names::DomainName;
use sendgate_core::view::AdviceView;
use sendgate_proto::v1::approval_request::Subject as Wire;
use sendgate_proto::v1::{AdminSdHolder, ApprovalRequest, DenyOverride, GrantAdviceRequest, GrantRequest, RolloutForm};

pub(crate) async fn advise(client: &Client, form: Form, domain: DomainName) -> Result<Exit, Failure> {
    let json = client.grant_advice(GrantAdviceRequest { domain: domain.into() }).await?;
    match form {
        Form::Json => output::json(&views::read("advice", &json)?)?,
        _ => output::text(&tables::grants::advice(&views::read::<AdviceView>("advice", &json)?))?,
    }
    Ok(Exit::Good)
}

pub(crate) async fn undo(client: &Client, form: Form, grant: u64, reason: String) -> Result<Exit, Failure> {
    let what = format!("the entry of grant {grant} is taken away, and stays away until `sendgate grants redo {grant}`");
    accepted(form, client.grant_undo(GrantRequest { grant, reason }).await?, &what)
}

pub(crate) async fn redo(client: &Client, form: Form, grant: u64, reason: String) -> Result<Exit, Failure> {
    let what = format!("the entry of grant {grant} is planned again where somebody needs it");
    accepted(form, client.grant_redo(GrantRequest { grant, reason }).await?, &what)
}

/// The entry, its name for people, and why.
fn entry(entry: Entry) -> (Wire, String, String) {
    match entry {
        Entry::Adminsdholder { domain, account, reason } => {
            let what = format!("an entry for {account} on AdminSDHolder of {domain}");
            (Wire::AdminSdHolder(AdminSdHolder { domain: domain.into(), account }), what, reason)
        }
        Entry::Override { user, account, reason } => {
            let what = format!("overriding the inherited deny for {user} and {account}");
            (Wire::DenyOverride(DenyOverride { user, account }), what, reason)
        }
    }
}

/// Whether one yes to a rollout is enough, the answer says.
pub(crate) async fn approve(client: &Client, form: Form, subject: Approvable) -> Result<Exit, Failure> {
    let (subject, what, reason) = match subject {
        Approvable::Entry(wanted) => {
            let (subject, what, reason) = entry(wanted);
            (subject, format!("{what} is approved"), reason)
        }
        Approvable::Rollout { name, digest, reason } => {
            let what = format!("your approval of rollout {name}");
            (Wire::RolloutForm(RolloutForm { rollout: name.into(), digest }), what, reason)
        }
    };
    accepted(form, client.approve(ApprovalRequest { subject: Some(subject), reason }).await?, &what)
}

pub(crate) async fn revoke(client: &Client, form: Form, subject: Revocable) -> Result<Exit, Failure> {
    let (subject, what, reason) = match subject {
        Revocable::Entry(wanted) => entry(wanted),
        Revocable::Rollout { name, reason } => {
            let what = format!("rollout {name}");
            (Wire::Rollout(name.into()), what, reason)
        }
    };
    let answer = client.revoke(ApprovalRequest { subject: Some(subject), reason }).await?;
    accepted(form, answer, &format!("{what} is approved no more"))
}
