//! `grants`: what is proposed, what was made, what was approved, and what waits for an approval.

use super::account::other_accounts;
use super::rollout::{IntentLine, intent_line};
use crate::coverage::advice::{self, Advice};
use crate::coverage::placement::PlannedGrant;
use crate::coverage::verdict::Presence;
use crate::coverage::{Cause, UserPicture, Verdict, VerdictKind};
use crate::gate::{self, World};
use crate::guid::Guid;
use crate::ledger::{Effect, Sequence, Subject};
use crate::names::{AccountName, DirectoryName, DomainName, OperatorName};
use crate::plan::{self, grants::Wanted};
use crate::policy::GrantMode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Grants and what stands between them and the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantsView {
    /// By the last survey of each domain.
    pub proposed: Vec<GrantLine>,
    /// Domains of whose roster users something is not known, with what: more may be missing there than is proposed.
    pub not_known: BTreeMap<DomainName, Vec<String>>,
    /// What needs a person's yes before anything is proposed.
    pub waiting: Vec<WaitingLine>,
    /// How many more things wait for a yes than are listed.
    pub waiting_more: usize,
    /// What people have said yes to.
    pub approved: Vec<ApprovalLine>,
    /// Entries of ours that people want away.
    pub undone: Vec<UndoLine>,
    /// In the journal.
    pub journaled: Vec<IntentLine>,
}

/// A proposed grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantLine {
    /// What.
    pub grant: String,
    /// Whether it is written or left to the directory team.
    pub mode: GrantMode,
    /// What the directory team would run; `grants advise` has the LDIF as well.
    pub advice: Advice,
}

/// Something that waits for a person's yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingLine {
    /// What.
    pub subject: String,
    /// How many roster users it would help.
    pub users: usize,
    /// One of them.
    pub example: DirectoryName,
    /// What each of them is now.
    pub now: String,
    /// What else would help, and what a yes means.
    pub choice: String,
    /// How the yes is said.
    pub command: String,
}

/// Something that people have said yes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalLine {
    /// What.
    pub subject: String,
    /// Each person.
    pub by: Vec<YesLine>,
}

/// A person's yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct YesLine {
    /// Who.
    pub by: OperatorName,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// An entry of ours that a person wants away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoLine {
    /// The number of the grant.
    pub grant: Sequence,
    /// What it was.
    pub effect: String,
    /// Who.
    pub by: OperatorName,
    /// Why.
    pub reason: String,
    /// Whether the entry is gone.
    pub done: bool,
}

/// What a directory team would run to carry out every proposed grant of a domain, from what its places show now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdviceView {
    /// The domain.
    pub domain: DomainName,
    /// What is not known of its roster users: more may be missing than is proposed.
    pub not_known: Vec<String>,
    /// One for each.
    pub grants: Vec<AdviceLine>,
}

/// One proposed grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdviceLine {
    /// What.
    pub grant: String,
    /// For each tool.
    pub advice: Advice,
    /// Why there is no LDIF, where there is none.
    pub no_ldif: Option<String>,
}

/// Lines of what waits for an approval; the others are counted.
const WAITING_LINES: usize = 100;

/// Grants and what stands between them and the directory.
#[must_use]
pub fn grants(world: World<'_>) -> GrantsView {
    let proposed = world.estate.domains.keys().flat_map(|domain| {
        let mode = world.policy.domains.get(domain).map(|domain| domain.grants);
        proposed(world, domain).filter_map(move |grant| {
            Some(GrantLine {
                grant: Effect::Grant(grant.clone()).to_string(),
                mode: mode?,
                advice: advice::advice(grant, None),
            })
        })
    });
    let approved = world.ledger.approvals.iter().map(|(subject, approval)| ApprovalLine {
        subject: subject.text(approval.called.as_ref()),
        by: approval
            .given
            .iter()
            .map(|(by, yes)| YesLine { by: by.clone(), reason: yes.reason.clone(), at: yes.at.wall })
            .collect(),
    });
    let undone = world.ledger.undone.values().filter_map(|undo| {
        let effect = world.ledger.intents.get(&undo.grant)?.effect.to_string();
        let (by, reason) = (undo.by.clone(), undo.reason.clone());
        Some(UndoLine { grant: undo.grant, effect, by, reason, done: undo.is_done() })
    });
    let journaled = world.ledger.intents.iter().filter(|(_, intent)| intent.effect.place().is_some());
    let unknown = world.policy.domains.keys().map(|domain| (domain.clone(), not_known(world, domain)));
    let (waiting, waiting_more) = waiting(world);
    GrantsView {
        proposed: proposed.collect(),
        not_known: unknown.filter(|(_, reasons)| !reasons.is_empty()).collect(),
        waiting,
        waiting_more,
        approved: approved.collect(),
        undone: undone.collect(),
        journaled: journaled.map(|(id, intent)| intent_line(*id, intent)).collect(),
    }
}

/// What is not known of a domain's roster users, in words.
pub fn not_known(world: World<'_>, domain: &DomainName) -> Vec<String> {
    gate::not_known(world, domain).iter().map(ToString::to_string).collect()
}

/// What would cover missing users of a domain. What somebody has undone is not proposed again until he allows it.
pub fn proposed<'a>(world: World<'a>, domain: &DomainName) -> impl Iterator<Item = &'a PlannedGrant> + use<'a> {
    let known = world.estate.domains.get_key_value(domain);
    let grants = known.into_iter().flat_map(move |(domain, picture)| Wanted::of(world, domain, picture).grants);
    grants.filter(move |grant| !world.ledger.undone.contains_key(&grant.entry()))
}

