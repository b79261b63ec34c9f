//! What people do meanwhile: holds and their ends, hosts that are tried again or left out, a rollout that is to go on after
//! it stopped by itself. Drawn from the seed before anything begins.

use super::Sim;
use super::chance::Chance;
use super::estate::{self, DOMAINS, EXCHANGE, HOSTS, name};
use super::exceptions;
use super::faults::FAULTS_FOR;
use super::lives::{ROLLOUT, olive};
use super::specials::Special;
use sendgate_coordinator::control::form;
use sendgate_coordinator::driver::{Handle, RequestError};
use sendgate_core::gate::World;
use sendgate_core::ledger::{Held, RolloutState};
use sendgate_core::names::OperatorName;
use sendgate_core::plan::rollout::Phase;
use sendgate_core::request::{self, FormRead, WantedHeld, WantedSubject};
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// Something that a person does.
#[derive(Debug, Clone)]
pub(super) enum Act {
    Hold(WantedHeld),
    Release(WantedHeld),
    Retry(&'static str),
    Skip(&'static str),
    /// A person says yes to the rollout; its author tries to as well.
    Approve(&'static str),
    /// Every yes is taken back.
    Revoke(&'static str),
    /// One user is excepted for so long.
    Waive(usize, Duration),
    /// One of the entries that we wrote is taken back.
    Undo(usize),
    /// The first that was taken back is wanted again.
    Redo,
    /// GoodLink is to be restarted whatever its users have waited.
    Restart(&'static str),
    /// Or not.
    CancelRestart(&'static str),
    /// The hotfix is to be removed again.
    Remove,
    /// An entry that needs a yes of its own may be written.
    Permit(Special),
    /// Or not any more.
    Forbid(Special),
}

impl Act {
    fn by(&self) -> OperatorName {
        match self {
            Self::Approve(by) | Self::Revoke(by) => name(by),
            Self::Permit(_) | Self::Forbid(_) => name("anna"),
            _ => olive(),
        }
    }
}

/// People other than the rollout's author.
const OTHERS: [&str; 3] = ["anna", "ben", "carla"];

/// Draws a seed's acts.
pub(super) fn draw(chance: &mut Chance, approvals: usize) -> Vec<(Duration, Act)> {
    let count = if chance.percent(40) { 0 } else { 1 + chance.below(5) };
    let mut acts = approving(chance, approvals);
    for _ in 0..count {
        let (at, long) = (chance.between(MINUTE, FAULTS_FOR), chance.between(MINUTE, 60 * MINUTE));
        let exchange: Vec<&'static str> = EXCHANGE.iter().flat_map(|(_, hosts)| hosts.iter().copied()).collect();
        let host = chance.pick(&exchange).copied().unwrap_or("exa1");
        match chance.below(9) {
            0..6 => {
                let held = held(chance);
                acts.extend([(at, Act::Hold(held.clone())), (at + long, Act::Release(held))]);
            }
            6..8 => acts.push((at, Act::Retry(host))),
            _ => acts.push((at, Act::Skip(host))),
        }
    }
    acts
}

/// As many as must say yes.
pub(super) fn yes(approvals: usize) -> impl Iterator<Item = Act> {
    OTHERS.into_iter().take(approvals).map(Act::Approve)
}

/// Who says yes, and when: mostly soon, and in the end as many as must.
fn approving(chance: &mut Chance, approvals: usize) -> Vec<(Duration, Act)> {
    let mut acts = Vec::new();
    if approvals == 0 {
        return acts;
    }
    let most = if chance.percent(50) { 60 * MINUTE } else { FAULTS_FOR };
    if chance.percent(50) {
        acts.push((chance.between(MINUTE, most), Act::Approve("olive")));
    }
    let yes = |chance: &mut Chance, from| {
        self::yes(approvals).map(|yes| (chance.between(from, most.max(from)), yes)).collect::<Vec<_>>()
    };
    acts.extend(yes(chance, MINUTE));
    if chance.percent(25) {
        let at = chance.between(MINUTE, FAULTS_FOR);
        acts.push((at, Act::Revoke("carla")));
        acts.extend(yes(chance, at + MINUTE));
    }
    acts
}

/// Something that can be held.
pub(super) fn held(chance: &mut Chance) -> WantedHeld {
    let domain = chance.pick(&DOMAINS).copied().unwrap_or(DOMAINS[0]);
    let host = chance.pick(&HOSTS).copied().unwrap_or("exa1");
    match chance.below(6) {
        0 => WantedHeld::Estate,
        1 => WantedHeld::Domain(domain.to_owned()),
        2 | 3 => WantedHeld::Host(host.to_owned()),
        _ => WantedHeld::Rollout(ROLLOUT.to_owned()),
    }
}

/// What an act means that names no more than a number: a user, or the record of a grant. None if there is no such thing;
/// empty where it names everything itself.
fn meant(world: &super::world::World, act: &Act) -> Option<String> {
    let nth = |at: usize, of: usize| at.checked_rem(of);
    match act {
        Act::Waive(user, _) => world.users.keys().nth(nth(*user, world.users.len())?).cloned(),
        Act::Undo(grant) => {
            let standing = world.standing();
            Some(standing.get(nth(*grant, standing.len())?)?.to_string())
        }
        Act::Redo => world.ledger.undone.values().next().map(|undo| undo.grant.to_string()),
        _ => Some(String::new()),
    }
}

/// Asks for it; a coordinator that is killed meanwhile is asked again a minute later.
pub(super) async fn ask(sim: Arc<Sim>, handle: Handle, act: Act) {
    let (wanted, by, now) = (act.clone(), act.by(), sim.now());
    let meant = sim.world(|world| meant(world, &act));
    let Some(meant) = meant else {
        // Nothing of the kind is there yet, and may be later.
        return sim.world(|world| {
            if now < FAULTS_FOR {
                world.acts_of_people.push((now + 5 * MINUTE, act));
            }
        });
    };
    let special = match &act {
        Act::Permit(special) | Act::Forbid(special) => sim.world(|world| world.wanted(*special)),
        _ => None,
    };
    let rollout = || WantedSubject::Rollout { rollout: ROLLOUT.to_owned(), form: None };
    let asked = handle
        .request(by.clone(), move |world| match &wanted {
            Act::Hold(held) => request::hold(world, held, "wait"),
            Act::Release(held) => request::release(world, &olive(), held, "go on"),
            Act::Retry(host) => request::retry(world, ROLLOUT, host, "again"),
            Act::Skip(host) => request::skip(world, ROLLOUT, host, "not this one"),
            Act::Approve(by) => request::approve(world, &name(by), &as_read(world), "looks good"),
            Act::Revoke(_) => request::revoke(world, &rollout(), "not so fast"),
            Act::Waive(_, long) => request::waive(world, &meant, "he is told", exceptions::wall(now + *long)),
            Act::Undo(_) => request::grant_undo(world, meant.parse().unwrap_or(0), "not this one"),
            Act::Redo => request::grant_redo(world, meant.parse().unwrap_or(0), "after all"),
            Act::Restart(goodlink) => request::restart_force(world, goodlink, "now"),
            Act::Permit(_) => request::approve(world, &name("anna"), special.as_ref().unwrap_or(&rollout()), "we know"),
            Act::Forbid(_) => request::revoke(world, special.as_ref().unwrap_or(&rollout()), "better not"),
            Act::Remove => request::rollout_remove(world, ROLLOUT, "we do not want it"),
            Act::CancelRestart(goodlink) => request::restart_cancel(world, goodlink, "not now"),
        })
        .await;
    let now = sim.now();
    sim.world(|world| match asked {
        Ok(sequence) => world.tell(now, || format!("{by}: {act:?} is accepted, record {sequence}")),
        // It is approved once it is there.
        Err(RequestError::Refused(_))
            if matches!(act, Act::Approve(_)) && !world.ledger.rollouts.contains_key(&name(ROLLOUT)) =>
        {
            world.acts_of_people.push((now + MINUTE, act));
        }
        // There may be something to remove, or somebody who is denied, later.
        Err(RequestError::Refused(_)) if matches!(act, Act::Remove | Act::Permit(_)) && now < FAULTS_FOR => {
            world.acts_of_people.push((now + 7 * MINUTE, act));
        }
        Err(RequestError::Refused(why)) => world.tell(now, || format!("{by}: {act:?} is refused: {why}")),
        Err(RequestError::Stopped(_)) => world.acts_of_people.push((now + MINUTE, act)),
    });
}

/// What the operator does in any case, once a minute: a rollout of every server; and what was stopped goes on in the end. A
/// coordinator that is killed meanwhile is asked again.
pub(super) struct Operator {
    /// Of the rollout.
    pub(super) state: Option<RolloutState>,
    /// Nothing goes wrong any more.
    pub(super) over: bool,
    /// He wants no more of the rollout.
    pub(super) aborts: bool,
    /// Times that he lets it go on after it stopped by itself.
    pub(super) resumes: u64,
}

impl Operator {
    pub(super) async fn work(self, sim: Arc<Sim>, handle: Handle) {
        if takes_over(&sim, &handle).await {
            return;
        }
        let again = sim.chance(|chance| chance.percent(75));
        let passes_over = sim.world(|world| world.agreed.terms.thresholds.any());
        let (resumed, held, missing, undone) = sim.world(|world| {
            // Drift holds the rollout, and a person's release may have come to nobody: in the end somebody looks at it.
            let over = self.over && world.acts_of_people.is_empty();
            let held = world.ledger.holds.in_force().keys().next().filter(|_| over).cloned();
            // A yes that was taken back later than it was meant to be is given again.
            let mut others = OTHERS.into_iter().take(world.agreed.terms.approvals);
            let missing = others.find(|by| over && !world.agreed.has(by));
            let undone = world.ledger.undone.values().next().filter(|_| over).map(|undo| undo.grant.get());
            (world.resumed, held, missing, undone)
        });
        if let Some(grant) = undone {
            // While the entry is being taken away it cannot be wanted again: then in a minute.
            let asked = handle.request(olive(), move |world| request::grant_redo(world, grant, "looked at it"));
            drop(asked.await);
        }
        let asked = match (self.state, held) {
            (None, _) => {
                let file = sim.world(|world| world.agreed.terms.text(world.policy.disruption.estate.get()));
                handle.request(olive(), move |world| request::rollout_apply(world, &file)).await
            }
            (Some(RolloutState::Created), _) => {
                handle.request(olive(), |world| request::rollout_start(world, ROLLOUT, "")).await
            }
            (Some(RolloutState::Running { .. }), _) if self.aborts => {
                handle.request(olive(), |world| request::rollout_abort(world, ROLLOUT, "enough")).await
            }
            (Some(_), Some(held)) => {
                let held = wanted(held);
                handle.request(olive(), move |world| request::release(world, &olive(), &held, "looked at it")).await
            }
            (Some(RolloutState::Running { .. }), None) if missing.is_some() => {
                let by = missing.unwrap_or_default();
                let yes = move |world: World<'_>| request::approve(world, &name(by), &as_read(world), "once more");
                handle.request(name(by), yes).await
            }
            (Some(RolloutState::Tripped { .. }), None) if resumed < self.resumes => return resume(handle, again).await,
            // Where hosts are passed over, one whose act ended in a way that nobody knows stays disrupted until he looks.
            (Some(RolloutState::Running { .. }), None) if self.over && passes_over => {
                return look_after(&handle, again).await;
            }
            (Some(_), None) => return,
        };
        drop(asked);
    }
}

/// After a loss of the journal a takeover is declared, and once more where an agent comes late that nobody had heard of by
/// then; true while that is to come before everything else.
async fn takes_over(sim: &Sim, handle: &Handle) -> bool {
    let now = sim.now();
    let (lost, waits, due) =
        sim.world(|world| (world.lost.count > 0, world.lost.waits, world.lost.waits && world.lost.declared <= now));
    if !lost {
        return false;
    }
    let strange = handle.look(|world, _| !world.estate.strangers.is_empty()).await.unwrap_or_default();
    if due || strange && !waits {
        let epoch = 0x7a_0000_0000 + u64::try_from(now.as_millis()).unwrap_or(0);
        let declared = handle.request(olive(), move |world| request::takeover(world, epoch, "the disk is lost")).await;
        sim.world(|world| world.tell(now, || format!("olive declares a takeover: {declared:?}")));
    }
    waits
}

/// Lets the rollout go on after it stopped by itself.
async fn resume(handle: Handle, again: bool) {
    look_after(&handle, again).await;
    drop(handle.request(olive(), |world| request::resume(world, &olive(), ROLLOUT, "looked at it")).await);
}

/// What failed is tried again or left out.
async fn look_after(handle: &Handle, again: bool) {
    let failed = handle.look(|_, plan| {
        let hosts = plan.rollouts.get(&estate::name(ROLLOUT)).into_iter().flatten();
        let failed = hosts.filter(|host| matches!(host.phase, Phase::Failed { .. }));
        failed.map(|host| host.host.to_string()).collect::<Vec<_>>()
    });
    // A coordinator that is killed meanwhile is asked again.
    let Ok(failed) = failed.await else { return };
    for host in failed {
        let asked = handle.request(olive(), move |world| {
            if again {
                request::retry(world, ROLLOUT, &host, "mended")
            } else {
                request::skip(world, ROLLOUT, &host, "beyond repair")
            }
        });
        drop(asked.await);
    }
}

/// The rollout in the form that is there now: whoever says yes has just read it.
fn as_read(world: World<'_>) -> WantedSubject {
    let known = world.ledger.rollouts.get(&estate::name(ROLLOUT));
    let read = |digest: String| FormRead { digest, of: form::digest };
    let form = known.map(|rollout| read(form::digest(&rollout.spec).to_string()));
    WantedSubject::Rollout { rollout: ROLLOUT.to_owned(), form }
}

fn wanted(held: Held) -> WantedHeld {
    match held {
        Held::Estate => WantedHeld::Estate,
        Held::Domain(domain) => WantedHeld::Domain(domain.to_string()),
        Held::Host(host) => WantedHeld::Host(host.to_string()),
        Held::Rollout(rollout) => WantedHeld::Rollout(rollout.to_string()),
    }
}
