//! Files of rollouts for tests: what is written is what an operator would write.

/// A rollout's file: its head, its package, and what else is given.
#[derive(Debug, Clone)]
pub struct RolloutFile {
    /// Its name.
    pub name: String,
    /// The package, its SHA-256 in hexadecimal, and the version that it leaves behind.
    pub package: (String, String, String),
    /// Keys before the first table, such as `approvals = 1`.
    pub keys: String,
    /// Waves with their servers.
    pub waves: Vec<(String, Vec<String>)>,
    /// Hosts at once in each wave.
    pub at_once: u32,
    /// How long each wave is watched; none: what the configuration says.
    pub soak: Option<String>,
    /// Tables after the waves, such as `[thresholds]`.
    pub tables: String,
}

impl RolloutFile {
    /// One in which each server is a wave of its own.
    #[must_use]
    pub fn one_by_one(name: &str, package: (&str, &str, &str), servers: &[&str]) -> Self {
        let waves = servers.iter().map(|server| ((*server).to_owned(), vec![(*server).to_owned()])).collect();
        let package = (package.0.to_owned(), package.1.to_owned(), package.2.to_owned());
        Self {
            name: name.to_owned(),
            package,
            keys: "any_time = true\n".to_owned(),
            waves,
            at_once: 1,
            soak: None,
            tables: String::new(),
        }
    }

    /// As TOML.
    #[must_use]
    pub fn text(&self) -> String {
        let (package, sha256, target) = &self.package;
        let soak = self.soak.as_ref().map_or_else(String::new, |soak| format!("soak = {soak:?}\n"));
        let waves: String = self
            .waves
            .iter()
            .map(|(wave, servers)| {
                format!("\n[[wave]]\nname = {wave:?}\nservers = {servers:?}\nat_once = {}\n{soak}", self.at_once)
            })
            .collect();
        format!(
            "name = {:?}\n{}\n[package]\nname = {package:?}\nsha256 = {sha256:?}\nkb = 926666\ntarget = {target:?}\n\
             enforces = true\n{waves}\n{}",
            self.name, self.keys, self.tables
        )
    }
}
