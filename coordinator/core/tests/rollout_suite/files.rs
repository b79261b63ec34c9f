//! Rollouts' files: what they come to, applied twice, and everything that can be wrong with one.

use crate::example::{Example, file, file_of, name, wave};
use sendgate_core::ledger::Entry;
use sendgate_core::request;
use sendgate_core::spec::{self, RolloutSpec};

fn read(example: &Example, text: &str) -> Result<RolloutSpec, Vec<String>> {
    spec::read(text, &example.policy).map_err(|error| error.problems.iter().map(ToString::to_string).collect())
}

fn waves(spec: &RolloutSpec) -> Vec<Vec<String>> {
    spec.waves.iter().map(|wave| wave.servers.iter().map(ToString::to_string).collect()).collect()
}

/// Ten servers, of which two carry a tag.
fn ten() -> Example {
    let mut example = Example::covered();
    let one = example.policy.exchange[&name("exa1")].clone();
    for number in 1..=10 {
        let mut server = one.clone();
        server.hosts = vec![name(&format!("exa{number}"))];
        server.tags = if number > 8 { [name("berlin")].into() } else { [].into() };
        example.policy.exchange.insert(name(&format!("exa{number:02}")), server);
    }
    example.policy.exchange.retain(|server, _| server.as_str().len() == 5);
    let goodlink = example.policy.goodlink.get_mut(&name("gla")).unwrap();
    goodlink.exchange = example.policy.exchange.keys().cloned().collect();
    example
}

/// Count, percent of the scope rounded up, and whatever is left.
#[test]
fn waves_take_servers_of_the_scope_in_order() {
    let example = ten();
    let text = "[scope]\ndomains = [\"a.example.test\"]\n[[wave]]\nname = \"one\"\ncount = 1\n[[wave]]\nname = \"some\"\n\
                percent = 25\n[[wave]]\nname = \"rest\"\nrest = true\n";
    let spec = read(&example, &file_of("dst", text)).unwrap();
    assert_eq!(waves(&spec).iter().map(Vec::len).collect::<Vec<_>>(), [1, 3, 6]);
    assert_eq!(waves(&spec)[1], ["exa02", "exa03", "exa04"]);
    let text = "[scope]\ntags = [\"Berlin\"]\nservers = [\"exa03\"]\n[[wave]]\nname = \"canary\"\nservers = [\"exa09\"]\n\
                [[wave]]\nname = \"rest\"\nrest = true\n";
    let spec = read(&example, &file_of("dst", text)).unwrap();
    assert_eq!(waves(&spec), [vec!["exa09"], vec!["exa03", "exa10"]]);
}

/// The example of the documentation is a rollout.
#[test]
fn the_documented_file_is_good() {
    let mut example = Example::covered();
    example.policy.exchange.get_mut(&name("exa2")).unwrap().tags = [name("berlin")].into();
    let documentation = include_str!("../../../../docs/rollouts.md");
    let (_, file) = documentation.split_once("```toml\n").unwrap();
    let (file, _) = file.split_once("```").unwrap();
    let spec = read(&example, file).unwrap();
    assert_eq!(waves(&spec), [["exa1"], ["exa2"]]);
    assert_eq!((spec.approvals, spec.thresholds.new_pauses, spec.wave_thresholds.new_pauses), (1, 20, 5));
}

#[test]
fn applied_twice_changes_nothing() {
    let mut example = Example::covered();
    let text = file("dst", &["exa1", "exa2"]);
    let request = request::rollout_apply(example.world(), &text).unwrap();
    example.append(Entry::Request { by: name("olga"), request });
    let again = request::rollout_apply(example.world(), &text).unwrap_err();
    assert_eq!(again.to_string(), "rollout dst is there in this form, and is created");
    assert!(matches!(again, request::Refused::Unchanged(_)));
    // Until it is started, another form takes its place.
    let request = request::rollout_apply(example.world(), &file("dst", &["exa2"])).unwrap();
    example.append(Entry::Request { by: name("piet"), request });
    let rollout = &example.ledger.rollouts[&name("dst")];
    assert_eq!((waves(&rollout.spec), rollout.author.as_str()), (vec![vec!["exa2".to_owned()]], "piet"));
}

