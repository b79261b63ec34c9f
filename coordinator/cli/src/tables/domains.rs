//! `domains`, and the domains of `status`.

use super::{age, counts, drawn, grid, list};
use sendgate_core::policy::GrantMode;
use sendgate_core::view::{DomainLine, summary};

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
        let servers: Vec<_> = line.servers.iter().map(|(server, what)| format!("{server}: {what}")).collect();
        below.push_str(&format!("\n{} {}\n", line.domain, line.gate));
        below.push_str(&super::wrapped("  servers: ", &servers.join(", ")));
        below.push_str(&list("  why:", summary(&line.reasons)));
    }
    drawn(&table) + &below
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn each_domain_has_its_gate_servers_and_reasons() {
        assert_eq!(
            table(&[samples::domain()]),
            "GATE          DOMAIN           EVIDENCE   GRANTS    USERS\n\
             ----------------------------------------------------------------------------\n\
             cannot tell   a.example.test   never      advised   200 covered, 1 missing\n\
             \n\
             a.example.test cannot tell\n\
             \x20 servers: a1.a.example.test: read, a2.a.example.test: connection refused\n\
             \x20 why:\n\
             \x20 - domain a.example.test has not been surveyed since the coordinator started\n"
        );
    }
}
