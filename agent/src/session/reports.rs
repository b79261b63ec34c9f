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
    number: u64,
    report: v1::HostReport,
    at: Steady,
}

/// What was sent of each host in this session.
#[derive(Debug)]
pub(super) struct Reports {
    every: Duration,
    sent: BTreeMap<HostName, Sent>,
    wanted: BTreeMap<HostName, u64>,
}

impl Reports {
    pub(super) fn new(heartbeat: Duration) -> Self {
        Self { every: heartbeat / PART, sent: BTreeMap::new(), wanted: BTreeMap::new() }
    }

    /// How often a host must be probed for this heartbeat.
    pub(super) fn every(&self) -> Duration {
        self.every
    }

    /// The coordinator wants a report that is newer than the probe `number`, changed or not.
    pub(super) fn want(&mut self, host: &HostName, number: u64) {
        self.wanted.insert(host.clone(), number);
    }

    /// Whether this probe is to be sent now; when it is, it counts as sent.
    pub(super) fn is_due(&mut self, host: &HostName, snapshot: &Snapshot, now: Steady) -> bool {
        let wanted = self.wanted.get(host).is_some_and(|after| snapshot.number > *after);
        let due = match self.sent.get(host) {
            None => true,
            Some(sent) if sent.number == snapshot.number => false,
            Some(sent) => wanted || sent.report != snapshot.report || now.since(sent.at) >= self.every,
        };
        if due {
            let sent = Sent { number: snapshot.number, report: snapshot.report.clone(), at: now };
            self.sent.insert(host.clone(), sent);
        }
        if wanted {
            self.wanted.remove(host);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(number: u64, name: &str) -> Snapshot {
        Snapshot { number, report: v1::HostReport { host: name.into(), exchange: None, goodlink: None }, roster: None }
    }

    #[test]
    fn changes_at_once_and_the_rest_as_a_heartbeat() {
        let host = HostName::new("h").unwrap();
        let now = Steady::now();
        let at = |seconds| now.plus(Duration::from_secs(seconds));
        let mut reports = Reports::new(Duration::from_secs(30));
        assert!(reports.is_due(&host, &snapshot(1, "a"), at(0)), "the first");
        assert!(!reports.is_due(&host, &snapshot(2, "a"), at(1)), "nothing new");
        assert!(reports.is_due(&host, &snapshot(3, "b"), at(2)), "changed");
        assert!(!reports.is_due(&host, &snapshot(4, "b"), at(11)));
        assert!(reports.is_due(&host, &snapshot(5, "b"), at(12)), "a third of the heartbeat has passed");
        assert!(!reports.is_due(&host, &snapshot(5, "b"), at(60)), "an old probe is no sign of life");
        reports.want(&host, 6);
        assert!(!reports.is_due(&host, &snapshot(6, "b"), at(13)), "begun before it was wanted");
        assert!(reports.is_due(&host, &snapshot(7, "b"), at(14)), "wanted");
        assert!(!reports.is_due(&host, &snapshot(8, "b"), at(15)), "wanted once");
    }
}
