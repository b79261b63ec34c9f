//! What servers say, one thing after the other: none takes the place of another that nobody was judged by yet.

use super::Domain;
use crate::directory::survey::former::Former;
use crate::directory::survey::server::Update;
use crate::directory::survey::state::Delta;
use sendgate_core::coverage::reading::{ServerFailure, ServerReading};
use sendgate_core::coverage::verdict::Presence;
use sendgate_core::coverage::{Judged, Look, Touched};
use sendgate_core::names::{DirectoryName, DirectoryServerName};
use std::collections::BTreeSet;

impl Domain {
    /// Takes in what has been said already. What comes from here on is left, or there may be no end of it. False when nobody
    /// takes it any more.
    pub(super) async fn hear_waiting(&mut self) -> bool {
        for _ in 0..self.updates.len() {
            let Ok((server, update)) = self.updates.try_recv() else { break };
            if !self.hear(server, update).await {
                return false;
            }
        }
        true
    }

    /// Takes in what a server says. If somebody has still to be judged by what it said before, he is first: what was missing
    /// then may be there by now, and nobody would know that it was missing. False when nobody takes it any more.
    pub(super) async fn hear(&mut self, name: DirectoryServerName, update: Update) -> bool {
        let tells = match &update {
            Update::Progress(_) | Update::Failed { .. } => false,
            Update::Looked { delta, .. } | Update::Unclear(delta) => !delta.is_empty(),
            Update::Read { .. } | Update::ReadInPart { .. } | Update::LookedInPart(_) => true,
        };
        if self.replaces(&name, &update) && !self.judge_now().await {
            return false;
        }
        let Some(update) = self.formerly(&name, update).await else { return false };
        if tells {
            self.unjudged.insert(name.clone());
        }
        self.update(name, update);
        true
    }

    /// Whether this takes the place of something that somebody has still to be judged by. Containers never do: they explain
    /// why a right is missing, and AdminSDHolder whether one lasts, but nobody lacks one by them.
    fn replaces(&self, name: &DirectoryServerName, update: &Update) -> bool {
        let Some((dirty, _)) = self.dirty.as_ref().filter(|_| self.unjudged.contains(name)) else { return false };
        match update {
            Update::Progress(_) => false,
            Update::Failed { .. } | Update::Read { .. } | Update::ReadInPart { .. } => true,
            Update::Looked { delta, .. } | Update::LookedInPart(delta) | Update::Unclear(delta) => {
                delta.accounts.is_some() || delta.users.iter().any(|(user, _)| dirty.has(user))
            }
        }
    }

    /// Passes on who lacked a right by what a full reading was answered before the look after it. The update without that;
    /// none when nobody takes it any more.
    async fn formerly(&mut self, name: &DirectoryServerName, update: Update) -> Option<Update> {
        let none = Former::default();
        Some(match update {
            Update::Read { reading, former, started, run, entries } if !former.is_empty() => {
                let reading = self.lacked(name, reading, former).await?;
                Update::Read { reading, former: none, started, run, entries }
            }
            Update::ReadInPart { reading, started, former } if !former.is_empty() => {
                Update::ReadInPart { reading: self.lacked(name, reading, former).await?, started, former: none }
            }
            other => other,
        })
    }

    async fn lacked(
        &mut self,
        name: &DirectoryServerName,
        mut reading: Box<ServerReading>,
        mut former: Former,
    ) -> Option<Box<ServerReading>> {
        // Nothing is passed on of whoever lacked nothing: he stays as he was judged last, and so does everything else. What
        // other servers have said meanwhile is judged first, or it would be told without those whom it touches.
        if !self.judge_now().await {
            return None;
        }
        let known = self.judged(Touched::nobody()).await?;
        forget_others(&mut reading, &self.reading.asked);
        former.retain(&self.reading.asked);
        let touched = if self.first { Touched::All } else { former.touched() };
        former.swap(&mut reading);
        // Nobody has a right by an answer that is another one by now.
        let in_part = std::mem::replace(&mut reading.in_part, Touched::All);
        self.reading.servers.insert(name.clone(), Ok(*reading));
        let before = self.judged(touched).await?;
        if let Some(Ok(here)) = self.reading.servers.get_mut(name) {
            former.swap(here);
            here.in_part = in_part;
        }
        let users = match before.users {
            Judged::All(users) if self.first => Judged::All(users),
            Judged::All(users) | Judged::Some(users) => {
                Judged::Some(users.into_iter().filter(|(_, presence)| lacks(presence)).collect())
            }
        };
        let (Judged::All(told) | Judged::Some(told)) = &users;
        let anybody = !told.is_empty() || !before.lacking.is_empty();
        let look = Look { users, lacking: before.lacking, ..known };
        if anybody && !self.pass_on(look).await {
            return None;
        }
        self.reading.servers.remove(name)?.ok().map(Box::new)
    }

