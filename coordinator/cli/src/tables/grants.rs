//! `grants`: what is proposed, as texts to be copied, and what was made.

use super::{list, plan};
use sendgate_core::policy::GrantMode;
use sendgate_core::view::{GrantLine, GrantsView};

/// A block for each proposed grant; commands are never wrapped, they are there to be copied.
pub(crate) fn table(view: &GrantsView) -> String {
    let mut text = String::new();
    if view.proposed.is_empty() {
        text.push_str("proposed: nothing\n");
    }
    for (number, grant) in view.proposed.iter().enumerate() {
        text.push_str(&proposed(number + 1, grant));
        text.push('\n');
    }
    let journaled = list("IN THE JOURNAL", view.journaled.iter().map(plan::intent));
    text.push_str(if journaled.is_empty() { "in the journal: none\n" } else { &journaled });
    text
}

fn proposed(number: usize, line: &GrantLine) -> String {
    let who = match line.mode {
        GrantMode::Advise => "left to the directory team",
        GrantMode::Apply => "written by the coordinator",
    };
    let advice: String = line.advice.to_string().trim_end().lines().map(|line| format!("  {line}\n")).collect();
    format!("PROPOSED {number}, {who}: {}\n{advice}", line.grant)
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn advice_is_a_block_for_each_grant_and_is_not_wrapped() {
        let text = table(&samples::grants());
        let long = "x".repeat(200);
        assert_eq!(
            text,
            format!(
                "PROPOSED 1, left to the directory team: grant Send As to goodadmin on DC=a\n\
                 \x20 with dsacls:\n\
                 \x20 dsacls \"{long} {long}\"\n\
                 \x20 in the Exchange Management Shell:\n\
                 \x20 Add-ADPermission\n\
                 \n\
                 IN THE JOURNAL\n\
                 \x20 - succeeded: grant Send As to goodadmin on OU=b (intent 9)\n"
            )
        );
    }
}
