//! What the example says, and the text of every mistake.

use super::*;
use crate::scratch::Scratch;
use sendgate_core::coverage::placement::Reach;
use sendgate_core::policy::{GateScope, GrantMode, Switch, Waits};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

const EXAMPLE: &str = include_str!("../../../../deploy/coordinator.example.toml");

/// What the example says.
pub(super) fn example() -> Configuration {
    Bench::new().parse(false).unwrap()
}

/// A directory with the files that the example names, and the example changed to name them.
struct Bench {
    directory: Scratch,
    text: String,
    surroundings: Surroundings,
}

impl Bench {
    fn new() -> Self {
        let directory = Scratch::new();
        let authority = rcgen::generate_simple_self_signed(Vec::new()).unwrap().cert.pem();
        std::fs::write(directory.path().join("directory-ca.pem"), authority).unwrap();
        for domain in ["a", "b"] {
            let file = directory.path().join(format!("{domain}.password"));
            std::fs::write(&file, "s3cret\n").unwrap();
            chmod(&file, 0o600);
        }
        let surroundings = Surroundings::default();
        Self { directory, text: EXAMPLE.replace("/etc/sendgate/", ""), surroundings }
    }

    /// Replaces a text that must be there.
    fn with(mut self, old: &str, new: &str) -> Self {
        assert!(self.text.contains(old), "the example does not hold {old:?}");
        self.text = self.text.replacen(old, new, 1);
        self
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("coordinator.toml")
    }

    fn parse(&self, laboratory: bool) -> Result<Configuration, ConfigError> {
        parse(&self.file(), &self.text, laboratory, &self.surroundings)
    }

    /// The problems as they are printed, without the heading.
    fn problems(&self) -> Vec<String> {
        match self.parse(false) {
            Err(ConfigError::Invalid { problems, .. }) => {
                let directory = self.directory.path().display().to_string();
                problems.iter().map(|problem| problem.to_string().replace(&directory, "DIR")).collect()
            }
            other => panic!("no problem was found: {other:?}"),
        }
    }

    fn only(&self) -> String {
        let mut problems = self.problems();
        assert_eq!(problems.len(), 1, "{problems:#?}");
        problems.remove(0)
    }
}

fn chmod(file: &Path, mode: u32) {
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Asserts the text of the only problem that a change of the example brings.
fn change(old: &str, new: &str, expected: &str) {
    assert_eq!(Bench::new().with(old, new).only(), expected);
}

#[test]
fn the_example_is_a_configuration() {
    let bench = Bench::new();
    let configuration = bench.parse(false).unwrap_or_else(|error| panic!("{error}"));
    let policy = &configuration.policy;
    let a = &policy.domains[&"a.example.test".parse().unwrap()];
    assert_eq!((a.netbios.as_str(), a.grants, a.reach), ("adom", GrantMode::Advise, Reach::Ous));
    assert_eq!(a.grant_server, "a1.a.example.test".parse().unwrap());
    assert_eq!(a.servers.len(), 3);
    let servers = &configuration.directory[&"a.example.test".parse().unwrap()];
    let addresses: Vec<_> = servers.iter().map(|server| server.address.as_str()).collect();
    assert_eq!(addresses, ["a1.a.example.test:636", "192.0.2.12:636", "gc.example.test:3269"]);
    assert_eq!(servers[0].bind.name, "sendgate@a.example.test");
    let goodlink = &policy.goodlink[&"gla".parse().unwrap()];
    assert_eq!(goodlink.service_account, "goodadmin@a.example.test".parse().unwrap());
    let cluster = &policy.exchange[&"exa2".parse().unwrap()];
    assert_eq!(cluster.hosts, ["exa2-n2".parse().unwrap(), "exa2-n1".parse().unwrap()], "order is kept");
    assert_eq!(configuration.state_directory, Path::new("/var/lib/sendgate"));
    assert_eq!(configuration.tls.ca, bench.directory.path().join("ca.pem"), "paths start from the file's directory");
    assert_eq!((configuration.journal, configuration.log_format), (JournalKind::Sled, LogFormat::Text));
    assert!(!policy.laboratory);
}

#[test]
fn defaults_are_those_that_the_example_documents() {
    let documented = Bench::new().parse(false).unwrap().policy;
    let mut bare = Bench::new();
    let optional = ["survey", "waits", "gate", "disruption", "remedy", "rollout", "agents"];
    let mut keep = true;
    let lines: Vec<&str> = bare
        .text
        .lines()
        .filter(|line| {
            if let Some(table) = line.strip_prefix('[') {
                keep = !optional.iter().any(|name| table.strip_suffix(']') == Some(name));
            }
            keep
        })
        .collect();
    assert!(lines.len() < bare.text.lines().count());
    bare.text = lines.join("\n");
    let policy = bare.parse(false).unwrap().policy;
    assert_eq!(policy, documented);
    assert_eq!(policy.waits, Waits::FIELD);
    assert_eq!((policy.scope, policy.goodlink_restart), (GateScope::Domain, Switch::Off));
    assert_eq!(policy.disruption.estate.get(), 1);
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    assert_eq!((policy.freshness.survey_interval, policy.freshness.evidence_age), (minutes(15), minutes(30)));
    assert_eq!(policy.freshness.watch_age, minutes(1));
    assert_eq!((policy.freshness.heartbeat, policy.freshness.silent_after), (Duration::from_secs(30), minutes(2)));
    assert_eq!((policy.act_deadline, policy.soak), (minutes(60), minutes(15)));
}

#[test]
fn a_domain_without_grants_is_advised_and_its_only_server_is_meant() {
    let policy = Bench::new().parse(false).unwrap().policy;
    let b = &policy.domains[&"b.example.test".parse().unwrap()];
    assert_eq!((b.grants, b.reach), (GrantMode::Advise, Reach::Domain));
    assert_eq!(b.grant_server, "b1.b.example.test".parse().unwrap());
}

#[test]
fn a_missing_file_is_named() {
    let bench = Bench::new();
    let error = load(&bench.file(), false).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "the configuration file {} cannot be read: No such file or directory (os error 2); name another one with \
             --config, or copy the example file there and fill it in",
            bench.file().display()
        )
    );
    std::fs::write(bench.file(), &bench.text).unwrap();
    load(&bench.file(), false).unwrap();
}