    pub(super) fn update(&mut self, name: DirectoryServerName, update: Update) {
        let Some(server) = self.servers.get_mut(&name) else { return };
        match update {
            Update::Read { mut reading, started, run, entries, former: _ } => {
                forget_others(&mut reading, &self.reading.asked);
                (server.started, server.asleep, server.pending) = (Some(started), None, false);
                self.reading.servers.insert(name.clone(), Ok(*reading));
                self.began();
                self.touch_soon();
                if let Some(run) = run {
                    self.ended(&name, Some(run), entries, Ok(()));
                }
            }
            Update::ReadInPart { mut reading, started, former: _ } => {
                forget_others(&mut reading, &self.reading.asked);
                server.asleep = None;
                // Should a look be through before the further reading, this one counts.
                server.started.get_or_insert(started);
                self.reading.servers.insert(name.clone(), Ok(*reading));
                self.began();
                self.touch_soon();
            }
            Update::LookedInPart(delta) => self.looked_in_part(&name, *delta, Delta::apply_in_part),
            // Nobody has a right by it until everything has been read: also whom the change is not known to touch.
            Update::Unclear(delta) => self.looked_in_part(&name, *delta, Delta::apply_unclear),
            Update::Looked { seen, delta } => {
                let (mut delta, asked) = (*delta, &self.reading.asked);
                // Whoever is not asked for any more was not yet, when the look began.
                delta.users.retain(|(name, _)| asked.contains(name));
                let here = match self.reading.servers.get_mut(&name) {
                    Some(Ok(here)) => Some(here),
                    _ => None,
                };
                match (here, server.asleep.take()) {
                    (Some(here), _) => {
                        let touched = delta.apply(here, seen);
                        // By a look that was through it has been read, though the one after its full reading was not.
                        server.pending &= here.in_part == Touched::All;
                        // Nobody need be told at once that nothing was touched.
                        if touched != Touched::Names(BTreeSet::new()) {
                            self.touch(touched);
                        }
                    }
                    (None, Some(mut back)) => {
                        if seen <= back.seen {
                            // What is wanted was taken over, but no look has been through since it is back.
                            back.in_part = Touched::All;
                        }
                        delta.apply(&mut back, seen);
                        self.reading.servers.insert(name, Ok(back));
                        self.touch(Touched::All);
                    }
                    (None, None) => {}
                }
            }
            Update::Failed { why, kept } => {
                server.pending = false;
                let known = self.reading.servers.insert(name.clone(), Err(ServerFailure(why.clone())));
                let failed_so_already = matches!(&known, Some(Err(ServerFailure(before))) if *before == why);
                if let Some(Ok(known)) = known {
                    server.asleep = Some(known);
                }
                if !kept {
                    (server.asleep, server.started) = (None, None);
                }
                self.began();
                if !failed_so_already || self.first {
                    tracing::warn!(server = %name, why, "directory server gives no evidence");
                    self.touch(Touched::All);
                } else if self.run.as_ref().is_some_and(|running| running.waiting.contains(&name)) {
                    // Nobody is judged anew by that. But before the run ends it is passed on when it began: by what was
                    // known before, the next one would be due at once.
                    self.touch(Touched::Names(BTreeSet::new()));
                }
                self.ended(&name, None, 0, Err(why));
            }
            Update::Progress(progress) => self.tell(&progress),
        }
    }

    fn looked_in_part(
        &mut self,
        name: &DirectoryServerName,
        mut delta: Delta,
        apply: impl FnOnce(Delta, &mut ServerReading) -> Touched,
    ) {
        delta.users.retain(|(name, _)| self.reading.asked.contains(name));
        if let Some(back) = self.servers.get_mut(name).and_then(|server| server.asleep.take()) {
            // Until a look is through nobody has a right by it.
            let back = ServerReading { in_part: Touched::All, ..back };
            self.reading.servers.insert(name.clone(), Ok(back));
        }
        if let Some(Ok(here)) = self.reading.servers.get_mut(name) {
            let touched = apply(delta, here);
            if touched != Touched::nobody() {
                self.touch(touched);
            }
        }
    }
}

/// Whether a server shows that he lacks a right.
fn lacks(presence: &Presence) -> bool {
    matches!(presence, Presence::Here(here) if here.verdicts.values().any(|verdict| verdict.lacking().is_some()))
}

/// Of somebody who is not asked for any more nothing is heard from here on, should he come back.
fn forget_others(reading: &mut ServerReading, asked: &BTreeSet<DirectoryName>) {
    if !reading.users.keys().eq(asked) {
        reading.users.retain(|name, _| asked.contains(name));
    }
}
