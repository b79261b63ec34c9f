//! Approvals, and the undoing of grants.

use super::{Refused, invalid, needed_reason};
use crate::coverage::verdict::Presence;
use crate::coverage::{Cause, UserPicture, VerdictKind};
use crate::gate::World;
use crate::ledger::{Effect, Intent, IntentState, Outcome, Request, Sequence, Sha256, Subject};
use crate::names::{AccountName, DirectoryName, DomainName, OperatorName, RolloutName};
use crate::policy::GrantMode;
use crate::spec::RolloutSpec;
use std::collections::BTreeSet;

/// What an approval is about, as it arrived.
#[derive(Debug, Clone)]
pub enum WantedSubject {
    /// An entry on AdminSDHolder.
    AdminSdHolder {
        /// Of which domain.
        domain: String,
        /// For whom.
        account: String,
    },
    /// An entry on a user whom an inherited entry denies.
    Override {
        /// The user, by roster name or directory name.
        user: String,
        /// For whom.
        account: String,
    },
    /// A rollout.
    Rollout {
        /// Which.
        rollout: String,
        /// The form that the yes is to. What is taken back names none.
        form: Option<FormRead>,
    },
}

/// How the digest of a rollout's form is computed: where forms are written as text.
pub type DigestOf = fn(&RolloutSpec) -> Sha256;

/// The form of a rollout that somebody has read.
#[derive(Debug, Clone)]
pub struct FormRead {
    /// Its digest, or the first of its digits.
    pub digest: String,
    /// To compare it with the form that is there.
    pub of: DigestOf,
}

/// Checks a yes.
///
/// # Errors
/// [`Refused`] if it means nothing that is known, is there already, or would change nothing: a user who is not denied, or
/// whom an entry of his own denies; of a rollout if it is in another form than the one that was read, or he wrote any of it.
pub fn approve(world: World<'_>, by: &OperatorName, wanted: &WantedSubject, reason: &str) -> Result<Request, Refused> {
    let (subject, called) = subject(world, wanted)?;
    let reason = needed_reason(reason)?;
    if let (Subject::Rollout { rollout }, WantedSubject::Rollout { form, .. }) = (&subject, wanted) {
        let form = Some(approvable(world, by, rollout, form.as_ref())?);
        return Ok(Request::Approve { subject, called, form, reason });
    }
    if let Some((by, yes)) = world.ledger.approvals.get(&subject).and_then(|known| known.given.first_key_value()) {
        let what = subject.text(called.as_ref());
        return Err(Refused::Conflict(format!("{what} is approved already, by {by}: {}", yes.reason)));
    }
    if let (Subject::Override { account, .. }, Some(user)) = (&subject, &called) {
        overridable(world, user, account)?;
    }
    Ok(Request::Approve { subject, called, form: None, reason })
}

/// The digest of the form that is there, if this person's yes to it counts and it is the one that he has read.
fn approvable(
    world: World<'_>,
    by: &OperatorName,
    name: &RolloutName,
    read: Option<&FormRead>,
) -> Result<Sha256, Refused> {
    let conflict = |why: String| Err(Refused::Conflict(why));
    let Some(rollout) = world.ledger.rollouts.get(name) else { return conflict(format!("there is no rollout {name}")) };
    if !rollout.state.is_live() {
        return conflict(format!("rollout {name} is {}: there is nothing to approve", rollout.state));
    }
    if rollout.spec.approvals == 0 {
        return conflict(format!("rollout {name} asks for no approval"));
    }
    if rollout.author == *by {
        return conflict(format!("{by} wrote rollout {name}: somebody else must approve it"));
    }
    if rollout.authors.contains(by) {
        let what = "wrote an earlier form of it, which this one may still be in part";
        return conflict(format!("{by} cannot approve rollout {name}: he {what}; somebody else must approve it"));
    }
    let Some(read) = read else {
        return conflict(format!(
            "a yes is to a form that was read: `sendgate rollout show {name}` shows it with its digest"
        ));
    };
    let form = (read.of)(&rollout.spec);
    if !is_prefix(&read.digest, form)? {
        let (now, author) = (form.short(), &rollout.author);
        return conflict(format!(
            "rollout {name} is not in the form {}: it is in the form {now}, which {author} applied; read it with `sendgate \
             rollout show {name}`, then approve that one",
            read.digest.trim()
        ));
    }
    let subject = Subject::Rollout { rollout: name.clone() };
    let known = world.ledger.approvals.get(&subject).and_then(|known| known.given.get(by));
    known.map_or(Ok(form), |yes| conflict(format!("{by} has approved rollout {name} already: {}", yes.reason)))
}

