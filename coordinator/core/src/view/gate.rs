//! `gate check`: one domain or one Exchange server.

use crate::gate::{self, Reason, World};
use crate::names::{DomainName, ExchangeServerName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The answer of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateState {
    /// Nothing speaks against it.
    Open,
    /// Something is wrong, or still to be waited for.
    Closed,
    /// Closed, and all that speaks against it is that something is not known.
    CannotTell,
}

impl GateState {
    /// Of a set of reasons.
    #[must_use]
    pub fn of(reasons: &BTreeSet<Reason>) -> Self {
        if reasons.is_empty() {
            Self::Open
        } else if reasons.iter().all(Reason::is_unknown) {
            Self::CannotTell
        } else {
            Self::Closed
        }
    }
}

impl fmt::Display for GateState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::CannotTell => "cannot tell",
        })
    }
}

/// A reason with its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonLine {
    /// For people.
    pub text: String,
    /// For programs.
    #[serde(flatten)]
    pub reason: Reason,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellView {
    /// The domain.
    pub domain: DomainName,
    /// The Exchange server.
    pub server: ExchangeServerName,
    /// Its state.
    pub state: GateState,
    /// Why, if it is not open.
    pub reasons: Vec<ReasonLine>,
}

/// A gate with its cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateView {
    /// The domain or Exchange server that was asked for.
    pub subject: String,
    /// Open when all cells are.
    pub state: GateState,
    /// All reasons of all cells, each once.
    pub reasons: Vec<ReasonLine>,
    /// The cells.
    pub cells: Vec<CellView>,
    /// Waits may have been shortened.
    pub laboratory: bool,
}

/// Reasons of one kind about more users than this are counted, and the first few users named.
const NAMED: usize = 3;

/// Reasons as lines for people: one for each, but users who share a verdict and its cause share a line, and so do those who
/// cannot be resolved, or whose mailboxes are not where they ought to be, for the same reason.
#[must_use]
pub fn summary(reasons: &[ReasonLine]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut groups: BTreeMap<String, Vec<(&str, &String)>> = BTreeMap::new();
    for ReasonLine { text, reason } in reasons {
        match reason {
            Reason::User { user, account, kind, cause, .. } => {
                let shared = format!("{} for {account}: {cause}", kind.predicate(true));
                groups.entry(shared).or_default().push((user.as_str(), text));
            }
            Reason::Unresolved { user, goodlink, why, .. } => {
                let shared = format!("of {goodlink} are unresolved: {why}");
                groups.entry(shared).or_default().push((user.as_str(), text));
            }
            Reason::HomeUnknown { user, why } => {
                let shared = format!("have mailboxes that cannot be placed: {why}");
                groups.entry(shared).or_default().push((user.as_str(), text));
            }
            Reason::HomeUndeclared { user, server, goodlink } => {
                let shared = format!(
                    "have their mailboxes on {server}, which {goodlink} is not declared to use: add it to the configuration"
                );
                groups.entry(shared).or_default().push((user.as_str(), text));
            }
            _ => lines.push(text.clone()),
        }
    }
    for (shared, users) in groups {
        if users.len() <= NAMED {
            lines.extend(users.into_iter().map(|(_, text)| text.clone()));
        } else {
            let named: Vec<_> = users.iter().take(NAMED).map(|(user, _)| *user).collect();
            let more = users.len() - NAMED;
            lines.push(format!("{} users {shared} ({} and {more} more)", users.len(), named.join(", ")));
        }
    }
    lines
}

/// Nothing of that name is configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is neither a configured domain nor a configured Exchange server; configured are {known}")]
pub struct SubjectUnknown {
    given: String,
    known: String,
}

/// The gate of a domain or an Exchange server.
///
/// # Errors
/// [`SubjectUnknown`] if it is neither.
pub fn gate(world: World<'_>, subject: &str) -> Result<GateView, SubjectUnknown> {
    let policy = world.policy;
    let domain = subject.parse().ok().filter(|domain: &DomainName| policy.domains.contains_key(domain));
    let server = subject.parse().ok().filter(|server: &ExchangeServerName| policy.exchange.contains_key(server));
    let (cells, all): (Vec<_>, BTreeSet<Reason>) = match (domain, server) {
        (Some(domain), _) => {
            let (cells, all) = of_domain(world, &domain);
            (cells.into_iter().map(|(server, reasons)| cell(domain.clone(), server, reasons)).collect(), all)
        }
        (None, Some(server)) => {
            let cells = gate::cells_of_server(world, &server).into_iter().map(|domain| {
                let reasons = gate::cell(world, &domain, &server);
                cell(domain, server.clone(), reasons)
            });
            (cells.collect(), gate::of_server(world, &server))
        }
        (None, None) => {
            let domains = policy.domains.keys().map(ToString::to_string);
            let known: Vec<_> = domains.chain(policy.exchange.keys().map(ToString::to_string)).collect();
            return Err(SubjectUnknown { given: subject.to_owned(), known: known.join(", ") });
        }
    };
    Ok(GateView {
        subject: subject.to_lowercase(),
        state: GateState::of(&all),
        reasons: lines(all),
        cells,
        laboratory: policy.laboratory,
    })
}

/// The cells of a domain, and all reasons of all of them: none, only where there is a cell and all are open.
pub(super) fn of_domain(
    world: World<'_>,
    domain: &DomainName,
) -> (BTreeMap<ExchangeServerName, BTreeSet<Reason>>, BTreeSet<Reason>) {
    let cells = gate::of_domain(world, domain);
    let nobody = cells.is_empty().then(|| Reason::NobodyIn { domain: domain.clone() });
    let all = cells.values().flatten().cloned().chain(nobody).collect();
    (cells, all)
}

fn cell(domain: DomainName, server: ExchangeServerName, reasons: BTreeSet<Reason>) -> CellView {
    CellView { domain, server, state: GateState::of(&reasons), reasons: lines(reasons) }
}

pub(super) fn lines(reasons: BTreeSet<Reason>) -> Vec<ReasonLine> {
    reasons.into_iter().map(|reason| ReasonLine { text: reason.to_string(), reason }).collect()
}
