//! `rollout show`.

use super::{drawn, grid, list, wrapped};
use sendgate_core::view::{RolloutHostLine, RolloutView};

/// The state, what it is to do, and each host in order.
pub(crate) fn table(view: &RolloutView) -> String {
    let spec = &view.spec;
    let servers: Vec<_> = spec.servers.iter().map(ToString::to_string).collect();
    let mut text = wrapped("", &format!("{}: rollout {}", view.state, spec.name));
    text.push_str(&wrapped("  package  ", &format!("{}, SHA-256 {}", spec.package, spec.sha256)));
    text.push_str(&wrapped("  target   ", &format!("store.exe {}", spec.target)));
    text.push_str(&wrapped("  servers  ", &format!("{}; {} hosts at once", servers.join(", then "), spec.at_once)));
    text.push('\n');
    text.push_str(&hosts(&view.hosts));
    text
}

/// Hosts of a rollout with the reasons of those that stand still.
pub(super) fn hosts(lines: &[RolloutHostLine]) -> String {
    if lines.is_empty() {
        return "it has no hosts: its servers are not configured\n".to_owned();
    }
    let mut table = grid(&["PHASE", "HOST", "EXCHANGE SERVER"]);
    let mut below = String::new();
    for line in lines {
        // The first words say the phase; what follows the colon may be long.
        let (phase, rest) =
            line.phase.split_once(": ").map_or((line.phase.as_str(), None), |(word, rest)| (word, Some(rest)));
        table.add_row([phase.to_owned(), line.progress.host.to_string(), line.progress.server.to_string()]);
        let why = rest.into_iter().chain(line.reasons.iter().map(String::as_str));
        below.push_str(&list(&format!("\n{} {phase}", line.progress.host), why));
    }
    drawn(&table) + &below
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn hosts_stand_in_order_with_their_reasons_below() {
        assert_eq!(
            table(&samples::rollout()),
            format!(
                "running: rollout march\n\
                 \x20 package  kb, SHA-256 {}\n\
                 \x20 target   store.exe 6.5.7653.33\n\
                 \x20 servers  exa1, then exa2; 1 hosts at once\n\
                 \n\
                 PHASE     HOST   EXCHANGE SERVER\n\
                 ----------------------------------\n\
                 failed    exa1   exa1\n\
                 waiting   exa2   exa2\n\
                 \n\
                 exa1 failed\n\
                 \x20 - exit code 3\n\
                 \n\
                 exa2 waiting\n\
                 \x20 - exa1 comes first\n",
                "ab".repeat(32)
            )
        );
    }
}
