//! `explain USER`.

use super::coverage::wait;
use super::wrapped;
use sendgate_core::view::{ExplainView, ExplainedUser};

/// A block for each roster entry that matches.
pub(crate) fn table(view: &ExplainView) -> String {
    if view.users.is_empty() {
        return format!(
            "not on a roster: no GoodLink server that has reported has {:?}, neither as a roster name nor as a directory name\n",
            view.asked
        );
    }
    view.users.iter().map(user).collect::<Vec<_>>().join("\n")
}

fn user(user: &ExplainedUser) -> String {
    let state = user.verdict.as_ref().map_or_else(|| "unresolved".to_owned(), |verdict| verdict.kind.to_string());
    let waived = if user.waiver.is_some() { " (waived)" } else { "" };
    let mut text = format!("{state}{waived}: {}\n", user.user);
    let mut line = |name: &str, value: &str| text.push_str(&wrapped(&format!("  {name:<11}"), value));
    line("why", &user.sentence);
    line("directory", &format!("{}, {}", user.directory_name, user.resolution));
    if let Some(domain) = &user.domain {
        line("domain", domain.as_str());
    }
    line("mailbox", user.home.as_deref().unwrap_or("not known"));
    line("goodlink", &format!("{}, sends as {}", user.goodlink, user.account));
    line("wait", &wait(&user.pair));
    line("paused", &user.paused);
    if let Some(waiver) = &user.waiver {
        line("waiver", &format!("until {}, by {}: {}", waiver.expires, waiver.by, waiver.reason));
    }
    for (server, seen) in user.verdict.iter().flat_map(|verdict| &verdict.servers) {
        line("server", &format!("{server}: {}, {}", seen.kind, seen.cause));
        match &seen.deciding {
            Some(entry) => {
                let origin = if entry.inherited { "inherited" } else { "explicit" };
                line("", &format!("entry {} ({origin}): {}", entry.index, entry.sddl));
            }
            None => line("", "no entry decided"),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn a_user_is_followed_to_the_entry_on_each_server() {
        let text = table(&samples::explain());
        for expected in [
            "denied (waived): boss\n  why        boss is denied\n",
            "\n  directory  boss@a.example.test, CN=boss,DC=a\n",
            "\n  server     a1.a.example.test: denied, an entry denies it\n             entry 4 (explicit): (OD;;CR;;;S-1-5-9)\n",
            "\n  server     a2.a.example.test: missing, no entry reaches the user\n             no entry decided\n",
            "\n  waiver     until 2026-12-01T00:00:00Z, by anna: leaves in December\n",
        ] {
            assert!(text.contains(expected), "{expected}\nis not in\n{text}");
        }
    }

    #[test]
    fn nobody_of_that_name_is_said() {
        let text = table(&ExplainView { asked: "ghost".to_owned(), users: Vec::new() });
        assert!(text.starts_with("not on a roster: no GoodLink server that has reported has \"ghost\""));
    }
}
