//! Which report is to be sent when: what changed at once, the rest as a heartbeat. Only what was probed since is sent: a
//! prober that hangs is to be seen as silent.

use std::collections::BTreeMap;
use std::time::Duration;

use sendgate_proto::v1;

use crate::clock::Steady;
use crate::config::HostName;
use crate::probe::Snapshot;

/// A report is due after this part of the heartbeat: two may be lost or late before the host is called silent.
const PART: u32 = 3;

#[derive(Debug)]
struct Sent {
    ended: Steady,
    report: v1::HostReport,
    at: Steady,
}

/// What was sent of each host in this session.
#[derive(Debug)]
pub(super) struct Reports {
    every: Duration,
    sent: BTreeMap<HostName, Sent>,
    wanted: BTreeMap<HostName, Steady>,
}

impl Reports {
    pub(super) fn new(heartbeat: Duration) -> Self {
        Self { every: heartbeat / PART, sent: BTreeMap::new(), wanted: BTreeMap::new() }
    }

    /// How often a host must be probed for this heartbeat.
    pub(super) fn every(&self) -> Duration {
        self.every
    }

    /// A probe that begins from now on is to be sent, changed or not.
    pub(super) fn want(&mut self, host: &HostName, now: Steady) {
        self.wanted.insert(host.clone(), now);
    }

    /// Whether this probe is to be sent now; when it is, it counts as sent. `ended` is when the last act there ended: what
    /// began before that may show the host as it was, and the coordinator takes a report for what is true when it comes.
    pub(super) fn is_due(&mut self, host: &HostName, snapshot: &Snapshot, ended: Option<Steady>, now: Steady) -> bool {
        let wanted = self.wanted.get(host).copied();
        if wanted.max(ended).is_some_and(|since| snapshot.begun < since) {
            return false;
        }
        let due = match self.sent.get(host) {
            // In a new session the last probe may be old, because its prober hangs.
            None => now.since(snapshot.ended) < self.every,
            Some(sent) if sent.ended == snapshot.ended => false,
            Some(sent) => wanted.is_some() || sent.report != snapshot.report || now.since(sent.at) >= self.every,
        };
        if due {
            let sent = Sent { ended: snapshot.ended, report: snapshot.report.clone(), at: now };
            self.sent.insert(host.clone(), sent);
            self.wanted.remove(host);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(begun: Steady, name: &str) -> Snapshot {
        let report = v1::HostReport { host: name.into(), exchange: None, goodlink: None };
        Snapshot { begun, ended: begun.plus(Duration::from_millis(500)), report, roster: None }
    }

    #[test]
    fn changes_at_once_and_the_rest_as_a_heartbeat() {
        let host = HostName::new("h").unwrap();
        let now = Steady::now();
        let at = |seconds| now.plus(Duration::from_secs(seconds));
        let mut reports = Reports::new(Duration::from_secs(30));
        assert!(!reports.is_due(&host, &snapshot(at(0), "a"), None, at(11)), "an old probe is no sign of life");
        assert!(reports.is_due(&host, &snapshot(at(20), "a"), None, at(21)), "the first");
        assert!(!reports.is_due(&host, &snapshot(at(21), "a"), None, at(22)), "nothing new");
        assert!(reports.is_due(&host, &snapshot(at(22), "b"), None, at(23)), "changed");
        assert!(!reports.is_due(&host, &snapshot(at(31), "b"), None, at(32)));
        assert!(reports.is_due(&host, &snapshot(at(32), "b"), None, at(33)), "a third of the heartbeat has passed");
        assert!(!reports.is_due(&host, &snapshot(at(32), "b"), None, at(90)), "sent already, and old since");
        reports.want(&host, at(34));
        assert!(!reports.is_due(&host, &snapshot(at(33), "b"), None, at(35)), "begun before it was wanted");
        assert!(!reports.is_due(&host, &snapshot(at(33), "c"), None, at(35)), "nor when it saw something new");
        assert!(!reports.is_due(&host, &snapshot(at(33), "c"), None, at(60)), "nor as a heartbeat");
        assert!(reports.is_due(&host, &snapshot(at(36), "b"), None, at(37)), "wanted");
        assert!(!reports.is_due(&host, &snapshot(at(38), "b"), None, at(39)), "wanted once");
    }

    #[test]
    fn what_began_before_the_end_of_an_act_is_not_sent_in_the_next_session_either() {
        let host = HostName::new("h").unwrap();
        let now = Steady::now();
        let at = |seconds| now.plus(Duration::from_secs(seconds));
        let mut reports = Reports::new(Duration::from_secs(30));
        assert!(!reports.is_due(&host, &snapshot(at(0), "a"), Some(at(1)), at(2)), "it may show what was there before");
        assert!(reports.is_due(&host, &snapshot(at(1), "a"), Some(at(1)), at(2)));
    }
}