#[test]
fn a_scope_is_not_larger_than_a_journals_record() {
    let mut example = ten();
    let one = example.policy.exchange[&name("exa01")].clone();
    for number in 0..991 {
        example.policy.exchange.insert(name(&format!("exb{number:03}")), one.clone());
    }
    let goodlink = example.policy.goodlink.get_mut(&name("gla")).unwrap();
    goodlink.exchange = example.policy.exchange.keys().cloned().collect();
    let text = "[scope]\ndomains = [\"a.example.test\"]\n[[wave]]\nname = \"all\"\nrest = true\n";
    let wrong = "scope: it holds 1001 Exchange servers; make it several rollouts of at most 1000";
    let problems = read(&example, &file_of("dst", text)).unwrap_err();
    assert!(problems.contains(&wrong.to_owned()), "{problems:?}");
}

/// All that is wrong is said at once, each with its place and what to do.
#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let example = Example::covered();
    let text = "name = \" \"\npatience = \"soon\"\non_trip = \"explode\"\napprovals = -1\n[package]\nname = \"KB926666\"\n\
                sha256 = \"abc\"\nkb = 0\ntarget = \"6.5.7638.1\"\nenforces = true\n[thresholds]\nnew_pauses_percent = 100\n\
                failed_installs = -2\n[limits]\nat_once = 0\n[[wave]]\nname = \"one\"\nservers = [\"exa9\"]\n[[wave]]\n\
                name = \"one\"\ncount = 1\nsoak = \"0s\"\n[expected]\ninstall = \"never\"\n";
    assert_eq!(
        read(&example, text).unwrap_err(),
        [
            "name: rollout \" \" is not a name: it is empty, longer than 4096 bytes, or holds control characters; give the \
             rollout a name",
            "package.sha256: \"abc\" is not a SHA-256 digest: 64 hexadecimal digits are expected; take it from sha256sum of \
             the package",
            "package.kb: 0 is not the number of an article; write it without letters, such as 926666",
            "package.enforces: true is written, and for 6.5.7638.1 the table of versions says no; check the target version; \
             extend [[enforcement]] of the coordinator only if the table is wrong",
            "wave.one: Exchange server \"exa9\" is not known; configured Exchange servers are exa1, exa2",
            "wave.one: it holds no Exchange server; leave the wave out, or give it one",
            "wave.one.at_once: 0 is not a number of hosts or servers; write 1 or more",
            "wave.one: there are two waves of this name; give each a name of its own",
            "wave.one: there is no [scope] to take servers from; write [scope] with servers, domains or tags, or name the \
             wave's servers",
            "wave.one.soak: \"0s\" is not a duration above zero; write it with units, such as \"90m\", \"1h30m\" or \"48h\"",
            "wave.one.at_once: 0 is not a number of hosts or servers; write 1 or more",
            "thresholds.failed_installs: -2 is not a number from 0 to 4294967295; write one",
            "thresholds.new_pauses_percent: 100 is not a percentage that could be passed; write 0 to 99, in whole percent",
            "window: there is no window; write a [[window]], or any_time = true if hosts may be changed whenever the gate \
             is open",
            "approvals: -1 is not a number from 0 to 4294967295; write one",
            "on_trip: \"explode\" is none of them; write \"stop\" or \"remove\"",
            "expected.install: \"never\" is not a duration above zero; write it with units, such as \"90m\", \"1h30m\" or \
             \"48h\"",
            "patience: \"soon\" is not a duration above zero; write it with units, such as \"90m\", \"1h30m\" or \"48h\"",
        ]
    );
}

