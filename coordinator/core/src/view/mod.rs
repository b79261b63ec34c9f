//! What people are shown: the planner's own answers, arranged. The JSON form of these types is what the coordinator
//! sends and what `sendgate --output json` prints; the tables of the command are laid out from the same values.

mod account;
mod certificates;
mod coverage;
mod drift;
mod estate;
mod explain;
mod forecast;
mod gate;
mod grants;
mod rollout;
mod status;
mod stopped;
mod why;

pub use certificates::{CertificateLine, SPOKEN_OF};
pub use coverage::{CoverageView, PairLine, UserLine, coverage, mailbox_lines, mailboxes};
pub use drift::{Concerned, DriftLine};
pub use estate::{DomainLine, DomainsView, HostLine, HostsView, domains, hosts};
pub use explain::{ExplainView, ExplainedUser, Explanations, Propagation, explain, to_explain};
pub use forecast::{ForecastView, HostForecast, WaveForecast, forecast, forecast_of_file};
pub use gate::{CellView, GateState, GateView, ReasonLine, SubjectUnknown, gate, summary};
pub use grants::{
    AdviceLine, AdviceView, ApprovalLine, GrantLine, GrantsView, UndoLine, WaitingLine, YesLine, grants, not_known,
    proposed, undo_warning,
};
pub use rollout::{IntentLine, PlanView, RolloutHostLine, RolloutView, approvals, missing, plan, rollout};
pub use status::{BreachLine, HoldLine, PausedLine, RolloutLine, StatusView, WaiverLine, status};
pub use stopped::{revoked, still_stopped};
pub use why::{WhyUnknown, WhyView, why};
