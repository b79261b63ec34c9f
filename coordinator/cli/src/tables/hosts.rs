//! `hosts`.

use super::{age, drawn, grid, list, or_dash};
use sendgate_core::view::{HostLine, HostsView};

/// A line for each host; below, why nothing must be done to some, and what is known or not of each.
pub(crate) fn table(view: &HostsView) -> String {
    if view.hosts.is_empty() {
        return "no host is configured\n".to_owned();
    }
    let mut table = grid(&[
        "STATE",
        "HOST",
        "AGENT",
        "LAST REPORT",
        "EXCHANGE",
        "STORE",
        "ENFORCES",
        "GOODLINK",
        "SERVICE",
        "PAUSED",
    ]);
    let mut below = String::new();
    for line in &view.hosts {
        table.add_row([
            state(line).to_owned(),
            line.host.to_string(),
            line.agent.to_string(),
            age(line.silent),
            or_dash(line.exchange.as_deref()),
            line.store.as_ref().map_or_else(|| "-".to_owned(), |store| known(store.as_ref())),
            // The branch, in brackets behind the word, would make the line too wide; it stands below.
            or_dash(line.enforces.as_deref().map(|text| text.split(" (").next().unwrap_or(text))),
            or_dash(line.goodlink.as_deref()),
            line.service.as_ref().map_or_else(|| "-".to_owned(), |service| known(service.as_ref())),
            match &line.paused {
                None => "-".to_owned(),
                Some(Ok((send_as, 0))) => format!("{send_as} send-as"),
                Some(Ok((send_as, other))) => format!("{send_as} send-as, {other} other"),
                Some(Err(_)) => "not known".to_owned(),
            },
        ]);
        below.push_str(&list(&format!("\n{}", line.host), notes(line)));
    }
    drawn(&table) + &below
}

fn state(line: &HostLine) -> &'static str {
    match (&line.unready, line.connected) {
        (Some(_), _) => "NOT READY",
        (None, false) => "no agent",
        (None, true) => "ready",
    }
}

fn known(answer: Result<&String, &String>) -> String {
    answer.map_or_else(|_| "not known".to_owned(), Clone::clone)
}

fn notes(line: &HostLine) -> Vec<String> {
    let mut notes: Vec<String> = line.unready.clone().into_iter().collect();
    let failed = |what: &str, why: &String| format!("{what} not known: {why}");
    if let Some(Err(why)) = &line.store {
        notes.push(failed("store version", why));
    }
    if let Some(Err(why)) = &line.service {
        notes.push(failed("service", why));
    }
    if let Some(Err(why)) = &line.paused {
        notes.push(failed("paused users", why));
    }
    match &line.roster {
        None => {}
        Some(Ok(users)) => notes.push(format!("roster: {users} users")),
        Some(Err(why)) => notes.push(failed("roster", why)),
    }
    if let (Some(Ok(_)), Some(enforces)) = (&line.store, &line.enforces) {
        notes.push(format!("enforces: {enforces}"));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn a_host_that_is_not_ready_says_so_first_and_why_below() {
        let text = table(&samples::hosts());
        let lines: Vec<_> = text.lines().collect();
        assert!(
            lines[2].starts_with("NOT READY   exa1   exa1    3m 0s         exa1       not known   unknown"),
            "{text}"
        );
        assert!(
            lines[3].starts_with("ready       gla    gla     1.0s          -          -           -          gla"),
            "{text}"
        );
        assert!(lines[3].ends_with("running   2 send-as, 1 other"), "{text}");
        assert!(
            text.contains("\nexa1\n  - it has been silent for 3m 0s\n  - store version not known: no such file\n"),
            "{text}"
        );
        assert!(text.contains("\ngla\n  - roster: 203 users\n"), "{text}");
        let mut view = samples::hosts();
        view.hosts[1].roster = Some(Err("it has not been seen unchanged for 1m 0s".to_owned()));
        let text = table(&view);
        assert!(text.contains("\ngla\n  - roster not known: it has not been seen unchanged for 1m 0s\n"), "{text}");
    }
}
