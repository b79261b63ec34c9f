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

/// Whose hold is ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// That of this person.
    Person(OperatorName),
    /// That of Sendgate itself.
    Sendgate,
}

/// Holds in force, and when there were holds before: deadlines of failure and soak stand still meanwhile, the world's
/// clocks (caches, propagator, age of evidence, windows, expiries) do not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Holds {
    /// In force.
    now: BTreeMap<Held, Standing>,
    /// Over: from when to when, in the order of their ends.
    over: BTreeMap<Held, Vec<(Steady, Steady)>>,
}

/// The holds on one thing. Each takes its own end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Standing {
    /// Those of people.
    people: BTreeMap<OperatorName, Hold>,
    /// That of Sendgate itself, until a person lets it go.
    own: Option<Hold>,
    /// Sendgate's is from a journal in which it was no hold of its own: a person's takes its place.
    gives_way: bool,
}

impl Standing {
    /// Those of people first.
    fn all(&self) -> impl Iterator<Item = &Hold> + use<'_> {
        self.people.values().chain(&self.own)
    }

    /// Takes out what is to end; empty if there is nothing of the kind. Nobody named: whoever they are, and where it is no
    /// person, Sendgate.
    fn end(&mut self, whose: Option<&Whose>) -> Vec<Hold> {
        match whose {
            Some(Whose::Person(by)) => self.people.remove(by).into_iter().collect(),
            Some(Whose::Sendgate) => self.own.take().into_iter().collect(),
            None if self.people.is_empty() => self.own.take().into_iter().collect(),
            None => std::mem::take(&mut self.people).into_values().collect(),
        }
    }
}

impl Holds {
    /// The holds in force.
    #[must_use]
    pub fn in_force(&self) -> &BTreeMap<Held, Standing> {
        &self.now
    }

    /// Whether exactly this is held by anybody.
    #[must_use]
    pub fn is_held(&self, held: &Held) -> bool {
        self.now.contains_key(held)
    }

