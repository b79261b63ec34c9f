//! What milestones change.

use super::entry::VersionStep;
use super::{BreachEvent, Drift, Held, Ledger, Lost, Milestone, Pair, PairState, Rollout, Sequence};
use crate::enforcement::StoreVersion;
use crate::guid::Guid;
use crate::names::{AccountName, HostName};
use crate::time::{Now, Steady};
use std::collections::BTreeSet;

impl Ledger {
    pub(super) fn milestone(&mut self, sequence: Sequence, milestone: &Milestone, at: Now) -> Result<(), String> {
        match milestone {
            Milestone::Pairs { account, event, users, .. } => {
                let key = |user: &Guid| Pair { user: *user, account: account.clone() };
                // All or nothing: check before the first change.
                for (user, name) in users {
                    let state = self.pairs.get(&key(user)).copied();
                    PairState::step(state, *event, at.steady).ok_or_else(|| format!("{name}: {state:?}"))?;
                }
                for user in users.keys() {
                    let pair = key(user);
                    let state = PairState::step(self.pairs.get(&pair).copied(), *event, at.steady);
                    self.pairs.extend(state.map(|state| (pair, state)));
                }
            }
            Milestone::Account { account, sid, domain: Some(domain) } => {
                let here = (domain.clone(), account.clone());
                let before = self.judged.insert(here.clone(), sid.clone());
                if before.as_ref() == Some(sid) {
                    return Err(format!("{domain} is judged for {account} by {sid} already"));
                }
                // Where no other one is known, a former object may have been judged before this was written down.
                let remade = before.is_some() || self.accounts.get(account).is_some_and(|sids| sids.len() > 1);
                // It may have been declared since an earlier start, and this domain not have been read until now.
                let at_home = self.made.contains_key(&(account.domain.clone(), account.clone()));
                if remade || at_home || self.is_declared_since(account) {
                    self.made.insert(here, at.steady);
                }
            }
            Milestone::Account { account, sid, domain: None } => {
                let declared_since = self.is_declared_since(account);
                let known = self.accounts.entry(account.clone()).or_default();
                if known.last() == Some(sid) {
                    return Err(format!("{account} has {sid} already"));
                }
                if !known.is_empty() || declared_since {
                    self.made.insert((account.domain.clone(), account.clone()), at.steady);
                }
                // One that came back, from a backup or the recycle bin, is the last one again.
                known.retain(|former| former != sid);
                known.push(sid.clone());
            }
            Milestone::Declared { accounts, gone } => self.declared(accounts, *gone, at.steady)?,
            Milestone::GrantLost { intent, cause, .. } => {
                self.granted(*intent)?;
                if self.lost.contains_key(intent) {
                    return Err(format!("grant {intent} is lost already"));
                }
                self.lost.insert(*intent, Lost { at: at.steady, cause: cause.clone() });
            }
            Milestone::Version(step @ VersionStep { host, before, after, ours, .. }) => {
                if self.versions.get(host) != before.as_ref() {
                    return Err(format!("{host}: {:?}", self.versions.get(host)));
                }
                self.versions.insert(host.clone(), *after);
                self.versions_noted.insert(host.clone(), at.steady);
                if self.lineage.is_unread(host) {
                    self.found.insert(host.clone(), at.steady);
                } else if !self.watches_found(host, before.as_ref()) {
                    self.found.remove(host);
                }
                if let (Some(before), false) = (before, ours) {
                    let (host, holds) = (host.clone(), step.holds.clone());
                    self.drifted(Drift { host, before: *before, after: *after, holds, at }, step);
                }
            }
            Milestone::Roster { goodlink, digest, anew, .. } => {
                if self.rosters.get(goodlink) == Some(digest) {
                    return Err(format!("{goodlink}: the roster is known already"));
                }
                if *anew && !self.lineage.unseen(goodlink) {
                    return Err(format!("{goodlink}: nobody waits from an earlier look"));
                }
                self.rosters.insert(goodlink.clone(), *digest);
                self.rosters_told.insert(goodlink.clone());
            }
            Milestone::Unwatched { goodlink, users } => self.lineage.unwatched(goodlink, users, at.steady)?,
            Milestone::HostRead { host } => {
                if !self.lineage.read(host) {
                    return Err(format!("{host}: nobody waits for it to be read"));
                }
            }
            Milestone::SeenAnew { goodlink } => self.lineage.seen_anew(goodlink, at.steady)?,
            Milestone::Baseline { rollout, wave, goodlink, paused, anew } => {
                let waves = self.baselines.entry(rollout.clone()).or_default();
                let known = waves.entry(*wave).or_default().entry(goodlink.clone()).or_default();
                if *anew {
                    known.clear();
                }
                known.extend(paused.iter().cloned());
            }
            Milestone::HostVerified { rollout, host } => {
                let known = self.rollout_mut(rollout)?;
                let new = match &mut known.removal {
                    None if known.verified.contains_key(host) => false,
                    None => known.verified.insert(host.clone(), at.steady).is_none(),
                    Some(removal) => removal.removed.insert(host.clone()),
                };
                if !new {
                    return Err(format!("{host} is verified already"));
                }
                known.moved = at.steady;
            }
            Milestone::HostsFailed { rollout, failed, recovered } => {
                let known = self.rollout_mut(rollout)?;
                if let Some((host, _)) = failed.iter().find(|(host, class)| known.failed.get(*host) == Some(*class)) {
                    return Err(format!("{host} has failed already"));
                }
                if let Some(host) = recovered.iter().find(|host| !known.failed.contains_key(*host)) {
                    return Err(format!("{host} has not failed"));
                }
                known.failed.retain(|host, _| !recovered.contains(host));
                known.failed.extend(failed.iter().map(|(host, class)| (host.clone(), *class)));
            }
            Milestone::WaveDone { rollout, wave } => {
                let known = self.rollout_mut(rollout)?;
                if *wave != known.waves_done {
                    return Err(format!("{} waves are done", known.waves_done));
                }
                known.waves_done = wave.saturating_add(1);
                known.moved = at.steady;
            }
            Milestone::RestartVoid { goodlink } => match self.forced.get_mut(goodlink) {
                Some(wish) if !wish.void => wish.void = true,
                Some(_) => return Err(format!("the restart of GoodLink {goodlink} is void already")),
                None => return Err(format!("nobody wants a restart of GoodLink {goodlink}")),
            },
            Milestone::Breach { server, event: BreachEvent::Began { .. } } => {
                if self.breaches.contains_key(server) {
                    return Err(format!("{server} is in breach already"));
                }
                self.breaches.insert(server.clone(), at);
            }
            Milestone::Breach { server, event: BreachEvent::Ended | BreachEvent::Left } => {
                self.breaches.remove(server).ok_or_else(|| format!("{server} is in no breach"))?;
            }
            Milestone::Rollout { rollout, event } => self.rollout_step(rollout, event, sequence, at.steady)?,
        }
        Ok(())
    }