#[test]
fn single_mistakes_are_named() {
    let mut example = Example::covered();
    // A domain in which no Exchange server is.
    example.policy.domains.insert(name("c.example.test"), example.policy.domains[&name("a.example.test")].clone());
    let two = format!("{}{}", wave("a", &["exa1"]), wave("b", &["exa2"]));
    let window = "[[window]]\nname = \"w\"\nrule = \"FREQ=WEEKLY\"\nstart = \"2006-06-13T01:00\"\nlength = \"3h\"\nzone = \
                  \"Mars\"\ncutoff = \"0s\"\n";
    let twice = window.replace("Mars", "Etc/UTC").repeat(2);
    let cases = [
        (file_of("d", ""), "wave: there is no wave; write at least one [[wave]], such as the canary and the rest"),
        (
            file_of("d", &(wave("a", &["exa1"]) + &wave("b", &["exa1"]))),
            "wave.b: Exchange server exa1 is named twice; name it once",
        ),
        (
            file_of("d", "[scope]\nservers = [\"exa1\", \"exa2\"]\n[[wave]]\nname = \"a\"\ncount = 1\n"),
            "wave: these servers of the scope are in no wave: exa2; add a last wave with rest = true, or leave them out of \
             the scope",
        ),
        (
            file_of("d", "[scope]\nservers = [\"exa1\"]\n[[wave]]\nname = \"a\"\nservers = [\"exa1\", \"exa2\"]\n"),
            "wave.a: Exchange server exa2 is not in the scope; add it to the scope",
        ),
        (
            file_of("d", "[scope]\ntags = [\"paris\"]\nservers = [\"exa1\"]\n[[wave]]\nname = \"a\"\nrest = true\n"),
            "scope.tags: no Exchange server has the tag \"paris\"; give servers a tag in the coordinator's configuration first: none has one",
        ),
        (
            file_of(
                "d",
                "[scope]\ndomains = [\"b.test\"]\nservers = [\"exa1\"]\n[[wave]]\nname = \"a\"\nrest = true\n",
            ),
            "scope.domains: domain \"b.test\" is not known; name one of a.example.test, c.example.test",
        ),
        (
            file_of(
                "d",
                "[scope]\nservers = [\"exa1\"]\n[[wave]]\nname = \"a\"\npercent = 101\n[[wave]]\nname = \"b\"\nrest = true\n",
            ),
            "wave.a.percent: 101 is not a percentage; write 1 to 100",
        ),
        (
            file_of(
                "d",
                "[scope]\ndomains = [\"c.example.test\"]\nservers = [\"exa1\"]\n[[wave]]\nname = \"a\"\nrest = true\n",
            ),
            "scope.domains: domain \"c.example.test\" adds no Exchange server; leave it out",
        ),
        (
            file_of("d", &format!("patience = \"2209h\"\n{two}")),
            "patience: \"2209h\" is longer than 92 days; write a shorter duration",
        ),
        (file_of("d", &format!("{two}{twice}")), "window.w: there are two of this name; give each its own"),
        (
            file_of("d", "[[wave]]\nname = \"a\"\nservers = [\"exa1\"]\nrest = true\n"),
            "wave.a: it must be clear which servers it has; write exactly one of servers, count, percent and rest = true",
        ),
        (
            file_of("d", &format!("patience = \"1h\"\n{}soak = \"2h\"\n", wave("a", &["exa1"]))),
            "patience: it is not longer than the soak of wave a, 2h 0m; make it longer: while a wave soaks, nothing else moves",
        ),
        (
            file_of("d", &format!("{two}[[window]]\nname = \"w\"\n"))
                .replace("name = \"d\"\n", "name = \"d\"\nany_time = true\n"),
            "any_time: there are windows as well; leave out any_time or the windows",
        ),
        (
            file_of("d", &format!("{two}[thresholds]\nnew_pauses_percent = 2\n")),
            "thresholds.new_pauses_percent: 2 % is written without new_pauses, which is zero if it is left out: one pause \
             stops it; write thresholds.new_pauses as well; whichever is passed first stops it",
        ),
        (
            file_of("d", &format!("{two}[thresholds]\nnew_pauses = 1\n[wave_thresholds]\nnew_pauses_percent = 0\n")),
            "wave_thresholds.new_pauses_percent: 0 % is written without new_pauses, which is zero if it is left out: one \
             pause stops it; write wave_thresholds.new_pauses as well; whichever is passed first stops it",
        ),
    ];
    for (text, wrong) in cases {
        let problems = read(&example, &text).unwrap_err();
        assert!(problems.contains(&wrong.to_owned()), "{wrong}\nis not in\n{problems:#?}\nfor\n{text}");
    }
    let problems = read(&example, &file_of("d", &(two.clone() + window))).unwrap_err();
    assert!(problems[0].starts_with("window.w.zone: \"Mars\" is not a time zone"), "{problems:?}");
    let shape = read(&example, "name = \"d\"\n[package]\nkb = \"x\"\n").unwrap_err();
    assert_eq!(shape, ["line 3: invalid type: string \"x\", expected i64; see the example in docs/rollouts.md"]);
    let unknown = read(&example, &file_of("d", &format!("colour = 1\n{two}"))).unwrap_err();
    assert!(unknown[0].contains("unknown field `colour`"), "{unknown:?}");
}