#[test]
fn a_file_that_is_too_large_for_a_configuration_is_not_read() {
    let bench = Bench::new();
    std::fs::write(bench.file(), vec![b'#'; 4 * 1024 * 1024 + 1]).unwrap();
    let error = load(&bench.file(), false).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "the configuration file {} cannot be read: it is larger than 4194304 bytes; name another one with --config, or \
             copy the example file there and fill it in",
            bench.file().display()
        )
    );
}

#[test]
fn all_problems_are_reported_at_once_under_the_files_name() {
    let bench = Bench::new()
        .with("host = \"gla\"", "host = \"glx\"")
        .with("scope = \"domain\"", "scope = \"everything\"")
        .with("settled = \"90m\"", "settled = \"5m\"");
    let text = bench.parse(false).unwrap_err().to_string();
    assert!(
        text.starts_with(&format!("the configuration file {} has 3 problems:\n", bench.file().display())),
        "{text}"
    );
    for key in ["  waits.settled: ", "  gate.scope: ", "  goodlink[0].host: "] {
        assert!(text.contains(key), "{text}");
    }
}

#[test]
fn toml_mistakes_have_line_and_column() {
    let line = EXAMPLE.lines().position(|line| line.starts_with("scope = ")).unwrap() + 1;
    let text = Bench::new().with("scope = \"domain\"", "scope = domain\"").problems().remove(0);
    assert!(text.starts_with(&format!("line {line}, column 9: this is not TOML: ")), "{text}");
    assert!(text.ends_with("; correct the TOML there"), "{text}");
}

#[test]
fn unknown_keys_and_wrong_shapes_are_named_in_every_table_at_once() {
    let bench = Bench::new()
        .with("scope = \"domain\"", "scop = \"domain\"")
        .with("hosts_at_once = 1", "hosts_at_once = \"one\"")
        .with("[[hosts]]", "[surprise]\n[[hosts]]");
    let at = |start: &str| EXAMPLE.lines().position(|line| line.starts_with(start)).unwrap() + 1;
    let fix = "; correct it as the example file shows";
    assert_eq!(
        bench.problems(),
        [
            format!("line {}, column 1: gate: unknown field `scop`, expected `scope`{fix}", at("scope =")),
            format!(
                "line {}, column 17: disruption: invalid type: string \"one\", expected i64{fix}",
                at("hosts_at_once =")
            ),
            format!(
                "line {}, column 2: surprise: the configuration has no such table; remove it, or correct its name; \
                 the example file shows all tables",
                at("[[hosts]]")
            ),
        ]
    );
}

#[test]
fn a_table_that_should_be_one_of_several_is_told_how_to_be_written() {
    // Where there is one of it, that is how a beginner writes it.
    let problems = Bench::new().with("[[forests]]", "[forests]").problems();
    let remedy = "it is not an array of tables; write it as [[forests]]";
    assert!(problems.len() == 1 && problems[0].ends_with(&format!("forests: {remedy}")), "{problems:?}");
}

mod connections;
mod domains;
mod forests;
mod limits;
mod mistakes;
