//! What `lab.json` and `causes.json` hold.

use std::path::PathBuf;

use serde::Deserialize;

/// `lab.json`.
#[derive(Debug, Clone, Deserialize)]
pub struct Description {
    /// The form of the file.
    pub format: u32,
    /// Four hexadecimal digits, unique among the laboratories of a machine.
    pub id: String,
    /// The folder of the laboratory.
    pub dir: PathBuf,
    /// How to run a program on the laboratory's network.
    pub client: Client,
    /// The certificate authority of the directory servers, PEM.
    pub ca: PathBuf,
    /// The interval of the stand-in for AdminSDHolder's propagator, in seconds; 0 where there is none.
    pub propagator_seconds: f64,
    /// What `lab up --population` was given: `small`, `causes` or `large`.
    pub population: String,
    /// Its domains: both, where it was not made with fewer servers.
    pub domains: Vec<Domain>,
}

/// How to run a program on the laboratory's network.
#[derive(Debug, Clone, Deserialize)]
pub struct Client {
    /// The name of the node.
    pub node: String,
    /// Put before a command line; the process keeps its id.
    pub prefix: Vec<String>,
}

/// A domain and everything in it.
#[derive(Debug, Clone, Deserialize)]
pub struct Domain {
    /// Short name: `a`, `b`.
    pub letter: String,
    /// DNS name.
    pub name: String,
    /// NetBIOS name.
    pub netbios: String,
    /// Distinguished name of the domain's head.
    pub dn: String,
    /// The domain's SID.
    pub sid: String,
    /// The domain's administrator.
    pub administrator: Account,
    /// The account that GoodLink's service logs on with, and that needs Send As.
    pub goodadmin: Account,
    /// The coordinator's account: reads, and writes DACLs where it was delegated to.
    pub coordinator: Account,
    /// An account that only reads.
    pub surveyor: Account,
    /// The account of the simulated Exchange stores.
    pub store: Account,
    /// The domain's directory servers; the first is the PDC emulator.
    pub servers: Vec<Server>,
    /// Names of the Exchange servers that hold its mailboxes.
    pub exchange_servers: Vec<String>,
    /// DNs of organizational units with blocked inheritance.
    pub blocked_units: Vec<String>,
    /// DN of the group that the user `deniedgrp1` is closed for (domain a).
    pub denied_group: String,
    /// All mailbox users, without those of a large population and those of the causes.
    pub users: Vec<User>,
    /// An account with exactly the rights that a survey needs.
    pub reader: Account,
    /// An account with exactly the rights that surveys and grants need.
    pub granter: Account,
    /// The large population, where the laboratory was made with one.
    pub crowd: Option<Crowd>,
}

/// A large population: mailbox users whose names follow from their numbers.
#[derive(Debug, Clone, Deserialize)]
pub struct Crowd {
    /// How many there are; they are numbered from 1.
    pub users: u32,
    /// The name of the first one.
    pub first: String,
    /// The name of the last one.
    pub last: String,
    /// DNs of their organizational units.
    pub units: Vec<String>,
}

impl Crowd {
    /// The sAMAccountName and common name of the user of this number, from 1.
    #[must_use]
    pub fn name(number: u32) -> String {
        format!("c{number:06}")
    }

    /// The DN of the user of this number; nothing where there is none.
    #[must_use]
    pub fn dn(&self, number: u32) -> Option<String> {
        let units = u32::try_from(self.units.len()).ok()?;
        let unit = self.units.get(usize::try_from(number.checked_rem(units)?).ok()?)?;
        (1..=self.users).contains(&number).then(|| format!("CN={},{unit}", Self::name(number)))
    }

    /// The mail addresses of all, which are also their user principal names, in `domain`.
    pub fn mails<'a>(&self, domain: &'a Domain) -> impl Iterator<Item = String> + use<'a> {
        (1..=self.users).map(|number| format!("{}@{}", Self::name(number), domain.name))
    }
}

