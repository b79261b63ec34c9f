//! The configuration: the example is good, and each mistake is told with file, key and remedy.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::time::Duration;

use sendgate_agent::config::AgentConfig;
use sendgate_agent::probe::goodlink_log::Line;

const EXAMPLE: &str = include_str!("../../deploy/agent.example.toml");

fn parse(text: &str) -> Result<AgentConfig, String> {
    AgentConfig::parse(Path::new("/etc/agent.toml"), text).map_err(|error| error.to_string())
}

fn wrong(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "the example has no {from:?}");
    parse(&EXAMPLE.replacen(from, to, 1)).unwrap_err()
}

#[test]
fn the_example_is_good() {
    let config = parse(EXAMPLE).unwrap();
    let names: Vec<_> = config.hosts.keys().map(|name| name.as_str()).collect();
    assert_eq!((config.agent.as_str(), names.as_slice()), ("mgmt1", ["ex1", "gl1"].as_slice()));
    let gl1 = config.hosts.values().last().unwrap().goodlink.as_ref().unwrap();
    assert_eq!(gl1.restart.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["service-stop", "service-start"]);
    assert_eq!(gl1.status.timeout, Duration::from_secs(30), "the documented default of programs that look");
    assert_eq!(gl1.roster_age, jiff::SignedDuration::from_hours(26), "the documented default");
    let weekly = parse(&EXAMPLE.replace("# roster_age = \"26h\"", "roster_age = \"170h\"")).unwrap();
    let weekly = weekly.hosts.values().last().unwrap().goodlink.as_ref().unwrap().roster_age;
    assert_eq!(weekly, jiff::SignedDuration::from_hours(170));
    let named = |name: &str| Path::new(name).to_owned();
    assert!(config.tls_files().contains(&("coordinator.key", &named("/etc/sendgate/agent.key"))));
    let programs = config.programs();
    assert_eq!(programs["programs.install-hotfix.program"], named("/usr/local/lib/sendgate/install-hotfix"));
    assert_eq!(programs.len(), 8);
}

#[test]
fn the_patterns_of_the_example_take_nobodys_subject_for_goodlinks_word() {
    assert!(EXAMPLE.contains("# pause_pattern = ") && EXAMPLE.contains("# unpause_pattern = "));
    let text = EXAMPLE.replace("# pause_pattern", "pause_pattern").replace("# unpause_pattern", "unpause_pattern");
    let config = parse(&text).unwrap();
    let syntax = &config.hosts.values().last().unwrap().goodlink.as_ref().unwrap().log.syntax;
    let pause = "Failed to submit mail message for user ann. (HRESULT:-2147024891) Pausing user ann. (Security error)";
    for time in ["2026-11-24 08:15:30", "2026-11-24 08:15:30.250 [12]"] {
        assert!(matches!(syntax.read(&format!("{time} {pause}")), Line::Pause { user, .. } if user == "ann"));
        assert!(
            matches!(syntax.read(&format!("{time} Resuming user ann.")), Line::Unpause { user, .. } if user == "ann")
        );
        for forged in [pause, "Resuming user ann."] {
            let line = syntax.read(&format!("{time} Mail with the subject {forged}"));
            assert!(matches!(line, Line::Timed { .. }), "{line:?}");
        }
    }
}

