//! `explain USER`: from the roster entry to what would cover him.

use super::account::other_account;
use super::coverage::{PairLine, pair_line, standing};
use crate::coverage::explain::{AccountExplained, Explanation, Found, Remedy};
use crate::coverage::{Verdict, VerdictKind};
use crate::gate::{Resolution, World, resolve};
use crate::ledger::Waiver;
use crate::names::{AccountName, DirectoryName, DomainName, GoodLinkName, RosterName};
use crate::plan::diagnosis::{Diagnosis, Examiner};
use crate::plan::remedy;
use crate::policy::GoodLinkPolicy;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Everything that is known of one user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainView {
    /// What was asked for.
    pub asked: String,
    /// Every roster entry that matches; none: nobody of that name is on a roster.
    pub users: Vec<ExplainedUser>,
}

/// One roster entry, followed to its verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainedUser {
    /// On the roster.
    pub user: RosterName,
    /// In the directory.
    pub directory_name: DirectoryName,
    /// Whose roster.
    pub goodlink: GoodLinkName,
    /// For which account: the one that his GoodLink server is declared to send as.
    pub account: AccountName,
    /// What its service was last reported to log on with, where that is not the declared account.
    pub reported_account: Option<String>,
    /// Where he was found, or why he was not.
    pub resolution: String,
    /// His domain, once he is found in one.
    pub domain: Option<DomainName>,
    /// Where his mailbox is.
    pub home: Option<String>,
    /// The verdict that counts at the gate, with the evidence of every server.
    pub verdict: Option<Arc<Verdict>>,
    /// The verdict's word, also where he was not judged: the one that `coverage` has for him.
    pub kind: VerdictKind,
    /// Why, as `coverage` has it.
    pub cause: String,
    /// The verdict and its cause in one sentence.
    pub sentence: String,
    /// What each domain that he may be in shows, or why that is not known.
    pub domains: BTreeMap<DomainName, Result<Explanation, String>>,
    /// When the propagator will have overwritten his descriptor, at the latest; none where nothing protects him.
    pub propagation: Option<Propagation>,
    /// What would cover him: the first is the smallest change, the others may be chosen instead.
    pub remedies: Vec<Remedy>,
    /// How far waiting is.
    pub pair: PairLine,
    /// The waiver that excepts him.
    pub waiver: Option<Waiver>,
    /// What GoodLink says of him: not paused, paused and how far his recovery is, or why that is not known.
    pub paused: String,
    /// Why he is paused, suspect by suspect; none while he is not, or while that is not known.
    pub diagnosis: Option<Diagnosis>,
}

/// When the propagator of AdminSDHolder has passed, at the latest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Propagation {
    /// By the coordinator's clock.
    pub at: Timestamp,
    /// How long until then; zero: it should have passed.
    pub within: Duration,
    /// The longest time between two passes.
    pub interval: Duration,
}

/// What was read of each name in each domain, or why nothing was.
pub type Explanations = BTreeMap<(DomainName, DirectoryName), Result<Explanation, String>>;

/// Roster entries of that roster name or directory name.
fn entries<'a>(
    world: World<'a>,
    asked: &str,
) -> Vec<(&'a GoodLinkName, &'a GoodLinkPolicy, &'a RosterName, &'a DirectoryName)> {
    let wanted = asked.trim().to_lowercase();
    let mut entries = Vec::new();
    for (name, goodlink) in &world.policy.goodlink {
        let users = world.estate.rosters.get(name).into_iter().flat_map(|roster| &roster.users);
        let fits = users.filter(|(user, directory)| user.as_str() == wanted || directory.as_str() == wanted);
        entries.extend(fits.map(|(user, directory)| (name, goodlink, user, directory)));
    }
    entries
}

/// The names that are to be explained in each domain, for a user by roster name or directory name.
#[must_use]
pub fn to_explain(world: World<'_>, asked: &str) -> BTreeMap<DomainName, BTreeSet<DirectoryName>> {
    let mut names: BTreeMap<DomainName, BTreeSet<DirectoryName>> = BTreeMap::new();
    for (_, goodlink, _, directory_name) in entries(world, asked) {
        for domain in &goodlink.domains {
            names.entry(domain.clone()).or_default().insert(directory_name.clone());
        }
    }
    names
}

/// Everything that is known of one user, by roster name or directory name.
#[must_use]
pub fn explain(world: World<'_>, asked: &str, explanations: &Explanations) -> ExplainView {
    let users = entries(world, asked).into_iter().map(|entry| user(world, entry, explanations));
    ExplainView { asked: asked.to_owned(), users: users.collect() }
}

