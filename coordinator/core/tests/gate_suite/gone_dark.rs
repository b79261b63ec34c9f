//! A domain whose user closes a server's gate goes dark: what it showed last still counts.

use crate::example::{Example, minutes, name};
use sendgate_core::coverage::Judged;
use sendgate_core::coverage::reading::Home;
use sendgate_core::coverage::verdict::Presence;
use sendgate_core::estate::Observation;
use sendgate_core::gate;
use sendgate_core::ledger::{Entry, Generation};
use sendgate_core::names::{DirectoryName, DomainName};
use sendgate_core::policy::GateScope;
use sendgate_core::time::{BootTime, ClockMark};

const B: &str = "b.example.test";

/// Domain b has GoodLink server glb, which is declared to use EXB1, and bob, whose mailbox was moved to EXA1. Nobody of b is
/// declared to be there.
fn moved(scope: GateScope) -> Example {
    let mut example = Example::covered();
    example.beside_glb();
    example.policy.scope = scope;
    let (a, b): (DomainName, DomainName) = (name("a.example.test"), name(B));
    example.policy.domains.insert(b.clone(), example.policy.domains[&a].clone());
    let server = example.policy.exchange[&name("exa2")].clone();
    example.policy.exchange.insert(name("exb1"), server);
    let glb = example.policy.goodlink.get_mut(&name("glb")).unwrap();
    (glb.domains, glb.exchange) = ([b].into(), [name("exb1")].into());
    let gla = example.policy.goodlink.get_mut(&name("gla")).unwrap();
    gla.exchange = [name("exa1"), name("exa2")].into();
    let mut roster = example.only("anna");
    roster.users = [(name("bob"), bob())].into();
    example.estate.rosters.insert(name("glb"), roster);
    let host = example.estate.hosts[&name("gla")].clone();
    example.report("glb", host);
    let bob = Presence::Here(Box::new(anna(&example)));
    shows(&mut example, Some(bob));
    example
}

fn bob() -> DirectoryName {
    name("bob@b.example.test")
}

/// A covered user whose mailbox is on EXA1.
fn anna(example: &Example) -> sendgate_core::coverage::UserPicture {
    let users = &example.estate.domains[&name("a.example.test")].users;
    let Presence::Here(anna) = &users[&name("anna@a.example.test")] else { panic!("anna is there") };
    anna.as_ref().clone()
}

/// What b shows of bob in a full reading; none: all its servers are away.
fn shows(example: &mut Example, bob: Option<Presence>) {
    let mut look = example.look();
    look.domain = name(B);
    if bob.is_none() {
        look.failed = look.seen.keys().map(|server| (server.clone(), "connection refused".to_owned())).collect();
        look.seen.clear();
    }
    let bob = bob.unwrap_or_else(|| Presence::Unknown("a1: connection refused".to_owned()));
    look.users = Judged::All([(self::bob(), bob)].into());
    example.estate.observe(Observation::Look(look));
}

fn cells(example: &Example) -> Vec<String> {
    gate::cells_of_server(example.world(), &name("exa1")).iter().map(ToString::to_string).collect()
}

#[test]
fn servers_that_are_away_leave_the_cell_closed_of_whom_they_showed() {
    for scope in [GateScope::Domain, GateScope::Mailboxes] {
        let mut example = moved(scope);
        assert_eq!(cells(&example), ["a.example.test", B]);
        let why = "the mailbox of bob@b.example.test is on exa1, which glb";
        let of = "a user of b.example.test has or may have his mailbox on exa1, and no GoodLink server with users in \
                  b.example.test is declared to use it";
        let texts = example.texts("exa1");
        assert!(texts.len() == 2 && texts[0].starts_with(why) && texts[1] == of, "{texts:?}");
        // Twice: what he was the first time is forgotten by nobody.
        for _ in 0..2 {
            shows(&mut example, None);
            assert_eq!(cells(&example), ["a.example.test", B]);
            assert!(example.texts("exa1").iter().any(|text| text.contains("connection refused")), "{scope:?}");
        }
        // He moves on, which is seen when they are back.
        let mut gone = anna(&example);
        gone.home = Home::Server(name("exb1"));
        shows(&mut example, Some(Presence::Here(Box::new(gone))));
        assert_eq!(cells(&example), ["a.example.test"]);
        assert_eq!(example.texts("exa1"), Vec::<String>::new());
        shows(&mut example, None);
        assert_eq!(example.texts("exa1"), Vec::<String>::new(), "b is away, and nobody of it was there");
    }
}

