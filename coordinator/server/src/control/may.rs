//! Which role may do what. A refusal names the certificate that is needed.
//!
//! An operator's yes would be worth nothing where he files the request himself: who acts does not approve, and who
//! approves does not act.

use crate::identity::{Identity, Role};
use sendgate_core::names::OperatorName;
use tonic::Status;

/// Views and the journal.
pub(super) fn look(identity: Identity) -> Result<OperatorName, Status> {
    match identity.role {
        Role::Viewer(name) | Role::Operator(name) | Role::Approver(name) => Ok(name),
        Role::Agent(_) => Err(Status::permission_denied(format!(
            "{identity} is an agent and may not look: it takes a certificate with sendgate:viewer:NAME"
        ))),
    }
}

/// Everything that changes something, but approvals.
pub(super) fn act(identity: Identity) -> Result<OperatorName, Status> {
    match identity.role {
        Role::Operator(name) => Ok(name),
        _ => Err(refused(&identity, "do this", "sendgate:operator:NAME")),
    }
}

/// Say yes.
pub(super) fn approve(identity: Identity) -> Result<OperatorName, Status> {
    match identity.role {
        Role::Approver(name) => Ok(name),
        _ => Err(refused(&identity, "approve", "sendgate:approver:NAME")),
    }
}

/// Take a yes back: that is never the dangerous side.
pub(super) fn revoke(identity: Identity) -> Result<OperatorName, Status> {
    match identity.role {
        Role::Operator(name) | Role::Approver(name) => Ok(name),
        _ => Err(refused(&identity, "revoke an approval", "sendgate:approver:NAME or sendgate:operator:NAME")),
    }
}

fn refused(identity: &Identity, what: &str, needed: &str) -> Status {
    Status::permission_denied(format!("{identity} may not {what}: it takes a certificate with {needed}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> OperatorName {
        "ada".parse().unwrap()
    }

    fn everybody() -> [Role; 4] {
        let agent = Role::Agent("exa1".parse().unwrap());
        [agent, Role::Viewer(name()), Role::Operator(name()), Role::Approver(name())]
    }

    /// For agent, viewer, operator and approver: whether they may.
    fn who(may: fn(Identity) -> Result<OperatorName, Status>) -> [bool; 4] {
        everybody().map(|role| may(Identity { role }).is_ok())
    }

    #[test]
    fn who_acts_does_not_approve_and_who_approves_does_not_act() {
        assert_eq!(who(look), [false, true, true, true]);
        assert_eq!(who(act), [false, false, true, false]);
        assert_eq!(who(approve), [false, false, false, true]);
        assert_eq!(who(revoke), [false, false, true, true]);
    }

    #[test]
    fn a_refusal_names_the_certificate_that_is_needed() {
        let text = |may: fn(Identity) -> Result<OperatorName, Status>, role| {
            may(Identity { role }).unwrap_err().message().to_owned()
        };
        assert_eq!(
            text(approve, Role::Operator(name())),
            "operator ada may not approve: it takes a certificate with sendgate:approver:NAME"
        );
        assert_eq!(
            text(act, Role::Approver(name())),
            "approver ada may not do this: it takes a certificate with sendgate:operator:NAME"
        );
        assert_eq!(
            text(revoke, Role::Viewer(name())),
            "viewer ada may not revoke an approval: it takes a certificate with sendgate:approver:NAME or \
             sendgate:operator:NAME"
        );
        assert_eq!(
            text(look, Role::Agent("exa1".parse().unwrap())),
            "agent exa1 is an agent and may not look: it takes a certificate with sendgate:viewer:NAME"
        );
    }
}