fn user(
    world: World<'_>,
    (name, goodlink, user, directory_name): (&GoodLinkName, &GoodLinkPolicy, &RosterName, &DirectoryName),
    explanations: &Explanations,
) -> ExplainedUser {
    let account = &goodlink.service_account;
    let found = resolve(world, goodlink, directory_name);
    let standing = standing(&found, account);
    let (resolution, domain, picture) = match found {
        Resolution::Here(domain, picture) => (picture.dn.to_string(), Some(domain), Some(picture)),
        Resolution::Not(why) | Resolution::Several(why) | Resolution::Unknown(why) => (why, None, None),
    };
    let (kind, cause, verdict) = match standing {
        Ok(verdict) => (verdict.kind, verdict.cause.to_string(), Some(Arc::clone(verdict))),
        Err((kind, why)) => (kind, why, None),
    };
    let of = if verdict.is_some() { format!(" for {account}") } else { String::new() };
    let sentence = format!("{user} {}{of}: {cause}", kind.predicate(false));
    // Of the domain that he is in; of all that he may be in where that is not one.
    let concerned = goodlink.domains.iter().filter(|here| domain.is_none_or(|domain| domain == *here));
    let domains: BTreeMap<_, _> = concerned
        .map(|domain| {
            let known = explanations.get(&(domain.clone(), directory_name.clone())).cloned();
            let explained = known.unwrap_or_else(|| Err("it was not asked for in the present reading".to_owned()));
            (domain.clone(), explained.map(|explained| of_account(explained, account)))
        })
        .collect();
    let paused = match remedy::paused(world, name, None) {
        Err(why) => format!("not known: {why}"),
        Ok(paused) => paused.iter().find(|paused| paused.user == user).map_or_else(
            || "not paused by the Send As error".to_owned(),
            |paused| format!("paused, {}", paused.recovery),
        ),
    };
    ExplainedUser {
        user: user.clone(),
        directory_name: directory_name.clone(),
        goodlink: name.clone(),
        account: account.clone(),
        reported_account: other_account(world, goodlink).map(str::to_owned),
        resolution,
        home: picture.map(|picture| picture.home.to_string()),
        kind,
        cause,
        verdict,
        sentence,
        propagation: domain.as_ref().and_then(|domain| propagation(world, domain, domains.get(domain)?.as_ref().ok()?)),
        remedies: remedies(&domains),
        domain: domain.cloned(),
        domains,
        pair: picture.map_or(PairLine::Nothing, |picture| pair_line(world, picture.guid, Some(name), account)),
        waiver: world.ledger.waiver(directory_name, world.now).cloned(),
        paused,
        diagnosis: Examiner::new(world, name).ok().and_then(|examiner| examiner.of(user)),
    }
}

/// The part of an explanation that concerns one account.
fn of_account(mut explanation: Explanation, account: &AccountName) -> Explanation {
    explanation.accounts.retain(|explained| explained.account == *account);
    explanation
}

/// Where he is one object: what covers it. Where he is none: what a domain that did not answer needs, else the roster's
/// correction. Each once.
fn remedies(domains: &BTreeMap<DomainName, Result<Explanation, String>>) -> Vec<Remedy> {
    let known: Vec<&Explanation> = domains.values().flatten().collect();
    let silent = known.iter().any(|explanation| matches!(explanation.found, Found::Unknown { .. }));
    let mut remedies: Vec<Remedy> = Vec::new();
    for explanation in known {
        let of_accounts = explanation.accounts.iter().flat_map(|account| &account.remedies);
        let absent = matches!(explanation.found, Found::Absent);
        for remedy in of_accounts.chain(explanation.remedies.iter().filter(|_| !(silent && absent))) {
            if !remedies.contains(remedy) {
                remedies.push(remedy.clone());
            }
        }
    }
    remedies
}

/// When a protected user's descriptor will have been overwritten; none where no server shows a protection.
fn propagation(world: World<'_>, domain: &DomainName, explanation: &Explanation) -> Option<Propagation> {
    let protects = |account: &AccountExplained| account.trails.iter().any(|trail| trail.shows.protection.is_some());
    explanation.accounts.iter().find(|account| protects(account))?;
    let picture = world.estate.domains.get(domain)?;
    let interval = world.policy.domains.get(domain)?.protection.interval;
    let within = (picture.as_of() + interval).since(world.now.steady);
    let at = world.now.wall.checked_add(SignedDuration::try_from(within).ok()?).ok()?;
    Some(Propagation { at, within, interval })
}

impl ExplainedUser {
    /// Whether the directory has changed since the verdict that counts at the gate was formed.
    #[must_use]
    pub fn moved_on(&self) -> bool {
        let present = self.domain.as_ref().and_then(|domain| self.domains.get(domain)?.as_ref().ok());
        let present = present.and_then(|explanation| explanation.accounts.first()).map(|account| &account.verdict);
        match (&self.verdict, present) {
            (Some(verdict), Some(present)) => (verdict.kind, &verdict.cause) != (present.kind, &present.cause),
            _ => false,
        }
    }

    /// Whether he is covered, as the gate sees it.
    #[must_use]
    pub fn covered(&self) -> bool {
        self.verdict.as_ref().is_some_and(|verdict| verdict.kind == VerdictKind::Covered)
    }
}
