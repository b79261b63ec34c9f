//! The configuration as written: TOML and nothing checked beyond its syntax and its keys.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) agent: String,
    pub(super) state: PathBuf,
    pub(super) report_interval: Option<String>,
    pub(super) coordinator: WrittenCoordinator,
    #[serde(default)]
    pub(super) programs: BTreeMap<String, WrittenProgram>,
    #[serde(default)]
    pub(super) packages: Vec<WrittenPackage>,
    #[serde(default)]
    pub(super) hosts: Vec<WrittenHost>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenCoordinator {
    pub(super) address: String,
    pub(super) tls_name: String,
    pub(super) ca: PathBuf,
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenProgram {
    pub(super) program: PathBuf,
    #[serde(default)]
    pub(super) arguments: Vec<String>,
    pub(super) timeout: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenPackage {
    pub(super) name: String,
    pub(super) file: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenHost {
    pub(super) name: String,
    pub(super) exchange: Option<WrittenExchange>,
    pub(super) goodlink: Option<WrittenGoodLink>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenExchange {
    pub(super) store_exe: PathBuf,
    pub(super) service: String,
    pub(super) programs: WrittenExchangePrograms,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenExchangePrograms {
    pub(super) status: String,
    pub(super) mounted: String,
    pub(super) patches: String,
    pub(super) install: Option<String>,
    pub(super) remove: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenGoodLink {
    pub(super) service: String,
    pub(super) programs: WrittenGoodLinkPrograms,
    pub(super) roster: PathBuf,
    pub(super) roster_age: Option<String>,
    pub(super) log: WrittenLog,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenGoodLinkPrograms {
    pub(super) status: String,
    pub(super) restart: Option<String>,
    pub(super) stop: Option<String>,
    pub(super) start: Option<String>,
    #[serde(default)]
    pub(super) test_send: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenLog {
    pub(super) file: PathBuf,
    pub(super) rotated_pattern: Option<String>,
    pub(super) encoding: Option<String>,
    pub(super) time_zone: Option<String>,
    pub(super) time_pattern: Option<String>,
    pub(super) time_format: Option<String>,
    pub(super) pause_pattern: Option<String>,
    pub(super) unpause_pattern: Option<String>,
}
