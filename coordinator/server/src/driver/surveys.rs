//! The surveys of the domains: what they are asked, and what they teach.

use super::act::deliver;
use super::{Driver, Message};
use crate::clock::Clock;
use crate::directory::reach::Directory;
use crate::directory::survey::{Looks, SteadyClock, Survey, Wanted};
use sendgate_core::coverage::Look;
use sendgate_core::estate::Observation;
use sendgate_core::gate::World;
use sendgate_core::names::{DirectoryName, DomainName};
use sendgate_core::plan;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// The running surveys, and what each was asked last.
#[derive(Debug)]
pub(super) struct Surveys {
    handles: Arc<BTreeMap<DomainName, Survey>>,
    wanted: BTreeMap<DomainName, watch::Sender<Arc<Wanted>>>,
    /// Domains that are being read in full because it was due.
    running: BTreeSet<DomainName>,
    /// Whether the names may be other ones than those that were asked for.
    names_changed: bool,
    /// Whether anything else may be.
    changed: bool,
}

impl Surveys {
    /// Starts a survey for each domain of the policy; what they find out reaches the loop as messages.
    pub(super) fn start(
        world: World<'_>,
        directory: &dyn Directory,
        clock: &Arc<Clock>,
        handle: &mpsc::WeakSender<Message>,
    ) -> Self {
        let (mut handles, mut senders) = (BTreeMap::new(), BTreeMap::new());
        for domain in world.policy.domains.keys() {
            let Some(wanted) = wanted(world, domain, None) else { continue };
            let (sender, receiver) = watch::channel(Arc::new(wanted));
            let (clock, handle) = (Arc::clone(clock), handle.clone());
            let looks: Looks = Arc::new(move |look| {
                let handle = handle.clone();
                Box::pin(async move { deliver(&handle, Message::Looked(Box::new(look))).await })
            });
            let now: SteadyClock = Arc::new(move || clock.now().steady);
            handles.insert(domain.clone(), directory.watch(domain, receiver, looks, now));
            senders.insert(domain.clone(), sender);
        }
        Self {
            handles: Arc::new(handles),
            wanted: senders,
            running: BTreeSet::new(),
            names_changed: false,
            changed: false,
        }
    }

    pub(super) fn handles(&self) -> Arc<BTreeMap<DomainName, Survey>> {
        Arc::clone(&self.handles)
    }

    /// Rosters changed.
    pub(super) fn names_changed(&mut self) {
        (self.names_changed, self.changed) = (true, true);
    }

    /// Something changed that judging may depend on.
    pub(super) fn changed(&mut self) {
        self.changed = true;
    }
}

/// What is wanted of a domain now; the names stay those of `before` if they are given.
fn wanted(world: World<'_>, domain: &DomainName, before: Option<&Arc<BTreeSet<DirectoryName>>>) -> Option<Wanted> {
    let policy = world.policy.domains.get(domain)?;
    let accounts = plan::survey::accounts(world, domain);
    let known = accounts.iter().filter(|account| account.domain != *domain).filter_map(|account| {
        let picture = world.estate.domains.get(&account.domain)?;
        Some((account.clone(), picture.accounts.get(account)?.clone()))
    });
    Some(Wanted {
        asked: before.map_or_else(|| Arc::new(plan::survey::names(world, domain)), Arc::clone),
        known: known.collect(),
        setting: plan::survey::setting(world, domain)?,
        protection: policy.protection.clone(),
        accounts,
    })
}

impl Driver {
    /// Tells the surveys what is wanted of them now, where that is not what they know.
    pub(super) fn ask_surveys(&mut self) {
        if !std::mem::take(&mut self.surveys.changed) {
            return;
        }
        let names_changed = std::mem::take(&mut self.surveys.names_changed);
        let world = self.world(self.clock.now());
        for (domain, sender) in &self.surveys.wanted {
            let before = sender.borrow().clone();
            let kept = (!names_changed).then_some(&before.asked);
            let Some(now) = wanted(world, domain, kept) else { continue };
            if now != *before {
                sender.send_replace(Arc::new(now));
            }
        }
    }

    /// A domain is due. Names that are new are looked up by its survey on its own; everybody is read when that is due.
    pub(super) fn survey(&mut self, domain: &DomainName) {
        let now = self.clock.now();
        let due = plan::survey::full(self.world(now), domain).is_some_and(|at| at <= now.steady);
        let Some(survey) = self.surveys.handles.get(domain).filter(|_| due).cloned() else { return };
        if !self.surveys.running.insert(domain.clone()) {
            return;
        }
        let (handle, domain) = (self.handle.clone(), domain.clone());
        tokio::spawn(async move {
            match survey.run().await {
                // The steps end when the look has been passed on.
                Ok(mut steps) => while steps.recv().await.is_some() {},
                Err(error) => {
                    // Without it the evidence grows old, which closes the gate with that reason.
                    tracing::error!(%domain, %error, "the domain cannot be read");
                    return;
                }
            }
            deliver(&handle, Message::Surveyed(domain)).await;
        });
    }

    /// A full reading has ended.
    pub(super) fn surveyed(&mut self, domain: &DomainName) {
        self.surveys.running.remove(domain);
    }

    /// A look at a domain becomes part of the estate.
    pub(super) fn looked(&mut self, mut look: Look) {
        look.arrived = self.clock.now().steady;
        let known = self.estate.domains.get(&look.domain);
        if known.is_none_or(|known| known.accounts != look.accounts) {
            // What one domain knows of an account, others judge by.
            self.surveys.changed();
        }
        self.estate.observe(Observation::Look(look));
    }
}
