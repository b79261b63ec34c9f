//! The laboratory's large population: domain a on its first server, with so many users that reading them takes a while.

use crate::lab::{Account, Crowd, Domain, Lab};
use sendgate_coordinator::directory::survey::Wanted;
use sendgate_coordinator::directory::trust::TrustedAuthorities;
use sendgate_coordinator::directory::{Bind, DirectoryServer, Password, Readers, Refusals, Role, Security, Timeouts};
use sendgate_core::coverage::Setting;
use sendgate_core::coverage::placement::Reach;
use sendgate_core::names::{AccountName, DomainName};
use sendgate_core::policy::ProtectionPolicy;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

/// The laboratory that these benches bring up. Its server has a process for each connection (`standard`): as a Windows
/// domain controller, and Samba as it comes, it serves several connections at the same time.
pub const LABORATORY: [&str; 5] = ["--population", "large", "--grant", "--model", "standard"];

/// Domain a with its crowd.
pub struct Large {
    lab: Lab,
    domain: Domain,
    crowd: Crowd,
}

/// A user of the crowd by his number, from 1.
#[must_use]
pub fn name(number: u32) -> String {
    Crowd::name(number)
}

#[allow(clippy::expect_used, clippy::missing_panics_doc, reason = "a bench that cannot go on has failed")]
impl Large {
    /// Of this laboratory.
    #[must_use]
    pub fn of(lab: &Lab) -> Self {
        let domain = lab.domain("a").expect("the laboratory has a domain a").clone();
        let crowd = domain.crowd.clone().expect("the laboratory was made with --population large");
        Self { lab: lab.clone(), domain, crowd }
    }

    /// Of the laboratory that the environment names.
    #[must_use]
    pub fn from_env() -> Self {
        Self::of(&Lab::from_env().expect("the environment names a laboratory"))
    }

    /// How many users there are.
    #[must_use]
    pub fn users(&self) -> u32 {
        self.crowd.users
    }

    /// Where a user of the crowd is.
    #[must_use]
    pub fn dn(&self, number: u32) -> String {
        self.crowd.dn(number).expect("numbers are those of the crowd")
    }

    /// The domain's head.
    #[must_use]
    pub fn head(&self) -> String {
        self.domain.dn.clone()
    }

    /// The domain's name.
    #[must_use]
    pub fn domain(&self) -> DomainName {
        self.domain.name.parse().expect("the laboratory's domain has a name")
    }

    fn account(&self) -> &Account {
        &self.domain.coordinator
    }

    /// The first server's address over LDAPS, and who binds there with which password.
    #[must_use]
    pub fn uri(&self) -> (String, String, String) {
        let server = self.domain.servers.first().expect("a domain has a server");
        let uri = format!("ldaps://{}:{}", server.name, server.ldaps_port);
        (uri, self.account().upn.clone(), self.account().password.clone())
    }

    /// The file of the authority that signed the server's certificate.
    #[must_use]
    pub fn authority(&self) -> &Path {
        &self.lab.description.ca
    }

    /// The first server, as the survey speaks to it.
    #[must_use]
    pub fn server(&self) -> DirectoryServer {
        let server = self.domain.servers.first().expect("a domain has a server");
        let password = Password::new(self.account().password.clone()).expect("the account has a password");
        DirectoryServer {
            name: server.name.parse().expect("the server has a name"),
            address: format!("{}:{}", server.address, server.ldaps_port),
            security: Security::Ldaps,
            authorities: TrustedAuthorities::read(&[&server.ca]).expect("the laboratory has an authority"),
            bind: Bind::simple(self.account().upn.clone(), password),
            role: Role::DomainController,
            timeouts: Timeouts::default(),
            readers: Readers::default(),
            refusals: Refusals::default(),
        }
    }

    /// Every user of the crowd, for the domain's service account.
    #[must_use]
    pub fn wanted(&self) -> Arc<Wanted> {
        let names = self.crowd.mails(&self.domain);
        let account: AccountName =
            format!("{}@{}", self.domain.goodadmin.name, self.domain.name).parse().expect("the account has a name");
        let grant_server = self.server().name;
        let mut setting = Setting::new([account.clone()].into(), grant_server, Reach::Domain);
        let machines = self.domain.exchange_servers.iter().map(|server| server.parse().expect("the server has a name"));
        setting.exchange_domain = machines.map(|server| (server, self.domain())).collect();
        Arc::new(Wanted {
            asked: Arc::new(names.map(|name| name.parse().expect("users have addresses")).collect()),
            accounts: [account].into(),
            known: BTreeMap::new(),
            setting,
            protection: ProtectionPolicy::default(),
        })
    }

    /// Applies LDIF on the first server as the domain's administrator; on the laboratory's network only.
    pub fn ldapmodify(&self, ldif: &str) {
        let (uri, _, _) = self.uri();
        let administrator = &self.domain.administrator;
        let mut command = std::process::Command::new("ldapmodify");
        command.args(["-x", "-H", &uri, "-D", &administrator.upn, "-w", &administrator.password]);
        command.env("LDAPTLS_CACERT", self.authority()).env("LDAPTLS_REQCERT", "demand");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("ldapmodify is installed with the laboratory");
        child
            .stdin
            .take()
            .expect("it was piped")
            .write_all(ldif.as_bytes())
            .expect("ldapmodify reads what it is given");
        let status = child.wait().expect("ldapmodify ends");
        assert!(status.success(), "ldapmodify: {status}");
    }
}
