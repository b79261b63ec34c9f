//! One change of the example each, and the whole text of the problem that it brings.

use super::*;

#[test]
fn an_unknown_domain_is_named_with_those_that_are_known() {
    change(
        "domains = [\"a.example.test\"]",
        "domains = [\"a.example.test\", \"c.example.test\"]",
        "goodlink[0].domains[1]: the domain \"c.example.test\" is not declared; correct the name, or declare it under \
         [[domains]] (declared: a.example.test, b.example.test)",
    );
}

#[test]
fn an_unknown_host_is_named() {
    change(
        "hosts = [\"exb1\"]",
        "hosts = [\"exb9\"]",
        "exchange[2].hosts[0]: the host \"exb9\" is not declared; correct the name, or declare it under [[hosts]] \
         (declared: exa1, exa2-n1, exa2-n2, exb1, gla, glb)",
    );
    change(
        "host = \"gla\"",
        "host = \"glx\"",
        "goodlink[0].host: the host \"glx\" is not declared; correct the name, or declare it under [[hosts]] \
         (declared: exa1, exa2-n1, exa2-n2, exb1, gla, glb)",
    );
}

#[test]
fn an_unknown_exchange_server_is_named() {
    change(
        "exchange = [\"EXB1\"]",
        "exchange = [\"EXB2\"]",
        "goodlink[1].exchange[0]: the Exchange server \"exb2\" is not declared; correct the name, or declare it under \
         [[exchange]] (declared: exa1, exa2, exb1)",
    );
}

#[test]
fn names_that_are_declared_twice_are_named_with_the_first() {
    let twice = |key: &str, kind: &str, name: &str, first: &str| {
        format!(
            "{key}: the {kind} {name:?} is declared twice; remove one of the two, or correct its name; \
             the first is {first}"
        )
    };
    change(
        "[[hosts]]\nname = \"glb\"",
        "[[hosts]]\nname = \"GLA\"\nagent = \"glb\"\n[[hosts]]\nname = \"glb\"",
        &twice("hosts[5].name", "host", "GLA", "hosts[4].name"),
    );
    let spare = Bench::new()
        .with("[[hosts]]", "[[hosts]]\nname = \"spare\"\nagent = \"spare\"\n[[hosts]]")
        .with("name = \"EXA2\"", "name = \"exa1\"\nhosts = [\"spare\"]\n[[exchange]]\nname = \"EXA2\"");
    assert_eq!(spare.only(), twice("exchange[1].name", "Exchange server", "exa1", "exchange[0].name"));
    change(
        "name = \"GLB\"",
        "name = \"gla\"",
        &twice("goodlink[1].name", "GoodLink server", "gla", "goodlink[0].name"),
    );
    change(
        "netbios = \"BDOM\"",
        "netbios = \"adom\"",
        &twice("domains[1].netbios", "NetBIOS name", "adom", "domains[0].netbios"),
    );
    change(
        "name = \"a2.a.example.test\"",
        "name = \"A1.a.example.test\"",
        &twice("domains[0].servers[1].name", "directory server", "A1.a.example.test", "domains[0].servers[0].name"),
    );
    change(
        "exchange = [\"EXA1\", \"EXA2\"]",
        "exchange = [\"EXA1\", \"EXA2\", \"exa1\"]",
        &twice("goodlink[0].exchange[2]", "Exchange server", "exa1", "goodlink[0].exchange[0]"),
    );
}

#[test]
fn a_host_belongs_to_one_server() {
    change(
        "hosts = [\"exb1\"]",
        "hosts = [\"exb1\", \"exa1\"]",
        "exchange[2].hosts[1]: the host \"exa1\" is already one of Exchange server \"EXA1\"; a host belongs to one \
         Exchange server: remove it from the other",
    );
    change(
        "host = \"glb\"",
        "host = \"gla\"",
        "goodlink[1].host: the host \"gla\" is already that of GoodLink server \"GLA\"; a host runs one GoodLink \
         server: name another host",
    );
}

#[test]
fn a_wait_below_its_minimum_names_minimum_source_and_the_laboratory() {
    let only = "remove the key or lengthen it; only a coordinator started with --laboratory may shorten it";
    for (key, field, short, text) in [
        (
            "second_look",
            "65m",
            "64m",
            "waits.second_look: 1h 4m is below the minimum of 1h 5m: AdminSDHolder's propagator takes a right away \
             within 60 minutes (Microsoft KB 907434), and the second look must come after it",
        ),
        (
            "restart",
            "70m",
            "69m59s",
            "waits.restart: 1h 9m is below the minimum of 1h 10m: the right takes about 70 minutes to reach Exchange \
             (Good article 17540)",
        ),
        (
            "settled",
            "90m",
            "5s",
            "waits.settled: 5.0s is below the minimum of 1h 30m: without a restart of GoodLink it takes up to 90 \
             minutes to un-pause users (Good article 17540)",
        ),
        (
            "failed",
            "130m",
            "2h",
            "waits.failed: 2h 0m is below the minimum of 2h 10m: the store keeps what it knows of a mailbox for up to \
             120 minutes, and DSAccess for 10 (Microsoft KB 327378)",
        ),
    ] {
        let new = format!("{key} = \"{short}\"");
        change(&format!("{key} = \"{field}\""), &new, &format!("{text}; {only}"));
    }
}

