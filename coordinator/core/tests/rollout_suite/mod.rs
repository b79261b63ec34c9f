//! Shared by the scenarios of rollouts in waves: an estate with more servers, and what is done with its hosts.

mod again;
mod approvals;
mod baseline;
mod cluster;
mod files;
mod forecast;
mod gone;
mod in_doubt;
mod limits;
mod long_texts;
mod passed_over;
mod patience;
mod removal;
mod silent;
mod stopped;
mod taken_over;
mod test_send;
mod thresholds;
mod under_way;
mod unplaced;
mod watched;
mod wave;
mod went_on;
mod window;

use crate::example::{AFTER, BEFORE, Example, file_of, minutes, name, succeeded, wave};
use sendgate_core::ledger::{Effect, Entry, Sequence, Sha256};
use sendgate_core::plan::rollout::{Depth, HostProgress, Phase, progress};
use sendgate_core::plan::{self, Blocked};
use sendgate_core::request::{self, FormRead, Refused, WantedSubject};
use sendgate_core::spec::RolloutSpec;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The installs among the effects, by host.
fn installs(effects: &[(Sequence, Effect)]) -> Vec<(String, Sequence)> {
    let install = |(id, effect): &(Sequence, Effect)| match effect {
        Effect::Install { host, .. } => Some((host.to_string(), *id)),
        _ => None,
    };
    effects.iter().filter_map(install).collect()
}

/// The removals among the effects, by host.
fn removals(effects: &[(Sequence, Effect)]) -> Vec<(String, Sequence)> {
    let removal = |(id, effect): &(Sequence, Effect)| match effect {
        Effect::Remove { host, .. } => Some((host.to_string(), *id)),
        _ => None,
    };
    effects.iter().filter_map(removal).collect()
}

/// Gives the permit, and lets the host show what the act leaves behind.
fn carry_out(example: &mut Example, intent: Sequence, host: &str, version: &str) {
    assert_eq!(plan::permit(example.world(), intent), Ok(()));
    example.append(Entry::Permitted { intent, holder: None });
    example.exchange(host, version);
    example.settle();
    example.end(intent, succeeded());
    example.pass(minutes(1));
    example.exchange(host, version);
    example.settle();
}

/// What is on offer; it may be so since an earlier look.
fn offered(example: &mut Example) -> Vec<(Sequence, Effect)> {
    example.settle();
    example.ledger.open().map(|(id, intent)| (id, intent.effect.clone())).collect()
}

/// Installs on the one host whose turn it is.
fn install_next(example: &mut Example, host: &str) {
    let [(on, intent)] = installs(&offered(example))
        .try_into()
        .unwrap_or_else(|other| panic!("{other:?}, {:?}", against(example, host)));
    assert_eq!(on, host);
    carry_out(example, intent, host, AFTER);
}

/// Removes from the one host whose turn it is.
fn remove_next(example: &mut Example, host: &str) {
    let [(on, intent)] = removals(&offered(example))
        .try_into()
        .unwrap_or_else(|other| panic!("{other:?}, {:?}", against(example, host)));
    assert_eq!(on, host);
    carry_out(example, intent, host, BEFORE);
}

fn phases(example: &Example) -> Vec<Phase> {
    progress_of(example).into_iter().map(|host| host.phase).collect()
}

fn progress_of(example: &Example) -> Vec<HostProgress> {
    progress(example.world(), &example.ledger.rollouts[&name("dst")], Depth::All, None)
}

/// What speaks against beginning on a host.
fn against(example: &Example, host: &str) -> Vec<String> {
    let rollout = &example.ledger.rollouts[&name("dst")];
    let hosts = progress(example.world(), rollout, Depth::All, None);
    let host = hosts.into_iter().find(|progress| progress.host == name(host)).unwrap();
    host.blocked.iter().map(Blocked::to_string).collect()
}

fn file_it(example: &mut Example, by: &str, request: Result<sendgate_core::ledger::Request, Refused>) {
    let request = request.unwrap_or_else(|refused| panic!("{refused}"));
    example.append(Entry::Request { by: name(by), request });
}

/// Stands for the digest that is computed where forms are written as text.
fn digest(spec: &RolloutSpec) -> Sha256 {
    let mut hasher = DefaultHasher::new();
    spec.hash(&mut hasher);
    let word = hasher.finish().to_be_bytes();
    Sha256(std::array::from_fn(|at| word[at % word.len()]))
}

/// The rollout in the form that somebody reads there now.
fn as_read(example: &Example) -> WantedSubject {
    let digest_now = digest(&example.ledger.rollouts[&name("dst")].spec).short();
    WantedSubject::Rollout { rollout: "dst".into(), form: Some(FormRead { digest: digest_now, of: digest }) }
}

fn resume(example: &mut Example) {
    let request = request::resume(example.world(), &name("olga"), "dst", "looked at it");
    file_it(example, "olga", request);
}

/// A rollout of these waves, EXA1 in the first and EXA2 in the last, that has come to its end.
fn finished(rest: &str) -> Example {
    let mut example = Example::covered();
    example.rollout_of(&file_of("dst", rest));
    for host in ["exa1", "exa2"] {
        install_next(&mut example, host);
        example.pass(minutes(15));
        example.settle();
    }
    assert_eq!(example.rollout_state(), "finished");
    example
}

fn remove(example: &mut Example) {
    let request = request::rollout_remove(example.world(), "dst", "stores do not mount");
    file_it(example, "olga", request);
}

/// EXA1 first, EXA2 after it.
fn waves() -> String {
    format!("{}{}", wave("canary", &["exa1"]), wave("rest", &["exa2"]))
}
