//! What happens between an offer and its permit. Both are milliseconds apart, so that hardly anything ever comes between
//! them by chance: here the offer's way is closed or slow meanwhile.

use super::Sim;
use super::chance::Chance;
use super::estate::HOSTS;
use super::faults::{CRAWLING, Fault, SLOW};
use super::people;
use super::world::World;
use sendgate_core::ledger::Effect;
use sendgate_core::request::WantedHeld;
use std::time::Duration;

/// How long a hold goes on after the way is open again.
const HELD_FOR: Duration = Duration::from_secs(5 * 60);

/// What happens between an offer and its permit.
#[derive(Debug, Clone)]
pub(super) enum Meddling {
    /// Something else goes wrong.
    Fault(Box<Fault>),
    /// A person holds something.
    Hold(WantedHeld),
    /// Nothing but that.
    Away,
    /// Whoever approved the rollout takes that back.
    Revoke,
    /// Messages take up to so long, and then the program is slow to start: the permit is late, or runs off meanwhile.
    Late(Duration),
}

/// The way of an agent that was offered something.
#[derive(Debug)]
pub(super) struct Meddled {
    host: &'static str,
    /// It is slow, in place of closed.
    slow: Option<Duration>,
    long: Duration,
}

impl Meddling {
    /// Mostly a deny, for that is what a gate is asked for; `faults` are a deny and two others.
    pub(super) fn draw(chance: &mut Chance, faults: [Fault; 3]) -> Self {
        let [deny, take_away, down] = faults;
        match chance.below(12) {
            0..3 => Self::Fault(Box::new(deny)),
            3 => Self::Fault(Box::new(take_away)),
            4 => Self::Fault(Box::new(down)),
            5 | 6 => Self::Hold(people::held(chance)),
            7 | 8 => Self::Late(SLOW),
            9 | 10 => Self::Revoke,
            _ => Self::Late(CRAWLING),
        }
    }
}

impl Sim {
    /// Keeps an offer apart from its permit.
    pub(super) fn meddled(&self, now: Duration, meddled: &Meddled) {
        self.ways(|ways| {
            let Some(way) = ways.get_mut(meddled.host) else { return };
            match meddled.slow {
                Some(most) => way.slow = (now + meddled.long, most),
                None => {
                    way.closed = now + meddled.long;
                    way.cut();
                }
            }
        });
    }
}

impl World {
    /// An effect is intended, and will be offered to its host's agent.
    pub(super) fn meddle(&mut self, now: Duration, effect: &Effect) {
        let Some(host) = effect.host().and_then(|host| HOSTS.into_iter().find(|known| host.as_str() == *known)) else {
            return;
        };
        let Some((meddling, long)) = self.meddling.take() else { return };
        self.tell(now, || format!("{host} is offered something: {meddling:?}"));
        let slow = if let Meddling::Late(most) = &meddling { Some(*most) } else { None };
        self.meddled = Some(Meddled { host, slow, long });
        match meddling {
            Meddling::Away => {}
            Meddling::Late(_) => self.suffer(now, &Fault::Sluggish(host, long), false),
            Meddling::Fault(fault) => self.suffer(now, &fault, false),
            Meddling::Revoke => {
                let again = now + long + HELD_FOR;
                self.acts_of_people.push((now, people::Act::Revoke("carla")));
                self.acts_of_people.extend(people::yes(self.agreed.terms.approvals).map(|yes| (again, yes)));
            }
            Meddling::Hold(held) => self
                .acts_of_people
                .extend([(now, people::Act::Hold(held.clone())), (now + long + HELD_FOR, people::Act::Release(held))]),
        }
    }
}