#[test]
fn evidence_that_grows_old_leaves_the_cell_closed_of_whom_it_showed() {
    let mut example = moved(GateScope::Domain);
    example.pass(minutes(600));
    assert_eq!(cells(&example), ["a.example.test", B]);
    assert!(example.texts("exa1").iter().any(|text| text.contains("b.example.test")), "{:?}", example.texts("exa1"));
}

/// One object alone that no server can read any more, in a domain that answers.
#[test]
fn a_user_whom_nobody_can_read_any_more_counts_where_he_was() {
    let mut example = moved(GateScope::Mailboxes);
    shows(&mut example, Some(Presence::Unknown("a1: uSNChanged was not shown".to_owned())));
    let texts = example.texts("exa1");
    let why = "b.example.test, which showed his mailbox on exa1 last: a1: uSNChanged was not shown";
    assert!(texts.iter().any(|text| text.contains(why)), "{texts:?}");
    shows(&mut example, Some(Presence::Ambiguous(["CN=bob", "CN=bob2"].map(Into::into).into())));
    let texts = example.texts("exa1");
    let why = "b.example.test shows him more than once, and showed his mailbox on exa1 last";
    assert!(texts.iter().any(|text| text.contains(why)), "{texts:?}");
    shows(&mut example, Some(Presence::Absent));
    assert_eq!(example.texts("exa1"), Vec::<String>::new());
}

/// His mailbox is on its way to another server: until the directory says that it has arrived it may be where it was.
#[test]
fn a_mailbox_that_cannot_be_placed_counts_where_it_was() {
    for scope in [GateScope::Domain, GateScope::Mailboxes] {
        let mut example = moved(scope);
        let mut unclear = anna(&example);
        unclear.home = Home::Unclear("homeMDB says exb1, msExchHomeServerName exa1".into());
        let unclear = Presence::Here(Box::new(unclear));
        for _ in 0..2 {
            shows(&mut example, Some(unclear.clone()));
            assert_eq!(cells(&example), ["a.example.test", B]);
            let texts = example.texts("exa1");
            assert!(texts.iter().any(|text| text.contains("homeMDB says exb1")), "{scope:?}: {texts:?}");
        }
        // What was remembered outlasts it.
        shows(&mut example, None);
        assert_eq!(cells(&example), ["a.example.test", B]);
        let mut arrived = anna(&example);
        arrived.home = Home::Server(name("exb1"));
        shows(&mut example, Some(Presence::Here(Box::new(arrived))));
        assert_eq!(cells(&example), ["a.example.test"]);
        // Between two other servers.
        shows(&mut example, Some(unclear));
        assert_eq!(cells(&example), ["a.example.test"]);
    }
}

/// Where nothing of the kind is remembered, because the coordinator has just started.
#[test]
fn after_a_start_a_domain_is_awaited_for_as_long_as_a_host_may_be_silent() {
    let mut example = moved(GateScope::Domain);
    example.estate.domains.remove(&name(B));
    start(&mut example);
    let texts = example.texts("exa1");
    assert!(texts.iter().any(|text| text.contains("b.example.test has not been surveyed")), "{texts:?}");
    example.pass(minutes(4));
    assert_eq!(example.texts("exa1"), Vec::<String>::new(), "one that is silent closes only what it uses");
}

/// The coordinator starts; glb's host has not reported, and b was read while nobody knew whom to ask for.
fn started_with_an_empty_look(scope: GateScope) -> Example {
    let mut example = moved(scope);
    example.estate.domains.remove(&name(B));
    example.estate.rosters.remove(&name("glb"));
    example.estate.hosts.remove(&name("glb"));
    start(&mut example);
    look(&mut example, []);
    example
}

