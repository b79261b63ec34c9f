//! Which store.exe versions enforce Send As: the published table row by row, its edges, and an operator's rows.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by it")]

use proptest::prelude::*;
use sendgate_core::enforcement::Enforcement::{No, Unknown, Yes};
use sendgate_core::enforcement::{Enforcement, EnforcementTable, ExtensionRow, StoreVersion};

fn version(text: &str) -> StoreVersion {
    text.parse().unwrap()
}

fn judge(text: &str) -> (Enforcement, String) {
    let judgement = EnforcementTable::built_in().judge(&version(text));
    (judgement.enforces, judgement.branch)
}

fn row(from: &str, below: &str, enforces: Enforcement, branch: &str) -> ExtensionRow {
    ExtensionRow { from: version(from), below: version(below), enforces, branch: branch.to_owned() }
}

#[test]
fn every_branch_and_every_edge() {
    let sp1_hotfix = "Exchange 2003 SP1 with the hotfix (7233.51 or later)";
    let sp2_hotfix = "Exchange 2003 SP2 with the hotfix (7650.23 or later)";
    let between = "Exchange 2003 between SP1 hotfixes and SP2";
    for (text, enforces, branch) in [
        ("5.5.2653.23", Unknown, "no known branch"),
        ("6.0.0.0", No, "Exchange 2000"),
        ("6.0.6619.3", No, "Exchange 2000"),
        ("6.0.6619.4", Yes, "Exchange 2000 with the store fix (6619.4 or later)"),
        ("6.0.6620.1", Yes, "Exchange 2000 with the store fix (6619.4 or later)"),
        ("6.0.65535.65535", Yes, "Exchange 2000 with the store fix (6619.4 or later)"),
        ("6.1.0.0", Unknown, "no known branch"),
        ("6.5.6943.9", Unknown, "no known branch"),
        ("6.5.6944.4", Unknown, "Exchange 2003 RTM"),
        ("6.5.6945.0", Unknown, "no known branch"),
        ("6.5.7225.65535", Unknown, "no known branch"),
        ("6.5.7226.0", No, "Exchange 2003 SP1"),
        ("6.5.7233.50", No, "Exchange 2003 SP1"),
        ("6.5.7233.6", No, "Exchange 2003 SP1"),
        ("6.5.7233.51", Yes, sp1_hotfix),
        ("6.5.7233.54", Yes, sp1_hotfix),
        ("6.5.7233.65535", Yes, sp1_hotfix),
        ("6.5.7234.0", Unknown, between),
        ("6.5.7637.65535", Unknown, between),
        ("6.5.7638.0", No, "Exchange 2003 SP2"),
        ("6.5.7638.1", No, "Exchange 2003 SP2"),
        ("6.5.7650.22", No, "Exchange 2003 SP2"),
        ("6.5.7650.23", Yes, sp2_hotfix),
        ("6.5.7653.33", Yes, sp2_hotfix),
        ("6.5.7654.4", Yes, sp2_hotfix),
        ("6.6.0.0", Unknown, "no known branch"),
        ("7.0.0.0", Unknown, "no known branch"),
        ("8.0.685.24", Yes, "Exchange 2007 or later"),
        ("15.2.1118.7", Yes, "Exchange 2007 or later"),
        ("65535.65535.65535.65535", Yes, "Exchange 2007 or later"),
    ] {
        assert_eq!(judge(text), (enforces, branch.to_owned()), "{text}");
    }
}

#[test]
fn an_upgrade_to_a_higher_number_can_stop_enforcing() {
    assert!(version("6.5.7638.1") > version("6.5.7233.54"));
    assert_eq!((judge("6.5.7233.54").0, judge("6.5.7638.1").0), (Yes, No));
}

#[test]
fn parts_compare_as_integers() {
    assert!(version("6.5.7233.6") < version("6.5.7233.51"));
    assert!(version("6.5.999.0") < version("6.5.7638.0"));
    assert!(version("6.5.7638.1") < version("10.0.0.0"));
    assert_eq!(version("08.01.0240.006").to_string(), "8.1.240.6");
}

