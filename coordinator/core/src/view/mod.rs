//! What people are shown: the planner's own answers, arranged. The JSON form of these types is what the coordinator
//! sends and what `sendgate --output json` prints; the tables of the command are laid out from the same values.

mod coverage;
mod estate;
mod gate;
mod rollout;
mod status;

pub use coverage::{CoverageView, ExplainView, ExplainedUser, PairLine, UserLine, coverage, explain};
pub use estate::{DomainLine, DomainsView, HostLine, HostsView, domains, hosts};
pub use gate::{CellView, GateState, GateView, ReasonLine, SubjectUnknown, gate, summary};
pub use rollout::{GrantLine, GrantsView, IntentLine, PlanView, RolloutHostLine, RolloutView, grants, plan, rollout};
pub use status::{BreachLine, PausedLine, RolloutLine, StatusView, WaiverLine, status};
