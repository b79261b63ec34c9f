//! Wire types and domain types meet here, and nowhere else. Whatever the wire leaves unsaid becomes an error text, never
//! a good answer.

mod reports;

pub use reports::{host_state, roster, roster_digest};

use crate::driver::Hello;
use sendgate_core::ledger::{AgentJournal, Effect, Generation, Memory, Outcome, Sequence, Takeover};
use sendgate_core::names::{BadName, HostName};
use sendgate_proto::v1::{self as wire, act_offer, act_update, restart_service};
use std::num::NonZeroU64;

/// Characters of an agent's words that are kept, cut to what a journal record has room for.
const DETAIL_LIMIT: usize = 4000;

fn said(text: &str) -> String {
    text.chars().take(DETAIL_LIMIT).collect()
}

/// A message that cannot be understood; the session ends with it.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// A name is none.
    #[error("{what}: {error}")]
    Name {
        /// Where it stood.
        what: &'static str,
        /// Why it is none.
        error: BadName,
    },
    /// Something else is not as the contract says.
    #[error("{0}")]
    Contract(String),
}

/// A host's name.
///
/// # Errors
/// [`WireError::Name`].
pub fn host_name(text: &str) -> Result<HostName, WireError> {
    text.parse().map_err(|error| WireError::Name { what: "host of a report", error })
}

/// A generation for the wire.
#[must_use]
pub fn generation(generation: Generation) -> wire::Generation {
    wire::Generation { epoch: generation.epoch, counter: generation.counter, mark: generation.mark }
}

/// The name of an intent on the wire, `EPOCH-SEQUENCE`.
#[must_use]
pub fn act_id(epoch: u64, intent: Sequence) -> String {
    format!("{epoch:016x}-{intent}")
}

/// The epoch and the number in an act id.
///
/// # Errors
/// [`WireError`] if it has another form.
pub fn act(act_id: &str) -> Result<(u64, Sequence), WireError> {
    let parts = act_id.split_once('-');
    let read = parts.and_then(|(epoch, number)| Some((u64::from_str_radix(epoch, 16).ok()?, number.parse().ok()?)));
    let (epoch, number) = read.ok_or_else(|| WireError::Contract(format!("{act_id:?} is no act id")))?;
    Ok((epoch, Sequence(number)))
}

/// What an agent says of itself first.
///
/// # Errors
/// [`WireError`] if it names its newest act in another form.
pub fn hello(hello: wire::Hello) -> Result<Hello, WireError> {
    let remembered = hello.remembered.map(|it| Generation { epoch: it.epoch, counter: it.counter, mark: it.mark });
    let newest = Some(hello.newest_act).filter(|id| !id.is_empty()).map(|id| act(&id)).transpose()?;
    let memory = Memory { generation: remembered, newest, head: hello.head.and_then(Sequence::new) };
    let journal = NonZeroU64::new(hello.journal).map(AgentJournal);
    Ok(Hello { memory, hears_heads: hello.head.is_some(), journal, running: hello.running })
}

/// A takeover for the wire.
#[must_use]
pub fn takeover(takeover: &Takeover) -> wire::Takeover {
    wire::Takeover {
        epochs: takeover.supersedes.iter().copied().collect(),
        operator: takeover.by.to_string(),
        reason: takeover.reason.clone(),
    }
}

/// The offer of an act, which has the name that the epoch of its intent gave it; none for effects that no agent performs.
#[must_use]
pub fn offer(by: Generation, epoch: u64, intent: Sequence, effect: &Effect) -> Option<wire::ActOffer> {
    let (host, act) = match effect {
        Effect::Grant(_) | Effect::Withdraw(_) => return None,
        Effect::Install { host, package, sha256, .. } => {
            let install = wire::InstallHotfix { package: package.to_string(), sha256: sha256.0.to_vec() };
            (host, act_offer::Act::Install(install))
        }
        Effect::Remove { host, package, sha256, .. } => {
            let remove = wire::RemoveHotfix { package: package.to_string(), sha256: sha256.0.to_vec() };
            (host, act_offer::Act::Remove(remove))
        }
        Effect::TestSend { host, server, .. } => {
            (host, act_offer::Act::TestSend(wire::TestSend { server: server.to_string() }))
        }
        Effect::RestartGoodlink { host, .. } => {
            let restart = wire::RestartService { role: restart_service::Role::Goodlink.into() };
            (host, act_offer::Act::Restart(restart))
        }
    };
    Some(wire::ActOffer {
        act_id: act_id(epoch, intent),
        generation: Some(generation(by)),
        host: host.to_string(),
        act: Some(act),
    })
}

/// How an act ended; none while it is under way.
///
/// # Errors
/// [`WireError`] if the update does not say.
pub fn outcome(update: &wire::ActUpdate) -> Result<Option<Outcome>, WireError> {
    let detail = said(&update.detail);
    match (update.state(), update.exit_code) {
        (act_update::State::Started, _) => Ok(None),
        (act_update::State::Finished, Some(0)) => Ok(Some(Outcome::Succeeded { detail })),
        (act_update::State::Finished, Some(code)) => {
            Ok(Some(Outcome::Failed { detail: format!("exit code {code}; {detail}") }))
        }
        (act_update::State::Refused, _) => Ok(Some(Outcome::NotStarted { detail })),
        (act_update::State::Unknown, _) => Ok(Some(Outcome::Unknown { detail })),
        (act_update::State::Finished, None) => {
            Err(WireError::Contract(format!("act {} finished without an exit code", update.act_id)))
        }
        (act_update::State::Unspecified, _) => {
            Err(WireError::Contract(format!("an update of act {} says no state", update.act_id)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_id_names_the_epoch_and_the_number() {
        let id = act_id(7, Sequence(12));
        assert_eq!(act(&id).unwrap(), (7, Sequence(12)));
        assert_eq!(act("nonsense").unwrap_err().to_string(), "\"nonsense\" is no act id");
    }

    #[test]
    fn a_report_of_no_host_is_not_understood() {
        assert_eq!(
            host_name(" ").unwrap_err().to_string(),
            "host of a report: host \" \" is not a name: it is empty, longer than 4096 bytes, or holds control characters"
        );
    }

    #[test]
    fn an_update_without_an_end_is_no_outcome() {
        let update = |state: act_update::State, exit_code| wire::ActUpdate {
            act_id: "1-2".into(),
            host: "exa1".into(),
            state: state.into(),
            exit_code,
            detail: "seen".into(),
        };
        assert_eq!(outcome(&update(act_update::State::Started, None)).unwrap(), None);
        let failed = outcome(&update(act_update::State::Finished, Some(3))).unwrap();
        assert_eq!(failed, Some(Outcome::Failed { detail: "exit code 3; seen".into() }));
        let error = |state, exit_code| outcome(&update(state, exit_code)).unwrap_err().to_string();
        assert_eq!(error(act_update::State::Finished, None), "act 1-2 finished without an exit code");
        assert_eq!(error(act_update::State::Unspecified, Some(0)), "an update of act 1-2 says no state");
    }
}
