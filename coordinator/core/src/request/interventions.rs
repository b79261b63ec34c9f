//! What people do to what is going on: resume, retry, skip, a restart that is forced, a takeover.

use super::holds::his_own;
use super::{Refused, invalid, known_rollout, needed_reason};
use crate::gate::{self, World};
use crate::ledger::{Effect, Generation, Held, IntentState, Request, Rollout, RolloutState};
use crate::names::{HostName, OperatorName, RolloutName, WaveName};
use crate::plan::{self, disruption};
use crate::time::Readable;

pub(super) fn host(world: World<'_>, given: &str) -> Result<HostName, Refused> {
    one_of("host", given, world.policy.hosts.keys(), "configured hosts are")
}

/// The name, if it is one of these.
pub(super) fn one_of<'a, T>(
    what: &'static str,
    given: &str,
    names: impl Iterator<Item = &'a T>,
    are: &str,
) -> Result<T, Refused>
where
    T: std::str::FromStr<Err: ToString> + Ord + Clone + ToString + 'a,
{
    let name: T = given.parse().map_err(|error: T::Err| invalid(what, given, error.to_string()))?;
    let names: Vec<&T> = names.collect();
    if names.contains(&&name) {
        return Ok(name);
    }
    let names: Vec<_> = names.iter().map(|name| name.to_string()).collect();
    Err(Refused::Unknown { what, given: given.to_owned(), known: format!("{are} {}", names.join(", ")) })
}

/// Checks that a rollout goes on: the asker's hold on it ends, or that of Sendgate where no person holds it; where it is not
/// held, it goes on after it stopped by itself.
///
/// # Errors
/// [`Refused`] if there is no such rollout, nothing has stopped it, only others hold it, or no reason is given.
pub fn resume(world: World<'_>, by: &OperatorName, given: &str, reason: &str) -> Result<Request, Refused> {
    let rollout = known_rollout(world, given)?;
    let reason = needed_reason(reason)?;
    let held = Held::Rollout(rollout.clone());
    if world.ledger.holds.is_held(&held) {
        let of = Some(his_own(world, by, &held)?);
        return Ok(Request::Release { held, of, reason });
    }
    match world.ledger.rollouts.get(&rollout).map(|rollout| &rollout.state) {
        Some(RolloutState::Tripped { .. }) => {
            let known = world.policy.goodlink.keys().filter(|name| plan::remedy::paused(world, name, None).is_ok());
            Ok(Request::RolloutResume { rollout, seen: known.cloned().collect(), reason })
        }
        Some(state) => Err(Refused::Conflict(format!("rollout {rollout} is {state}, and not held: nothing to resume"))),
        None => Err(Refused::Conflict(format!("there is no rollout {rollout}"))),
    }
}

/// A rollout and a host of it. It must be live, unless nobody knows how something of it ended there and a person may say that
/// he has looked.
fn member(
    world: World<'_>,
    rollout: &str,
    given: &str,
    may_be_over: impl Fn(&RolloutName, &HostName) -> bool,
) -> Result<(RolloutName, HostName), Refused> {
    let name = known_rollout(world, rollout)?;
    let Some(known) = world.ledger.rollouts.get(&name) else {
        return Err(Refused::Conflict(format!("there is no rollout {name}")));
    };
    // Also where its Exchange server has another name by now, or is not configured any more.
    if let Some(host) = given.parse().ok().filter(|host| may_be_over(&name, host)) {
        return Ok((name, host));
    }
    let servers = known.spec.servers().filter_map(|server| world.policy.exchange.get(server));
    let are = format!("hosts of rollout {name} are");
    let host = one_of("host", given, servers.flat_map(|server| &server.hosts), &are)?;
    if !known.state.is_live() {
        return Err(Refused::Conflict(format!(
            "rollout {name} is {}: nothing is to be done on its hosts",
            known.state
        )));
    }
    Ok((name, host))
}

/// Checks that a host is to be tried again.
///
/// # Errors
/// [`Refused`] if there is no such host in a live rollout, something is offered to it or goes on there, its wave is over, or
/// no reason is given.
pub fn retry(world: World<'_>, rollout: &str, host: &str, reason: &str) -> Result<Request, Refused> {
    let (rollout, host) = member(world, rollout, host, |_, _| false)?;
    // How it ends would be forgiven beforehand.
    if let Some((id, intent)) = world.ledger.open().find(|(_, intent)| intent.effect.host() == Some(&host)) {
        return Err(Refused::Conflict(format!(
            "{} (intent {id}) is under way: wait for its end, then try the host again",
            intent.effect
        )));
    }
    if let Some(wave) = world.ledger.rollouts.get(&rollout).and_then(|known| wave_that_is_over(world, known, &host)) {
        return Err(Refused::Conflict(format!(
            "wave {wave} of {host} is over, and rollout {rollout} does not go back: file another rollout for it"
        )));
    }
    Ok(Request::HostRetry { rollout, host, reason: needed_reason(reason)? })
}