fn start(example: &mut Example) {
    let clock = ClockMark { boot_id: None, boot_time: BootTime::after_boot(minutes(1)), steady: example.now.steady };
    let generation = Generation { epoch: 7, counter: 1, mark: 1 };
    example.append(Entry::Started { generation, clock, version: "1".into(), laboratory: false });
}

/// Another look at b between full readings, or its first one.
fn look(example: &mut Example, users: impl IntoIterator<Item = (DirectoryName, Presence)>) {
    let mut look = example.look();
    look.domain = name(B);
    look.started = example.estate.domains.get(&name(B)).map_or(look.started, |known| known.started);
    look.users = Judged::All(users.into_iter().collect());
    example.estate.observe(Observation::Look(look));
}

/// What a look before the first full reading shows of names that came after it began.
fn unread() -> Presence {
    Presence::Unknown("a1 did not account for him".to_owned())
}

fn glb_reports(example: &mut Example) {
    let host = example.estate.hosts[&name("gla")].clone();
    example.report("glb", host);
    let mut roster = example.only("anna");
    roster.users = [(name("bob"), bob())].into();
    example.estate.observe(Observation::Roster(name("glb"), roster, example.now.steady));
}

#[test]
fn after_a_start_a_look_that_asked_for_nobody_ends_no_waiting() {
    for scope in [GateScope::Domain, GateScope::Mailboxes] {
        let mut example = started_with_an_empty_look(scope);
        assert_eq!(cells(&example), ["a.example.test", B], "its roster is missing");
        assert_ne!(example.texts("exa1"), Vec::<String>::new());
        // The roster is there, and everybody of it must be read, which takes longer than a host may be silent.
        glb_reports(&mut example);
        assert_eq!(cells(&example), ["a.example.test", B], "nobody has asked for him yet");
        assert_ne!(example.texts("exa1"), Vec::<String>::new());
        for _ in 0..3 {
            look(&mut example, [(bob(), unread())]);
            assert_eq!(cells(&example), ["a.example.test", B]);
            let texts = example.texts("exa1");
            assert!(texts.iter().any(|text| text.contains("did not account for him")), "{scope:?}: {texts:?}");
            example.pass(minutes(3));
            glb_reports(&mut example);
        }
        // Whoever is excepted is not waited for.
        let mut waived = Example { ledger: example.ledger.clone(), ..started_with_an_empty_look(scope) };
        (waived.estate, waived.now) = (example.estate.clone(), example.now);
        waived.waive("bob@b.example.test", "leaves in December");
        assert_eq!(cells(&waived), ["a.example.test"]);
        // Read at last: he is there, or he is not.
        let mut here = anna(&example);
        shows(&mut example, Some(Presence::Here(Box::new(here.clone()))));
        assert_eq!(cells(&example), ["a.example.test", B]);
        here.home = Home::Server(name("exb1"));
        shows(&mut example, Some(Presence::Here(Box::new(here))));
        assert_eq!(example.texts("exa1"), Vec::<String>::new());
    }
}

/// Nobody knows when they come back: one that is away closes only what it uses, as one does that has not been read at all.
#[test]
fn after_a_start_a_domain_whose_servers_refuse_is_awaited_as_long_as_one_that_was_not_read() {
    for scope in [GateScope::Domain, GateScope::Mailboxes] {
        let mut example = started_with_an_empty_look(scope);
        glb_reports(&mut example);
        shows(&mut example, None);
        assert_eq!(cells(&example), ["a.example.test", B]);
        assert_ne!(example.texts("exa1"), Vec::<String>::new());
        example.pass(minutes(3));
        glb_reports(&mut example);
        shows(&mut example, None);
        assert_eq!(example.texts("exa1"), Vec::<String>::new());
    }
}

/// A name that nobody can read is no reason to wait for it after everybody was read.
#[test]
fn a_full_reading_that_began_later_ends_the_waiting() {
    let mut example = started_with_an_empty_look(GateScope::Domain);
    glb_reports(&mut example);
    example.pass(minutes(3));
    glb_reports(&mut example);
    shows(&mut example, Some(Presence::Unknown("a1: uSNChanged was not shown".to_owned())));
    assert_eq!(example.texts("exa1"), Vec::<String>::new());
}
