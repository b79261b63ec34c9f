//! Simulated hosts: their folders and their services.

use super::agent_text::{self, GOODLINK, STORE};
use super::{HOTFIX, HOTFIX_NAME, Layout, Plan, SystemError};
use crate::lab::{CLIENT, Lab, User};
use crate::pe::{Bits, image};
use std::path::Path;
use std::process::Stdio;

fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), SystemError> {
    std::fs::write(path, bytes).map_err(SystemError::io("write", path))
}

fn folder(path: &Path) -> Result<(), SystemError> {
    std::fs::create_dir_all(path).map_err(SystemError::io("make", path))
}

/// A roster as GoodLink's export has it.
pub(super) fn roster(users: &[User]) -> String {
    let line = |user: &User| format!("{},{},{}\n", user.name, user.mail, user.server);
    "name,directory_name,server\n".to_owned() + &users.iter().map(line).collect::<String>()
}

/// Replaces a file whole: a reader sees the old text or the new.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), SystemError> {
    let part = path.with_extension("part");
    write(&part, text)?;
    std::fs::rename(&part, path).map_err(SystemError::io("replace", path))
}

/// Writes all hosts and the hotfix.
pub(super) fn make(lab: &Lab, layout: &Layout, plan: &Plan) -> Result<(), SystemError> {
    let package = layout.package(HOTFIX_NAME);
    if let Some(parent) = package.parent() {
        folder(parent)?;
    }
    write(&package, image(HOTFIX, Bits::B32))?;
    let lab_dir = &lab.description.dir;
    for domain in &plan.domains {
        for store in &domain.stores {
            let host = layout.host(&store.host);
            folder(&host)?;
            write(&host.join("host.json"), agent_text::store_host(lab_dir, plan, store).to_string())?;
            write(&host.join("store.exe"), image(store.version, Bits::B32))?;
            let patches = if store.version == HOTFIX { format!("{HOTFIX_NAME}\n") } else { String::new() };
            write(&host.join("patches"), patches)?;
        }
        let host = layout.host(&domain.goodlink.host);
        folder(&host.join("logs"))?;
        let account = &lab.domain(&domain.letter)?.goodadmin.logon;
        write(&host.join("host.json"), agent_text::goodlink_host(lab_dir, layout, plan, domain, account).to_string())?;
        write(&host.join("roster.csv"), roster(&domain.goodlink.roster))?;
    }
    Ok(())
}

/// Starts or stops all services: stores first, for GoodLink sends through them.
pub(super) fn services(lab: &Lab, layout: &Layout, plan: &Plan, verb: &str) -> Result<(), SystemError> {
    let stores = plan.domains.iter().flat_map(|domain| &domain.stores).map(|store| (&store.host, STORE));
    let goodlinks = plan.domains.iter().map(|domain| (&domain.goodlink.host, GOODLINK));
    let stages: [Vec<_>; 2] = [stores.collect(), goodlinks.collect()];
    for stage in stages {
        let started: Result<Vec<_>, SystemError> = stage
            .into_iter()
            .map(|(host, service)| {
                let svc = Lab::programs().join("host/svc");
                let mut command = lab.command(CLIENT, [svc.as_os_str()]);
                command.arg(layout.host(host)).args([verb, service]).stdin(Stdio::null()).stderr(Stdio::piped());
                let child = command.spawn().map_err(SystemError::io("start", &svc))?;
                Ok((format!("svc {host} {verb} {service}"), child))
            })
            .collect();
        for (name, child) in started? {
            let done = child.wait_with_output().map_err(SystemError::io("wait for", Path::new(&name)))?;
            if !done.status.success() {
                let (code, complaint) = (done.status.to_string(), String::from_utf8_lossy(&done.stderr).into_owned());
                return Err(SystemError::Failed { command: name, code, complaint });
            }
        }
    }
    Ok(())
}