/// The host's wave, if an installing rollout has left it behind.
fn wave_that_is_over<'a>(world: World<'_>, rollout: &'a Rollout, host: &HostName) -> Option<&'a WaveName> {
    let server = world.policy.exchange_of(host)?;
    let done = usize::try_from(rollout.waves_done).unwrap_or(usize::MAX);
    let over = rollout.spec.waves.iter().take(done).find(|wave| wave.servers.contains(server));
    over.filter(|_| rollout.removal.is_none()).map(|wave| &wave.name)
}

/// Checks that a host is to be left out. Where nobody knows how something ended there, that is also the word of a person who
/// has looked, whatever has become of the rollout.
///
/// # Errors
/// [`Refused`] if there is no such host in a live rollout, or in one that left such a doubt there, something is going on there
/// that can only be awaited, or no reason is given.
pub fn skip(world: World<'_>, rollout: &str, host: &str, reason: &str) -> Result<Request, Refused> {
    let (rollout, host) = member(world, rollout, host, |rollout, host| {
        let known = world.ledger.rollouts.get(rollout).filter(|known| known.state.is_live());
        let gone = known.is_some_and(|known| plan::rollout::gone_hosts(world, known).any(|gone| gone == host));
        gone || disruption::in_doubt(world, rollout, host)
    })?;
    let running = world.ledger.open().find(|(_, intent)| {
        intent.effect.host() == Some(&host) && matches!(intent.state, IntentState::Permitted { .. })
    });
    if let Some((id, intent)) = running {
        return Err(Refused::Conflict(format!(
            "{} (intent {id}) is under way: wait for its end, then leave the host out",
            intent.effect
        )));
    }
    Ok(Request::HostSkip { rollout, host, reason: needed_reason(reason)? })
}

/// Checks a restart of GoodLink whatever its users have waited.
///
/// # Errors
/// [`Refused`] if there is no such server, one that was forced is open or any is under way, or no reason is given.
pub fn restart_force(world: World<'_>, given: &str, reason: &str) -> Result<Request, Refused> {
    let goodlink = one_of("GoodLink server", given, world.policy.goodlink.keys(), "configured GoodLink servers are")?;
    // One that is only on offer, and that nobody forced, gives way to this one.
    let under_way = world.ledger.open().find(|(_, intent)| {
        let forced = matches!(intent.effect, Effect::RestartGoodlink { forced: true, .. });
        gate::restarts(world, &goodlink, &intent.effect)
            && (forced || matches!(intent.state, IntentState::Permitted { .. }))
    });
    if let Some((id, _)) = under_way {
        return Err(Refused::Conflict(format!(
            "GoodLink {goodlink} is about to be restarted already (intent {id}): wait for its end, and see `sendgate \
             journal show`"
        )));
    }
    Ok(Request::RestartForce { goodlink, reason: needed_reason(reason)? })
}

/// Checks that a restart which somebody forced is not wanted after all.
///
/// # Errors
/// [`Refused`] if there is no such server, nothing is left to take back, or no reason is given.
pub fn restart_cancel(world: World<'_>, given: &str, reason: &str) -> Result<Request, Refused> {
    let goodlink = one_of("GoodLink server", given, world.policy.goodlink.keys(), "configured GoodLink servers are")?;
    let mine = |effect: &Effect| matches!(effect, Effect::RestartGoodlink { goodlink: of, forced: true, .. } if *of == goodlink);
    let (mut waits, mut under_way) = (world.ledger.forced.contains_key(&goodlink), None);
    for (id, intent) in world.ledger.open().filter(|(_, intent)| mine(&intent.effect)) {
        match intent.state {
            IntentState::Permitted { .. } => under_way = Some(id),
            _ => waits = true,
        }
    }
    match under_way {
        _ if waits => Ok(Request::RestartCancel { goodlink, reason: needed_reason(reason)? }),
        Some(id) => Err(Refused::Conflict(format!(
            "the restart of GoodLink {goodlink} (intent {id}) has its permit: it has begun, or its permit ends within 30 s"
        ))),
        None => {
            Err(Refused::Conflict(format!("nobody has forced a restart of GoodLink {goodlink} that is still to come")))
        }
    }
}

