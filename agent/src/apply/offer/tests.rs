use sendgate_proto::v1::RemoveHotfix;

use super::*;

/// A package's file, removed at the end of the test.
struct File(PathBuf);

impl File {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("sendgate-package-{:016x}", rand::random::<u64>()));
        std::fs::write(&path, "hotfix").unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What comes of an offer to remove a package on a host whose programs are those, the removal's with this argument.
fn removal(file: &Path, programs: &str, argument: &str, package: &str) -> Result<Prepared, String> {
    let text = format!(
        "agent = \"one\"\nstate = \"/s\"\n[coordinator]\naddress = \"c:1\"\ntls_name = \"c\"\nca = \"/c\"\n\
         certificate = \"/c\"\nkey = \"/c\"\n[programs.look]\nprogram = \"/look\"\n\
         [programs.out]\nprogram = \"/out\"\narguments = [\"{argument}\"]\n\
         [[packages]]\nname = \"KB1\"\nfile = \"{}\"\n[[hosts]]\nname = \"ex1\"\n[hosts.exchange]\n\
         store_exe = \"/e\"\nservice = \"IS\"\n\
         programs = {{ status = \"look\", mounted = \"look\", patches = \"look\"{programs} }}\n",
        file.display()
    );
    let config = AgentConfig::parse(Path::new("agent.toml"), &text).unwrap();
    let act = Act::Remove(RemoveHotfix { package: package.into(), sha256: Sha256::digest("hotfix").to_vec() });
    prepare(&config, host(&config, "ex1").unwrap(), Some(&act)).map_err(|error| error.to_string())
}

const REMOVE: &str = ", remove = \"out\"";

#[test]
fn a_removal_is_told_the_package_as_it_is_configured() {
    let file = File::new();
    let prepared = removal(&file.0, REMOVE, "-{package}-", "kb1").unwrap();
    assert_eq!(prepared.what, "remove KB1");
    assert_eq!(prepared.commands.len(), 1);
    assert_eq!(
        (prepared.commands[0].file.as_path(), prepared.commands[0].timeout.as_secs()),
        (Path::new("/out"), 3000)
    );
    assert_eq!(prepared.commands[0].arguments, ["-KB1-"]);
    assert_eq!(prepared.package, Some(FileMark::of(&file.0).unwrap()), "it must still be that file at the start");
}

#[test]
fn a_removal_needs_the_file_only_where_its_program_is_given_it() {
    let file = File::new();
    std::fs::remove_file(&file.0).unwrap();
    assert_eq!(removal(&file.0, REMOVE, "{package}", "KB1").unwrap().package, None);
    let error = removal(&file.0, REMOVE, "{package_file}", "KB1").unwrap_err();
    assert_eq!(error, format!("package KB1: cannot read {}: No such file or directory (os error 2)", file.0.display()));
}

#[test]
fn a_removal_is_refused_where_the_file_is_another_or_cannot_be_read() {
    let file = File::new();
    std::fs::write(&file.0, "another").unwrap();
    let error = removal(&file.0, REMOVE, "{package}", "KB1").unwrap_err();
    let (found, wanted) = (hex(&Sha256::digest("another")), hex(&Sha256::digest("hotfix")));
    let at = file.0.display();
    assert_eq!(error, format!("package KB1: {at} has SHA-256 {found}, but {wanted} is to be removed"));
    let error = removal(&std::env::temp_dir(), REMOVE, "{package}", "KB1").unwrap_err();
    assert!(error.ends_with(": it is not a regular file"), "{error}");
}

#[test]
fn what_is_not_configured_is_not_removed() {
    let file = File::new();
    assert_eq!(
        removal(&file.0, "", "{package}", "KB1").unwrap_err(),
        "package \"KB1\": no program of host ex1 removes a package; name one as `remove` in the programs of its \
         [hosts.exchange] in the agent's configuration"
    );
    assert_eq!(
        removal(&file.0, REMOVE, "{package}", "KB2").unwrap_err(),
        "package \"KB2\" is not known here; add it to [[packages]] in the agent's configuration"
    );
}

/// What comes of an offer to test sending through this server, with these programs for it.
fn test_send(programs: &str, server: &str) -> Result<Prepared, String> {
    let text = format!(
        "agent = \"one\"\nstate = \"/s\"\n[coordinator]\naddress = \"c:1\"\ntls_name = \"c\"\nca = \"/c\"\n\
         certificate = \"/c\"\nkey = \"/c\"\n[programs.look]\nprogram = \"/look\"\n\
         [programs.send]\nprogram = \"/send\"\narguments = [\"--profile\", \"test\"]\n\
         [[hosts]]\nname = \"gl1\"\n[hosts.goodlink]\nservice = \"GL\"\nroster = \"/r\"\n\
         programs = {{ status = \"look\"{programs} }}\nlog = {{ file = \"/l\", time_zone = \"UTC\" }}\n"
    );
    let config = AgentConfig::parse(Path::new("agent.toml"), &text).map_err(|error| error.to_string())?;
    let act = Act::TestSend(sendgate_proto::v1::TestSend { server: server.into() });
    prepare(&config, host(&config, "gl1").unwrap(), Some(&act)).map_err(|error| error.to_string())
}

#[test]
fn a_test_message_is_sent_by_the_program_of_its_exchange_server() {
    let prepared = test_send(", test_send = { EXA1 = \"send\" }", "exa1").unwrap();
    assert_eq!((prepared.what.as_str(), prepared.commands.len()), ("test sending through exa1", 1));
    assert_eq!(
        (prepared.commands[0].file.as_path(), prepared.commands[0].timeout.as_secs()),
        (Path::new("/send"), 300)
    );
    assert_eq!(prepared.commands[0].arguments, ["--profile", "test"]);
    for programs in ["", ", test_send = { EXA1 = \"send\" }"] {
        assert_eq!(
            test_send(programs, "exa2").unwrap_err(),
            "no program of host gl1 tests sending through \"exa2\"; name one under its Exchange server as `test_send` in the \
             programs of [hosts.goodlink] in the agent's configuration"
        );
    }
}

#[test]
fn an_exchange_server_has_one_program_that_sends() {
    let error = test_send(", test_send = { EXA1 = \"send\", exa1 = \"look\" }", "exa1").unwrap_err();
    assert!(error.contains("programs.test_send") && error.contains("is named twice, in other letters"), "{error}");
    let error = test_send(", test_send = { EXA1 = \"nothing\" }", "exa1").unwrap_err();
    assert!(error.contains("programs.test_send.EXA1"), "{error}");
}