/// Users whom an approval would help.
struct Waiting {
    users: usize,
    example: DirectoryName,
    now: String,
}

/// The first of those who wait, and how many more there are.
fn waiting(world: World<'_>) -> (Vec<WaitingLine>, usize) {
    let mut found: BTreeMap<Subject, Waiting> = BTreeMap::new();
    let mut more: BTreeSet<Subject> = BTreeSet::new();
    for (domain, picture) in &world.estate.domains {
        let concerned = concerned(world, domain);
        for (user, presence) in &picture.users {
            let Presence::Here(here) = presence else { continue };
            for (account, verdict) in here.verdicts.iter() {
                let Some(subject) = helped_by(domain, account, here, verdict) else { continue };
                if !concerned.contains(&(user, account)) {
                    continue;
                }
                if world.ledger.approved(&subject) {
                    continue;
                }
                if found.len() >= WAITING_LINES && !found.contains_key(&subject) {
                    more.insert(subject);
                    continue;
                }
                let now = || format!("{}: {}", verdict.kind, verdict.cause);
                let new = || Waiting { users: 0, example: user.clone(), now: now() };
                found.entry(subject).or_insert_with(new).users += 1;
            }
        }
    }
    let line = |(subject, Waiting { users, example, now }): (Subject, Waiting)| WaitingLine {
        choice: choice(&subject),
        command: command(&subject, &example),
        subject: subject.text(Some(&example)),
        users,
        example,
        now,
    };
    (found.into_iter().map(line).collect(), more.len())
}

/// Roster users with the account that is to have the right on them.
fn concerned<'a>(world: World<'a>, domain: &'a DomainName) -> BTreeSet<(&'a DirectoryName, &'a AccountName)> {
    let pairs = world.policy.goodlink_in(domain).flat_map(|(name, goodlink)| {
        let users = world.estate.rosters.get(name).into_iter().flat_map(|roster| roster.users.values());
        users.map(|user| (user, &goodlink.service_account))
    });
    pairs.collect()
}

/// What an approval would have to be about for a grant to help the pair.
fn helped_by(domain: &DomainName, account: &AccountName, here: &UserPicture, verdict: &Verdict) -> Option<Subject> {
    match (verdict.kind, &verdict.cause) {
        (VerdictKind::Missing | VerdictKind::Perishable, Cause::Protected { .. }) => {
            Some(Subject::AdminSdHolder { domain: domain.clone(), account: account.clone() })
        }
        // A deny of his own stands before whatever we may write.
        (VerdictKind::Denied, Cause::DeniedByEntry) if !denied_by_his_own(verdict) => Some(over(here.guid, account)),
        _ => None,
    }
}

fn over(user: Guid, account: &AccountName) -> Subject {
    Subject::Override { user, account: account.clone() }
}

fn denied_by_his_own(verdict: &Verdict) -> bool {
    let denied = verdict.servers.values().filter(|server| server.kind == VerdictKind::Denied);
    denied.filter_map(|server| server.deciding.as_ref()).any(|entry| !entry.inherited)
}

fn choice(subject: &Subject) -> String {
    match subject {
        Subject::AdminSdHolder { domain, account } => format!(
            "take each user out of the protected group, or waive him, or let {account} send as every administrator of \
             {domain}:"
        ),
        Subject::Override { .. } => {
            "ask whoever denied it to take the deny away, or waive the user, or override that decision for him:"
                .to_owned()
        }
        Subject::Rollout { rollout } => format!("approve rollout {rollout}:"),
    }
}

fn command(subject: &Subject, example: &DirectoryName) -> String {
    match subject {
        Subject::AdminSdHolder { domain, account } => {
            format!("sendgate approve adminsdholder {domain} {account} --reason WHY")
        }
        Subject::Override { account, .. } => format!("sendgate approve override {example} {account} --reason WHY"),
        Subject::Rollout { rollout } => format!("sendgate approve rollout {rollout} DIGEST --reason WHY"),
    }
}

/// What an undo would do to roster users, by the last survey, and what is not known of that; nothing if there is no such
/// grant.
#[must_use]
pub fn undo_warning(world: World<'_>, grant: u64) -> Option<String> {
    let entry = world.ledger.intents.get(&Sequence::new(grant)?)?.effect.entry()?;
    let users = plan::grants::uncovers(world, &entry);
    let mut unknown = not_known(world, &entry.domain);
    // Nobody is judged for the account that such a service sends as, and it may be the very one whose entry goes.
    unknown.extend(other_accounts(world, &entry.domain).iter().map(ToString::to_string));
    let unknown = unknown.join("; ");
    let Some(first) = users.first() else {
        return Some(match unknown.is_empty() {
            true => "by the last survey no roster user has the right through this entry".to_owned(),
            false => format!("whom it uncovers is not known: {unknown}"),
        });
    };
    let others = match users.len() {
        1 => String::new(),
        more => format!(" and {} more", more - 1),
    };
    let whom = match unknown.is_empty() {
        true => format!("up to {} roster users may lose the right with this entry ({first}{others})", users.len()),
        false => format!(
            "{} roster users may lose the right with this entry ({first}{others}), and whom else it uncovers is not known \
             ({unknown})",
            users.len()
        ),
    };
    Some(format!(
        "{whom}: they close the gates of their mailboxes, and where the hotfix is installed GoodLink will pause them"
    ))
}
