//! Gates as lines: the same reasons that the planner has, those about users counted where they are many.

use sendgate_core::gate::Reason;
use sendgate_core::view::{GateState, GateView};
use std::collections::BTreeMap;

/// Reasons about so many users of one kind are told user by user; more are counted.
const TOLD: usize = 2;

/// One line for the gate's state, one for each reason.
pub(super) fn lines(gate: &GateView) -> String {
    let mut out = match gate.state {
        GateState::Open => format!("gate of {}: open", gate.subject),
        GateState::Closed => format!("gate of {}: closed", gate.subject),
        GateState::CannotTell => format!("gate of {}: closed, cannot tell", gate.subject),
    };
    let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for line in &gate.reasons {
        let group = match &line.reason {
            Reason::User { account, kind, cause, .. } => format!("are {kind} for {account}: {cause}"),
            _ => line.text.clone(),
        };
        groups.entry(group).or_default().push(&line.text);
    }
    for (group, texts) in groups {
        if texts.len() > TOLD {
            out.push_str(&format!("\n- {} users {group}", texts.len()));
        } else {
            texts.iter().for_each(|text| out.push_str(&format!("\n- {text}")));
        }
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