#[test]
fn what_is_no_version_is_refused_and_judged_unknown() {
    let hint = "write four numbers from 0 to 65535, as in 6.5.7638.1";
    for (text, problem) in [
        ("", "a part is not a number"),
        ("6.5.7638", "it has fewer than four parts"),
        ("6.5.7638.1.2", "it has more than four parts"),
        ("6.5.+7638.1", "a part is not a number"),
        ("6.5.7638.x", "a part is not a number"),
        (" 6.5.7638.1", "a part is not a number"),
        ("6.5.65536.1", "a part is larger than 65535"),
    ] {
        let error = format!("{text:?} is not a store.exe file version: {problem}; {hint}");
        assert_eq!(text.parse::<StoreVersion>().unwrap_err().to_string(), error);
        let judgement = EnforcementTable::built_in().judge_text(text);
        assert_eq!((judgement.enforces, judgement.branch), (Unknown, format!("not readable: {error}")));
    }
    assert_eq!(EnforcementTable::built_in().judge_text("6.5.7653.33").enforces, Yes);
}

#[test]
fn an_operators_rows_come_first() {
    let rows =
        vec![row("6.5.7300.0", "6.5.7301.0", No, "our own build"), row("6.5.7654.0", "6.5.7655.0", Unknown, "doubted")];
    let table = EnforcementTable::with_extensions(rows).unwrap();
    let judge = |text| table.judge(&version(text));
    assert_eq!((judge("6.5.7300.7").enforces, judge("6.5.7300.7").branch.as_str()), (No, "our own build"));
    assert_eq!(judge("6.5.7654.4").enforces, Unknown);
    assert_eq!(judge("6.5.7301.0").enforces, Unknown);
    assert_eq!(judge("6.5.7655.0").enforces, Yes);
}

#[test]
fn rows_that_cannot_be_meant_are_refused() {
    let of = |rows| EnforcementTable::with_extensions(rows).unwrap_err().to_string();
    assert_eq!(
        of(vec![row("6.5.2.0", "6.5.2.0", No, "x")]),
        "enforcement row \"x\" holds no version: its from 6.5.2.0 is not lower than its below 6.5.2.0"
    );
    assert_eq!(
        of(vec![row("6.5.2.0", "6.5.4.0", No, "x"), row("6.5.3.0", "6.5.9.0", Yes, "y")]),
        "enforcement rows \"x\" and \"y\" both hold version 6.5.3.0: let one end where the other begins"
    );
    assert!(
        EnforcementTable::with_extensions(vec![
            row("6.5.2.0", "6.5.3.0", No, "x"),
            row("6.5.3.0", "6.5.9.0", Yes, "y")
        ])
        .is_ok()
    );
}

#[test]
fn rows_are_read_from_configuration_and_checked_there() {
    let good = r#"[{"from": "6.5.7300.0", "below": "6.5.7301.0", "enforces": "no", "branch": "ours"}]"#;
    let table: EnforcementTable = serde_json::from_str(good).unwrap();
    assert_eq!(table.judge(&version("6.5.7300.0")).enforces, No);
    assert_eq!(serde_json::from_str::<EnforcementTable>(&serde_json::to_string(&table).unwrap()).unwrap(), table);
    let error = |text: &str| serde_json::from_str::<EnforcementTable>(text).unwrap_err().to_string();
    assert!(error(&good.replace("7301", "7300")).contains("holds no version"));
    assert!(error(&good.replace(r#""below": "6.5.7301.0", "#, "")).contains("missing field `below`"));
    assert!(error(&good.replace("branch", "brunch")).contains("unknown field `brunch`"));
    assert!(error(&good.replace("\"no\"", "\"maybe\"")).contains("unknown variant `maybe`"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_table_is_total_and_versions_survive_text(parts in any::<[u16; 4]>()) {
        let [major, minor, build, revision] = parts;
        let version = StoreVersion { major, minor, build, revision };
        prop_assert_eq!(version.to_string().parse::<StoreVersion>().unwrap(), version);
        let judgement = EnforcementTable::built_in().judge(&version);
        prop_assert!(!judgement.branch.is_empty());
        prop_assert!(major != 6 || minor != 5 || build < 6944 || judgement.branch != "Exchange 2007 or later");
    }
}
