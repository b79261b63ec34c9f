//! Approvals, undo and redo, and what a directory team would run.

use super::requests::accepted;
use super::views;
use crate::args::Subject;
use crate::connection::Client;
use crate::errors::{Exit, Failure};
use crate::output::{self, Form};
use crate::tables;
use sendgate_core::names::DomainName;
use sendgate_core::view::AdviceView;
use sendgate_proto::v1::approval_request::Subject as Wire;
use sendgate_proto::v1::{AdminSdHolder, ApprovalRequest, DenyOverride, GrantAdviceRequest, GrantRequest};

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

/// The request, and what it is about in words.
fn request(subject: Subject) -> (ApprovalRequest, String) {
    match subject {
        Subject::Adminsdholder { domain, account, reason } => {
            let what = format!("an entry for {account} on AdminSDHolder of {domain}");
            let subject = Wire::AdminSdHolder(AdminSdHolder { domain: domain.into(), account });
            (ApprovalRequest { subject: Some(subject), reason }, what)
        }
        Subject::Rollout { name, reason } => {
            let what = format!("rollout {name}");
            (ApprovalRequest { subject: Some(Wire::Rollout(name.into())), reason }, what)
        }
        Subject::Override { user, account, reason } => {
            let what = format!("overriding the inherited deny for {user} and {account}");
            let subject = Wire::DenyOverride(DenyOverride { user, account });
            (ApprovalRequest { subject: Some(subject), reason }, what)
        }
    }
}

pub(crate) async fn approve(client: &Client, form: Form, subject: Subject) -> Result<Exit, Failure> {
    let (request, what) = request(subject);
    accepted(form, client.approve(request).await?, &format!("{what} is approved"))
}

pub(crate) async fn revoke(client: &Client, form: Form, subject: Subject) -> Result<Exit, Failure> {
    let (request, what) = request(subject);
    accepted(form, client.revoke(request).await?, &format!("{what} is approved no more"))
}
