//! The coordinator's configuration.

use super::agent_text::quoted;
use super::{GrantMode, LISTEN, Layout, Plan, PlanDomain};
use crate::lab::{Lab, LabError, Server};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

fn time(duration: Duration) -> String {
    quoted(&format!("{}ms", duration.as_millis()))
}

fn path(path: &Path) -> String {
    quoted(&Layout::text(path))
}

fn list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().map(|item| quoted(&item)).collect::<Vec<_>>().join(", "))
}

/// The whole file.
pub(super) fn text(lab: &Lab, layout: &Layout, plan: &Plan) -> Result<String, LabError> {
    let (folder, pki, waits) = (layout.coordinator(), layout.pki(), &plan.waits);
    let mut text = format!(
        "[coordinator]\nstate_directory = {state}\nlisten = {listen}\n\n\
         [tls]\nca = {ca}\ncertificate = {certificate}\nkey = {key}\n\n[journal]\nkind = \"sled\"\n\n\
         [survey]\ninterval = \"5s\"\nevidence_age = \"20s\"\nwatch_age = \"8s\"\n\n\
         [waits]\nsecond_look = {look}\nrestart = {restart}\nsettled = {settled}\nfailed = {failed}\n\n\
         [gate]\nscope = \"domain\"\n\n[disruption]\nhosts_at_once = 1\n\n[remedy]\ngoodlink_restart = \"on\"\n\n\
         [rollout]\nsoak = {soak}\n\n[agents]\nheartbeat = \"1s\"\nsilent_after = \"6s\"\nact_deadline = {act}\n",
        state = path(&folder.join("state")),
        listen = quoted(LISTEN),
        ca = path(&pki.join("ca.pem")),
        certificate = path(&folder.join("coordinator.pem")),
        key = path(&folder.join("coordinator.key")),
        look = time(waits.second_look),
        restart = time(waits.restart),
        settled = time(waits.settled),
        failed = time(waits.failed),
        soak = time(plan.soak),
        act = time(plan.act_deadline),
    );
    for planned in &plan.domains {
        domain(&mut text, lab, layout, planned)?;
    }
    Ok(text)
}

fn domain(text: &mut String, lab: &Lab, layout: &Layout, planned: &PlanDomain) -> Result<(), LabError> {
    let known = lab.domain(&planned.letter)?;
    let counts = |server: &&Server| planned.server.as_ref().is_none_or(|node| server.node == *node);
    let first = known.servers.iter().find(counts).ok_or_else(|| LabError::NoDomain(known.name.clone()))?;
    let mode = match planned.grants {
        GrantMode::Advise => "advise",
        GrantMode::Apply => "apply",
    };
    // A String takes whatever is written to it.
    let _ = write!(
        text,
        "\n[[domains]]\nname = {name}\nnetbios = {netbios}\nca = [{ca}]\n\
         bind = {{ name = {bind}, password_file = {password} }}\n\
         grants = {{ mode = \"{mode}\", reach = \"domain\", server = {first} }}\n",
        name = quoted(&known.name),
        netbios = quoted(&known.netbios),
        ca = path(&lab.description.ca),
        bind = quoted(&known.coordinator.upn),
        password = path(&password_file(layout, &planned.letter)),
        first = quoted(&first.name),
    );
    for server in known.servers.iter().filter(counts) {
        let address = quoted(&format!("{}:{}", server.name, server.ldaps_port));
        let _ = write!(
            text,
            "[[domains.servers]]\nname = {}\naddress = {address}\nkind = \"domain-controller\"\n\
             operation_timeout = \"10s\"\n",
            quoted(&server.name)
        );
    }
    let goodlink = &planned.goodlink;
    let servers = planned.stores.iter().map(|store| store.server.clone());
    let _ = write!(
        text,
        "\n[[goodlink]]\nname = {name}\nhost = {host}\nservice_account = {account}\ndomains = [{domain}]\n\
         exchange = {servers}\n",
        name = quoted(&goodlink.name),
        host = quoted(&goodlink.host),
        account = quoted(&format!("{}@{}", known.goodadmin.name, known.name)),
        domain = quoted(&known.name),
        servers = list(servers),
    );
    for store in &planned.stores {
        let (name, host) = (quoted(&store.server), list([store.host.clone()]));
        let domain = quoted(&known.name);
        let _ = write!(text, "\n[[exchange]]\nname = {name}\nhosts = {host}\ndomain = {domain}\n");
    }
    for host in planned.stores.iter().map(|store| &store.host).chain([&goodlink.host]) {
        let _ = write!(text, "\n[[hosts]]\nname = {0}\nagent = {0}\n", quoted(host));
    }
    Ok(())
}

/// Where the password of a domain's account is kept.
pub(super) fn password_file(layout: &Layout, letter: &str) -> std::path::PathBuf {
    layout.coordinator().join(format!("password-{letter}"))
}
