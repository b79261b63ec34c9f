//! Where everything of one run lies.

use std::path::{Path, PathBuf};

/// Where the coordinator listens: the laboratory's node has a network of its own, so no port is taken.
pub const LISTEN: &str = "127.0.0.1:7443";
/// The name in the coordinator's certificate.
pub const TLS_NAME: &str = "coordinator.sendgate.test";

/// The folders of a run.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Below it lies all the rest.
    pub dir: PathBuf,
}

impl Layout {
    /// Certificates and keys.
    #[must_use]
    pub fn pki(&self) -> PathBuf {
        self.dir.join("pki")
    }
    /// A folder of a simulated host.
    #[must_use]
    pub fn host(&self, name: &str) -> PathBuf {
        self.dir.join("hosts").join(name)
    }
    /// An agent's folder: `agent.toml`, `state`.
    #[must_use]
    pub fn agent(&self, name: &str) -> PathBuf {
        self.dir.join("agents").join(name)
    }
    /// The coordinator's folder: `coordinator.toml`, `state`, passwords.
    #[must_use]
    pub fn coordinator(&self) -> PathBuf {
        self.dir.join("coordinator")
    }
    /// The hotfix.
    #[must_use]
    pub fn package(&self, name: &str) -> PathBuf {
        self.dir.join("packages").join(format!("{name}.exe"))
    }
    /// A rollout's file.
    #[must_use]
    pub fn rollout(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.toml"))
    }
    /// What a process wrote.
    #[must_use]
    pub fn log(&self, process: &str) -> PathBuf {
        self.dir.join("logs").join(format!("{process}.log"))
    }
    /// How the command reaches the coordinator.
    #[must_use]
    pub fn connection(&self) -> PathBuf {
        self.dir.join("connection.toml")
    }
    /// How the approver's command reaches it.
    #[must_use]
    pub fn approver_connection(&self) -> PathBuf {
        self.dir.join("approver.toml")
    }
    /// The id of a running process.
    #[must_use]
    pub fn pid(&self, process: &str) -> PathBuf {
        self.dir.join("run").join(process)
    }
    /// A path as text for a configuration file. Runs lie in folders whose names are UTF-8.
    #[must_use]
    pub fn text(path: &Path) -> String {
        path.to_string_lossy().into_owned()
    }
}
