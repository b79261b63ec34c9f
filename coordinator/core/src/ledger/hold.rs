//! A stop on anything, and the time that it makes stand still.

use crate::names::{DomainName, HostName, OperatorName, RolloutName};
use crate::time::{Now, Steady};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What is held. To pause a rollout is to hold it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "held", content = "name")]
pub enum Held {
    /// Everything.
    Estate,
    /// Grants in a domain, and the hosts of the Exchange and GoodLink servers that serve it.
    Domain(DomainName),
    /// A host.
    Host(HostName),
    /// A rollout.
    Rollout(RolloutName),
}

/// Who holds it, and why. No new effect begins there (invariant 7).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hold {
    /// Who; none: Sendgate itself, because something changed with no command of ours.
    pub by: Option<OperatorName>,
    /// Why.
    pub reason: String,
    /// Since when.
    pub at: Now,
}

/// Holds in force, and when there were holds before: deadlines of failure and soak stand still meanwhile, the world's
/// clocks (caches, propagator, age of evidence, windows, expiries) do not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Holds {
    /// In force.
    now: BTreeMap<Held, Hold>,
    /// Those of Sendgate itself that nobody has let go yet. A person's hold may stand before one, and its end shows it again.
    own: BTreeMap<Held, Hold>,
    /// Over: from when to when, in order.
    over: BTreeMap<Held, Vec<(Steady, Steady)>>,
}

impl Holds {
    /// The holds in force.
    #[must_use]
    pub fn in_force(&self) -> &BTreeMap<Held, Hold> {
        &self.now
    }

    /// The hold on exactly this.
    #[must_use]
    pub fn on(&self, held: &Held) -> Option<&Hold> {
        self.now.get(held)
    }

    /// The hold of Sendgate itself behind that of a person: what is left when he lets it go.
    #[must_use]
    pub fn behind(&self, held: &Held) -> Option<&Hold> {
        self.own.get(held).filter(|_| self.on(held).is_some_and(|hold| hold.by.is_some()))
    }