#[test]
fn a_laboratory_may_shorten_waits_and_is_marked() {
    let bench = Bench::new()
        .with("second_look = \"65m\"", "second_look = \"6s\"")
        .with("restart = \"70m\"", "restart = \"7s\"")
        .with("settled = \"90m\"", "settled = \"9s\"")
        .with("failed = \"130m\"", "failed = \"13s\"")
        .with("kind = \"sled\"", "kind = \"memory\"");
    assert_eq!(bench.problems().len(), 5);
    let configuration = bench.parse(true).unwrap();
    assert!(configuration.policy.laboratory);
    assert_eq!(configuration.policy.waits.failed, Duration::from_secs(13));
    assert_eq!(configuration.journal, JournalKind::Memory);
}

#[test]
fn waits_out_of_order_are_refused_in_a_laboratory_too() {
    change(
        "restart = \"70m\"",
        "restart = \"2h\"",
        "waits.settled: 1h 30m is shorter than waits.restart with 2h 0m; the waits must follow one another: \
         second_look, restart, settled, failed",
    );
    let bench = Bench::new().with("second_look = \"65m\"", "second_look = \"3h\"");
    assert!(
        bench.parse(true).unwrap_err().to_string().contains("waits.restart: 1h 10m is shorter than waits.second_look")
    );
}

#[test]
fn a_wait_beyond_what_is_remembered_of_users_on_no_roster_is_refused() {
    let day = "settled = \"24h\"";
    let failed = |bench: Bench| bench.with("failed = \"130m\"", "failed = \"25h\"");
    failed(Bench::new()).with("settled = \"90m\"", day).parse(false).unwrap();
    let refused = failed(Bench::new()).with("settled = \"90m\"", "settled = \"24h 1m\"").parse(false).unwrap_err();
    let text = "waits.settled: 24h 1m is longer than 24h 0m; write a shorter one: for that long it is remembered of users on \
                no roster that their right has just come";
    assert!(refused.to_string().contains(text), "{refused}");
}

#[test]
fn a_journal_in_memory_needs_the_laboratory() {
    change(
        "kind = \"sled\"",
        "kind = \"memory\"",
        "journal.kind: a journal in memory forgets at every restart what was granted and installed; write \"sled\"; \
         only a coordinator started with --laboratory may use \"memory\"",
    );
}

#[test]
fn no_host_at_a_time_is_refused() {
    for number in ["0", "-1", "4294967296"] {
        let expected = format!(
            "disruption.hosts_at_once: {number} is not a number of hosts that may be disrupted at once; write 1 or \
             more; to stop everything, use a hold"
        );
        change("hosts_at_once = 1", &format!("hosts_at_once = {number}"), &expected);
    }
}

#[test]
fn times_that_cannot_work_are_refused_but_in_a_laboratory() {
    let remedy = "remove the key or lengthen it; only a coordinator started with --laboratory may shorten it";
    let short = [
        (
            "heartbeat = \"30s\"",
            "heartbeat = \"900ms\"",
            "agents.heartbeat: 0.9s is below the minimum of 1.0s: every host reports as often, and each report is planned on",
        ),
        (
            "watch_age = \"60s\"",
            "watch_age = \"9s\"",
            "survey.watch_age: 9.0s is below the minimum of 10.0s: the watch asks each second, and a server that takes a few \
             for its answer is not gone",
        ),
        (
            "act_deadline = \"1h\"",
            "act_deadline = \"59s\"",
            "agents.act_deadline: 59.0s is below the minimum of 1m 0s: an offer that is not taken up and an act of which \
             nothing is heard are given up by then, and no installer is through so soon",
        ),
    ];
    for (old, new, wrong) in short {
        change(old, new, &format!("{wrong}; {remedy}"));
        assert!(Bench::new().with(old, new).parse(true).is_ok(), "{new}");
    }
    let least = Bench::new().with("heartbeat = \"30s\"", "heartbeat = \"1s\"");
    assert!(least.with("watch_age = \"60s\"", "watch_age = \"10s\"").parse(false).is_ok());
}

#[test]
fn evidence_must_outlive_the_survey_interval() {
    change(
        "evidence_age = \"30m\"",
        "evidence_age = \"15m\"",
        "survey.evidence_age: 15m 0s is not longer than survey.interval with 15m 0s: evidence would be void before the \
         next survey; make it longer, better twice as long, or shorten survey.interval",
    );
    change(
        "silent_after = \"2m\"",
        "silent_after = \"30s\"",
        "agents.silent_after: 30.0s is not longer than agents.heartbeat with 30.0s: every host would be called silent; \
         make it longer, better twice as long, or shorten agents.heartbeat",
    );
}