#[test]
fn mistakes_are_told_with_file_key_and_remedy() {
    let cases = [
        (
            "status = \"service-status\"\nmounted",
            "status = \"svc\"\nmounted",
            "/etc/agent.toml: hosts.ex1.exchange.programs.status: there is no program \"svc\"; add [programs.svc] or name \
             one of those that are there (install-hotfix, patches, remove-hotfix, service-start, service-status, \
             service-stop, store-mounted, test-send)",
        ),
        (
            "\"{host}\", \"{package_file}\"",
            "\"{host}\"",
            "/etc/agent.toml: hosts.ex1.exchange.programs.install: the program \"install-hotfix\" is not given the \
             package; add {package_file} to its arguments",
        ),
        (
            "status = \"service-status\", stop",
            "status = \"install-hotfix\", stop",
            "/etc/agent.toml: hosts.gl1.goodlink.programs.status: the program \"install-hotfix\" wants {package_file}; \
             only install and remove programs are given a package: use another program here",
        ),
        (
            "status = \"service-status\", stop",
            "status = \"remove-hotfix\", stop",
            "/etc/agent.toml: hosts.gl1.goodlink.programs.status: the program \"remove-hotfix\" wants {package}; only \
             install and remove programs are given a package: use another program here",
        ),
        (
            "test_send = { EXA1 = \"test-send\" }",
            "test_send = { EXA1 = \"remove-hotfix\" }",
            "/etc/agent.toml: hosts.gl1.goodlink.programs.test_send.EXA1: the program \"remove-hotfix\" wants {package}; \
             only install and remove programs are given a package: use another program here",
        ),
        (
            "\"{host}\", \"{package}\"",
            "\"{host}\"",
            "/etc/agent.toml: hosts.ex1.exchange.programs.remove: the program \"remove-hotfix\" is not told what to \
             remove; add {package}, the package's name, to its arguments, or {package_file} if it needs the file",
        ),
        (
            ", start = \"service-start\",",
            ",",
            "/etc/agent.toml: hosts.gl1.goodlink.programs: it is not clear what restarts the service; name restart \
             alone, or stop and start, or none of them (then no restart is done here)",
        ),
        (
            "[\"{host}\"]",
            "[\"{hots}\"]",
            "/etc/agent.toml: programs.store-mounted.arguments[0]: {hots} is no placeholder; known are {host}, {service}, \
             {package} and {package_file}, and {{ and }} stand for braces; correct the argument \"{hots}\"",
        ),
        (
            "[\"{host}\"]",
            "[\"a\\u0000b\"]",
            "/etc/agent.toml: programs.store-mounted.arguments[0]: has a NUL character; correct the argument \"a\\0b\"",
        ),
        (
            "file = \"/mnt/gl1/logs/goodlink.log\"",
            "file = \"/\"",
            "/etc/agent.toml: hosts.gl1.goodlink.log.file: \"/\" names no file; write the path of the log file",
        ),
        (
            "timeout = \"50m\"",
            "timeout = \"soon\"",
            "/etc/agent.toml: programs.install-hotfix.timeout: \"soon\" is no time; write a time between 100ms and 24h, \
             such as \"30s\" or \"10m\"",
        ),
        (
            "[[hosts]]\nname = \"ex1\"",
            "[[hosts]]\nname = \"ex0\"\n\n[[hosts]]\nname = \"ex1\"",
            "/etc/agent.toml: hosts.ex0: has no role; add [hosts.exchange] or [hosts.goodlink] below it",
        ),
        (
            "# time_format = \"%Y-%m-%d %H:%M:%S%.f\"",
            "unpause_pattern = '('",
            "/etc/agent.toml: hosts.gl1.goodlink.log.unpause_pattern: \"(\" is no regular expression: regex parse error:\n    (\n    \
             ^\nerror: unclosed group; correct the expression, or leave the key out for the default",
        ),
        (
            "# roster_age = \"26h\"",
            "roster_age = \"0s\"",
            "/etc/agent.toml: hosts.gl1.goodlink.roster_age: \"0s\" is too short or too long; write a time between 1m and \
             744h, such as \"26h\"",
        ),
        (
            "# roster_age = \"26h\"",
            "roster_age = \"daily\"",
            "/etc/agent.toml: hosts.gl1.goodlink.roster_age: \"daily\" is no time; write a time between 1m and 744h, such as \
             \"26h\"",
        ),
        (
            "report_interval = \"10s\"",
            "report_interval = \"0s\"",
            "/etc/agent.toml: report_interval: \"0s\" is too short or too long; write a time between 100ms and 24h, such \
             as \"30s\" or \"10m\"",
        ),
        (
            "sendgate.example.com:7443",
            "https://sendgate.example.com",
            "/etc/agent.toml: coordinator.address: \"https://sendgate.example.com\" is not HOST:PORT; write it as \
             \"sendgate.example.com:7443\"",
        ),
        (
            "\"/mnt/ex1/Exchsrvr/bin/store.exe\"",
            "\"store.exe\"",
            "/etc/agent.toml: hosts.ex1.exchange.store_exe: \"store.exe\" is not an absolute path; write the whole path, \
             starting at the root",
        ),
        (
            "name = \"gl1\"",
            "name = \"ex1\"",
            "/etc/agent.toml: hosts.ex1: is there twice; give each host one [[hosts]] with all its roles",
        ),
        (
            "name = \"gl1\"",
            "name = \"EX1\"",
            "/etc/agent.toml: hosts.ex1: is there twice; give each host one [[hosts]] with all its roles",
        ),
        (
            "[[packages]]\n",
            "[[packages]]\nname = \"kb926666\"\nfile = \"/p\"\n[[packages]]\n",
            "/etc/agent.toml: packages.KB926666: is there twice; keep one of them",
        ),
        (
            "# encoding = \"windows-1252\"",
            "encoding = \"UTF-16\"",
            "/etc/agent.toml: hosts.gl1.goodlink.log.encoding: \"UTF-16\" is no encoding that keeps ASCII; write a name such as \
             \"utf-8\" or \"windows-1252\"; have a log in UTF-16 converted",
        ),
        (
            "# unpause_pattern = '^",
            "unpause_pattern = 'Resuming user (.+)'\n# '",
            "/etc/agent.toml: hosts.gl1.goodlink.log.unpause_pattern: \"Resuming user (.+)\" has no group (?<user>…); put \
             (?<user>…) around that part of the line",
        ),
    ];
    for (from, to, expected) in cases {
        assert_eq!(wrong(from, to), expected);
    }
}

#[test]
fn unknown_and_missing_keys_are_named_with_their_line() {
    let unknown = wrong("report_interval", "report_intervall");
    assert!(unknown.starts_with("/etc/agent.toml: TOML parse error at line 9"), "{unknown}");
    assert!(unknown.contains("unknown field `report_intervall`, expected one of"), "{unknown}");
    let missing = wrong("service = \"MSExchangeIS\"", "");
    assert!(missing.contains("missing field `service`"), "{missing}");
    let hosts = parse(&EXAMPLE[..EXAMPLE.find("[[hosts]]").unwrap()]).unwrap_err();
    assert_eq!(hosts, "/etc/agent.toml: hosts: there is no host; add a [[hosts]] for each host that this agent serves");
}

#[test]
fn a_file_that_is_not_there() {
    let error = AgentConfig::load(Path::new("/nonexistent/agent.toml")).unwrap_err().to_string();
    assert_eq!(
        error,
        "cannot read the configuration /nonexistent/agent.toml: No such file or directory (os error 2); name a readable \
         file with --config"
    );
}