    /// Every hold on exactly this, those of people first.
    pub fn all_on(&self, held: &Held) -> impl Iterator<Item = &Hold> + use<'_> {
        self.now.get(held).into_iter().flat_map(Standing::all)
    }

    /// Every hold in force.
    pub fn all(&self) -> impl Iterator<Item = (&Held, &Hold)> {
        self.now.iter().flat_map(|(held, standing)| standing.all().map(move |hold| (held, hold)))
    }

    /// The hold of this person on exactly this.
    #[must_use]
    pub fn of(&self, held: &Held, by: &OperatorName) -> Option<&Hold> {
        self.now.get(held)?.people.get(by)
    }

    /// Holds it for a person, whoever else does. Whoever holds it already has held it since then, and his last reason is
    /// kept.
    pub(super) fn hold(&mut self, held: Held, by: OperatorName, reason: String, at: Now) {
        let standing = self.now.entry(held).or_default();
        let replaced = if standing.gives_way { standing.own.take() } else { None };
        standing.gives_way = false;
        let known = standing.people.get(&by).or(replaced.as_ref());
        let at = known.map_or(at, |known| known.at);
        standing.people.insert(by.clone(), Hold { by: Some(by), reason, at });
    }

    /// Holds it for Sendgate itself until a person lets that go, whoever holds it meanwhile. What Sendgate holds already
    /// stays held for its first reason.
    pub(super) fn hold_by_itself(&mut self, held: Held, reason: String, at: Now) {
        let standing = self.now.entry(held).or_default();
        standing.own.get_or_insert(Hold { by: None, reason, at });
        standing.gives_way = false;
    }

    /// As earlier releases did: only what nobody holds, and until a person holds it.
    pub(super) fn hold_until_somebody_does(&mut self, held: Held, reason: String, at: Now) {
        self.now.entry(held).or_insert_with(|| Standing {
            people: BTreeMap::new(),
            own: Some(Hold { by: None, reason, at }),
            gives_way: true,
        });
    }

    /// Ends the hold of this person, or of Sendgate. Nobody named, as in journals of earlier releases: those of all people,
    /// and where no person holds it, that of Sendgate.
    ///
    /// # Errors
    /// It is not held, or not by him.
    pub(super) fn release(&mut self, held: &Held, whose: Option<&Whose>, at: Steady) -> Result<(), String> {
        let standing = self.now.get_mut(held).ok_or_else(|| format!("{held} is not held"))?;
        let ended = standing.end(whose);
        if ended.is_empty() {
            let whose = whose.map_or_else(|| "anybody".to_owned(), ToString::to_string);
            return Err(format!("{held} is not held by {whose}"));
        }
        if standing.all().next().is_none() {
            self.now.remove(held);
        }
        self.over.entry(held.clone()).or_default().extend(ended.iter().map(|hold| (hold.at.steady, at)));
        Ok(())
    }

    /// Whether nothing was ever held.
    #[must_use]
    pub fn never(&self) -> bool {
        self.now.is_empty() && self.over.is_empty()
    }

    /// What is held or was.
    pub fn ever(&self) -> impl Iterator<Item = &Held> {
        self.now.keys().chain(self.over.keys())
    }

    /// How much of the time from `since` to `now` none of these was held.
    #[must_use]
    pub fn running<'a>(&self, since: Steady, now: Steady, by: impl IntoIterator<Item = &'a Held>) -> Duration {
        let mut still: Vec<(Steady, Steady)> = Vec::new();
        for held in by {
            still.extend(self.over.get(held).into_iter().flatten().copied());
            still.extend(self.all_on(held).map(|hold| (hold.at.steady, now)));
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

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(by) => by.fmt(f),
            Self::Sendgate => f.write_str("Sendgate itself"),
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

    fn now(seconds: u64) -> Now {
        Now { wall: jiff::Timestamp::UNIX_EPOCH, steady: at(seconds) }
    }

    fn person(name: &str) -> Whose {
        Whose::Person(name.parse().unwrap())
    }

    fn hold(holds: &mut Holds, held: &Held, by: &str, reason: &str, seconds: u64) {
        holds.hold(held.clone(), by.parse().unwrap(), reason.to_owned(), now(seconds));
    }

    /// Who holds the estate, why and since when.
    fn estate(holds: &Holds) -> Vec<(String, u64)> {
        let since = |hold: &Hold| hold.at.steady.since(Steady::START).as_secs();
        holds.all_on(&Held::Estate).map(|hold| (hold.to_string(), since(hold))).collect()
    }

    /// In whichever order they came, each takes its own release, and time stands still until the last one.
    #[test]
    fn what_sendgate_holds_by_itself_outlasts_a_persons_hold() {
        for person_first in [true, false] {
            let mut holds = Holds::default();
            let own = |holds: &mut Holds| holds.hold_by_itself(Held::Estate, "drift".to_owned(), now(20));
            if person_first {
                hold(&mut holds, &Held::Estate, "olga", "test", 10);
                own(&mut holds);
            } else {
                own(&mut holds);
                hold(&mut holds, &Held::Estate, "olga", "test", 25);
            }
            let since = if person_first { 10 } else { 25 };
            let drift = ("held by Sendgate itself: drift".to_owned(), 20);
            assert_eq!(estate(&holds), [("held by olga: test".to_owned(), since), drift.clone()]);
            // A release of the last version's journal, and one of this version's.
            let whose = person("olga");
            holds.release(&Held::Estate, person_first.then_some(&whose), at(30)).unwrap();
            assert_eq!(estate(&holds), [drift]);
            holds.release(&Held::Estate, person_first.then_some(&Whose::Sendgate), at(40)).unwrap();
            assert_eq!((estate(&holds), holds.is_held(&Held::Estate)), (vec![], false));
            let stood = if person_first { 30 } else { 20 };
            assert_eq!(holds.running(at(0), at(100), &[Held::Estate]), Duration::from_secs(100 - stood));
            assert!(holds.release(&Held::Estate, None, at(50)).is_err());
        }
    }

    #[test]
    fn each_persons_hold_stands_with_its_own_reason_and_time_until_its_own_end() {
        let mut holds = Holds::default();
        hold(&mut holds, &Held::Estate, "olive", "SAN is failing", 10);
        hold(&mut holds, &Held::Estate, "bob", "moving mailboxes", 20);
        let (olive, bob) =
            (("held by olive: SAN is failing".to_owned(), 10), "held by bob: moving mailboxes".to_owned());
        assert_eq!(estate(&holds), [(bob, 20), olive.clone()]);
        holds.release(&Held::Estate, Some(&person("bob")), at(30)).unwrap();
        assert_eq!(estate(&holds), [olive]);
        let again = holds.release(&Held::Estate, Some(&person("bob")), at(35)).unwrap_err();
        assert_eq!(again, "the estate is not held by bob");
        let own = holds.release(&Held::Estate, Some(&Whose::Sendgate), at(35)).unwrap_err();
        assert_eq!(own, "the estate is not held by Sendgate itself");
        // Until the last of them: from 10 on.
        assert_eq!(holds.running(at(0), at(100), &[Held::Estate]), Duration::from_secs(10));
        holds.release(&Held::Estate, Some(&person("olive")), at(40)).unwrap();
        assert_eq!(holds.running(at(0), at(100), &[Held::Estate]), Duration::from_secs(70));
    }

    /// A release in a journal of the last version names nobody, and ended what was held by whomever.
    #[test]
    fn an_older_release_ends_the_holds_of_all_people() {
        let mut holds = Holds::default();
        hold(&mut holds, &Held::Estate, "olive", "SAN is failing", 10);
        hold(&mut holds, &Held::Estate, "bob", "moving mailboxes", 20);
        holds.release(&Held::Estate, None, at(30)).unwrap();
        assert_eq!(holds.in_force().len(), 0);
        assert_eq!(holds.running(at(0), at(100), &[Held::Estate]), Duration::from_secs(80));
    }

    /// There a person's hold took the place of Sendgate's, from when that began, and its end was the end of both.
    #[test]
    fn a_persons_hold_takes_the_place_of_sendgates_in_an_older_journal() {
        let mut holds = Holds::default();
        holds.hold_until_somebody_does(Held::Estate, "drift".to_owned(), now(10));
        hold(&mut holds, &Held::Estate, "olive", "SAN is failing", 20);
        holds.hold_until_somebody_does(Held::Estate, "drift".to_owned(), now(25));
        assert_eq!(estate(&holds), [("held by olive: SAN is failing".to_owned(), 10)]);
        holds.release(&Held::Estate, None, at(30)).unwrap();
        assert_eq!(holds.in_force().len(), 0);
        assert_eq!(holds.running(at(0), at(100), &[Held::Estate]), Duration::from_secs(80));
    }

    #[test]
    fn time_stands_still_once_however_many_hold() {
        let (mut holds, rollout) = (Holds::default(), Held::Rollout("r".parse().unwrap()));
        hold(&mut holds, &Held::Estate, "olga", "test", 10);
        hold(&mut holds, &rollout, "olga", "test", 15);
        holds.release(&Held::Estate, Some(&person("olga")), at(20)).unwrap();
        holds.release(&rollout, Some(&person("olga")), at(30)).unwrap();
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
        hold(&mut holds, &Held::Estate, "olga", "test", 10);
        hold(&mut holds, &Held::Estate, "olga", "once more", 50);
        assert_eq!(estate(&holds), [("held by olga: once more".to_owned(), 10)]);
        assert_eq!(holds.running(at(0), at(100), &[Held::Estate]), Duration::from_secs(10));
        let none = holds.release(&Held::Host("h".parse().unwrap()), None, at(60)).unwrap_err();
        assert_eq!(none, "host h is not held");
    }
}
