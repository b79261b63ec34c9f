//! Users who get other names, and names that get other users.

use super::*;

/// The group that holds him does not change when a user is renamed.
#[tokio::test]
async fn a_user_who_is_renamed_or_moved_stays_protected() {
    for known in [true, false] {
        let mut state = if known { with_ann("CN=Ann,DC=example,DC=test") } else { with_nobody() };
        let renamed = "CN=Anna,DC=example,DC=test";
        let answers = [change(vec![user_entry(renamed, "101")]), protection(renamed)].concat();
        looked(&hasty(answers), &mut state).await.unwrap();
        assert_eq!(found(&state).dn, Dn::from(renamed));
        assert_eq!(found(&state).protected_by.as_ref().unwrap().0, [Dn::from(ADMINS)], "known before: {known}");
        assert!(!state.renamed);
    }
}

/// Servers bring him what he inherits at the new place later, and show no change of his. It outlives a look that fails: at
/// the next one the new place is the known one.
#[tokio::test]
async fn what_a_user_inherits_where_he_was_moved_is_on_its_way() {
    let (sales, closed) = ("CN=Ann,OU=Sales,DC=example,DC=test", "OU=Closed,DC=example,DC=test");
    let moved = format!("CN=Ann,{closed}");
    for (now, expected) in [(moved.as_str(), vec![closed]), ("CN=Anna,OU=Sales,DC=example,DC=test", vec![])] {
        let mut state = with_ann(sales);
        let answers = [change(vec![user_entry(now, "101")]), vec![Answer::Close]].concat();
        looked(&hasty(answers), &mut state).await.unwrap_err();
        let flowing: Vec<&str> = state.flowing.keys().map(Dn::as_str).collect();
        assert_eq!(flowing, expected, "{now}");
        assert_eq!(found(&state).dn, Dn::from(now));
    }
    // Until the change has arrived, she is read again with everybody there.
    let mut state = with_ann(sales);
    let unit = || Answer::Page(vec![container_entry(HEAD, 1), container_entry(closed, 9)]);
    let lost = SecurityDescriptor::from_sddl("D:(A;;GR;;;SY)", None).unwrap().to_bytes();
    let later = entry_of(
        &moved,
        &[
            ("objectGUID", ann_guid().to_bytes().to_vec()),
            ("nTSecurityDescriptor", lost),
            ("uSNChanged", b"101".to_vec()),
        ],
    );
    let below = vec![object(closed, "objectGUID", &[9; 16]), Answer::Page(vec![later]), unit()];
    let answers = [change(vec![user_entry(&moved, "101")]), protection(&moved), vec![unit()], below].concat();
    let before = found(&state).descriptor.clone();
    looked(&hasty(answers), &mut state).await.unwrap();
    assert_ne!(found(&state).descriptor, before, "what she has lost there is seen");
    assert!(state.flowing.contains_key(&Dn::from(closed)), "more may come");
}

/// At the second look the new name is the known one.
#[tokio::test]
async fn a_look_that_failed_after_a_user_was_renamed_leaves_his_protection_to_the_next_one() {
    let mut state = with_ann("CN=Ann,DC=example,DC=test");
    let renamed = "CN=Anna,DC=example,DC=test";
    let answers = [change(vec![user_entry(renamed, "101")]), vec![Answer::Close]].concat();
    looked(&hasty(answers), &mut state).await.unwrap_err();
    let answers = [change(vec![user_entry(renamed, "101")]), protection(renamed)].concat();
    looked(&hasty(answers), &mut state).await.unwrap();
    assert!(found(&state).protected_by.is_some());
}

/// The groups are read before the users, in a full reading.
#[tokio::test]
async fn a_user_who_was_renamed_during_a_full_reading_is_found_in_his_groups_by_the_next_look() {
    let (old, renamed) = ("CN=Ann,DC=example,DC=test", "CN=Anna,DC=example,DC=test");
    let text = |name: &'static str, value: &str| (name, value.as_bytes().to_vec());
    let root = object_of(
        "",
        &[
            text("defaultNamingContext", HEAD),
            text("configurationNamingContext", "CN=Configuration,DC=example,DC=test"),
            text("currentTime", "20261124230102.0Z"),
            text("highestCommittedUSN", "100"),
        ],
    );
    let head = Answer::Page(vec![container_entry(HEAD, 1)]);
    let users = vec![Answer::Page(vec![]), Answer::Page(vec![user_entry(renamed, "101")]), head, nobody()];
    let reading = [vec![bound(), root, nobody()], protection(old), users].concat();
    let look_after = [change(vec![user_entry(renamed, "101")])[1..].to_vec(), protection(renamed)].concat();
    let session = connect::open(&hasty([reading, look_after].concat())).await.ok().unwrap();
    let report = Report::nobody(session.server().name.clone());
    let (domain, asked) = ("example.test".parse().unwrap(), state().asked);
    let mut state = super::super::super::full::read(&session, &domain, asked, Steady::START, &report).await.unwrap();
    assert_eq!(found(&state).protected_by, None);
    look(&mut state, &session, Steady::START, ANSWER).await.unwrap();
    assert!(found(&state).protected_by.is_some());
}

/// A name that is new is somebody's whose other names nobody has followed.
#[tokio::test]
async fn whoever_is_asked_for_anew_is_looked_for_in_the_groups_as_they_are_now() {
    let mut state = with_nobody();
    let (asked, dn) = (ask(&["ann@x.test", "bob@x.test"], &state), "CN=Ann,DC=example,DC=test");
    state.asked = ask(&["bob@x.test"], &state);
    state.answers = Answers::new(state.asked.roster.clone(), None);
    let found = Answer::Page(vec![user_entry(dn, "90")]);
    let answers = [vec![bound(), found, nobody()], protection(dn)].concat();
    let session = connect::open(&hasty(answers)).await.ok().unwrap();
    let Looked::Known(delta) = want(&mut state, &session, asked).await.unwrap() else { panic!("unclear") };
    let ann = delta.users.iter().find(|(name, _)| name.as_str() == "ann@x.test").unwrap();
    let UserReading::Found(ann) = &ann.1 else { panic!("{ann:?}") };
    assert!(ann.protected_by.is_some());
}

fn ask(names: &[&str], like: &State) -> Asked {
    let asked = names.iter().map(|name| name.parse().unwrap()).collect();
    let wanted = Wanted { asked: Arc::new(asked), ..like.asked.wanted.as_ref().clone() };
    let roster = Arc::new(Roster::new(&wanted.asked, "example.test".parse().unwrap()));
    Asked { wanted: Arc::new(wanted), roster }
}

/// Whoever is told forgets a name that is not asked for; this server may never have heard of that.
#[tokio::test]
async fn a_name_that_left_the_roster_and_came_back_is_told_again() {
    let mut state = with_ann("CN=Ann,DC=example,DC=test");
    let again = ask(&["ann@x.test"], &state);
    let session = connect::open(&hasty(vec![bound()])).await.ok().unwrap();
    let Looked::Known(delta) = want(&mut state, &session, again.clone()).await.unwrap() else { panic!("unclear") };
    assert!(matches!(delta.users.as_slice(), [(name, UserReading::Found(_))] if name.as_str() == "ann@x.test"));
    let Looked::Known(delta) = want(&mut state, &session, again).await.unwrap() else { panic!("unclear") };
    assert!(delta.users.is_empty(), "with the same roster nothing is to be told");
}
