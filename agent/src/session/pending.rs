//! An offer on its way to a permit. It lives as long as the session: after a reconnect the coordinator offers again.

use std::collections::BTreeMap;
use std::time::Duration;

use sendgate_proto::v1;

use crate::apply::offer::Prepared;
use crate::apply::permit::{LONGEST_PERMIT, good_until};
use crate::clock::Steady;
use crate::config::HostName;
use crate::journal::{ActId, Generation};

/// When no answer came to a request, it is asked again: by then no permit for it can be good.
const ASK_AGAIN: Duration = LONGEST_PERMIT;
/// The longest time that a coordinator can put off the next request; the offer itself is the coordinator's to withdraw.
const LONGEST_RETRY: Duration = Duration::from_secs(600);

/// The offers of one session, one for each host at most.
#[derive(Debug, Default)]
pub(super) struct Pending(BTreeMap<HostName, Offer>);

#[derive(Debug)]
struct Offer {
    id: ActId,
    generation: Generation,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The package is being hashed.
    Checking,
    /// To be asked for at this time.
    Due { prepared: Prepared, at: Steady },
    /// Asked for.
    Asked { prepared: Prepared, nonce: u64, requested: Steady },
}

/// What a permit makes of an offer.
#[derive(Debug)]
pub(super) enum Answer {
    /// It may start until then.
    Start { id: ActId, prepared: Prepared, not_after: Steady },
    /// It is refused for good.
    Refuse { id: ActId, host: HostName, why: String },
    /// The message answers no request of ours: nothing changes.
    Stray(String),
    /// It is asked for again later.
    Later,
}

impl Pending {
    /// The act that is pending on a host.
    pub(super) fn on(&self, host: &HostName) -> Option<&ActId> {
        self.0.get(host).map(|offer| &offer.id)
    }

    pub(super) fn add(&mut self, host: HostName, id: ActId, generation: Generation) {
        self.0.insert(host, Offer { id, generation, stage: Stage::Checking });
    }

    /// The preconditions are met: it is asked for at once. `false`: the offer is no longer there.
    pub(super) fn checked(&mut self, id: &ActId, prepared: Prepared, now: Steady) -> bool {
        match self.0.values_mut().find(|offer| offer.id == *id) {
            Some(offer) => {
                offer.stage = Stage::Due { prepared, at: now };
                true
            }
            None => false,
        }
    }

    pub(super) fn remove(&mut self, id: &ActId) -> Option<HostName> {
        let host = self.0.iter().find(|(_, offer)| offer.id == *id).map(|(host, _)| host.clone())?;
        self.0.remove(&host);
        Some(host)
    }

    /// When the next request is due.
    pub(super) fn next(&self) -> Option<Steady> {
        let at = |offer: &Offer| match &offer.stage {
            Stage::Checking => None,
            Stage::Due { at, .. } => Some(*at),
            Stage::Asked { requested, .. } => Some(requested.plus(ASK_AGAIN)),
        };
        self.0.values().filter_map(at).min()
    }

    /// What is to be asked for now, each with its nonce. The clock of a permit starts here, before the request is on its way.
    pub(super) fn ask(&mut self, now: Steady, mut nonce: impl FnMut() -> u64) -> Vec<(ActId, u64)> {
        let mut requests = Vec::new();
        for offer in self.0.values_mut() {
            let prepared = match &offer.stage {
                Stage::Due { prepared, at } if *at <= now => prepared.clone(),
                Stage::Asked { prepared, requested, .. } if requested.plus(ASK_AGAIN) <= now => prepared.clone(),
                Stage::Checking | Stage::Due { .. } | Stage::Asked { .. } => continue,
            };
            let nonce = nonce();
            offer.stage = Stage::Asked { prepared, nonce, requested: now };
            requests.push((offer.id.clone(), nonce));
        }
        requests
    }

    fn asked(&self, act_id: &str, nonce: u64) -> Result<(HostName, ActId, Generation, Prepared, Steady), String> {
        let stray = |why: &str| format!("act {act_id}: {why}");
        let found = self.0.iter().find(|(_, offer)| offer.id.to_string() == act_id);
        let (host, offer) = found.ok_or_else(|| stray("no such offer is pending"))?;
        match &offer.stage {
            Stage::Asked { nonce: ours, prepared, requested } if *ours == nonce => {
                Ok((host.clone(), offer.id.clone(), offer.generation, prepared.clone(), *requested))
            }
            Stage::Asked { .. } => Err(stray("its nonce is not that of the request")),
            Stage::Checking | Stage::Due { .. } => Err(stray("it was not asked for")),
        }
    }

    /// Takes a permit.
    pub(super) fn permit(&mut self, permit: &v1::Permit, generation: Option<Generation>, now: Steady) -> Answer {
        let (host, id, offered, prepared, requested) = match self.asked(&permit.act_id, permit.nonce) {
            Ok(found) => found,
            Err(stray) => return Answer::Stray(stray),
        };
        self.0.remove(&host);
        if generation != Some(offered) {
            let shown = generation.map_or_else(|| "none".to_owned(), |generation| generation.to_string());
            let why = format!("the permit is of generation {shown}, but the offer was of {offered}");
            return Answer::Refuse { id, host, why };
        }
        let valid = Duration::from_millis(permit.valid_ms.into());
        match good_until(requested, valid, now) {
            Some(not_after) => Answer::Start { id, prepared, not_after },
            None => {
                let why = format!("permit expired: it came {:?} after its request", now.since(requested));
                Answer::Refuse { id, host, why }
            }
        }
    }