    /// Every hold on exactly this.
    pub fn all_on(&self, held: &Held) -> impl Iterator<Item = &Hold> + use<'_> {
        self.on(held).into_iter().chain(self.behind(held))
    }

    /// Every hold in force.
    pub fn all(&self) -> impl Iterator<Item = (&Held, &Hold)> {
        self.now.keys().flat_map(|held| self.all_on(held).map(move |hold| (held, hold)))
    }

    /// Holds it. What is held already stays held since then; who said so last is kept.
    pub(super) fn hold(&mut self, held: Held, mut hold: Hold) {
        if let Some(known) = self.now.get(&held) {
            hold.at = known.at;
        }
        self.now.insert(held, hold);
    }

    /// Holds it for Sendgate itself until a person lets that go, whoever holds it meanwhile. What Sendgate holds already
    /// stays held for its first reason.
    pub(super) fn hold_by_itself(&mut self, held: Held, hold: Hold) {
        let own = self.own.entry(held.clone()).or_insert(hold);
        self.now.entry(held).or_insert_with(|| own.clone());
    }

    /// Lets the hold go that is shown. One of Sendgate itself behind it takes its place.
    ///
    /// # Errors
    /// It is not held.
    pub(super) fn release(&mut self, held: &Held, at: Steady) -> Result<(), String> {
        let behind = self.behind(held).cloned();
        let hold = self.now.remove(held).ok_or_else(|| format!("{held} is not held"))?;
        self.over.entry(held.clone()).or_default().push((hold.at.steady, at));
        match behind {
            Some(behind) => {
                self.now.insert(held.clone(), behind);
            }
            None => {
                self.own.remove(held);
            }
        }
        Ok(())
    }

    /// Whether nothing was ever held.
    #[must_use]
    pub fn never(&self) -> bool {
        self.now.is_empty() && self.over.is_empty()
    }

    /// How much of the time from `since` to `now` none of these was held.
    #[must_use]
    pub fn running(&self, since: Steady, now: Steady, by: &[Held]) -> Duration {
        let mut still: Vec<(Steady, Steady)> = Vec::new();
        for held in by {
            still.extend(self.over.get(held).into_iter().flatten().copied());
            still.extend(self.now.get(held).map(|hold| (hold.at.steady, now)));
        }
        still.sort();
        let (mut stood, mut end) = (Duration::ZERO, since);
        for (from, to) in still {
            let (from, to) = (from.max(end), to.min(now));
            stood += to.since(from);
            end = end.max(to);
        }
        now.since(since).saturating_sub(stood)
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Estate => f.write_str("the estate"),
            Self::Domain(domain) => write!(f, "domain {domain}"),
            Self::Host(host) => write!(f, "host {host}"),
            Self::Rollout(rollout) => write!(f, "rollout {rollout}"),
        }
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.by {
            Some(by) => write!(f, "held by {by}: {}", self.reason),
            None => write!(f, "held by Sendgate itself: {}", self.reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Steady {
        Steady::START + Duration::from_secs(seconds)
    }

    fn hold(seconds: u64) -> Hold {
        Hold { by: Some("olga".parse().unwrap()), ..own(seconds) }
    }

    fn own(seconds: u64) -> Hold {
        let at = Now { wall: jiff::Timestamp::UNIX_EPOCH, steady: at(seconds) };
        Hold { by: None, reason: "test".to_owned(), at }
    }

    /// In whichever order they came, each takes its own release, and time stands still until the last one.
    #[test]
    fn what_sendgate_holds_by_itself_outlasts_a_persons_hold() {
        for person_first in [true, false] {
            let mut holds = Holds::default();
            if person_first {
                holds.hold(Held::Estate, hold(10));
                holds.hold_by_itself(Held::Estate, own(20));
            } else {
                holds.hold_by_itself(Held::Estate, own(20));
                holds.hold(Held::Estate, hold(25));
            }
            assert_eq!(holds.all().map(|(_, hold)| hold.by.is_some()).collect::<Vec<_>>(), [true, false]);
            holds.release(&Held::Estate, at(30)).unwrap();
            assert_eq!(holds.on(&Held::Estate), Some(&own(20)));
            assert_eq!((holds.all().count(), holds.behind(&Held::Estate)), (1, None));
            holds.release(&Held::Estate, at(40)).unwrap();
            assert_eq!((holds.on(&Held::Estate), holds.all().count()), (None, 0));
            let stood = if person_first { 30 } else { 20 };
            assert_eq!(holds.running(at(0), at(100), &[Held::Estate]), Duration::from_secs(100 - stood));
            assert!(holds.release(&Held::Estate, at(50)).is_err());
        }
    }

    #[test]
    fn time_stands_still_once_however_many_hold() {
        let (mut holds, rollout) = (Holds::default(), Held::Rollout("r".parse().unwrap()));
        holds.hold(Held::Estate, hold(10));
        holds.hold(rollout.clone(), hold(15));
        holds.release(&Held::Estate, at(20)).unwrap();
        holds.release(&rollout, at(30)).unwrap();
        let both = [Held::Estate, rollout.clone()];
        assert_eq!(holds.running(at(0), at(100), &both), Duration::from_secs(80));
        assert_eq!(holds.running(at(12), at(100), &both), Duration::from_secs(70));
        assert_eq!(holds.running(at(0), at(25), &both), Duration::from_secs(10));
        assert_eq!(holds.running(at(0), at(100), &[Held::Estate]), Duration::from_secs(90));
        assert_eq!(holds.running(at(40), at(100), &both), Duration::from_secs(60));
    }

    #[test]
    fn a_hold_in_force_stands_until_now_and_since_its_first_saying() {
        let mut holds = Holds::default();
        holds.hold(Held::Estate, hold(10));
        holds.hold(Held::Estate, hold(50));
        assert_eq!(holds.running(at(0), at(100), &[Held::Estate]), Duration::from_secs(10));
        assert_eq!(holds.release(&Held::Host("h".parse().unwrap()), at(60)).unwrap_err(), "host h is not held");
    }
}
