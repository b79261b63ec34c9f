//! `coverage DOMAIN`: the users of the rosters, or everybody who has a mailbox.

use super::account::other_accounts;
use super::grants::not_known;
use crate::coverage::report::{self, Report, Row, Scope, Standing, Summary};
use crate::coverage::{Verdict, VerdictKind};
use crate::gate::{Resolution, World, resolve};
use crate::guid::Guid;
use crate::ledger::{Pair, PairState};
use crate::names::{AccountName, DirectoryName, DomainName, GoodLinkName, RosterName};
use crate::policy::GoodLinkPolicy;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Who of a domain is covered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageView {
    /// The domain.
    pub domain: DomainName,
    /// Whom it is about.
    pub scope: Scope,
    /// Age of the evidence; none before the first survey. Everybody with a mailbox is read when he is asked for.
    pub age: Option<Duration>,
    /// How many users by verdict and cause.
    pub groups: BTreeMap<String, usize>,
    /// How many by what deserves a look though they are covered.
    pub warnings: BTreeMap<String, usize>,
    /// What the numbers suggest.
    pub triage: String,
    /// What is not known of the roster users; while there is anything, the numbers may leave people out.
    pub not_known: Vec<String>,
    /// Each user, for each service account that serves him, in the order of rosters and names.
    pub users: Vec<UserLine>,
}

/// A user of a coverage report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserLine {
    /// On the roster; none where he is on none.
    pub user: Option<RosterName>,
    /// In the directory.
    pub directory_name: DirectoryName,
    /// His object; none where there is not one.
    pub dn: Option<String>,
    /// Whose roster.
    pub goodlink: Option<GoodLinkName>,
    /// For which account; none where he could not be judged for any.
    pub account: Option<AccountName>,
    /// The verdict, a word.
    pub verdict: String,
    /// Why.
    pub cause: String,
    /// The entry that decided, on one server that shows it.
    pub evidence: Option<String>,
    /// What deserves a look though he is covered.
    pub warning: Option<String>,
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
    /// Not seen without the right by what the journal has; a takeover was declared, so he waits all the same, from when he
    /// was seen first after it.
    TakenOver {
        /// How long until he counts as settled.
        settled: Duration,
    },
    /// The right is not there.
    Lacking,
    /// Landed; the second look is due.
    Landed {
        /// How long until it may be taken.
        second_look: Duration,
    },
    /// Proved; settled after this time.
    Proved {
        /// Zero: settled. Counted from when he was seen first after a takeover, where that takes longer.
        settled: Duration,
    },
}

/// Of a user of this GoodLink server; without one, of any that has the account.
pub(super) fn pair_line(
    world: World<'_>,
    user: Guid,
    goodlink: Option<&GoodLinkName>,
    account: &AccountName,
) -> PairLine {
    let pair = Pair { user, account: account.clone() };
    let (waits, now) = (&world.policy.waits, world.now.steady);
    // All waits begin anew after a takeover: what the journal says of him, or leaves unsaid, may be of before.
    let concerned = world.policy.goodlink.iter().filter(|(name, policy)| match goodlink {
        Some(goodlink) => *name == goodlink,
        None => policy.service_account == *account,
    });
    let anew = concerned.filter_map(|(name, _)| world.ledger.lineage.anew(name));
    let taken_over = anew.map(|anew| anew.remaining(now, waits.settled)).max().unwrap_or_default();
    match world.ledger.pairs.get(&pair) {
        None if taken_over.is_zero() => PairLine::Nothing,
        None => PairLine::TakenOver { settled: taken_over },
        Some(PairState::Lacking { .. }) => PairLine::Lacking,
        Some(PairState::Landed { at }) => PairLine::Landed { second_look: (*at + waits.second_look).since(now) },
        Some(PairState::Proved { landed, .. }) => {
            PairLine::Proved { settled: (*landed + waits.settled).since(now).max(taken_over) }
        }
    }
}

/// A roster user of the domain, judged or not; none for one who is in another domain.
fn roster_line(
    world: World<'_>,
    domain: &DomainName,
    (name, goodlink): (&GoodLinkName, &GoodLinkPolicy),
    (user, directory_name): (&RosterName, &DirectoryName),
    summary: &mut Summary,
) -> Option<UserLine> {
    let account = &goodlink.service_account;
    let line = |dn: Option<String>, kind: VerdictKind, cause: String| UserLine {
        user: Some(user.clone()),
        directory_name: directory_name.clone(),
        dn,
        goodlink: Some(name.clone()),
        account: Some(account.clone()),
        verdict: kind.to_string(),
        cause,
        evidence: None,
        warning: None,
        pair: PairLine::Nothing,
        waived: world.ledger.waiver(directory_name, world.now).is_some(),
    };
    let resolution = resolve(world, goodlink, directory_name);
    let here = match &resolution {
        Resolution::Here(found, _) if *found != domain => return None,
        Resolution::Here(_, here) => Some(here),
        Resolution::Not(_) | Resolution::Several(_) | Resolution::Unknown(_) => None,
    };
    let dn = here.map(|here| here.dn.to_string());
    match (standing(&resolution, account), here) {
        (Ok(verdict), here) => {
            summary.count_verdict(verdict);
            let line = line(dn, verdict.kind, verdict.cause.to_string());
            let pair = here.map_or(PairLine::Nothing, |here| pair_line(world, here.guid, Some(name), account));
            Some(UserLine { pair, ..judged(line, verdict) })
        }
        (Err((kind, why)), _) => {
            summary.count_unjudged(kind, &why);
            Some(line(dn, kind, why))
        }
    }
}

