//! `coverage DOMAIN` and `explain USER`.

use crate::coverage::Verdict;
use crate::gate::{Resolution, World, resolve, subjects};
use crate::guid::Guid;
use crate::ledger::{Pair, PairState};
use crate::names::{AccountName, DirectoryName, DomainName, GoodLinkName, RosterName};
use crate::plan::remedy;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Who of a domain is covered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageView {
    /// The domain.
    pub domain: DomainName,
    /// Age of the evidence; none before the first survey, and then there are no users either.
    pub age: Option<Duration>,
    /// How many users by verdict and cause.
    pub groups: BTreeMap<String, usize>,
    /// What the numbers suggest.
    pub triage: String,
    /// Each roster user of the domain.
    pub users: Vec<UserLine>,
}

/// A user of a coverage report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserLine {
    /// On the roster.
    pub user: RosterName,
    /// In the directory.
    pub directory_name: DirectoryName,
    /// Whose roster.
    pub goodlink: GoodLinkName,
    /// For which account.
    pub account: AccountName,
    /// The verdict, a word.
    pub verdict: String,
    /// Why.
    pub cause: String,
    /// How far waiting is.
    pub pair: PairLine,
    /// A person excepted him.
    pub waived: bool,
}

/// How far a pair has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "wait")]
pub enum PairLine {
    /// Never seen without the right: nothing to wait for.
    Nothing,
    /// The right is not there.
    Lacking,
    /// Landed; the second look is due.
    Landed {
        /// How long until it may be taken.
        second_look: Duration,
    },
    /// Proved; settled after this time.
    Proved {
        /// Zero: settled.
        settled: Duration,
    },
}

fn pair_line(world: World<'_>, user: Guid, account: &AccountName) -> PairLine {
    let pair = Pair { user, account: account.clone() };
    let (waits, now) = (&world.policy.waits, world.now.steady);
    match world.ledger.pairs.get(&pair) {
        None => PairLine::Nothing,
        Some(PairState::Lacking { .. }) => PairLine::Lacking,
        Some(PairState::Landed { at }) => PairLine::Landed { second_look: (*at + waits.second_look).since(now) },
        Some(PairState::Proved { landed, .. }) => PairLine::Proved { settled: (*landed + waits.settled).since(now) },
    }
}

/// Who of a domain is covered.
#[must_use]
pub fn coverage(world: World<'_>, domain: &DomainName) -> CoverageView {
    let mut groups = BTreeMap::new();
    let mut users = Vec::new();
    for (goodlink, user, directory_name, here) in subjects(world, domain) {
        let Some(account) = world.policy.goodlink.get(goodlink).map(|goodlink| &goodlink.service_account) else {
            continue;
        };
        let (verdict, cause) = match here.verdicts.get(account) {
            Some(Verdict { kind, cause, .. }) => (kind.to_string(), cause.to_string()),
            None => ("not judged".to_owned(), "the last survey did not judge him".to_owned()),
        };
        *groups
            .entry(if verdict == "covered" { verdict.clone() } else { format!("{verdict}: {cause}") })
            .or_insert(0) += 1;
        users.push(UserLine {
            user: user.clone(),
            directory_name: directory_name.clone(),
            goodlink: goodlink.clone(),
            account: account.clone(),
            verdict,
            cause,
            pair: pair_line(world, here.guid, account),
            waived: world.ledger.waiver(directory_name, world.now).is_some(),
        });
    }
    let covered = users.iter().filter(|user| user.verdict == "covered").count();
    let triage = match (covered, users.len()) {
        (_, 0) => "no roster user is known in this domain: that is missing evidence, not coverage",
        (covered, all) if covered == all => "every roster user is covered",
        (0, _) => "nobody is covered: the grant is missing",
        _ => "some are not covered: look for protected accounts, blocked inheritance and denies",
    };
    CoverageView {
        domain: domain.clone(),
        age: world.estate.domains.get(domain).map(|picture| world.now.steady.since(picture.started)),
        groups,
        triage: triage.to_owned(),
        users,
    }
}

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
    /// For which account.
    pub account: AccountName,
    /// Where he was found, or why he was not.
    pub resolution: String,
    /// His domain, once he is found in one.
    pub domain: Option<DomainName>,
    /// Where his mailbox is.
    pub home: Option<String>,
    /// The verdict with the evidence of every server.
    pub verdict: Option<Verdict>,
    /// The verdict and its cause in one sentence.
    pub sentence: String,
    /// How far waiting is.
    pub pair: PairLine,
    /// The waiver that excepts him.
    pub waiver: Option<crate::ledger::Waiver>,
    /// What GoodLink says of him: not paused, paused and how far his recovery is, or why that is not known.
    pub paused: String,
}

/// Everything that is known of one user, by roster name or directory name.
#[must_use]
pub fn explain(world: World<'_>, asked: &str) -> ExplainView {
    let wanted = asked.trim().to_lowercase();
    let mut users = Vec::new();
    for (name, goodlink) in &world.policy.goodlink {
        let Some(roster) = world.estate.rosters.get(name) else { continue };
        for (user, directory_name) in &roster.users {
            if user.as_str() != wanted && directory_name.as_str() != wanted {
                continue;
            }
            let account = &goodlink.service_account;
            let (resolution, domain, picture) = match resolve(world, goodlink, directory_name) {
                Resolution::Here(domain, picture) => (picture.dn.to_string(), Some(domain), Some(picture)),
                Resolution::Not(why) | Resolution::Unknown(why) => (why, None, None),
            };
            let verdict = picture.and_then(|picture| picture.verdicts.get(account)).cloned();
            let sentence = match &verdict {
                Some(verdict) => format!("{user} is {} for {account}: {}", verdict.kind, verdict.cause),
                None => format!("{user} is unresolved: {resolution}"),
            };
            let paused = match remedy::paused(world, name, None) {
                Err(why) => format!("not known: {why}"),
                Ok(paused) => paused.iter().find(|paused| paused.user == user).map_or_else(
                    || "not paused by the Send As error".to_owned(),
                    |paused| format!("paused, {}", paused.recovery),
                ),
            };
            users.push(ExplainedUser {
                user: user.clone(),
                directory_name: directory_name.clone(),
                goodlink: name.clone(),
                account: account.clone(),
                resolution,
                domain,
                home: picture.map(|picture| picture.home.to_string()),
                verdict,
                sentence,
                pair: picture.map_or(PairLine::Nothing, |picture| pair_line(world, picture.guid, account)),
                waiver: world.ledger.waiver(directory_name, world.now).cloned(),
                paused,
            });
        }
    }
    ExplainView { asked: asked.to_owned(), users }
}
