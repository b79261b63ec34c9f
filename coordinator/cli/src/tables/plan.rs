//! `plan`.

use super::{list, rollout};
use sendgate_core::view::{IntentLine, PlanView};

/// What is done next, what is under way, and why everything else stands still.
pub(crate) fn table(view: &PlanView) -> String {
    let mut text = String::new();
    text.push_str(&or_none("NEXT", view.steps.iter().cloned()));
    text.push_str(&or_none("UNDER WAY", view.under_way.iter().map(intent)));
    for (name, hosts) in &view.rollouts {
        text.push_str(&format!("ROLLOUT {name}\n{}\n", rollout::hosts(hosts)));
    }
    for (goodlink, why) in &view.remedies {
        text.push_str(&or_none(&format!("GOODLINK {goodlink} is not restarted"), why.iter().cloned()));
    }
    for (domain, why) in &view.grants {
        text.push_str(&or_none(&format!("DOMAIN {domain}: missing and not granted"), why.iter().cloned()));
    }
    text
}

fn or_none(heading: &str, items: impl Iterator<Item = String>) -> String {
    let items = list(heading, items);
    if items.is_empty() { format!("{heading}: nothing\n\n") } else { format!("{items}\n") }
}

/// An effect of the journal in one line.
pub(super) fn intent(line: &IntentLine) -> String {
    format!("{}: {} (intent {})", line.state, line.effect, line.intent)
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn what_stands_still_has_its_reason() {
        let text = table(&samples::plan());
        for expected in [
            "NEXT\n  - survey a.example.test\n",
            "UNDER WAY\n  - permitted: install KB on exa1 (rollout march) (intent 17)\n",
            "ROLLOUT march\nWAVE   PHASE     HOST   EXCHANGE SERVER\n",
            "GOODLINK gla is not restarted\n  - remedy.goodlink_restart is off\n",
            "DOMAIN a.example.test: missing and not granted\n  - grants.mode is advise\n",
        ] {
            assert!(text.contains(expected), "{expected}\nis not in\n{text}");
        }
    }
}
