//! Milestones and requests in words, one line each.

use super::entry::VersionStep;
use super::{BreachEvent, Milestone, PairEvent, Request, RolloutEvent};
use crate::names::{DirectoryName, HostName};
use crate::spec::RolloutSpec;
use std::fmt;

impl fmt::Display for Milestone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pairs { domain, account, event, users, cause } => {
                let event = match event {
                    PairEvent::Lacking => "seen without the right",
                    PairEvent::Landed => "landed",
                    PairEvent::Proved => "proved",
                    PairEvent::Vanished => "lost the right again",
                };
                write!(f, "{} users of {domain} {event} for {account}", users.len())?;
                cause.iter().try_for_each(|cause| write!(f, ": {cause}"))
            }
            Self::Account { account, sid, domain: None } => write!(f, "{account} has the SID {sid}"),
            Self::Account { account, sid, domain: Some(domain) } => {
                write!(f, "{domain} is judged for {account} by its SID {sid}")
            }
            Self::Declared { accounts, gone } => {
                let accounts = accounts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let more = if *gone { " no more" } else { "" };
                write!(f, "service accounts are declared{more}: {accounts}")
            }
            Self::GrantLost { intent, place, cause } => {
                write!(f, "the entry of grant {intent} is not on {place} any more: {cause}")
            }
            Self::Version(VersionStep { host, before: None, after, .. }) => {
                write!(f, "store.exe on {host} is {after}, seen for the first time")
            }
            Self::Version(VersionStep { host, before: Some(before), after, ours, means, .. }) => {
                let ours = if *ours { "by a command of ours" } else { "with no command of ours (drift)" };
                write!(f, "store.exe on {host} went from {before} to {after}, {ours}")?;
                means.iter().try_for_each(|means| write!(f, ": {means}"))
            }
            Self::Roster { goodlink, digest, users, anew } => {
                write!(f, "roster of {goodlink} has {users} users, SHA-256 {digest}")?;
                let unknown = ": since the takeover nobody may have looked at some of them, and waits begin anew";
                f.write_str(if *anew { unknown } else { "" })
            }
            Self::Unwatched { goodlink, users } => {
                let users = users.iter().map(DirectoryName::as_str).collect::<Vec<_>>().join(", ");
                write!(
                    f,
                    "since the takeover nobody has looked at these users of {goodlink}, and their right counts as new once it is seen: \
                     {users}"
                )
            }
            Self::HostRead { host } => write!(
                f,
                "after the takeover {host} is seen: what changes its store from here on is not of what is lost"
            ),
            Self::SeenAnew { goodlink } => {
                write!(f, "after the takeover it is known how all users of {goodlink} stand: waits begin anew for them")
            }
            Self::Baseline { rollout, wave, goodlink, paused, anew } => {
                let (wave, anew) = (wave + 1, if *anew { ", by now" } else { "" });
                let users = paused.len();
                write!(f, "{users} users of {goodlink} were paused before wave {wave} of rollout {rollout}{anew}")
            }
            Self::HostVerified { rollout, host } => write!(f, "{host} is where rollout {rollout} was to bring it"),
            Self::HostsFailed { rollout, failed, recovered } => {
                let named = |hosts: Vec<&str>| hosts.join(", ");
                let failed = named(failed.keys().map(HostName::as_str).collect());
                let recovered = named(recovered.iter().map(HostName::as_str).collect());
                let without = format!("rollout {rollout} goes on without hosts that have failed: {failed}");
                let with = format!("in rollout {rollout} hosts count as failed no more: {recovered}");
                match (failed.is_empty(), recovered.is_empty()) {
                    (_, true) => f.write_str(&without),
                    (true, false) => f.write_str(&with),
                    (false, false) => write!(f, "{without}; {with}"),
                }
            }
            Self::WaveDone { rollout, wave } => write!(f, "wave {} of rollout {rollout} is over", wave + 1),
            Self::RestartVoid { goodlink } => {
                write!(f, "the restart of GoodLink {goodlink} that a person wanted is void: it could not begin in time")
            }
            Self::Breach { server, event: BreachEvent::Began { users, certain } } => {
                let enforces = if *certain { "enforces" } else { "may enforce" };
                write!(f, "breach: {server} {enforces} Send As and serves {users} roster users without the right")
            }
            Self::Breach { server, event: BreachEvent::Ended } => write!(f, "the breach of {server} is over"),
            Self::Breach { server, event: BreachEvent::Left } => {
                write!(f, "{server}, in breach, is not in the configuration any more: its users are not looked after")
            }
            Self::Rollout { rollout, event } => match event {
                RolloutEvent::Started => write!(f, "rollout {rollout} started"),
                RolloutEvent::Tripped { reason } => write!(f, "rollout {rollout} stopped by itself: {reason}"),
                RolloutEvent::Resumed { reason } => write!(f, "rollout {rollout} goes on: {reason}"),
                RolloutEvent::Finished => write!(f, "rollout {rollout} has come to its end"),
                RolloutEvent::Removing { reason, wave: None } => {
                    write!(f, "the hotfix of rollout {rollout} is to be removed again: {reason}")
                }
                RolloutEvent::Removing { reason, wave: Some(wave) } => {
                    write!(f, "the hotfix of rollout {rollout} is to be removed from wave {}: {reason}", wave + 1)
                }
                RolloutEvent::Aborted { reason } => write!(f, "rollout {rollout} aborted: {reason}"),
            },
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RolloutApply(RolloutSpec { name, package, waves, .. }) => {
                let waves: Vec<_> = waves
                    .iter()
                    .map(|wave| {
                        let servers: Vec<_> = wave.servers.iter().map(ToString::to_string).collect();
                        format!("{} ({})", wave.name, servers.join(", "))
                    })
                    .collect();
                write!(f, "apply rollout {name}: {} ({}) on {}", package.name, package.target, waves.join(", then "))
            }
            Self::RolloutStart { rollout, reason: None } => write!(f, "start rollout {rollout}"),
            Self::RolloutStart { rollout, reason: Some(reason) } => write!(f, "start rollout {rollout}: {reason}"),
            Self::RolloutResume { rollout, reason, .. } => write!(f, "let rollout {rollout} go on: {reason}"),
            Self::HostRetry { rollout, host, reason } => write!(f, "try {host} of rollout {rollout} again: {reason}"),
            Self::HostSkip { rollout, host, reason } => write!(f, "leave {host} out of rollout {rollout}: {reason}"),
            Self::Hold { held, reason } => write!(f, "hold {held}: {reason}"),
            Self::Release { held, of: None, reason } => write!(f, "release {held}: {reason}"),
            Self::Release { held, of: Some(of), reason } => write!(f, "end the hold of {of} on {held}: {reason}"),
            Self::RestartForce { goodlink, reason } => {
                write!(f, "restart GoodLink {goodlink} whatever its users have waited: {reason}")
            }
            Self::RestartCancel { goodlink, reason } => {
                write!(f, "do not restart GoodLink {goodlink} after all: {reason}")
            }
            Self::RolloutRemove { rollout, reason } => write!(f, "remove the hotfix of rollout {rollout}: {reason}"),
            Self::RolloutAbort { rollout, reason } => write!(f, "abort rollout {rollout}: {reason}"),
            Self::Waive { user, reason, expires } => write!(f, "waive {user} until {expires}: {reason}"),
            Self::Unwaive { user, reason } => write!(f, "waive {user} no longer: {reason}"),
            Self::Approve { subject, called, form, reason } => {
                write!(f, "approve {}", subject.text(called.as_ref()))?;
                form.iter().try_for_each(|form| write!(f, " in the form {}", form.short()))?;
                write!(f, ": {reason}")
            }
            Self::Revoke { subject, reason } => write!(f, "approve no more {subject}: {reason}"),
            Self::GrantUndo { grant, reason } => write!(f, "undo grant {grant}: {reason}"),
            Self::Takeover { generation, reason, .. } => {
                write!(f, "take the place of others, as generation {generation}: {reason}")
            }
            Self::GrantRedo { grant, reason } => write!(f, "redo grant {grant}: {reason}"),
        }
    }
}
