//! Files of rollouts.

use super::AFTER;

/// The file of a rollout in which each server is a wave.
pub(crate) fn file(rollout: &str, servers: &[&str]) -> String {
    let waves: Vec<_> = servers.iter().map(|server| wave(server, &[server])).collect();
    file_of(rollout, &waves.concat())
}

/// One wave of a file.
pub(crate) fn wave(wave: &str, servers: &[&str]) -> String {
    format!("[[wave]]\nname = {wave:?}\nservers = {servers:?}\n")
}

/// A file with these lines after its head.
pub(crate) fn file_of(rollout: &str, rest: &str) -> String {
    let (any, sha256) = (if rest.contains("[[window]]") { "" } else { "any_time = true\n" }, "07".repeat(32));
    format!(
        "name = {rollout:?}\n{any}{}\n[package]\nname = \"KB926666\"\nsha256 = {sha256:?}\nkb = 926666\ntarget = {AFTER:?}\n\
         enforces = true\n{}",
        top(rest),
        tables(rest)
    )
}

/// The keys of a file that stand before its first table.
fn top(rest: &str) -> &str {
    rest.split_once('[').map_or(rest, |(top, _)| top)
}

fn tables(rest: &str) -> &str {
    &rest[top(rest).len()..]
}
