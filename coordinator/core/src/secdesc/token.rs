//! The SIDs that an account acts under, as plain sets and in a form that answers quickly.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::sid::Sid;

/// The SIDs that an account acts under.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Token {
    /// Held for certain where the check is made: these allow and deny.
    pub certain: BTreeSet<Sid>,
    /// Perhaps held: these may deny, never allow.
    #[serde(default)]
    pub uncertain: BTreeSet<Sid>,
}

/// Whether a token holds a SID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Held {
    /// For certain.
    Certainly,
    /// Perhaps.
    Perhaps,
    /// No.
    Not,
}

/// What a decision asks of a token.
pub trait Membership {
    /// Whether the token holds this SID. What is held both certainly and perhaps is held certainly.
    fn holds(&self, sid: &Sid) -> Held;
}

impl Membership for Token {
    fn holds(&self, sid: &Sid) -> Held {
        if self.certain.contains(sid) {
            Held::Certainly
        } else if self.uncertain.contains(sid) {
            Held::Perhaps
        } else {
            Held::Not
        }
    }
}

impl<M: Membership + ?Sized> Membership for Arc<M> {
    fn holds(&self, sid: &Sid) -> Held {
        (**self).holds(sid)
    }
}

/// A token for many questions: made once, then asked without searching.
///
/// A table of slots, four to eight for each SID, so that nearly every question about a SID that is not held ends at the
/// first slot.
#[derive(Debug, Clone)]
pub struct TokenIndex {
    /// One more than the place in `sids`, or zero; a power of two of them, never full.
    slots: Box<[u32]>,
    sids: Box<[(Sid, Held)]>,
}

/// The least number of slots for each SID.
const SLOTS_PER_SID: usize = 4;

impl TokenIndex {
    /// The table of a token.
    #[must_use]
    pub fn of(token: &Token) -> Self {
        let certain = token.certain.iter().map(|sid| (sid.clone(), Held::Certainly));
        let perhaps = token.uncertain.difference(&token.certain).map(|sid| (sid.clone(), Held::Perhaps));
        let sids: Box<[_]> = certain.chain(perhaps).collect();
        let mut slots = vec![0; (sids.len() * SLOTS_PER_SID).next_power_of_two()].into_boxed_slice();
        for (place, (sid, _)) in (1..).zip(&sids) {
            let free = probe(slots.len(), sid).find(|slot| slots.get(*slot) == Some(&0));
            if let Some(slot) = free.and_then(|slot| slots.get_mut(slot)) {
                *slot = place;
            }
        }
        Self { slots, sids }
    }
}

impl Membership for TokenIndex {
    #[inline]
    fn holds(&self, sid: &Sid) -> Held {
        for slot in probe(self.slots.len(), sid) {
            let place = self.slots.get(slot).copied().unwrap_or(0);
            let Some((held, certainty)) = (place as usize).checked_sub(1).and_then(|place| self.sids.get(place)) else {
                return Held::Not;
            };
            if held == sid {
                return *certainty;
            }
        }
        Held::Not
    }
}

/// The slots where a SID may stand, each once.
#[inline]
fn probe(slots: usize, sid: &Sid) -> impl Iterator<Item = usize> + use<> {
    let mask = slots - 1;
    // The upper half of a sum of products depends on every part of the SID.
    let first = (sid.fingerprint() >> 32) as usize;
    (0..slots).map(move |step| first.wrapping_add(step) & mask)
}