    /// Nobody has watched the users of an account that is declared again: that they had the right before says nothing of since
    /// when they have it now.
    fn declared(&mut self, accounts: &BTreeSet<AccountName>, gone: bool, at: Steady) -> Result<(), String> {
        if let Some(known) = accounts.iter().find(|account| self.declared.contains(*account) != gone) {
            let state = if gone { "not declared" } else { "declared already" };
            return Err(format!("{known} is {state}"));
        }
        if gone {
            self.declared.retain(|account| !accounts.contains(account));
            return Ok(());
        }
        // A journal that named none until now, and knows of no other account, has known them from the first start on. Where it
        // knows of another one, that may have been in their place.
        let first = self.declared.is_empty() && self.accounts.keys().all(|known| accounts.contains(known));
        let again = |account: &&AccountName| !first && self.accounts.contains_key(*account);
        for account in accounts.iter().filter(again) {
            self.made.insert((account.domain.clone(), account.clone()), at);
            let judged = self.judged.keys().filter(|(_, judged)| judged == account);
            self.made.extend(judged.map(|here| (here.clone(), at)));
        }
        self.declared.extend(accounts.iter().cloned());
        Ok(())
    }

    /// Whether an account is of a later configuration than the first one: renamed, or another than the one that users were
    /// judged for before. What it has may be as new as that, and nobody has seen it missing.
    fn is_declared_since(&self, account: &AccountName) -> bool {
        !self.accounts_before.is_empty() && !self.accounts_before.contains(account)
    }

    /// Whether a rollout that goes on has seen the hotfix on a host that was found with it, or may have had it there till now:
    /// its users have it, whatever is installed over it.
    fn watches_found(&self, host: &HostName, before: Option<&StoreVersion>) -> bool {
        let Some(found) = self.found.get(host) else { return false };
        let had = |rollout: &Rollout| before.is_some_and(|before| *before >= rollout.spec.package.target);
        let mut live = self.rollouts.values().filter(|rollout| rollout.state.is_live());
        live.any(|rollout| rollout.has_found(host, Some(*found)) || had(rollout))
    }

    /// A version that changed with no command of ours.
    fn drifted(&mut self, drift: Drift, step: &VersionStep) {
        let Drift { host, before, after, holds, at } = &drift;
        let means = step.means.map_or_else(String::new, |means| format!(": {means}"));
        let reason = format!("store.exe on {host} went from {before} to {after} with no command of ours{means}");
        for rollout in holds {
            let held = Held::Rollout(rollout.clone());
            if step.beside {
                self.holds.hold_by_itself(held, reason.clone(), *at);
            } else {
                self.holds.hold_until_somebody_does(held, reason.clone(), *at);
            }
        }
        self.drift.push(drift);
    }
}