/// Whether these are the digest's first digits, as many as are printed or more.
fn is_prefix(given: &str, digest: Sha256) -> Result<bool, Refused> {
    let digits = given.trim().to_ascii_lowercase();
    if digits.len() < Sha256::SHORT || !digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
        let why = format!("give the {} hexadecimal digits that `sendgate rollout show` prints, or more", Sha256::SHORT);
        return Err(invalid("digest", given, why));
    }
    Ok(digest.to_string().starts_with(&digits))
}

/// Checks the taking back of a yes.
///
/// # Errors
/// [`Refused`] if it means nothing that is known, or nobody has said yes to it.
pub fn revoke(world: World<'_>, wanted: &WantedSubject, reason: &str) -> Result<Request, Refused> {
    let reason = needed_reason(reason)?;
    if let Some(subject) = approved_by_name(world, wanted) {
        return Ok(Request::Revoke { subject, reason });
    }
    let (subject, called) = subject(world, wanted)?;
    if !world.ledger.approvals.contains_key(&subject) {
        return Err(Refused::Conflict(format!("nobody has approved {}", subject.text(called.as_ref()))));
    }
    Ok(Request::Revoke { subject, reason })
}

/// An approval that is there, by the names that it was given under: its user may be on no roster any more, its account or
/// its domain configured no more.
fn approved_by_name(world: World<'_>, wanted: &WantedSubject) -> Option<Subject> {
    let same = |account: &AccountName, given: &str| {
        world.policy.account(given).or_else(|| given.parse().ok()).as_ref() == Some(account)
    };
    let mut known = world.ledger.approvals.iter();
    let (subject, _) = known.find(|(subject, approval)| match (subject, wanted) {
        (Subject::AdminSdHolder { domain, account }, WantedSubject::AdminSdHolder { domain: of, account: given }) => {
            of.parse().ok().as_ref() == Some(domain) && same(account, given)
        }
        (Subject::Override { account, .. }, WantedSubject::Override { user, account: given }) => {
            let called = user.parse().ok();
            called.is_some() && approval.called == called && same(account, given)
        }
        _ => false,
    })?;
    Some(subject.clone())
}

fn subject(world: World<'_>, wanted: &WantedSubject) -> Result<(Subject, Option<DirectoryName>), Refused> {
    match wanted {
        WantedSubject::AdminSdHolder { domain: given, account } => {
            let domain: DomainName = given.parse().map_err(|error| invalid("domain", given, error))?;
            if !world.policy.domains.contains_key(&domain) {
                let known = world.policy.domains.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let known = format!("configured are {known}");
                return Err(Refused::Unknown { what: "domain", given: given.clone(), known });
            }
            let account = service_account(world, account, Some(&domain))?;
            Ok((Subject::AdminSdHolder { domain, account }, None))
        }
        WantedSubject::Rollout { rollout, .. } => {
            Ok((Subject::Rollout { rollout: super::known_rollout(world, rollout)? }, None))
        }
        WantedSubject::Override { user, account } => {
            let account = service_account(world, account, None)?;
            let called = super::roster_user(world, user)?;
            let objects: BTreeSet<_> = pictures(world, &called).map(|here| here.guid).collect();
            match Vec::from_iter(objects).as_slice() {
                [user] => Ok((Subject::Override { user: *user, account }, Some(called))),
                [] => Err(Refused::Conflict(format!(
                    "{called} has not been found in any domain by the last survey: see `sendgate explain {called}`"
                ))),
                _ => Err(Refused::Conflict(format!(
                    "{called} was found in more than one domain: see `sendgate explain {called}`"
                ))),
            }
        }
    }
}

fn service_account(world: World<'_>, given: &str, domain: Option<&DomainName>) -> Result<AccountName, Refused> {
    let account = world.policy.account(given).ok_or_else(|| {
        invalid("account", given, "give name@domain or DOMAIN\\name, with the name of a configured domain")
    })?;
    let concerned =
        world.policy.goodlink.values().filter(|goodlink| domain.is_none_or(|of| goodlink.domains.contains(of)));
    let accounts: BTreeSet<&AccountName> = concerned.map(|goodlink| &goodlink.service_account).collect();
    if accounts.contains(&account) {
        return Ok(account);
    }
    let known = accounts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let of = domain.map_or_else(String::new, |domain| format!(" of {domain}"));
    let known =
        if known.is_empty() { format!("there is none{of}") } else { format!("service accounts{of} are {known}") };
    Err(Refused::Unknown { what: "service account", given: given.to_owned(), known })
}

fn pictures<'a>(world: World<'a>, user: &'a DirectoryName) -> impl Iterator<Item = &'a UserPicture> {
    world.estate.domains.values().filter_map(|picture| match picture.users.get(user) {
        Some(Presence::Here(here)) => Some(here.as_ref()),
        _ => None,
    })
}

