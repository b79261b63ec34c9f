//! A simulation of everything: the coordinator's real loop and the agents' real sessions, acts and journals, over a
//! simulated network, directory and hosts, on virtual time.
//!
//! 1. [`chance`]: all chance comes from one seed, and so does the whole story;
//! 2. `estate` is what is configured, `terms` the rollout's file, `limits` how many hosts at once, `world` what is true,
//!    `before` what there is at first, and `judge` what must never be; `known` is what the coordinator was shown, `heard` what
//!    hosts said, `stops` what was stopped, `agreed` what the file and people say, `waves` what comes after what, `allowed`
//!    how much may go wrong, `repeated` what is not done twice, `placed` on whom entries are, `removed` what a removal leaves,
//!    `drifted` what somebody else changed: these bind it at once, where the truth leaves it time to hear, as `remedied` does
//!    for what has to come;
//! 3. `directory` and `hosts` are what the programs touch, `reports` what agents see of hosts, `network` is between them,
//!    `lives` starts and kills them;
//! 4. `faults` is what goes wrong, `ailing` what is not shown or does not serve, `absences` who is away for long, `clusters` a
//!    store that moves from node to node, `restored` a journal that is lost, `memory` what agents know of it, `meddling` what
//!    happens between an offer and its permit, `people` what people do, `exceptions` what they take out of the rules,
//!    `wishes` what they want besides and `specials` what needs a yes of its own; `stage` plays a seed to its end, and
//!    `ended` is how that was.

mod absences;
mod agreed;
mod ailing;
mod allowed;
mod before;
pub mod chance;
mod clusters;
mod directory;
mod drifted;
mod ended;
mod estate;
mod exceptions;
mod faults;
mod heard;
mod hosts;
mod judge;
mod known;
mod limits;
mod lives;
mod meddling;
mod memory;
mod network;
mod people;
mod placed;
mod remedied;
mod removed;
mod repeated;
mod reports;
mod restored;
mod specials;
mod stage;
mod stops;
mod terms;
mod watched;
mod waves;
mod wishes;
mod world;

pub use ended::Ended;
pub use estate::Premises;
pub use stage::play;

use chance::Chance;
use lives::Who;
use network::Ways;
use sendgate_coordinator::agents::AgentService;
use sendgate_coordinator::driver::Handle;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use world::World;

/// The wall clock at the start: 2007-03-01 00:00 UTC, in milliseconds since 1970.
const EPOCH_MS: i64 = 1_172_707_200_000;

/// The coordinator, as long as it can be reached.
type Served = Option<(Arc<AgentService>, Handle)>;

/// What all parts of a simulation share.
struct Sim {
    started: Instant,
    premises: Arc<Premises>,
    chance: Mutex<Chance>,
    world: Mutex<World>,
    ways: Mutex<Ways>,
    served: Mutex<Served>,
    deaths: mpsc::Sender<Who>,
}

impl std::fmt::Debug for Sim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a simulation")
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sim {
    /// Virtual time since the start.
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn chance<T>(&self, draw: impl FnOnce(&mut Chance) -> T) -> T {
        draw(&mut locked(&self.chance))
    }

    fn world<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut locked(&self.world))
    }

    fn ways<T>(&self, act: impl FnOnce(&mut Ways) -> T) -> T {
        act(&mut locked(&self.ways))
    }

    fn service(&self) -> Option<Arc<AgentService>> {
        locked(&self.served).as_ref().map(|(service, _)| Arc::clone(service))
    }

    fn handle(&self) -> Option<Handle> {
        locked(&self.served).as_ref().map(|(_, handle)| handle.clone())
    }

    fn serves(&self, served: Served) {
        *locked(&self.served) = served;
    }

    fn violated(&self, what: String) {
        let now = self.now();
        self.world(|world| world.violated(now, what));
    }

    /// A life has ended by itself. There are fewer lives than places.
    fn died(&self, who: Who) {
        let _ = self.deaths.try_send(who);
    }
}
