//! What is above users in a domain: its head, one organizational unit that some of them are in, and AdminSDHolder beside them.

use super::{SEND_AS, USER, head};
use sendgate_core::names::Dn;
use sendgate_core::sid::Sid;
use std::collections::BTreeSet;

/// What is on one server above users and beside them.
#[derive(Debug, Clone, Default)]
pub(in crate::sim) struct Roots {
    /// Who is granted on the domain's head.
    pub(in crate::sim) head: BTreeSet<Sid>,
    pub(in crate::sim) unit: Unit,
    /// Who is granted on AdminSDHolder.
    pub(in crate::sim) holder: BTreeSet<Sid>,
}

/// The organizational unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::sim) struct Unit {
    pub(in crate::sim) allow: BTreeSet<Sid>,
    /// Whom an entry there denies, by inheritance.
    pub(in crate::sim) deny: BTreeSet<Sid>,
    /// Nothing flows into it from the head.
    pub(in crate::sim) blocked: bool,
}

impl Roots {
    /// What flows down to a user whose inheritance is not blocked: the first entry that names the account decides.
    pub(super) fn allow(&self, account: &Sid, in_unit: bool) -> bool {
        let unit = Some(&self.unit).filter(|_| in_unit);
        let denied = unit.is_some_and(|unit| unit.deny.contains(account));
        let allowed = unit.is_some_and(|unit| unit.allow.contains(account));
        let blocked = unit.is_some_and(|unit| unit.blocked);
        !denied && (allowed || !blocked && self.head.contains(account))
    }

    /// The same as entries, the nearest first.
    pub(super) fn inherited(&self, in_unit: bool) -> String {
        let mut text = String::new();
        if in_unit {
            self.unit.deny.iter().for_each(|sid| text.push_str(&format!("(OD;CIID;CR;{SEND_AS};{USER};{sid})")));
            self.unit.allow.iter().for_each(|sid| text.push_str(&format!("(OA;CIID;CR;{SEND_AS};{USER};{sid})")));
        }
        if !(in_unit && self.unit.blocked) {
            self.head.iter().for_each(|sid| text.push_str(&format!("(OA;CIID;CR;{SEND_AS};{USER};{sid})")));
        }
        text
    }

    pub(super) fn head_sddl(&self) -> String {
        let mut text = String::from("D:AI");
        self.head.iter().for_each(|sid| text.push_str(&format!("(OA;CIIO;CR;{SEND_AS};{USER};{sid})")));
        text
    }

    pub(super) fn unit_sddl(&self) -> String {
        let mut text = String::from(if self.unit.blocked { "D:PAI" } else { "D:AI" });
        self.unit.deny.iter().for_each(|sid| text.push_str(&format!("(OD;CIIO;CR;{SEND_AS};{USER};{sid})")));
        self.unit.allow.iter().for_each(|sid| text.push_str(&format!("(OA;CIIO;CR;{SEND_AS};{USER};{sid})")));
        if !self.unit.blocked {
            self.head.iter().for_each(|sid| text.push_str(&format!("(OA;CIIOID;CR;{SEND_AS};{USER};{sid})")));
        }
        text
    }

    pub(super) fn holder_sddl(&self) -> String {
        let mut text = String::from("D:PAI");
        self.holder.iter().for_each(|sid| text.push_str(&format!("(OA;;CR;{SEND_AS};;{sid})")));
        text
    }
}

/// Whether a user is in the unit: every third is.
pub(in crate::sim) fn is_in_unit(called: &str) -> bool {
    let digits = called.split('@').next().unwrap_or(called).trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.parse::<u32>().is_ok_and(|number| number % 3 == 1)
}

pub(super) fn unit(domain: &str) -> Dn {
    Dn::from(format!("OU=staff,{}", head(domain)))
}

pub(super) fn holder(domain: &str) -> Dn {
    Dn::from(format!("CN=AdminSDHolder,CN=System,{}", head(domain)))
}
