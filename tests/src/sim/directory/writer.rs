//! Writes entries to the first server of a domain.

use super::{Change, Place};
use crate::sim::Sim;
use crate::sim::estate::name;
use crate::sim::lives::Life;
use sendgate_coordinator::directory::grant::{Alone, DescriptorDigest, Established, GrantDone, GrantError};
use sendgate_coordinator::directory::reach::{Ending, EntryWriter, Leave};
use sendgate_core::coverage::placement::{GrantEntry, PlannedGrant};
use sendgate_core::names::Dn;
use sendgate_core::secdesc::SecurityDescriptor;
use sendgate_core::secdesc::edit::{self, GrantForm};
use sendgate_core::sid::Sid;
use std::collections::BTreeSet;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

/// How long the server is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Writes entries for one life of the coordinator: what it has not done when that ends, it never does.
pub(super) struct Writer {
    sim: Arc<Sim>,
    life: Arc<Life>,
    domain: &'static str,
}

impl Writer {
    pub(super) fn new(sim: Arc<Sim>, life: Arc<Life>, domain: &'static str) -> Self {
        Self { sim, life, domain }
    }

    async fn wait(&self) {
        let pause = self.sim.chance(|chance| chance.between(Duration::from_millis(5), Duration::from_secs(8)));
        tokio::time::sleep(pause).await;
        if !self.life.lives() {
            pending::<()>().await;
        }
    }

    fn at(&self, place: &Dn) -> Option<Place> {
        self.sim.world(|world| world.at(&name(self.domain), place))
    }

    /// Whether the server shows the descriptor there.
    fn is_shown(&self, place: &Dn) -> bool {
        let (now, at) = (self.sim.now(), self.at(place));
        self.sim.world(|world| at.is_none_or(|at| world.domains[self.domain].servers[0].shows(now, &at)))
    }

    fn not_shown(place: &Dn) -> GrantError {
        GrantError::NotShown { place: place.clone(), name: "the simulation".to_owned() }
    }

    fn shown(&self, place: &Dn) -> Option<SecurityDescriptor> {
        let at = self.at(place)?;
        let sddl = self.sim.world(|world| {
            let server = world.domains[self.domain].servers.first()?;
            Some(match &at {
                Place::User(called) => server.objects.get(called)?.sddl(&server.roots),
                Place::Head => server.roots.head_sddl(),
                Place::Unit => server.roots.unit_sddl(),
                Place::Holder => server.roots.holder_sddl(),
            })
        })?;
        SecurityDescriptor::from_sddl(&sddl, None).ok()
    }

    fn edit(&self, place: &Dn, sid: &Sid, form: GrantForm, wanted: bool) {
        let (now, Some(at)) = (self.sim.now(), self.at(place)) else { return };
        let set = |sids: &mut BTreeSet<Sid>| {
            let _ = if wanted { sids.insert(sid.clone()) } else { sids.remove(sid) };
        };
        self.sim.world(|world| {
            world.writes(now, place.as_str(), wanted);
            world.may_place(now, self.domain, (place, sid, form), wanted);
            if wanted {
                world.was_approved(now, &name(self.domain), place, sid);
            }
            let change = match at {
                Place::User(called) => {
                    let Some(mut object) = world.object(&called, 0).cloned() else { return };
                    set(&mut object.allow);
                    Change::Object(called, object)
                }
                Place::Unit => {
                    let mut unit = world.domains[self.domain].servers[0].roots.unit.clone();
                    set(&mut unit.allow);
                    Change::Unit(unit)
                }
                Place::Head => Change::Head(sid.clone(), wanted),
                Place::Holder => Change::Holder(sid.clone(), wanted),
            };
            if let Some(domain) = world.domains.get_mut(self.domain) {
                domain.write(now, &change);
            }
            world.cover(now);
        });
    }

    async fn done(
        &self,
        place: &Dn,
        sid: &Sid,
        form: GrantForm,
        expected: Option<&[Vec<u8>]>,
        wanted: bool,
        leave: &dyn Leave,
    ) -> Result<GrantDone, GrantError> {
        self.wait().await;
        let now = self.sim.now();
        let down = self.sim.world(|world| world.domains[self.domain].servers[0].down > now);
        let refused = |why: &str| GrantError::Refused { place: place.clone(), why: why.to_owned() };
        if down {
            return Err(refused("the server does not answer"));
        }
        if !self.is_shown(place) {
            return Err(Self::not_shown(place));
        }
        let Some(before) = self.shown(place) else {
            return Err(GrantError::NoPlace { place: place.clone(), server: self.domain.to_owned() });
        };
        let there = edit::find_entry(&before, sid, form).is_some();
        if there == wanted {
            return Ok(GrantDone::AlreadyThere { now: DescriptorDigest::of(&before) });
        }
        if expected.is_some_and(|expected| edit::explicit_entries(&before) != expected) {
            return Err(GrantError::Changed { place: place.clone(), difference: "other entries".to_owned() });
        }
        let no = |why: String| GrantError::NoLeave { place: place.clone(), why };
        let given = leave.ask().await.map_err(no)?;
        if !self.life.lives() {
            pending::<()>().await;
        }
        if !given.holds() {
            return Err(no("the coordinator's leave to write ran off before it was used".to_owned()));
        }
        // Now and then the answer is lost, with or without the write.
        let (lost, written) = self.sim.chance(|chance| (chance.percent(10), chance.percent(50)));
        if !lost || written {
            self.edit(place, sid, form, wanted);
        }
        if lost {
            return Err(GrantError::Unknown { place: place.clone(), why: "the connection broke off".to_owned() });
        }
        self.wait().await;
        let after = self.shown(place).filter(|_| self.is_shown(place)).map(|after| DescriptorDigest::of(&after));
        let before = DescriptorDigest::of(&before);
        let alone = Alone::NotChecked("it is not shown".to_owned());
        Ok(GrantDone::Written { before, after: after.unwrap_or(before), alone })
    }
}

impl EntryWriter for Writer {
    fn apply<'a>(&'a self, grant: &'a PlannedGrant, leave: &'a dyn Leave) -> Ending<'a, GrantDone> {
        Box::pin(async move {
            let expected: Vec<Vec<u8>> = grant.expected.iter().map(|entry| entry.0.clone()).collect();
            self.done(&grant.place, &grant.sid, grant.form, Some(&expected), true, leave).await
        })
    }

    fn withdraw<'a>(&'a self, entry: &'a GrantEntry, leave: &'a dyn Leave) -> Ending<'a, GrantDone> {
        Box::pin(self.done(&entry.place, &entry.sid, entry.form, None, false, leave))
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn establish<'a>(&'a self, entry: &'a GrantEntry) -> Ending<'a, Established> {
        Box::pin(async move {
            self.wait().await;
            let now = self.sim.now();
            let place = entry.place.clone();
            if self.sim.world(|world| world.domains[self.domain].servers[0].down > now) {
                return Err(GrantError::Refused { place, why: "the server does not answer".to_owned() });
            }
            if !self.is_shown(&place) {
                return Err(Self::not_shown(&place));
            }
            let shown = self.shown(&entry.place);
            let shown = shown.ok_or_else(|| GrantError::NoPlace { place, server: self.domain.to_owned() })?;
            let digest = DescriptorDigest::of(&shown);
            let there = edit::find_entry(&shown, &entry.sid, entry.form).is_some();
            Ok(if there { Established::Present(digest) } else { Established::Absent(digest) })
        })
    }
}