/// Starts that no coordinator has had: who remembers more is not believed, or one agent could use up all that there are.
const STARTS: u64 = 1 << 48;

/// Checks a takeover; `epoch` is a random number. Needed where agents refuse this coordinator, and allowed at any time:
/// after a restore from a backup whoever restored it knows better than agents that are not there.
///
/// # Errors
/// [`Refused`] if no reason is given, or the journal has counted all starts that there are.
pub fn takeover(world: World<'_>, epoch: u64, reason: &str) -> Result<Request, Refused> {
    let reason = needed_reason(reason)?;
    let Some(own) = world.ledger.generation else {
        return Err(Refused::Conflict("this coordinator has not started on its journal yet: try again".to_owned()));
    };
    let remembered = || world.estate.strangers.values().map(|stranger| stranger.remembered);
    let believed = remembered().map(|generation| generation.counter).filter(|starts| *starts <= STARTS);
    let highest = believed.fold(own.counter, u64::max);
    let Some(counter) = highest.checked_add(1) else {
        return Err(Refused::Conflict(format!(
            "the journal has counted {highest} starts, and there is no higher number: restore the state directory from its \
             backup"
        )));
    };
    let mut supersedes = world.ledger.lineage.superseded();
    supersedes.insert(own.epoch);
    supersedes.extend(remembered().map(|generation| generation.epoch));
    if supersedes.contains(&epoch) {
        return Err(Refused::Conflict("the new epoch is an old one, by chance: try again".to_owned()));
    }
    let generation = Generation { epoch, counter, mark: own.mark };
    Ok(Request::Takeover { generation, supersedes, reason })
}

/// The agents that have to come again after a takeover, for people.
#[must_use]
pub fn followers(world: World<'_>) -> String {
    let strangers: Vec<_> = world.estate.strangers.keys().map(ToString::to_string).collect();
    let who = if strangers.is_empty() {
        "no agent had refused this coordinator so far".to_owned()
    } else {
        format!("not led by this coordinator so far: {}", strangers.join(", "))
    };
    let unbelieved = world.estate.strangers.iter().filter(|(_, stranger)| stranger.remembered.counter > STARTS);
    let unbelieved: Vec<_> =
        unbelieved.map(|(agent, stranger)| format!("{agent} ({})", stranger.remembered.counter)).collect();
    let who = if unbelieved.is_empty() {
        who
    } else {
        let named = unbelieved.join(", ");
        format!(
            "{who}. Left out of the count, for no coordinator has started so often as they remember: {named}; look at those \
             hosts"
        )
    };
    format!(
        "{who}. Every agent comes again by itself within half a minute; until its hosts have reported nothing is planned \
         for them. File holds, waivers, approvals and requests of the lost part again: `sendgate journal show` has what is \
         known"
    )
}

/// What may still begin or is going on though it was stopped: acts whose permit is out, and entries on their way. A permit
/// is good for 30 s, and so is the leave to write an entry.
#[must_use]
pub fn under_way(world: World<'_>) -> Option<String> {
    let permitted = |state: &IntentState| match state {
        IntentState::Permitted { at } => Some(*at),
        _ => None,
    };
    let acts = world.ledger.open().filter(|(_, intent)| intent.effect.host().is_some());
    let acts: Vec<_> = acts
        .filter_map(|(id, intent)| {
            let since = Readable(world.now.steady.since(permitted(&intent.state)?));
            Some(format!("{} (intent {id}, permitted {since} ago)", intent.effect))
        })
        .collect();
    let acts = (!acts.is_empty())
        .then(|| format!("permits that are out, good for 30 s from when they were asked for: {}", acts.join("; ")));
    let all: Vec<_> = acts.into_iter().chain(on_their_way(world)).collect();
    (!all.is_empty()).then(|| all.join(". "))
}

/// Entries whose write is announced and whose end is not known: whether each has its leave to be written, the journal does
/// not say.
#[must_use]
pub fn on_their_way(world: World<'_>) -> Option<String> {
    let entries = world.ledger.open().filter(|(_, intent)| intent.effect.place().is_some());
    let entries: Vec<_> = entries
        .map(|(id, intent)| {
            let since = Readable(world.now.steady.since(intent.filed));
            format!("{} (intent {id}, filed {since} ago)", intent.effect)
        })
        .collect();
    (!entries.is_empty()).then(|| {
        format!(
            "entries that may have been sent to their directory already, and are within 30 s or never: {}",
            entries.join("; ")
        )
    })
}
