//! Which servers go in which wave.

use super::WaveSpec;
use super::file::{Scope, Wave, Written};
use super::problem::Problems;
use super::read::{positive, span};
use crate::names::{ExchangeServerName, Tag, WaveName};
use crate::policy::Policy;
use std::collections::BTreeSet;
use std::num::NonZeroU32;

/// How many servers a rollout has at most, so that its record stays under 100 KB.
const MOST_SERVERS: usize = 1000;

pub(super) fn waves(problems: &mut Problems, written: &Written, policy: &Policy) -> Option<Vec<WaveSpec>> {
    let scope = scope(problems, written, policy);
    if written.waves.is_empty() {
        problems.add("wave", "there is no wave", "write at least one [[wave]], such as the canary and the rest");
        return None;
    }
    let mut left: Vec<ExchangeServerName> = scope.iter().cloned().collect();
    let (mut waves, mut names) = (Vec::new(), BTreeSet::new());
    for wave in &written.waves {
        let place = format!("wave.{}", wave.name);
        let name = problems.take::<WaveName>(&place, wave.name.parse(), "give the wave a name");
        if name.as_ref().is_some_and(|name| !names.insert(name.clone())) {
            problems.add(&place, "there are two waves of this name", "give each a name of its own");
        }
        let servers = members(problems, &place, (written, wave), policy, &scope, &left);
        left.retain(|server| !servers.contains(server));
        let soak = match &wave.soak {
            None => Some(policy.soak),
            Some(text) => span(problems, &format!("{place}.soak"), text),
        };
        let at_once = wave
            .at_once
            .or(written.limits.at_once)
            .map_or(Some(NonZeroU32::MIN), |hosts| positive(problems, &format!("{place}.at_once"), hosts));
        waves.push((|| Some(WaveSpec { name: name?, servers, soak: soak?, at_once: at_once? }))());
    }
    if !left.is_empty() {
        let left: Vec<_> = left.iter().map(ToString::to_string).collect();
        let wrong = format!("these servers of the scope are in no wave: {}", left.join(", "));
        problems.add("wave", wrong, "add a last wave with rest = true, or leave them out of the scope");
    }
    twice(problems, &waves);
    waves.into_iter().collect()
}

/// The servers that the file is about; those that waves name are in it without being said twice.
fn scope(problems: &mut Problems, written: &Written, policy: &Policy) -> BTreeSet<ExchangeServerName> {
    let named = written.waves.iter().filter_map(|wave| wave.servers.as_ref()).flatten();
    let Some(Scope { servers, domains, tags }) = &written.scope else {
        return named
            .filter_map(|server| server.parse().ok())
            .filter(|name| policy.exchange.contains_key(name))
            .collect();
    };
    let mut scope = BTreeSet::new();
    for given in servers {
        scope.extend(server(problems, "scope.servers", given, policy));
    }
    for given in domains {
        let Some(domain) = given.parse().ok().filter(|domain| policy.domains.contains_key(domain)) else {
            let known = list(policy.domains.keys());
            problems.add("scope.domains", format!("domain {given:?} is not known"), format!("name one of {known}"));
            continue;
        };
        let before = scope.len();
        scope.extend(policy.goodlink_in(&domain).flat_map(|(_, goodlink)| goodlink.exchange.iter().cloned()));
        let own = policy.exchange.iter().filter(|(_, server)| server.domain.as_ref() == Some(&domain));
        scope.extend(own.map(|(name, _)| name.clone()));
        if scope.len() == before {
            problems.add("scope.domains", format!("domain {given:?} adds no Exchange server"), "leave it out");
        }
    }
    for given in tags {
        let tag: Option<Tag> = given.parse().ok();
        let tagged =
            policy.exchange.iter().filter(|(_, server)| tag.as_ref().is_some_and(|tag| server.tags.contains(tag)));
        let tagged: Vec<_> = tagged.map(|(name, _)| name.clone()).collect();
        if tagged.is_empty() {
            let tags: BTreeSet<_> = policy.exchange.values().flat_map(|server| &server.tags).collect();
            let known = if tags.is_empty() {
                "give servers a tag in the coordinator's configuration first: none has one".to_owned()
            } else {
                format!("write one of {}", list(tags))
            };
            problems.add("scope.tags", format!("no Exchange server has the tag {given:?}"), known);
        }
        scope.extend(tagged);
    }
    if scope.is_empty() {
        problems.add("scope", "it holds no Exchange server", "name servers, domains or tags");
    }
    if scope.len() > MOST_SERVERS {
        problems.add(
            "scope",
            format!("it holds {} Exchange servers", scope.len()),
            format!("make it several rollouts of at most {MOST_SERVERS}"),
        );
    }
    scope
}

