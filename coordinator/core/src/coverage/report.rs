//! Who of a domain is covered, summed up by cause: what the numbers suggest, and a row for everybody.
//!
//! A [`Report`] holds everybody who has a mailbox: some 200 bytes for each, since users with equal evidence share their
//! verdicts. What is counted is a pair of user and service account.

use super::cause::{Cause, Warning};
use super::verdict::{Presence, Verdict, VerdictKind};
use crate::names::{AccountName, DirectoryName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whom a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The users of the rosters.
    Roster,
    /// Everybody who has a mailbox.
    Mailboxes,
}

/// Counts of pairs, by verdict and cause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    all: usize,
    judged: usize,
    covered: usize,
    groups: BTreeMap<String, usize>,
    themes: BTreeMap<&'static str, usize>,
    warnings: BTreeMap<String, usize>,
}

/// What a report says of a cause in one or two words.
#[must_use]
pub fn theme(cause: &Cause) -> &'static str {
    match cause {
        Cause::Granted => "granted",
        Cause::NoEntry => NO_ENTRY,
        Cause::InheritanceBlocked { .. } => "blocked inheritance",
        Cause::NotForClass { .. } => "entries for another class",
        Cause::UncertainGroup { .. } => "uncertain groups",
        Cause::Conditional { .. } => "conditions",
        Cause::FormerAccount { .. } => "an account that was made again",
        Cause::Protected { .. } => "protected accounts",
        Cause::StaleAdminCount => "stale adminCount",
        Cause::DeniedByEntry => "denies",
        Cause::NullDacl => "null lists",
        Cause::NotShown => "descriptors that are not shown",
        Cause::NotUnderstood { .. } => "answers that are not understood",
        Cause::ServerFailed { .. } => "servers without evidence",
        Cause::NotFound => "names that are not found",
        Cause::Ambiguous { .. } => "ambiguous names",
        Cause::TokenUnknown { .. } => "a service account that is not known",
        Cause::Linked { .. } => "linked mailboxes",
        Cause::Disabled => "disabled accounts",
        Cause::NoMailbox => "users without a mailbox",
        Cause::ServersDiffer { .. } => "replication",
    }
}

/// The theme that says that nobody was granted anything.
const NO_ENTRY: &str = "no entry";

impl Summary {
    /// Counts a pair.
    pub fn count(&mut self, kind: VerdictKind, cause: &Cause) {
        let group = if kind == VerdictKind::Covered { kind.to_string() } else { format!("{kind}: {cause}") };
        self.add(kind, group, theme(cause));
    }

    /// Counts a pair with what deserves a look though the right is there.
    pub fn count_verdict(&mut self, verdict: &Verdict) {
        self.count(verdict.kind, &verdict.cause);
        for warning in verdict.warnings() {
            *self.warnings.entry(warning.to_string()).or_insert(0) += 1;
        }
    }

    /// Counts somebody who was not judged: not found, or not looked at.
    pub fn count_unjudged(&mut self, kind: VerdictKind, why: &str) {
        self.add(kind, format!("{kind}: {why}"), "users who could not be judged");
    }

    fn add(&mut self, kind: VerdictKind, group: String, theme: &'static str) {
        self.all += 1;
        self.judged += usize::from(!matches!(kind, VerdictKind::Unreadable | VerdictKind::Unresolved));
        if kind == VerdictKind::Covered {
            self.covered += 1;
        } else {
            *self.themes.entry(theme).or_insert(0) += 1;
        }
        *self.groups.entry(group).or_insert(0) += 1;
    }

    /// How many by verdict and cause.
    #[must_use]
    pub fn groups(&self) -> &BTreeMap<String, usize> {
        &self.groups
    }

    /// How many by warning.
    #[must_use]
    pub fn warnings(&self) -> &BTreeMap<String, usize> {
        &self.warnings
    }

