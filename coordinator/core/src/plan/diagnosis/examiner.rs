//! What is known of everybody whom a GoodLink server has paused.

use super::{Check, Conclusion, Diagnosis, Suspect, around, directory, waits};
use crate::coverage::explain::remedy::{self as remedies, Case};
use crate::coverage::reading::Home;
use crate::coverage::{ServerVerdict, UserPicture, Verdict, VerdictKind};
use crate::estate::Pause;
use crate::gate::{self, Resolution, World, resolve};
use crate::ledger::{Intent, IntentState, Outcome, Pair, Sequence};
use crate::names::{DirectoryName, Dn, DomainName, GoodLinkName, RosterName};
use crate::plan::remedy::{self, Report};
use crate::time::Steady;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Looks at those whom one GoodLink server has paused.
#[derive(Debug)]
pub struct Examiner<'a> {
    pub(super) world: World<'a>,
    pub(super) name: &'a GoodLinkName,
    pub(super) report: Report<'a>,
    /// Restarts of ours that may have happened.
    pub(super) restarts: Vec<(Sequence, &'a Intent)>,
    /// Of each domain: why what is known of it is not everything that counts.
    incomplete: BTreeMap<&'a DomainName, Option<String>>,
}

/// One of them.
pub(super) struct Patient<'a> {
    pub(super) examiner: &'a Examiner<'a>,
    pub(super) user: &'a RosterName,
    pub(super) directory_name: Option<&'a DirectoryName>,
    pub(super) pause: &'a Pause,
    /// The one object that he is, or why there is none.
    pub(super) object: Result<(DomainName, &'a UserPicture), String>,
    /// What the directory shows of him for the account that sends, or why that is not known.
    pub(super) verdict: Result<&'a Verdict, String>,
    /// When his right landed, where that was seen.
    pub(super) landed: Option<Steady>,
}

/// What the directory shows of a user's right, over all servers that count.
pub(super) enum Standing {
    /// Every server shows it, and nothing is known that will take it away.
    Holds,
    /// No server does, or one denies it.
    Lacks,
    /// Neither is known.
    Unknown(String),
}

impl<'a> Examiner<'a> {
    /// Whoever this GoodLink server has paused.
    ///
    /// # Errors
    /// Why it is not known who is paused.
    pub fn new(world: World<'a>, name: &'a GoodLinkName) -> Result<Self, String> {
        let report = remedy::report(world, name)?;
        let restarts = world.ledger.intents.iter().filter(|(_, intent)| {
            gate::restarts(world, name, &intent.effect) && (intent.state.began() || intent.state.is_open())
        });
        let incomplete = report.goodlink.domains.iter().map(|domain| {
            let reason = gate::evidence(world, domain).first().map(ToString::to_string);
            (domain, reason)
        });
        let (restarts, incomplete) = (restarts.map(|(id, intent)| (*id, intent)).collect(), incomplete.collect());
        Ok(Self { world, name, report, restarts, incomplete })
    }

    /// Everybody who is paused, by whatever error, for longer than that ought to last, but those whom a person has
    /// excepted.
    pub fn due(&self) -> impl Iterator<Item = Diagnosis> {
        let waived = |name: &DirectoryName| self.world.ledger.waiver(name, self.world.now).is_some();
        let patients = self.report.paused.iter().map(move |(user, pause)| Patient::new(self, user, pause));
        let due = patients
            .filter(move |patient| patient.remaining().is_zero() && !patient.directory_name.is_some_and(waived));
        due.map(|patient| patient.diagnosis())
    }

    /// One user; none when he is not paused.
    #[must_use]
    pub fn of(&self, user: &RosterName) -> Option<Diagnosis> {
        let (user, pause) = self.report.paused.get_key_value(user)?;
        Some(Patient::new(self, user, pause).diagnosis())
    }

    /// By the wall's clock, at the latest: time that was not attested is not counted on the steady one.
    pub(super) fn wall(&self, at: Steady) -> Timestamp {
        let ago = SignedDuration::try_from(self.world.now.steady.since(at)).unwrap_or(SignedDuration::MAX);
        self.world.now.wall.saturating_sub(ago).unwrap_or(Timestamp::MIN)
    }

    /// The command that restarts this GoodLink server.
    pub(super) fn restart(&self, user: &RosterName) -> String {
        format!("sendgate goodlink restart {} --reason 'clear the pause of {user}'", self.name)
    }
}

impl<'a> Patient<'a> {
    fn new(examiner: &'a Examiner<'a>, user: &'a RosterName, pause: &'a Pause) -> Self {
        let (world, goodlink) = (examiner.world, examiner.report.goodlink);
        let account = &goodlink.service_account;
        let directory_name = examiner.report.roster.users.get(user);
        let object = match directory_name.map(|name| resolve(world, goodlink, name)) {
            None => {
                Err(format!("who he is in the directory is not known: he is not on the roster of {}", examiner.name))
            }
            Some(Resolution::Here(domain, picture)) => Ok((domain.clone(), picture)),
            Some(Resolution::Not(why) | Resolution::Several(why) | Resolution::Unknown(why)) => Err(why),
        };
        let verdict = match (&object, examiner.sends_as()) {
            (Err(why), _) => Err(why.clone()),
            (_, Err(why)) => Err(why),
            (_, Ok(Some(other))) => {
                Err(format!("the service logs on as {other}, and what is known of the directory is about {account}"))
            }
            (Ok((_, picture)), Ok(None)) => picture
                .verdicts
                .get(account)
                .map(AsRef::as_ref)
                .ok_or_else(|| format!("he was not judged for {account}")),
        };
        let pair = object.as_ref().ok().map(|(_, here)| Pair { user: here.guid, account: account.clone() });
        let landed = pair.and_then(|pair| remedy::landed(world, examiner.name, &pair));
        Self { examiner, user, directory_name, pause, object, verdict, landed }
    }

