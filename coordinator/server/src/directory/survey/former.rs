//! What a full reading was answered where the look after it was answered otherwise: what that shows to be missing was
//! missing, though it is there by now.

use super::super::root;
use super::account::{self, Accounts};
use super::state::State;
use sendgate_core::coverage::Touched;
use sendgate_core::coverage::reading::{AccountReading, ServerReading, UserReading};
use sendgate_core::names::{AccountName, DirectoryName};
use std::collections::{BTreeMap, BTreeSet};

/// Answers of before.
#[derive(Debug, Default)]
pub(super) struct Former {
    users: Vec<(DirectoryName, UserReading)>,
    /// The service accounts, if anything about them was otherwise.
    accounts: Option<BTreeMap<AccountName, Result<AccountReading, String>>>,
}

/// What is known before something is looked at.
#[derive(Debug)]
pub(super) struct Before(Accounts);

impl Before {
    /// From here on each answer is kept that becomes another one.
    pub(super) fn looking(state: &mut State) -> Self {
        state.answers.keep();
        Self(state.accounts.clone())
    }

    /// What is otherwise by now, as it was.
    pub(super) fn looked(self, state: &mut State) -> Former {
        let otherwise = self.accounts_otherwise(state);
        let accounts = (!otherwise.is_empty()).then(|| {
            let mut then = account::shown(&state.accounts);
            then.extend(account::shown(&otherwise));
            then
        });
        Former { users: state.answers.kept(), accounts }
    }

    /// The accounts that were known and are otherwise by now, as they were. One of another domain is another question where
    /// that domain shows another object: what was answered for the old one says nothing of the new one.
    fn accounts_otherwise(self, state: &State) -> Accounts {
        let otherwise = self.0.into_iter().filter(|(name, known)| {
            let Ok(then) = known else { return false };
            let now = state.accounts.get(name);
            let another = |now: &AccountReading| (&now.dn, &now.sid) != (&then.dn, &then.sid);
            let abroad = root::head_of(&name.domain) != state.head;
            now != Some(known) && !(abroad && now.is_some_and(|now| now.as_ref().is_ok_and(another)))
        });
        otherwise.collect()
    }
}

impl Former {
    /// Whether nothing was otherwise.
    pub(super) fn is_empty(&self) -> bool {
        self.users.is_empty() && self.accounts.is_none()
    }

    #[cfg(test)]
    pub(super) fn of(
        users: Vec<(DirectoryName, UserReading)>,
        accounts: Option<BTreeMap<AccountName, Result<AccountReading, String>>>,
    ) -> Self {
        Self { users, accounts }
    }

    /// Nothing is to be heard any more of whoever is not asked for.
    pub(super) fn retain(&mut self, asked: &BTreeSet<DirectoryName>) {
        self.users.retain(|(name, _)| asked.contains(name));
    }

    /// Whom it is about.
    pub(super) fn touched(&self) -> Touched {
        match &self.accounts {
            Some(_) => Touched::All,
            None => Touched::Names(self.users.iter().map(|(name, _)| name.clone()).collect()),
        }
    }

    /// Puts these answers in the place of those that are there, which are the ones of after from then on.
    pub(super) fn swap(&mut self, reading: &mut ServerReading) {
        for (name, former) in &mut self.users {
            if let Some(here) = reading.users.get_mut(name) {
                std::mem::swap(here, former);
            }
        }
        if let Some(accounts) = &mut self.accounts {
            std::mem::swap(&mut reading.accounts, accounts);
        }
    }
}