    /// What the numbers suggest: where nobody is covered the grant is missing; where some are not, their causes are told.
    /// `whole` says that nobody can be missing in them: else nothing is said of everybody.
    #[must_use]
    pub fn triage(&self, scope: Scope, whole: bool) -> String {
        let who = match scope {
            Scope::Roster => "roster user",
            Scope::Mailboxes => "user with a mailbox",
        };
        let Self { all, judged, covered, .. } = self;
        if *all == 0 {
            return format!("no {who} is known in this domain: that is missing evidence, not coverage");
        }
        if *judged == 0 {
            return format!("no {who} could be judged: that is missing evidence, not coverage");
        }
        if covered == all {
            let look: usize = self.warnings.values().sum();
            let warned = if look == 0 { String::new() } else { format!("; {look} in a way that deserves a look") };
            if !whole {
                return format!("{all} {who}s are covered{warned}; whether that is everybody is not known");
            }
            return format!("every {who} is covered{warned}");
        }
        let rest = if whole { "" } else { "; whether that is everybody is not known" };
        let missing = *covered == 0 && self.themes.contains_key(NO_ENTRY);
        let mut themes: Vec<_> = self.themes.iter().filter(|(theme, _)| !missing || **theme != NO_ENTRY).collect();
        themes.sort_by_key(|(theme, count)| (std::cmp::Reverse(**count), **theme));
        let themes: Vec<_> = themes.into_iter().map(|(theme, count)| format!("{theme} ({count})")).collect();
        match (missing, themes.is_empty()) {
            (true, true) => format!("nobody is covered: the grant is missing{rest}"),
            (true, false) => {
                format!("nobody is covered: the grant is missing; beside that: {}{rest}", themes.join(", "))
            }
            (false, _) => format!("{} of {all} are not covered: {}{rest}", all - covered, themes.join(", ")),
        }
    }
}

/// Everybody who has a mailbox in a domain, judged.
#[derive(Debug, Clone, Default)]
pub struct Report {
    rows: Vec<Row>,
}

/// One user of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// How the directory knows him.
    pub name: DirectoryName,
    /// What is true of him.
    pub standing: Standing,
}

/// What is true of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Judged for each service account that serves the domain.
    Judged {
        /// Where he is; as text, since nobody compares it.
        dn: Box<str>,
        /// The same object on every server.
        guid: crate::guid::Guid,
        /// The verdicts.
        verdicts: Arc<BTreeMap<AccountName, Arc<Verdict>>>,
    },
    /// Not one object, or not read.
    Not {
        /// Unresolved or unreadable.
        kind: VerdictKind,
        /// Why.
        why: String,
    },
}

impl Report {
    /// Takes in one user.
    pub fn take(&mut self, name: DirectoryName, presence: Presence) {
        let standing = match presence {
            Presence::Here(here) => {
                Standing::Judged { dn: here.dn.as_str().into(), guid: here.guid, verdicts: here.verdicts }
            }
            Presence::Absent => Standing::Not { kind: VerdictKind::Unresolved, why: Cause::NotFound.to_string() },
            Presence::Ambiguous(dns) => {
                Standing::Not { kind: VerdictKind::Unresolved, why: Cause::Ambiguous { dns }.to_string() }
            }
            Presence::Unknown(why) => Standing::Not { kind: VerdictKind::Unreadable, why },
        };
        self.rows.push(Row { name, standing });
    }

    /// Puts the users in the order of their names, whatever order they were read in.
    pub fn sort(&mut self) {
        self.rows.sort_by(|one, other| (&one.name, one.dn()).cmp(&(&other.name, other.dn())));
    }

    /// The users.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Counts every pair.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for row in &self.rows {
            match &row.standing {
                Standing::Judged { verdicts, .. } => {
                    verdicts.values().for_each(|verdict| summary.count_verdict(verdict))
                }
                Standing::Not { kind, why } => summary.count_unjudged(*kind, why),
            }
        }
        summary
    }
}

impl Row {
    fn dn(&self) -> &str {
        match &self.standing {
            Standing::Judged { dn, .. } => dn,
            Standing::Not { .. } => "",
        }
    }
}

/// The entry that decided, on the first server that shows what the verdict says: where it is, where it comes from.
#[must_use]
pub fn evidence(verdict: &Verdict) -> Option<String> {
    let mut shown = verdict.servers.iter().filter(|(_, seen)| seen.kind == verdict.kind);
    let (server, entry) = shown.find_map(|(server, seen)| Some((server, seen.deciding.as_ref()?)))?;
    let origin = match (entry.inherited, &entry.from) {
        (false, _) => "his own".to_owned(),
        (true, Some(from)) => format!("inherited from {from}"),
        (true, None) => "inherited".to_owned(),
    };
    Some(format!("entry {} on {server}, {origin}: {}", entry.index, entry.sddl))
}

/// What deserves a look though the right is there, as one text; none where nothing does.
#[must_use]
pub fn warning(verdict: &Verdict) -> Option<String> {
    let all: Vec<_> = verdict.warnings().map(Warning::to_string).collect();
    (!all.is_empty()).then(|| all.join("; "))
}