/// `causes.json`: a user for every cause of a verdict, all of one domain.
#[derive(Debug, Clone, Deserialize)]
pub struct Causes {
    /// The letter of the domain.
    pub domain: String,
    /// DN of the unit that holds everything of the cases.
    pub unit: String,
    /// DN of the unit with the grant to GoodSend.
    pub granted_unit: String,
    /// The SID that the account GoodOld had before it was made again.
    pub former_sid: String,
    /// DNs of the two users who share an address.
    pub ambiguous: Vec<String>,
    /// The cases.
    pub cases: Vec<Cause>,
}

/// One of the [`Causes`]: a pair of user and service account.
#[derive(Debug, Clone, Deserialize)]
pub struct Cause {
    /// A telling name; also the common name, where there is an object.
    pub name: String,
    /// The name to ask for, as a roster has it.
    pub asked: String,
    /// DN; empty where there is no object.
    pub dn: String,
    /// SID; empty where there is no object.
    pub sid: String,
    /// The service account, `DOMAIN\name`.
    pub account: String,
    /// The service account's user principal name.
    pub account_upn: String,
    /// The service account's SID.
    pub account_sid: String,
    /// The verdict that is expected, as the command shows it.
    pub verdict: String,
    /// The kind of cause, such as `denied-by-entry`.
    pub cause: String,
    /// The cause in plain words.
    pub words: String,
    /// DN of the object that is to blame; empty where none is.
    pub at: String,
    /// What Samba's access check says on a domain controller; nothing where the right does not matter.
    pub granted: Option<bool>,
    /// The explicit entries that make the case, as SDDL.
    pub entries: Vec<String>,
}

/// An account with its password.
#[derive(Debug, Clone, Deserialize)]
pub struct Account {
    /// sAMAccountName.
    pub name: String,
    /// `DOMAIN\name`.
    pub logon: String,
    /// Distinguished name.
    pub dn: String,
    /// User principal name.
    pub upn: String,
    /// Mail address, empty where it has none.
    pub mail: String,
    /// The password.
    pub password: String,
    /// The SID.
    pub sid: String,
}

/// A directory server.
#[derive(Debug, Clone, Deserialize)]
pub struct Server {
    /// The node that it runs on: `a1`, `a2`, `b1`.
    pub node: String,
    /// The DNS name, as in its certificate; known on the node `client`.
    pub name: String,
    /// The IP address, also in its certificate.
    pub address: String,
    /// LDAP over TLS.
    pub ldaps_port: u16,
    /// Global catalog over TLS.
    pub gc_ldaps_port: u16,
    /// The certificate authority, PEM.
    pub ca: PathBuf,
}

/// A mailbox user.
#[derive(Debug, Clone, Deserialize)]
pub struct User {
    /// Common name and sAMAccountName.
    pub name: String,
    /// Distinguished name.
    pub dn: String,
    /// Mail address and user principal name.
    pub mail: String,
    /// legacyExchangeDN.
    pub legacy_exchange_dn: String,
    /// The Exchange server of the mailbox.
    pub server: String,
    /// The SID.
    pub sid: String,
    /// What is special: `blocked`, `denied`, `denied-group`, `protected`, `inetorgperson`, `linked`, `disabled`.
    pub tags: Vec<String>,
}

impl User {
    /// Whether the user has this tag.
    pub fn is(&self, tag: &str) -> bool {
        self.tags.iter().any(|own| own == tag)
    }
}

/// What Samba's own access check says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Judgement {
    /// Whether the account may send as the user.
    pub granted: bool,
    /// The user's DN.
    pub dn: String,
    /// The node whose copy was read.
    pub server: String,
}

#[cfg(test)]
mod tests {
    use super::Crowd;

    #[test]
    fn a_large_population_is_known_by_its_numbers() {
        let units = ["OU=Unit 01,DC=a", "OU=Unit 02,DC=a"].map(str::to_owned).to_vec();
        let crowd = Crowd { users: 3, first: Crowd::name(1), last: Crowd::name(3), units };
        assert_eq!(crowd.dn(1).as_deref(), Some("CN=c000001,OU=Unit 02,DC=a"));
        assert_eq!(crowd.dn(2).as_deref(), Some("CN=c000002,OU=Unit 01,DC=a"));
        assert_eq!((crowd.dn(0), crowd.dn(4)), (None, None));
    }
}
