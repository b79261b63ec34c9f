//! Simulated hosts, and programs that outlive the agents that had them started.

use super::Sim;
use super::ailing::Ail;
use super::lives::Life;
use super::restored::ActKey;
use super::world::World;
use sendgate_agent::apply::Look;
use sendgate_agent::apply::offer::Prepared;
use sendgate_agent::apply::programs::{Followed, Programs};
use sendgate_agent::clock::Steady;
use sendgate_agent::journal::{ActId, Progress};
use sendgate_agent::machine::Later;
use sendgate_core::enforcement::StoreVersion;
use std::collections::BTreeMap;
use std::fmt;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// What an agent is told of a failed installation: any code but 0.
const FAILED: i32 = 3;
/// When a program that hangs is killed: what it has done is not known then.
const TIMEOUT: Duration = Duration::from_secs(60 * 60);
/// What a supervisor takes until it starts its program; on a host that is sluggish, longer than a permit lives.
const STARTS: Duration = Duration::from_secs(2);
const STARTS_LATE: Duration = Duration::from_secs(45);
/// How an agent calls a test, before the Exchange server.
const TEST: &str = "test sending through ";
/// How often an act is looked at: virtual time costs little, but not nothing.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// A host.
#[derive(Debug, Clone, Default)]
pub(super) struct Host {
    /// Of its store, on an Exchange host.
    pub(super) version: Option<StoreVersion>,
    /// Since when it has that version.
    pub(super) versioned: Duration,
    /// A node of a cluster whose store is elsewhere, or on no node.
    pub(super) passive: bool,
    /// The service is down for an act.
    pub(super) down: bool,
    /// Programs take long to start until then.
    pub(super) sluggish: Duration,
    pub(super) started: Duration,
    /// When the machine was started: its clock counts from then.
    pub(super) booted: Duration,
    /// GoodLink's paused users: since when, the last line, how many.
    pub(super) paused: BTreeMap<String, (Duration, Duration, u32)>,
    /// Users whose pause ran off by itself or was cleared, and when.
    pub(super) relieved: BTreeMap<String, Duration>,
    /// What ails it, and until when.
    pub(super) ails: BTreeMap<Ail, Duration>,
    /// What is to ail it after its next install, and how long.
    pub(super) relapse: Option<(Ail, Duration)>,
}

impl Host {
    pub(super) fn has(&self, now: Duration, ail: Ail) -> bool {
        self.ails.get(&ail).is_some_and(|until| *until > now)
    }

    /// Whether its store serves its users.
    pub(super) fn serves(&self, now: Duration) -> bool {
        !self.passive && !self.down && !self.has(now, Ail::Stopped) && !self.has(now, Ail::Unmounted)
    }
}

/// An act on a host.
#[derive(Debug, Clone)]
pub(super) struct Act {
    pub(super) host: &'static str,
    pub(super) stage: Stage,
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its supervisor has been started.
    Unclaimed,
    Running,
    /// It ended with a code; without one if nobody knows how.
    Ended(Option<i32>),
    Never(String),
}

impl Act {
    pub(super) fn running(&self) -> bool {
        self.stage == Stage::Running
    }

    pub(super) fn began(&self) -> bool {
        matches!(self.stage, Stage::Running | Stage::Ended(_))
    }

    #[allow(clippy::option_option, reason = "ended, and whether the code is known")]
    pub(super) fn ended(&self) -> Option<Option<i32>> {
        match self.stage {
            Stage::Ended(code) => Some(code),
            _ => None,
        }
    }
}

/// The programs of one life of an agent.
pub(super) struct SimPrograms {
    pub(super) sim: Arc<Sim>,
    pub(super) life: Arc<Life>,
    pub(super) host: &'static str,
}

impl fmt::Debug for SimPrograms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "programs of {}", self.host)
    }
}

impl SimPrograms {
    fn followed(&self, id: &ActId) -> Box<dyn Followed> {
        Box::new(Following {
            sim: Arc::clone(&self.sim),
            life: Arc::clone(&self.life),
            host: self.host,
            key: ActKey::new(&id.to_string(), self.host),
        })
    }
}

impl Programs for SimPrograms {
    fn start<'a>(
        &'a self,
        id: &'a ActId,
        prepared: Prepared,
        not_after: Steady,
    ) -> Later<'a, io::Result<Box<dyn Followed>>> {
        Box::pin(async move {
            if !self.life.lives() {
                pending::<()>().await;
            }
            let fails = self.sim.chance(|chance| chance.percent(2));
            let Some(act) = ActKey::new(&id.to_string(), self.host) else {
                return Err(io::Error::other("no act is called so"));
            };
            if fails {
                return Err(io::Error::other("no more processes"));
            }
            let not_after = not_after.since(Steady::after_boot(Duration::ZERO));
            let not_after = self.sim.world(|world| world.hosts[self.host].booted) + not_after;
            let again = self.sim.world(|world| {
                let again = world.acts.get(&act).is_some_and(|known| !matches!(known.stage, Stage::Never(_)));
                world.acts.entry(act).or_insert(Act { host: self.host, stage: Stage::Unclaimed });
                again
            });
            if again {
                // The journal of the agent keeps this from happening.
                let now = self.sim.now();
                self.sim.world(|world| world.violated(now, format!("act {act:?} is started a second time")));
            }
            tokio::spawn(supervise(Arc::clone(&self.sim), act, prepared.what, not_after));
            Ok(self.followed(id))
        })
    }

    fn find(&self, id: &ActId) -> Box<dyn Followed> {
        self.followed(id)
    }

    fn forget(&self, _id: &ActId) {}
}

