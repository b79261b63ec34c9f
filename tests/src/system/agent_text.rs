//! The configuration of an agent, and of the simulated host that it serves.

use super::{ACT_DEADLINE, GoodLinkHost, HOTFIX_NAME, LISTEN, Layout, Plan, PlanDomain, StoreHost, TLS_NAME, TestSend};
use crate::lab::Lab;
use serde_json::{Value, json};
use std::path::Path;

/// The store service's name on every simulated host.
pub(super) const STORE: &str = "MSExchangeIS";
/// The GoodLink service's name.
pub(super) const GOODLINK: &str = "GoodLink Server";

/// A text as TOML writes it.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Up to the first role of the agent's one host; `more` are programs beside those that every host has.
fn head(layout: &Layout, agent: &str, more: &str) -> String {
    let folder = layout.agent(agent);
    let programs = Lab::programs().join("host");
    let host = quoted(&Layout::text(&layout.host(agent)));
    let (svc, hotfix) = (quoted(&Layout::text(&programs.join("svc"))), quoted(&Layout::text(&programs.join("hotfix"))));
    let pki = |file: &str| quoted(&Layout::text(&layout.pki().join(file)));
    let program = |name: &str, program: &str, arguments: &str| {
        format!(
            "[programs.{name}]\nprogram = {program}\narguments = [{host}, {arguments}]\ntimeout = \"{}s\"\n\n",
            ACT_DEADLINE.as_secs()
        )
    };
    // The order of svc's arguments: HOST VERB NAME.
    format!(
        "agent = {name}\nstate = {state}\nreport_interval = \"1s\"\n\n\
         [coordinator]\naddress = {address}\ntls_name = {tls}\nca = {ca}\ncertificate = {certificate}\nkey = {key}\n\n\
         {status}{mounted}{patches}{install}{remove}{restart}{more}\
         [[packages]]\nname = {package}\nfile = {file}\n\n[[hosts]]\nname = {name}\n",
        name = quoted(agent),
        state = quoted(&Layout::text(&folder.join("state"))),
        address = quoted(LISTEN),
        tls = quoted(TLS_NAME),
        ca = pki("ca.pem"),
        certificate = quoted(&Layout::text(&folder.join(format!("{agent}.pem")))),
        key = quoted(&Layout::text(&folder.join(format!("{agent}.key")))),
        status = program("status", &svc, "\"status\", \"{service}\""),
        mounted = program("mounted", &svc, "\"mounted\""),
        patches = program("patches", &hotfix, "\"patches\""),
        install = program("install", &hotfix, "\"install\", \"{package_file}\""),
        remove = program("remove", &hotfix, "\"remove\", \"{package}\""),
        restart = program("restart", &svc, "\"restart\", \"{service}\""),
        package = quoted(HOTFIX_NAME),
        file = quoted(&Layout::text(&layout.package(HOTFIX_NAME))),
    )
}

/// The agent of a host with a store.
pub(super) fn store_agent(layout: &Layout, store: &StoreHost) -> String {
    format!(
        "{}[hosts.exchange]\nstore_exe = {}\nservice = {}\n\
         programs = {{ status = \"status\", mounted = \"mounted\", patches = \"patches\", install = \"install\", \
         remove = \"remove\" }}\n",
        head(layout, &store.host, ""),
        quoted(&Layout::text(&layout.host(&store.host).join("store.exe"))),
        quoted(STORE)
    )
}

/// The agent of a GoodLink host.
pub(super) fn goodlink_agent(layout: &Layout, goodlink: &GoodLinkHost) -> String {
    let host = layout.host(&goodlink.host);
    let folder = quoted(&Layout::text(&host));
    let program = quoted(&Layout::text(&Lab::programs().join("host/test_send")));
    let sends = |test: &TestSend| format!("test-send-{}", test.server.to_lowercase());
    let tests = goodlink.tests.iter().map(|test| {
        format!(
            "[programs.{}]\nprogram = {program}\narguments = [{folder}, {}, {}]\ntimeout = \"{}s\"\n\n",
            sends(test),
            quoted(&test.server),
            quoted(&test.user),
            test.timeout.as_secs(),
        )
    });
    let by_server: Vec<_> =
        goodlink.tests.iter().map(|test| format!("{} = {}", quoted(&test.server), quoted(&sends(test)))).collect();
    format!(
        "{}[hosts.goodlink]\nservice = {}\nprograms = {{ status = \"status\", restart = \"restart\", test_send = {{ {} }} }}\n\
         roster = {}\nroster_age = \"744h\"\n\n\
         [hosts.goodlink.log]\nfile = {}\ntime_zone = \"UTC\"\nunpause_pattern = 'Resuming user (?<user>.+)\\.$'\n",
        head(layout, &goodlink.host, &tests.collect::<String>()),
        quoted(GOODLINK),
        by_server.join(", "),
        quoted(&Layout::text(&host.join("roster.csv"))),
        quoted(&Layout::text(&host.join("logs/goodlink.log")))
    )
}

/// `host.json` of a host with a store. The store remembers what it knows of a mailbox, as the real one does for up to an
/// hour of the field.
pub(super) fn store_host(lab: &Path, plan: &Plan, store: &StoreHost) -> Value {
    json!({
        "lab": lab.join("lab.json"),
        "install_seconds": plan.install.as_secs_f64(),
        "services": { STORE: {
            "kind": "store", "account": "LocalSystem", "server": store.server,
            "cache_seconds": plan.memory.as_secs_f64(), "start_seconds": 0.3, "directory": null,
        } },
    })
}

/// `host.json` of a GoodLink host.
pub(super) fn goodlink_host(lab: &Path, layout: &Layout, plan: &Plan, domain: &PlanDomain, account: &str) -> Value {
    let stores: serde_json::Map<String, Value> =
        domain.stores.iter().map(|store| (store.server.clone(), json!(layout.host(&store.host)))).collect();
    json!({
        "lab": lab.join("lab.json"),
        "services": { GOODLINK: {
            "kind": "goodlink", "account": account, "stores": stores, "send_seconds": 2.0, "pause_seconds": plan.pause.as_secs_f64(),
            "rotate_bytes": 65536, "start_seconds": 0.2,
        } },
    })
}
