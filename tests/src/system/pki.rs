//! Certificates, made by the operator's command.

use super::agent_text::quoted;
use super::{Binaries, LISTEN, Layout, Plan, SystemError, TLS_NAME, cli};
use crate::lab::Lab;
use std::path::Path;

/// The operator of the story and of the tests.
pub(super) const OPERATOR: &str = "olive";
/// Who approves.
const APPROVER: &str = "ada";

/// An authority, a certificate for the coordinator, for each agent, for one operator and one approver; their
/// connection files.
pub(super) fn make(lab: &Lab, binaries: &Binaries, layout: &Layout, plan: &Plan) -> Result<(), SystemError> {
    let authority = Layout::text(&layout.pki());
    run(lab, binaries, &["pki", "init", "--directory", &authority])?;
    let out = Layout::text(&layout.coordinator());
    run(
        lab,
        binaries,
        &[
            "pki",
            "issue",
            "--directory",
            &authority,
            "--role",
            "coordinator",
            "--name",
            "coordinator",
            "--dns",
            TLS_NAME,
            "--out",
            &out,
        ],
    )?;
    for agent in plan.agents() {
        issue(lab, binaries, &authority, "agent", &agent, &layout.agent(&agent))?;
    }
    issue(lab, binaries, &authority, "operator", OPERATOR, &layout.pki())?;
    issue(lab, binaries, &authority, "approver", APPROVER, &layout.pki())?;
    let pki = layout.pki();
    let write = |file: &Path, name: &str| connection(file, &pki.join("ca.pem"), &pki.join(format!("{name}.pem")));
    write(&layout.connection(), OPERATOR)?;
    write(&layout.approver_connection(), APPROVER)
}

/// Issues a client's certificate into a folder.
pub(super) fn issue(
    lab: &Lab,
    binaries: &Binaries,
    authority: &str,
    role: &str,
    name: &str,
    out: &Path,
) -> Result<(), SystemError> {
    let out = Layout::text(out);
    run(lab, binaries, &["pki", "issue", "--directory", authority, "--role", role, "--name", name, "--out", &out])
}

/// Writes a connection file; the key lies beside its certificate.
///
/// # Errors
/// [`SystemError::Io`].
pub fn connection(file: &Path, ca: &Path, certificate: &Path) -> Result<(), SystemError> {
    let text = format!(
        "address = {}\nserver_name = {}\nca = {}\ncertificate = {}\nkey = {}\n",
        quoted(LISTEN),
        quoted(TLS_NAME),
        quoted(&Layout::text(ca)),
        quoted(&Layout::text(certificate)),
        quoted(&Layout::text(&certificate.with_extension("key"))),
    );
    std::fs::write(file, text).map_err(SystemError::io("write", file))
}

fn run(lab: &Lab, binaries: &Binaries, arguments: &[&str]) -> Result<(), SystemError> {
    cli::run(lab, &binaries.cli, arguments)?.good().map(drop)
}
