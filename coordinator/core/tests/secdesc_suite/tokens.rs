//! Tokens: the table that answers quickly says what the plain sets say.

use std::collections::BTreeSet;

use proptest::prelude::*;
use sendgate_core::secdesc::access::{Held, Membership, Token, TokenIndex};
use sendgate_core::sid::Sid;

use crate::made::*;

/// SIDs that are close to one another: few values in each place, of every length.
fn close_sid() -> impl Strategy<Value = Sid> {
    let subs = prop::collection::vec(prop_oneof![0..4_u32, Just(u32::MAX)], 0..16);
    (0..3_u64, subs).prop_map(|(authority, subs)| Sid::new(authority, &subs).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_table_holds_what_the_sets_hold(
        certain in prop::collection::btree_set(close_sid(), 0..40),
        uncertain in prop::collection::btree_set(close_sid(), 0..40),
        others in prop::collection::vec(close_sid(), 0..40),
    ) {
        let token = Token { certain, uncertain };
        let index = TokenIndex::of(&token);
        for sid in token.certain.iter().chain(&token.uncertain).chain(&others) {
            prop_assert_eq!(index.holds(sid), token.holds(sid), "{}", sid);
        }
    }

    #[test]
    fn sids_are_ordered_by_authority_then_by_subauthorities(a in close_sid(), b in close_sid()) {
        let parts = |sid: &Sid| (sid.authority(), sid.sub_authorities().to_vec());
        prop_assert_eq!(a.cmp(&b), parts(&a).cmp(&parts(&b)));
        prop_assert_eq!(a == b, parts(&a) == parts(&b));
    }
}

#[test]
fn a_token_of_a_large_account_is_asked_like_a_small_one() {
    // A logon on Windows carries at most 1,024 SIDs.
    for count in [0, 1, 1024, 5000] {
        let own = |number: u32| sid("S-1-5-21-1-2-3").child(number).unwrap();
        let token = Token { certain: (0..count).map(own).collect(), uncertain: (count..2 * count).map(own).collect() };
        let index = TokenIndex::of(&token);
        assert!((0..count).all(|number| index.holds(&own(number)) == Held::Certainly));
        assert!((count..2 * count).all(|number| index.holds(&own(number)) == Held::Perhaps));
        assert!((2 * count..3 * count + 9).all(|number| index.holds(&own(number)) == Held::Not));
    }
}

#[test]
fn what_is_held_both_ways_is_held_certainly() {
    let both = BTreeSet::from([sid(GROUP)]);
    let token = Token { certain: both.clone(), uncertain: both };
    assert_eq!(
        (token.holds(&sid(GROUP)), TokenIndex::of(&token).holds(&sid(GROUP))),
        (Held::Certainly, Held::Certainly)
    );
    assert_eq!(TokenIndex::of(&Token::default()).holds(&sid(GROUP)), Held::Not);
}