/// A program and its supervisor: nothing that happens to the agent touches them.
async fn supervise(sim: Arc<Sim>, act: ActKey, what: String, not_after: Duration) {
    let host = act.host;
    let (now, sluggish) = (sim.now(), sim.world(|world| world.hosts[host].sluggish));
    let most = if sluggish > now { STARTS_LATE } else { STARTS };
    let wait = sim.chance(|chance| chance.between(Duration::from_millis(5), most));
    tokio::time::sleep(wait).await;
    let now = sim.now();
    let begins = sim.world(|world| {
        let unclaimed = world.acts.get(&act).is_some_and(|act| act.stage == Stage::Unclaimed);
        if unclaimed && now < not_after {
            world.begins(now, act, &what);
        }
        let stage = match (unclaimed, now < not_after) {
            (false, _) => return false,
            (true, true) => Stage::Running,
            (true, false) => Stage::Never("permit expired before the program was started".to_owned()),
        };
        let begins = stage == Stage::Running;
        world.acts.insert(act, Act { host, stage });
        // A message is sent by a service that goes on.
        if let Some(host) = world.hosts.get_mut(host).filter(|_| begins && !what.starts_with(TEST)) {
            host.down = true;
        }
        begins
    });
    if !begins {
        return;
    }
    sim.leaves(now, host);
    sim.world(|world| world.moves_at_act(now, host));
    let (install, removal) = (what.starts_with("install"), what.starts_with("remove"));
    let (kind, takes) = sim.chance(|chance| {
        let most = if install || removal { 20 * 60 } else { 4 * 60 };
        (chance.below(100), chance.between(Duration::from_secs(30), Duration::from_secs(most)))
    });
    // Of a hundred: four fail, two fail although the files were replaced, two hang, three end without a trace.
    let (code, takes, done) = match kind {
        0..4 => (Some(FAILED), takes, false),
        4..6 => (Some(FAILED), takes, true),
        6..8 => (None, TIMEOUT, false),
        8..10 => (None, takes, true),
        10 => (None, takes, false),
        _ => (Some(0), takes, true),
    };
    tokio::time::sleep(takes).await;
    let now = sim.now();
    sim.world(|world| {
        // Its machine may have gone down meanwhile.
        if !world.acts.get(&act).is_some_and(Act::running) {
            return;
        }
        // A program that tells its end tells the truth.
        let refused = code == Some(0) && what.strip_prefix(TEST).is_some_and(|server| !world.sends(now, host, server));
        let code = if refused { Some(FAILED) } else { code };
        world.tell(now, || {
            format!("{host}: act {} ends with {code:?}, {}", act.sequence, if done { "done" } else { "not done" })
        });
        world.acts.insert(act, Act { host, stage: Stage::Ended(code) });
        if install {
            world.waves.ended(now, host);
        }
        if let Some(here) = world.hosts.get_mut(host) {
            here.down &= what.starts_with(TEST);
            if done && install {
                (here.version, here.versioned) = (Some(World::target()), now);
            }
            if done && removal {
                (here.version, here.versioned) = (Some(World::before()), now);
            }
        }
        if install {
            world.relapses(now, host);
        }
        if done && what.starts_with("restart") {
            world.restarted(now, host);
        }
    });
}

impl World {
    /// A machine goes down: what ran there ends without a trace, and its clock begins anew.
    pub(super) fn reboots(&mut self, now: Duration, host: &'static str) {
        for act in self.acts.values_mut().filter(|act| act.host == host) {
            match act.stage {
                Stage::Running => {
                    act.stage = Stage::Ended(None);
                    self.waves.ended(now, host);
                }
                Stage::Unclaimed => act.stage = Stage::Never("the machine was started anew before that".to_owned()),
                Stage::Ended(_) | Stage::Never(_) => {}
            }
        }
        if let Some(host) = self.hosts.get_mut(host) {
            (host.down, host.booted) = (false, now);
        }
        self.restarted(now, host);
    }
}

/// An act, as one life of an agent follows it.
struct Following {
    sim: Arc<Sim>,
    life: Arc<Life>,
    host: &'static str,
    key: Option<ActKey>,
}

impl Followed for Following {
    fn look(&mut self) -> Later<'_, io::Result<Look>> {
        Box::pin(async move {
            if !self.life.lives() {
                pending::<()>().await;
            }
            let never = "the agent ended before the program was started";
            let Some(key) = self.key else { return Err(io::Error::other("no act is called so")) };
            Ok(self.sim.world(|world| {
                let act = world.acts.entry(key);
                let act = act.or_insert_with(|| Act { host: self.host, stage: Stage::Never(never.to_owned()) });
                match &act.stage {
                    Stage::Unclaimed => Look::Unclaimed,
                    Stage::Running => Look::Running,
                    Stage::Ended(Some(exit_code)) => {
                        Look::Over(Progress::Finished { exit_code: *exit_code }, format!("ended with {exit_code}"))
                    }
                    Stage::Ended(None) => Look::Over(Progress::Unknown, "nobody saw how it ended".to_owned()),
                    Stage::Never(why) => Look::Over(Progress::Refused, why.clone()),
                }
            }))
        })
    }

    fn pause(&mut self) -> Later<'_, ()> {
        Box::pin(async move {
            tokio::time::sleep(LOOK_EVERY).await;
            if !self.life.lives() {
                pending::<()>().await;
            }
        })
    }

    fn close(&mut self) -> Later<'_, ()> {
        Box::pin(async {})
    }
}
