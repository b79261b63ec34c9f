//! The configuration as it stands in the file: the shape, and nothing but the shape.
//!
//! Each table is read by itself, so that one wrong key does not hide those in other tables.

use super::problem::{Problem, Problems};
use sendgate_core::enforcement::ExtensionRow;
use sendgate_core::window::WrittenWindow;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

macro_rules! table {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            $(pub(super) $field: $type,)*
        }
    };
}

table!(Coordinator { state_directory: String, listen: String, log_format: Option<String>, });
table!(Tls { ca: String, certificate: String, key: String });
table!(Journal { kind: String });
table!(#[derive(Default)] Survey { interval: Option<String>, evidence_age: Option<String>, watch_age: Option<String>, });
table!(
    #[derive(Default)]
    Waits { second_look: Option<String>, restart: Option<String>, settled: Option<String>, failed: Option<String>, }
);
table!(#[derive(Default)] Gate { scope: Option<String>, });
table!(
    #[derive(Default)]
    Disruption {
        hosts_at_once: Option<i64>,
        exchange_at_once: Option<i64>,
        goodlink_at_once: Option<i64>,
        domain_at_once: Option<i64>,
    }
);
table!(#[derive(Default)] Remedy { goodlink_restart: Option<String>, windows: Option<Vec<WrittenWindow>>, });
table!(#[derive(Default)] Rollout { soak: Option<String>, });
table!(
    #[derive(Default)]
    Agents { heartbeat: Option<String>, silent_after: Option<String>, act_deadline: Option<String>, }
);
table!(Domain {
    name: String,
    netbios: String,
    ca: Option<Vec<String>>,
    bind: Bind,
    grants: Option<Grants>,
    servers: Vec<Server>,
});
table!(Bind {
    auth: Option<String>,
    name: Option<String>,
    password_file: Option<String>,
    password_credential: Option<String>,
    principal: Option<String>,
    keytab: Option<String>,
    keytab_credential: Option<String>,
    krb5_conf: Option<String>,
});
table!(#[derive(Default)] Grants { mode: Option<String>, reach: Option<String>, server: Option<String>, });
table!(Server {
    name: String,
    address: Option<String>,
    kind: Option<String>,
    security: Option<String>,
    connect_timeout: Option<String>,
    operation_timeout: Option<String>,
    survey_timeout: Option<String>,
    readers: Option<i64>,
});
table!(Forest {
    name: String,
    domains: Vec<String>,
    protected_groups: Option<Vec<String>>,
    propagation_interval: Option<String>,
});
table!(Exchange { name: String, hosts: Vec<String>, domain: Option<String>, tags: Option<Vec<String>>, });
table!(GoodLink {
    name: String,
    host: String,
    service_account: String,
    domains: Vec<String>,
    exchange: Vec<String>,
    stands_in: Option<Vec<String>>,
});
table!(Host { name: String, agent: String });

/// Keys that say where a secret is, and not what it is.
const NAMES_OF_SECRETS: [&str; 2] = ["password_file", "password_credential"];

/// The whole file.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) coordinator: Coordinator,
    pub(super) tls: Tls,
    pub(super) journal: Journal,
    pub(super) survey: Survey,
    pub(super) waits: Waits,
    pub(super) gate: Gate,
    pub(super) disruption: Disruption,
    pub(super) remedy: Remedy,
    pub(super) rollout: Rollout,
    pub(super) agents: Agents,
    pub(super) forests: Vec<Forest>,
    pub(super) domains: Vec<Domain>,
    pub(super) exchange: Vec<Exchange>,
    pub(super) goodlink: Vec<GoodLink>,
    pub(super) hosts: Vec<Host>,
    pub(super) enforcement: Vec<ExtensionRow>,
}

/// Reads the shape of the file.
pub(super) fn read(text: &str) -> Result<Written, Vec<Problem>> {
    let mut reader = Reader { text, problems: Problems::default() };
    let (mut root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        reader.shape("", error, "correct the TOML there");
    }
    if !errors.is_empty() {
        return Err(reader.problems.into_found().unwrap_or_default());
    }
    reader.refuse_secrets("", root.get_ref());
    let root = root.get_mut();
    // All are read before the first missing one ends it.
    let (coordinator, tls, journal) =
        (reader.required(root, "coordinator"), reader.required(root, "tls"), reader.required(root, "journal"));
    let (survey, waits, gate) =
        (reader.optional(root, "survey"), reader.optional(root, "waits"), reader.optional(root, "gate"));
    let (disruption, remedy) = (reader.optional(root, "disruption"), reader.optional(root, "remedy"));
    let (rollout, agents) = (reader.optional(root, "rollout"), reader.optional(root, "agents"));
    let (domains, exchange) = (reader.list(root, "domains"), reader.list(root, "exchange"));
    let forests = reader.list(root, "forests");
    let (goodlink, hosts) = (reader.list(root, "goodlink"), reader.list(root, "hosts"));
    let enforcement = reader.list(root, "enforcement");
    for (key, _) in root.iter() {
        let place = reader.place(Some(key.span()));
        let wrong = "the configuration has no such table".to_owned();
        let remedy = "remove it, or correct its name; the example file shows all tables".to_owned();
        reader.problems.push(Problem { key: key.get_ref().to_string(), place, wrong, remedy });
    }
    if let Some(problems) = reader.problems.into_found() {
        return Err(problems);
    }
    // A missing table is a problem, and those ended it above; an empty list here would be a mistake in this file.
    let (Some(coordinator), Some(tls), Some(journal)) = (coordinator, tls, journal) else { return Err(Vec::new()) };
    Ok(Written {
        coordinator,
        tls,
        journal,
        survey,
        waits,
        gate,
        disruption,
        remedy,
        rollout,
        agents,
        forests,
        domains,
        exchange,
        goodlink,
        hosts,
        enforcement,
    })
}

struct Reader<'t> {
    text: &'t str,
    problems: Problems,
}

impl Reader<'_> {
    /// A table that must be there.
    fn required<T: DeserializeOwned>(&mut self, root: &mut DeTable<'_>, key: &str) -> Option<T> {
        let Some(value) = root.remove(key) else {
            self.problems.add(key, "the table is missing", format!("add [{key}], as the example file shows it"));
            return None;
        };
        self.value(key, value)
    }

    /// A table whose keys all have documented defaults.
    fn optional<T: DeserializeOwned + Default>(&mut self, root: &mut DeTable<'_>, key: &str) -> T {
        root.remove(key).and_then(|value| self.value(key, value)).unwrap_or_default()
    }

    /// An array of tables; absent is empty, which the second stage judges.
    fn list<T: DeserializeOwned>(&mut self, root: &mut DeTable<'_>, key: &str) -> Vec<T> {
        let Some(value) = root.remove(key) else { return Vec::new() };
        let place = self.place(Some(value.span()));
        let DeValue::Array(items) = value.into_inner() else {
            let (wrong, remedy) = ("it is not an array of tables".to_owned(), format!("write it as [[{key}]]"));
            self.problems.push(Problem { key: key.to_owned(), place, wrong, remedy });
            return Vec::new();
        };
        let items = items.into_iter().enumerate();
        items.filter_map(|(index, item)| self.value(&format!("{key}[{index}]"), item)).collect()
    }

    fn value<T: DeserializeOwned>(&mut self, key: &str, value: Spanned<DeValue<'_>>) -> Option<T> {
        let span = value.span();
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(value) => Some(value),
            Err(mut error) => {
                if error.span().is_none() {
                    error.set_input(None);
                }
                let place = self.place(error.span().or(Some(span)));
                let wrong = error.message().to_owned();
                let remedy = "correct it as the example file shows".to_owned();
                self.problems.push(Problem { key: key.to_owned(), place, wrong, remedy });
                None
            }
        }
    }

    fn shape(&mut self, key: &str, error: &toml::de::Error, remedy: &str) {
        let place = self.place(error.span());
        let wrong = format!("this is not TOML: {}", error.message());
        self.problems.push(Problem { key: key.to_owned(), place, wrong, remedy: remedy.to_owned() });
    }

    /// Line and column, from 1; columns count characters.
    fn place(&self, span: Option<Range<usize>>) -> Option<(usize, usize)> {
        let before = self.text.get(..span?.start)?;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Some((before.matches('\n').count() + 1, before.get(line_start..)?.chars().count() + 1))
    }

    /// Finds keys that would hold a secret, wherever they stand.
    fn refuse_secrets(&mut self, above: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let name = key.get_ref().to_lowercase();
            let path = if above.is_empty() { key.get_ref().to_string() } else { format!("{above}.{}", key.get_ref()) };
            if !NAMES_OF_SECRETS.contains(&name.as_str())
                && ["password", "passwd", "secret"].iter().any(|word| name.contains(word))
            {
                let place = self.place(Some(key.span()));
                let wrong = "a secret does not belong into this file, which many may read".to_owned();
                let remedy = "put it into a file of its own with mode 0600, name that with password_file, remove this \
                              key, and change the password if others could read this file"
                    .to_owned();
                self.problems.push(Problem { key: path, place, wrong, remedy });
                continue;
            }
            match value.get_ref() {
                DeValue::Table(inner) => self.refuse_secrets(&path, inner),
                DeValue::Array(items) => {
                    for (index, item) in items.iter().enumerate() {
                        if let DeValue::Table(inner) = item.get_ref() {
                            self.refuse_secrets(&format!("{path}[{index}]"), inner);
                        }
                    }
                }
                _ => {}
            }
        }
    }
}
