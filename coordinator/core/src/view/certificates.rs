//! Certificates that end soon, have ended, or of which nobody knows when they end.

use crate::estate::{Answer, CertificateHolder};
use crate::gate::World;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// From so long before its end on a certificate is spoken of: a month has a day on which somebody has time for it.
pub const SPOKEN_OF: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A certificate that somebody has to look after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateLine {
    /// Whose.
    #[serde(flatten)]
    pub holder: CertificateHolder,
    /// When it ends, or why that is not known.
    pub ends: Answer<Timestamp>,
    /// Whether it has ended.
    pub ended: bool,
    /// Time that is left, in words; none: it has ended, or nobody knows.
    pub left: Option<String>,
}

/// Those that end within [`SPOKEN_OF`], have ended, or cannot be read; an agent that has not connected since the coordinator
/// started has shown none.
pub(super) fn certificates(world: World<'_>) -> Vec<CertificateLine> {
    let seen = &world.estate.certificates;
    let agents: BTreeSet<_> = world.policy.hosts.values().cloned().map(CertificateHolder::Agent).collect();
    let unseen = agents.iter().filter(|holder| !seen.contains_key(holder));
    let unseen = unseen.map(|holder| line(world, holder, &Err(UNSEEN.to_owned())));
    // Nothing but the coordinator's own start fills this.
    let own = (!seen.contains_key(&CertificateHolder::Coordinator))
        .then(|| line(world, &CertificateHolder::Coordinator, &Err("nobody has looked at it".to_owned())));
    let lines = own.into_iter().chain(seen.iter().map(|(holder, ends)| line(world, holder, ends))).chain(unseen);
    let spoken_of = |line: &CertificateLine| match &line.ends {
        Ok(ends) => ends.duration_since(world.now.wall) <= SPOKEN_OF,
        Err(_) => true,
    };
    lines.filter(spoken_of).collect()
}

/// Why nothing is known of an agent's.
const UNSEEN: &str = "it has not connected since the coordinator started";

fn line(world: World<'_>, holder: &CertificateHolder, ends: &Answer<Timestamp>) -> CertificateLine {
    let left = ends.as_ref().ok().map(|ends| ends.duration_since(world.now.wall));
    // Good up to and with its last second.
    let ended = left.is_some_and(|left| left.is_negative());
    let left = left.filter(|left| !left.is_negative()).map(|left| match (left.as_hours() / 24, left.as_hours()) {
        (0, 0) => format!("{} min", left.as_mins()),
        (0, hours) => format!("{hours} h"),
        (1, _) => "1 day".to_owned(),
        (days, _) => format!("{days} days"),
    });
    CertificateLine { holder: holder.clone(), ends: ends.clone(), ended, left }
}

impl fmt::Display for CertificateLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whose, role) = match &self.holder {
            CertificateHolder::Coordinator => ("the coordinator's own certificate".to_owned(), "coordinator"),
            CertificateHolder::Authority(subject) => (format!("the authority {subject}"), ""),
            CertificateHolder::Agent(agent) => (format!("the certificate of agent {agent}"), "agent"),
        };
        let means = match &self.holder {
            CertificateHolder::Coordinator => {
                "a coordinator does not start with one that has ended, and nobody connects to one"
            }
            CertificateHolder::Authority(_) => "whatever it has issued is refused then, agents and people alike",
            CertificateHolder::Agent(_) => "a session that is up goes on, no new one begins",
        };
        let remedy = match &self.holder {
            CertificateHolder::Authority(_) => "make a new one, and all certificates anew".to_owned(),
            _ => format!("issue a new one with `sendgate pki issue --role {role}`"),
        };
        match (&self.ends, &self.left) {
            (Err(why), _) => write!(f, "when {whose} ends is not known: {why}"),
            (Ok(ends), _) if self.ended => write!(f, "{whose} HAS ENDED, at {ends:.0}: {means}; {remedy}"),
            (Ok(ends), left) => {
                let left = left.as_deref().unwrap_or("no time");
                write!(f, "{whose} ends in {left}, at {ends:.0}: {means}; {remedy}")
            }
        }
    }
}
