//! Descriptors and tokens as a large domain has them, the same ones for the same seed.
//!
//! A user's descriptor is the schema's default one (entries for Domain Admins, SELF and Everyone, property sets), help
//! desks' entries of his own, and what flowed from above: pre-Windows 2000 readers, an inherit-only entry for other
//! classes, Exchange's property sets, administrators. The entry that decides about Send As stands late, or there is none.

use sendgate_core::guid::Guid;
use sendgate_core::secdesc::SecurityDescriptor;
use sendgate_core::secdesc::access::Token;
use sendgate_core::sid::Sid;

const DOMAIN: &str = "S-1-5-21-1957994488-842925246-682003330";
/// Service accounts, each with groups of its own.
const TOKENS: usize = 8;
/// Groups of a domain in each token, beside the well-known ones.
const GROUPS: u32 = 54;

/// One question.
pub(crate) struct Case {
    /// The token's number.
    pub(crate) token: usize,
    /// The object's own SID.
    pub(crate) own: Sid,
    /// The self-relative descriptor.
    pub(crate) descriptor: Vec<u8>,
}

/// All questions.
pub(crate) struct Sample {
    pub(crate) tokens: Vec<Token>,
    pub(crate) cases: Vec<Case>,
}

/// A small generator (splitmix64), so that a seed means the same sample for ever.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }
}

impl Sample {
    pub(crate) fn make(seed: u64, count: usize) -> Self {
        let mut dice = Dice(seed);
        let tokens = (0..TOKENS).map(|number| token(number, &mut dice)).collect();
        let cases = (0..count)
            .map(|number| {
                let token = number % TOKENS;
                let own = sid(&format!("{DOMAIN}-{}", 20_000 + number));
                Case { token, own, descriptor: descriptor(token, &mut dice) }
            })
            .collect();
        Self { tokens, cases }
    }

    pub(crate) fn parsed(&self) -> Vec<SecurityDescriptor> {
        self.cases.iter().map(|case| SecurityDescriptor::parse(&case.descriptor).unwrap()).collect()
    }

    /// The fewest and the most entries.
    pub(crate) fn entries(&self, parsed: &[SecurityDescriptor]) -> (usize, usize) {
        let counts: Vec<_> = parsed.iter().filter_map(|sd| sd.dacl().acl()).map(|acl| acl.aces().len()).collect();
        (counts.iter().copied().min().unwrap(), counts.iter().copied().max().unwrap())
    }

    /// The file that `samba_decide.c` reads.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Guid::SEND_AS.to_bytes().to_vec();
        let number = |out: &mut Vec<u8>, value: usize| {
            out.extend_from_slice(&u32::try_from(value).unwrap().to_le_bytes());
        };
        number(&mut out, self.tokens.len());
        for token in &self.tokens {
            number(&mut out, token.certain.len());
            token.certain.iter().for_each(|sid| out.extend_from_slice(&sid.to_bytes()));
        }
        number(&mut out, self.cases.len());
        for case in &self.cases {
            number(&mut out, case.token);
            out.extend_from_slice(&case.own.to_bytes());
            number(&mut out, case.descriptor.len());
            out.extend_from_slice(&case.descriptor);
        }
        out
    }
}

fn sid(text: &str) -> Sid {
    text.parse().unwrap()
}

fn account(token: usize) -> String {
    format!("{DOMAIN}-{}", 1104 + token)
}

fn token(number: usize, dice: &mut Dice) -> Token {
    let well_known = [Sid::everyone(), Sid::authenticated_users(), Sid::network(), Sid::this_organization()];
    let mut certain: std::collections::BTreeSet<_> = well_known.into_iter().collect();
    certain.extend([sid(&account(number)), sid("S-1-5-32-545"), sid(&format!("{DOMAIN}-513"))]);
    while certain.len() < 7 + GROUPS as usize {
        certain.insert(sid(&format!("{DOMAIN}-{}", 5000 + dice.below(4000))));
    }
    Token { certain, ..Token::default() }
}