/// The verdict of a roster user; where he was not judged, the word for that, and why.
pub(super) fn standing<'a>(
    resolution: &Resolution<'a>,
    account: &AccountName,
) -> Result<&'a Arc<Verdict>, (VerdictKind, String)> {
    match resolution {
        Resolution::Here(_, here) => here
            .verdicts
            .get(account)
            .ok_or_else(|| (VerdictKind::Unreadable, format!("the last survey did not judge him for {account}"))),
        Resolution::Not(why) | Resolution::Several(why) => Err((VerdictKind::Unresolved, why.clone())),
        Resolution::Unknown(why) => Err((VerdictKind::Unreadable, why.clone())),
    }
}

fn judged(line: UserLine, verdict: &Verdict) -> UserLine {
    UserLine { evidence: report::evidence(verdict), warning: report::warning(verdict), ..line }
}

/// Who of a domain's roster users is covered. Users who are in no domain that is known yet are told in each domain that
/// they may be in.
#[must_use]
pub fn coverage(world: World<'_>, domain: &DomainName) -> CoverageView {
    let mut summary = Summary::default();
    let mut users = Vec::new();
    for goodlink in world.policy.goodlink_in(domain) {
        let roster = world.estate.rosters.get(goodlink.0).into_iter().flat_map(|roster| &roster.users);
        users.extend(roster.filter_map(|user| roster_line(world, domain, goodlink, user, &mut summary)));
    }
    let age = world.estate.domains.get(domain).map(|picture| world.now.steady.since(picture.as_of()));
    let mut view = head((domain, Scope::Roster), age, &summary, not_known(world, domain), users);
    let others: Vec<_> = other_accounts(world, domain).iter().map(ToString::to_string).collect();
    if !others.is_empty() {
        view.triage = format!("{}; that is for the declared account: {}", view.triage, others.join("; "));
    }
    view
}

fn head(
    (domain, scope): (&DomainName, Scope),
    age: Option<Duration>,
    summary: &Summary,
    not_known: Vec<String>,
    users: Vec<UserLine>,
) -> CoverageView {
    CoverageView {
        domain: domain.clone(),
        scope,
        age,
        groups: summary.groups().clone(),
        warnings: summary.warnings().clone(),
        triage: summary.triage(scope, not_known.is_empty()),
        not_known,
        users,
    }
}

/// The report over everybody who has a mailbox, without its users: [`mailbox_lines`] gives those, some at a time.
#[must_use]
pub fn mailboxes(domain: &DomainName, report: &Report) -> CoverageView {
    // Nobody's roster is asked, and a server that could not be read is a verdict of everybody.
    head((domain, Scope::Mailboxes), Some(Duration::ZERO), &report.summary(), Vec::new(), Vec::new())
}

/// The lines of some users of a report.
#[must_use]
pub fn mailbox_lines(world: World<'_>, domain: &DomainName, rows: &[Row]) -> Vec<UserLine> {
    // Rosters name the same people in other ways: the object is what they share.
    let mut rosters: BTreeMap<(Guid, &AccountName), (&GoodLinkName, &RosterName, &DirectoryName)> = BTreeMap::new();
    for (goodlink, user, directory_name, here) in crate::gate::subjects(world, domain) {
        if let Some(policy) = world.policy.goodlink.get(goodlink) {
            rosters.insert((here.guid, &policy.service_account), (goodlink, user, directory_name));
        }
    }
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let plain = UserLine {
            user: None,
            directory_name: row.name.clone(),
            dn: None,
            goodlink: None,
            account: None,
            verdict: String::new(),
            cause: String::new(),
            evidence: None,
            warning: None,
            pair: PairLine::Nothing,
            waived: false,
        };
        match &row.standing {
            Standing::Not { kind, why } => {
                lines.push(UserLine { verdict: kind.to_string(), cause: why.clone(), ..plain });
            }
            Standing::Judged { dn, guid, verdicts } => lines.extend(verdicts.iter().map(|(account, verdict)| {
                let roster = rosters.get(&(*guid, account));
                let line = UserLine {
                    user: roster.map(|(_, user, _)| (*user).clone()),
                    dn: Some(dn.to_string()),
                    goodlink: roster.map(|(goodlink, ..)| (*goodlink).clone()),
                    account: Some(account.clone()),
                    verdict: verdict.kind.to_string(),
                    cause: verdict.cause.to_string(),
                    pair: pair_line(world, *guid, roster.map(|(goodlink, ..)| *goodlink), account),
                    waived: roster.is_some_and(|(.., name)| world.ledger.waiver(name, world.now).is_some()),
                    ..plain.clone()
                };
                judged(line, verdict)
            })),
        }
    }
    lines
}