    fn diagnosis(&self) -> Diagnosis {
        let checks = [waits::checks(self), directory::checks(self), around::checks(self)];
        let checks: Vec<Check> = checks.into_iter().flatten().collect();
        Diagnosis {
            user: self.user.clone(),
            directory_name: self.directory_name.cloned(),
            goodlink: self.examiner.name.clone(),
            remaining: self.remaining(),
            conclusion: Conclusion::of(&checks),
            checks,
        }
    }

    /// Until he is called failed.
    fn remaining(&self) -> Duration {
        let (now, failed) = (self.examiner.world.now, self.examiner.world.policy.waits.failed);
        match self.landed {
            Some(landed) => (landed + failed).since(now.steady),
            // A host whose clock is ahead shows a pause that is still to come: he is looked at rather than waited for.
            None => match Duration::try_from(now.wall.duration_since(self.pause.first)) {
                Ok(paused) => failed.saturating_sub(paused),
                Err(_) => Duration::ZERO,
            },
        }
    }

    /// Why what the servers show is not everything that counts; none: it is.
    pub(super) fn incomplete(&self, verdict: &Verdict) -> Option<String> {
        let (domain, _) = self.object.as_ref().ok()?;
        let unknown = || verdict.servers.iter().find(|(_, seen)| seen.kind.is_unknown());
        self.examiner
            .incomplete
            .get(domain)
            .cloned()
            .unwrap_or_else(|| Some(format!("{domain} is not served by {}", self.examiner.name)))
            .or_else(|| unknown().map(|(server, seen)| format!("{server}: {}: {}", seen.kind, seen.cause)))
            .or_else(|| verdict.servers.is_empty().then(|| "no directory server's own answer is known".to_owned()))
    }

    pub(super) fn standing(&self) -> Standing {
        let verdict = match &self.verdict {
            Ok(verdict) => verdict,
            Err(why) => return Standing::Unknown(why.clone()),
        };
        match (verdict.kind, self.incomplete(verdict)) {
            // What one server denies is denied, whatever others leave unsaid.
            (VerdictKind::Denied, _) => Standing::Lacks,
            (_, Some(why)) => Standing::Unknown(why),
            (VerdictKind::Covered, None) => Standing::Holds,
            (VerdictKind::Missing, None) => Standing::Lacks,
            (VerdictKind::Replicating, None) => {
                Standing::Unknown("not every directory server shows his right yet".to_owned())
            }
            (kind, None) => Standing::Unknown(format!("{kind}: {}", verdict.cause)),
        }
    }

    /// What has to be known before anything else is.
    pub(super) fn read_again(&self) -> String {
        match (&self.object, self.examiner.sends_as()) {
            (Err(_), _) => format!("clear up who he is first, see below: {}", Suspect::Roster),
            (Ok(_), Err(_) | Ok(Some(_))) => {
                format!("clear up which account sends first, see below: {}", Suspect::WrongAccount)
            }
            (Ok((domain, _)), Ok(None)) => format!(
                "see which directory server gives no evidence (sendgate domains) and bring it back, then: \
                 sendgate survey run {domain} --watch"
            ),
        }
    }

    /// The smallest change for what a server shows.
    pub(super) fn remedy(&self, verdict: &Verdict, seen: &ServerVerdict) -> String {
        let world = self.examiner.world;
        let known = self.object.as_ref().ok().zip(self.directory_name);
        let Some(((domain, here), name)) = known else { return self.read_again() };
        let Some(policy) = world.policy.domains.get(domain) else { return self.read_again() };
        let account = &self.examiner.report.goodlink.service_account;
        let picture = world.estate.domains.get(domain);
        let failed = picture.into_iter().flat_map(|picture| &picture.failed);
        let placed = match &here.home {
            Home::Server(server) => world.policy.exchange.get(server).is_some_and(|server| server.domain.is_some()),
            Home::None | Home::Unclear(_) => false,
        };
        let of_server = Verdict { kind: seen.kind, cause: seen.cause.clone(), servers: verdict.servers.clone() };
        let case = Case {
            domain,
            failed: failed.map(|(server, why)| format!("{server}: {why}")).collect::<BTreeSet<_>>(),
            holder: Some(holder(domain)),
            account_sid: picture.and_then(|picture| picture.accounts.get(account)).map(|account| &account.sid),
            grant_server: &policy.grant_server,
            placed,
            name,
            here,
            account,
            verdict: &of_server,
        };
        remedies::of(&case).first().map_or_else(|| self.read_again(), ToString::to_string)
    }
}

/// AdminSDHolder of a domain (MS-ADTS 3.1.1.6.1).
fn holder(domain: &DomainName) -> Dn {
    let parts: Vec<_> = domain.as_str().split('.').map(|part| format!("DC={part}")).collect();
    Dn::from(format!("CN=AdminSDHolder,CN=System,{}", parts.join(",")))
}

/// Whether an act is known to have been carried out.
pub(super) fn succeeded(intent: &Intent) -> bool {
    matches!(&intent.state, IntentState::Ended { outcome: Outcome::Succeeded { .. }, .. })
}
