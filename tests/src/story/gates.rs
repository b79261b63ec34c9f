//! Gates as lines: the same reasons that the planner has, as the operator's command sums them up.

use sendgate_core::gate::Reason;
use sendgate_core::view::{GateState, GateView, summary};

/// One line for the gate's state, one for each reason.
pub(super) fn lines(gate: &GateView) -> String {
    let mut out = match gate.state {
        GateState::Open => format!("gate of {}: open", gate.subject),
        GateState::Closed => format!("gate of {}: closed", gate.subject),
        GateState::CannotTell => format!("gate of {}: closed, cannot tell", gate.subject),
    };
    for line in summary(&gate.reasons) {
        out.push_str(&format!("\n- {line}"));
    }
    out
}

/// The users that close the gate, if nothing else does.
pub(super) fn only_users(gate: &GateView) -> Option<Vec<String>> {
    let user = |reason: &Reason| match reason {
        Reason::User { user, .. } => Some(user.to_string()),
        _ => None,
    };
    let mut users: Vec<String> = gate.reasons.iter().map(|line| user(&line.reason)).collect::<Option<_>>()?;
    users.sort();
    users.dedup();
    (!users.is_empty()).then_some(users)
}