/// The servers of one wave.
fn members(
    problems: &mut Problems,
    place: &str,
    (written, wave): (&Written, &Wave),
    policy: &Policy,
    scope: &BTreeSet<ExchangeServerName>,
    left: &[ExchangeServerName],
) -> Vec<ExchangeServerName> {
    if written.scope.is_none() && wave.servers.is_none() {
        let wrong = "there is no [scope] to take servers from";
        problems.add(place, wrong, "write [scope] with servers, domains or tags, or name the wave's servers");
        return Vec::new();
    }
    let take = |number: usize| left.iter().take(number).cloned().collect::<Vec<_>>();
    let servers = match (&wave.servers, wave.count, wave.percent, wave.rest) {
        (Some(servers), None, None, false) => {
            let known = servers.iter().filter_map(|given| server(problems, place, given, policy)).collect::<Vec<_>>();
            if let Some(outside) = known.iter().find(|server| !scope.contains(server)) {
                problems.add(place, format!("Exchange server {outside} is not in the scope"), "add it to the scope");
            }
            known
        }
        (None, Some(count), None, false) => positive(problems, &format!("{place}.count"), count)
            .map_or_else(Vec::new, |count| take(usize::try_from(count.get()).unwrap_or(usize::MAX))),
        (None, None, Some(percent), false) => match usize::try_from(percent)
            .ok()
            .filter(|percent| (1..=100).contains(percent))
        {
            // Of the whole scope, rounded up: a wave of nobody is none.
            Some(percent) => take((scope.len() * percent).div_ceil(100)),
            None => {
                problems.add(format!("{place}.percent"), format!("{percent} is not a percentage"), "write 1 to 100");
                return Vec::new();
            }
        },
        (None, None, None, true) => left.to_vec(),
        _ => {
            let wrong = "it must be clear which servers it has";
            problems.add(place, wrong, "write exactly one of servers, count, percent and rest = true");
            return Vec::new();
        }
    };
    if servers.is_empty() {
        problems.add(place, "it holds no Exchange server", "leave the wave out, or give it one");
    }
    servers
}

fn twice(problems: &mut Problems, waves: &[Option<WaveSpec>]) {
    let mut seen = BTreeSet::new();
    for (wave, server) in waves.iter().flatten().flat_map(|wave| wave.servers.iter().map(move |server| (wave, server)))
    {
        if !seen.insert(server) {
            problems.add(
                format!("wave.{}", wave.name),
                format!("Exchange server {server} is named twice"),
                "name it once",
            );
        }
    }
}

fn server(problems: &mut Problems, place: &str, given: &str, policy: &Policy) -> Option<ExchangeServerName> {
    let known = given.parse().ok().filter(|name| policy.exchange.contains_key(name));
    if known.is_none() {
        let wrong = format!("Exchange server {given:?} is not known");
        problems.add(place, wrong, format!("configured Exchange servers are {}", list(policy.exchange.keys())));
    }
    known
}

fn list<T: ToString>(names: impl IntoIterator<Item = T>) -> String {
    names.into_iter().map(|name| name.to_string()).collect::<Vec<_>>().join(", ")
}
