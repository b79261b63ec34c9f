//! What AdminSDHolder protects, and where Exchange servers belong.

use super::*;
use sendgate_core::policy::ProtectionPolicy;

const HERE: &str = "domains = [\"a.example.test\", \"b.example.test\"]\n# RIDs";

#[test]
fn the_documented_list_is_what_holds_without_a_forest() {
    let documented = Bench::new().parse(false).unwrap().policy;
    let a = &documented.domains[&"a.example.test".parse().unwrap()];
    assert_eq!(a.protection, ProtectionPolicy::default());
    let bare = Bench::new().with(HERE, "domains = []\n# RIDs").parse(false).unwrap().policy;
    assert_eq!(bare, documented);
}

#[test]
fn a_forest_changes_what_is_protected_in_its_domains() {
    let bench = Bench::new()
        .with("\"S-1-5-32-544\", \"S-1-5-32-548\", ", "\"S-1-5-32-544\", ")
        .with("  \"512\", \"516\",", "  \"512\", \"1234\", \"516\",")
        .with("propagation_interval = \"1h\"", "propagation_interval = \"2m\"")
        .with(HERE, "domains = [\"a.example.test\"]\n# RIDs");
    let policy = bench.parse(false).unwrap().policy;
    let a = &policy.domains[&"a.example.test".parse().unwrap()].protection;
    assert!(a.domain_groups.contains(&1234) && !a.builtin_groups.contains(&548) && a.builtin_groups.contains(&544));
    assert_eq!(a.interval, Duration::from_secs(120));
    assert_eq!(policy.domains[&"b.example.test".parse().unwrap()].protection, ProtectionPolicy::default());
}

#[test]
fn what_a_forest_says_wrong_is_named() {
    change(
        "  \"512\", \"516\",",
        "  \"Domain Admins\", \"516\",",
        "forests[0].protected_groups[0]: \"Domain Admins\" is no protected group; write the RID of a group of the domain, \
         such as \"512\" for Domain Admins, or the SID of a built-in one, such as \"S-1-5-32-548\" for Account Operators",
    );
    change(
        "propagation_interval = \"1h\"",
        "propagation_interval = \"3h\"",
        "forests[0].propagation_interval: \"3h\" is not between 60s and 2h, which AdminSDProtectFrequency allows; write \
         what the registry of the PDC emulator says, or leave the key out for the default of 1h",
    );
    change(
        HERE,
        "domains = [\"a.example.test\", \"A.example.test\"]\n# RIDs",
        "forests[0].domains[1]: the domain \"A.example.test\" stands in a forest already; a domain belongs to one \
         forest: name it once",
    );
    change(
        HERE,
        "domains = [\"c.example.test\"]\n# RIDs",
        "forests[0].domains[0]: the domain \"c.example.test\" is not declared; correct the name, or declare it under \
         [[domains]] (declared: a.example.test, b.example.test)",
    );
    let list = EXAMPLE.find("protected_groups = [").and_then(|at| EXAMPLE[at..].split_inclusive(']').next()).unwrap();
    change(
        list,
        "protected_groups = []",
        "forests[0].protected_groups: nothing would be protected; leave the key out for the documented list, or name what \
         is protected",
    );
}

#[test]
fn an_exchange_servers_domain_is_declared_or_not_known() {
    let policy = Bench::new().with("domain = \"b.example.test\"\n", "").parse(false).unwrap().policy;
    assert_eq!(policy.exchange[&"exb1".parse().unwrap()].domain, None);
    assert_eq!(policy.exchange[&"exa1".parse().unwrap()].domain, Some("a.example.test".parse().unwrap()));
    change(
        "domain = \"b.example.test\"",
        "domain = \"c.example.test\"",
        "exchange[2].domain: the domain \"c.example.test\" is not declared; correct the name, or declare it under \
         [[domains]] (declared: a.example.test, b.example.test)",
    );
}