/// What the schema gives every user, without the entry for Domain Admins.
const OWN_ENTRIES: &str = "(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;SY)(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;AO)(A;;RPLCLORC;;;PS)\
    (OA;;CR;ab721a53-1e2f-11d0-9819-00aa0040529b;;WD)(OA;;CR;ab721a53-1e2f-11d0-9819-00aa0040529b;;PS)\
    (OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;PS)(OA;;CR;ab721a56-1e2f-11d0-9819-00aa0040529b;;PS)\
    (OA;;RPWP;77b5b886-944a-11d1-aebd-0000f80367c1;;PS)(OA;;RPWP;e45795b2-9455-11d1-aebd-0000f80367c1;;PS)\
    (OA;;RPWP;e45795b3-9455-11d1-aebd-0000f80367c1;;PS)(A;;RC;;;AU)(OA;;RP;59ba2f42-79a2-11d0-9020-00c04fc2d3cf;;AU)\
    (OA;;RP;77b5b886-944a-11d1-aebd-0000f80367c1;;AU)(OA;;RP;e48d0154-bcf8-11d1-8702-00c04fb96050;;AU)\
    (OA;;RPWP;bf967a7f-0de6-11d0-a285-00aa003049e2;;DOMAIN-517)(OA;;RP;5f202010-79a5-11d0-9020-00c04fc2d4cf;;DOMAIN-553)";

/// What flows from above to every user.
const FROM_ABOVE: &str = "(OA;CIIOID;RP;4c164200-20c0-11d0-a768-00aa006e0529;4828cc14-1437-45bc-9b07-ad6f015e5f28;RU)\
    (OA;CIID;RP;4c164200-20c0-11d0-a768-00aa006e0529;bf967aba-0de6-11d0-a285-00aa003049e2;RU)\
    (OA;CIID;RP;5f202010-79a5-11d0-9020-00c04fc2d4cf;bf967aba-0de6-11d0-a285-00aa003049e2;RU)\
    (OA;CIIOID;RPLCLORC;;bf967a9c-0de6-11d0-a285-00aa003049e2;RU)\
    (OA;CIIOID;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;4828cc14-1437-45bc-9b07-ad6f015e5f28;ACCOUNT)\
    (OA;CIID;RPWP;e48d0154-bcf8-11d1-8702-00c04fb96050;;DOMAIN-1121)(A;CIID;LC;;;RU)\
    (A;CIID;RPWPCRCCDCLCLORCWOWDSDDTSW;;;DOMAIN-519)";

fn descriptor(token: usize, dice: &mut Dice) -> Vec<u8> {
    let stranger = |dice: &mut Dice| format!("{DOMAIN}-{}", 10_000 + dice.below(9000));
    let mut text =
        format!("O:{DOMAIN}-512G:{DOMAIN}-513D:AI(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;{DOMAIN}-512){OWN_ENTRIES}");
    for _ in 0..2 + dice.below(4) {
        let desk = stranger(dice);
        text += &match dice.below(3) {
            0 => format!("(OA;;CR;00299570-246d-11d0-a768-00aa006e0529;;{desk})"),
            1 => format!("(OA;;RPWP;28630ebf-41d5-11d1-a9c1-0000f80367c1;;{desk})"),
            _ => format!("(OA;;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;{desk})"),
        };
    }
    text += FROM_ABOVE;
    let account = account(token);
    text += &match dice.below(10) {
        0..4 => {
            format!("(OA;CIID;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;bf967aba-0de6-11d0-a285-00aa003049e2;{account})")
        }
        4 => format!("(OD;CIID;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;{account})"),
        // One that reads like it and is for somebody else, so that the others are no shorter.
        _ => format!("(OA;CIID;CR;ab721a54-1e2f-11d0-9819-00aa0040529b;;{})", stranger(dice)),
    };
    let text = text.replace("DOMAIN", DOMAIN).replace("ACCOUNT", &account);
    SecurityDescriptor::from_sddl(&text, None).unwrap().to_bytes()
}
