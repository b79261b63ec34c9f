use super::super::super::Readers;
use super::super::super::fake::{Answer, DONE, bound, hasty, object_of, result};
use super::*;
use std::time::Duration;

/// What a filter of this module says of an object: its objectGUID, if it shows one, under a server's own idea of order.
fn describes(filter: &str, guid: Option<[u8; OCTETS]>, at_least: &dyn Fn([u8; OCTETS], [u8; OCTETS]) -> bool) -> bool {
    let mut rest = filter;
    while !rest.is_empty() {
        let negated = rest.starts_with("(!");
        let start = rest.find("(objectGUID>=").unwrap() + "(objectGUID>=".len();
        let end = start + 3 * OCTETS;
        let octets: Vec<u8> =
            rest[start..end].split('\\').skip(1).map(|octet| u8::from_str_radix(octet, 16).unwrap()).collect();
        let holds = guid.is_some_and(|guid| at_least(guid, octets.as_slice().try_into().unwrap()));
        if holds == negated {
            return false;
        }
        rest = &rest[end + if negated { 2 } else { 1 }..];
    }
    true
}

fn parts_of(
    parts: usize,
    guid: Option<[u8; OCTETS]>,
    at_least: &dyn Fn([u8; OCTETS], [u8; OCTETS]) -> bool,
) -> Vec<usize> {
    (1..=parts).filter(|number| describes(&part(*number, parts), guid, at_least)).collect()
}

#[test]
fn everybody_is_in_one_part_and_nobody_in_two() {
    for parts in 1..=4 {
        let mut sizes = vec![0; parts];
        for first in 0..=255 {
            for rest in [0, 1, 0x7f, 0x80, 0xff] {
                let mut guid = [rest; OCTETS];
                guid[0] = first;
                let found = parts_of(parts, Some(guid), &|guid, bound| guid >= bound);
                assert_eq!(found.len(), 1, "{guid:?} of {parts}: {found:?}");
                sizes[found[0] - 1] += 1;
            }
        }
        let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
        assert!(most - least <= 5, "{sizes:?}");
        assert_eq!(parts_of(parts, None, &|_, _| true), [1], "one that shows no objectGUID is in the first part");
    }
}

#[test]
fn nobody_is_lost_whatever_a_server_takes_for_an_order() {
    type Order = fn([u8; OCTETS], [u8; OCTETS]) -> bool;
    let backwards: Order = |guid, bound| guid.iter().rev().ge(bound.iter().rev());
    let upside_down: Order = |guid, bound| guid <= bound;
    let none: Order = |_, _| false;
    let all: Order = |_, _| true;
    // Not even in itself sound: by the parity of what is compared.
    let nonsense: Order = |guid, bound| (guid[0] ^ bound[0] >> 6) % 2 == 0;
    for (name, order) in
        [("backwards", backwards), ("upside down", upside_down), ("none", none), ("all", all), ("nonsense", nonsense)]
    {
        for parts in 1..=4 {
            for first in 0..=255_u8 {
                let mut guid = [first.wrapping_mul(167); OCTETS];
                guid[0] = first;
                assert!(!parts_of(parts, Some(guid), &order).is_empty(), "{guid:?} of {parts} under {name}");
            }
        }
    }
}

#[test]
fn each_part_is_a_filter_that_a_server_takes() {
    let zeros = "\\00".repeat(OCTETS - 1);
    assert_eq!(part(1, 1), "");
    assert_eq!(part(1, 2), format!("(!(objectGUID>=\\80{zeros}))"));
    assert_eq!(part(2, 2), format!("(objectGUID>=\\80{zeros})"));
    assert_eq!(part(2, 4), format!("(objectGUID>=\\40{zeros})(!(objectGUID>=\\80{zeros}))"));
    for parts in 2..=4 {
        for number in 1..=parts {
            let filter = format!("(&(objectClass=user){})", part(number, parts));
            assert!(ldap3::parse_filter(&filter).is_ok(), "{filter}");
        }
    }
}

/// A server's root DSE, and that a filter describes its head.
fn started() -> Vec<Answer> {
    let root = [
        ("defaultNamingContext", b"DC=example,DC=test".to_vec()),
        ("configurationNamingContext", b"CN=Configuration,DC=example,DC=test".to_vec()),
        ("currentTime", b"20261124230100.0Z".to_vec()),
    ];
    vec![bound(), object_of("", &root)]
}

async fn opened(orders: Answer, readers: i64) -> Result<More, DirectoryError> {
    let mut script = started();
    script.push(orders);
    let mut server = hasty(script);
    server.readers = Readers::new(readers).unwrap();
    server.timeouts.connect = Duration::from_millis(300);
    let session = connect::open(&server).await.ok().unwrap();
    more(&session).await
}

#[tokio::test]
async fn a_server_that_tells_no_order_is_read_over_one_connection() {
    for answer in [Answer::Say(vec![result(DONE, 0, "")]), Answer::Say(vec![result(DONE, 18, "")])] {
        assert_eq!(opened(answer, 2).await.ok().unwrap().count(), 0);
    }
    // A setting of one asks nothing.
    assert_eq!(opened(Answer::Close, 1).await.ok().unwrap().count(), 0);
    let error = opened(Answer::Say(vec![result(DONE, 1, "")]), 2).await.err().unwrap().to_string();
    assert!(error.starts_with("asking whether (&(objectGUID>="), "{error}");
}

#[tokio::test]
async fn a_connection_that_cannot_be_had_says_how_to_do_without() {
    // This server accepts one connection only.
    let error = opened(object_of("DC=example,DC=test", &[]), 2).await.err().unwrap().to_string();
    let expected = "; this was connection 2 for reading the users: `readers = 1` for this server makes do with one";
    assert!(error.contains("dc.example.test") && error.ends_with(expected), "{error}");
}
