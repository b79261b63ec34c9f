//! What becomes of each name, as objects come, change and go.

use super::*;
use sendgate_core::sid::Sid;

fn person(dn: &str, guid: u8, values: &[(&str, &[&[u8]])]) -> Entry {
    let sid = "S-1-5-21-1-2-3-1104".parse::<Sid>().unwrap().to_bytes();
    let (sid, guid): ([&[u8]; 1], [&[u8]; 1]) = ([&sid], [&[guid; 16]]);
    let mut all: Vec<(&str, &[&[u8]])> = vec![
        ("objectGUID", &guid),
        ("objectSid", &sid),
        ("objectClass", &[b"user"]),
        ("primaryGroupID", &[b"513"]),
        ("uSNChanged", &[b"100"]),
        ("userAccountControl", &[b"512"]),
    ];
    all.retain(|(name, _)| !values.iter().any(|(given, _)| given == name));
    all.extend(values);
    Entry::of(dn, &all)
}

fn roster(asked: &[&str]) -> Arc<Roster> {
    Arc::new(Roster::new(&asked.iter().map(|name| name.parse().unwrap()).collect(), "a.test".parse().unwrap()))
}

fn answers(asked: &[&str], entries: &[Entry]) -> Answers {
    let mut answers = Answers::new(roster(asked), Some("A".to_owned()));
    for entry in entries {
        answers.take(entry, &mut Lens::default());
    }
    answers
}

fn reading(answers: &mut Answers, name: &str) -> UserReading {
    answers.all().remove(&name.parse().unwrap()).unwrap()
}

fn touched(answers: &mut Answers) -> Vec<String> {
    answers.touched().into_iter().map(|(name, _)| name.to_string()).collect()
}

fn is(reading: &UserReading, dn: &str) -> bool {
    matches!(reading, UserReading::Found(user) if user.dn == Dn::from(dn))
}

#[test]
fn every_name_is_accounted_for() {
    let ann = person("CN=Ann,DC=a,DC=test", 1, &[("mail", &[b"Ann@x.test"]), ("sAMAccountName", &[b"ann"])]);
    let asked = ["ann@x.test", "A\\ann", "bob@x.test", "B\\ann"];
    let mut answers = answers(&asked, &[ann]);
    assert_eq!(answers.all().len(), 4);
    assert!(is(&reading(&mut answers, "ann@x.test"), "cn=ann,dc=a,dc=test"));
    assert!(is(&reading(&mut answers, "A\\ann"), "cn=ann,dc=a,dc=test"));
    assert!(matches!(reading(&mut answers, "bob@x.test"), UserReading::NotFound));
    assert!(matches!(reading(&mut answers, "B\\ann"), UserReading::NotFound));
}

#[test]
fn two_objects_are_ambiguous_and_one_twice_is_not() {
    let first = person("CN=Ann,DC=a,DC=test", 1, &[("mail", &[b"ann@x.test"])]);
    let second = person("CN=Bob,DC=a,DC=test", 2, &[("proxyAddresses", &[b"SMTP:bob@x.test", b"smtp:ann@x.test"])]);
    let mut both = answers(&["ann@x.test"], &[first.clone(), second]);
    let UserReading::Ambiguous(dns) = reading(&mut both, "ann@x.test") else { panic!("{both:?}") };
    assert_eq!(dns, [Dn::from("CN=Ann,DC=a,DC=test"), Dn::from("CN=Bob,DC=a,DC=test")]);
    // One of them is gone.
    both.forget(Guid::from_bytes([2; 16]));
    assert_eq!(touched(&mut both), ["ann@x.test"]);
    assert!(is(&reading(&mut both, "ann@x.test"), "CN=Ann,DC=a,DC=test"));
    let mut twice = answers(&["ann@x.test"], &[first.clone(), first]);
    assert!(is(&reading(&mut twice, "ann@x.test"), "CN=Ann,DC=a,DC=test"));
}

#[test]
fn a_logon_name_gives_way_to_an_address() {
    let logon = person("CN=Ann,DC=a,DC=test", 1, &[("sAMAccountName", &[b"ann"])]);
    let address = person("CN=Other,DC=a,DC=test", 2, &[("mail", &[b"ann@a.test"])]);
    let mut answers = answers(&["ann@a.test"], std::slice::from_ref(&logon));
    assert!(is(&reading(&mut answers, "ann@a.test"), "CN=Ann,DC=a,DC=test"));
    answers.take(&address, &mut Lens::default());
    assert!(is(&reading(&mut answers, "ann@a.test"), "CN=Other,DC=a,DC=test"));
}

#[test]
fn what_is_not_understood_fails_by_name() {
    let odd = person("CN=Ann,DC=a,DC=test", 1, &[("mail", &[b"ann@x.test"]), ("objectSid", &[])]);
    let mut answers = answers(&["ann@x.test"], &[odd]);
    let UserReading::Failed(why) = reading(&mut answers, "ann@x.test") else { panic!("{answers:?}") };
    assert_eq!(why, "CN=Ann,DC=a,DC=test: objectSid was not shown");
}