/// Whether there is an inherited deny that an entry on the user would beat.
fn overridable(world: World<'_>, user: &DirectoryName, account: &AccountName) -> Result<(), Refused> {
    let verdict = pictures(world, user).find_map(|here| here.verdicts.get(account)).ok_or_else(|| {
        Refused::Conflict(format!("{account} does not serve {user}: there is no verdict that an entry would change"))
    })?;
    if verdict.kind != VerdictKind::Denied || verdict.cause != Cause::DeniedByEntry {
        return Err(Refused::Conflict(format!(
            "{user} {} for {account} ({}): there is no deny to override",
            verdict.kind.predicate(false),
            verdict.cause
        )));
    }
    let own = verdict.servers.values().filter_map(|seen| seen.deciding.as_ref()).find(|entry| !entry.inherited);
    match own {
        Some(entry) => Err(Refused::Conflict(format!(
            "an entry of his own denies {user}, {}: an entry of ours would stand behind it and change nothing; only its \
             removal helps",
            entry.sddl
        ))),
        None => Ok(()),
    }
}

fn grant_of(world: World<'_>, number: u64) -> Result<(Sequence, &Intent), Refused> {
    let unknown = |known: &str| Refused::Unknown { what: "grant", given: number.to_string(), known: known.to_owned() };
    let id = Sequence::new(number).ok_or_else(|| unknown("records of the journal are counted from 1"))?;
    match world.ledger.intents.get(&id) {
        Some(intent) if matches!(intent.effect, Effect::Grant(_)) => Ok((id, intent)),
        Some(intent) => Err(Refused::Conflict(format!(
            "record {id} is no grant: {}; `sendgate grants` lists grants, with their numbers",
            intent.effect
        ))),
        None => Err(unknown("`sendgate grants` lists those that were made, with their numbers")),
    }
}

/// Checks an undo: only what we wrote ourselves is taken away.
///
/// # Errors
/// [`Refused`] if there is no such grant, it wrote nothing, it is undone already, or nothing may be written there.
pub fn grant_undo(world: World<'_>, number: u64, reason: &str) -> Result<Request, Refused> {
    let (grant, intent) = grant_of(world, number)?;
    let reason = needed_reason(reason)?;
    let no = |why: String| Err(Refused::Conflict(format!("{} (record {grant}) is not undone: {why}", intent.effect)));
    let Some(entry) = intent.effect.entry() else { return no("it is no grant".to_owned()) };
    if let Some(undo) = world.ledger.undone.get(&entry) {
        let how = if undo.is_done() { "was" } else { "is being" };
        return no(format!("it {how} undone on behalf of {} (record {}: {})", undo.by, undo.request, undo.reason));
    }
    match &intent.state {
        IntentState::Ended { outcome: Outcome::Succeeded { .. }, .. } => {}
        // Its write had no answer, and may have been carried out after the place was read.
        IntentState::Ended { outcome, .. } if outcome.is_not_there() => {}
        IntentState::Ended { outcome: Outcome::Unknown { detail }, .. } => {
            return no(format!("whether its entry is there is not known: {detail}"));
        }
        IntentState::Ended { outcome, .. } => {
            return no(format!("no entry of ours is there, for it ended so: {outcome}"));
        }
        IntentState::Filed | IntentState::Permitted { .. } => {
            return no("it is still under way; ask again when it has ended".to_owned());
        }
    }
    match world.policy.domains.get(&entry.domain).map(|domain| domain.grants) {
        Some(GrantMode::Apply) => Ok(Request::GrantUndo { grant, reason }),
        Some(GrantMode::Advise) => no(format!(
            "grants.mode of {} is advise, so nothing is written there; have the directory team remove the entry",
            entry.domain
        )),
        None => no(format!("{} is not configured any more", entry.domain)),
    }
}

/// Checks a redo: from then on the entry is planned again where somebody needs it.
///
/// # Errors
/// [`Refused`] if there is no such grant, it is not undone, or the undoing is under way.
pub fn grant_redo(world: World<'_>, number: u64, reason: &str) -> Result<Request, Refused> {
    let (grant, intent) = grant_of(world, number)?;
    let reason = needed_reason(reason)?;
    let undone = intent.effect.entry().and_then(|entry| world.ledger.undone.get(&entry));
    if undone.is_none() {
        return Err(Refused::Conflict(format!(
            "{} (record {grant}) is not undone: there is nothing to redo",
            intent.effect
        )));
    }
    // Of a domain that is not configured any more nobody finds out what became of it.
    let entry = intent.effect.entry();
    let configured = entry.as_ref().is_some_and(|entry| world.policy.domains.contains_key(&entry.domain));
    let going_on = |other: &Intent| other.state.is_open() || configured && other.state.is_unknown();
    let mut same = world.ledger.intents.iter().filter(|(_, other)| other.effect.entry() == entry);
    match same.find(|(_, other)| going_on(other)) {
        Some((id, open)) => {
            Err(Refused::Conflict(format!("{} (record {id}) is under way: ask again then", open.effect)))
        }
        None => Ok(Request::GrantRedo { grant, reason }),
    }
}