#[test]
fn durations_need_units_and_a_sensible_length() {
    for text in ["30", "-5m", "0s", "", "soon"] {
        let expected = format!(
            "rollout.soak: {text:?} is not a duration above zero; write it with units, such as \"65m\", \"1h30m\" or \
             \"90s\""
        );
        change("soak = \"15m\"", &format!("soak = {text:?}"), &expected);
    }
    change(
        "soak = \"15m\"",
        "soak = \"9999h\"",
        "rollout.soak: \"9999h\" is longer than a year; write a shorter duration",
    );
    assert_eq!(
        Bench::new().with("soak = \"15m\"", "soak = \"1h30m\"").parse(false).unwrap().policy.soak,
        Duration::from_secs(5400)
    );
}

#[test]
fn a_service_account_belongs_to_a_watched_domain() {
    change(
        "GoodAdmin@b.example.test",
        "GoodAdmin@c.example.test",
        "goodlink[1].service_account: the service account's domain \"c.example.test\" is not watched; declare it under \
         [[domains]], else the account's groups cannot be read; or correct the account",
    );
    change(
        "GoodAdmin@b.example.test",
        "BDOM\\\\GoodAdmin",
        "goodlink[1].service_account: account (name@domain) \"BDOM\\\\GoodAdmin\" is not a name: it is empty, longer than \
         4096 bytes, or holds control characters; write the logon account of the GoodLink service as name@domain",
    );
}

#[test]
fn other_words_and_addresses_are_refused_with_the_right_ones() {
    change(
        "scope = \"domain\"",
        "scope = \"all\"",
        "gate.scope: \"all\" is not known here; write \"domain\" or \"mailboxes\"",
    );
    change(
        "goodlink_restart = \"off\"",
        "goodlink_restart = \"false\"",
        "remedy.goodlink_restart: \"false\" is not known here; write \"off\" or \"on\"",
    );
    change(
        "address = \"192.0.2.12:636\"",
        "address = \"192.0.2.12\"",
        "domains[0].servers[1].address: \"192.0.2.12\" is not host:port; write it as \"dc1.a.example.test:636\" or \
         \"192.0.2.11:636\"",
    );
    change(
        "listen = \"0.0.0.0:7443\"",
        "listen = \"7443\"",
        "coordinator.listen: \"7443\" is not an address to listen on; write address and port, such as \"0.0.0.0:7443\" \
         or \"[::]:7443\"",
    );
    change(
        "netbios = \"BDOM\"",
        "netbios = \"b.example\"",
        "domains[1].netbios: \"b.example\" is not a NetBIOS domain name; write the part before the backslash in \
         DOMAIN\\account, 1 to 15 characters",
    );
}

#[test]
fn a_path_is_written_where_one_is_needed() {
    for (name, file) in [("ca", "ca.pem"), ("certificate", "coordinator.pem"), ("key", "coordinator.key")] {
        change(
            &format!("\n{name} = \"{file}\""),
            &format!("\n{name} = \" \""),
            &format!("tls.{name}: the path is empty; write the whole path"),
        );
    }
}

#[test]
fn empty_lists_are_refused() {
    change(
        "domains = [\"b.example.test\"]",
        "domains = []",
        "goodlink[1].domains: the list is empty; name at least one domain",
    );
    change("hosts = [\"exa1\"]", "hosts = []", "exchange[0].hosts: the list is empty; name at least one host");
}

#[test]
fn enforcement_rows_that_overlap_are_refused() {
    let row = "[[enforcement]]\nfrom = \"6.5.6944.1\"\nbelow = \"6.5.6944.4\"\nenforces = \"no\"\nbranch = \"mine\"\n";
    let text = Bench::new().with("[[enforcement]]", &format!("{row}[[enforcement]]")).only();
    assert_eq!(
        text,
        "enforcement: enforcement rows \"mine\" and \"Exchange 2003 RTM, not tried here\" both hold version 6.5.6944.1: let \
         one end where the other begins; see [[enforcement]] in the example file"
    );
}

#[test]
fn an_empty_file_misses_everything_that_must_be_said() {
    let mut bench = Bench::new();
    bench.text = String::new();
    assert_eq!(
        bench.problems(),
        ["coordinator", "tls", "journal"]
            .map(|table| format!("{table}: the table is missing; add [{table}], as the example file shows it"))
    );
    let tables = "[coordinator]\nstate_directory = \"s\"\nlisten = \"[::]:1\"\n[tls]\nca = \"c\"\ncertificate = \"c\"\n\
                  key = \"k\"\n[journal]\nkind = \"sled\"\n";
    bench.text = tables.to_owned();
    assert_eq!(
        bench.problems(),
        [
            "domains: no domain is watched; declare each one under [[domains]], as the example file shows",
            "exchange: no Exchange server is declared; declare each one under [[exchange]]",
            "goodlink: no GoodLink server is declared; declare each one under [[goodlink]]: a roster that is not \
             expected could not be missed",
        ]
    );
}
