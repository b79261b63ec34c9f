//! `gate check`.

use super::{LABORATORY, drawn, grid, list};
use sendgate_core::view::{GateView, summary};

/// The state, the reasons, the cells.
pub(crate) fn table(view: &GateView) -> String {
    let mut text = String::new();
    if view.laboratory {
        text.push_str(LABORATORY);
    }
    text.push_str(&format!("{}: {}\n", view.state, view.subject));
    for line in summary(&view.reasons) {
        text.push_str(&super::wrapped("  - ", &line));
    }
    let mut cells = grid(&["STATE", "DOMAIN", "EXCHANGE SERVER", "REASONS"]);
    for cell in &view.cells {
        let reasons = cell.reasons.len().to_string();
        cells.add_row([cell.state.to_string(), cell.domain.to_string(), cell.server.to_string(), reasons]);
    }
    if view.cells.is_empty() {
        text.push_str(&list("\ncells", ["none: no GoodLink server is declared for it"]));
    } else {
        text.push('\n');
        text.push_str(&drawn(&cells));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn the_state_comes_first_and_reasons_follow() {
        assert_eq!(
            table(&samples::gate_closed()),
            "LABORATORY: waits may be shortened\n\
             closed: a.example.test\n\
             \x20 - 2 users are settling, until 12m 30s from now\n\
             \n\
             STATE    DOMAIN           EXCHANGE SERVER   REASONS\n\
             -----------------------------------------------------\n\
             closed   a.example.test   exa1              1\n\
             open     a.example.test   exa2              0\n"
        );
    }
}
