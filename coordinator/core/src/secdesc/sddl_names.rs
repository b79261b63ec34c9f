//! The words of SDDL (MS-DTYP 2.5.1), in the order in which they are usually written.

use super::AceType;

/// Rights on directory objects.
pub(super) const RIGHTS: [(&str, u32); 17] = [
    ("RP", 0x10),
    ("WP", 0x20),
    ("CR", 0x100),
    ("CC", 0x1),
    ("DC", 0x2),
    ("LC", 0x4),
    ("LO", 0x80),
    ("RC", 0x2_0000),
    ("WO", 0x8_0000),
    ("WD", 0x4_0000),
    ("SD", 0x1_0000),
    ("DT", 0x40),
    ("SW", 0x8),
    ("GA", 0x1000_0000),
    ("GR", 0x8000_0000),
    ("GW", 0x4000_0000),
    ("GX", 0x2000_0000),
];

/// Flags of entries.
pub(super) const ACE_FLAGS: [(&str, u8); 7] =
    [("OI", 0x01), ("CI", 0x02), ("NP", 0x04), ("IO", 0x08), ("ID", 0x10), ("SA", 0x40), ("FA", 0x80)];

/// Types of entries. `ZD` and `ZU` are ours: SDDL has no words for conditional object entries that deny or audit.
pub(super) const TYPES: [(&str, AceType); 14] = [
    ("A", AceType::Allow),
    ("D", AceType::Deny),
    ("AU", AceType::Audit),
    ("AL", AceType::Alarm),
    ("OA", AceType::AllowObject),
    ("OD", AceType::DenyObject),
    ("OU", AceType::AuditObject),
    ("OL", AceType::AlarmObject),
    ("XA", AceType::AllowCallback),
    ("XD", AceType::DenyCallback),
    ("ZA", AceType::AllowCallbackObject),
    ("ZD", AceType::DenyCallbackObject),
    ("XU", AceType::AuditCallback),
    ("ZU", AceType::AuditCallbackObject),
];

/// The word for an entry of a type without a name; its whole bytes follow in hexadecimal. Ours, too.
pub(super) const RAW: &str = "RAW";

/// Present and null.
pub(super) const NULL_ACL: &str = "NO_ACCESS_CONTROL";

/// Aliases of SIDs that are the same everywhere.
pub(super) const WELL_KNOWN: [(&str, u64, &[u32]); 49] = [
    ("WD", 1, &[0]),
    ("CO", 3, &[0]),
    ("CG", 3, &[1]),
    ("OW", 3, &[4]),
    ("NU", 5, &[2]),
    ("IU", 5, &[4]),
    ("SU", 5, &[6]),
    ("AN", 5, &[7]),
    ("ED", 5, &[9]),
    ("PS", 5, &[10]),
    ("AU", 5, &[11]),
    ("RC", 5, &[12]),
    ("SY", 5, &[18]),
    ("LS", 5, &[19]),
    ("NS", 5, &[20]),
    ("WR", 5, &[33]),
    ("UD", 5, &[84, 0, 0, 0, 0, 0]),
    ("BA", 5, &[32, 544]),
    ("BU", 5, &[32, 545]),
    ("BG", 5, &[32, 546]),
    ("PU", 5, &[32, 547]),
    ("AO", 5, &[32, 548]),
    ("SO", 5, &[32, 549]),
    ("PO", 5, &[32, 550]),
    ("BO", 5, &[32, 551]),
    ("RE", 5, &[32, 552]),
    ("RU", 5, &[32, 554]),
    ("RD", 5, &[32, 555]),
    ("NO", 5, &[32, 556]),
    ("MU", 5, &[32, 558]),
    ("LU", 5, &[32, 559]),
    ("IS", 5, &[32, 568]),
    ("CY", 5, &[32, 569]),
    ("ER", 5, &[32, 573]),
    ("CD", 5, &[32, 574]),
    ("RA", 5, &[32, 575]),
    ("ES", 5, &[32, 576]),
    ("MS", 5, &[32, 577]),
    ("HA", 5, &[32, 578]),
    ("AA", 5, &[32, 579]),
    ("RM", 5, &[32, 580]),
    ("AC", 15, &[2, 1]),
    ("LW", 16, &[4096]),
    ("ME", 16, &[8192]),
    ("MP", 16, &[8448]),
    ("HI", 16, &[12288]),
    ("SI", 16, &[16384]),
    ("AS", 18, &[1]),
    ("SS", 18, &[2]),
];

/// Aliases that stand for an account of a domain, with its relative identifier.
pub(super) const DOMAIN_RELATIVE: [(&str, u32); 17] = [
    ("RO", 498),
    ("LA", 500),
    ("LG", 501),
    ("DA", 512),
    ("DU", 513),
    ("DG", 514),
    ("DC", 515),
    ("DD", 516),
    ("CA", 517),
    ("SA", 518),
    ("EA", 519),
    ("PA", 520),
    ("CN", 522),
    ("AP", 525),
    ("KA", 526),
    ("EK", 527),
    ("RS", 553),
];
