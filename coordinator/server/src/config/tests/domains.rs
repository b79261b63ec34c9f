//! Mistakes in a domain: its servers, its password file, where its grants go.

use super::*;

#[test]
fn a_domain_without_servers_sees_nothing() {
    let problems = |servers: &str| {
        let b1 = "[[domains.servers]]\nname = \"b1.b.example.test\"\n";
        Bench::new().with("netbios = \"BDOM\"", &format!("netbios = \"BDOM\"\n{servers}")).with(b1, "").problems()
    };
    assert_eq!(
        problems("servers = []"),
        ["domains[1].servers: the domain has no directory server, so nothing could be seen; declare every directory \
          server that counts under [[domains.servers]]"]
    );
    let missing = problems("");
    assert!(missing[0].contains(": domains[1]: missing field `servers`; "), "{missing:#?}");
}

#[test]
fn a_password_file_must_be_there_and_private() {
    let remedy =
        "write the password into DIR/b.password, owned by the coordinator's user, and `chmod 600 DIR/b.password`";
    let bench = Bench::new();
    let file = bench.directory.path().join("b.password");
    for mode in [0o640, 0o604, 0o644] {
        chmod(&file, mode);
        assert_eq!(
            bench.only(),
            format!(
                "domains[1].bind.password_file: the password file DIR/b.password has mode {mode:04o}, so that others \
                 than its owner may read it; `chmod 600 DIR/b.password`"
            )
        );
    }
    std::fs::write(&file, "\r\n").unwrap();
    chmod(&file, 0o600);
    assert_eq!(
        bench.only(),
        "domains[1].bind.password_file: the password file DIR/b.password holds no password; write the password into \
         it: directory servers take an empty one for an anonymous bind"
    );
    let cannot = |reason: &str| {
        format!("domains[1].bind.password_file: the password file DIR/b.password cannot be read: {reason}; {remedy}")
    };
    std::fs::write(&file, vec![b'x'; 4097]).unwrap();
    assert_eq!(bench.only(), cannot("it is larger than 4096 bytes"));
    std::fs::write(&file, b"s\xe9cret\n").unwrap();
    assert_eq!(bench.only(), cannot("it is not UTF-8 text"));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(bench.only(), cannot("No such file or directory (os error 2)"));
    std::fs::create_dir(&file).unwrap();
    assert_eq!(bench.only(), cannot("it is not a file"));
}

#[test]
fn a_secret_in_the_file_is_refused_wherever_it_stands() {
    for (old, key, path) in [
        ("name = \"sendgate@a.example.test\"", "password", "domains[0].bind.password"),
        ("netbios = \"BDOM\"", "bind_passwd", "domains[1].bind_passwd"),
        ("listen = ", "Secret", "coordinator.Secret"),
    ] {
        let bench = Bench::new().with(old, &format!("{key} = \"hunter2\"\n{old}"));
        let problems = bench.problems();
        let expected = format!(
            "{path}: a secret does not belong into this file, which many may read; put it into a file of its own with \
             mode 0600, name that with password_file, remove this key, and change the password if others could read \
             this file"
        );
        assert!(problems[0].ends_with(&expected), "{problems:#?}");
        assert!(!problems.concat().contains("hunter2"));
    }
}

#[test]
fn grants_go_to_a_domain_controller_of_the_domain() {
    let grants_server = "server = \"a1.a.example.test\"";
    change(
        grants_server,
        "server = \"b1.b.example.test\"",
        "domains[0].grants.server: \"b1.b.example.test\" is not a directory server of this domain; name one of those \
         under [[domains.servers]]",
    );
    change(
        grants_server,
        "server = \"gc.example.test\"",
        "domains[0].grants.server: \"gc.example.test\" is a global catalog, which takes no writes; name a server of \
         the kind \"domain-controller\"",
    );
    change(
        grants_server,
        "",
        "domains[0].grants.server: the domain has several servers, and it is not said which one grants are written \
         to; name one of them",
    );
    change(
        "name = \"b1.b.example.test\"",
        "name = \"b1.b.example.test\"\nkind = \"global-catalog\"",
        "domains[1].grants.server: all servers are global catalogs, which take no writes; declare a server of the kind \
         \"domain-controller\" and name it here",
    );
}

#[test]
fn applied_grants_need_their_reach_said() {
    let bench = Bench::new().with("mode = \"advise\"", "mode = \"apply\"").with("reach = \"ous\"", "");
    assert_eq!(
        bench.only(),
        "domains[0].grants.reach: it must be said how high up grants may be written; write \"domain\" (the account may \
         then send as every user of the domain) or \"ous\""
    );
    let applied = Bench::new().with("mode = \"advise\"", "mode = \"apply\"").parse(false).unwrap().policy;
    assert_eq!(applied.domains[&"a.example.test".parse().unwrap()].grants, GrantMode::Apply);
}