    /// Takes a refusal; `jitter` is between 0 and 1.
    pub(super) fn refused(&mut self, refused: &v1::PermitRefused, now: Steady, jitter: f64) -> Answer {
        let (host, id, _, prepared, _) = match self.asked(&refused.act_id, refused.nonce) {
            Ok(found) => found,
            Err(stray) => return Answer::Stray(stray),
        };
        if refused.retry_ms == 0 {
            self.0.remove(&host);
            return Answer::Refuse { id, host, why: format!("the offer is void: {}", refused.reason) };
        }
        let wait = Duration::from_millis(refused.retry_ms.into()).min(LONGEST_RETRY);
        // A tenth more at most, so that many agents do not come in step.
        let at = now.plus(wait.mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 10.0));
        if let Some(offer) = self.0.get_mut(&host) {
            offer.stage = Stage::Due { prepared, at };
        }
        Answer::Later
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const G: Generation = Generation { epoch: 1, counter: 1, mark: 1 };

    fn asked(now: Steady) -> Pending {
        let mut pending = Pending::default();
        let host = HostName::new("h").unwrap();
        let prepared = Prepared { host: host.clone(), what: "x".into(), commands: Vec::new(), package: None };
        pending.add(host, ActId::parse("e-1").unwrap(), G);
        assert_eq!(pending.next(), None, "nothing is asked for before it is checked");
        assert!(pending.checked(&ActId::parse("e-1").unwrap(), prepared, now));
        let requests = pending.ask(now, || 7);
        assert_eq!(requests, [(ActId::parse("e-1").unwrap(), 7)]);
        assert_eq!(pending.ask(now, || 8), [], "asked once");
        pending
    }

    fn permit(nonce: u64, valid_ms: u32) -> v1::Permit {
        v1::Permit { act_id: "e-1".into(), nonce, generation: None, valid_ms }
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_permit_in_time_starts_the_act_once() {
        let now = Steady::now();
        let mut pending = asked(now);
        let Answer::Start { not_after, .. } = pending.permit(&permit(7, 20_000), Some(G), now.plus(seconds(19))) else {
            panic!("not started")
        };
        assert_eq!(not_after, now.plus(seconds(20)));
        assert!(matches!(pending.permit(&permit(7, 20_000), Some(G), now), Answer::Stray(_)));
    }

    #[test]
    fn another_nonce_changes_nothing() {
        let now = Steady::now();
        let mut pending = asked(now);
        let Answer::Stray(why) = pending.permit(&permit(6, 20_000), Some(G), now) else { panic!("taken") };
        assert_eq!(why, "act e-1: its nonce is not that of the request");
        assert!(matches!(pending.permit(&permit(7, 20_000), Some(G), now), Answer::Start { .. }));
    }

    #[test]
    fn late_or_of_another_generation_is_refused() {
        let now = Steady::now();
        let Answer::Refuse { why, .. } = asked(now).permit(&permit(7, 5_000), Some(G), now.plus(seconds(5))) else {
            panic!("taken")
        };
        assert_eq!(why, "permit expired: it came 5s after its request");
        let other = Generation { epoch: 1, counter: 2, mark: 1 };
        let Answer::Refuse { why, .. } = asked(now).permit(&permit(7, 5_000), Some(other), now) else {
            panic!("taken")
        };
        assert_eq!(why, "the permit is of generation 0000000000000001:2, but the offer was of 0000000000000001:1");
    }

    #[test]
    fn a_refusal_is_asked_again_or_ends_the_offer() {
        let now = Steady::now();
        let mut pending = asked(now);
        let refused =
            |nonce, retry_ms| v1::PermitRefused { act_id: "e-1".into(), nonce, reason: "gate closed".into(), retry_ms };
        assert!(matches!(pending.refused(&refused(7, 1000), now, 0.5), Answer::Later));
        assert_eq!(pending.next(), Some(now.plus(Duration::from_millis(1050))));
        assert_eq!(pending.ask(now.plus(seconds(2)), || 9).len(), 1);
        assert!(matches!(pending.permit(&permit(7, 20_000), Some(G), now.plus(seconds(2))), Answer::Stray(_)));
        let Answer::Refuse { why, .. } = pending.refused(&refused(9, 0), now, 0.0) else { panic!("kept") };
        assert_eq!(why, "the offer is void: gate closed");
    }

    #[test]
    fn a_request_without_an_answer_is_made_again() {
        let now = Steady::now();
        let mut pending = asked(now);
        assert_eq!(pending.next(), Some(now.plus(seconds(30))));
        assert_eq!(pending.ask(now.plus(seconds(30)), || 9)[0].1, 9);
        // So a permit that took longer than it lives answers a request that nobody waits for, whatever it says of its end.
        let late = pending.permit(&permit(7, u32::MAX), Some(G), now.plus(seconds(30)));
        let Answer::Stray(why) = late else { panic!("taken") };
        assert_eq!(why, "act e-1: its nonce is not that of the request");
    }
}