#[test]
fn objects_without_a_guid_are_told_apart_by_their_names() {
    let odd = |dn| person(dn, 1, &[("mail", &[b"ann@x.test"]), ("objectGUID", &[])]);
    let mut one = answers(&["ann@x.test"], &[odd("CN=Ann,DC=a"), odd("cn=ann,DC=A")]);
    assert!(matches!(reading(&mut one, "ann@x.test"), UserReading::Failed(_)));
    let mut two = answers(&["ann@x.test"], &[odd("CN=Ann,DC=a"), odd("CN=Bob,DC=a")]);
    assert!(matches!(reading(&mut two, "ann@x.test"), UserReading::Ambiguous(_)));
}

#[test]
fn an_answer_to_nobody_leaves_the_missing_open_until_somebody_answers() {
    let mut answers = answers(&["ann@x.test", "bob@x.test"], &[]);
    assert!(!answers.take(&person("CN=Ann,DC=a", 1, &[("mail", &["änn@x.test".as_bytes()])]), &mut Lens::default()));
    let stray = Dn::from("CN=Ann,DC=a");
    answers.open([0].into_iter(), Some(&stray));
    assert_eq!(touched(&mut answers), ["ann@x.test"]);
    let UserReading::Failed(why) = reading(&mut answers, "ann@x.test") else { panic!("found") };
    assert!(why.starts_with("the server takes CN=Ann,DC=a for an answer"), "{why}");
    assert!(matches!(reading(&mut answers, "bob@x.test"), UserReading::NotFound));
    answers.take(&person("CN=Real,DC=a", 2, &[("mail", &[b"ann@x.test"])]), &mut Lens::default());
    assert!(is(&reading(&mut answers, "ann@x.test"), "CN=Real,DC=a"));
}

#[test]
fn only_what_is_not_as_it_was_is_touched() {
    let ann = |mail: &str, class: &str| {
        person("CN=Ann,DC=a", 1, &[("mail", &[mail.as_bytes()]), ("objectClass", &[class.as_bytes()])])
    };
    let mut answers = answers(&["ann@x.test", "new@x.test"], &[ann("ann@x.test", "user")]);
    assert_eq!(touched(&mut answers), ["ann@x.test"]);
    let mut take = |entry: &Entry| {
        answers.take(entry, &mut Lens::default());
        touched(&mut answers)
    };
    assert_eq!(take(&ann("ANN@x.test", "user")), [""; 0]);
    assert_eq!(take(&ann("ann@x.test", "inetOrgPerson")), ["ann@x.test"]);
    // He has another address now: the old name is nobody's.
    assert_eq!(take(&ann("new@x.test", "inetOrgPerson")), ["ann@x.test", "new@x.test"]);
    assert_eq!(take(&ann("other@x.test", "inetOrgPerson")), ["new@x.test"]);
    assert!(matches!(reading(&mut answers, "ann@x.test"), UserReading::NotFound));
}

#[test]
fn another_roster_keeps_what_is_known_and_names_what_is_not() {
    let ann = person("CN=Ann,DC=a", 1, &[("mail", &[b"mm@x.test"]), ("proxyAddresses", &[b"smtp:zz@x.test"])]);
    let mut answers = answers(&["bb@x.test", "mm@x.test", "zz@x.test"], &[ann]);
    answers.all();
    let new = answers.change(roster(&["aa@x.test", "mm@x.test", "nn@x.test"]));
    assert_eq!(new, [0, 2]);
    assert_eq!(touched(&mut answers), ["aa@x.test", "nn@x.test"]);
    assert!(is(&reading(&mut answers, "mm@x.test"), "CN=Ann,DC=a"));
    assert!(matches!(reading(&mut answers, "aa@x.test"), UserReading::NotFound));
    answers.forget(Guid::from_bytes([1; 16]));
    assert_eq!(touched(&mut answers), ["mm@x.test"]);
    assert!(answers.change(roster(&[])).is_empty());
}

/// Whatever it is that changes them.
#[test]
fn answers_that_become_other_ones_are_kept_as_they_first_were_while_that_is_wanted() {
    let ann =
        |class: &str| person("CN=Ann,DC=a", 1, &[("mail", &[b"ann@x.test"]), ("objectClass", &[class.as_bytes()])]);
    let guid = Guid::from_bytes([1; 16]);
    let changes: [fn(&mut Answers, Guid); 4] = [
        |answers, guid| answers.forget(guid),
        |answers, guid| answers.unseen(guid),
        |answers, guid| answers.descriptor(guid, DescriptorReading::Malformed("odd".to_owned())),
        |answers, _| {
            let other = person("CN=Other,DC=a", 2, &[("mail", &[b"ann@x.test"])]);
            answers.take(&other, &mut Lens::default());
        },
    ];
    for change in changes {
        let mut answers = answers(&["ann@x.test", "bob@x.test"], &[ann("user")]);
        assert!(answers.kept().is_empty(), "nobody wants them");
        answers.keep();
        answers.take(&ann("user"), &mut Lens::default());
        change(&mut answers, guid);
        answers.take(&ann("inetOrgPerson"), &mut Lens::default());
        answers.take(&person("CN=Bob,DC=a", 3, &[("mail", &[b"bob@x.test"])]), &mut Lens::default());
        let kept = answers.kept();
        let [(name, UserReading::Found(first))] = kept.as_slice() else { panic!("{kept:?}") };
        assert_eq!((name.as_str(), &first.descriptor), ("ann@x.test", &DescriptorReading::NotShown));
        assert_eq!(first.class, sendgate_core::coverage::reading::UserClass::User);
        assert!(answers.kept().is_empty(), "they are told once");
    }
}
