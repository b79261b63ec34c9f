//! `domains`, and the domains of `status`.

use super::{age, counts, drawn, grid, list};
use sendgate_core::policy::GrantMode;
use sendgate_core::time::Readable;
use sendgate_core::view::{DomainLine, summary};
use std::time::Duration;

/// A line for each domain; below, what its directory servers gave, and why its gate is not open.
pub(crate) fn table(domains: &[DomainLine]) -> String {
    if domains.is_empty() {
        return "no domain is configured\n".to_owned();
    }
    let mut table = grid(&["GATE", "DOMAIN", "EVIDENCE", "GRANTS", "USERS"]);
    let mut below = String::new();
    for line in domains {
        let grants = match line.grants {
            GrantMode::Advise => "advised",
            GrantMode::Apply => "written",
        };
        table.add_row([
            line.gate.to_string(),
            line.domain.to_string(),
            age(line.age),
            grants.to_owned(),
            counts(&line.users),
        ]);
        below.push_str(&format!("\n{} {}\n", line.domain, line.gate));
        below.push_str(&super::wrapped("  last full survey: ", &ago(line.full_survey)));
        below.push_str(&list(
            "  servers:",
            line.servers.iter().map(|(server, what)| match line.seen.get(server) {
                Some(seen) => format!("{server}: {what}, changes seen as of {}", ago(Some(*seen))),
                None => format!("{server}: {what}"),
            }),
        ));
        if line.warnings > 0 {
            let text = format!(
                "{} users are covered in a way that deserves a look: sendgate coverage {}",
                line.warnings, line.domain
            );
            below.push_str(&super::wrapped("  warnings: ", &text));
        }
        below.push_str(&list("  why:", summary(&line.reasons)));
    }
    drawn(&table) + &below
}

/// How long ago something was; what has no age never was.
fn ago(age: Option<Duration>) -> String {
    age.map_or_else(|| "never".to_owned(), |age| format!("{} ago", Readable(age)))
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn an_estate_without_a_domain_says_so() {
        assert_eq!(table(&[]), "no domain is configured\n");
    }

    #[test]
    fn each_domain_has_its_gate_servers_and_reasons() {
        assert_eq!(
            table(&[samples::domain()]),
            "GATE          DOMAIN           EVIDENCE   GRANTS    USERS\n\
             ----------------------------------------------------------------------------\n\
             cannot tell   a.example.test   never      advised   200 covered, 1 missing\n\
             \n\
             a.example.test cannot tell\n\
             \x20 last full survey: 12m 0s ago\n\
             \x20 servers:\n\
             \x20 - a1.a.example.test: read, changes seen as of 1.5s ago\n\
             \x20 - a2.a.example.test: connection refused\n\
             \x20 warnings: 2 users are covered in a way that deserves a look: sendgate coverage a.example.test\n\
             \x20 why:\n\
             \x20 - domain a.example.test has not been surveyed since the coordinator started\n"
        );
    }
}
